// See lowered_plan.h.
#include "runtime/exec/lowered_plan.h"

#include <algorithm>

#include "ops/device.h"
#include "ops/registry.h"
#include "runtime/core/layout.h"
#include "runtime/exec/fill_surface.h"
#include "runtime/exec/fused_steps.h"
#include "runtime/exec/lower_within.h"
#include "runtime/graph/evaluate.h"
#include "runtime/plan/memory.h"

namespace aneref {
namespace {

// Where a kernel may not write over its operand although the plan shares their
// memory: it writes a temporary that is copied.
Status CopyRows(const KernelCall& call, int64_t unit) {
  const TensorView &from = call.in[0], &to = call.out[0];
  const int64_t per_unit = *static_cast<const int64_t*>(call.args);
  const int64_t end = std::min(from.num_rows(), (unit + 1) * per_unit);
  const size_t bytes =
      static_cast<size_t>(from.width()) * ElementSize(from.dtype);
  for (int64_t row = unit * per_unit; row < end; ++row)
    std::copy_n(from.Row<std::byte>(row), bytes, to.Row<std::byte>(row));
  return Status();
}
constexpr Kernel kCopyKernel = {"copy", CopyRows, CopyRows};

// The cut of the plan, for kernels that can follow it.
CutHint HintOf(const PlanTask& task) {
  if (!task.on_engine) return {};
  return {task.grid.tile_rows, task.grid.ChannelsPerPass()};
}

}  // namespace

Expected<std::shared_ptr<const LoweredPlan>> LoweredPlan::Create(
    const Net& net, std::shared_ptr<const Program> program,
    std::shared_ptr<const Plan> plan, const LoweringOptions& options) {
  std::shared_ptr<LoweredPlan> lowered(
      new LoweredPlan(std::move(program), std::move(plan), options));
  // What cannot be held is refused before the tables of kernels, which grow
  // with extents, are made.
  const uint64_t tensors = lowered->plan_->arena.arena_bytes;
  if (Status status = CheckAvailable(tensors); !status.ok()) {
    ANEREF_TRY(MemoryBudget(options.max_memory).Take(tensors, "tensors"));
    return status;
  }
  ANEREF_TRY(lowered->Lower(net));
  ANEREF_TRY(lowered->PlaceConstants());
  ANEREF_TRY(lowered->PlaceTemporaries());
  for (const Step& step : lowered->steps_) {
    lowered->scratch_bytes_ =
        std::max(lowered->scratch_bytes_, step.spec.scratch_bytes);
  }
  if (options.fuse) lowered->fused_ = FindFusedSteps(*lowered);
  for (const FusedStep& fused : lowered->fused_) {
    lowered->scratch_bytes_ =
        std::max(lowered->scratch_bytes_, fused.step.spec.scratch_bytes);
  }
  return std::shared_ptr<const LoweredPlan>(std::move(lowered));
}

int32_t LoweredPlan::Resolve(const Operand& operand,
                             const ProgramNode& node) const {
  switch (operand.kind) {
    case Operand::Kind::kInput:
      return node.inputs[operand.index];
    case Operand::Kind::kOutput:
      return node.outputs[operand.index];
    case Operand::Kind::kTemporary:
      return static_cast<int32_t>(first_temporary_ + operand.index);
    case Operand::Kind::kAbsent:
      break;
  }
  return -1;
}

Status LoweredPlan::Lower(const Net& net) {
  const PackingMemory packing(options_.source, options_.max_memory);
  for (const ProgramValue& value : program_->values) {
    Slot slot;
    slot.type = value.memory;
    slot.constant = value.is_known;
    slots_.push_back(slot);
  }
  for (size_t i = 0; i < plan_->tensors.size(); ++i) {
    const ArenaPlace& place = plan_->tensors[i].place;
    slots_[i].is_placed = place.storage >= 0;
    slots_[i].offset = place.offset;
  }
  for (size_t t = 0; t < plan_->tasks.size(); ++t) {
    for (const LayerNode& part : plan_->tasks[t].nodes) {
      const size_t first = steps_.size();
      const bool is_free = plan_->node_is_free[static_cast<size_t>(part.node)];
      if (!is_free) ANEREF_TRY(LowerNode(part.node, static_cast<int32_t>(t)));
      ops_.push_back({static_cast<size_t>(part.node), first, steps_.size()});
      if (is_free) continue;
      // Packed weights are the only copy that a run needs in memory.
      for (int32_t value : Node(static_cast<size_t>(part.node)).inputs) {
        if (value < 0) continue;
        const ProgramValue& operand =
            program_->values[static_cast<size_t>(value)];
        if (operand.is_known) net.DropPages(operand.known);
      }
    }
  }
  packed_bytes_ = packing.used();
  // Graph outputs may be known before the run.
  for (int32_t output : program_->outputs)
    slots_[static_cast<size_t>(output)].needed = true;
  return Status();
}

Status LoweredPlan::LowerNode(int32_t index, int32_t task) {
  const ProgramNode& node = Node(static_cast<size_t>(index));
  const std::vector<OpView::Input> operands =
      OperandsOf(*program_, node, /*in_memory=*/true);
  std::vector<TensorType> types;
  for (int32_t value : node.outputs) {
    types.push_back(value < 0
                        ? TensorType{}
                        : program_->values[static_cast<size_t>(value)].memory);
  }
  const OpView view(*node.node, operands, types, options_.device.get());
  const OpDef& def = *FindOp(node.node->op_type());
  TaskBuilder builder(HintOf(plan_->tasks[static_cast<size_t>(task)]),
                      options_.fast);
  const Status status =
      LowerWithin(def, view, options_.rung == Rung::kReference, &builder);
  ANEREF_TRY(status.WithContext(DescribeNode(*node.node)));
  first_temporary_ = slots_.size();
  for (const TensorType& type : builder.temporaries()) {
    slots_.emplace_back();
    slots_.back().type = type;
  }
  AddSteps(&builder, static_cast<size_t>(index), task);
  return Status();
}

void LoweredPlan::AddSteps(TaskBuilder* builder, size_t node, int32_t task) {
  for (TaskSpec& spec : builder->tasks()) {
    Step step;
    for (const Operand& operand : spec.in)
      step.in.push_back(Resolve(operand, Node(node)));
    for (const Operand& operand : spec.out)
      step.out.push_back(Resolve(operand, Node(node)));
    for (const std::vector<int32_t>* list : {&step.in, &step.out}) {
      for (int32_t slot : *list) {
        if (slot >= 0) slots_[static_cast<size_t>(slot)].needed = true;
      }
    }
    step.node = node;
    step.task = task;
    step.spec = std::move(spec);
    KeepOperand(&step);
  }
}

// Appends the step; by way of a temporary where it may not run in place.
void LoweredPlan::KeepOperand(Step* step) {
  const int32_t out = step->out.empty() ? -1 : step->out[0];
  const bool shares = out >= 0 &&
                      static_cast<size_t>(out) < plan_->tensors.size() &&
                      plan_->tensors[static_cast<size_t>(out)].place.sharing ==
                          Sharing::kInPlace;
  if (!shares || step->spec.in_place) {
    steps_.push_back(std::move(*step));
    return;
  }
  Slot temporary;
  temporary.type = slots_[static_cast<size_t>(out)].type;
  temporary.needed = true;
  const auto slot = static_cast<int32_t>(slots_.size());
  slots_.push_back(temporary);
  Step copy;
  copy.node = step->node;
  copy.task = step->task;
  copy.in = {slot};
  copy.out = {out};
  const int64_t rows = temporary.type.shape.NumRows();
  constexpr int64_t kUnitBytes = 65536;
  const int64_t per_unit = std::max<int64_t>(
      1,
      kUnitBytes / static_cast<int64_t>(SurfaceRowPitch(temporary.type) + 1));
  copy.spec.kernel = &kCopyKernel;
  copy.spec.args = std::make_shared<int64_t>(per_unit);
  copy.spec.num_units = (rows + per_unit - 1) / per_unit;
  step->out[0] = slot;
  steps_.push_back(std::move(*step));
  steps_.push_back(std::move(copy));
}

// Known values that steps read at run time become surfaces in the type in
// memory (P12).
Status LoweredPlan::PlaceConstants() {
  std::vector<uint64_t> offsets(program_->values.size(), 0);
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (!slots_[i].constant || !slots_[i].needed) continue;
    ANEREF_ASSIGN(const size_t bytes, SurfaceBytes(slots_[i].type));
    offsets[i] = constant_bytes_;
    constant_bytes_ += AlignUp(bytes);
  }
  MemoryBudget budget(options_.max_memory);
  ANEREF_TRY(budget.Take(packed_bytes_, "packed weights"));
  ANEREF_TRY(budget.Take(constant_bytes_, "constants"));
  ANEREF_ASSIGN(constants_, AllocateBlock(constant_bytes_, options_.source));
  for (size_t i = 0; i < offsets.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.constant || !slot.needed) continue;
    slot.view = SurfaceView(slot.type, constants_.get() + offsets[i]);
    FillSurface(program_->values[i].known, slot.view, ValueOrigin::kConstant);
  }
  return Status();
}

// Temporaries live for one node: all nodes use the same memory, behind the
// plan's arena.
Status LoweredPlan::PlaceTemporaries() {
  const uint64_t begin = AlignUp(plan_->arena.arena_bytes);
  arena_bytes_ = begin;
  uint64_t offset = begin;
  size_t node = SIZE_MAX;
  for (const Step& step : steps_) {
    if (step.node != node) offset = begin;
    node = step.node;
    for (const std::vector<int32_t>* list : {&step.in, &step.out}) {
      for (int32_t index : *list) {
        if (index < static_cast<int32_t>(program_->values.size())) continue;
        Slot& slot = slots_[static_cast<size_t>(index)];
        if (slot.is_placed) continue;
        slot.is_placed = true;
        slot.offset = offset;
        ANEREF_ASSIGN(const size_t bytes, SurfaceBytes(slot.type));
        offset += AlignUp(bytes);
        arena_bytes_ = std::max(arena_bytes_, offset);
      }
    }
  }
  return Status();
}

}  // namespace aneref
