// segmenter.h: the published placements as literals, and the fit of C34.
#include "runtime/plan/engine/segmenter.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/plan/models.h"

namespace aneref::engine {
namespace {

using doctest::Approx;
using Ops = std::vector<BackendEstimates>;
using Backends = std::vector<int>;

Placement Place(const Ops& ops) {
  return *PlaceOps(SegmenterKind::kMacos27, ops);
}

// Estimates that recur in the published programs (M4, macOS 27), in
// milliseconds: engine, bnns, classic CPU.
const BackendEstimates kOpA = {0.004674280765523752, 0.10006388175261005,
                               0.11509533067856016};
const BackendEstimates kOpB = {0.00262144, 0.00262144, 0.00262144};
const BackendEstimates kOpC = {0.0018232693786130233, 0.0021879233525269833,
                               0.0021879233525269833};
const BackendEstimates kOpD = {3.9118732697153364e-05, 0.0006805189310875458,
                               0.0007827454270147258};
const BackendEstimates kOpE = {4.096e-05, 4.096e-05, 4.096e-05};
const BackendEstimates kOpF = {0.0013178896715939172, 0.024318788791158102,
                               0.027971921248184584};
const BackendEstimates kOpG = {0.0071806066176470585, 0.008616728327884824,
                               0.008616728327884824};
const BackendEstimates kOpH = {0.0033051344335214804, 0.4996351026359436,
                               0.5746894950701724};
const BackendEstimates kOpI = {0.008827189586919835, 2.125631574189944,
                               2.444940913776718};
const BackendEstimates kOpJ = {0.08777260548594601, 1.8789773351323442,
                               2.161234542741852};
const BackendEstimates kOpK = {0.006362215486407329, 0.1361980612743859,
                               0.15665753342359576};
const BackendEstimates kOpL = {0.003171119894104003, 0.10001131343048995,
                               0.11503486027244202};
const BackendEstimates kOpM = {0.0038063330764528066, 0.0029965827630522943,
                               0.003446725015788287};
const BackendEstimates kOpN = {0.007285718180507375, 0.01241083289314755,
                               0.014275168586413103};
const BackendEstimates kOpO = {0.00262144, 0.022790800444576553,
                               0.026214400000000002};
const BackendEstimates kOpP = {0.0072261680859473714, 0.18605159114664327,
                               0.21399998330265382};
const BackendEstimates kOpQ = {0.00065536, 0.00065536, 0.00065536};
const BackendEstimates kOpR = {std::nullopt, 0.001077222521825567,
                               0.001077222521825567};

TEST_CASE("E60: published placement of conv1") {
  const Placement placement = Place({kOpA});
  CHECK_EQ(placement.backends, Backends{1});
  CHECK_EQ(placement.cost, Approx(0.10006).epsilon(1e-4));
}

TEST_CASE("E60: published placement of conv5") {
  const Placement placement =
      Place({kOpA, kOpB, kOpA, kOpB, kOpA, kOpA, kOpB, kOpA, kOpB});
  CHECK_EQ(placement.backends, Backends{0, 0, 0, 0, 0, 0, 0, 0, 2});
  CHECK_EQ(placement.cost, Approx(0.28386).epsilon(1e-4));
}

TEST_CASE("E60: published placement of reduce") {
  const Placement placement =
      Place({kOpA, kOpB, kOpA, kOpB, kOpC, kOpD, kOpE, kOpD, kOpE});
  CHECK_EQ(placement.backends, Backends{1, 1, 1, 1, 1, 1, 1, 1, 1});
  CHECK_EQ(placement.cost, Approx(0.209).epsilon(1e-4));
}

TEST_CASE("E60: published placement of sdpa") {
  const Placement placement =
      Place({kOpF, kOpB, kOpF, kOpB, kOpF, kOpB, kOpF, kOpB, kOpF, kOpB, kOpF,
             kOpB, kOpG, kOpF, kOpB, kOpF, kOpB});
  CHECK_EQ(placement.backends,
           Backends{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  CHECK_EQ(placement.cost, Approx(0.22414).epsilon(1e-4));
}

TEST_CASE("E60: published placement of upsample") {
  const Placement placement = Place({kOpH});
  CHECK_EQ(placement.backends, Backends{0});
  CHECK_EQ(placement.cost, Approx(0.25331).epsilon(1e-4));
}

TEST_CASE("E60: published placement of conv transpose") {
  const Placement placement = Place({kOpI});
  CHECK_EQ(placement.backends, Backends{0});
  CHECK_EQ(placement.cost, Approx(0.25883).epsilon(1e-4));
}

TEST_CASE("E60: published placement of conv13") {
  const Placement placement = Place({kOpJ});
  CHECK_EQ(placement.backends, Backends{0});
  CHECK_EQ(placement.cost, Approx(0.33777).epsilon(1e-4));
}

TEST_CASE("E60: published placement of conv7s2") {
  const Placement placement = Place({kOpK});
  CHECK_EQ(placement.backends, Backends{1});
  CHECK_EQ(placement.cost, Approx(0.1362).epsilon(1e-4));
}

TEST_CASE("E60: published placement of linear") {
  const Placement placement = Place({kOpL});
  CHECK_EQ(placement.backends, Backends{1});
  CHECK_EQ(placement.cost, Approx(0.10001).epsilon(1e-4));
}

TEST_CASE("E60: published placement of transpose") {
  const Placement placement = Place({kOpM});
  CHECK_EQ(placement.backends, Backends{1});
  CHECK_EQ(placement.cost, Approx(0.0029966).epsilon(1e-4));
}

TEST_CASE("E60: published placement of add") {
  const Placement placement = Place({kOpN});
  CHECK_EQ(placement.backends, Backends{1});
  CHECK_EQ(placement.cost, Approx(0.012411).epsilon(1e-4));
}

TEST_CASE("E60: published placement of concat") {
  const Placement placement = Place({kOpO});
  CHECK_EQ(placement.backends, Backends{1});
  CHECK_EQ(placement.cost, Approx(0.022791).epsilon(1e-4));
}

TEST_CASE("E60: published placement of band part") {
  const Placement placement =
      Place({kOpP, kOpQ, kOpP, kOpQ, kOpR, kOpP, kOpQ, kOpP, kOpQ});
  CHECK_EQ(placement.backends, Backends{0, 0, 0, 0, 1, 1, 1, 1, 1});
  CHECK_EQ(placement.cost, Approx(0.64025).epsilon(1e-4));
}

TEST_CASE("E60: a tie of the last op is reported") {
  CHECK(Place({kOpA, kOpB, kOpA, kOpB, kOpA, kOpA, kOpB, kOpA, kOpB}).tied);
  CHECK_FALSE(Place({kOpA}).tied);
}

TEST_CASE("E60: an op without engine support costs a change each way") {
  // Engine ops of 1 ms against 2 ms, a CPU-only op between.
  const BackendEstimates fast = {1.0, 2.0, 3.0};
  const BackendEstimates cpu = {std::nullopt, 0.5, 0.5};
  const Placement placement = Place({fast, cpu, fast});
  CHECK_EQ(placement.backends, Backends{0, 1, 0});
  // launch, change, launch and change, output.
  CHECK_EQ(placement.cost, Approx(2.5 + 0.125 + 0.125 + 0.25 + 0.125));
}

TEST_CASE("E60: an island must save more than 0.375 ms") {
  const BackendEstimates cpu = {std::nullopt, 1.0, 1.5};
  CHECK_EQ(Place({cpu, {0.1, 0.470, 0.5}, cpu}).backends, Backends{1, 1, 1});
  CHECK_EQ(Place({cpu, {0.1, 0.480, 0.5}, cpu}).backends, Backends{1, 0, 1});
}

TEST_CASE("E60: constants of macOS 26") {
  const SegmenterKind older = SegmenterKind::kMacos26;
  CHECK_EQ(std::string(BackendName(older, 1)), "gpu");
  CHECK_EQ(PlaceOps(older, {{1.0, 2.0, 3.0}})->cost, Approx(1 + 0.05 + 0.23));
  CHECK_EQ(PlaceOps(older, {{1.0, 2.0, 3.0}})->backends, Backends{0});
  // GPU launch 0.10, to the engine 0.09 + 0.05, back 0.23 + 0.10.
  const BackendEstimates gpu = {std::nullopt, 1.0, std::nullopt};
  const BackendEstimates engine = {1.0, std::nullopt, std::nullopt};
  CHECK_EQ(PlaceOps(older, {gpu, engine, gpu})->cost,
           Approx(3 + 0.10 + 0.14 + 0.33));
  // 1e9 operations: 1.25 ms at 800 GFLOP/s; 1e9 bytes: 20 ms at 50 GB/s.
  const EstimateInput compute{EstimateKind::kConv, 1e9, 0, 0};
  CHECK_EQ(*EstimateOp(older, compute)[0], Approx(1.25));
  CHECK_EQ(*EstimateOp(older, compute)[1], Approx(8.3333).epsilon(1e-4));
  CHECK_EQ(*EstimateOp(older, compute)[2], Approx(50));
  const EstimateInput bytes{EstimateKind::kAdd, 0, 5e8, 5e8};
  CHECK_EQ(*EstimateOp(older, bytes)[0], Approx(20));
  CHECK_EQ(*EstimateOp(older, bytes)[1], Approx(25));
  CHECK_EQ(*EstimateOp(older, bytes)[2], Approx(100));
}

TEST_CASE("E60: an op that nothing runs is an error and no ops cost nothing") {
  CHECK(PlaceOps(SegmenterKind::kMacos27, {{}}).status().code() ==
        StatusCode::kInvalidArgument);
  CHECK_EQ(Place({}).cost, 0);
  CHECK(Place({}).backends.empty());
}

TEST_CASE("C34: the fit reproduces the published estimates") {
  struct Row {
    EstimateInput input;
    double engine;
    double bnns;
  };
  constexpr double kMap = 131072;  // bytes of 64x32x32
  const Row rows[] = {
      // convolutions by operations
      {{EstimateKind::kConv, 75497472, kMap, kMap}, 0.00467428, 0.10006388},
      {{EstimateKind::kConv, 8388608, kMap, kMap}, 0.00117146, 0.02161670},
      {{EstimateKind::kConv, 1179648, kMap, kMap}, 0.00250360, 0.04355321},
      {{EstimateKind::kConv, 102760448, kMap, kMap / 4},
       0.00636222,
       0.13619806},
      {{EstimateKind::kConv, 1417674752, kMap, kMap}, 0.08777261, 1.87897734},
      {{EstimateKind::kConv, 9437184, kMap, kMap}, 0.00131789, 0.02431879},
      {{EstimateKind::kConvTranspose, 33554432, kMap, 4 * kMap},
       0.00882719,
       2.12563157},
      {{EstimateKind::kLinear, 33554432, 65536, 131072},
       0.00317112,
       0.10001131},
      {{EstimateKind::kLinear, 4194304, 32768, 32768}, 0.00722617, 0.18605159},
      {{EstimateKind::kMatmul, 8388608, 131072, 32768}, 0.00224394, 0.01111746},
      {{EstimateKind::kMatmul, 16777216, 2097152, 512}, 0.02872944, 0.03447533},
      // the rest by bytes
      {{EstimateKind::kAdd, 65536, 2 * kMap, kMap}, 0.00728572, 0.01241083},
      {{EstimateKind::kRelu, 65536, kMap, kMap}, 0.00262144, 0.00262144},
      {{EstimateKind::kMemoryBound, 0, kMap, kMap}, 0.00359, 0.00431},
      {{EstimateKind::kMemoryBound, 0, kMap, 2048}, 0.00182327, 0.00218792},
      {{EstimateKind::kMemoryBound, 0, 3 * kMap, kMap}, 0.00718061, 0.00861673},
      {{EstimateKind::kTranspose, 0, kMap, kMap}, 0.00380633, 0.00299658},
      {{EstimateKind::kConcat, 0, 2 * kMap, 2 * kMap}, 0.00262144, 0.02279080},
      {{EstimateKind::kUpsample, 0, kMap, 4 * kMap}, 0.00330513, 0.49963510},
  };
  for (const Row& row : rows) {
    CAPTURE(row.engine);
    const BackendEstimates estimates =
        EstimateOp(SegmenterKind::kMacos27, row.input);
    CHECK_EQ(*estimates[0], Approx(row.engine).epsilon(5e-4));
    CHECK_EQ(*estimates[1], Approx(row.bnns).epsilon(1e-3));
  }
}

TEST_CASE("C34: the classic CPU is 1.15 times bnns for computed ops only") {
  const SegmenterKind newer = SegmenterKind::kMacos27;
  CHECK_EQ(*EstimateOp(newer, {EstimateKind::kConv, 75497472, 0, 0})[2],
           Approx(0.1150953).epsilon(1e-4));
  CHECK_EQ(*EstimateOp(newer, {EstimateKind::kMemoryBound, 0, 131072, 2048})[2],
           Approx(0.0021879).epsilon(1e-4));
  CHECK_EQ(*EstimateOp(newer, {EstimateKind::kConcat, 0, 0, 262144})[2],
           Approx(0.0262144).epsilon(1e-4));
}

TEST_CASE("E61: learned leaves") {
  REQUIRE(FindLeaf("conv") != nullptr);
  CHECK_EQ(FindLeaf("conv")->lowest_ns, 417.7);
  CHECK_EQ(FindLeaf("conv")->highest_ns, 8609.6);
  CHECK_EQ(FindLeaf("relu")->lowest_ns, 50);
  CHECK_EQ(FindLeaf("gather"), nullptr);
}

}  // namespace
}  // namespace aneref::engine
