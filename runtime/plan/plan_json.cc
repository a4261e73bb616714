// See plan_json.h.
#include "runtime/plan/plan_json.h"

#include <array>
#include <charconv>
#include <map>

#include "ops/registry.h"

namespace aneref {
namespace {

const char* FormatName(engine::WeightFormat format) {
  static constexpr const char* kNames[] = {"dense",    "int8",   "palette4",
                                           "palette8", "sparse", "blockwise"};
  return kNames[static_cast<int>(format)];
}

const char* BufferingName(engine::Buffering buffering) {
  static constexpr const char* kNames[] = {"double", "single", "does_not_fit"};
  return kNames[static_cast<int>(buffering)];
}

const char* SourceModeName(engine::SourceMode mode) {
  static constexpr const char* kNames[] = {"default", "small", "tiny"};
  return kNames[static_cast<int>(mode)];
}

std::string NodeNameOf(const Program& program, int32_t node) {
  const fbs::Node& source = *program.nodes[static_cast<size_t>(node)].node;
  return source.name() == nullptr ? std::string() : source.name()->str();
}

void WriteOperand(const PlanTensor& tensor, JsonWriter* json) {
  json->BeginObject();
  json->Member("name", tensor.name);
  json->Member("dtype", DataTypeName(tensor.type.dtype));
  json->Member("shape", tensor.type.shape.ToVector());
  json->Member("address", tensor.place.offset);
  json->Member("bytes", tensor.bytes);
  json->Member("row_stride", tensor.row_stride);
  json->Member("plane_stride", tensor.plane_stride);
  json->Member("memory", SharingName(tensor.place.sharing));
  json->Member("state", engine::AllocationStateName(tensor.state));
  json->Key("chip_address");
  tensor.chip_address < 0 ? json->Null() : json->Value(tensor.chip_address);
  if (tensor.chip_address >= 0) {
    json->Member("chip_row_stride", tensor.chip_row_stride);
    json->Member("chip_bytes", tensor.chip_bytes);
  }
  json->EndObject();
}

void WriteMac(const MacPlan& mac, JsonWriter* json) {
  json->BeginObject();
  json->Member("ocg", mac.ocg);
  json->Member("passes", mac.passes);
  json->Member("cores", mac.cores);
  json->Member("lanes_register", mac.lanes_register);
  json->Member("accumulators", mac.accumulator_demand);
  json->Member("buffering", BufferingName(mac.buffering));
  json->Member("source_mode", SourceModeName(mac.source_mode));
  json->Member("winograd", mac.winograd);
  json->Member("weight_format", FormatName(mac.weight_format));
  json->Member("streams_compressed", mac.streams_compressed);
  json->Member("weight_bytes_per_core", mac.weight_bytes_per_core);
  json->Member("weight_passes", mac.weight_passes);
  json->Member("descriptor_channels", mac.descriptor_channels);
  json->Member("cin_parts", mac.cin_parts);
  if (mac.wide_kernel_width > 0)
    json->Member("rewritten_width", mac.wide_kernel_width);
  if (!mac.stride_factors.empty())
    json->Member("stride_factors", mac.stride_factors);
  if (!mac.dilation.empty()) json->Member("dilation", mac.dilation);
  json->EndObject();
}

void WriteGrid(const WorkGrid& grid, JsonWriter* json) {
  json->BeginObject();
  json->Member("planes", grid.planes);
  json->Member("channels", grid.channels);
  json->Member("rows", grid.rows);
  json->Member("columns", grid.columns);
  json->Member("tile_rows", grid.tile_rows);
  json->Member("num_tiles", grid.Tiles());
  json->Member("patch_columns", grid.patch_columns);
  json->Member("num_patches", grid.Patches());
  json->Member("channels_per_core", grid.channels_per_core);
  json->Member("cores", grid.cores);
  json->Member("passes", grid.Passes());
  json->Member("work_units", grid.NumUnits());
  json->EndObject();
}

void WriteNodes(const PlanTask& task, const Program& program,
                JsonWriter* json) {
  json->BeginArray();
  for (const LayerNode& part : task.nodes) {
    json->BeginObject();
    json->Member("name", NodeNameOf(program, part.node));
    json->Member("op",
                 OpName(*program.nodes[static_cast<size_t>(part.node)].node));
    json->Member("role", LayerRoleName(part.role));
    if (part.role == LayerRole::kSlot)
      json->Member("slot", SlotName(part.slot));
    json->EndObject();
  }
  json->EndArray();
}

void WriteTaskCost(const PlanTask& task, JsonWriter* json) {
  json->Member("flops", task.flops);
  json->Key("bytes");
  json->BeginObject();
  json->Member("weights", task.traffic.weights);
  json->Member("inputs", task.traffic.inputs);
  json->Member("outputs", task.traffic.outputs);
  json->Member("dram", task.dram_bytes);
  json->EndObject();
  json->Member("cycles", task.cycles);
  json->Member("compute_us", task.compute_us);
  json->Member("transfer_us", task.transfer_us);
  json->Member("predicted_us", task.predicted_us);
  json->Member("start_us", task.start_us);
  json->Member("bound", engine::BoundName(task.bound));
}

void WriteTotals(const Plan& plan, JsonWriter* json) {
  json->Member("predicted_us", plan.totals.predicted_us);
  json->Member("bound", engine::BoundName(plan.totals.bound));
  json->Member("provenance", plan.totals.provenance);
  json->Member("flops", plan.totals.flops);
  json->Member("dram_bytes", plan.totals.dram_bytes);
  json->Member("energy_mj", plan.totals.energy_mj);
  json->Member("dispatches", plan.totals.dispatches);
  json->Member("crossings", plan.totals.crossings);
  json->Member("task_descriptors", plan.totals.task_descriptors);
  json->Key("memory");
  json->BeginObject();
  json->Member("arena_bytes", plan.arena.arena_bytes);
  json->Member("lower_bound_bytes", plan.arena.lower_bound);
  json->Member("sum_of_tensors_bytes", plan.arena.sum_of_tensors);
  json->Member("chip_pool_bytes", plan.model.working_set_bytes);
  json->EndObject();
}

void WriteLists(const Plan& plan, JsonWriter* json) {
  json->Key("partitions");
  json->BeginArray();
  for (const PlanPartition& partition : plan.partitions) {
    json->BeginObject();
    json->Member("first_task", partition.first);
    json->Member("last_task", partition.last);
    json->Member("peak_bytes", partition.peak_bytes);
    json->Member("live_across", partition.live_across);
    json->EndObject();
  }
  json->EndArray();
  json->Key("segments");
  json->BeginArray();
  for (const PlanSegment& segment : plan.segments) {
    json->BeginObject();
    json->Member("placement", segment.on_engine ? "ane" : "cpu");
    json->Member("first_task", segment.first);
    json->Member("last_task", segment.last);
    json->Member("bytes_in", segment.bytes_in);
    json->Member("bytes_out", segment.bytes_out);
    json->Member("predicted_us", segment.predicted_us);
    json->EndObject();
  }
  json->EndArray();
  json->Key("warnings");
  json->BeginArray();
  for (const PlanWarning& warning : plan.warnings) {
    json->BeginObject();
    json->Member("rule", warning.rule);
    json->Member("text", warning.text);
    json->EndObject();
  }
  json->EndArray();
}

std::string Text(double value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                 value, std::chars_format::general, 6);
  return std::string(digits.data(), end.ptr);
}
std::string Text(int64_t value) { return std::to_string(value); }
std::string Text(bool value) { return value ? "true" : "false"; }

class Differ {
 public:
  void Compare(const PlanTask& x, const PlanTask& y) {
    task_ = x.name;
    Add("engine", std::string(EngineName(x)), std::string(EngineName(y)));
    Add("tile_rows", x.grid.tile_rows, y.grid.tile_rows);
    Add("patch_columns", x.grid.patch_columns, y.grid.patch_columns);
    Add("work_units", x.grid.NumUnits(), y.grid.NumUnits());
    Add("blocks", x.blocks.num_blocks(), y.blocks.num_blocks());
    Add("resident", x.resident, y.resident);
    Add("task_descriptors", x.task_descriptors, y.task_descriptors);
    if (x.mac.has_value() && y.mac.has_value()) {
      Add("ocg", x.mac->ocg, y.mac->ocg);
      Add("passes", x.mac->passes, y.mac->passes);
      Add("cores", x.mac->cores, y.mac->cores);
      Add("winograd", x.mac->winograd, y.mac->winograd);
    }
    Add("dram_bytes", x.dram_bytes, y.dram_bytes);
    Add("predicted_us", x.predicted_us, y.predicted_us);
    Add("bound", std::string(engine::BoundName(x.bound)),
        std::string(engine::BoundName(y.bound)));
  }
  void CompareTotals(const Plan& a, const Plan& b) {
    task_.clear();
    Add("tasks", static_cast<int64_t>(a.tasks.size()),
        static_cast<int64_t>(b.tasks.size()));
    Add("partitions", static_cast<int64_t>(a.partitions.size()),
        static_cast<int64_t>(b.partitions.size()));
    Add("dispatches", a.totals.dispatches, b.totals.dispatches);
    Add("dram_bytes", a.totals.dram_bytes, b.totals.dram_bytes);
    Add("predicted_us", a.totals.predicted_us, b.totals.predicted_us);
    Add("bound", std::string(engine::BoundName(a.totals.bound)),
        std::string(engine::BoundName(b.totals.bound)));
  }
  std::vector<PlanDifference> Take() { return std::move(rows_); }

