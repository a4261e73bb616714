// Quantise, dequantise, and quantise by the range of the values. Scales and
// zero points are one, a vector along an axis, or blocks. Products of integers
// are another family. Rules P2, P18.
#include <algorithm>
#include <string>
#include <vector>

#include "ops/integers.h"
#include "ops/op.h"

namespace aneref {
namespace {

using Kind = fbs::QuantizeKind;

// Which scale an element has: x is [outer, extent, inner] around the axis.
struct ScaleMap {
  int64_t extent = 1;
  int64_t inner = 1;
  int64_t block = 1;
  // Elements of the scale per step of each of the three.
  int64_t outer_step = 0;
  int64_t axis_step = 0;
  int64_t inner_step = 0;

  size_t At(int64_t i) const {
    const int64_t outer = i / inner / extent;
    const int64_t along = i / inner % extent / block;
    return static_cast<size_t>(outer * outer_step + along * axis_step +
                               i % inner * inner_step);
  }
};

Expected<ScaleMap> MapBlocks(const OpView& op, size_t axis, int64_t block) {
  const Shape& x = op.In(0).shape;
  Shape blocks = x;
  blocks[axis] = x[axis] / block + (x[axis] % block != 0 ? 1 : 0);
  if (!(op.In(1).shape == blocks)) {
    return ShapeError("scales " + op.In(1).shape.ToString() + " are not " +
                      blocks.ToString() + ", which blocks of " +
                      std::to_string(block) + " need");
  }
  ScaleMap map;
  map.block = block;
  map.extent = std::max<int64_t>(1, x[axis]);
  map.inner = std::max<int64_t>(1, x.NumElements(axis + 1, x.rank()));
  map.outer_step = blocks.NumElements(axis, x.rank());
  map.axis_step = map.inner;
  map.inner_step = 1;
  return map;
}

Expected<ScaleMap> MapScales(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Quantize>();
  const Shape& x = op.In(0).shape;
  const Shape& scale = op.In(1).shape;
  if (attributes.block_size() < 0)
    return ShapeError("block_size " + std::to_string(attributes.block_size()) +
                      " is negative");
  if (attributes.block_size() > 0) {
    ANEREF_ASSIGN(const size_t axis,
                  NormalizeAxis(attributes.axis(), x.rank()));
    return MapBlocks(op, axis, attributes.block_size());
  }
  if (scale.NumElements() == 1) return ScaleMap();
  ANEREF_ASSIGN(const size_t axis, NormalizeAxis(attributes.axis(), x.rank()));
  if (scale.rank() != 1 || scale[0] != x[axis]) {
    return ShapeError("scales " + scale.ToString() + " do not fit axis " +
                      std::to_string(axis) + " of " + x.ToString());
  }
  ScaleMap map;
  map.extent = std::max<int64_t>(1, x[axis]);
  map.inner = std::max<int64_t>(1, x.NumElements(axis + 1, x.rank()));
  map.axis_step = 1;
  return map;
}

bool IsNarrowInteger(DataType type) {
  return IsInteger(type) && ElementSize(type) <= 2;
}

// The scale is floating, the zero point of `type` and as many.
Status CheckScales(const OpView& op, DataType type) {
  ANEREF_TRY(CheckInputs(op, 2, 3));
  if (!IsFloating(op.In(1).dtype))
    return ShapeError("the scale is " + op.In(1).ToString() +
                      ", a floating type is needed");
  ANEREF_TRY(MapScales(op).status());
  if (!op.HasInput(2)) return Status();
  const bool fits =
      op.In(2).shape == op.In(1).shape ||
      (op.In(2).shape.NumElements() == 1 && op.In(1).shape.NumElements() == 1);
  if (op.In(2).dtype != type || !fits) {
    return ShapeError("the zero point is " + op.In(2).ToString() + ", not " +
                      TensorType{type, op.In(1).shape}.ToString());
  }
  return Status();
}

Expected<std::vector<TensorType>> InferQuantize(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Quantize>();
  const auto to = static_cast<DataType>(attributes.to());
  const int bits = attributes.bits();
  if (!IsNarrowInteger(to))
    return ShapeError("cannot quantize to " + std::string(DataTypeName(to)));
  if (bits != 8 && !((bits == 2 || bits == 4) && ElementSize(to) == 1))
    return ShapeError("cannot quantize to " + std::to_string(bits) +
                      " bits in " + DataTypeName(to));
  ANEREF_TRY(CheckScales(op, to));
  const DataType x = op.In(0).dtype;
  if (!IsFloating(x) && x != DataType::kInt32)
    return ShapeError("x is " + op.In(0).ToString() +
                      ", a floating type or int32 is needed");
  return std::vector<TensorType>{{to, op.In(0).shape}};
}

Expected<std::vector<TensorType>> InferDequantize(const OpView& op) {
  const auto to = static_cast<DataType>(op.attributes<fbs::Quantize>().to());
  ANEREF_TRY(CheckScales(op, op.In(0).dtype));
  const DataType x = op.In(0).dtype;
  if (!IsNarrowInteger(x) && x != DataType::kInt32)
    return ShapeError("x is " + op.In(0).ToString() +
                      ", an integer of at most 32 bits is needed");
  return std::vector<TensorType>{
      {IsFloating(to) ? to : op.In(1).dtype, op.In(0).shape}};
}

Expected<std::vector<TensorType>> InferDynamic(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  if (!IsFloating(op.In(0).dtype))
    return ShapeError("x is " + op.In(0).ToString() +
                      ", a floating type is needed");
  return std::vector<TensorType>{{DataType::kUint8, op.In(0).shape},
                                 {op.In(0).dtype, Shape()},
                                 {DataType::kUint8, Shape()}};
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 3));
  switch (op.attributes<fbs::Quantize>().kind()) {
    case Kind::quantize:
      return InferQuantize(op);
    case Kind::dequantize:
      return InferDequantize(op);
    case Kind::dynamic:
      return InferDynamic(op);
  }
  return Unsupported("unknown kind of quantize");
}

