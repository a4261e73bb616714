// One-hot vectors: `on` where an index points, `off` elsewhere, along a new
// axis of `depth` elements. Bits of the two values stay (P15).
#include <string>
#include <vector>

#include "ops/movement.h"
#include "ops/op.h"

namespace aneref {
namespace {

// The place of the new axis in the result.
Expected<size_t> AxisOf(const OpView& op) {
  return NormalizeAxis(op.attributes<fbs::OneHot>().axis(),
                       op.In(0).shape.rank() + 1);
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 3, 3));
  ANEREF_ASSIGN(const size_t axis, AxisOf(op));
  if (op.In(1).shape.NumElements() != 1 || op.In(1).dtype == DataType::kBool)
    return ShapeError("the depth is " + op.In(1).ToString() +
                      ", one number is needed");
  if (!(op.In(2).shape == Shape{2}))
    return ShapeError("the values are " + op.In(2).ToString() +
                      ", off and on are needed");
  if (op.In(0).dtype == DataType::kBool)
    return ShapeError("indices are " + op.In(0).ToString() +
                      ", numbers are needed");
  ANEREF_ASSIGN(const std::vector<int64_t> depth, op.KnownInts(1));
  std::vector<int64_t> dims = op.In(0).shape.ToVector();
  dims.insert(dims.begin() + static_cast<ptrdiff_t>(axis), depth[0]);
  return OneOutput(op.In(2).dtype, dims);
}

// y[..., d, ...] = values[index == d or index + depth == d ? 1 : 0]
Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const size_t axis, AxisOf(op));
  const Shape& shape = tensors.out[0].shape;
  const std::vector<int64_t> indices = LoadInts(tensors.in[0]);
  const Elements values(tensors.in[2]), y(tensors.out[0]);
  const int64_t depth = shape[axis];
  const int64_t inner = shape.NumElements(axis + 1, shape.rank());
  int64_t place = 0;
  ForEachIndex(shape, [&](const Index& to) {
    const int64_t source = place / inner / depth * inner + place % inner;
    ++place;
    int64_t index = indices[static_cast<size_t>(source)];
    if (index < 0 && index >= -depth) index += depth;
    y.Copy(to, values, Index{index == to[axis] ? 1 : 0});
  });
  return Status();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef one_hot_op = {"one_hot",
                          "One value where an index points, another elsewhere.",
                          Infer, Lower, Reference};

}  // namespace aneref
