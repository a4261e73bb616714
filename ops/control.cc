// Branches, loops and scans over sub-graphs. Their types depend on what the
// bodies compute, so they have no plan and no kernel: the interpreter
// (exec/interpreter.h) runs the bodies. This slice only says so where a plan is
// asked for.
#include "ops/op.h"

namespace aneref {
namespace {

Status NoPlan() {
  return Unsupported("a branch, loop or scan runs node by node, not in a plan");
}

Expected<std::vector<TensorType>> Infer(const OpView& /*op*/) {
  return NoPlan();
}

Status Reference(const OpView& /*op*/, const RefTensors& /*tensors*/) {
  return NoPlan();
}

Status Lower(const OpView& /*op*/, TaskBuilder* /*builder*/) {
  return NoPlan();
}

}  // namespace

const OpDef control_op = {"control",
                          "Branches, loops and scans over sub-graphs.", Infer,
                          Lower, Reference};

}  // namespace aneref