// ---- reference ----

// One zero point per scale; zeros when absent.
std::vector<int64_t> ZeroPoints(const OpView& op, const RefTensors& tensors,
                                size_t count) {
  return op.HasInput(2) ? LoadInts(tensors.in[2]) : std::vector<int64_t>(count);
}

// y = saturate(round_half_even(fl(x / scale)) + zero)
Status QuantizeAll(const OpView& op, const RefTensors& tensors) {
  const auto& attributes = op.attributes<fbs::Quantize>();
  ANEREF_ASSIGN(const ScaleMap map, MapScales(op));
  ANEREF_ASSIGN(const std::vector<float> scales, ExactFloats(op, 1, tensors));
  const std::vector<int64_t> zeros = ZeroPoints(op, tensors, scales.size());
  const std::vector<float> x = LoadFloats(tensors.in[0]);
  const DataType to = tensors.out[0].dtype;
  const IntegerRange range =
      attributes.bits() < 8 ? RangeOf(IsUnsignedInteger(to), attributes.bits())
                            : RangeOf(to);
  std::vector<int32_t> y(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t s = map.At(static_cast<int64_t>(i));
    y[i] = static_cast<int32_t>(Requantize(x[i] / scales[s], zeros[s], range));
  }
  StoreIntegers(y, tensors.out[0]);
  return Status();
}

// y = fl((x - zero) * scale)
Status DequantizeAll(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const ScaleMap map, MapScales(op));
  ANEREF_ASSIGN(const std::vector<float> scales, ExactFloats(op, 1, tensors));
  const std::vector<int64_t> zeros = ZeroPoints(op, tensors, scales.size());
  const std::vector<int32_t> x = LoadIntegers<int32_t>(tensors.in[0]);
  std::vector<float> y(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t s = map.At(static_cast<int64_t>(i));
    y[i] = static_cast<float>(x[i] - zeros[s]) * scales[s];
  }
  StoreFloats(y, tensors.out[0]);
  return Status();
}

// The range is widened to contain 0; 255 steps of fl((high - low) / 255). The
// values are quantised by that scale before it is rounded to its own type.
Status QuantizeByRange(const RefTensors& tensors) {
  const std::vector<float> x = LoadFloats(tensors.in[0]);
  float low = 0, high = 0;
  for (float value : x) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const IntegerRange range = RangeOf(DataType::kUint8);
  const float scale = low == high ? 1.0f : (high - low) / 255.0f;
  const int64_t zero = Requantize(-low / scale, 0, range);
  std::vector<int32_t> y(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    y[i] = static_cast<int32_t>(Requantize(x[i] / scale, zero, range));
  if (tensors.out[0].data != nullptr) StoreIntegers(y, tensors.out[0]);
  if (tensors.out.size() > 1 && tensors.out[1].data != nullptr)
    StoreFloats({scale}, tensors.out[1]);
  if (tensors.out.size() > 2 && tensors.out[2].data != nullptr)
    StoreIntegers(std::vector<int64_t>{zero}, tensors.out[2]);
  return Status();
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  switch (op.attributes<fbs::Quantize>().kind()) {
    case Kind::quantize:
      return QuantizeAll(op, tensors);
    case Kind::dequantize:
      return DequantizeAll(op, tensors);
    case Kind::dynamic:
      return QuantizeByRange(tensors);
  }
  return Unsupported("unknown kind of quantize");
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef quantize_op = {
    "quantize",
    "Floating values to integers by scale and zero point, and back.", Infer,
    Lower, Reference};

}  // namespace aneref
