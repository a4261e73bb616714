// The task of a binary element-by-element op: what host and device numerics
// give to the builder alike. The kernels' argument structs hold the broadcast
// plan.
#ifndef ANEREF_OPS_BROADCAST_TASK_H_
#define ANEREF_OPS_BROADCAST_TASK_H_

#include <algorithm>
#include <memory>
#include <utility>

#include "ops/kernels/elementwise_broadcast.h"
#include "ops/op.h"

namespace aneref {

// Sets args->plan from the operands' shapes and adds the task.
template <class Args>
void AddBinaryTask(const OpView& op, const Kernel* kernel,
                   std::shared_ptr<Args> args, TaskBuilder* builder) {
  const Shape operands[] = {op.In(0).shape, op.In(1).shape};
  args->plan = MakeBroadcastPlan(op.Out(0), operands);
  TaskSpec task;
  task.kernel = kernel;
  task.in = {InputOperand(0), InputOperand(1)};
  task.out = {OutputOperand(0)};
  task.num_units = std::max<int64_t>(args->plan.num_units(), 1);
  task.flops = static_cast<double>(op.Out(0).shape.NumElements());
  task.in_place = op.Out(0) == op.In(0);
  task.args = std::move(args);
  builder->Add(std::move(task));
}

}  // namespace aneref

#endif  // ANEREF_OPS_BROADCAST_TASK_H_
