// kernel_memory.h: weight splits, streaming, Winograd, sparse weights.
#include "runtime/plan/engine/kernel_memory.h"

#include <doctest/doctest.h>

#include <vector>

#include "runtime/plan/engine/ocg.h"
#include "runtime/plan/engine/op_mapping.h"
#include "tests/plan/models.h"

namespace aneref::engine {
namespace {

using Channels = std::vector<int64_t>;

TEST_CASE("E25: the worked example of H13 is split 32 and 224") {
  const EngineModel m1 = ModelOf("m1");
  const ConvGeometry conv = Conv({3, 3}, 256, 256, 28, 28);
  CHECK_EQ(KernelBytesPerCore(m1, conv), 73728);
  CHECK_EQ(SplitKernel(m1, conv, {}).channels, Channels{32, 224});
  CHECK_EQ(OutputChannelGroup(m1, conv, false), 1);
}

TEST_CASE("E25: task descriptors of 256 channels at 16x32 on M6") {
  const EngineModel m6 = ModelOf("m6");
  struct Row {
    Kernel kernel;
    size_t descriptors;
    int64_t kib_per_core;
  };
  const Row rows[] = {
      {{1, 1}, 1, 8},   {{1, 8}, 1, 64},   {{7, 1}, 1, 56},  {{3, 3}, 2, 72},
      {{9, 1}, 2, 72},  {{15, 1}, 2, 120}, {{3, 7}, 3, 168}, {{7, 3}, 3, 168},
      {{5, 5}, 4, 200}, {{7, 7}, 8, 392},
  };
  for (const Row& row : rows) {
    CAPTURE(row.kernel.h);
    CAPTURE(row.kernel.w);
    const ConvGeometry conv = Conv(row.kernel, 256, 256, 16, 32);
    CHECK_EQ(KernelBytesPerCore(m6, conv), row.kib_per_core * 1024);
    SplitRequest request;
    request.winograd = UsesWinograd(m6, conv, {});
    request.ocg = OutputChannelGroup(m6, conv, request.winograd);
    CHECK_EQ(SplitKernel(m6, conv, request).channels.size(), row.descriptors);
  }
}

TEST_CASE("E25: descriptors of rewritten wide kernels on M6") {
  const EngineModel m6 = ModelOf("m6");
  // 1x15 makes 4 by this formula; 6 were measured.
  struct Row {
    int64_t width;
    size_t descriptors;
    int64_t kib_per_core;
  };
  for (const Row& row : {Row{9, 3, 154}, Row{11, 4, 188}, Row{15, 4, 256}}) {
    CAPTURE(row.width);
    ConvGeometry conv = Conv({1, row.width}, 256, 256, 16, 32);
    const WideKernel wide = RewriteWideKernel(m6, conv);
    conv.cout = wide.channels;
    CHECK_EQ(wide.bytes_per_channel * 32, row.kib_per_core * 1024);
    SplitRequest request;
    request.bytes_per_channel = wide.bytes_per_channel;
    CHECK_EQ(SplitKernel(m6, conv, request).channels.size(), row.descriptors);
  }
}

TEST_CASE("E25: 4x32 outputs take one descriptor and streamed ones 16 MiB") {
  const EngineModel m6 = ModelOf("m6");
  CHECK_EQ(SplitKernel(m6, Conv({7, 7}, 256, 256, 4, 32), {}).channels,
           Channels{256});
  SplitRequest streamed;
  streamed.streamed_compressed = true;
  CHECK_EQ(SplitKernel(m6, Conv({7, 7}, 256, 256, 16, 32), streamed).channels,
           Channels{256});
  // H13 has not been seen to do so.
  CHECK_EQ(SplitKernel(ModelOf("m1"), Conv({7, 7}, 256, 256, 4, 32), {})
               .channels.size(),
           8u);
}

TEST_CASE("E25: one channel larger than the memory is cut over its inputs") {
  // 4096 * 9 * 2 = 73728 bytes per channel.
  const KernelSplit split =
      SplitKernel(ModelOf("m1"), Conv({3, 3}, 4096, 32, 28, 28), {});
  CHECK_EQ(split.channels, Channels{16, 16});
  CHECK_EQ(split.cin_parts, 2);
}

TEST_CASE("L64: weight passes of 64 KiB per core") {
  const EngineModel m6 = ModelOf("m6");
  CHECK_EQ(WeightPasses(m6, 65536), 1);
  CHECK_EQ(WeightPasses(m6, 65537), 2);
  CHECK_EQ(WeightPasses(m6, 392 * 1024), 7);
}

TEST_CASE("E26: what the kernel DMA may stream") {
  const EngineModel m1 = ModelOf("m1");
  ConvGeometry conv = Conv({3, 3}, 64, 64, 32, 32);
  CHECK(WeightsStreamable(m1, conv, {}));
  CHECK_FALSE(WeightsStreamable(m1, conv,
                                {WeightFormat::kPalette4, false, false, true}));
  CHECK(WeightsStreamable(m1, conv,
                          {WeightFormat::kPalette4, true, false, true}));
  CHECK_FALSE(
      WeightsStreamable(m1, conv, {WeightFormat::kDense, false, true, true}));
  CHECK_FALSE(
      WeightsStreamable(m1, conv, {WeightFormat::kDense, false, false, false}));
  conv.stride.w = 2;
  CHECK_FALSE(WeightsStreamable(m1, conv, {}));
  conv.stride.w = 1;
  conv.dilation.h = 2;
  CHECK_FALSE(WeightsStreamable(m1, conv, {}));
}

TEST_CASE("E27: stream or fold by chip") {
  const EngineModel m1 = ModelOf("m1");
  const EngineModel m2 = ModelOf("m2");
  const EngineModel m3 = ModelOf("m3");
  const EngineModel m5 = ModelOf("m5");
  for (const EngineModel* model : {&m1, &m2, &m3, &m5}) {
    CHECK(StreamsCompressed(*model, WeightFormat::kPalette4));
    CHECK(StreamsCompressed(*model, WeightFormat::kSparse));
  }
  CHECK_FALSE(StreamsCompressed(m1, WeightFormat::kInt8));
  CHECK(StreamsCompressed(m2, WeightFormat::kInt8));
  CHECK(StreamsCompressed(m3, WeightFormat::kInt8));
  CHECK_FALSE(StreamsCompressed(m1, WeightFormat::kBlockwise));
  CHECK_FALSE(StreamsCompressed(m2, WeightFormat::kBlockwise));
  CHECK(StreamsCompressed(m3, WeightFormat::kBlockwise));
  CHECK(StreamsCompressed(m5, WeightFormat::kBlockwise));
}

TEST_CASE("E30: the book's gate on H13") {
  const EngineModel m1 = ModelOf("m1");
  const ConvGeometry conv = Conv({3, 3}, 256, 256, 28, 28);
  CHECK(UsesWinograd(m1, conv, {}));  // 1 * 9 * 2 = 18 >= 16
  WinogradQuery query;
  query.work_unit_mode = 1;
  CHECK_FALSE(UsesWinograd(m1, conv, query));  // 18 < 32
  query.ocg = 2;
  CHECK(UsesWinograd(m1, conv, query));  // 36
  query = {};
  query.float_kernel = false;
  CHECK(UsesWinograd(m1, conv, query));                             // 18 >= 8
  CHECK_FALSE(UsesWinograd(m1, Conv({1, 3}, 64, 64, 28, 28), {}));  // 6 < 16
  query = {};
  query.ocg = 4;
  CHECK(UsesWinograd(m1, Conv({1, 3}, 64, 64, 28, 28), query));  // 24
  CHECK_FALSE(UsesWinograd(m1, Conv({1, 1}, 64, 64, 28, 28), query));
  CHECK_FALSE(UsesWinograd(m1, Conv({5, 5}, 64, 64, 28, 28), query));
  CHECK_FALSE(UsesWinograd(m1, Conv({3, 6}, 64, 64, 28, 28), query));
  query.unicast = true;
  CHECK_FALSE(UsesWinograd(m1, conv, query));
  CHECK_FALSE(UsesWinograd(ModelOf("a12"), conv, {}));
}

TEST_CASE("E30: one-dimensional Winograd as in M6 descriptors") {
  const EngineModel m6 = ModelOf("m6");
  const auto uses = [&](const ConvGeometry& conv) {
    return UsesWinograd(m6, conv, {});
  };
  CHECK(uses(Conv({3, 3}, 512, 512, 16, 16)));
  CHECK_FALSE(uses(Conv({3, 3}, 256, 256, 8, 16)));
  CHECK(uses(Conv({1, 3}, 512, 512, 32, 32)));
  CHECK_FALSE(uses(Conv({3, 1}, 512, 512, 32, 32)));
  CHECK_FALSE(uses(Conv({5, 5}, 512, 512, 32, 32)));
  ConvGeometry conv = Conv({3, 3}, 512, 512, 32, 32);
  conv.groups = 4;
  CHECK(uses(conv));
  conv.groups = 512;
  CHECK_FALSE(uses(conv));
  conv.groups = 1;
  conv.sparse = true;
  CHECK_FALSE(uses(conv));
  conv.sparse = false;
  conv.stride = {1, 2, 2};
  CHECK_FALSE(uses(conv));
  conv.stride = {};
  conv.dilation = {1, 2, 2};
  CHECK_FALSE(uses(conv));
}

TEST_CASE("E30: what the cost model grants a Winograd layer") {
  CHECK_EQ(WinogradGain(ModelOf("m1"), true), 2.25);
  CHECK_EQ(WinogradGain(ModelOf("m6"), true), 1.45);
  CHECK_EQ(WinogradGain(ModelOf("m6"), false), 1);
}

TEST_CASE("E31: time of sparse layers within 5 percent of M4 and M6") {
  struct Row {
    double density;
    double m6;
    double m4;
  };
  for (const Row& row :
       {Row{0.5, 0.66, 0.68}, Row{0.25, 0.42, 0.44}, Row{0.1, 0.36, 0.33}}) {
    CAPTURE(row.density);
    const double ratio = SparseTimeRatio(ModelOf("m6"), row.density);
    CHECK_EQ(ratio, doctest::Approx(row.m6).epsilon(0.05));
    CHECK_EQ(ratio, doctest::Approx(row.m4).epsilon(0.05));
  }
  CHECK_EQ(SparseTimeRatio(ModelOf("m6"), 1.0), 1.0);
  CHECK_EQ(SparseTimeRatio(ModelOf("m1"), 0.5), 1.0);
}

TEST_CASE("E31: cycles shrink with density down to a third") {
  const EngineModel m6 = ModelOf("m6");
  CHECK_EQ(SparseCycleFactor(m6, 0.5), 0.5);
  CHECK_EQ(SparseCycleFactor(m6, 0.1), 0.33);
  CHECK_EQ(SparseCycleFactor(m6, 1.5), 1.0);
  CHECK_EQ(SparseCycleFactor(ModelOf("m1"), 0.1), 1.0);
  CHECK_EQ(SparseByteRatio(0.5), 0.5625);
  CHECK_EQ(SparseByteRatio(0.25), 0.3125);
  CHECK_EQ(SparseByteRatio(0.1), doctest::Approx(0.1625));
}

}  // namespace
}  // namespace aneref::engine
