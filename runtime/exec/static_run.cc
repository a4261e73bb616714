// See static_run.h.
#include "runtime/exec/static_run.h"

#include <algorithm>
#include <chrono>

#include "ops/device.h"
#include "ops/registry.h"
#include "runtime/core/layout.h"
#include "runtime/exec/fill_surface.h"
#include "runtime/graph/evaluate.h"
#include "runtime/plan/memory.h"

namespace aneref {
namespace {

std::string NodeName(const fbs::Node& node) {
  return node.name() ? node.name()->str() : std::string();
}

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

Expected<std::unique_ptr<StaticRun>> StaticRun::Create(
    const Net& net, std::shared_ptr<const Program> program,
    std::shared_ptr<const Plan> plan, const SessionOptions& options) {
  std::unique_ptr<StaticRun> run(
      new StaticRun(std::move(program), std::move(plan), options));
  ANEREF_TRY(run->Lower(net));
  ANEREF_TRY(run->PlaceConstants());
  ANEREF_TRY(run->PlaceArena());
  run->Bind();
  return run;
}

int32_t StaticRun::Resolve(const Operand& operand,
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

Status StaticRun::Lower(const Net& net) {
  for (const ProgramValue& value : program_->values) {
    Slot slot;
    slot.type = value.memory;
    slot.constant = value.is_known;
    slots_.push_back(slot);
  }
  for (size_t t = 0; t < plan_->tasks.size(); ++t) {
    for (const LayerNode& part : plan_->tasks[t].nodes) {
      if (plan_->node_is_free[static_cast<size_t>(part.node)]) continue;
      ANEREF_TRY(LowerNode(part.node, static_cast<int32_t>(t)));
      // Packed weights are the only copy that a run needs in memory.
      for (int32_t value : Node(static_cast<size_t>(part.node)).inputs) {
        if (value < 0) continue;
        const ProgramValue& operand =
            program_->values[static_cast<size_t>(value)];
        if (operand.is_known) net.DropPages(operand.known);
      }
    }
  }
  // Graph outputs may be known before the run.
  for (int32_t output : program_->outputs)
    slots_[static_cast<size_t>(output)].needed = true;
  return Status();
}

Status StaticRun::LowerNode(int32_t index, int32_t task) {
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
                      options_.numerics == Numerics::kFast);
  const Status status = options_.rung == Rung::kReference
                            ? LowerOpToReference(def, view, &builder)
                            : LowerOp(def, view, &builder);
  ANEREF_TRY(status.WithContext(DescribeNode(*node.node)));
  first_temporary_ = slots_.size();
  for (const TensorType& type : builder.temporaries()) {
    slots_.emplace_back();
    slots_.back().type = type;
  }
  AddSteps(&builder, static_cast<size_t>(index), task);
  uint64_t bytes = 0;
  for (size_t i = first_temporary_; i < slots_.size(); ++i) {
    ANEREF_ASSIGN(const size_t surface, SurfaceBytes(slots_[i].type));
    bytes += AlignUp(surface);
  }
  temporary_bytes_ = std::max(temporary_bytes_, bytes);
  return Status();
}

void StaticRun::AddSteps(TaskBuilder* builder, size_t node, int32_t task) {
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
void StaticRun::KeepOperand(Step* step) {
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
Status StaticRun::PlaceConstants() {
  std::vector<uint64_t> offsets(program_->values.size(), 0);
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (!slots_[i].constant || !slots_[i].needed) continue;
    ANEREF_ASSIGN(const size_t bytes, SurfaceBytes(slots_[i].type));
    offsets[i] = constant_bytes_;
    constant_bytes_ += AlignUp(bytes);
  }
  ANEREF_TRY(budget_.Take(constant_bytes_, "constants"));
  ANEREF_ASSIGN(constants_, AllocateBlock(constant_bytes_));
  for (size_t i = 0; i < offsets.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.constant || !slot.needed) continue;
    slot.view = SurfaceView(slot.type, constants_.get() + offsets[i]);
    FillSurface(program_->values[i].known, slot.view, ValueOrigin::kConstant);
  }
  return Status();
}

Status StaticRun::PlaceArena() {
  size_t scratch = 0;
  for (const Step& step : steps_)
    scratch = std::max(scratch, step.spec.scratch_bytes);
  arena_bytes_ = AlignUp(plan_->arena.arena_bytes) + temporary_bytes_;
  ANEREF_TRY(budget_.Take(
      arena_bytes_ + scratch * static_cast<size_t>(options_.threads),
      "tensors"));
  ANEREF_ASSIGN(arena_, AllocateBlock(arena_bytes_));
  for (size_t i = 0; i < plan_->tensors.size(); ++i) {
    const ArenaPlace& place = plan_->tensors[i].place;
    if (place.storage >= 0)
      slots_[i].view = SurfaceView(slots_[i].type, arena_.get() + place.offset);
  }
  // Temporaries live for one node: all nodes use the same memory.
  uint64_t offset = AlignUp(plan_->arena.arena_bytes);
  size_t node = SIZE_MAX;
  for (const Step& step : steps_) {
    if (step.node != node) offset = AlignUp(plan_->arena.arena_bytes);
    node = step.node;
    for (const std::vector<int32_t>* list : {&step.in, &step.out}) {
      for (int32_t index : *list) {
        if (index < static_cast<int32_t>(program_->values.size())) continue;
        Slot& slot = slots_[static_cast<size_t>(index)];
        if (slot.view.data != nullptr) continue;
        slot.view = SurfaceView(slot.type, arena_.get() + offset);
        ANEREF_ASSIGN(const size_t bytes, SurfaceBytes(slot.type));
        offset += AlignUp(bytes);
      }
    }
  }
  executor_ = std::make_unique<Executor>(options_.threads, scratch);
  return Status();
}

void StaticRun::Bind() {
  for (Step& step : steps_) {
    BoundTask ready;
    const auto views = [&](const std::vector<int32_t>& indices) {
      std::vector<TensorView> result;
      for (int32_t index : indices) {
        result.push_back(index < 0 ? TensorView{}
                                   : slots_[static_cast<size_t>(index)].view);
      }
      return result;
    };
    ready.in = views(step.in);
    ready.out = views(step.out);
    ready.function = options_.rung == Rung::kSimd ? step.spec.kernel->simd
                                                  : step.spec.kernel->scalar;
    ready.args = step.spec.args;
    ready.num_units = step.spec.num_units;
    ready.scratch_bytes = step.spec.scratch_bytes;
    bound_.push_back(std::move(ready));
    const fbs::Node& node = *Node(step.node).node;
    const int32_t output = Node(step.node).outputs[0];
    TaskProfile row;
    row.name = NodeName(node);
    row.op = OpName(node);
    row.kernel = step.spec.kernel->name;
    if (output >= 0)
      row.output = program_->values[static_cast<size_t>(output)].memory;
    row.flops = step.spec.flops;
    row.node = static_cast<int32_t>(step.node);
    row.task = step.task;
    row.on_engine = plan_->tasks[static_cast<size_t>(step.task)].on_engine;
    profile_.push_back(std::move(row));
  }
}

void StaticRun::EnableTrace(bool on) {
  tracing_ = on;
  executor_->EnableTrace(on);
}

Status StaticRun::Run() {
  using Clock = std::chrono::steady_clock;
  if (tracing_) trace_.clear();
  for (size_t i = 0; i < bound_.size(); ++i) {
    const Clock::time_point start =
        profiling_ ? Clock::now() : Clock::time_point();
    const Status status = executor_->Run(bound_[i]);
    if (profiling_) {
      profile_[i].seconds =
          std::chrono::duration<double>(Clock::now() - start).count();
    }
    if (tracing_) {
      for (const PartTiming& part : executor_->parts())
        trace_.push_back({static_cast<int32_t>(i), part});
    }
    if (!status.ok())
      return status.WithContext(DescribeNode(*Node(steps_[i].node).node));
  }
  return Status();
}

}  // namespace aneref
