// Keeps the upper or lower triangle of the last two axes, zeros the rest. Bits
// stay (P15).
#include <vector>

#include "ops/movement.h"
#include "ops/op.h"

namespace aneref {
namespace {

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 2));
  if (op.In(0).shape.rank() < 2)
    return ShapeError("x is " + op.In(0).ToString() + ", a matrix is needed");
  if (op.HasInput(1) &&
      (!IsInteger(op.In(1).dtype) || op.In(1).shape.NumElements() != 1))
    return ShapeError("k is " + op.In(1).ToString() +
                      ", one integer is needed");
  return std::vector<TensorType>{op.In(0)};
}

// y[..., i, j] = j - i >= k (upper) or j - i <= k (lower) ? x[..., i, j] : 0
Status Reference(const OpView& op, const RefTensors& tensors) {
  const auto& attributes = op.attributes<fbs::Trilu>();
  const int64_t k =
      op.HasInput(1) ? LoadInts(tensors.in[1])[0] : attributes.k();
  const Elements x(tensors.in[0]), y(tensors.out[0]);
  const Shape& shape = tensors.in[0].shape;
  const std::array<std::byte, 8> zero{};
  ForEachIndex(shape, [&](const Index& index) {
    const int64_t diagonal = index[shape.rank() - 1] - index[shape.rank() - 2];
    if (attributes.upper() ? diagonal >= k : diagonal <= k) {
      y.Copy(index, x, index);
    } else {
      y.Set(index, zero.data());
    }
  });
  return Status();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef trilu_op = {
    "trilu", "Keeps the upper or lower triangle of the last two axes.", Infer,
    Lower, Reference};

}  // namespace aneref