 private:
  void Add(const char* field, const std::string& a, const std::string& b) {
    if (a != b) rows_.push_back({task_, field, a, b});
  }
  template <class T>
  void Add(const char* field, T a, T b) {
    Add(field, Text(a), Text(b));
  }

  std::string task_;
  std::vector<PlanDifference> rows_;
};

}  // namespace

const char* EngineName(const PlanTask& task) {
  if (!task.on_engine) return "host";
  switch (task.engine) {
    case engine::EngineKind::kMac:
      return "mac";
    case engine::EngineKind::kPlanar:
      return "planar";
    case engine::EngineKind::kDma:
      return "dma";
  }
  return "";
}

void WriteTask(const Plan& plan, const Program& program, int32_t index,
               JsonWriter* json) {
  const PlanTask& task = plan.tasks[static_cast<size_t>(index)];
  json->BeginObject();
  json->Member("task", index);
  json->Member("name", task.name);
  json->Member("op", task.op);
  json->Member("engine", EngineName(task));
  if (task.on_engine) json->Member("unit", engine::UnitName(task.unit));
  json->Key("nodes");
  WriteNodes(task, program, json);
  for (const bool is_input : {true, false}) {
    json->Key(is_input ? "inputs" : "outputs");
    json->BeginArray();
    for (int32_t value : is_input ? task.inputs : task.outputs)
      WriteOperand(plan.tensors[static_cast<size_t>(value)], json);
    json->EndArray();
  }
  json->Member("depends_on", task.depends_on);
  if (task.on_engine) {
    json->Member("partition", task.partition);
    if (task.mac.has_value()) {
      json->Key("mac");
      WriteMac(*task.mac, json);
    }
    json->Member("ocg", task.grid.channels_per_core);
    json->Member("passes", task.mac.has_value() ? task.mac->passes : 1);
    json->Member("cores", task.grid.cores);
    json->Key("tiles");
    WriteGrid(task.grid, json);
    json->Key("blocks");
    json->BeginObject();
    json->Member("heights", task.blocks.heights);
    json->Member("widths", task.blocks.widths);
    json->Member("channels", task.blocks.channels);
    json->EndObject();
    json->Member("resident", task.resident);
    json->Member("working_set_bytes", task.working_set_bytes);
    json->Member("task_descriptors", task.task_descriptors);
    json->Member("through_transpose", task.through_transpose);
  }
  WriteTaskCost(task, json);
  json->EndObject();
}

void WritePlan(const Plan& plan, const Program& program, JsonWriter* json) {
  json->BeginObject();
  json->Member("target", plan.chip);
  WriteTotals(plan, json);
  json->Key("tasks");
  json->BeginArray();
  for (size_t t = 0; t < plan.tasks.size(); ++t)
    WriteTask(plan, program, static_cast<int32_t>(t), json);
  json->EndArray();
  WriteLists(plan, json);
  json->EndObject();
}

std::vector<PlanDifference> DiffPlans(const Plan& a, const Plan& b) {
  Differ differ;
  differ.CompareTotals(a, b);
  std::map<int32_t, const PlanTask*> of_b;
  for (const PlanTask& task : b.tasks) of_b[task.main] = &task;
  for (const PlanTask& task : a.tasks) {
    const auto other = of_b.find(task.main);
    if (other != of_b.end()) differ.Compare(task, *other->second);
  }
  return differ.Take();
}

}  // namespace aneref
