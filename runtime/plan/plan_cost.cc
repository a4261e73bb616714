// See plan_cost.h.
#include "runtime/plan/plan_cost.h"

#include <algorithm>

#include "runtime/plan/engine/kernel_memory.h"
#include "runtime/plan/engine/op_mapping.h"

namespace aneref {
namespace {

constexpr double kMicroseconds = 1e6;

// What a task of the segment is to C5.
engine::LayerCost LayerCostOf(const Plan& plan, const PlanTask& task,
                              const PlanSegment& segment) {
  const auto inside = [&](int32_t t) {
    return t >= segment.first && t <= segment.last;
  };
  engine::LayerCost layer;
  layer.flops = task.flops;
  layer.traffic = task.traffic;
  layer.input_is_intermediate = true;
  for (int32_t value : task.inputs)
    layer.input_is_intermediate &=
        inside(plan.tensors[static_cast<size_t>(value)].producer);
  layer.output_is_intermediate = true;
  for (int32_t value : task.outputs) {
    const PlanTensor& tensor = plan.tensors[static_cast<size_t>(value)];
    layer.output_is_intermediate &=
        !tensor.is_output &&
        std::all_of(tensor.consumers.begin(), tensor.consumers.end(), inside);
  }
  return layer;
}

class Coster {
 public:
  Coster(const Chip& chip, Plan* plan) : chip_(chip), plan_(*plan) {}

  void Run() {
    for (PlanTask& task : plan_.tasks) {
      if (task.on_engine) CostTask(&task);
    }
    LayOutTimeline();
    FindSegments();
    Total();
    Warn();
  }

 private:
  const PlanTensor& Tensor(int32_t value) const {
    return plan_.tensors[static_cast<size_t>(value)];
  }

  // C5: weights, the graph's operands, and intermediates that do not stay on
  // the chip.
  double DramBytes(const PlanTask& task) const {
    double bytes = task.traffic.weights;
    for (int32_t value : task.inputs)
      bytes +=
          Crosses(value) ? static_cast<double>(Tensor(value).engine_bytes) : 0;
    for (int32_t value : task.outputs)
      bytes +=
          Crosses(value) ? static_cast<double>(Tensor(value).engine_bytes) : 0;
    return bytes;
  }
  bool Crosses(int32_t value) const {
    const PlanTensor& tensor = Tensor(value);
    return tensor.is_input || tensor.is_output ||
           tensor.engine_bytes >= plan_.model.working_set_bytes ||
           tensor.chip_address < 0;
  }

  int64_t CyclesOf(const PlanTask& task) const {
    if (!task.mac.has_value() || !task.mac->conv.has_value()) return 0;
    const engine::ConvGeometry& conv = *task.mac->conv;
    engine::CycleCounts counts;
    counts.input_passes = task.mac->passes;
    counts.kernel_volume = conv.taps() * conv.cin_per_group();
    counts.output_extent = engine::Volume(conv.out);
    counts.active_units = task.mac->cores;
    return engine::LayerCycles(counts);
  }

  void CostTask(PlanTask* task) const {
    if (task->traffic.total() == 0) return;  // nothing runs
    task->dram_bytes = DramBytes(*task);
    task->cycles = CyclesOf(*task);
    const bool winograd = task->mac.has_value() && task->mac->winograd;
    task->compute_us = task->flops / plan_.anchors.peak_flops * kMicroseconds /
                       engine::WinogradGain(plan_.model, winograd);
    task->transfer_us =
        task->dram_bytes / plan_.anchors.bandwidth * kMicroseconds;
    task->predicted_us = std::max(task->compute_us, task->transfer_us);
    task->bound = task->compute_us >= task->transfer_us
                      ? engine::Bound::kCompute
                      : engine::Bound::kBandwidth;
  }

  // E45: serial, or a MAC and a planar neighbour side by side.
  void LayOutTimeline() {
    double now = 0, previous_start = 0;
    bool overlapped = false;
    for (size_t i = 0; i < plan_.tasks.size(); ++i) {
      PlanTask& task = plan_.tasks[i];
      if (!task.on_engine) continue;
      if (i > 0 && !overlapped && CoIssues(plan_.tasks[i - 1], task)) {
        task.start_us = previous_start;
        now = std::max(now, task.start_us + task.predicted_us);
        overlapped = true;
        continue;
      }
      task.start_us = previous_start = now;
      now += task.predicted_us;
      overlapped = false;
    }
  }
  engine::IssueTask IssueOf(const PlanTask& task) const {
    engine::IssueTask issue;
    issue.engine = task.engine;
    for (int32_t value : task.inputs)
      issue.chained_input |=
          Tensor(value).state == engine::AllocationState::kChained;
    for (int32_t value : task.outputs)
      issue.streamed_output |=
          Tensor(value).state == engine::AllocationState::kStreamed;
    return issue;
  }
  bool CoIssues(const PlanTask& a, const PlanTask& b) const {
    if (!a.on_engine) return false;
    const auto index = static_cast<int32_t>(&a - plan_.tasks.data());
    const bool dependent =
        std::binary_search(b.depends_on.begin(), b.depends_on.end(), index);
    return engine::MayCoIssue(plan_.model, IssueOf(a), IssueOf(b), dependent);
  }

