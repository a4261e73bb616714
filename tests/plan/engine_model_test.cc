// engine_model.h: every chip of the table reads; options and bad files.
#include "runtime/plan/engine/engine_model.h"

#include <doctest/doctest.h>

#include "runtime/plan/engine/cost.h"
#include "tests/plan/models.h"

namespace aneref::engine {
namespace {

TEST_CASE("engine model: every chip with an engine has one and cost anchors") {
  int read = 0;
  for (const Chip& chip : ChipTable::Embedded().chips()) {
    if (!chip.coreml) continue;
    CAPTURE(chip.name);
    const Expected<EngineModel> model = ReadEngineModel(chip);
    CHECK_MESSAGE(model.ok(), model.status().ToString());
    const Expected<CostAnchors> anchors = ReadCostAnchors(chip);
    CHECK_MESSAGE(anchors.ok(), anchors.status().ToString());
    ++read;
  }
  CHECK_GE(read, 31);
}

TEST_CASE("engine model: the numbers of M1 and M6 come from their tables") {
  const EngineModel m1 = ModelOf("m1");
  CHECK_EQ(m1.lanes, 16);
  CHECK_EQ(m1.engines, 1);
  CHECK_EQ(m1.residency_threshold, 0);
  CHECK_EQ(m1.interchange_formats, 3);
  CHECK(m1.ocg == OcgFormula::kBook);
  CHECK_FALSE(m1.int8_macs);
  const EngineModel m6 = ModelOf("m6");
  CHECK_EQ(m6.engines, 2);
  CHECK_EQ(m6.residency_threshold, 262144);
  CHECK(m6.ocg == OcgFormula::kKernelBuffer);
  CHECK(m6.dilation == DilationKind::kSparseKernel);
}

TEST_CASE("engine model: options replace the chip's choices") {
  EngineModel model = ModelOf("m1");
  CHECK(ApplyOption("ocg=kbuf", &model).ok());
  CHECK(model.ocg == OcgFormula::kKernelBuffer);
  CHECK(ApplyOption("coissue=compiler", &model).ok());
  CHECK(model.coissue == CoIssueKind::kCompiler);
  CHECK(ApplyOption("segmenter=macos26", &model).ok());
  CHECK(model.segmenter == SegmenterKind::kMacos26);
  CHECK(ApplyOption("overlap=resident", &model).ok());
  CHECK(model.overlap == StreamOverlap::kResidentOnly);
  CHECK(ApplyOption("ocg=other", &model).code() ==
        StatusCode::kInvalidArgument);
  CHECK(ApplyOption("", &model).code() == StatusCode::kInvalidArgument);
}

TEST_CASE("engine model: a chip file without tables is unsupported") {
  const Expected<ChipTable> table = ChipTable::Parse(
      R"({"chips": [{"name": "x", "coreml": true, "compiler_target": "H99"}]})",
      "mine.json");
  REQUIRE(table.ok());
  CHECK(ReadEngineModel(table->chips()[0]).status().code() ==
        StatusCode::kUnsupported);
}

TEST_CASE("engine model: a missing key is named") {
  const Expected<ChipTable> table = ChipTable::Parse(
      R"({"chips": [{"name": "x", "compiler_target": "T"}],
          "targets": [{"target": "T", "arch": "A",
                       "hal_scalars": {"0x0c_accumulator_budget": 0}}],
          "engine_models": {"A": {}}})",
      "mine.json");
  REQUIRE(table.ok());
  const Status status = ReadEngineModel(table->chips()[0]).status();
  CHECK(status.code() == StatusCode::kInvalidFile);
  CHECK(status.message().find("0x0c_accumulator_budget") != std::string::npos);
}

}  // namespace
}  // namespace aneref::engine
