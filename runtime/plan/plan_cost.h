// What a plan should cost by the C rules: bytes over DRAM, cycles and time per
// task, segments with their dispatch floors, totals, energy, and warnings of
// known trouble. Runs on a plan whose tensors have their states.
#ifndef ANEREF_RUNTIME_PLAN_PLAN_COST_H_
#define ANEREF_RUNTIME_PLAN_PLAN_COST_H_

#include "runtime/plan/plan.h"

namespace aneref {

void CostPlan(const Chip& chip, Plan* plan);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_PLAN_COST_H_
