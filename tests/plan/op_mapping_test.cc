// op_mapping.h: what an op becomes.
#include "runtime/plan/engine/op_mapping.h"

#include <doctest/doctest.h>

#include "tests/plan/models.h"

namespace aneref::engine {
namespace {

TEST_CASE("E5: graphs deeper than 380 layers get a warning") {
  CHECK_FALSE(WarnsOfDepth(380));
  CHECK(WarnsOfDepth(381));
  CHECK(WarnsOfDepth(383));  // where the compiler gave up on M4
}

TEST_CASE("E10: a product with small constant weights is a convolution") {
  const EngineModel m1 = ModelOf("m1");
  CHECK(RouteMatmul(m1, true, 2097151) == MatmulRoute::kConvolution);
  CHECK(RouteMatmul(m1, true, 2097152) == MatmulRoute::kTiledMatmul);
  CHECK(RouteMatmul(m1, false, 1024) == MatmulRoute::kTiledMatmul);
}

TEST_CASE("E10: a stride is native or a product of two native ones") {
  const EngineModel m1 = ModelOf("m1");
  const auto check = [&](int64_t value, int64_t first, int64_t second,
                         int64_t rest) {
    CAPTURE(value);
    const Factors factors = FactorStride(m1, value);
    CHECK_EQ(factors.first, first);
    CHECK_EQ(factors.second, second);
    CHECK_EQ(factors.rest, rest);
  };
  check(1, 1, 1, 1);
  check(2, 2, 1, 1);
  check(3, 3, 1, 1);
  check(4, 4, 1, 1);
  check(8, 8, 1, 1);
  check(6, 2, 3, 1);
  check(9, 3, 3, 1);
  check(12, 3, 4, 1);
  check(16, 2, 8, 1);
  check(64, 8, 8, 1);
  check(5, 1, 1, 5);
  check(7, 1, 1, 7);
  check(18, 1, 1, 18);  // needs three factors
}

TEST_CASE("E10: dilation becomes space to batch or a zero-filled kernel") {
  const DilationPlan m1 = PlanDilation(ModelOf("m1"), 3, 2);
  CHECK(m1.kind == DilationPlan::Kind::kSpaceToBatch);
  CHECK_EQ(m1.factors.first, 2);
  const DilationPlan m6 = PlanDilation(ModelOf("m6"), 3, 2);
  CHECK(m6.kind == DilationPlan::Kind::kExpandedKernel);
  CHECK_EQ(m6.expanded_kernel, 5);
  CHECK(PlanDilation(ModelOf("m6"), 3, 4).kind ==
        DilationPlan::Kind::kSpaceToBatch);
  const DilationPlan odd = PlanDilation(ModelOf("m1"), 3, 5);
  CHECK(odd.kind == DilationPlan::Kind::kExpandedKernel);
  CHECK_EQ(odd.expanded_kernel, 11);
  CHECK(PlanDilation(ModelOf("m1"), 1, 5).kind == DilationPlan::Kind::kNone);
  CHECK(PlanDilation(ModelOf("m1"), 3, 1).kind == DilationPlan::Kind::kNone);
}

TEST_CASE("E10: kernels 9 to 15 wide make two pixels per step from H16 on") {
  const WideKernel nine =
      RewriteWideKernel(ModelOf("m6"), Conv({1, 9}, 256, 256, 16, 32));
  CHECK_EQ(nine.width, 10);
  CHECK_EQ(nine.channels, 512);
  // 256 * 9 * 2 bytes of values and 256 * 10 bits of mask.
  CHECK_EQ(nine.bytes_per_channel, 4928);
  CHECK_EQ(RewriteWideKernel(ModelOf("m6"), Conv({1, 12}, 8, 8, 8, 8)).width,
           14);
  CHECK_EQ(RewriteWideKernel(ModelOf("m6"), Conv({1, 8}, 8, 8, 8, 8)).width, 0);
  CHECK_EQ(RewriteWideKernel(ModelOf("m1"), Conv({1, 9}, 8, 8, 8, 8)).width, 0);
}

TEST_CASE("E28: long reductions run over a transposed tensor") {
  CHECK_FALSE(ReducesThroughTranspose(ModelOf("m1"), 191));
  CHECK(ReducesThroughTranspose(ModelOf("m1"), 192));
  CHECK(ReducesThroughTranspose(ModelOf("m2"), 192));
  CHECK_FALSE(ReducesThroughTranspose(ModelOf("m3"), 383));
  CHECK(ReducesThroughTranspose(ModelOf("m3"), 384));
  CHECK_FALSE(ReducesThroughTranspose(ModelOf("a12"), 100000));
}

TEST_CASE("E28: transposes beyond the native extent take several passes") {
  CHECK_EQ(TransposePasses(ModelOf("m1"), 16384, 16384), 1);
  CHECK_EQ(TransposePasses(ModelOf("m1"), 16385, 16384), 2);
  CHECK_EQ(TransposePasses(ModelOf("m4"), 65536, 65536), 1);
  CHECK_EQ(TransposePasses(ModelOf("m4"), 65537, 65537), 4);
  CHECK_EQ(TransposePasses(ModelOf("a12"), 16, 16), 0);
}

TEST_CASE("E29: groups above the limit are kept") {
  ConvGeometry conv = Conv({3, 3}, 512, 512, 8, 8);
  conv.groups = 2;  // 256 * 9 = 2304
  CHECK(KeepsGroups(ModelOf("m1"), conv));
  conv.groups = 4;  // 128 * 9 = 1152
  CHECK_FALSE(KeepsGroups(ModelOf("m1"), conv));
  CHECK(KeepsGroups(ModelOf("a12"), conv));  // 1152 > 64
  conv.groups = 1;
  CHECK_FALSE(KeepsGroups(ModelOf("a12"), conv));
}

TEST_CASE("E31: a rewrite with over one zero in seven makes weights sparse") {
  CHECK_EQ(WideKernelZeroShare(9), doctest::Approx(0.55));
  CHECK_EQ(StridedKernelZeroShare(3, 2), doctest::Approx(0.4375));
  CHECK_EQ(DilatedKernelZeroShare(3, 2), doctest::Approx(0.64));
  CHECK(StoredSparseByRewrite(0.55));
  CHECK(StoredSparseByRewrite(0.4375));
  CHECK_FALSE(StoredSparseByRewrite(0.14));
  CHECK(StoredSparseByRewrite(0.143));
}

TEST_CASE("E32: three and four inputs take two and three tasks") {
  CHECK_EQ(TasksOfTensorCount(1, 1), 1);
  CHECK_EQ(TasksOfTensorCount(2, 1), 1);
  CHECK_EQ(TasksOfTensorCount(3, 1), 2);
  CHECK_EQ(TasksOfTensorCount(4, 1), 3);
  CHECK_EQ(TasksOfTensorCount(1, 2), 2);
}

}  // namespace
}  // namespace aneref::engine
