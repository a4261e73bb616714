// See plan_checker.h.
#include "tests/support/plan_checker.h"

#include <algorithm>
#include <map>
#include <set>

namespace aneref::test {
namespace {

// Bytes of the arena and what they hold.
class ArenaContent {
 public:
  struct Run {
    uint64_t length;
    int64_t token;
    bool operator==(const Run& other) const {
      return length == other.length && token == other.token;
    }
  };

  void Write(uint64_t begin, uint64_t length, int64_t token) {
    if (length == 0) return;
    Split(begin);
    Split(begin + length);
    tokens_.erase(tokens_.lower_bound(begin),
                  tokens_.lower_bound(begin + length));
    tokens_[begin] = token;
  }
  // Neighbouring equal tokens are one run.
  std::vector<Run> Read(uint64_t begin, uint64_t length) {
    std::vector<Run> runs;
    if (length == 0) return runs;
    Split(begin);
    Split(begin + length);
    const uint64_t end = begin + length;
    for (auto it = tokens_.lower_bound(begin);
         it != tokens_.end() && it->first < end; ++it) {
      const auto next = std::next(it);
      const uint64_t stop =
          next == tokens_.end() ? end : std::min(end, next->first);
      if (!runs.empty() && runs.back().token == it->second) {
        runs.back().length += stop - it->first;
      } else {
        runs.push_back({stop - it->first, it->second});
      }
    }
    return runs;
  }

 private:
  // Makes `at` a border.
  void Split(uint64_t at) {
    auto it = tokens_.upper_bound(at);
    --it;
    if (it->first != at) tokens_[at] = it->second;
  }
  std::map<uint64_t, int64_t> tokens_ = {{0, -1}};
};

class Checker {
 public:
  Checker(const Program& program, const Plan& plan)
      : program_(program), plan_(plan), content_(program.values.size()) {}

  std::vector<std::string> Run() {
    CheckCoverage();
    Replay();
    for (const PlanTask& task : plan_.tasks) {
      if (!task.on_engine) continue;
      CheckUnits(task);
      CheckDescriptors(task);
    }
    CheckChipMemory();
    return std::move(problems_);
  }

 private:
  using Content = std::vector<ArenaContent::Run>;

  void Report(const std::string& text) {
    if (problems_.size() < 20) problems_.push_back(text);
  }
  const ProgramNode& Node(int32_t index) const {
    return program_.nodes[static_cast<size_t>(index)];
  }
  const PlanTensor& Tensor(int32_t value) const {
    return plan_.tensors[static_cast<size_t>(value)];
  }
  bool IsRuntime(int32_t value) const {
    return value >= 0 && !program_.values[static_cast<size_t>(value)].is_known;
  }

  void CheckCoverage() {
    std::vector<int> seen(program_.nodes.size(), 0);
    for (const PlanTask& task : plan_.tasks) {
      for (const LayerNode& part : task.nodes)
        ++seen[static_cast<size_t>(part.node)];
    }
    for (size_t i = 0; i < seen.size(); ++i) {
      if (seen[i] != 1)
        Report("node " + std::to_string(i) + " is in " +
               std::to_string(seen[i]) + " tasks");
    }
  }

  Content ReadValue(int32_t value) {
    const PlanTensor& tensor = Tensor(value);
    return arena_.Read(tensor.place.offset,
                       static_cast<uint64_t>(tensor.bytes));
  }
  void Define(int32_t value) {
    const PlanTensor& tensor = Tensor(value);
    if (tensor.place.offset + static_cast<uint64_t>(tensor.bytes) >
        plan_.arena.arena_bytes)
      Report("value '" + tensor.name + "' lies beyond the arena");
    if (tensor.place.offset % 64 != 0)
      Report("value '" + tensor.name + "' is not aligned");
    arena_.Write(tensor.place.offset, static_cast<uint64_t>(tensor.bytes),
                 next_token_++);
    content_[static_cast<size_t>(value)] = ReadValue(value);
    defined_.insert(value);
  }
  void CheckIntact(int32_t value, const std::string& reader) {
    if (!IsRuntime(value)) return;
    if (defined_.count(value) == 0) {
      Report(reader + " reads value " + std::to_string(value) +
             " before it is made");
    } else if (!(ReadValue(value) == content_[static_cast<size_t>(value)])) {
      Report(reader + " reads value " + std::to_string(value) +
             " after its memory was written over");
    }
  }

