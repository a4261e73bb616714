// A plan as JSON, and the difference between the plans of two chips. Only
// writes; every number is the plan's own.
#ifndef ANEREF_RUNTIME_PLAN_PLAN_JSON_H_
#define ANEREF_RUNTIME_PLAN_PLAN_JSON_H_

#include <string>
#include <vector>

#include "runtime/core/json_writer.h"
#include "runtime/plan/plan.h"

namespace aneref {

// The whole plan as one object: target, options, totals, memory, tasks,
// tensors, partitions, segments, warnings.
void WritePlan(const Plan& plan, const Program& program, JsonWriter* json);
// One task with its operands' addresses and strides, tiles and cost.
void WriteTask(const Plan& plan, const Program& program, int32_t task,
               JsonWriter* json);

// "mac", "planar", "dma" or "host".
const char* EngineName(const PlanTask& task);

// What differs between two plans of one program: totals, then tasks with equal
// main nodes.
struct PlanDifference {
  std::string task;   // empty: the network
  std::string field;  // "ocg", "passes", "predicted_us" …
  std::string a, b;
};
std::vector<PlanDifference> DiffPlans(const Plan& a, const Plan& b);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_PLAN_JSON_H_
