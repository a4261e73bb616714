// See compare_model.h.
#include "tools/compare_model.h"

#include <algorithm>
#include <memory>
#include <thread>

#include "ops/registry.h"
#include "runtime/core/chip_profile.h"
#include "runtime/explain/compare_run.h"
#include "runtime/plan/placement/network.h"
#include "tools/atomic_file.h"
#include "tools/dump.h"

namespace aneref::tool {
namespace {

struct Prepared {
  Model model;
  ReplayOptions replay;
  std::vector<OwnedTensor> inputs;
};

Expected<Prepared> Prepare(const CompareOptions& options, uint64_t max_memory) {
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

// The target's engine with all ops on it, and with each division of E62.
Status AddPlacements(const CompareOptions& options, const Prepared& prepared,
                     std::vector<NamedArithmetic>* runs) {
  ANEREF_ASSIGN(const Chip* chip, options.engine.FindTarget());
  Expected<Profile> profile = ProfileOf(*chip);
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
Status AddRanking(const CompareOptions& options, const Prepared& prepared,
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

}  // namespace

Expected<JsonValue> ReadJson(const std::string& path) {
  constexpr uint64_t kMost = uint64_t{64} << 20;
  ANEREF_ASSIGN(const std::vector<std::byte> bytes, ReadFile(path, kMost));
  return ParseJson({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                   path);
}

Expected<std::map<std::string, std::string>> ReadNameMap(
    const std::string& path) {
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

Expected<CompareReport> CompareModel(const CompareOptions& options,
                                     const ModeTable& modes,
                                     uint64_t max_memory) {
  ANEREF_ASSIGN(const Chip* chip, options.engine.FindTarget());
  ANEREF_ASSIGN(const Prepared prepared, Prepare(options, max_memory));
  ANEREF_ASSIGN(Dump dump, ReadDump(options.device, max_memory));
  ANEREF_ASSIGN(const auto map, ReadNameMap(options.map_file));
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
  const std::map<int32_t, OwnedTensor> given =
      GivenValues(*report, ours, values);
  if (options.bisect || !options.HasTolerance()) {
    ANEREF_ASSIGN(const std::unique_ptr<Replay> fresh, MakeReplay(prepared));
    ANEREF_TRY(AddBisection(*chip, given, fresh.get(), &*report));
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

}  // namespace aneref::tool