  // Free nodes: the results are the operands' bytes, in the same order.
  void CheckFree(const ProgramNode& node, const std::string& name) {
    Content in, out;
    const auto append = [&](const std::vector<int32_t>& values, Content* all) {
      for (int32_t value : values) {
        if (!IsRuntime(value)) continue;
        for (const ArenaContent::Run& run : ReadValue(value)) {
          if (!all->empty() && all->back().token == run.token) {
            all->back().length += run.length;
          } else {
            all->push_back(run);
          }
        }
      }
    };
    if (node.node->op_type() == fbs::Op::Reshape) {
      append({node.inputs[0]}, &in);
    } else {
      append(node.inputs, &in);
    }
    append(node.outputs, &out);
    if (!(in == out)) Report(name + " is free but its bytes differ");
    for (int32_t value : node.outputs) {
      if (!IsRuntime(value)) continue;
      content_[static_cast<size_t>(value)] = ReadValue(value);
      defined_.insert(value);
    }
  }

  void Replay() {
    for (int32_t value : program_.inputs) {
      if (Tensor(value).used) Define(value);
    }
    for (size_t t = 0; t < plan_.tasks.size(); ++t) {
      for (const LayerNode& part : plan_.tasks[t].nodes) {
        const ProgramNode& node = Node(part.node);
        const std::string name = "node " + std::to_string(part.node);
        for (int32_t value : node.inputs) CheckIntact(value, name);
        if (plan_.node_is_free[static_cast<size_t>(part.node)]) {
          CheckFree(node, name);
          continue;
        }
        CheckOverlap(node, name);
        for (int32_t value : node.outputs) {
          if (IsRuntime(value) && Tensor(value).used) Define(value);
        }
      }
    }
    for (int32_t value : program_.outputs) CheckIntact(value, "the caller");
    for (int32_t value : program_.inputs) {
      if (Tensor(value).used) CheckIntact(value, "the next run");
    }
  }
  // A result over an operand: only one of equal type, element by element.
  void CheckOverlap(const ProgramNode& node, const std::string& name) {
    for (int32_t out : node.outputs) {
      if (!IsRuntime(out) || !Tensor(out).used) continue;
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        const int32_t in = node.inputs[i];
        if (!IsRuntime(in)) continue;
        const PlanTensor &a = Tensor(in), &b = Tensor(out);
        const uint64_t a_end = a.place.offset + static_cast<uint64_t>(a.bytes);
        const uint64_t b_end = b.place.offset + static_cast<uint64_t>(b.bytes);
        if (a.place.offset >= b_end || b.place.offset >= a_end) continue;
        const fbs::Op op = node.node->op_type();
        const bool fine =
            a.place.offset == b.place.offset && a.type == b.type && i == 0 &&
            (op == fbs::Op::Activation || op == fbs::Op::Elementwise ||
             op == fbs::Op::Softmax);
        if (!fine)
          Report(name + " writes over its operand " + std::to_string(i));
      }
    }
  }

