// aneref compare: two sets of tensors, or a network against a device's dump.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>

#include "ops/registry.h"
#include "runtime/explain/compare.h"
#include "runtime/plan/placement/network.h"
#include "tools/atomic_file.h"
#include "tools/dump.h"
#include "tools/inputs.h"
#include "tools/model.h"
#include "tools/output.h"
#include "tools/table.h"
#include "tools/verb.h"

namespace aneref::tool {
namespace {

struct Options {
  ModelArgs model;  // the first operand
  std::string other;
  std::string device;
  EngineArgs engine;
  InputArgs inputs;
  std::optional<double> rtol, atol, max_ulp, min_psnr;
  std::vector<std::string> modes;
  std::string mode_file, map_file;
  bool bisect = false;
  bool json = false;
  std::string html, sarif, junit;

  bool HasTolerance() const {
    return rtol || atol || max_ulp || min_psnr || !modes.empty() ||
           !mode_file.empty();
  }
};

Expected<JsonValue> ReadJson(const std::string& path) {
  constexpr uint64_t kMost = uint64_t{64} << 20;
  ANEREF_ASSIGN(const std::vector<std::byte> bytes, ReadFile(path, kMost));
  return ParseJson({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                   path);
}

// All tolerances that are given must hold.
Expected<ModeTable> ModesOf(const Options& options) {
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

// A JSON object {"ours": "theirs"}.
Expected<std::map<std::string, std::string>> ReadMap(const std::string& path) {
  std::map<std::string, std::string> map;
  if (path.empty()) return map;
  ANEREF_ASSIGN(const JsonValue root, ReadJson(path));
  if (root.AsObject() == nullptr) {
    return InvalidFile("", path + ": is no object {\"name\": \"name\"}");
  }
  for (const auto& [name, value] : *root.AsObject()) {
    if (value.AsString() == nullptr) {
      return InvalidFile("", path + ": '" + name + "' is mapped to no name");
    }
    map[name] = *value.AsString();
  }
  return map;
}

// ---- a network against a dump ----

struct Prepared {
  Model model;
  ReplayOptions replay;
  std::vector<OwnedTensor> inputs;
};

Expected<Prepared> Prepare(const Options& options, uint64_t max_memory) {
  Prepared prepared;
  ANEREF_ASSIGN(const SessionOptions session,
                options.engine.ToSessionOptions(max_memory));
  ANEREF_ASSIGN(prepared.model, LoadModel(options.model));
  ANEREF_ASSIGN(const std::vector<Array> arrays,
                LoadInputs(options.inputs, *prepared.model.net, max_memory));
  const std::vector<PortSpec> specs = InputSpecs(*prepared.model.net);
  for (size_t i = 0; i < arrays.size(); ++i) {
    prepared.replay.input_shapes[specs[i].name] = arrays[i].type.shape;
    ANEREF_ASSIGN(OwnedTensor owned, CopyDense(arrays[i].View()));
    prepared.inputs.push_back(std::move(owned));
  }
  prepared.replay.arithmetic = {session.numerics, session.device};
  prepared.replay.max_memory = max_memory;
  prepared.replay.threads =
      session.threads > 0
          ? session.threads
          : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return prepared;
}

Expected<std::unique_ptr<Replay>> MakeReplay(const Prepared& prepared) {
  ANEREF_ASSIGN(std::unique_ptr<Replay> replay,
                Replay::Create(prepared.model.net, prepared.replay));
  for (size_t i = 0; i < prepared.inputs.size(); ++i) {
    ANEREF_TRY(replay->SetInput(i, prepared.inputs[i].View()));
  }
  return replay;
}

// The named values of a run, and which value each one is.
Status CollectValues(const Replay& replay, TensorSet* set,
                     std::vector<int32_t>* values) {
  std::vector<bool> seen(replay.num_values());
  for (const Replay::Step& step : replay.steps()) {
    for (int32_t index : step.outputs) {
      if (index < 0 || replay.ValueName(index).empty() ||
          !replay.value(index).defined || seen[static_cast<size_t>(index)]) {
        continue;
      }
      seen[static_cast<size_t>(index)] = true;
      ANEREF_ASSIGN(OwnedTensor dense, CopyDense(replay.value(index).view));
      set->push_back({replay.ValueName(index), std::move(dense)});
      values->push_back(index);
    }
  }
  return Status();
}

std::vector<CompareReport::Node> GraphOf(const Replay& replay) {
  std::vector<CompareReport::Node> graph;
  for (size_t i = 0; i < replay.steps().size(); ++i) {
    const Replay::Step& step = replay.steps()[i];
    CompareReport::Node node;
    node.name = StepName(replay, i);
    node.op = OpName(*step.node);
    for (int32_t index : step.inputs) {
      if (index >= 0) node.inputs.push_back(std::to_string(index));
    }
    for (int32_t index : step.outputs) {
      if (index >= 0) node.outputs.push_back(std::to_string(index));
    }
    graph.push_back(std::move(node));
  }
  return graph;
}

Expected<Arithmetic> ProfileArithmetic(const char* name) {
  ANEREF_ASSIGN(Profile profile, NamedProfile(name));
  return Arithmetic{Numerics::kDevice,
                    std::make_shared<const DeviceContext>(std::move(profile))};
}

// The tensors of the dump that belong to values of the network.
std::map<int32_t, OwnedTensor> Given(const CompareReport& report,
                                     const TensorSet& ours,
                                     const std::vector<int32_t>& values) {
  std::map<int32_t, OwnedTensor> given;
  for (const ComparedTensor& tensor : report.tensors) {
    for (size_t i = 0; i < ours.size(); ++i) {
      if (ours[i].name == tensor.name) given[values[i]] = tensor.b;
    }
  }
  return given;
}

Status AddBisection(const Options& options, const Prepared& prepared,
                    const std::map<int32_t, OwnedTensor>& given,
                    CompareReport* report) {
  ANEREF_ASSIGN(const std::unique_ptr<Replay> replay, MakeReplay(prepared));
  BisectOptions how;
  ANEREF_ASSIGN(how.h13, ProfileArithmetic("h13"));
  ANEREF_ASSIGN(how.h16, ProfileArithmetic("h16"));
  ANEREF_ASSIGN(const Chip* chip, options.engine.FindTarget());
  const JsonValue* numerics = chip->data->Find("numerics");
  const Expected<Profile> profile =
      ProfileOf(numerics == nullptr ? JsonValue() : *numerics);
  // Under fp32 the other side is a reference, not an engine.
  if (profile.ok() &&
      prepared.replay.arithmetic.numerics == Numerics::kPortable) {
    how.engine = &*profile;
    how.engines.push_back(
        {Numerics::kDevice, std::make_shared<const DeviceContext>(*profile)});
  }
  ANEREF_ASSIGN(report->bisection, Bisect(replay.get(), given, how));
  return Status();
}

// The target's engine with all ops on it, and with each division of E62.
Status AddPlacements(const Options& options, const Prepared& prepared,
                     std::vector<NamedArithmetic>* runs) {
  ANEREF_ASSIGN(const Chip* chip, options.engine.FindTarget());
  const JsonValue* numerics = chip->data->Find("numerics");
  Expected<Profile> profile =
      ProfileOf(numerics == nullptr ? JsonValue() : *numerics);
  if (!profile.ok()) return Status();  // a chip without an engine
  const Arithmetic engine{
      Numerics::kDevice,
      std::make_shared<const DeviceContext>(std::move(*profile))};
  const std::string name = "device " + chip->name;
  runs->push_back({name + ", all ops on the engine", engine});
  ANEREF_ASSIGN(const std::unique_ptr<Replay> replay, MakeReplay(prepared));
  const Expected<placement::PlacementChip> limits =
      placement::ReadPlacementChip(*chip);
  if (replay->program() == nullptr || !limits.ok()) return Status();
  const placement::NetworkPlacement placed = placement::PlaceNetwork(
      *prepared.model.net, *replay->program(), *limits, {});
  runs->push_back({name + ", what its compiler accepts on the engine", engine,
                   placed.compiler.on_engine});
  runs->push_back({name + ", what the segmenter puts on the engine", engine,
                   placed.segmenter.on_engine});
  return Status();
}

// With the outputs alone there is nothing to bisect: which arithmetic, under
// which placement, gives them?
Status AddRanking(const Options& options, const Prepared& prepared,
                  const std::map<int32_t, OwnedTensor>& given,
                  CompareReport* report) {
  std::vector<NamedArithmetic> runs = {
      {"portable", {Numerics::kPortable, nullptr}},
      {"fp32 (all on the CPU)", {Numerics::kFp32, nullptr}}};
  ANEREF_TRY(AddPlacements(options, prepared, &runs));
  for (const char* name : {"h13", "h15", "h16"}) {
    ANEREF_ASSIGN(Arithmetic arithmetic, ProfileArithmetic(name));
    runs.push_back(
        {std::string("device, profile ") + name, std::move(arithmetic)});
  }
  ANEREF_ASSIGN(report->ranking,
                RankArithmetics(prepared.model.net, prepared.replay,
                                prepared.inputs, given, runs));
  return Status();
}

// Without tolerances the bounds of the rounding rules decide.
void JudgeByBounds(CompareReport* report) {
  const Bisection& bisection = *report->bisection;
  report->pass = report->misfits.empty();
  report->first_divergent.clear();
  for (ComparedTensor& tensor : report->tensors) {
    tensor.modes = "bounds";
    tensor.pass = true;
    tensor.reason.clear();
  }
  for (const Finding& finding : bisection.findings) {
    if (IsHarmless(finding)) continue;
    report->pass = false;
    for (ComparedTensor& tensor : report->tensors) {
      if (tensor.name != finding.tensor) continue;
      tensor.pass = false;
      tensor.reason = finding.why;
    }
  }
  if (bisection.first >= 0) {
    const Finding& first =
        bisection.findings[static_cast<size_t>(bisection.first)];
    report->first_divergent = first.tensor;
  }
}

Expected<CompareReport> CompareModel(const Options& options,
                                     const ModeTable& modes,
                                     uint64_t max_memory) {
  ANEREF_ASSIGN(const Chip* chip, options.engine.FindTarget());
  ANEREF_ASSIGN(const Prepared prepared, Prepare(options, max_memory));
  ANEREF_ASSIGN(Dump dump, ReadDump(options.device, max_memory));
  ANEREF_ASSIGN(const auto map, ReadMap(options.map_file));
  Expected<std::unique_ptr<Replay>> replay = MakeReplay(prepared);
  if (!replay.ok()) return AboutModel(options.model, replay.status());
  ANEREF_TRY(AboutModel(options.model, (*replay)->Run(nullptr)));
  TensorSet ours;
  std::vector<int32_t> values;
  ANEREF_TRY(CollectValues(**replay, &ours, &values));
  // A dump often holds the inputs, too: they are no results.
  std::erase_if(dump.tensors, [&](const NamedTensor& tensor) {
    return prepared.replay.input_shapes.contains(tensor.name);
  });
  Expected<CompareReport> report = CompareSets(ours, dump.tensors, map, modes);
  if (!report.ok()) return report.status().WithContext(options.device);
  report->title = options.model.path + " and " + options.device;
  report->target = chip->name;
  report->numerics = options.engine.numerics;
  report->graph = GraphOf(**replay);
  const std::map<int32_t, OwnedTensor> given = Given(*report, ours, values);
  if (options.bisect || !options.HasTolerance()) {
    ANEREF_TRY(AddBisection(options, prepared, given, &*report));
    if (!options.HasTolerance()) JudgeByBounds(&*report);
  }
  const auto is_output = [&](const auto& entry) {
    const std::vector<int32_t>& outputs = (*replay)->outputs();
    return std::find(outputs.begin(), outputs.end(), entry.first) !=
           outputs.end();
  };
  if (options.bisect && std::all_of(given.begin(), given.end(), is_output)) {
    ANEREF_TRY(AddRanking(options, prepared, given, &*report));
  }
  return report;
}

Expected<CompareReport> CompareDumps(const Options& options,
                                     const ModeTable& modes,
                                     uint64_t max_memory) {
  if (options.bisect) {
    return InvalidArgument(
        "--bisect needs the network: aneref compare MODEL --inputs I.npz "
        "--device D --bisect");
  }
  ANEREF_ASSIGN(const Dump a, ReadDump(options.model.path, max_memory));
  ANEREF_ASSIGN(const Dump b, ReadDump(options.other, max_memory));
  ANEREF_ASSIGN(const auto map, ReadMap(options.map_file));
  ANEREF_ASSIGN(CompareReport report,
                CompareSets(a.tensors, b.tensors, map, modes));
  report.title = options.model.path + " and " + options.other;
  return report;
}

// ---- printing ----

void PrintTensors(const CompareReport& report) {
  Table table("llrrrrrl");
  table.Add({"", "tensor", "max abs", "max rel", "max ulp", "PSNR dB", "cosine",
             "worst at"});
  for (const ComparedTensor& tensor : report.tensors) {
    const TensorMetrics& metrics = tensor.metrics;
    std::string worst = "equal";
    if (metrics.worst.index >= 0) {
      worst = IndexText(tensor.type.shape, metrics.worst.index) + " " +
              FormatNumber(metrics.worst.a) + " (" +
              BitsText(tensor.type.dtype, metrics.worst.bits_a) + ") " +
              FormatNumber(metrics.worst.b) + " (" +
              BitsText(tensor.other_type, metrics.worst.bits_b) + ")";
    }
    table.Add({tensor.pass ? "ok" : "FAIL", tensor.name,
               FormatNumber(metrics.max_abs), FormatNumber(metrics.max_rel),
               std::to_string(metrics.max_ulp), FormatNumber(metrics.psnr_db),
               FormatNumber(metrics.cosine), worst});
  }
  std::fputs(table.ToString().c_str(), stdout);
}

void PrintList(const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::printf("%s (%zu):", what, names.size());
  constexpr size_t kShown = 12;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    std::printf(" %s", names[i].c_str());
  }
  std::printf("%s\n", names.size() > kShown ? " ..." : "");
}

void PrintFinding(const FindingGroup& group) {
  const Finding& finding = *group.finding;
  const std::string more =
      group.alike.empty()
          ? ""
          : " and " + std::to_string(group.alike.size()) + " more";
  std::printf("\n%s '%s'%s: %s\n  %s\n", finding.op.c_str(),
              NodeOf(finding).c_str(), more.c_str(), LabelName(finding.label),
              finding.why.c_str());
  if (finding.quirk != nullptr) {
    const Quirk& quirk = *finding.quirk;
    std::printf("  %s%s%s%s\n  What to do: %s\n", quirk.id.c_str(),
                quirk.rule.empty() ? "" : (" [" + quirk.rule + "]").c_str(),
                quirk.chips.empty() ? "" : (", " + ChipsText(quirk)).c_str(),
                quirk.reference.empty() ? "" : (", " + quirk.reference).c_str(),
                quirk.advice.c_str());
  }
  std::vector<std::string> alike;
  for (const Finding* other : group.alike) alike.push_back(NodeOf(*other));
  PrintList("  the same holds for", alike);
  if (!finding.region.empty() && finding.culprit.empty()) {
    PrintList("  the cause may be in an op whose result the dump lacks",
              finding.region);
  }
}

void PrintBisection(const CompareReport& report) {
  const Bisection& bisection = *report.bisection;
  std::printf("\n%zu results compared on the dump's own operands, %lld equal\n",
              bisection.findings.size(),
              static_cast<long long>(bisection.exact));
  if (!bisection.follows.empty()) {
    std::printf(
        "the dump follows an engine's arithmetic (%s) bit for bit; each op is "
        "held against that\n",
        bisection.follows.c_str());
  }
  constexpr size_t kMostFindings = 8;
  const std::vector<FindingGroup> groups = GroupFindings(bisection);
  for (size_t i = 0; i < std::min(groups.size(), kMostFindings); ++i) {
    PrintFinding(groups[i]);
  }
  if (groups.size() > kMostFindings) {
    std::printf("\n... and %zu more (--json, --html)\n",
                groups.size() - kMostFindings);
  }
}

void PrintText(const CompareReport& report) {
  PrintTensors(report);
  for (const ComparedTensor& tensor : report.tensors) {
    if (!tensor.note.empty()) {
      std::printf("note: '%s': %s\n", tensor.name.c_str(), tensor.note.c_str());
    }
    if (tensor.how != "name") {
      std::printf("note: '%s' matched with '%s' by %s\n", tensor.name.c_str(),
                  tensor.partner.c_str(), tensor.how.c_str());
    }
    if (!tensor.reason.empty()) {
      std::printf("'%s': %s\n", tensor.name.c_str(), tensor.reason.c_str());
    }
    if (!tensor.hint.empty()) {
      std::printf("'%s': %s\n", tensor.name.c_str(), tensor.hint.c_str());
    }
  }
  for (const auto& [name, why] : report.misfits) {
    std::printf("'%s': %s\n", name.c_str(), why.c_str());
  }
  PrintList("only in the first", report.only_a);
  PrintList("only in the second", report.only_b);
  if (report.bisection) PrintBisection(report);
  if (!report.ranking.empty()) {
    Table table("lrr");
    table.Add({"arithmetic", "equal", "distance"});
    for (const Ranked& ranked : report.ranking) {
      table.Add({ranked.name, FormatFixed(ranked.equal * 100, 2) + " %",
                 FormatNumber(ranked.distance)});
    }
    std::printf("\nhow well each arithmetic reproduces the dump\n%s",
                table.ToString().c_str());
  }
  std::printf("\n%s\n", VerdictText(report).c_str());
}

Status CheckUsage(const Options& options) {
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

Expected<int> Run(const Options& options) {
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
    PrintText(report);
  }
  return report.pass ? 0 : 1;
}

void DeclareTolerances(CLI::App* app, Options* options) {
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
  auto options = std::make_shared<Options>();
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
