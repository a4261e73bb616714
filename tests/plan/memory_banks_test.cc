// memory_banks.h, weights_layout.h and surfaces.h.
#include "runtime/plan/engine/memory_banks.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "runtime/core/layout.h"
#include "runtime/plan/engine/surfaces.h"
#include "runtime/plan/engine/weights_layout.h"
#include "tests/plan/models.h"

namespace aneref::engine {
namespace {

TEST_CASE("L3: a linear layer is laid out as a 1x1 convolution") {
  const WeightSection section =
      LayOutWeights(ModelOf("m1"), Conv({1, 1}, 64, 64, 1, 128), false);
  CHECK_EQ(section.bytes, 8192);
}

TEST_CASE("L4: codes of dimensions and flatten kinds") {
  CHECK_EQ(static_cast<int>(Dimension::kN), 0);
  CHECK_EQ(static_cast<int>(Dimension::kD), 1);
  CHECK_EQ(static_cast<int>(Dimension::kC), 2);
  CHECK_EQ(static_cast<int>(Dimension::kH), 3);
  CHECK_EQ(static_cast<int>(Dimension::kW), 4);
  CHECK_EQ(static_cast<int>(FlattenKind::kNchw), 1);
  CHECK_EQ(static_cast<int>(FlattenKind::kNhwc), 2);
}

TEST_CASE("L21: a dense surface equals the padded one for rows of 64 bytes") {
  const TensorType wide{DataType::kFloat16, Shape({1, 768, 1, 256})};
  CHECK_EQ(SurfaceRowPitch(wide), DenseRowPitch(wide));
  const TensorType narrow{DataType::kFloat16, Shape({1, 768, 1, 16})};
  CHECK_EQ(DenseRowPitch(narrow), 32u);
  CHECK_EQ(SurfaceRowPitch(narrow), 64u);
}

TEST_CASE("L22: all surfaces of a side have the size of the largest") {
  CHECK_EQ(CommonAllocation({16384, 49152, 32768}), 49152);
  CHECK_EQ(CommonAllocation({}), 0);
}

TEST_CASE("L23: surfaces bind in alphabetical order of their names") {
  CHECK_EQ(BindingOrder({"x", "bias", "Mask", "a"}),
           std::vector<size_t>{2, 3, 1, 0});
}

TEST_CASE("L24: surfaces below 49152 bytes get a warning") {
  CHECK(WarnsOfSmallSurface(49151));
  CHECK_FALSE(WarnsOfSmallSurface(49152));
  CHECK_FALSE(WarnsOfSmallSurface(768 * 64));  // [768, 16] in padded rows
}

TEST_CASE("L25: a vector is packed into rows of 32") {
  CHECK_EQ(PackedVectorShape(512), Shape({1, 16, 1, 32}));
  CHECK_EQ(PackedVectorShape(33), Shape({1, 2, 1, 32}));
}

TEST_CASE("L26: planes of 4:2:0 images") {
  CHECK_EQ(LayOutTwoPlanes(320, 240).row_stride, 320);
  CHECK_EQ(LayOutTwoPlanes(480, 100).row_stride, 512);
  CHECK_EQ(LayOutTwoPlanes(480, 100).chroma_offset, 51200);
}

TEST_CASE("L27: number of interchange formats") {
  CHECK_EQ(ModelOf("a12").interchange_formats, 0);
  CHECK_EQ(ModelOf("m1").interchange_formats, 3);
  CHECK_EQ(ModelOf("m2").interchange_formats, 13);
  CHECK_EQ(ModelOf("m3").interchange_formats, 16);
  CHECK_EQ(ModelOf("m4").interchange_formats, 14);
}

TEST_CASE("L31: padding channels waste lanes") {
  CHECK_EQ(WastedLanes(6, 4), 2);
  CHECK_EQ(WastedLanes(8, 4), 0);
}

TEST_CASE("L32: interleave of texture coordinates") {
  CHECK_EQ(InterleaveOfCoordinates(Coordinates::kBoxCorners), 4);
  CHECK_EQ(InterleaveOfCoordinates(Coordinates::kOriginAndSize), 4);
  CHECK_EQ(InterleaveOfCoordinates(Coordinates::kPoint), 2);
  CHECK_EQ(InterleaveOfCoordinates(Coordinates::kBatchedBoxes), 8);
}

TEST_CASE("L40: weights run depth then input channel then row then column") {
  ConvGeometry conv = Conv({3, 5}, 4, 8, 8, 8);
  conv.kernel.d = 2;
  CHECK_EQ(WeightNumber(conv, {0, 0, 0, 1}), 1);
  CHECK_EQ(WeightNumber(conv, {0, 0, 1, 0}), 5);
  CHECK_EQ(WeightNumber(conv, {0, 1, 0, 0}), 15);
  CHECK_EQ(WeightNumber(conv, {1, 0, 0, 0}), 60);
  CHECK_EQ(WeightNumber(conv, {1, 3, 2, 4}), 119);
}

TEST_CASE("L41/L45: lanes that are used") {
  const EngineModel m1 = ModelOf("m1");
  const int64_t used[] = {1, 2, 4, 4, 8, 8, 8, 8, 16};
  for (int64_t cout = 1; cout <= 9; ++cout)
    CHECK_EQ(LanesUsed(m1, cout), used[cout - 1]);
  CHECK_EQ(LanesUsed(m1, 16), 16);
  CHECK_EQ(LanesUsed(m1, 1000), 16);
}

TEST_CASE("L42: channels go round the lanes") {
  const EngineModel m1 = ModelOf("m1");
  CHECK_EQ(PlaceOfChannel(m1, 64, 0).lane, 0);
  CHECK_EQ(PlaceOfChannel(m1, 64, 17).lane, 1);
  CHECK_EQ(PlaceOfChannel(m1, 64, 17).row, 1);
  CHECK_EQ(PlaceOfChannel(m1, 64, 63).lane, 15);
  CHECK_EQ(PlaceOfChannel(m1, 64, 63).row, 3);
  CHECK_EQ(PlaceOfChannel(m1, 8, 7).lane, 7);
}

TEST_CASE("L43: the identity linear layer 64 to 64") {
  const WeightSection section =
      LayOutWeights(ModelOf("m1"), Conv({1, 1}, 64, 64, 1, 1), false);
  CHECK_EQ(section.lanes, 16);
  CHECK_EQ(section.lane_bytes, 512);
  CHECK_EQ(section.bytes, 8192);
  // Channel c: lane c mod 16, row c div 16, column c.
  CHECK_EQ(WeightOffset(section, 0, 0, 2), 0);
  CHECK_EQ(WeightOffset(section, 17, 17, 2), 512 + 128 + 34);
  CHECK_EQ(WeightOffset(section, 63, 63, 2), 15 * 512 + 3 * 128 + 126);
  const WeightSection biased =
      LayOutWeights(ModelOf("m6"), Conv({1, 1}, 64, 64, 1, 1), true);
  CHECK_EQ(biased.lane_bytes, 0x240);
}

TEST_CASE("L44: lanes are padded to 64 bytes") {
  const WeightSection conv =
      LayOutWeights(ModelOf("m1"), Conv({3, 3}, 8, 8, 16, 16), false);
  CHECK_EQ(conv.lanes, 8);
  CHECK_EQ(conv.channel_bytes, 144);
  CHECK_EQ(conv.lane_bytes, 0xC0);
  const WeightSection matmul =
      LayOutWeights(ModelOf("m1"), Conv({1, 1}, 8, 8, 1, 1), false);
  CHECK_EQ(matmul.lane_bytes, 0x40);
}

TEST_CASE("L46: sections and group records") {
  CHECK_EQ(static_cast<int>(KernelSection::kActivationTable), 0);
  CHECK_EQ(static_cast<int>(KernelSection::kWeights), 5);
  CHECK_EQ(static_cast<int>(WeightElement::kHalf), 5);
  CHECK_EQ(static_cast<int>(WeightElement::kInt4), 23);
  const GroupRecord record = MakeGroupRecord(192, 8);
  CHECK_EQ(record.words[0], 192);
  CHECK_EQ(record.words[1], 8);
  CHECK_EQ(record.words[2], -1);
  CHECK_EQ(record.words[11], -1);
  CHECK_EQ(record.words[12], 0);
  CHECK_EQ(record.words[13], 0);
}

TEST_CASE("L49: payloads of compressed weights") {
  CHECK_EQ(PayloadBytes({WeightFormat::kDense, 1024, 0, 0, 32}), 2048);
  CHECK_EQ(PayloadBytes({WeightFormat::kInt8, 1024, 16, 0, 32}), 1056);
  CHECK_EQ(PayloadBytes({WeightFormat::kPalette4, 1024, 0, 0, 32}), 544);
  CHECK_EQ(PayloadBytes({WeightFormat::kPalette8, 1024, 0, 0, 32}), 1536);
  CHECK_EQ(PayloadBytes({WeightFormat::kSparse, 1024, 0, 379, 32}), 886);
  CHECK_EQ(PayloadBytes({WeightFormat::kBlockwise, 1024, 0, 0, 32}), 1088);
}

TEST_CASE("L50: blob data follow their chunk header") {
  CHECK_EQ(BlobDataOffset(64), 128);
}

TEST_CASE("L61: banks of addresses") {
  const EngineModel m1 = ModelOf("m1");
  CHECK_EQ(BankOf(m1, 0), 0);
  CHECK_EQ(BankOf(m1, 15), 0);
  CHECK_EQ(BankOf(m1, 16), 1);
  CHECK_EQ(BankOf(m1, 1008), 63);
  CHECK_EQ(BankOf(m1, 1024), 0);
  CHECK_EQ(BankOf(m1, 1040), 1);
  CHECK_EQ(BankOf(m1, 12345), 3);
  CHECK_EQ(BankOf(m1, 65536), 0);
}

TEST_CASE("L62: requests that a stride costs") {
  const EngineModel m1 = ModelOf("m1");
  CHECK_EQ(ConflictRequests(m1, 16, 64), 1);
  CHECK_EQ(ConflictRequests(m1, 1024, 64), 64);
  CHECK_EQ(ConflictRequests(m1, 512, 64), 32);
  CHECK_EQ(ConflictRequests(m1, 1040, 64), 1);
  CHECK_EQ(ConflictRequests(m1, 768, 64), 16);
  CHECK_EQ(ConflictRequests(m1, 2048, 128), 128);
}

TEST_CASE("L62: the cheapest stride and the smallest of equals") {
  const EngineModel m1 = ModelOf("m1");
  CHECK_EQ(BestStride(m1, 1024, 64), 1040);
  CHECK_EQ(BestStride(m1, 1040, 64), 1040);
  CHECK_EQ(BestStride(m1, 1030, 64), 1040);
  CHECK_EQ(BestStride(m1, 1024, 1), 1024);
  CHECK_EQ(BestStride(m1, 2097152, 64), 2097152);
  CHECK_EQ(BestStride(m1, 2097153, 64), std::nullopt);
}

TEST_CASE("L65: alignment of instructions") {
  CHECK_EQ(ModelOf("m1").instruction_alignment, 256);
  CHECK_EQ(ModelOf("m2").instruction_alignment, 16);
  CHECK_EQ(ModelOf("m1").dma_granule, 16);
  CHECK_EQ(kTileAlignment, 64);
  CHECK_EQ(kPageBytes, 16384);
}

TEST_CASE("L66: buffers lie in pages below 3.5 GiB") {
  CHECK(InDeviceWindow(0, 3758096384));
  CHECK_FALSE(InDeviceWindow(0, 3758096385));
  CHECK_FALSE(InDeviceWindow(16384, 3758096384));
  CHECK(InDeviceWindow(16384, 1));
  CHECK_FALSE(InDeviceWindow(64, 64));
  CHECK_FALSE(InDeviceWindow(0, INT64_MAX));
}

TEST_CASE("L69: largest values of descriptor fields") {
  const FieldMaxima m1 = FieldMaximaOf(ModelOf("m1"));
  CHECK_EQ(m1.extent, 32767);
  CHECK_EQ(m1.channels, 131071);
  CHECK_EQ(m1.groups, 8191);
  CHECK_EQ(m1.kernel, 31);
  CHECK_EQ(FieldMaximaOf(ModelOf("m2")).kernel, 63);
  CHECK_EQ(OcgField(1).value(), 0);
  CHECK_EQ(OcgField(16).value(), 4);
  CHECK_EQ(OcgField(12).status().rule(), "L69");
  CHECK_EQ(OcgField(0).status().rule(), "L69");
}

}  // namespace
}  // namespace aneref::engine
