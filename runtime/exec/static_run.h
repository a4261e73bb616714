// Runs a plan: every node of every task lowered to kernel calls, all tensors in
// one arena at the plan's addresses, weights packed once. For networks with
// settled shapes; dynamic_run.h does the others.
#ifndef ANEREF_RUNTIME_EXEC_STATIC_RUN_H_
#define ANEREF_RUNTIME_EXEC_STATIC_RUN_H_

#include <memory>
#include <string>
#include <vector>

#include "runtime/exec/executor.h"
#include "runtime/exec/memory_block.h"
#include "runtime/exec/session.h"
#include "runtime/plan/plan.h"

namespace aneref {

class StaticRun {
 public:
  // `options.threads` is at least 1. kLimit: over options.max_memory.
  static Expected<std::unique_ptr<StaticRun>> Create(
      const Net& net, std::shared_ptr<const Program> program,
      std::shared_ptr<const Plan> plan, const SessionOptions& options);

  const Program& program() const { return *program_; }
  const Plan& plan() const { return *plan_; }
  // The surface of a run-time or known value.
  const TensorView& View(int32_t value) const {
    return slots_[static_cast<size_t>(value)].view;
  }

  Status Run();

  void EnableProfile(bool on) { profiling_ = on; }
  const std::vector<TaskProfile>& profile() const { return profile_; }
  void EnableTrace(bool on);
  const std::vector<TraceEvent>& trace() const { return trace_; }

  uint64_t arena_bytes() const { return arena_bytes_; }
  uint64_t constant_bytes() const { return constant_bytes_; }
  int threads() const { return executor_->threads(); }

 private:
  // A value that needs memory: a graph value, or a temporary of one lowering.
  struct Slot {
    TensorType type;
    bool constant = false;  // read at run time
    bool needed = false;
    TensorView view;
  };
  // One kernel call over whole operands.
  struct Step {
    TaskSpec spec;
    size_t node = 0;  // index in Program::nodes
    int32_t task = 0;
    std::vector<int32_t> in;  // slots, -1 absent
    std::vector<int32_t> out;
  };

  StaticRun(std::shared_ptr<const Program> program,
            std::shared_ptr<const Plan> plan, const SessionOptions& options)
      : program_(std::move(program)),
        plan_(std::move(plan)),
        options_(options),
        budget_(options.max_memory) {}

  Status Lower(const Net& net);
  Status LowerNode(int32_t node, int32_t task);
  void AddSteps(TaskBuilder* builder, size_t node, int32_t task);
  void KeepOperand(Step* step);
  Status PlaceConstants();
  Status PlaceArena();
  void Bind();
  int32_t Resolve(const Operand& operand, const ProgramNode& node) const;
  const ProgramNode& Node(size_t index) const { return program_->nodes[index]; }

  std::shared_ptr<const Program> program_;
  std::shared_ptr<const Plan> plan_;
  SessionOptions options_;
  MemoryBudget budget_;
  std::vector<Slot> slots_;       // values first, then temporaries
  size_t first_temporary_ = 0;    // of the node that is being lowered
  uint64_t temporary_bytes_ = 0;  // the most that one node needs
  std::vector<Step> steps_;
  std::vector<BoundTask> bound_;
  MemoryBlock arena_, constants_;
  uint64_t arena_bytes_ = 0, constant_bytes_ = 0;
  std::unique_ptr<Executor> executor_;
  bool profiling_ = false, tracing_ = false;
  std::vector<TaskProfile> profile_;
  std::vector<TraceEvent> trace_;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_STATIC_RUN_H_
