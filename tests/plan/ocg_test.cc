// ocg.h: output-channel groups, passes, cores, accumulators.
#include "runtime/plan/engine/ocg.h"

#include <doctest/doctest.h>

#include "tests/plan/models.h"

namespace aneref::engine {
namespace {

TEST_CASE("E12: groups by the kernel buffer as in compiled M6 programs") {
  const EngineModel m6 = ModelOf("m6");
  struct Row {
    Kernel kernel;
    bool winograd;
    int64_t cin;
    int64_t group;
  };
  const Row rows[] = {
      {{1, 1}, false, 16, 16},  {{1, 1}, false, 64, 16},
      {{1, 1}, false, 256, 16}, {{1, 1}, false, 512, 16},
      {{3, 1}, false, 16, 16},  {{3, 1}, false, 64, 16},
      {{3, 1}, false, 256, 16}, {{3, 1}, false, 512, 16},
      {{2, 2}, false, 16, 16},  {{2, 2}, false, 64, 16},
      {{2, 2}, false, 256, 16}, {{2, 2}, false, 512, 16},
      {{5, 5}, false, 16, 16},  {{5, 5}, false, 64, 16},
      {{5, 5}, false, 256, 4},  {{5, 5}, false, 512, 2},
      {{7, 7}, false, 16, 16},  {{7, 7}, false, 256, 2},
      {{7, 7}, false, 512, 1},  {{3, 3}, true, 16, 1},
      {{3, 3}, true, 64, 1},    {{3, 3}, true, 256, 2},
      {{3, 3}, true, 512, 2},   {{1, 3}, true, 16, 1},
      {{1, 3}, true, 64, 1},    {{1, 3}, true, 256, 1},
      {{1, 3}, true, 512, 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.kernel.h);
    CAPTURE(row.kernel.w);
    CAPTURE(row.cin);
    CHECK_EQ(OutputChannelGroup(m6, Conv(row.kernel, row.cin, 256, 32, 32),
                                row.winograd),
             row.group);
  }
}

TEST_CASE("E12: int8 weights double the group and depthwise has one") {
  const EngineModel m6 = ModelOf("m6");
  ConvGeometry conv = Conv({5, 5}, 512, 256, 32, 32);
  conv.weight_bytes = 1;
  CHECK_EQ(OutputChannelGroup(m6, conv, false), 4);
  conv.groups = 512;
  CHECK_EQ(OutputChannelGroup(m6, conv, false), 1);
  // A single channel larger than the buffer still is a group of one.
  CHECK_EQ(OutputChannelGroup(m6, Conv({15, 15}, 512, 16, 32, 32), false), 1);
}

TEST_CASE("E12: groups by the accumulators on H13") {
  const EngineModel m1 = ModelOf("m1");
  const auto group = [&](const Kernel& kernel) {
    return OutputChannelGroup(m1, Conv(kernel, 64, 256, 32, 32), false);
  };
  CHECK_EQ(group({1, 1}), 16);
  CHECK_EQ(group({3, 3}), 1);
  CHECK_EQ(group({5, 5}), 1);
  CHECK_EQ(group({1, 3}), 4);
  EngineModel other = m1;
  REQUIRE(ApplyOption("ocg=kbuf", &other).ok());
  CHECK_EQ(OutputChannelGroup(other, Conv({5, 5}, 256, 256, 32, 32), false), 4);
}

TEST_CASE("E13: passes on H13 and later") {
  const EngineModel m1 = ModelOf("m1");
  const EngineModel m6 = ModelOf("m6");
  CHECK_EQ(Passes(m1, 192, 16), 1);
  CHECK_EQ(Passes(m1, 255, 16), 1);
  CHECK_EQ(Passes(m1, 256, 16), 2);  // the measured step 20 us -> 61 us
  CHECK_EQ(Passes(m6, 256, 16), 1);
  CHECK_EQ(Passes(m6, 272, 16), 2);  // the measured step of 32 %
  CHECK_EQ(Passes(m1, 256, 1), 16);
  CHECK_EQ(Passes(m6, 512, 2), 16);
}

TEST_CASE("E14: cores that work") {
  const EngineModel m1 = ModelOf("m1");
  const int64_t registers[] = {1, 2, 4, 4};
  // Measured GMAC/s for 1 to 4 channels; one core makes 3.8.
  const double measured[] = {3.8, 7.6, 11.4, 15.4};
  for (int64_t cout = 1; cout <= 4; ++cout) {
    CHECK_EQ(ActiveLanesRegister(m1, cout), registers[cout - 1]);
    CHECK_EQ(3.8 * static_cast<double>(WorkingLanes(m1, cout)),
             doctest::Approx(measured[cout - 1]).epsilon(0.03));
  }
  CHECK_EQ(ActiveLanesRegister(m1, 9), 16);
  CHECK_EQ(WorkingLanes(m1, 9), 9);
  CHECK_EQ(ActiveLanesRegister(m1, 17), 16);
  CHECK_EQ(WorkingLanes(m1, 1000), 16);
}

TEST_CASE("E15: eight accumulators buffer a demand of four twice") {
  const EngineModel m1 = ModelOf("m1");
  CHECK(AccumulatorBuffering(m1, 4) == Buffering::kDouble);
  CHECK(AccumulatorBuffering(m1, 5) == Buffering::kSingle);
  CHECK(AccumulatorBuffering(m1, 8) == Buffering::kSingle);
  CHECK(AccumulatorBuffering(m1, 9) == Buffering::kDoesNotFit);
  // 16 fp16 channels, two per accumulator.
  CHECK_EQ(AccumulatorDemand(m1, Conv({1, 1}, 64, 256, 32, 32), 16), 8);
  CHECK_EQ(AccumulatorDemand(m1, Conv({3, 3}, 64, 256, 32, 32), 1), 1);
}

TEST_CASE("E16: small and tiny sources") {
  const EngineModel m1 = ModelOf("m1");
  CHECK(SourceModeOf(m1, {1, 2, 2}) == SourceMode::kTiny);
  CHECK(SourceModeOf(m1, {1, 4, 4}) == SourceMode::kTiny);
  CHECK(SourceModeOf(m1, {1, 1, 1}) == SourceMode::kSmall);
  CHECK(SourceModeOf(m1, {1, 5, 4}) == SourceMode::kSmall);
  CHECK(SourceModeOf(m1, {1, 8, 8}) == SourceMode::kSmall);
  CHECK(SourceModeOf(m1, {1, 1, 9}) == SourceMode::kDefault);
  // Tiny: min(2 * 8, 16 / 3) = 5, as a power of two.
  CHECK_EQ(OcgOfBook(m1, Conv({1, 3}, 64, 64, 4, 4)), 4);
  // Small: min(0.5 * 4, 16 / 9) = 1.
  CHECK_EQ(OcgOfBook(m1, Conv({3, 3}, 64, 64, 8, 8)), 1);
}

}  // namespace
}  // namespace aneref::engine
