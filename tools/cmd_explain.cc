// aneref explain: which op runs where on which chip, why, and what to change.
#include <cstdio>
#include <memory>

#include "runtime/explain/report.h"
#include "runtime/plan/open_extents.h"
#include "tools/atomic_file.h"
#include "tools/output.h"
#include "tools/planning.h"
#include "tools/verb.h"

namespace aneref::tool {
namespace {

struct Options {
  ModelArgs model;
  InputArgs inputs;
  std::vector<std::string> targets;
  std::string chips;
  std::string route = "coreml";
  std::string segmenter = "macos27";
  std::vector<std::string> engine;
  std::vector<std::string> fail_on;
  std::string html, sarif, junit;
  bool all_ops = false;
  bool json = false;
};

// Shapes that stay open keep their ops in the report, as rule V05 has it.
Expected<SettledModel> SettleOrKeepOpen(const Options& options) {
  Expected<SettledModel> settled = SettleModel(options.model, options.inputs);
  if (settled.ok()) return settled;
  const Status why = settled.status();
  SettledModel open;
  ANEREF_ASSIGN(open.model, LoadModel(options.model));
  const Net& net = *open.model.net;
  ANEREF_ASSIGN(open.input_shapes,
                ParseShapes(options.inputs.shape, InputSpecs(net)));
  SpecializeOptions request;
  request.input_shapes = open.input_shapes;
  ANEREF_ASSIGN(request.max_memory, options.model.MaxMemory());
  ANEREF_ASSIGN(open.program, SpecializeOpen(net, std::move(request), why));
  std::fprintf(stderr, "aneref: some shapes stay open: %s\n",
               why.message().c_str());
  return open;
}

Expected<ChipTable> ReadChips(const std::string& path) {
  constexpr uint64_t kMostBytes = uint64_t{16} << 20;
  ANEREF_ASSIGN(const std::vector<std::byte> bytes, ReadFile(path, kMostBytes));
  return ChipTable::Parse(
      std::string_view(reinterpret_cast<const char*>(bytes.data()),
                       bytes.size()),
      path);
}

// "all" are the chips that models can reach; of a chip file, all of its own.
Expected<std::vector<const Chip*>> FindChips(
    const std::vector<std::string>& targets, const ChipTable* own) {
  std::vector<const Chip*> chips;
  const ChipTable& table = ChipTable::Embedded();
  for (const std::string& target : targets) {
    if (target == "all") {
      for (const Chip& chip : (own != nullptr ? *own : table).chips()) {
        if (chip.coreml) chips.push_back(&chip);
      }
      continue;
    }
    if (own != nullptr) {
      const auto mine = own->Find(target);
      if (mine.ok()) {
        chips.push_back(*mine);
        continue;
      }
    }
    ANEREF_ASSIGN(const Chip* chip, table.Find(target));
    chips.push_back(chip);
  }
  return chips;
}

Expected<explain::ReportOptions> ToReportOptions(const Options& options,
                                                 const Model& model) {
  explain::ReportOptions out;
  if (options.route != "coreml" && options.route != "direct")
    return InvalidArgument("--route takes coreml or direct, not '" +
                           options.route + "'");
  if (options.segmenter != "macos27" && options.segmenter != "macos26")
    return InvalidArgument("--segmenter takes macos26 or macos27, not '" +
                           options.segmenter + "'");
  out.rules.route = options.route == "direct" ? placement::Route::kDirect
                                              : placement::Route::kCoreMl;
  out.segmenter = options.segmenter == "macos26"
                      ? engine::SegmenterKind::kMacos26
                      : engine::SegmenterKind::kMacos27;
  out.engine_options = options.engine;
  const auto* source = model.net->table().source();
  out.rules.legacy = source != nullptr &&
                     source->str().find("neuralNetwork") != std::string::npos;
  return out;
}

void Print(const Options& options, const explain::Titles& titles,
           const Program& program,
           const std::vector<explain::Report>& reports) {
  const bool matrix =
      options.targets.size() == 1 && options.targets[0] == "all";
  if (options.json) {
    JsonWriter json;
    if (matrix) {
      WriteMatrix(titles, reports, &json);
    } else if (reports.size() == 1) {
      WriteReport(reports[0], program, &json);
    } else {
      json.BeginObject();
      json.Member("model", titles.model);
      json.Key("targets");
      json.BeginArray();
      for (const explain::Report& report : reports)
        WriteReport(report, program, &json);
      json.EndArray();
      json.EndObject();
    }
    std::puts(json.text().c_str());
    return;
  }
  if (reports.size() > 1)
    std::fputs(MatrixText(titles, reports).c_str(), stdout);
  for (size_t i = 0; i < reports.size() && !matrix; ++i) {
    if (reports.size() > 1) std::puts("");
    std::fputs(ReportText(titles, reports[i], options.all_ops).c_str(), stdout);
  }
}

Expected<int> Run(const Options& options) {
  explain::FailOn fail_on;
  for (const std::string& text : options.fail_on)
    ANEREF_TRY(explain::AddFailOn(text, &fail_on));
  std::optional<ChipTable> own;
  if (!options.chips.empty()) {
    ANEREF_ASSIGN(ChipTable table, ReadChips(options.chips));
    own = std::move(table);
  }
  const std::vector<std::string> targets = options.targets.empty()
                                               ? std::vector<std::string>{"m1"}
                                               : options.targets;
  ANEREF_ASSIGN(const std::vector<const Chip*> chips,
                FindChips(targets, own ? &*own : nullptr));
  for (const std::string& path : {options.html, options.sarif, options.junit}) {
    if (!path.empty()) ANEREF_TRY(CheckWritable(path));
  }
  ANEREF_ASSIGN(const SettledModel settled, SettleOrKeepOpen(options));
  ANEREF_ASSIGN(const explain::ReportOptions request,
                ToReportOptions(options, settled.model));
  std::vector<explain::Report> reports;
  for (const Chip* chip : chips) {
    ANEREF_ASSIGN(explain::Report report,
                  explain::MakeReport(*settled.model.net, settled.program,
                                      *chip, request));
    reports.push_back(std::move(report));
  }
  const explain::Titles titles = {options.model.path};
  if (!options.html.empty())
    ANEREF_TRY(
        WriteText(options.html, ReportPage(titles, settled.program, reports)));
  if (!options.sarif.empty())
    ANEREF_TRY(WriteText(options.sarif, Sarif(titles, reports)));
  if (!options.junit.empty())
    ANEREF_TRY(WriteText(options.junit, JUnit(titles, reports, fail_on)));
  Print(options, titles, settled.program, reports);
  bool broken = false;
  for (const explain::Report& report : reports) {
    for (const std::string& line : BrokenExpectations(report, fail_on)) {
      std::fprintf(stderr, "aneref: %s\n", line.c_str());
      broken = true;
    }
  }
  return broken ? 1 : 0;
}

Runner Declare(CLI::App* app) {
  auto options = std::make_shared<Options>();
  options->model.Declare(app);
  options->inputs.Declare(app);
  app->add_option("--target,--targets", options->targets,
                  "Chip (default m1); repeatable: side by side; all: every "
                  "chip in one table")
      ->type_name("CHIP");
  app->add_option("--chips", options->chips,
                  "More chips, hypothetical ones too, from a JSON file")
      ->type_name("FILE");
  app->add_option("--route", options->route,
                  "coreml (default) or direct: whose refusals count (V00)")
      ->type_name("ROUTE");
  app->add_option("--segmenter", options->segmenter,
                  "macos27 (default) or macos26: whose constants place (E60)")
      ->type_name("NAME");
  DeclareEngineOptions(app, &options->engine);
  app->add_option("--fail-on", options->fail_on,
                  "Exit with 1 on cpu, segmenter, crossings=N or rule=V20; "
                  "repeatable")
      ->type_name("WHAT");
  app->add_option("--html", options->html, "Write one self-contained page")
      ->type_name("FILE");
  app->add_option("--sarif", options->sarif, "Write findings as SARIF 2.1.0")
      ->type_name("FILE");
  app->add_option("--junit", options->junit, "Write results as JUnit XML")
      ->type_name("FILE");
  app->add_flag("--ops", options->all_ops, "List every op");
  app->add_flag("--json", options->json, "Print one JSON document instead");
  return [options] { return Run(*options); };
}

}  // namespace

const Verb kExplainVerb = {
    "explain",
    "Show which op runs where, why, and what to change",
    "Judges every op by the rules of docs/spec/limits.md for a chip: on the "
    "engine, folded into a neighbour, or on the CPU, with all reasons, their "
    "evidence and the smallest change that would help. Shows both answers: "
    "what the engine's compiler accepts, and what Core ML's segmenter places "
    "there. Nothing is run.",
    {{"aneref explain model.onnx", "on an M1"},
     {"aneref explain model.onnx --target m1 --target a17 --html report.html",
      "two chips side by side, as a page"},
     {"aneref explain model.onnx --targets all", "every chip in one table"},
     {"aneref explain model.onnx --target m1 --fail-on cpu --junit out.xml",
      "for a build server"}},
    &Declare};

}  // namespace aneref::tool