  void CheckUnits(const PlanTask& task) {
    const WorkGrid& grid = task.grid;
    const int32_t result = Node(task.main).outputs[0];
    const int64_t elements = program_.values[static_cast<size_t>(result)]
                                 .declared.shape.NumElements();
    if (grid.planes * grid.channels * grid.rows * grid.columns != elements) {
      Report(task.name + ": the units cover another number of elements than " +
             std::to_string(elements));
      return;
    }
    const int64_t cells = grid.channels * grid.rows * grid.Patches();
    if (cells > (int64_t{1} << 24) || grid.NumUnits() > (int64_t{1} << 22))
      return;
    std::vector<uint8_t> seen(static_cast<size_t>(cells), 0);
    const int64_t units = grid.NumUnits() / std::max<int64_t>(1, grid.planes);
    for (int64_t index = 0; index < units; ++index) {
      const WorkUnit unit = WorkUnitOf(grid, index);
      if (unit.plane != 0) Report(task.name + ": planes are not outermost");
      for (int64_t i = 0; i < unit.num_channels; ++i) {
        const int64_t channel = unit.first_channel + i * unit.channel_step;
        for (int64_t row = unit.row_begin; row < unit.row_end; ++row) {
          const int64_t patch = unit.column_begin / grid.patch_columns;
          ++seen[static_cast<size_t>(
              (channel * grid.rows + row) * grid.Patches() + patch)];
        }
      }
      const bool whole =
          unit.column_begin % grid.patch_columns == 0 &&
          unit.column_end ==
              std::min(grid.columns, unit.column_begin + grid.patch_columns);
      if (!whole) Report(task.name + ": a patch is cut");
    }
    if (std::any_of(seen.begin(), seen.end(),
                    [](uint8_t count) { return count != 1; }))
      Report(task.name + ": an output element is not in exactly one unit");
  }

  void CheckDescriptors(const PlanTask& task) {
    if (!task.mac.has_value() || !task.mac->conv.has_value()) return;
    int64_t channels = 0;
    for (int64_t part : task.mac->descriptor_channels) channels += part;
    const int64_t wanted =
        task.mac->conv->cout * (task.mac->wide_kernel_width > 0 ? 2 : 1);
    if (channels != wanted && channels != task.mac->conv->cout)
      Report(task.name + ": descriptors hold " + std::to_string(channels) +
             " of " + std::to_string(wanted) + " channels");
    if (task.grid.Passes() * task.grid.ChannelsPerPass() < task.grid.channels)
      Report(task.name + ": passes do not cover the channels");
  }

  void CheckChipMemory() {
    std::vector<const PlanTensor*> placed;
    for (const PlanTensor& tensor : plan_.tensors) {
      if (tensor.used && tensor.chip_address >= 0) placed.push_back(&tensor);
    }
    const int64_t pool = plan_.model.working_set_bytes;
    for (size_t i = 0; i < placed.size(); ++i) {
      const PlanTensor& a = *placed[i];
      if (a.chip_address + a.chip_bytes > pool)
        Report("'" + a.name + "' lies beyond the chip's memory");
      for (size_t j = 0; j < i; ++j) {
        const PlanTensor& b = *placed[j];
        const bool together = a.producer <= b.consumers.back() &&
                              b.producer <= a.consumers.back();
        const bool overlap = a.chip_address < b.chip_address + b.chip_bytes &&
                             b.chip_address < a.chip_address + a.chip_bytes;
        if (together && overlap)
          Report("'" + a.name + "' and '" + b.name + "' share on-chip memory");
      }
    }
    for (const PlanPartition& partition : plan_.partitions) {
      const bool single = partition.first == partition.last;
      const double most =
          single ? static_cast<double>(pool) : 0.85 * static_cast<double>(pool);
      if (static_cast<double>(partition.peak_bytes) > most && !single)
        Report("a partition holds " + std::to_string(partition.peak_bytes) +
               " bytes");
    }
  }

  const Program& program_;
  const Plan& plan_;
  ArenaContent arena_;
  std::vector<Content> content_;  // per value, when it was made
  std::set<int32_t> defined_;
  int64_t next_token_ = 0;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> CheckPlan(const Program& program, const Plan& plan) {
  return Checker(program, plan).Run();
}

}  // namespace aneref::test
