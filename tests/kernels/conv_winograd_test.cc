// Winograd against the plain sum over 3x3 windows where both are exact, and the
// two twins against each other on every target, by bits.
#include "ops/kernels/conv_winograd.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "runtime/core/half.h"
#include "tests/support/each_target.h"

namespace aneref::test {
namespace {

struct Case {
  int64_t in_channels, out_channels, height, width, pad;
  bool bias;
};

ConvArgs ConvOf(const Case& c) {
  ConvArgs args;
  args.batch = 2;
  args.in_channels = c.in_channels;
  args.out_channels = c.out_channels;
  args.in_height = c.height;
  args.in_width = c.width;
  args.out_height = args.grid_height = c.height + 2 * c.pad - 2;
  args.grid_width = c.width + 2 * c.pad - 2;
  for (int64_t k = 0; k < 9; ++k)
    args.taps.push_back({k / 3 - c.pad, k % 3 - c.pad});
  return args;
}

// What the twin writes, with the scratch full of garbage.
template <class T>
std::vector<T> Run(const WinogradArgs& args, KernelFunction twin,
                   std::vector<T> x) {
  constexpr DataType kType =
      sizeof(T) == 2 ? DataType::kFloat16 : DataType::kFloat32;
  const Shape in = {args.batch, args.in_channels, args.in_height,
                    args.in_width};
  const Shape out = {args.batch, args.out_channels, args.out_height,
                     args.out_width};
  std::vector<T> y(static_cast<size_t>(out.NumElements()) + 64);
  const TensorView views[2] = {DenseView({kType, in}, x.data()),
                               DenseView({kType, out}, y.data())};
  AlignedBytes scratch(args.ScratchBytes());
  std::memset(scratch.as<char>(), 0x7E, scratch.size());
  KernelCall call;
  call.in = std::span(views, 1);
  call.out = std::span(views + 1, 1);
  call.args = &args;
  call.scratch = scratch.as<std::byte>();
  for (int64_t unit = args.NumUnits() - 1; unit >= 0; --unit)
    CHECK(twin(call, unit).ok());
  return y;
}

// Small integers, weights in multiples of 24 * 24: every step is exact.
struct Exact {
  std::vector<float> x, y;
  AlignedBytes weights;
  std::vector<float> bias;
};
Exact MakeExact(const Case& c) {
  std::minstd_rand random(7);
  const auto draw = [&] { return static_cast<float>(random() % 7) - 3; };
  const ConvArgs shape = ConvOf(c);
  Exact e;
  e.x.resize(static_cast<size_t>(2 * c.in_channels * c.height * c.width));
  for (float& value : e.x) value = draw();
  const auto count = static_cast<size_t>(c.out_channels * c.in_channels * 9);
  e.weights = AlignedBytes(count * sizeof(float));
  for (size_t i = 0; i < count; ++i) e.weights.as<float>()[i] = 576 * draw();
  if (c.bias) {
    for (int64_t m = 0; m < c.out_channels; ++m) e.bias.push_back(draw());
  }
  for (int64_t plane = 0; plane < 2 * c.out_channels; ++plane) {
    const int64_t image = plane / c.out_channels, m = plane % c.out_channels;
    for (int64_t p = 0; p < shape.Pixels(); ++p) {
      double sum = c.bias ? e.bias[static_cast<size_t>(m)] : 0;
      for (int64_t k = 0; k < c.in_channels * 9; ++k) {
        const int64_t row = p / shape.grid_width + k % 9 / 3 - c.pad;
        const int64_t column = p % shape.grid_width + k % 3 - c.pad;
        if (row < 0 || row >= c.height || column < 0 || column >= c.width)
          continue;
        const int64_t from =
            ((image * c.in_channels + k / 9) * c.height + row) * c.width +
            column;
        sum += static_cast<double>(e.x[static_cast<size_t>(from)]) *
               static_cast<double>(
                   e.weights.as<float>()[m * c.in_channels * 9 + k]);
      }
      e.y.push_back(static_cast<float>(sum));
    }
  }
  return e;
}

const Case kCases[] = {{32, 32, 12, 12, 1, true},  {33, 37, 14, 17, 1, false},
                       {40, 64, 15, 31, 0, true},  {130, 50, 14, 14, 1, false},
                       {32, 49, 12, 129, 1, true}, {32, 32, 23, 64, 2, true}};

}  // namespace

TEST_CASE("P22: integers that Winograd computes exactly are the plain sums") {
  for (const Case& c : kCases) {
    CAPTURE(c.width);
    Exact e = MakeExact(c);
    ConvArgs conv = ConvOf(c);
    conv.bias = e.bias;
    REQUIRE(FitsWinograd(conv));
    const WinogradArgs args =
        PlanWinograd(std::move(conv), DataType::kFloat32, e.weights);
    std::vector<float> y = Run(args, conv_winograd_kernel.scalar, e.x);
    y.resize(e.y.size());
    CHECK(y == e.y);
  }
}

TEST_CASE("P22: both twins agree by bits and write nothing beside the output") {
  for (const Case& c : kCases) {
    CAPTURE(c.width);
    std::minstd_rand random(11);
    std::normal_distribution<float> normal;
    std::vector<uint16_t> x(
        static_cast<size_t>(2 * c.in_channels * c.height * c.width));
    for (uint16_t& value : x) value = StoreHalf(normal(random));
    const auto count = static_cast<size_t>(c.out_channels * c.in_channels * 9);
    AlignedBytes weights(count * sizeof(uint16_t));
    for (size_t i = 0; i < count; ++i)
      weights.as<uint16_t>()[i] = StoreHalf(normal(random) / 16);
    ConvArgs conv = ConvOf(c);
    if (c.bias) conv.bias.assign(static_cast<size_t>(c.out_channels), 0.3f);
    const WinogradArgs args =
        PlanWinograd(std::move(conv), DataType::kFloat16, weights);
    const auto expected = Run(args, conv_winograd_kernel.scalar, x);
    CHECK(std::vector<uint16_t>(expected.end() - 64, expected.end()) ==
          std::vector<uint16_t>(64));
    ForEachTarget(
        [&] { CHECK(Run(args, conv_winograd_kernel.simd, x) == expected); });
  }
}

TEST_CASE("P22: other convolutions stay with the portable kernels") {
  const Case fitting = {32, 32, 12, 12, 1, false};
  CHECK(FitsWinograd(ConvOf(fitting)));
  ConvArgs few = ConvOf({31, 32, 12, 12, 1, false});
  CHECK_FALSE(FitsWinograd(few));
  CHECK_FALSE(FitsWinograd(ConvOf({32, 32, 11, 12, 1, false})));
  ConvArgs strided = ConvOf(fitting);
  strided.in_step = {2, 2};
  CHECK_FALSE(FitsWinograd(strided));
  ConvArgs dilated = ConvOf(fitting);
  for (PlaneStep& tap : dilated.taps) tap.row *= 2;
  CHECK_FALSE(FitsWinograd(dilated));
  ConvArgs grouped = ConvOf(fitting);
  grouped.groups = 2;
  CHECK_FALSE(FitsWinograd(grouped));
}

}  // namespace aneref::test
