// The order of tasks: the greedy list scheduler with the tie-breaks of E40 and
// the branches of E42. Deterministic; needs the graph of tasks only.
#ifndef ANEREF_RUNTIME_PLAN_TASK_ORDER_H_
#define ANEREF_RUNTIME_PLAN_TASK_ORDER_H_

#include <cstdint>
#include <vector>

#include "runtime/plan/engine/engine_model.h"

namespace aneref {

struct OrderTask {
  std::vector<int32_t> needs;  // tasks, ascending, each once
  int64_t output_bytes = 0;
  bool ring_member = false;
};

// Positions of the tasks in the order in which they run. `tasks` are in
// topological (program) order.
std::vector<int32_t> OrderTasks(const engine::EngineModel& model,
                                const std::vector<OrderTask>& tasks);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_TASK_ORDER_H_
