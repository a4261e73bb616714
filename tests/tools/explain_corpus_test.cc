// Every model of the corpora, where they are at hand, is explained on every
// chip: the report exists, says the same twice, and each op that is refused or
// handed to the host has a rule with its evidence and a smallest change.
#include <map>
#include <set>

#include "runtime/explain/report.h"
#include "tests/tools/corpus.h"

namespace aneref {
namespace {

using namespace test;

std::vector<fs::path> AllModels() {
  const fs::path corpora = fs::path(ANEREF_SOURCE_DIR) / "../shared/models";
  std::vector<fs::path> models;
  if (!fs::is_directory(corpora)) {
    std::printf("ALL CASES SKIPPED: no networks at %s\n",
                corpora.string().c_str());
    return models;
  }
  for (const auto& entry : fs::directory_iterator(corpora / "onnx")) {
    if (fs::exists(entry.path() / "model.onnx"))
      models.push_back(entry.path() / "model.onnx");
  }
  for (const char* folder : {".", "derived", "synthetic"}) {
    for (const auto& entry :
         fs::directory_iterator(corpora / "coreml" / folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension == ".mlmodel" || extension == ".mlpackage")
        models.push_back(entry.path());
    }
  }
  std::sort(models.begin(), models.end());
  return models;
}

struct Explained {
  std::shared_ptr<const Net> net;
  Program program;
};

// Nothing for what no chip runs: other tests look at why it is refused.
std::unique_ptr<Explained> Load(const fs::path& path) {
  ImportSummary summary;
  const auto bytes = ImportModel(path.string(), ImportOptions(), &summary);
  if (!bytes.ok()) return nullptr;
  auto explained = std::make_unique<Explained>();
  auto net = Net::Parse(File::FromBuffer(*bytes), path.string());
  REQUIRE_MESSAGE(net.ok(), net.status().ToString());
  explained->net = *net;
  SpecializeOptions request;
  request.keep_open = true;
  auto program = Specialize(*explained->net, request);
  if (!program.ok()) return nullptr;
  explained->program = std::move(*program);
  return explained;
}

std::string TextOf(const explain::Report& report, const Program& program) {
  JsonWriter json;
  WriteReport(report, program, &json);
  return json.Take() + ReportText({"model"}, report, true);
}

void CheckReasons(const explain::Report& report, const std::string& model) {
  for (const explain::ReportOp& op : report.ops) {
    bool refused = false;
    for (const placement::Reason& reason : op.reasons) {
      CAPTURE(reason.rule + " " + reason.text);
      CHECK_FALSE(reason.provenance.empty());
      if (reason.severity == placement::Severity::kWarn) continue;
      refused = refused || reason.severity == placement::Severity::kReject;
      CHECK_MESSAGE(!reason.fix.empty(), model << " on " << report.target);
    }
    if (op.where == explain::Where::kCpu)
      CHECK_MESSAGE(refused, model << ", " << op.op << " " << op.name);
  }
}

}  // namespace

TEST_CASE("explain: every model on every chip with a change for each refusal") {
  const std::vector<fs::path> models = AllModels();
  if (models.empty()) return;
  int explained = 0;
  for (const fs::path& path : models) {
    const auto loaded = Load(path);
    if (loaded == nullptr) continue;
    const std::string name =
        path.parent_path().filename().string() + "/" + path.filename().string();
    ++explained;
    for (const Chip& chip : ChipTable::Embedded().chips()) {
      if (!chip.coreml) continue;
      const auto report =
          explain::MakeReport(*loaded->net, loaded->program, chip, {});
      REQUIRE_MESSAGE(report.ok(), name << " on " << chip.name << ": "
                                        << report.status().ToString());
      CheckReasons(*report, name);
      if (chip.name != "m1" && chip.name != "a12") continue;
      const auto again =
          explain::MakeReport(*loaded->net, loaded->program, chip, {});
      CHECK_MESSAGE(
          TextOf(*report, loaded->program) == TextOf(*again, loaded->program),
          name << " on " << chip.name);
    }
  }
  std::printf("%d models explained on every chip\n", explained);
  CHECK(explained > 60);
}

}  // namespace aneref
