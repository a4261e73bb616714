// What a plan should cost by the C rules: bytes over DRAM, cycles and time per
// task, segments with their dispatch floors, totals, energy, and warnings of
// known trouble. Runs on a plan whose tensors have their states.
#ifndef ANEREF_RUNTIME_PLAN_PLAN_COST_H_
#define ANEREF_RUNTIME_PLAN_PLAN_COST_H_

#include "runtime/plan/plan.h"

namespace aneref {

void CostPlan(const Chip& chip, Plan* plan);

// What a task of the segment is to C5.
engine::LayerCost LayerCostOf(const Plan& plan, const PlanTask& task,
                              const PlanSegment& segment);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_PLAN_COST_H_
