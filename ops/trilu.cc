// Upper or lower triangle.
#include "ops/op.h"

namespace aneref {
namespace {

Expected<std::vector<TensorType>> Infer(const OpView& /*op*/) {
  return Unsupported("trilu is not supported");
}
Status Reference(const OpView& /*op*/, const RefTensors& /*tensors*/) {
  return Unsupported("trilu is not supported");
}
Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef trilu_op = {"trilu", "Upper or lower triangle.", Infer, Lower, Reference};

}  // namespace aneref
