// Transpose: axis i of the result is axis perm[i] of the input. Bits stay
// (P15).
#include "ops/movement.h"
#include "ops/op.h"

namespace aneref {
namespace {

Expected<std::vector<size_t>> Permutation(const OpView& op) {
  const size_t rank = op.In(0).shape.rank();
  const auto* perm = op.attributes<fbs::Transpose>().perm();
  if (perm == nullptr) {
    std::vector<size_t> reversed(rank);
    for (size_t axis = 0; axis < rank; ++axis) reversed[axis] = rank - 1 - axis;
    return reversed;
  }
  if (perm->size() != rank) {
    return ShapeError("perm has " + std::to_string(perm->size()) +
                      " axes, the input " + op.In(0).shape.ToString() +
                      " has " + std::to_string(rank));
  }
  return NormalizeAxes(ToInts(perm), rank);
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  ANEREF_ASSIGN(const std::vector<size_t> perm, Permutation(op));
  std::vector<int64_t> dims;
  for (size_t axis : perm) dims.push_back(op.In(0).shape[axis]);
  return OneOutput(op.In(0).dtype, dims);
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const std::vector<size_t> perm, Permutation(op));
  const auto src = SurfaceStrides(op.In(0));
  const auto dst = SurfaceStrides(op.Out(0));
  CopyBox box;
  for (size_t axis = 0; axis < perm.size(); ++axis)
    box.AddAxis(op.Out(0).shape[axis], src[perm[axis]], dst[axis]);
  CopyArgs args;
  args.element_size = ElementSize(op.Out(0).dtype);
  args.Add(box);
  AddCopyTask(std::move(args), {InputOperand(0)}, {OutputOperand(0)}, builder);
  return Status();
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const std::vector<size_t> perm, Permutation(op));
  const Elements x(tensors.in[0]);
  const Elements out(tensors.out[0]);
  ForEachIndex(tensors.out[0].shape, [&](const Index& to) {
    Index from{};
    for (size_t axis = 0; axis < perm.size(); ++axis)
      from[perm[axis]] = to[axis];
    out.Copy(to, x, from);
  });
  return Status();
}

}  // namespace

const OpDef transpose_op = {
    "transpose", "The axes in another order; reversed when none is given.",
    Infer, Lower, Reference};

}  // namespace aneref