  void FindSegments() {
    for (size_t i = 0; i < plan_.tasks.size(); ++i) {
      const auto t = static_cast<int32_t>(i);
      const bool on_engine = plan_.tasks[i].on_engine;
      if (plan_.segments.empty() ||
          plan_.segments.back().on_engine != on_engine) {
        plan_.segments.push_back({on_engine, t, t, 0, 0, 0});
      }
      plan_.segments.back().last = t;
    }
    for (PlanSegment& segment : plan_.segments) CostSegment(&segment);
  }
  void CostSegment(PlanSegment* segment) {
    std::vector<engine::LayerCost> layers;
    for (int32_t t = segment->first; t <= segment->last; ++t) {
      const PlanTask& task = plan_.tasks[static_cast<size_t>(t)];
      AddBorder(task, segment);
      if (segment->on_engine)
        layers.push_back(LayerCostOf(plan_, task, *segment));
    }
    if (!segment->on_engine) return;
    const engine::TimeEstimate time =
        engine::PredictFused(plan_.model, plan_.anchors, layers);
    segment->predicted_us = time.seconds * kMicroseconds;
    bounds_.push_back({time.seconds, time.bound});
    const std::optional<double> joules = engine::EnergyJoules(chip_, time);
    if (joules.has_value()) energy_mj_ += *joules * 1e3;
    has_energy_ = joules.has_value();
  }
  void AddBorder(const PlanTask& task, PlanSegment* segment) const {
    for (int32_t value : task.inputs) {
      const PlanTensor& tensor = Tensor(value);
      const bool first_reader = std::none_of(
          tensor.consumers.begin(), tensor.consumers.end(), [&](int32_t t) {
            return t >= segment->first &&
                   t < static_cast<int32_t>(&task - plan_.tasks.data());
          });
      if (tensor.producer < segment->first && first_reader)
        segment->bytes_in += static_cast<double>(tensor.engine_bytes);
    }
    for (int32_t value : task.outputs) {
      const PlanTensor& tensor = Tensor(value);
      const bool leaves =
          tensor.is_output || (!tensor.consumers.empty() &&
                               tensor.consumers.back() > segment->last);
      if (leaves)
        segment->bytes_out += static_cast<double>(tensor.engine_bytes);
    }
  }

  void Total() {
    PlanTotals& totals = plan_.totals;
    totals.provenance = plan_.anchors.provenance;
    for (const PlanTask& task : plan_.tasks) {
      totals.flops += task.flops;
      totals.dram_bytes += task.dram_bytes;
      if (task.on_engine) totals.task_descriptors += task.task_descriptors;
    }
    double longest = -1;
    for (const auto& [seconds, bound] : bounds_) {
      if (seconds > longest) totals.bound = bound;
      longest = std::max(longest, seconds);
    }
    for (const PlanSegment& segment : plan_.segments) {
      totals.predicted_us += segment.predicted_us;
      totals.dispatches += segment.on_engine;
    }
    totals.crossings = plan_.segments.empty()
                           ? 0
                           : static_cast<int64_t>(plan_.segments.size()) - 1;
    if (has_energy_) totals.energy_mj = energy_mj_;
  }

  void Warn() {
    const auto tasks = static_cast<int64_t>(plan_.tasks.size());
    if (engine::WarnsOfDepth(tasks)) {
      plan_.warnings.push_back(
          {"E5", std::to_string(tasks) + " layers; the compiler gave up from " +
                     "383 on in one test (allowed here: " +
                     std::to_string(engine::kWarnGraphDepth) + ")"});
    }
    for (const PlanPartition& partition : plan_.partitions) {
      if (engine::SurvivesContextSwitch(plan_.model, partition.live_across))
        continue;
      plan_.warnings.push_back(
          {"E41", std::to_string(partition.live_across) +
                      " tensors live across the end of task " +
                      std::to_string(partition.last) + "; " + plan_.chip +
                      " keeps " +
                      std::to_string(
                          plan_.model.context_switch_live_limit.value_or(0)) +
                      " over a context switch"});
    }
  }

  struct SegmentBound {
    double seconds;
    engine::Bound bound;
  };
  const Chip& chip_;
  Plan& plan_;
  std::vector<SegmentBound> bounds_;
  double energy_mj_ = 0;
  bool has_energy_ = false;
};

}  // namespace

void CostPlan(const Chip& chip, Plan* plan) { Coster(chip, plan).Run(); }

}  // namespace aneref
