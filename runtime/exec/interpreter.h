// Runs a graph node by node, each with the shapes of the values at hand: for
// networks whose shapes depend on data (non-zero, loops, branches), which have
// no static plan. Same kernels and the same bits as a planned run of the same
// nodes. What a node was lowered to for operands of some types, with its packed
// weights, serves until it meets others; only nodes that cannot be lowered
// without the values of a run are lowered again in each.
#ifndef ANEREF_RUNTIME_EXEC_INTERPRETER_H_
#define ANEREF_RUNTIME_EXEC_INTERPRETER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ops/device.h"
#include "runtime/exec/executor.h"
#include "runtime/exec/host_value.h"
#include "runtime/exec/run_hooks.h"
#include "runtime/exec/task_profile.h"
#include "runtime/graph/net.h"

namespace aneref {

struct InterpreterOptions {
  Numerics numerics = Numerics::kPortable;
  bool scalar = false;      // the scalar kernels
  bool reference = false;   // the ops' references
  uint64_t max_memory = 0;  // bytes of values and packed weights alive at once;
                            // 0: no limit
  std::shared_ptr<const DeviceContext> device;  // kDevice: whose arithmetic
  ParallelFor parallel;                         // whose threads
  BlockSource source;  // of values, packed weights and scratch
};

// Called after each node of the main graph for each named value.
using ValueVisitor =
    std::function<Status(const std::string& name, const HostValue& value)>;

// Borrows the net.
class Interpreter {
 public:
  Interpreter(const Net& net, const InterpreterOptions& options, int threads);
  ~Interpreter();

  // `inputs` in the order of the main graph's ports. Gives its outputs.
  // `hooks` may be null; ops are those of the main graph.
  Expected<std::vector<HostValue>> Run(const std::vector<HostValue>& inputs,
                                       const ValueVisitor& visit,
                                       RunHooks* hooks = nullptr);

  // One node on given operands, whose values its lowering may read; undefined
  // ones are absent.
  Expected<std::vector<HostValue>> RunNode(const fbs::Node& node,
                                           std::vector<HostValue> inputs);

  // Kernel calls of the last run that was profiled, in the order of their first
  // calls; bodies of loops add theirs up.
  void EnableProfile(bool on);
  const std::vector<TaskProfile>& profile() const;
  // Bytes of packed weights and of constants' surfaces.
  uint64_t weight_bytes() const;
  // Where its values and packed weights come from, and their count. Inputs may
  // come from there, too.
  const ValueMemory& memory() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_INTERPRETER_H_
