// Quantise, dequantise, dynamic quantisation.
#include "ops/op.h"

namespace aneref {
namespace {

Expected<std::vector<TensorType>> Infer(const OpView& /*op*/) {
  return Unsupported("quantize is not supported");
}
Status Reference(const OpView& /*op*/, const RefTensors& /*tensors*/) {
  return Unsupported("quantize is not supported");
}
Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef quantize_op = {"quantize", "Quantise, dequantise, dynamic quantisation.", Infer, Lower, Reference};

}  // namespace aneref
