// aneref plan: tasks, tiles, addresses and predicted cost on one chip, or what
// differs between two.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "ops/registry.h"
#include "runtime/explain/plan_pictures.h"
#include "runtime/plan/host_nodes.h"
#include "runtime/plan/plan_json.h"
#include "tools/output.h"
#include "tools/planning.h"
#include "tools/table.h"
#include "tools/verb.h"

namespace aneref::tool {
namespace {

struct Options {
  ModelArgs model;
  InputArgs inputs;
  std::string target = "m1";
  std::vector<std::string> engine;
  std::vector<std::string> diff;
  std::string pictures;
  bool json = false;
};

Expected<Plan> PlanFor(const SettledModel& settled, const std::string& chip,
                       const std::vector<std::string>& engine) {
  PlanOptions options;
  ANEREF_ASSIGN(options.chip, ChipTable::Embedded().Find(chip));
  options.engine_options = engine;
  ANEREF_ASSIGN(options.on_host,
                HostNodes(*settled.model.net, settled.program, *options.chip));
  return BuildPlan(*settled.model.net, settled.program, options);
}

std::string Percent(double part, double whole) {
  return whole > 0 ? FormatFixed(100 * part / whole, 1) + " %" : "-";
}

std::string Absorbed(const PlanTask& task, const Program& program) {
  std::string text = task.op;
  for (const LayerNode& part : task.nodes) {
    if (part.node == task.main) continue;
    text += "+" + OpName(*program.nodes[static_cast<size_t>(part.node)].node);
  }
  return text;
}

void PrintTotals(const Plan& plan) {
  const PlanTotals& totals = plan.totals;
  Table head("lrl");
  head.Add({"predicted", FormatFixed(totals.predicted_us, 1) + " us",
            std::string("bound: ") + engine::BoundName(totals.bound) +
                ", anchors: " + totals.provenance});
  head.Add({"dispatches", std::to_string(totals.dispatches),
            std::to_string(totals.crossings) + " crossings, " +
                std::to_string(plan.partitions.size()) + " partitions, " +
                std::to_string(totals.task_descriptors) + " descriptors"});
  head.Add(
      {"work", FormatFixed(totals.flops / 1e6, 1) + " MFLOP",
       FormatBytes(static_cast<uint64_t>(totals.dram_bytes)) + " over DRAM"});
  head.Add({"arena", FormatBytes(plan.arena.arena_bytes),
            "lower bound " + FormatBytes(plan.arena.lower_bound) +
                ", tensors " + FormatBytes(plan.arena.sum_of_tensors)});
  if (totals.energy_mj.has_value())
    head.Add({"energy", FormatFixed(*totals.energy_mj, 2) + " mJ", ""});
  std::printf("plan on %s\n%s\n", plan.chip.c_str(), head.ToString().c_str());
}

void PrintText(const Plan& plan, const Program& program) {
  PrintTotals(plan);
  double total = 0;
  for (const PlanTask& task : plan.tasks) total += task.predicted_us;
  Table table("rllrrrrrrrll");
  table.Add({"task", "engine", "ops", "ocg", "passes", "cores", "tiles", "MB",
             "us", "share", "bound", "name"});
  for (size_t t = 0; t < plan.tasks.size(); ++t) {
    const PlanTask& task = plan.tasks[t];
    const bool mac = task.mac.has_value();
    table.Add(
        {std::to_string(t), EngineName(task), Absorbed(task, program),
         mac ? std::to_string(task.mac->ocg) : "-",
         mac ? std::to_string(task.mac->passes) : "-",
         mac ? std::to_string(task.mac->cores) : "-",
         std::to_string(task.grid.Tiles()),
         FormatFixed(static_cast<double>(task.working_set_bytes) / 1e6, 2),
         FormatFixed(task.predicted_us, 2), Percent(task.predicted_us, total),
         task.on_engine ? engine::BoundName(task.bound) : "-", task.name});
  }
  std::fputs(table.ToString().c_str(), stdout);
  for (const PlanWarning& warning : plan.warnings)
    std::printf("%s: %s\n", warning.rule.c_str(), warning.text.c_str());
}

Expected<int> Compare(const Options& options, const SettledModel& settled) {
  ANEREF_ASSIGN(const Plan a,
                PlanFor(settled, options.diff[0], options.engine));
  ANEREF_ASSIGN(const Plan b,
                PlanFor(settled, options.diff[1], options.engine));
  const std::vector<PlanDifference> rows = DiffPlans(a, b);
  if (options.json) {
    JsonWriter json;
    json.BeginObject();
    json.Member("targets", std::vector<std::string>{a.chip, b.chip});
    json.Key("differences");
    json.BeginArray();
    for (const PlanDifference& row : rows) {
      json.BeginObject();
      row.task.empty() ? (json.Key("task"), json.Null())
                       : json.Member("task", row.task);
      json.Member("field", row.field);
      json.Member(a.chip, row.a);
      json.Member(b.chip == a.chip ? b.chip + " (2)" : b.chip, row.b);
      json.EndObject();
    }
    json.EndArray();
    json.EndObject();
    std::puts(json.text().c_str());
    return 0;
  }
  Table table("llrr");
  table.Add({"task", "field", a.chip, b.chip});
  for (const PlanDifference& row : rows) {
    table.Add(
        {row.task.empty() ? "(network)" : row.task, row.field, row.a, row.b});
  }
  std::fputs(table.ToString().c_str(), stdout);
  return 0;
}

// arena.svg, chip-memory.svg, roofline.svg and tiles.svg, the last of the task
// that takes longest.
Status WritePictures(const std::string& folder, const Plan& plan,
                     const Chip& chip) {
  if (folder.empty()) return Status();
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    return Status(StatusCode::kIo, "", folder + ": " + error.message());
  const auto longest =
      std::max_element(plan.tasks.begin(), plan.tasks.end(),
                       [](const PlanTask& a, const PlanTask& b) {
                         return a.predicted_us < b.predicted_us;
                       });
  ANEREF_TRY(WriteText(folder + "/arena.svg", ArenaPicture(plan)));
  ANEREF_TRY(WriteText(folder + "/chip-memory.svg", ChipMemoryPicture(plan)));
  ANEREF_TRY(WriteText(folder + "/roofline.svg", RooflinePicture(plan, chip)));
  if (longest == plan.tasks.end()) return Status();
  return WriteText(
      folder + "/tiles.svg",
      TilePicture(plan, static_cast<int32_t>(longest - plan.tasks.begin())));
}

Expected<int> Run(const Options& options) {
  for (const std::string& chip : options.diff)
    ANEREF_TRY(ChipTable::Embedded().Find(chip).status());
  ANEREF_ASSIGN(const Chip* chip, ChipTable::Embedded().Find(options.target));
  ANEREF_ASSIGN(const SettledModel settled,
                SettleModel(options.model, options.inputs));
  if (!options.diff.empty()) return Compare(options, settled);
  ANEREF_ASSIGN(const Plan plan,
                PlanFor(settled, options.target, options.engine));
  ANEREF_TRY(WritePictures(options.pictures, plan, *chip));
  if (options.json) {
    JsonWriter json;
    WritePlan(plan, settled.program, &json);
    std::puts(json.text().c_str());
  } else {
    PrintText(plan, settled.program);
  }
  return 0;
}

Runner Declare(CLI::App* app) {
  auto options = std::make_shared<Options>();
  options->model.Declare(app);
  options->inputs.Declare(app);
  app->add_option("--target", options->target, "Chip (default m1)")
      ->type_name("CHIP");
  DeclareEngineOptions(app, &options->engine);
  app->add_option("--diff", options->diff,
                  "Print only what differs between two chips")
      ->type_name("CHIP_A CHIP_B")
      ->expected(2);
  app->add_option("--pictures", options->pictures,
                  "Write arena.svg, chip-memory.svg, roofline.svg and "
                  "tiles.svg into a folder")
      ->type_name("DIR");
  app->add_flag("--json", options->json, "Print one JSON document instead");
  return [options] { return Run(*options); };
}

}  // namespace

const Verb kPlanVerb = {
    "plan",
    "Show how a chip would run the network",
    "Plans the network for one chip: which ops share a task, how each task is "
    "cut over cores, tiles and passes, what stays on the chip, where tensors "
    "lie, and the predicted time. Predictions follow the rules of "
    "docs/spec/execution.md and cost.md; nothing is run.",
    {{"aneref plan model.onnx", "tasks on an M1"},
     {"aneref plan model.onnx --pictures out", "memory, roofline and tiles"},
     {"aneref plan model.onnx --target a17-pro --json > plan.json",
      "everything, for scripts"},
     {"aneref plan model.onnx --diff m1 m4", "what another chip changes"}},
    &Declare};

}  // namespace aneref::tool
