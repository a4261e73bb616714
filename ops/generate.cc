// Tensors made of shapes and scalars: fill, range, shape, size, eye_like. They
// are nearly always folded before a run, so there is no kernel. Shape, size and
// eye_like never read the elements of their input.
#include <algorithm>
#include <array>
#include <cmath>

#include "ops/data_shapes.h"
#include "ops/movement.h"
#include "ops/op.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

using Bits = std::array<std::byte, 8>;

Expected<DataType> DtypeOf(const OpView& op) {
  const auto dtype = op.attributes<fbs::Generate>().dtype();
  if (dtype > fbs::DataType::MAX) return Unsupported("unknown data type");
  return static_cast<DataType>(dtype);
}

Bits RealBits(double value, DataType dtype) {
  Bits bits{};
  ConvertElements(DataType::kFloat64, &value, dtype, bits.data(), 1);
  return bits;
}

Bits IntBits(int64_t value, DataType dtype) {
  Bits bits{};
  ConvertElements(DataType::kInt64, &value, dtype, bits.data(), 1);
  return bits;
}

void FillAll(const TensorView& view, const Bits& bits) {
  const size_t size = ElementSize(view.dtype);
  const size_t row_bytes = static_cast<size_t>(view.width()) * size;
  const int64_t rows = view.num_rows();
  for (int64_t r = 0; r < rows; ++r)
    RepeatElement(bits.data(), size, view.Row<std::byte>(r), row_bytes);
}

// ---- range ----

double RealAt(const TensorView& scalar) {
  double value = 0;
  ConvertElements(scalar.dtype, scalar.data, DataType::kFloat64, &value, 1);
  return value;
}

int64_t IntAt(const TensorView& scalar) {
  int64_t value = 0;
  ConvertElements(scalar.dtype, scalar.data, DataType::kInt64, &value, 1);
  return value;
}

Status CheckScalars(const OpView& op) {
  const DataType dtype = op.In(0).dtype;
  for (size_t i = 0; i < 3; ++i) {
    const TensorType& type = op.In(i);
    if (type.dtype != dtype || dtype == DataType::kBool ||
        type.shape.NumElements() != 1) {
      return ShapeError("range input " + std::to_string(i) + " is " +
                        type.ToString() +
                        "; three numbers of one type are needed");
    }
    if (!op.IsKnown(i)) return ShapeDependsOnData("range", i);
  }
  return Status();
}

Expected<int64_t> CountReals(double start, double limit, double delta) {
  const double count = std::ceil((limit - start) / delta);
  if (delta == 0 || std::isnan(count))
    return ShapeError("a range needs finite bounds and a step that is not 0");
  if (count > static_cast<double>(kMaxElements))
    return LimitError("a range of more than 2^40 elements");
  return count > 0 ? static_cast<int64_t>(count) : 0;
}

// Differences are taken in uint64: bounds may be as far apart as the type
// allows.
Expected<int64_t> CountInts(DataType dtype, int64_t start, int64_t limit,
                            int64_t delta) {
  if (delta == 0) return ShapeError("the step of a range is 0");
  const auto first = static_cast<uint64_t>(start);
  const auto last = static_cast<uint64_t>(limit);
  const bool is_unsigned = dtype == DataType::kUint64;
  const bool up = is_unsigned || delta > 0;
  const bool empty = is_unsigned ? first >= last
                     : up        ? start >= limit
                                 : start <= limit;
  if (empty) return int64_t{0};
  const uint64_t span = up ? last - first : first - last;
  const uint64_t step = up ? static_cast<uint64_t>(delta)
                           : uint64_t{0} - static_cast<uint64_t>(delta);
  const uint64_t count = (span - 1) / step + 1;
  if (count > static_cast<uint64_t>(kMaxElements))
    return LimitError("a range of more than 2^40 elements");
  return static_cast<int64_t>(count);
}

Expected<std::vector<TensorType>> InferRange(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 3, 3));
  ANEREF_TRY(CheckScalars(op));
  const DataType dtype = op.In(0).dtype;
  const TensorView& start = op.Known(0);
  const TensorView& limit = op.Known(1);
  const TensorView& delta = op.Known(2);
  const Expected<int64_t> count =
      IsFloating(dtype)
          ? CountReals(RealAt(start), RealAt(limit), RealAt(delta))
          : CountInts(dtype, IntAt(start), IntAt(limit), IntAt(delta));
  if (!count.ok()) return count.status();
  return OneOutput(dtype, {*count});
}

