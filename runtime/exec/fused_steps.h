// Steps that run as one: what follows a convolution or a product element by
// element is computed in its registers, and what lies between is never written.
// The bits are those of the steps one by one, so whoever wants to see every op
// runs those. ops/fuse.h says which kernels can.
#ifndef ANEREF_RUNTIME_EXEC_FUSED_STEPS_H_
#define ANEREF_RUNTIME_EXEC_FUSED_STEPS_H_

#include <vector>

#include "runtime/exec/lowered_plan.h"

namespace aneref {

// In the order of the steps. A step is fused into the one before it when it
// alone reads that one's result and the memory it writes to is not read by then
// (but element by element).
std::vector<LoweredPlan::FusedStep> FindFusedSteps(const LoweredPlan& lowered);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_FUSED_STEPS_H_
