// fp16 panels that a unit widens first, against panels that the tiles widen in
// their loop: which of them a plan asks for depends on the processor, and no
// machine plans both, so this test asks for each.
#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "ops/kernels/conv.h"
#include "ops/kernels/gemm_matmul.h"
#include "runtime/core/half.h"
#include "tests/support/each_target.h"

namespace aneref::test {
namespace {

std::vector<uint16_t> RandomHalves(size_t count, uint32_t seed) {
  std::minstd_rand random(seed);
  std::normal_distribution<float> normal;
  std::vector<uint16_t> halves(count);
  for (uint16_t& half : halves) half = StoreHalf(normal(random));
  return halves;
}

// All units with scratch full of garbage.
void RunUnits(KernelFunction twin, const void* args, int64_t num_units,
              size_t scratch_bytes, std::span<const TensorView> in,
              const TensorView& out) {
  AlignedBytes scratch(scratch_bytes);
  std::memset(scratch.as<char>(), 0x7E, scratch.size());
  KernelCall call;
  call.in = in;
  call.out = std::span(&out, 1);
  call.args = args;
  call.scratch = scratch.as<std::byte>();
  for (int64_t unit = num_units - 1; unit >= 0; --unit)
    CHECK(twin(call, unit).ok());
}

struct ConvCase {
  int64_t in_channels, out_channels, extent, kernel, step;
};

ConvArgs ConvOf(const ConvCase& c, bool channels_in_lanes) {
  ConvArgs args;
  args.batch = 1;
  args.in_channels = c.in_channels;
  args.out_channels = c.out_channels;
  args.in_height = args.in_width = c.extent;
  args.grid_height = args.grid_width = (c.extent - 1) / c.step + 1;
  args.out_height = args.grid_height;
  args.in_step = {c.step, c.step};
  for (int64_t k = 0; k < c.kernel * c.kernel; ++k)
    args.taps.push_back(
        {k / c.kernel - c.kernel / 2, k % c.kernel - c.kernel / 2});
  args.channels_in_lanes = channels_in_lanes;
  const auto weights = RandomHalves(static_cast<size_t>(args.NumWeights()), 5);
  args.weights = AlignedBytes(weights.size() * sizeof(uint16_t));
  std::memset(args.weights.as<char>(), 0, args.weights.size());
  for (int64_t m = 0; m < c.out_channels; ++m) {
    for (int64_t k = 0; k < args.Depth(); ++k) {
      const auto index = static_cast<size_t>(args.WeightIndex(m, k));
      args.weights.as<uint16_t>()[index] = weights[index];
    }
  }
  args.bias.assign(static_cast<size_t>(c.out_channels), 0.25f);
  return args;
}

// The output of a twin, with nothing written behind it.
std::vector<uint16_t> RunConv(const ConvCase& c, const ConvArgs& args,
                              const ConvPlan& plan, KernelFunction twin) {
  constexpr size_t kBehind = 64;
  auto x =
      RandomHalves(static_cast<size_t>(c.in_channels * c.extent * c.extent), 3);
  const Shape in = {1, c.in_channels, c.extent, c.extent};
  const Shape out = {1, c.out_channels, args.grid_height, args.grid_width};
  std::vector<uint16_t> y(static_cast<size_t>(out.NumElements()) + kBehind);
  const TensorView view = DenseView({DataType::kFloat16, in}, x.data());
  RunUnits(twin, &args, args.NumUnits(), plan.scratch_bytes, {&view, 1},
           DenseView({DataType::kFloat16, out}, y.data()));
  CHECK(std::vector<uint16_t>(y.end() - kBehind, y.end()) ==
        std::vector<uint16_t>(kBehind));
  return y;
}

// The kernel's vector twin with `way` off and on gives the bits of its scalar
// twin.
void CheckBothWays(const ConvCase& c, const Kernel& kernel,
                   bool ConvArgs::*way) {
  CAPTURE(c.in_channels);
  CAPTURE(c.extent);
  ConvArgs args = ConvOf(c, &kernel == &conv_channels_kernel);
  const ConvPlan plan = PlanConv(&args);
  REQUIRE(plan.kernel == &kernel);
  const auto expected = RunConv(c, args, plan, kernel.scalar);
  for (const bool on : {false, true}) {
    CAPTURE(on);
    args.*way = on;
    ForEachTarget(
        [&] { CHECK(RunConv(c, args, plan, kernel.simd) == expected); });
  }
}

// Of one block of k and of several: by taps, and by the channels of a tap.
const ConvCase kConvs[] = {{48, 70, 13, 3, 1},   {64, 16, 30, 3, 2},
                           {96, 130, 9, 3, 1},   {600, 64, 7, 1, 1},
                           {1030, 33, 12, 1, 1}, {520, 20, 6, 3, 1},
                           {16, 64, 70, 1, 1}};

}  // namespace

TEST_CASE("P3: convolution adds in the same order with widened panels") {
  for (const ConvCase& c : kConvs)
    CheckBothWays(c, conv_channels_kernel, &ConvArgs::widens_panels);
}

TEST_CASE("P3: direct convolution adds in the same order in wide vectors") {
  // Of lines and of rows; strips that are wider than a tile and narrower.
  for (const ConvCase& c :
       {ConvCase{3, 8, 67, 3, 1}, ConvCase{20, 6, 64, 3, 1},
        ConvCase{5, 16, 130, 5, 2}, ConvCase{9, 8, 40, 3, 1},
        ConvCase{24, 8, 71, 1, 1}, ConvCase{7, 3, 90, 3, 1}}) {
    CheckBothWays(c, conv_direct_kernel, &ConvArgs::wide_vectors);
  }
}

TEST_CASE("P3: products add in the same order with widened panels") {
  struct Case {
    int64_t rows, depth, columns;
    bool packed;
  };
  for (const Case& c : {Case{37, 100, 70, true}, Case{64, 1300, 129, true},
                        Case{5, 513, 64, true}, Case{50, 1025, 40, false},
                        Case{33, 16, 1030, false}}) {
    CAPTURE(c.depth);
    CAPTURE(c.columns);
    MatmulArgs args;
    args.rows = c.rows;
    args.depth = c.depth;
    args.columns = c.columns;
    for (MatrixLayout* layout : {&args.x, &args.y, &args.out})
      *layout = {{1, 0}, {0, 1}, {}};
    auto x = RandomHalves(static_cast<size_t>(c.rows * c.depth), 7);
    auto y = RandomHalves(static_cast<size_t>(c.depth * c.columns), 9);
    args.packed = c.packed;
    if (c.packed) {
      args.panels = AlignedBytes(
          static_cast<size_t>(args.NumPanels() * c.depth * kPanelWidth *
                              int64_t{sizeof(uint16_t)}));
      std::memset(args.panels.as<char>(), 0, args.panels.size());
      for (int64_t k = 0; k < c.depth; ++k) {
        for (int64_t n = 0; n < c.columns; ++n) {
          args.panels
              .as<uint16_t>()[(n / kPanelWidth * c.depth + k) * kPanelWidth +
                              n % kPanelWidth] =
              y[static_cast<size_t>(k * c.columns + n)];
        }
      }
    }
    args.bias.assign(static_cast<size_t>(c.columns), -0.5f);
    PlanMatmul(&args);
    const TensorView in[2] = {
        DenseView({DataType::kFloat16, {c.rows, c.depth}}, x.data()),
        DenseView({DataType::kFloat16, {c.depth, c.columns}}, y.data())};
    const auto run = [&](KernelFunction twin) {
      std::vector<uint16_t> z(static_cast<size_t>(c.rows * c.columns) + 64);
      RunUnits(twin, &args, args.NumUnits(), MatmulScratchBytes(args),
               std::span(in, c.packed ? 1 : 2),
               DenseView({DataType::kFloat16, {c.rows, c.columns}}, z.data()));
      return z;
    };
    const auto expected = run(matmul_kernel.scalar);
    for (const bool widens : {false, true}) {
      CAPTURE(widens);
      args.widens_panels = widens;
      ForEachTarget([&] { CHECK(run(matmul_kernel.simd) == expected); });
    }
  }
}

}  // namespace aneref::test