// start + i * delta: in double, rounded once; integers wrap (P13).
void FillRange(const RefTensors& tensors) {
  const TensorView& view = tensors.out[0];
  const Elements out(view);
  const bool real = IsFloating(tensors.in[0].dtype);
  const double start = RealAt(tensors.in[0]);
  const double delta = RealAt(tensors.in[2]);
  const auto first = static_cast<uint64_t>(IntAt(tensors.in[0]));
  const auto step = static_cast<uint64_t>(IntAt(tensors.in[2]));
  ForEachIndex(view.shape, [&](const Index& at) {
    const auto i = static_cast<uint64_t>(at[0]);
    const Bits bits =
        real ? RealBits(start + static_cast<double>(at[0]) * delta, view.dtype)
             : IntBits(static_cast<int64_t>(first + i * step), view.dtype);
    out.Set(at, bits.data());
  });
}

// ---- the others ----

// The axes [begin, end) that shape lists.
struct AxisRange {
  int64_t begin = 0;
  int64_t end = 0;
};

AxisRange ShapeRange(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Generate>();
  const auto rank = static_cast<int64_t>(op.In(0).shape.rank());
  const auto clamp = [&](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  AxisRange range{clamp(attributes.start()), clamp(attributes.end())};
  range.end = std::max(range.end, range.begin);
  return range;
}

Expected<std::vector<TensorType>> InferFill(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  ANEREF_ASSIGN(const DataType dtype, DtypeOf(op));
  ANEREF_ASSIGN(
      const std::vector<int64_t> dims,
      ListOf(op, 0, static_cast<const flatbuffers::Vector<int64_t>*>(nullptr)));
  return OneOutput(dtype, dims);
}

Expected<std::vector<TensorType>> InferEye(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  ANEREF_ASSIGN(const DataType dtype, DtypeOf(op));
  if (op.In(0).shape.rank() != 2)
    return ShapeError("input must have rank 2, not " +
                      op.In(0).shape.ToString());
  return std::vector<TensorType>{{dtype, op.In(0).shape}};
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  switch (op.attributes<fbs::Generate>().kind()) {
    case fbs::GenerateKind::fill:
      return InferFill(op);
    case fbs::GenerateKind::range:
      return InferRange(op);
    case fbs::GenerateKind::shape: {
      ANEREF_TRY(CheckInputs(op, 1, 1));
      const AxisRange range = ShapeRange(op);
      return OneOutput(DataType::kInt64, {range.end - range.begin});
    }
    case fbs::GenerateKind::size:
      ANEREF_TRY(CheckInputs(op, 1, 1));
      return OneOutput(DataType::kInt64, {});
    case fbs::GenerateKind::eye_like:
      return InferEye(op);
  }
  return Unsupported("unknown kind of generate");
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  const auto& attributes = op.attributes<fbs::Generate>();
  const TensorView& view = tensors.out[0];
  const Elements out(view);
  switch (attributes.kind()) {
    case fbs::GenerateKind::fill:
      FillAll(view, IsFloating(view.dtype)
                        ? RealBits(attributes.value(), view.dtype)
                        : IntBits(attributes.int_value(), view.dtype));
      break;
    case fbs::GenerateKind::range:
      FillRange(tensors);
      break;
    case fbs::GenerateKind::shape: {
      const int64_t begin = ShapeRange(op).begin;
      ForEachIndex(view.shape, [&](const Index& at) {
        const auto axis = static_cast<size_t>(begin + at[0]);
        out.Set(at, IntBits(op.In(0).shape[axis], view.dtype).data());
      });
      break;
    }
    case fbs::GenerateKind::size:
      FillAll(view, IntBits(op.In(0).shape.NumElements(), view.dtype));
      break;
    case fbs::GenerateKind::eye_like:
      ForEachIndex(view.shape, [&](const Index& at) {
        const bool on = at[1] - at[0] == attributes.diagonal();
        out.Set(at, IntBits(on ? 1 : 0, view.dtype).data());
      });
      break;
  }
  return Status();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef generate_op = {"generate", "Tensors made of shapes and scalars.",
                           Infer, Lower, Reference};

}  // namespace aneref
