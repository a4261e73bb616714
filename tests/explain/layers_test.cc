// The corpora's layer dumps, made by a plain fp32 engine: every layer of a run
// in portable arithmetic is within its rounding bound of the dump, given the
// dump's own operands. Skipped, visibly, without the networks.
#include <doctest/doctest.h>

#include <cstdio>
#include <filesystem>

#include "runtime/explain/bisect.h"
#include "runtime/explain/match.h"
#include "runtime/import/importer.h"
#include "tools/atomic_file.h"
#include "tools/dump.h"
#include "tools/npy.h"

namespace aneref {
namespace {

namespace fs = std::filesystem;

struct Counts {
  int compared = 0, equal = 0, rounding = 0, rule = 0, other = 0;
};

std::unique_ptr<Replay> LoadReplay(const fs::path& folder,
                                   const Arithmetic& arithmetic) {
  ImportSummary summary;
  auto bytes =
      ImportModel((folder / "model.onnx").string(), ImportOptions(), &summary);
  REQUIRE_MESSAGE(bytes.ok(), bytes.status().ToString());
  auto net = Net::Parse(File::FromBuffer(std::move(*bytes)), folder.string());
  REQUIRE(net.ok());
  ReplayOptions options;
  options.arithmetic = arithmetic;
  std::vector<tool::Array> inputs;
  const auto* ports = (*net)->main_graph().inputs();
  for (unsigned i = 0; i < ports->size(); ++i) {
    const std::string path =
        (folder / "case_0" / ("input_" + std::to_string(i) + ".npy")).string();
    inputs.push_back(*tool::ParseNpy(*tool::ReadFile(path), path));
    const auto tensor = static_cast<unsigned>(ports->Get(i)->tensor());
    options.input_shapes
        [(*net)->main_graph().tensors()->Get(tensor)->name()->str()] =
        inputs.back().type.shape;
  }
  auto replay = Replay::Create(*net, options);
  REQUIRE_MESSAGE(replay.ok(), replay.status().ToString());
  for (size_t i = 0; i < inputs.size(); ++i) {
    REQUIRE((*replay)->SetInput(i, inputs[i].View()).ok());
  }
  return std::move(*replay);
}

// Values of the net by the names of the dump.
std::map<int32_t, OwnedTensor> GivenBy(const Replay& replay,
                                       const TensorSet& dump) {
  std::map<std::string, const NamedTensor*> by_name;
  for (const NamedTensor& tensor : dump) by_name[tensor.name] = &tensor;
  std::map<int32_t, OwnedTensor> given;
  for (const Replay::Step& step : replay.steps()) {
    for (int32_t value : step.outputs) {
      if (value < 0 || !by_name.contains(replay.ValueName(value))) continue;
      given[value] = by_name[replay.ValueName(value)]->value;
    }
  }
  return given;
}

Counts CountOf(const fs::path& folder, const Arithmetic& arithmetic) {
  const auto replay = LoadReplay(folder, arithmetic);
  const auto dump = tool::ReadDump((folder / "layers").string(), 0);
  REQUIRE_MESSAGE(dump.ok(), dump.status().ToString());
  const auto given = GivenBy(*replay, dump->tensors);
  const auto bisection = Bisect(replay.get(), given, {});
  REQUIRE_MESSAGE(bisection.ok(), bisection.status().ToString());
  Counts counts;
  for (const Finding& finding : bisection->findings) {
    ++counts.compared;
    counts.equal += finding.label == Label::kEqual;
    counts.rounding += finding.label == Label::kRounding;
    counts.rule += finding.label == Label::kRule && finding.outside == 0;
    if (finding.outside == 0) continue;
    ++counts.other;
    std::printf("  %s %s '%s': %lld outside, worst %.3g of its bound, %s\n",
                folder.filename().c_str(), finding.op.c_str(),
                finding.tensor.c_str(), static_cast<long long>(finding.outside),
                finding.worst_ratio, finding.why.c_str());
  }
  return counts;
}

}  // namespace

TEST_CASE("bounds: every layer of the corpora is within its bound") {
  const fs::path corpus = fs::path(ANEREF_SOURCE_DIR) / "../shared/models/onnx";
  if (!fs::is_directory(corpus)) {
    std::printf("ALL CASES SKIPPED: no networks at %s\n",
                corpus.string().c_str());
    return;
  }
  int networks = 0;
  for (const char* name :
       {"bert_tiny_random", "gesture_history_lstm", "mnist_cntk", "policy_bh",
        "qtdnn_small", "t5_random_encoder"}) {
    if (!fs::exists(corpus / name / "layers")) continue;
    ++networks;
    for (const Numerics numerics : {Numerics::kPortable, Numerics::kFp32}) {
      const Counts counts = CountOf(corpus / name, {numerics, nullptr});
      std::printf(
          "%-22s %-8s %3d layers, %3d equal, %3d rounding, %d rule, "
          "%d outside\n",
          name, numerics == Numerics::kFp32 ? "fp32" : "portable",
          counts.compared, counts.equal, counts.rounding, counts.rule,
          counts.other);
      CHECK(counts.compared > 3);
      CHECK_MESSAGE(counts.other == 0, name);
    }
  }
  CHECK(networks >= 6);
}

}  // namespace aneref
