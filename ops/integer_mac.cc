// Integer convolution and matrix products with zero points.
#include "ops/op.h"

namespace aneref {
namespace {

Expected<std::vector<TensorType>> Infer(const OpView& /*op*/) {
  return Unsupported("integer_mac is not supported");
}
Status Reference(const OpView& /*op*/, const RefTensors& /*tensors*/) {
  return Unsupported("integer_mac is not supported");
}
Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef integer_mac_op = {"integer_mac", "Integer convolution and matrix products with zero points.", Infer, Lower, Reference};

}  // namespace aneref
