// See static_run.h.
#include "runtime/exec/static_run.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <span>

#include "ops/registry.h"
#include "runtime/core/layout.h"
#include "runtime/graph/evaluate.h"
#include "runtime/graph/text.h"

namespace aneref {
namespace {

size_t BytesOf(const TensorView& view) {
  return SurfaceBytes({view.dtype, view.shape}).value();
}

}  // namespace

Expected<std::unique_ptr<StaticRun>> StaticRun::Create(
    std::shared_ptr<const LoweredPlan> lowered,
    const SessionResources& resources) {
  std::unique_ptr<StaticRun> run(new StaticRun(std::move(lowered)));
  ANEREF_TRY(run->Allocate(resources));
  run->Bind();
  run->DescribeSteps();
  run->FindStorages();
  return run;
}

Status StaticRun::Allocate(const SessionResources& resources) {
  MemoryBudget budget(resources.max_memory);
  ANEREF_TRY(budget.Take(lowered_->constant_bytes(), "weights and constants"));
  ANEREF_TRY(budget.Take(
      lowered_->arena_bytes() +
          lowered_->scratch_bytes() * static_cast<size_t>(resources.threads),
      "tensors"));
  ANEREF_ASSIGN(arena_,
                AllocateBlock(lowered_->arena_bytes(), resources.source));
  ANEREF_ASSIGN(executor_,
                Executor::Create({resources.threads, lowered_->scratch_bytes(),
                                  resources.parallel, resources.source}));
  return Status();
}

void StaticRun::Bind() {
  for (const LoweredPlan::Slot& slot : lowered_->slots()) {
    views_.push_back(slot.is_placed
                         ? SurfaceView(slot.type, arena_.get() + slot.offset)
                         : slot.view);
  }
  const size_t num_steps = lowered_->steps().size();
  const std::vector<LoweredPlan::FusedStep>& fused = lowered_->fused();
  for (size_t i = 0; i < num_steps + fused.size(); ++i) {
    const LoweredPlan::Step& step = StepOf(i);
    const auto views = [&](const std::vector<int32_t>& indices) {
      std::vector<TensorView> result;
      for (int32_t index : indices)
        result.push_back(index < 0 ? TensorView{} : View(index));
      return result;
    };
    BoundTask ready;
    ready.in = views(step.in);
    ready.out = views(step.out);
    ready.function = lowered_->rung() == Rung::kSimd ? step.spec.kernel->simd
                                                     : step.spec.kernel->scalar;
    ready.args = step.spec.args;
    ready.num_units = step.spec.num_units;
    ready.scratch_bytes = step.spec.scratch_bytes;
    bound_.push_back(std::move(ready));
  }
  constexpr size_t kElsewhere = SIZE_MAX;
  std::vector<size_t> runs(num_steps);
  std::iota(runs.begin(), runs.end(), size_t{0});
  for (size_t i = 0; i < fused.size(); ++i) {
    for (const size_t step : fused[i].steps) runs[step] = kElsewhere;
    runs[fused[i].steps.back()] = num_steps + i;
  }
  std::copy_if(runs.begin(), runs.end(), std::back_inserter(sequence_),
               [](size_t index) { return index != kElsewhere; });
}

const LoweredPlan::Step& StaticRun::StepOf(size_t index) const {
  const size_t num_steps = lowered_->steps().size();
  return index < num_steps ? lowered_->steps()[index]
                           : lowered_->fused()[index - num_steps].step;
}

void StaticRun::DescribeSteps() {
  size_t most_outputs = 0;
  for (const LoweredPlan::Op& op : lowered_->ops()) {
    const ProgramNode& node = program().nodes[op.node];
    names_.push_back({Text(node.node->name()), OpName(*node.node)});
    most_outputs = std::max(most_outputs, node.outputs.size());
  }
  outputs_.reserve(most_outputs);
  for (const LoweredPlan::Step& step : lowered_->steps()) {
    const ProgramNode& node = program().nodes[step.node];
    const int32_t output = node.outputs[0];
    TaskProfile row;
    row.name = Text(node.node->name());
    row.op = OpName(*node.node);
    row.kernel = step.spec.kernel->name;
    if (output >= 0)
      row.output = program().values[static_cast<size_t>(output)].memory;
    row.flops = step.spec.flops;
    row.node = static_cast<int32_t>(step.node);
    row.task = step.task;
    row.on_engine = plan().tasks[static_cast<size_t>(step.task)].on_engine;
    profile_.push_back(std::move(row));
  }
}

StaticRun::Storage* StaticRun::StorageOf(int32_t value) {
  if (value < 0 || static_cast<size_t>(value) >= plan().tensors.size())
    return nullptr;
  const int32_t index =
      plan().tensors[static_cast<size_t>(value)].place.storage;
  const int32_t entry =
      index < 0 ? -1 : entry_of_storage_[static_cast<size_t>(index)];
  return entry < 0 ? nullptr : &storages_[static_cast<size_t>(entry)];
}

void StaticRun::AddStorage(int32_t value, bool is_input) {
  const int32_t index =
      plan().tensors[static_cast<size_t>(value)].place.storage;
  if (index < 0) return;
  int32_t& entry = entry_of_storage_[static_cast<size_t>(index)];
  if (entry < 0) {
    entry = static_cast<int32_t>(storages_.size());
    storages_.emplace_back();
  }
  storages_[static_cast<size_t>(entry)].has_input |= is_input;
}

// Which values and operands follow a graph input or output when it moves.
void StaticRun::FindStorages() {
  entry_of_storage_.assign(plan().tensors.size(), -1);
  for (const int32_t value : program().inputs) AddStorage(value, true);
  for (const int32_t value : program().outputs) AddStorage(value, false);
  for (size_t i = 0; i < plan().tensors.size(); ++i) {
    const auto value = static_cast<int32_t>(i);
    Storage* storage = StorageOf(value);
    if (storage == nullptr) continue;
    const uint64_t begin = plan().tensors[i].place.offset;
    storage->begin = std::min(storage->begin, begin);
    storage->end = std::max(storage->end, begin + BytesOf(views_[i]));
    storage->values.push_back(value);
  }
  for (size_t i = 0; i < bound_.size(); ++i) {
    const LoweredPlan::Step& step = StepOf(i);
    for (const std::vector<int32_t>* list : {&step.in, &step.out}) {
      for (size_t k = 0; k < list->size(); ++k) {
        if (Storage* storage = StorageOf((*list)[k]))
          storage->uses.push_back({i, k, list == &step.out});
      }
    }
  }
}

bool StaticRun::Move(int32_t value, PortRole role, std::byte* data) {
  Storage* storage = StorageOf(value);
  if (storage == nullptr) return false;
  // An output that is a view of an input stays with it.
  if (role == PortRole::kOutput && storage->has_input) return false;
  const uint64_t offset =
      plan().tensors[static_cast<size_t>(value)].place.offset;
  // All of the storage must lie in what the caller gives.
  const bool covers =
      offset == storage->begin && offset + BytesOf(View(value)) == storage->end;
  if (!covers || (storage->owner >= 0 && storage->owner != value)) return false;
  storage->owner = data != nullptr ? value : -1;
  std::byte* base = data != nullptr ? data : arena_.get() + storage->begin;
  for (const int32_t member : storage->values) {
    views_[static_cast<size_t>(member)].data =
        base + (plan().tensors[static_cast<size_t>(member)].place.offset -
                storage->begin);
  }
  for (const Storage::Use& use : storage->uses) {
    const LoweredPlan::Step& step = StepOf(use.step);
    BoundTask& bound = bound_[use.step];
    if (use.is_output) {
      bound.out[use.operand].data = View(step.out[use.operand]).data;
    } else {
      bound.in[use.operand].data = View(step.in[use.operand]).data;
    }
  }
  return true;
}

void StaticRun::EnableTrace(bool on) {
  tracing_ = on;
  executor_->EnableTrace(on);
}

// Whoever computes several steps has their time and their work.
void StaticRun::AddProfile(size_t index, double seconds) {
  const size_t num_steps = lowered_->steps().size();
  const std::span<const size_t> steps =
      index < num_steps ? std::span<const size_t>(&index, 1)
                        : lowered_->fused()[index - num_steps].steps;
  // Names of kernels are short: nothing is allocated.
  TaskProfile& first = profile_[steps.front()];
  first.kernel = StepOf(index).spec.kernel->name;
  double flops = 0;
  for (const size_t i : steps) {
    flops += lowered_->steps()[i].spec.flops;
    profile_[i].flops = 0;
    profile_[i].seconds = 0;
    profile_[i].within = static_cast<int32_t>(steps.front());
  }
  first.flops = flops;
  first.seconds = seconds;
  first.within = -1;
}

Status StaticRun::RunStep(size_t index, RunHooks* hooks) {
  if (hooks != nullptr) ANEREF_TRY(hooks->BeforeCall());
  const double start = profiling_ ? SteadySeconds() : 0;
  const Status status = executor_->Run(bound_[index]);
  if (profiling_) AddProfile(index, SteadySeconds() - start);
  if (tracing_) {
    for (const PartTiming& part : executor_->parts())
      trace_.push_back({static_cast<int32_t>(index), part});
  }
  if (status.ok()) return status;
  return status.WithContext(
      DescribeNode(*program().nodes[StepOf(index).node].node));
}

Status StaticRun::Report(size_t index, double seconds, RunHooks* hooks) {
  const OpNames& names = names_[index];
  const LoweredPlan::Op& op = lowered_->ops()[index];
  outputs_.clear();
  for (const int32_t value : program().nodes[op.node].outputs) {
    if (value < 0) continue;
    outputs_.push_back(
        {program().values[static_cast<size_t>(value)].name.c_str(),
         View(value)});
  }
  return hooks->AfterOp({names.name.c_str(), names.op.c_str(), index,
                         lowered_->ops().size(), seconds, outputs_});
}

Status StaticRun::Run(RunHooks* hooks) {
  const bool by_op = tracing_ || (hooks != nullptr && hooks->SeesOps());
  return executor_->WithThreads(
      [&] { return by_op ? RunOps(hooks) : RunSequence(hooks); });
}

Status StaticRun::RunSequence(RunHooks* hooks) {
  for (const size_t index : sequence_) ANEREF_TRY(RunStep(index, hooks));
  return Status();
}

Status StaticRun::RunOps(RunHooks* hooks) {
  if (tracing_) trace_.clear();
  for (size_t i = 0; i < lowered_->ops().size(); ++i) {
    const LoweredPlan::Op& op = lowered_->ops()[i];
    const bool is_timed = hooks != nullptr && op.first_step < op.end_step;
    const double start = is_timed ? SteadySeconds() : 0;
    for (size_t step = op.first_step; step < op.end_step; ++step)
      ANEREF_TRY(RunStep(step, hooks));
    if (hooks != nullptr)
      ANEREF_TRY(Report(i, is_timed ? SteadySeconds() - start : 0, hooks));
  }
  return Status();
}

}  // namespace aneref
