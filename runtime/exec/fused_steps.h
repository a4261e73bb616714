// Steps that run as one: what follows a convolution or a product element by
// element is computed in its registers, attention in bands of rows, and what
// lies between is never written. The bits are those of the steps one by one, so
// whoever wants to see every op runs those. ops/fuse.h and ops/row_chain.h say
// which kernels can.
#ifndef ANEREF_RUNTIME_EXEC_FUSED_STEPS_H_
#define ANEREF_RUNTIME_EXEC_FUSED_STEPS_H_

#include <vector>

#include "runtime/exec/lowered_plan.h"

namespace aneref {

// In the order of their first steps. A step is fused with the one before it
// when it alone reads that one's result and the memory that the last one writes
// to is not read by then (but element by element).
std::vector<LoweredPlan::FusedStep> FindFusedSteps(const LoweredPlan& lowered);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_FUSED_STEPS_H_
