// Runs a lowered plan: one arena for its tensors at the plan's addresses, one
// executor. Inputs and outputs may lie in the caller's memory. For networks
// with settled shapes; dynamic_run.h does the others.
#ifndef ANEREF_RUNTIME_EXEC_STATIC_RUN_H_
#define ANEREF_RUNTIME_EXEC_STATIC_RUN_H_

#include <memory>
#include <string>
#include <vector>

#include "runtime/exec/executor.h"
#include "runtime/exec/lowered_plan.h"
#include "runtime/exec/memory_block.h"
#include "runtime/exec/run_hooks.h"
#include "runtime/exec/session.h"

namespace aneref {

class StaticRun {
 public:
  // `resources.threads` is at least 1. kLimit: over resources.max_memory.
  static Expected<std::unique_ptr<StaticRun>> Create(
      std::shared_ptr<const LoweredPlan> lowered,
      const SessionResources& resources);

  const LoweredPlan& lowered() const { return *lowered_; }
  const Program& program() const { return lowered_->program(); }
  const Plan& plan() const { return lowered_->plan(); }
  // The surface of a run-time or known value.
  const TensorView& View(int32_t value) const {
    return views_[static_cast<size_t>(value)];
  }

  // Puts the storage of a graph input or output at `data`, a surface of its
  // type, 64-byte aligned, until it is moved again; null: back into the arena.
  // Allocates nothing. False, and nothing has changed: the plan keeps it among
  // other values, it needs no memory, or its storage was moved with another.
  enum class PortRole : uint8_t { kInput, kOutput };
  bool Move(int32_t value, PortRole role, std::byte* data);

  Status Run(RunHooks* hooks);

  void EnableProfile(bool on) { profiling_ = on; }
  const std::vector<TaskProfile>& profile() const { return profile_; }
  void EnableTrace(bool on);
  const std::vector<TraceEvent>& trace() const { return trace_; }

  uint64_t arena_bytes() const { return lowered_->arena_bytes(); }
  uint64_t constant_bytes() const { return lowered_->constant_bytes(); }
  int threads() const { return executor_->threads(); }

 private:
  // What a graph input or output shares its memory with.
  struct Storage {
    uint64_t begin = UINT64_MAX, end = 0;  // in the arena
    bool has_input = false;
    int32_t owner = -1;  // the value that was moved; -1: in the arena
    struct Use {
      size_t step = 0;
      size_t operand = 0;
      bool is_output = false;
    };
    std::vector<int32_t> values;
    std::vector<Use> uses;
  };
  struct OpNames {
    std::string name, op;
  };

  explicit StaticRun(std::shared_ptr<const LoweredPlan> lowered)
      : lowered_(std::move(lowered)) {}

  Status Allocate(const SessionResources& resources);
  void Bind();
  void DescribeSteps();
  void FindStorages();
  void AddStorage(int32_t value, bool is_input);
  Storage* StorageOf(int32_t value);
  // Of bound_[index].
  const LoweredPlan::Step& StepOf(size_t index) const;
  Status RunStep(size_t index, RunHooks* hooks);
  Status RunSequence(RunHooks* hooks);
  Status RunOps(RunHooks* hooks);
  void AddProfile(size_t index, double seconds);
  Status Report(size_t index, double seconds, RunHooks* hooks);

  std::shared_ptr<const LoweredPlan> lowered_;
  std::vector<TensorView> views_;  // per slot
  std::vector<BoundTask> bound_;   // per step, then per fused step
  std::vector<size_t> sequence_;   // of bound_, where nobody sees single ops
  std::vector<Storage> storages_;  // of graph inputs and outputs
  std::vector<int32_t> entry_of_storage_;
  std::vector<OpNames> names_;      // per op
  std::vector<NamedView> outputs_;  // of the op that is reported
  MemoryBlock arena_;
  std::unique_ptr<Executor> executor_;
  bool profiling_ = false, tracing_ = false;
  std::vector<TaskProfile> profile_;
  std::vector<TraceEvent> trace_;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_STATIC_RUN_H_
