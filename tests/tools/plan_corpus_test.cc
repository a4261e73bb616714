// Real networks, where they are at hand: for every chip the plan is sound by a
// checker that shares no code with the planner, the arena stays near its lower
// bound, and the planned run gives the bits of the unplanned one.
#include <map>
#include <set>

#include "runtime/core/chip.h"
#include "runtime/exec/interpreter.h"
#include "tests/support/plan_checker.h"
#include "tests/tools/corpus.h"

namespace aneref {
namespace {

using namespace test;

// One chip for each set of compiler tables: others differ in names and clocks.
std::vector<const Chip*> DistinctChips() {
  std::vector<const Chip*> chips;
  std::set<std::string> seen;
  for (const Chip& chip : ChipTable::Embedded().chips()) {
    if (chip.coreml && seen.insert(chip.compiler_target).second)
      chips.push_back(&chip);
  }
  return chips;
}

struct Loaded {
  std::string name;
  std::shared_ptr<const Net> net;
  std::vector<tool::Array> inputs;
  std::map<std::string, Shape> shapes;
};

std::vector<Loaded> LoadCorpus() {
  std::vector<Loaded> all;
  for (const fs::path& folder : CorpusFolders()) {
    ImportSummary summary;
    const auto bytes = ImportModel((folder / "model.onnx").string(),
                                   ImportOptions(), &summary);
    if (!bytes.ok()) continue;
    Loaded loaded;
    loaded.name = folder.filename().string();
    auto net = Net::Parse(File::FromBuffer(*bytes), loaded.name);
    REQUIRE(net.ok());
    loaded.net = *net;
    loaded.inputs = ReadInputs(folder / "case_0");
    const auto* ports = loaded.net->main_graph().inputs();
    if (ports == nullptr || ports->size() != loaded.inputs.size()) continue;
    for (unsigned i = 0; i < ports->size(); ++i) {
      const auto tensor = static_cast<unsigned>(ports->Get(i)->tensor());
      loaded.shapes
          [loaded.net->main_graph().tensors()->Get(tensor)->name()->str()] =
          loaded.inputs[i].type.shape;
    }
    all.push_back(std::move(loaded));
  }
  return all;
}

// Node by node, every value in memory of its own: no layers, no tiles, no
// arena.
uint64_t UnplannedDigest(const Loaded& loaded) {
  InterpreterOptions options;
  Interpreter interpreter(*loaded.net, options, 2);
  SpecializeOptions request;
  request.input_shapes = loaded.shapes;
  const auto declared = BindInputTypes(*loaded.net, request);
  REQUIRE(declared.ok());
  std::vector<HostValue> inputs;
  for (size_t i = 0; i < loaded.inputs.size(); ++i) {
    auto value = MakeHostValue((*declared)[i], loaded.inputs[i].View(),
                               Numerics::kPortable);
    REQUIRE(value.ok());
    inputs.push_back(*value);
  }
  const auto outputs = interpreter.Run(inputs, nullptr);
  REQUIRE_MESSAGE(outputs.ok(), outputs.status().ToString());
  DigestOf digest;
  for (const HostValue& output : *outputs) digest.Add(output.view);
  return digest.value();
}

void CheckOnChip(const Loaded& loaded, const Program& program,
                 const Chip& chip) {
  PlanOptions options;
  options.chip = &chip;
  const auto plan = BuildPlan(*loaded.net, program, options);
  REQUIRE_MESSAGE(plan.ok(), plan.status().ToString());
  const std::vector<std::string> problems = CheckPlan(program, *plan);
  for (const std::string& problem : problems)
    CHECK_MESSAGE(problem.empty(), loaded.name << " on " << chip.name);
}

}  // namespace

TEST_CASE("E40: plans of real networks are sound on every chip") {
  const std::vector<Loaded> corpus = LoadCorpus();
  if (corpus.empty()) return;
  const std::vector<const Chip*> chips = DistinctChips();
  REQUIRE(chips.size() > 5);
  struct Size {
    uint64_t arena, lower_bound;
    std::string name;
  };
  std::vector<Size> sizes;
  for (const Loaded& loaded : corpus) {
    SpecializeOptions request;
    request.input_shapes = loaded.shapes;
    const auto program = Specialize(*loaded.net, request);
    if (!program.ok()) continue;  // shapes depend on data: no plan
    for (const Chip* chip : chips) CheckOnChip(loaded, *program, *chip);
    PlanOptions options;
    options.chip = chips[0];
    const auto plan = BuildPlan(*loaded.net, *program, options);
    sizes.push_back(
        {plan->arena.arena_bytes, plan->arena.lower_bound, loaded.name});
  }
  std::sort(sizes.begin(), sizes.end(), [](const Size& a, const Size& b) {
    return a.lower_bound > b.lower_bound;
  });
  REQUIRE(sizes.size() > 10);
  for (size_t i = 0; i < 10; ++i) {
    const double ratio = static_cast<double>(sizes[i].arena) /
                         static_cast<double>(sizes[i].lower_bound);
    std::printf("%-28s arena %10llu lower bound %10llu ratio %.3f\n",
                sizes[i].name.c_str(),
                static_cast<unsigned long long>(sizes[i].arena),
                static_cast<unsigned long long>(sizes[i].lower_bound), ratio);
    CHECK_MESSAGE(ratio <= 1.15, sizes[i].name);
  }
}

TEST_CASE("E41: plans of Core ML networks are sound on every chip") {
  const fs::path corpus =
      fs::path(ANEREF_SOURCE_DIR) / "../shared/models/coreml";
  if (!fs::is_directory(corpus)) {
    std::printf("ALL CASES SKIPPED: no networks at %s\n",
                corpus.string().c_str());
    return;
  }
  const std::vector<const Chip*> chips = DistinctChips();
  int planned = 0;
  for (const char* folder : {".", "derived", "synthetic"}) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(corpus / folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension == ".mlmodel" || extension == ".mlpackage")
        files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      ImportSummary summary;
      const auto bytes = ImportModel(file.string(), ImportOptions(), &summary);
      if (!bytes.ok()) continue;  // refused by name: other tests look at that
      Loaded loaded;
      loaded.name = file.filename().string();
      auto net = Net::Parse(File::FromBuffer(*bytes), loaded.name);
      REQUIRE_MESSAGE(net.ok(), net.status().ToString());
      loaded.net = *net;
      const auto program = Specialize(*loaded.net, SpecializeOptions());
      if (!program.ok()) continue;  // open extents, or shapes that need data
      for (const Chip* chip : chips) CheckOnChip(loaded, *program, *chip);
      ++planned;
    }
  }
  CHECK(planned > 20);
}

TEST_CASE("E24: no chip's plan changes a bit of a real network") {
  const std::vector<Loaded> corpus = LoadCorpus();
  if (corpus.empty()) return;
  const std::vector<const Chip*> chips = DistinctChips();
  int compared = 0;
  for (const Loaded& loaded : corpus) {
    SessionOptions options;
    options.threads = 2;
    const Outcome first = RunNet(loaded.net, loaded.inputs, options);
    if (!first.status.ok()) continue;
    CHECK_MESSAGE(UnplannedDigest(loaded) == first.digest, loaded.name);
    // Large networks on every third chip: the whole test stays below a minute.
    const size_t step = first.flops > 1e9 ? 3 : 1;
    for (size_t i = 0; i < chips.size(); i += step) {
      options.chip = chips[i];
      CHECK_MESSAGE(
          RunNet(loaded.net, loaded.inputs, options).digest == first.digest,
          loaded.name << " on " << chips[i]->name);
    }
    ++compared;
  }
  CHECK(compared > 20);
}

}  // namespace aneref
