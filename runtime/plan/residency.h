// Which tensors stay on the chip, and where: partitions (E41), allocation
// states (E43), chaining (E44), addresses and bank-friendly strides (L60-L62).
// Runs on tasks that are in their final order.
#ifndef ANEREF_RUNTIME_PLAN_RESIDENCY_H_
#define ANEREF_RUNTIME_PLAN_RESIDENCY_H_

#include "runtime/plan/plan.h"

namespace aneref {

// Fills the tensors' state and on-chip place, the tasks' partition and
// plan->partitions.
void PlaceOnChip(Plan* plan);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_RESIDENCY_H_
