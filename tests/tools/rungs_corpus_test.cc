// The three rungs of the engine's arithmetic over real networks, where they are
// at hand: references, plan with scalar kernels, plan with Highway kernels give
// one digest, on M1 and M5. The slower rungs run where the work is small enough
// for a test; what is left out is printed. Skipped, visibly, without networks.
#include <doctest/doctest.h>

#include "tests/tools/corpus.h"

namespace aneref {
namespace {

using namespace test;

// Operations of a network up to which a rung is compared.
constexpr double kMostScalar = 80e6, kMostReference = 12e6;

struct Tally {
  int networks = 0, scalar = 0, reference = 0;
};

// What a run would do; 0 where shapes depend on data.
double OperationsOf(const std::shared_ptr<const Net>& net,
                    const std::vector<tool::Array>& inputs,
                    SessionOptions options) {
  const auto* ports = net->main_graph().inputs();
  for (unsigned i = 0; i < inputs.size(); ++i) {
    const auto tensor = static_cast<unsigned>(ports->Get(i)->tensor());
    options
        .input_shapes[net->main_graph().tensors()->Get(tensor)->name()->str()] =
        inputs[i].type.shape;
  }
  const auto session = Session::Create(net, options);
  double operations = 0;
  if (!session.ok()) return operations;
  for (const TaskProfile& task : (*session)->profile())
    operations += task.flops;
  return operations;
}

void CompareRungs(const std::string& name,
                  const std::shared_ptr<const Net>& net,
                  const std::vector<tool::Array>& inputs, Tally* tally) {
  for (const char* chip : {"m1", "m5"}) {
    SessionOptions options;
    options.numerics = Numerics::kDevice;
    options.device = ContextOf(chip);
    options.threads = 2;
    ++tally->networks;
    const double operations = OperationsOf(net, inputs, options);
    const bool reference = operations <= kMostReference;
    if (!reference) {
      std::printf("%-38s %s: %.0f million operations, left out: %sreference\n",
                  name.c_str(), chip, operations / 1e6,
                  operations <= kMostScalar ? "" : "scalar, ");
    }
    if (operations > kMostScalar) continue;
    const Outcome expected = RunNet(net, inputs, options);
    if (expected.status.code() == StatusCode::kUnsupported) {
      std::printf("%-38s refused: %s\n", name.c_str(),
                  expected.status.ToString().c_str());
      return;
    }
    REQUIRE_MESSAGE(expected.status.ok(),
                    name << ": " << expected.status.ToString());
    options.rung = Rung::kScalar;
    CHECK_MESSAGE(RunNet(net, inputs, options).digest == expected.digest,
                  name << " scalar on " << chip);
    ++tally->scalar;
    if (!reference) continue;
    options.rung = Rung::kReference;
    CHECK_MESSAGE(RunNet(net, inputs, options).digest == expected.digest,
                  name << " reference on " << chip);
    ++tally->reference;
  }
}

void Report(const Tally& tally) {
  std::printf("of %d runs %d with the scalar rung, %d with the reference\n",
              tally.networks, tally.scalar, tally.reference);
}

}  // namespace

TEST_CASE("N9: the rungs of the engine agree over the ONNX networks") {
  Tally tally;
  for (const fs::path& folder : CorpusFolders()) {
    ImportSummary summary;
    const auto bytes = ImportModel((folder / "model.onnx").string(),
                                   ImportOptions(), &summary);
    if (!bytes.ok()) continue;
    auto net = Net::Parse(File::FromBuffer(*bytes), "net");
    REQUIRE(net.ok());
    CompareRungs(folder.filename().string(), *net,
                 ReadInputs(folder / "case_0"), &tally);
  }
  Report(tally);
  if (!CorpusFolders().empty()) CHECK(tally.reference >= 10);
}

TEST_CASE("N9: the rungs of the engine agree over the Core ML networks") {
  Tally tally;
  for (const fs::path& model : CoremlModels()) {
    ImportOptions fp16;
    fp16.precision = Precision::kFp16;
    ImportSummary summary;
    const auto bytes = ImportModel(model.string(), fp16, &summary);
    if (!bytes.ok()) continue;
    auto net = Net::Parse(File::FromBuffer(*bytes), "net");
    REQUIRE(net.ok());
    CompareRungs(model.filename().string(), *net, PatternInputs(**net), &tally);
  }
  Report(tally);
  if (!CoremlModels().empty()) CHECK(tally.reference >= 10);
}

TEST_CASE("N9: the rungs of the engine agree over the operator tests") {
  int runs = 0, equal = 0;
  for (const char* chip : {"m1", "m5"}) {
    SessionOptions options;
    options.numerics = Numerics::kDevice;
    options.device = ContextOf(chip);
    options.threads = 1;
    for (const fs::path& folder : OperatorFolders()) {
      ImportSummary summary;
      const auto bytes = ImportModel((folder / "model.onnx").string(),
                                     ImportOptions(), &summary);
      REQUIRE_MESSAGE(bytes.ok(), bytes.status().ToString());
      auto net = Net::Parse(File::FromBuffer(*bytes), "net");
      REQUIRE(net.ok());
      const std::vector<tool::Array> inputs = ReadInputs(folder);
      std::vector<uint64_t> digests;
      for (const Rung rung : {Rung::kSimd, Rung::kScalar, Rung::kReference}) {
        options.rung = rung;
        const Outcome outcome = RunNet(*net, inputs, options);
        REQUIRE_MESSAGE(outcome.status.ok(), folder.filename().string()
                                                 << ": "
                                                 << outcome.status.ToString());
        digests.push_back(outcome.digest);
      }
      const bool same = digests[0] == digests[1] && digests[0] == digests[2];
      CHECK_MESSAGE(same, folder.filename().string() << " on " << chip);
      ++runs;
      equal += same;
    }
  }
  std::printf("%d of %d operator tests equal on all rungs\n", equal, runs);
}

}  // namespace aneref
