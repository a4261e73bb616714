// Pad: more elements around a tensor, all equal or taken from it; negative pads
// crop first. Bits stay (P15); the value attribute rounds once (P14).
#include <algorithm>

#include "ops/movement.h"
#include "ops/op.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

// More pieces than this on one axis, or boxes in all, are left to the
// reference: only pads far larger than the tensor make them.
constexpr size_t kMaxPieces = 64;
constexpr size_t kMaxBoxes = 1024;

// One axis: `count` elements from `first` on remain, with padding around them.
struct PaddedAxis {
  int64_t first = 0;
  int64_t count = 0;
  int64_t before = 0;
  int64_t after = 0;
  int64_t Out() const { return before + count + after; }
};

struct PadSpec {
  fbs::PadFill fill = fbs::PadFill::constant;
  std::vector<PaddedAxis> axes;
};

int64_t FloorModulo(int64_t a, int64_t n) {
  const int64_t rest = a % n;
  return rest < 0 ? rest + n : rest;
}

Expected<PaddedAxis> CropAndPad(int64_t extent, int64_t begin, int64_t end) {
  if (std::max(begin, end) > kMaxElements ||
      std::min(begin, end) < -kMaxElements) {
    return LimitError("pads " + std::to_string(begin) + " and " +
                      std::to_string(end) + " are beyond 2^40");
  }
  PaddedAxis axis;
  axis.first = std::max<int64_t>(-begin, 0);
  axis.count = extent - axis.first - std::max<int64_t>(-end, 0);
  axis.before = std::max<int64_t>(begin, 0);
  axis.after = std::max<int64_t>(end, 0);
  if (axis.count < 0) {
    return ShapeError("pads " + std::to_string(begin) + " and " +
                      std::to_string(end) + " crop more than extent " +
                      std::to_string(extent));
  }
  return axis;
}

Expected<PadSpec> SpecOf(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Pad>();
  const Shape& x = op.In(0).shape;
  PadSpec spec;
  spec.fill = attributes.fill();
  if (spec.fill > fbs::PadFill::MAX) return Unsupported("unknown kind of pad");
  ANEREF_ASSIGN(const std::vector<int64_t> pads,
                ListOf(op, 1, attributes.pads()));
  ANEREF_ASSIGN(std::vector<int64_t> list, ListOf(op, 3, attributes.axes()));
  if (!op.HasInput(3) && attributes.axes() == nullptr) {
    for (size_t axis = 0; axis < x.rank(); ++axis)
      list.push_back(static_cast<int64_t>(axis));
  }
  ANEREF_ASSIGN(const std::vector<size_t> axes, NormalizeAxes(list, x.rank()));
  if (pads.size() != 2 * axes.size()) {
    return ShapeError(std::to_string(pads.size()) + " pads for " +
                      std::to_string(axes.size()) +
                      " axes; a begin and an end for each are needed");
  }
  for (int64_t extent : x) spec.axes.push_back({0, extent, 0, 0});
  for (size_t i = 0; i < axes.size(); ++i) {
    PaddedAxis& axis = spec.axes[axes[i]];
    ANEREF_ASSIGN(axis, CropAndPad(x[axes[i]], pads[i], pads[axes.size() + i]));
    if (spec.fill != fbs::PadFill::constant && axis.count == 0 &&
        axis.Out() > 0) {
      return ShapeError("axis " + std::to_string(axes[i]) +
                        " has no element to repeat");
    }
  }
  return spec;
}

Status CheckValue(const OpView& op) {
  if (!op.HasInput(2)) return Status();
  const TensorType& value = op.In(2);
  if (value.dtype != op.In(0).dtype || value.shape.NumElements() != 1) {
    return ShapeError("the value must be one element of " +
                      std::string(DataTypeName(op.In(0).dtype)) + ", not " +
                      value.ToString());
  }
  return Status();
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 4));
  ANEREF_TRY(CheckValue(op));
  ANEREF_ASSIGN(const PadSpec spec, SpecOf(op));
  std::vector<int64_t> dims;
  for (const PaddedAxis& axis : spec.axes) dims.push_back(axis.Out());
  return OneOutput(op.In(0).dtype, dims);
}

std::array<std::byte, 8> ValueAttribute(const OpView& op, DataType dtype) {
  std::array<std::byte, 8> bits{};
  const float value = op.attributes<fbs::Pad>().value();
  if (dtype == DataType::kFloat16) {
    ConvertConstantToHalf(&value, reinterpret_cast<uint16_t*>(bits.data()), 1,
                          1);  // P12
  } else {
    ConvertElements(DataType::kFloat32, &value, dtype, bits.data(), 1);
  }
  return bits;
}

// Element of the input that lies at `position` of the output; -1: the value.
int64_t SourceOf(fbs::PadFill fill, const PaddedAxis& axis, int64_t position) {
  const int64_t n = axis.count;
  const int64_t i = position - axis.before;
  if (i >= 0 && i < n) return axis.first + i;
  switch (fill) {
    case fbs::PadFill::constant:
      break;
    case fbs::PadFill::edge:
      return axis.first + std::clamp<int64_t>(i, 0, n - 1);
    case fbs::PadFill::wrap:
      return axis.first + FloorModulo(i, n);
    case fbs::PadFill::reflect: {
      if (n == 1) return axis.first;
      const int64_t turn = FloorModulo(i, 2 * (n - 1));
      return axis.first + std::min(turn, 2 * (n - 1) - turn);
    }
  }
  return -1;
}

// ---- lowering: an axis is a few pieces with a constant step each ----

