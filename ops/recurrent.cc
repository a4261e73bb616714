// RNN, GRU and LSTM layers.
#include "ops/op.h"

namespace aneref {
namespace {

Expected<std::vector<TensorType>> Infer(const OpView& /*op*/) {
  return Unsupported("recurrent is not supported");
}
Status Reference(const OpView& /*op*/, const RefTensors& /*tensors*/) {
  return Unsupported("recurrent is not supported");
}
Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef recurrent_op = {"recurrent", "RNN, GRU and LSTM layers.", Infer, Lower, Reference};

}  // namespace aneref
