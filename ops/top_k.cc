// The k largest or smallest elements along an axis, with indices.
#include "ops/op.h"

namespace aneref {
namespace {

Expected<std::vector<TensorType>> Infer(const OpView& /*op*/) {
  return Unsupported("top_k is not supported");
}
Status Reference(const OpView& /*op*/, const RefTensors& /*tensors*/) {
  return Unsupported("top_k is not supported");
}
Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef top_k_op = {"top_k", "The k largest or smallest elements along an axis, with indices.", Infer, Lower, Reference};

}  // namespace aneref