struct Piece {
  int64_t dst = 0;
  int64_t count = 0;
  int64_t src = 0;
  int64_t step = 1;
};

// The longest piece that begins at `position` of the output.
Piece PieceAt(fbs::PadFill fill, const PaddedAxis& axis, int64_t position) {
  const int64_t n = axis.count;
  const int64_t i = position - axis.before;
  Piece piece = {position, 1, SourceOf(fill, axis, position), 1};
  if (i >= 0 && i < n) {
    piece.count = n - i;
  } else if (fill == fbs::PadFill::edge ||
             (fill == fbs::PadFill::reflect && n == 1)) {
    piece.count = i < 0 ? -i : axis.Out() - position;
    piece.step = 0;
  } else if (fill == fbs::PadFill::wrap) {
    piece.count = n - FloorModulo(i, n);
  } else {
    const int64_t period = 2 * (n - 1);
    const int64_t turn = FloorModulo(i, period);
    piece.step = turn < n - 1 ? 1 : -1;
    piece.count = turn < n - 1 ? n - 1 - turn : period - turn;
  }
  piece.count = std::min(piece.count, axis.Out() - position);
  return piece;
}

// Empty when there are more than kMaxPieces.
std::vector<Piece> PiecesOf(fbs::PadFill fill, const PaddedAxis& axis) {
  if (fill == fbs::PadFill::constant)
    return {{axis.before, axis.count, axis.first, 1}};
  std::vector<Piece> pieces;
  for (int64_t at = 0; at < axis.Out(); at += pieces.back().count) {
    if (pieces.size() == kMaxPieces) return {};
    pieces.push_back(PieceAt(fill, axis, at));
  }
  return pieces;
}

// Every combination of the axes' pieces is a box. False when there are too
// many.
bool AddPieces(const OpView& op, const PadSpec& spec, CopyArgs* args) {
  const auto src = SurfaceStrides(op.In(0));
  const auto dst = SurfaceStrides(op.Out(0));
  std::vector<CopyBox> boxes(1);
  for (size_t axis = 0; axis < spec.axes.size(); ++axis) {
    const std::vector<Piece> pieces = PiecesOf(spec.fill, spec.axes[axis]);
    if (pieces.empty() || boxes.size() * pieces.size() > kMaxBoxes)
      return false;
    std::vector<CopyBox> next;
    for (const CopyBox& outer : boxes) {
      for (const Piece& piece : pieces) {
        CopyBox box = outer;
        box.src_offset += piece.src * src[axis];
        box.dst_offset += piece.dst * dst[axis];
        box.AddAxis(piece.count, piece.step * src[axis], dst[axis]);
        next.push_back(box);
      }
    }
    boxes = std::move(next);
  }
  for (const CopyBox& box : boxes) args->Add(box);
  return true;
}

// The frame, axis by axis: what lies before and after the input along `axis`,
// inside the input along the axes before it.
void AddFrame(const OpView& op, const PadSpec& spec, CopyArgs* args) {
  const auto dst = SurfaceStrides(op.Out(0));
  for (size_t axis = 0; axis < spec.axes.size(); ++axis) {
    const PaddedAxis& padded = spec.axes[axis];
    for (const bool after : {false, true}) {
      CopyBox box;
      box.in = op.HasInput(2) ? 1 : CopyBox::kFromValue;
      for (size_t a = 0; a < spec.axes.size(); ++a) {
        const PaddedAxis& other = spec.axes[a];
        int64_t extent = a < axis ? other.count : other.Out();
        if (a < axis) box.dst_offset += other.before * dst[a];
        if (a == axis) {
          extent = after ? padded.after : padded.before;
          if (after) box.dst_offset += (padded.before + padded.count) * dst[a];
        }
        box.AddAxis(extent, 0, dst[a]);
      }
      args->Add(box);
    }
  }
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const PadSpec spec, SpecOf(op));
  const auto attribute = ValueAttribute(op, tensors.out[0].dtype);
  const std::byte* value =
      op.HasInput(2) ? tensors.in[2].data : attribute.data();
  const Elements x(tensors.in[0]);
  const Elements out(tensors.out[0]);
  ForEachIndex(tensors.out[0].shape, [&](const Index& to) {
    Index from{};
    bool inside = true;
    for (size_t axis = 0; axis < spec.axes.size(); ++axis) {
      from[axis] = SourceOf(spec.fill, spec.axes[axis], to[axis]);
      inside = inside && from[axis] >= 0;
    }
    if (inside) {
      out.Copy(to, x, from);
    } else {
      out.Set(to, value);
    }
  });
  return Status();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  if (op.Out(0).shape.NumElements() == 0) return Status();
  ANEREF_ASSIGN(const PadSpec spec, SpecOf(op));
  CopyArgs args;
  args.element_size = ElementSize(op.Out(0).dtype);
  args.value = ValueAttribute(op, op.Out(0).dtype);
  if (!AddPieces(op, spec, &args))
    return LowerToReference(op, Reference, builder);
  std::vector<Operand> in = {InputOperand(0)};
  if (spec.fill == fbs::PadFill::constant) {
    AddFrame(op, spec, &args);
    if (op.HasInput(2)) in.push_back(InputOperand(2));
  }
  AddCopyTask(std::move(args), std::move(in), {OutputOperand(0)}, builder);
  return Status();
}

}  // namespace

const OpDef pad_op = {
    "pad", "A frame of one value or of the tensor's own elements; or a crop.",
    Infer, Lower, Reference};

}  // namespace aneref
