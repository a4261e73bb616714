// A plan whose nodes are lowered to kernel calls: weights packed, constants
// laid out, every value's place known. Immutable; any number of runs share it.
// static_run.h adds memory and runs.
#ifndef ANEREF_RUNTIME_EXEC_LOWERED_PLAN_H_
#define ANEREF_RUNTIME_EXEC_LOWERED_PLAN_H_

#include <memory>
#include <vector>

#include "ops/device.h"
#include "runtime/exec/memory_block.h"
#include "runtime/exec/rung.h"
#include "runtime/plan/plan.h"

namespace aneref {

struct LoweringOptions {
  std::shared_ptr<const DeviceContext> device;  // numerics kDevice
  Rung rung = Rung::kSimd;
  bool fast = false;        // numerics kFast (P22)
  bool fuse = true;         // look for steps that run as one
  uint64_t max_memory = 0;  // of weights and constants; 0: no limit
  BlockSource source;       // of weights and constants
};

class LoweredPlan {
 public:
  // A value that needs memory: a graph value, or a temporary of one lowering.
  struct Slot {
    TensorType type;
    bool constant = false;  // known before the run
    bool needed = false;    // constants: read at run time
    bool is_placed = false;
    uint64_t offset = 0;  // in the arena
    TensorView view;      // of constants
  };
  // One kernel call over whole operands.
  struct Step {
    TaskSpec spec;
    size_t node = 0;  // index in Program::nodes
    int32_t task = 0;
    std::vector<int32_t> in;  // slots, -1 absent
    std::vector<int32_t> out;
  };
  // The steps of one node; none where its result is in place already.
  struct Op {
    size_t node = 0;
    size_t first_step = 0;
    size_t end_step = 0;
  };

  // `step` does what these steps do (indices, ascending), when it runs in the
  // place of the last of them.
  struct FusedStep {
    Step step;
    std::vector<size_t> steps;
  };

  // Nodes, their names and known operands are read where they are: the net must
  // outlive the plan. kLimit: over options.max_memory.
  static Expected<std::shared_ptr<const LoweredPlan>> Create(
      const Net& net, std::shared_ptr<const Program> program,
      std::shared_ptr<const Plan> plan, const LoweringOptions& options);

  const Program& program() const { return *program_; }
  const Plan& plan() const { return *plan_; }
  Rung rung() const { return options_.rung; }
  const std::vector<Slot>& slots() const { return slots_; }  // values first
  const std::vector<Step>& steps() const { return steps_; }
  const std::vector<Op>& ops() const { return ops_; }
  // Steps that may run as one where nobody looks at what lies between.
  const std::vector<FusedStep>& fused() const { return fused_; }
  uint64_t arena_bytes() const { return arena_bytes_; }
  // Packed weights and constants.
  uint64_t constant_bytes() const { return packed_bytes_ + constant_bytes_; }
  size_t scratch_bytes() const { return scratch_bytes_; }  // per thread

 private:
  LoweredPlan(std::shared_ptr<const Program> program,
              std::shared_ptr<const Plan> plan, const LoweringOptions& options)
      : program_(std::move(program)),
        plan_(std::move(plan)),
        options_(options) {}

  Status Lower(const Net& net);
  Status LowerNode(int32_t node, int32_t task);
  void AddSteps(TaskBuilder* builder, size_t node, int32_t task);
  void KeepOperand(Step* step);
  Status PlaceConstants();
  Status PlaceTemporaries();
  int32_t Resolve(const Operand& operand, const ProgramNode& node) const;
  const ProgramNode& Node(size_t index) const { return program_->nodes[index]; }

  std::shared_ptr<const Program> program_;
  std::shared_ptr<const Plan> plan_;
  LoweringOptions options_;
  std::vector<Slot> slots_;
  size_t first_temporary_ = 0;  // of the node that is being lowered
  std::vector<Step> steps_;
  std::vector<Op> ops_;
  std::vector<FusedStep> fused_;
  MemoryBlock constants_;
  uint64_t packed_bytes_ = 0, constant_bytes_ = 0, arena_bytes_ = 0;
  size_t scratch_bytes_ = 0;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_LOWERED_PLAN_H_
