// aneref compare: two sets of tensors, or a network against a device's dump.
#include <cstdio>
#include <memory>

#include "tools/atomic_file.h"
#include "tools/compare_model.h"
#include "tools/compare_text.h"
#include "tools/dump.h"
#include "tools/output.h"
#include "tools/verb.h"

namespace aneref::tool {
namespace {

// All tolerances that are given must hold.
Expected<ModeTable> ModesOf(const CompareOptions& options) {
  ModeTable table;
  std::vector<CompareMode> defaults;
  const auto add = [&](CompareKind kind, double limit) {
    CompareMode mode;
    mode.kind = kind;
    mode.limit = limit;
    defaults.push_back(mode);
  };
  if (options.rtol || options.atol) {
    add(CompareKind::kAbsRel, 0);
    defaults.back().rtol = options.rtol.value_or(0);
    defaults.back().atol = options.atol.value_or(0);
  }
  if (options.max_ulp) add(CompareKind::kUlp, *options.max_ulp);
  if (options.min_psnr) add(CompareKind::kPsnr, *options.min_psnr);
  if (!defaults.empty()) table.SetDefault(defaults);
  if (!options.mode_file.empty()) {
    ANEREF_ASSIGN(const JsonValue file, ReadJson(options.mode_file));
    ANEREF_TRY(table.AddFile(file, options.mode_file));
  }
  for (const std::string& mode : options.modes) ANEREF_TRY(table.Add(mode));
  return table;
}

Expected<CompareReport> CompareDumps(const CompareOptions& options,
                                     const ModeTable& modes,
                                     uint64_t max_memory) {
  if (options.bisect) {
    return InvalidArgument(
        "--bisect needs the network: aneref compare MODEL --inputs I.npz "
        "--device D --bisect");
  }
  ANEREF_ASSIGN(const Dump a, ReadDump(options.model.path, max_memory));
  ANEREF_ASSIGN(const Dump b, ReadDump(options.other, max_memory));
  ANEREF_ASSIGN(const auto map, ReadNameMap(options.map_file));
  ANEREF_ASSIGN(CompareReport report,
                CompareSets(a.tensors, b.tensors, map, modes));
  report.title = options.model.path + " and " + options.other;
  return report;
}

Status CheckUsage(const CompareOptions& options) {
  if (options.other.empty() == options.device.empty()) {
    return InvalidArgument(
        "give two sets of tensors (compare A B), or a model and a dump "
        "(compare MODEL --inputs I.npz --device D)");
  }
  for (const std::string& path : {options.html, options.sarif, options.junit}) {
    ANEREF_TRY(CheckWritable(path));
  }
  return Status();
}

Expected<int> Run(const CompareOptions& options) {
  ANEREF_TRY(CheckUsage(options));
  ANEREF_ASSIGN(const uint64_t max_memory, options.model.MaxMemory());
  ANEREF_ASSIGN(const ModeTable modes, ModesOf(options));
  ANEREF_ASSIGN(const CompareReport report,
                options.device.empty()
                    ? CompareDumps(options, modes, max_memory)
                    : CompareModel(options, modes, max_memory));
  ANEREF_TRY(WriteText(options.html, ComparePage(report)));
  ANEREF_TRY(
      WriteText(options.sarif, CompareSarif(report, options.model.path)));
  ANEREF_TRY(WriteText(options.junit, CompareJunit(report)));
  if (options.json) {
    std::fputs(CompareJson(report).c_str(), stdout);
  } else {
    PrintComparison(report);
  }
  return report.pass ? 0 : 1;
}

void DeclareTolerances(CLI::App* app, CompareOptions* options) {
  const auto number = CLI::NonNegativeNumber;
  app->add_option("--rtol", options->rtol,
                  "Relative tolerance: |a - b| <= atol + rtol * |b|")
      ->type_name("X")
      ->check(number);
  app->add_option("--atol", options->atol, "Absolute tolerance")
      ->type_name("X")
      ->check(number);
  app->add_option("--max-ulp", options->max_ulp,
                  "Units in the last place of the coarser type")
      ->type_name("N")
      ->check(number);
  app->add_option("--min-psnr", options->min_psnr,
                  "Smallest ratio of the reference's peak to the error")
      ->type_name("DB")
      ->check(number);
  app->add_option("--mode", options->modes,
                  "One tensor's own mode: exact, ulp:N, "
                  "abs-rel:rtol=X,atol=X, psnr:DB, decision:SHARE "
                  "(repeatable; NAME * is all)")
      ->type_name("NAME=MODE")
      ->allow_extra_args(false);
  app->add_option("--mode-file", options->mode_file,
                  "Modes as {\"default\": MODE, \"tensors\": {NAME: MODE}}")
      ->type_name("FILE.json");
}

Runner Declare(CLI::App* app) {
  auto options = std::make_shared<CompareOptions>();
  options->model.Declare(app);
  app->get_option("MODEL")->description(
      "A set of tensors (.npz, folder, .safetensors, manifest.json), or with "
      "--device the model");
  app->add_option("B", options->other, "The set to compare with");
  app->add_option("--device", options->device,
                  "Compare a run of the model with this dump")
      ->type_name("DUMP");
  options->inputs.Declare(app);
  options->engine.Declare(app);
  DeclareTolerances(app, options.get());
  app->add_option("--map", options->map_file,
                  "Names that belong together, as {\"ours\": \"theirs\"}")
      ->type_name("FILE.json");
  app->add_flag("--bisect", options->bisect,
                "Evaluate each op on the dump's own operands and say why the "
                "first one differs");
  app->add_flag("--json", options->json, "Print one JSON document instead");
  app->add_option("--html", options->html, "Write a report page")
      ->type_name("FILE");
  app->add_option("--sarif", options->sarif, "Write SARIF 2.1.0")
      ->type_name("FILE");
  app->add_option("--junit", options->junit, "Write a JUnit file")
      ->type_name("FILE");
  return [options] { return Run(*options); };
}

}  // namespace

const Verb kCompareVerb = {
    "compare",
    "Compare tensors, find the op that differs and say why",
    "Compares two sets of tensors, or a run of a model with what a device "
    "gave. "
    "With a model every op is evaluated on the device's own operands, so the "
    "first op that differs is found, and the difference is blamed on rounding, "
    "a rule of the engine, a known quirk or conversion mistake. Without a "
    "tolerance two sets must be equal, and a model must stay within what "
    "rounding can change. Exit status 1: it differs.",
    {{"aneref compare ours.npz theirs.npz --rtol 1e-3 --atol 1e-4",
      "two archives by tensor name"},
     {"aneref compare model.onnx --inputs in.npz --device dump.npz "
      "--numerics device --target m1",
      "a run in the M1's arithmetic against what an M1 gave"},
     {"aneref compare model.onnx --inputs in.npz --device dump/ --html "
      "report.html",
      "the same as a page with the graph, heat maps and what to do"}},
    &Declare};

}  // namespace aneref::tool
