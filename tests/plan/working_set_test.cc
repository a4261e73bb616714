// working_set.h and tiling.h: residency, blocks, patches, tile heights.
#include "runtime/plan/engine/working_set.h"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "runtime/plan/engine/tiling.h"
#include "tests/plan/models.h"

namespace aneref::engine {
namespace {

using Widths = std::vector<int64_t>;

TEST_CASE("E20: the largest operand decides residency") {
  const EngineModel m1 = ModelOf("m1");
  CHECK(IsResident(m1, {1048576, 524288, 1048576}));     // [1,512,32,32]
  CHECK_FALSE(IsResident(m1, {4194304, 524288, 1024}));  // [1,512,64,64]
  CHECK_FALSE(IsResident(m1, {8192, 33554432, 8192}));   // 4096x4096 weights
  CHECK(IsResident(m1, {2097151, 2097151, 2097151}));    // not the sum
  CHECK_FALSE(IsResident(m1, {0, 0, 2097152}));
  CHECK(IsResident(m1, {401408, 1179648, 401408}));  // the worked example
}

TEST_CASE("L60: the pool is 2 MiB and 1 MiB on the watch's M9") {
  CHECK_EQ(ModelOf("m1").working_set_bytes, 2097152);
  CHECK_EQ(ModelOf("m6").working_set_bytes, 2097152);
  CHECK_EQ(ReadEngineModel(ChipOf("a12"))->working_set_bytes, 2097152);
  for (const Chip& chip : ChipTable::Embedded().chips()) {
    if (chip.name == "s4")
      CHECK_EQ(ReadEngineModel(chip)->working_set_bytes, 1048576);
  }
}

TEST_CASE("L63: exactly 2 MiB are two blocks") {
  const EngineModel m6 = ModelOf("m6");
  CHECK_EQ(NumBlocks(m6, 1992294, 1), 1);
  CHECK_EQ(NumBlocks(m6, 2097152, 1), 2);
  CHECK_EQ(NumBlocks(m6, 4089446, 1), 2);
  CHECK_EQ(NumBlocks(m6, 4194304, 1), 3);
  CHECK_EQ(NumBlocks(m6, 2097152, 2), 3);
  CHECK_EQ(NumBlocks(m6, 33554432, 0), 1);  // a single layer is never cut
}

TEST_CASE("E22: widths of the published chains of two layers") {
  const EngineModel m6 = ModelOf("m6");
  const auto widths = [&](int64_t width) {
    return PlanBlocks(m6, {256, 1, width}, 1).widths;
  };
  CHECK_EQ(widths(2048), Widths{2048});
  CHECK_EQ(widths(4096), Widths{2048, 2048});
  CHECK_EQ(widths(8192), Widths{2688, 2688, 2816});
  CHECK_EQ(widths(12288), Widths{3072, 3072, 3072, 3072});
  CHECK_EQ(widths(16384), Widths{3200, 3200, 3328, 3328, 3328});
  CHECK_EQ(widths(32768),
           Widths{3584, 3584, 3584, 3584, 3584, 3712, 3712, 3712, 3712});
}

TEST_CASE("E22: widths of the published chains of eight layers") {
  const EngineModel m6 = ModelOf("m6");
  const auto widths = [&](int64_t width) {
    return PlanBlocks(m6, {256, 1, width}, 2).widths;
  };
  CHECK_EQ(widths(6144), Widths{1536, 1536, 1536, 1536});
  CHECK_EQ(widths(8192), Widths{1536, 1664, 1664, 1664, 1664});
  CHECK_EQ(widths(10752), Widths(6, 1792));
  CHECK_EQ(widths(12288), Widths{1664, 1664, 1792, 1792, 1792, 1792, 1792});
  CHECK_EQ(widths(12544), Widths(7, 1792));
  CHECK_EQ(widths(13312), Widths{1792, 1920, 1920, 1920, 1920, 1920, 1920});
  CHECK_EQ(widths(14336), Widths(8, 1792));
}

TEST_CASE("E22: rows are cut before columns and columns before channels") {
  const EngineModel m6 = ModelOf("m6");
  const BlockPlan rows = CutBlocks(m6, {64, 10, 1000}, 3);
  CHECK_EQ(rows.heights, Widths{3, 3, 4});
  CHECK_EQ(rows.widths, Widths{1000});
  const BlockPlan both = CutBlocks(m6, {64, 2, 300}, 5);
  CHECK_EQ(both.heights, Widths{1, 1});
  CHECK_EQ(both.widths, Widths{128, 128, 44});
  CHECK_EQ(both.num_blocks(), 6);
  const BlockPlan channels = CutBlocks(m6, {40, 1, 100}, 2);
  CHECK_EQ(channels.widths, Widths{100});
  CHECK_EQ(channels.channels, Widths{16, 24});
  CHECK_EQ(CutBlocks(m6, {1, 1, 1}, 9).num_blocks(), 1);
}

TEST_CASE("E22: a block reads its halo") {
  const RowRange middle = InputRows({10, 19}, {3, 1, 2, 2}, 100);
  CHECK_EQ(middle.first, 8);  // (3 - 1) * 2 more rows than ten
  CHECK_EQ(middle.last, 21);
  const RowRange top = InputRows({0, 9}, {3, 1, 1, 1}, 100);
  CHECK_EQ(top.first, 0);
  CHECK_EQ(top.last, 10);
  const RowRange strided = InputRows({5, 9}, {3, 2, 1, 0}, 100);
  CHECK_EQ(strided.first, 10);
  CHECK_EQ(strided.last, 20);
}

TEST_CASE("E22: the second engine takes the odd block") {
  const EngineModel m6 = ModelOf("m6");
  CHECK_EQ(BlocksOfEngine(m6, 5, 0), 2);
  CHECK_EQ(BlocksOfEngine(m6, 5, 1), 3);
  CHECK_EQ(BlocksOfEngine(m6, 4, 0), 2);
  CHECK_EQ(BlocksOfEngine(ModelOf("m1"), 5, 0), 5);
}

TEST_CASE("E23: patches are powers of two between 16 and 512") {
  const EngineModel m1 = ModelOf("m1");
  CHECK_EQ(PatchWidth(m1, 1), 16);
  CHECK_EQ(PatchWidth(m1, 17), 32);
  CHECK_EQ(PatchWidth(m1, 28), 32);
  CHECK_EQ(PatchWidth(m1, 512), 512);
  CHECK_EQ(PatchWidth(m1, 4096), 512);
  CHECK_EQ(PatchesPerRow(m1, 28), 1);
  CHECK_EQ(PatchesPerRow(m1, 513), 2);
  CHECK_EQ(PatchesPerRow(m1, 4096), 8);
  CHECK_EQ(PatchWidth(ModelOf("a12"), 700), 700);
}

TEST_CASE("E23: patch fields by family") {
  CHECK(PatchFits(ModelOf("m1"), {15, 28, 28}));
  CHECK_FALSE(PatchFits(ModelOf("m1"), {1, 29, 1}));
  CHECK(PatchFits(ModelOf("m2"), {15, 31, 31}));
  CHECK_FALSE(PatchFits(ModelOf("m2"), {16, 1, 1}));
  CHECK(PatchFits(ModelOf("a12"), {1, 15, 15}));
  CHECK_FALSE(PatchFits(ModelOf("a12"), {1, 1, 16}));
}

TEST_CASE("E24: the largest height that fits half of the memory") {
  const EngineModel m1 = ModelOf("m1");
  // 3x3, 256 -> 256, 28 columns: rows of 64 * 256 bytes each way.
  const ConvGeometry conv = Conv({3, 3}, 256, 256, 1000, 28);
  // (h + 2) * 16384 + h * 16384 <= 1048576: h <= 31.
  CHECK_EQ(TileHeight(m1, conv, {16384, 16384}), 31);
  CHECK_EQ(InputRowCount(conv, 31), 33);
  CHECK_EQ(TileHeight(m1, Conv({3, 3}, 256, 256, 28, 28), {16384, 16384}), 28);
  CHECK_EQ(TileHeight(m1, conv, {4194304, 64}), 1);
  ConvGeometry strided = conv;
  strided.stride.h = 2;
  // (2 h + 1) * 16384 + h * 16384 <= 1048576: h <= 21.
  CHECK_EQ(TileHeight(m1, strided, {16384, 16384}), 21);
}

TEST_CASE("E41: a partition closes before the pool is over 85 percent full") {
  const EngineModel m1 = ModelOf("m1");
  CHECK_FALSE(CutsPartition(m1, 1782579));
  CHECK(CutsPartition(m1, 1782580));
}

TEST_CASE("E41: live tensors over a context switch") {
  CHECK(SurvivesContextSwitch(ModelOf("m1"), 2));
  CHECK_FALSE(SurvivesContextSwitch(ModelOf("m1"), 3));
  CHECK(SurvivesContextSwitch(ModelOf("m2"), 1000));
}

TEST_CASE("E46: outputs get a buffer above the chip's threshold") {
  CHECK_FALSE(OutputGetsBuffer(ModelOf("m1"), 1000000));
  CHECK_FALSE(OutputGetsBuffer(ModelOf("m2"), 1000000));
  CHECK_FALSE(OutputGetsBuffer(ModelOf("m3"), 2048));  // exactly 32 KiB
  CHECK(OutputGetsBuffer(ModelOf("m3"), 2049));
  CHECK_FALSE(OutputGetsBuffer(ModelOf("m4"), 16384));  // exactly 256 KiB
  CHECK(OutputGetsBuffer(ModelOf("m4"), 16385));
}

}  // namespace
}  // namespace aneref::engine
