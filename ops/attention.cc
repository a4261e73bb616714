// Scaled-dot-product attention.
#include "ops/op.h"

namespace aneref {
namespace {

Expected<std::vector<TensorType>> Infer(const OpView& /*op*/) {
  return Unsupported("attention is not supported");
}
Status Reference(const OpView& /*op*/, const RefTensors& /*tensors*/) {
  return Unsupported("attention is not supported");
}
Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef attention_op = {"attention", "Scaled-dot-product attention.", Infer, Lower, Reference};

}  // namespace aneref
