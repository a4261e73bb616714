// Spectra and windows.
#include "ops/op.h"

namespace aneref {
namespace {

Expected<std::vector<TensorType>> Infer(const OpView& /*op*/) {
  return Unsupported("signal is not supported");
}
Status Reference(const OpView& /*op*/, const RefTensors& /*tensors*/) {
  return Unsupported("signal is not supported");
}
Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef signal_op = {"signal", "Spectra and windows.", Infer, Lower, Reference};

}  // namespace aneref
