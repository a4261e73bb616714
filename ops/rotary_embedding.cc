// Rotary position embedding.
#include "ops/op.h"

namespace aneref {
namespace {

Expected<std::vector<TensorType>> Infer(const OpView& /*op*/) {
  return Unsupported("rotary_embedding is not supported");
}
Status Reference(const OpView& /*op*/, const RefTensors& /*tensors*/) {
  return Unsupported("rotary_embedding is not supported");
}
Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef rotary_embedding_op = {"rotary_embedding", "Rotary position embedding.", Infer, Lower, Reference};

}  // namespace aneref
