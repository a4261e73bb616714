// The explain report on the project's own network: placement joined with the
// plan, expectations of build servers, and pages that hold what they promise.
#include "runtime/explain/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "runtime/core/json.h"
#include "runtime/explain/graph_layout.h"
#include "tests/support/draft.h"

namespace aneref::explain {
namespace {

struct Loaded {
  std::shared_ptr<const Net> net;
  Program program;
};

Loaded LoadDigits() {
  Loaded loaded;
  auto file = File::Map(ANEREF_SOURCE_DIR "/examples/digits/digits.anem");
  REQUIRE(file.ok());
  auto net = Net::Parse(*file, "digits.anem");
  REQUIRE(net.ok());
  loaded.net = *net;
  SpecializeOptions options;
  for (const fbs::Port* port : *loaded.net->main_graph().inputs()) {
    const fbs::Tensor& tensor = *loaded.net->main_graph().tensors()->Get(
        static_cast<unsigned>(port->tensor()));
    std::vector<int64_t> dims(tensor.shape()->begin(), tensor.shape()->end());
    for (int64_t& dim : dims) dim = std::max<int64_t>(dim, 1);
    options.input_shapes[tensor.name()->str()] = Shape(dims);
  }
  auto program = Specialize(*loaded.net, options);
  REQUIRE_MESSAGE(program.ok(), program.status().ToString());
  loaded.program = std::move(program).value();
  return loaded;
}

Report ReportOn(const Loaded& loaded, const std::string& chip) {
  auto report = MakeReport(*loaded.net, loaded.program,
                           **ChipTable::Embedded().Find(chip), {});
  REQUIRE_MESSAGE(report.ok(), report.status().ToString());
  return std::move(report).value();
}

TEST_CASE("explain: a small network is accepted and not placed") {
  const Loaded loaded = LoadDigits();
  const Report report = ReportOn(loaded, "m1");
  CHECK(report.num_cpu == 0);
  CHECK(report.num_engine + report.num_folded == report.ops.size());
  CHECK(report.placement.compiler.crossings == 0);
  REQUIRE(report.plan.has_value());
  CHECK(report.plan->totals.predicted_us > 100);
  CHECK(report.segmenter_ops == 0);  // E60: less than 0.25 ms to win
  for (const ReportOp& op : report.ops) {
    if (op.where == Where::kFolded) CHECK_FALSE(op.folded_into.empty());
    if (op.where == Where::kEngine) CHECK(op.task >= 0);
  }
}

TEST_CASE("explain: pages are deterministic and hold no address to load") {
  const Loaded loaded = LoadDigits();
  const std::vector<Report> reports = {ReportOn(loaded, "m1"),
                                       ReportOn(loaded, "a12")};
  const Titles titles = {"<digits>.anem"};
  const std::string page = ReportPage(titles, loaded.program, reports);
  CHECK(page == ReportPage(titles, loaded.program, reports));
  CHECK(page.find("<title>&lt;digits&gt;.anem") != std::string::npos);
  CHECK(page.find("src=") == std::string::npos);
  CHECK(page.find("href=") == std::string::npos);
  CHECK(page.find("@import") == std::string::npos);
}

TEST_CASE("explain: JSON has the promised keys") {
  const Loaded loaded = LoadDigits();
  JsonWriter json;
  WriteReport(ReportOn(loaded, "a12"), loaded.program, &json);
  const auto parsed = ParseJson(json.text(), "report");
  REQUIRE(parsed.ok());
  for (const char* key : {"target", "ops", "tasks", "segments", "predicted_us",
                          "bound", "advice", "segmenter_segments"})
    CHECK_MESSAGE(parsed->Find(key) != nullptr, key);
  const auto& ops = *parsed->Find("ops")->AsArray();
  for (const char* key :
       {"name", "op", "placement", "reasons", "task", "passes", "cores",
        "working_set_bytes", "predicted_us"})
    CHECK_MESSAGE(ops[0].Find(key) != nullptr, key);
  // A softmax has no unit before H13 (V48).
  const auto& last = *ops.back().Find("reasons")->AsArray();
  REQUIRE_FALSE(last.empty());
  for (const char* key : {"rule", "text", "provenance"})
    CHECK_MESSAGE(last[0].Find(key) != nullptr, key);
}

TEST_CASE("explain: expectations of a build server") {
  const Loaded loaded = LoadDigits();
  FailOn fail_on;
  CHECK(AddFailOn("cpu", &fail_on).ok());
  CHECK(AddFailOn("crossings=0", &fail_on).ok());
  CHECK(AddFailOn("rule=V48", &fail_on).ok());
  CHECK_FALSE(AddFailOn("crossings=", &fail_on).ok());
  CHECK_FALSE(AddFailOn("crossings=1x", &fail_on).ok());
  CHECK_FALSE(AddFailOn("gpu", &fail_on).ok());
  CHECK(BrokenExpectations(ReportOn(loaded, "m1"), fail_on).empty());
  const Report older = ReportOn(loaded, "a12");
  CHECK(BrokenExpectations(older, fail_on).size() == 3);
  const std::string junit = JUnit({"digits"}, {older}, fail_on);
  CHECK(junit.find("<failure") != std::string::npos);
  const auto sarif = ParseJson(Sarif({"digits"}, {older}), "sarif");
  REQUIRE(sarif.ok());
  const JsonValue& run = (*sarif->Find("runs")->AsArray())[0];
  CHECK_FALSE(run.Find("results")->AsArray()->empty());
}

TEST_CASE("V95: rules about the whole network are expectations, too") {
  // Rows of 28 and fewer halves are no multiple of 64 bytes.
  const Loaded loaded = LoadDigits();
  const Report report = ReportOn(loaded, "m1");
  FailOn fail_on;
  REQUIRE(AddFailOn("rule=V95", &fail_on).ok());
  const auto broken = BrokenExpectations(report, fail_on);
  REQUIRE(broken.size() == 1);
  CHECK(broken[0] == "m1: V95 for the network");
  const std::string junit = JUnit({"digits"}, {report}, fail_on);
  CHECK(junit.find("failures=\"1\"") != std::string::npos);
  const auto sarif = ParseJson(Sarif({"digits"}, {report}), "sarif");
  REQUIRE(sarif.ok());
  const JsonValue& run = (*sarif->Find("runs")->AsArray())[0];
  const auto& results = *run.Find("results")->AsArray();
  REQUIRE(results.size() == 1);
  CHECK(*results[0].Find("ruleId")->AsString() == "V95");
  // Every rule that a result names is listed.
  const auto& rules =
      *run.Find("tool")->Find("driver")->Find("rules")->AsArray();
  REQUIRE(rules.size() == 1);
  CHECK(*rules[0].Find("id")->AsString() == "V95");
}

TEST_CASE("explain: a page of 1000 ops on every chip is below 5 MB") {
  test::DraftBuilder builder;
  int x = builder.Input("x", {1, 64, 56, 56});
  for (int i = 0; i < 500; ++i) {
    const int y = builder.Unary(fbs::ActivationKind::tanh, x);
    x = builder.Binary(fbs::ElementwiseKind::add, x, y);
  }
  builder.Output(x);
  Loaded loaded;
  loaded.net = builder.Parse();
  auto program = Specialize(*loaded.net, SpecializeOptions());
  REQUIRE_MESSAGE(program.ok(), program.status().ToString());
  loaded.program = std::move(program).value();
  REQUIRE(loaded.program.nodes.size() == 1000);
  std::vector<Report> reports;
  for (const Chip& chip : ChipTable::Embedded().chips()) {
    if (chip.coreml) reports.push_back(ReportOn(loaded, chip.name));
  }
  REQUIRE(reports.size() > 30);
  const std::string all = ReportPage({"deep"}, loaded.program, reports);
  CHECK_MESSAGE(all.size() < 5'000'000, all.size());
  // With the plan's pictures, which are drawn for a few chips.
  reports.resize(4);
  const std::string few = ReportPage({"deep"}, loaded.program, reports);
  CHECK_MESSAGE(few.size() < 5'000'000, few.size());
}

TEST_CASE("explain: lines of text stay within 100 columns") {
  const Loaded loaded = LoadDigits();
  for (const char* chip : {"m1", "a12", "m4"}) {
    const std::string text =
        ReportText({"digits.anem"}, ReportOn(loaded, chip), true);
    size_t column = 0;
    for (const char c : text) {
      column = c == '\n' ? 0 : column + 1;
      if (column > 100) FAIL_CHECK("a line of more than 100 columns");
    }
  }
}

TEST_CASE("E62: divisions count crossings and the bytes that cross") {
  const Loaded loaded = LoadDigits();
  std::vector<uint8_t> flags(loaded.program.nodes.size(), 1);
  const auto whole = placement::DivideBy(loaded.program, flags);
  CHECK(whole.segments.size() == 1);
  CHECK(whole.crossings == 0);
  CHECK(whole.bytes_moved == 0);
  flags.back() = 0;
  const auto cut = placement::DivideBy(loaded.program, flags);
  CHECK(cut.segments.size() == 2);
  CHECK(cut.crossings == 1);
  CHECK(cut.bytes_moved == 20);  // ten fp16 scores
}

TEST_CASE("layout: a chain is straight and a diamond symmetric") {
  const GraphLayout chain = LayOutGraph(3, {{0, 1}, {1, 2}});
  CHECK(chain.layers == 3);
  CHECK(chain.nodes[0].x == chain.nodes[2].x);
  const GraphLayout diamond = LayOutGraph(4, {{0, 1}, {0, 2}, {1, 3}, {2, 3}});
  CHECK(diamond.nodes[1].y == 1);
  CHECK(diamond.nodes[2].x - diamond.nodes[1].x == doctest::Approx(1));
  CHECK(diamond.nodes[0].x == doctest::Approx(0.5));
  CHECK(diamond.nodes[3].x == doctest::Approx(0.5));
  // A skip is led around the node between.
  const GraphLayout skip = LayOutGraph(3, {{0, 1}, {1, 2}, {0, 2}});
  REQUIRE(skip.bends[2].size() == 1);
  CHECK(skip.bends[2][0].y == 1);
  CHECK(skip.bends[2][0].x != skip.nodes[1].x);
}

}  // namespace
}  // namespace aneref::explain
