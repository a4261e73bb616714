// The engine's arithmetic through whole ops: expected bits are worked out from
// the N rules by hand or are published measurements. That all rungs and SIMD
// targets agree is checked by the runner, here and in every family's own tests.
#include <doctest/doctest.h>

#include "tests/support/op_runner.h"

namespace aneref {
namespace {

using test::Float;
using test::Half;
using test::HalfBits;
using test::Ints;
using test::Known;
using test::Random;
using test::RunDeviceOp;
using test::RunResult;
using test::TestTensor;
using Bits = std::vector<uint16_t>;
using EK = fbs::ElementwiseKind;
using AK = fbs::ActivationKind;

Bits Planar(const std::string& profile, EK kind, const Bits& a, const Bits& b) {
  fbs::ElementwiseT table;
  table.kind = kind;
  const Shape shape{static_cast<int64_t>(a.size())};
  const RunResult result = RunDeviceOp(
      profile, elementwise_op, table, {HalfBits(shape, a), HalfBits(shape, b)});
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Bits();
}

Bits Function(const std::string& profile, AK kind, const Bits& x,
              double alpha = 0.0) {
  fbs::ActivationT table;
  table.kind = kind;
  table.alpha = alpha;
  const RunResult result =
      RunDeviceOp(profile, activation_op, table,
                  {HalfBits({static_cast<int64_t>(x.size())}, x)});
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Bits();
}

// The sum of the list by a matrix product with ones.
uint16_t SumByMatmul(const std::string& profile,
                     const std::vector<double>& list) {
  const auto n = static_cast<int64_t>(list.size());
  const RunResult result =
      RunDeviceOp(profile, matmul_op, fbs::MatmulT(),
                  {Half({1, n}, list),
                   Known(Half({n, 1}, std::vector<double>(list.size(), 1.0)))});
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Bits()[0];
}

std::vector<double> Repeat(const std::vector<double>& pattern, int times) {
  std::vector<double> list;
  for (int i = 0; i < times; ++i)
    list.insert(list.end(), pattern.begin(), pattern.end());
  return list;
}

// A 1x1 convolution of one pixel; x and w list the input channels.
uint16_t Convolve(const std::string& profile, const std::vector<double>& x,
                  const std::vector<double>& w,
                  const std::vector<double>& bias = {}) {
  const auto n = static_cast<int64_t>(x.size());
  std::vector<TestTensor> inputs = {Half({1, n, 1, 1}, x),
                                    Known(Half({1, n, 1, 1}, w))};
  // A constant bias keeps the file's precision (N2).
  if (!bias.empty()) {
    inputs.push_back(Known(Half({1}, bias)));
  }
  const RunResult result = RunDeviceOp(profile, conv_op, fbs::ConvT(), inputs);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Bits()[0];
}

TEST_CASE("N5 N6: exponent 31 is a number in every planar op") {
  for (const char* profile : {"h13", "h15", "h16"}) {
    INFO(profile);
    // NaN + 0 overflows; inf - inf = 0; NaN - inf = 98304 - 65536 = 32768;
    // a negative NaN + 0 gives -inf; 0 * inf = 0.
    CHECK(Planar(profile, EK::add, {0x7E00, 0xFE00}, {0, 0}) ==
          Bits{0x7C00, 0xFC00});
    CHECK(Planar(profile, EK::sub, {0x7C00, 0x7E00}, {0x7C00, 0x7C00}) ==
          Bits{0x0000, 0x7800});
    CHECK(Planar(profile, EK::mul, {0x0000, 0x7E00}, {0x7C00, 0x3C00}) ==
          Bits{0x0000, 0x7C00});
    CHECK(Planar(profile, EK::maximum, {0x7E00}, {0x4000}) == Bits{0x7C00});
    CHECK(Function(profile, AK::relu, {0x7E00}) == Bits{0x7C00});
    CHECK(Function(profile, AK::sqrt, {0xBC00}) == Bits{0x0000});
    CHECK(Function(profile, AK::rsqrt, {0xBC00}) == Bits{0x0000});
    CHECK(Function(profile, AK::log, {0xBC00}) == Bits{0x0000});
  }
}

TEST_CASE("N7 N8: zeros lose their sign and denormals stay") {
  CHECK(Planar("h13", EK::add, {0x8000, 0x0001}, {0x0000, 0x0000}) ==
        Bits{0x0000, 0x0001});
  CHECK(Planar("h16", EK::mul, {0x8000, 0x83FF}, {0x3C00, 0x3C00}) ==
        Bits{0x0000, 0x83FF});
  // 2^-12 * 2^-12 = 2^-24.
  CHECK(Planar("h16", EK::mul, {0x0C00}, {0x0C00}) == Bits{0x0001});
  CHECK(Planar("h13", EK::div, {0x3C00, 0xBC00}, {0x8000, 0x8000}) ==
        Bits{0x7C00, 0xFC00});
  CHECK(SumByMatmul("h13", {-0.0, -0.0}) == 0x0000);
}

TEST_CASE("N10 N11 N14: the published sums of the radix-4 accumulator") {
  for (const double b : {1024.0, 3000.0, 4000.0, 4090.0}) {
    CHECK_EQ(SumByMatmul("h13", Repeat({b, -b, 1}, 16)), 0x4C00);  // 16
    CHECK_EQ(SumByMatmul("h13", Repeat({b, 1, -b}, 16)), 0x4C00);
  }
  for (const double b : {4096.0, 8000.0, 16000.0, 30000.0}) {
    CHECK_EQ(SumByMatmul("h13", Repeat({b, -b, 1}, 16)), 0x4400);  // 4
    CHECK_EQ(SumByMatmul("h13", Repeat({b, 1, -b}, 16)), 0x4400);
    CHECK_EQ(SumByMatmul("h13,mac=q15_16", Repeat({b, -b, 1}, 16)), 0x4C00);
  }
  std::vector<double> list = Repeat({1}, 1024);
  list.insert(list.begin(), 4096);
  CHECK_EQ(SumByMatmul("h13", list), 0x6CFF);  // 5116
  CHECK_EQ(SumByMatmul("h16", list), 0x6D00);  // 5120
}

TEST_CASE("N12 N19: where the sum leaves the accumulator") {
  CHECK_EQ(SumByMatmul("h13", {2048, 1}), 0x6800);    // 2048
  CHECK_EQ(SumByMatmul("h16", {2048, 1}), 0x6801);    // 2050
  CHECK_EQ(SumByMatmul("h16", {-2048, -1}), 0xE801);  // -2050
  CHECK_EQ(SumByMatmul("h16", {4096, 6}), 0x6C02);    // 4104
  CHECK_EQ(SumByMatmul("h15", {4096, 6}), 0x6C02);
}

TEST_CASE("N13 N16: denormal operands and small products") {
  CHECK_EQ(SumByMatmul("h13", {0x1p-20, 0x1p-20}), 0x0000);
  CHECK_EQ(Convolve("h16", {0x1p-17}, {1}), 0x0100);         // 2^-16
  CHECK_EQ(Convolve("h16", {0x1p-4}, {0x1p-13}), 0x0000);    // dropped
  CHECK_EQ(Convolve("h16", {0x1.8p-4}, {0x1p-12}), 0x0200);  // 1.5 units = 2
  CHECK_EQ(Convolve("h16,m5_keep_denormals=true", {0x1p-4}, {0x1p-13}),
           0x0080);  // 2^-17
}

TEST_CASE("N17 N18: overflow of the fixed-point accumulator sticks") {
  CHECK_EQ(SumByMatmul("h16", {16384, -16384, 16384}), 0x7400);
  CHECK_EQ(SumByMatmul("h16", {16384, 16384, -16384}), 0x7C00);
  CHECK_EQ(SumByMatmul("h16", {-16384, -16384, 16384}), 0xFC00);
  CHECK_EQ(SumByMatmul("h16", {32752}), 0x77FF);
  CHECK_EQ(SumByMatmul("h16", {32768}), 0x7C00);
  CHECK_EQ(SumByMatmul("h16", {16384, 16376}), 0x7800);  // 32768, by rounding
}

TEST_CASE("N20: the ceiling of H13 and the convolution of one tap") {
  CHECK_EQ(SumByMatmul("h13", {32752}), 0x77FF);
  CHECK_EQ(SumByMatmul("h13", {32768}), 0x7C00);
  CHECK_EQ(SumByMatmul("h13", {30000, 30000, -30000}), 0x7C00);
  CHECK_EQ(Convolve("h13", {60000}, {1}), 0x7B53);        // one tap: exempt
  CHECK_EQ(Convolve("h13", {60000, 0}, {1, 1}), 0x7C00);  // two
  CHECK_EQ(Convolve("h13,single_tap_exempt=false", {60000}, {1}), 0x7C00);
  CHECK_EQ(Convolve("h16", {60000}, {1}), 0x7C00);
}

TEST_CASE("N21 N2: the bias starts the accumulator or follows it") {
  CHECK_EQ(Convolve("h16", {16384, 16384}, {1, 1}, {-16384}), 0x7400);
  CHECK_EQ(Convolve("h13", {16384, 16384}, {1, 1}, {-16384}), 0x7C00);
  // N20 tests the group's own sum, 32768, before the bias can pull it back;
  // zeros between them make two groups, whose sums meet the bias first.
  CHECK_EQ(
      Convolve("h13,h13_bias_preload=true", {16384, 16384}, {1, 1}, {-16384}),
      0x7C00);
  CHECK_EQ(Convolve("h13,h13_bias_preload=true", {16384, 0, 0, 0, 16384},
                    {1, 1, 1, 1, 1}, {-16384}),
           0x7400);
  CHECK_EQ(Convolve("h13", {16384, 0, 0, 0, 16384}, {1, 1, 1, 1, 1}, {-16384}),
           0x7C00);
  CHECK_EQ(Convolve("h16", {0.25}, {1}, {1000.5}), 0x63D2);  // 1001
  // The file holds 1 + 2^-12 in fp32; the list is [-1, 0].
  TestTensor bias = Known(Half({1}, {1.0}));
  bias.stored = {1.0f + 0x1p-12f};
  for (const auto& [profile, bits] :
       {std::pair<const char*, uint16_t>{"h16", 0x0C00}, {"h13", 0x0000}}) {
    const RunResult result = RunDeviceOp(
        profile, conv_op, fbs::ConvT(),
        {Half({1, 2, 1, 1}, {-1, 0}), Known(Half({1, 2, 1, 1}, {1, 1})), bias});
    REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
    CHECK_EQ(result.outputs[0].Bits()[0], bits);
  }
}

TEST_CASE("N23: planar results round once by the chip's rule") {
  // 2048 + 1: a tie; 1/3 is none.
  CHECK(Planar("h13", EK::add, {0x6800, 0xE800}, {0x3C00, 0xBC00}) ==
        Bits{0x6800, 0xE800});
  CHECK(Planar("h16", EK::add, {0x6800, 0xE800}, {0x3C00, 0xBC00}) ==
        Bits{0x6801, 0xE801});
  CHECK(Planar("h15", EK::add, {0x6800}, {0x3C00}) == Bits{0x6801});
  CHECK(Planar("h16", EK::div, {0x3C00}, {0x4200}) == Bits{0x3555});
  CHECK(Planar("h16", EK::mul, {0x5C00}, {0x5C00}) == Bits{0x7C00});  // 256^2
  // 2^-24 * 0.5 is half of the smallest denormal.
  CHECK(Planar("h13", EK::mul, {0x0001}, {0x3800}) == Bits{0x0000});
  CHECK(Planar("h16", EK::mul, {0x0001}, {0x3800}) == Bits{0x0001});
}

TEST_CASE("N24 N25: sums are binary32 in ascending order") {
  fbs::ReduceT table;
  table.axes = {0};
  const auto reduce = [&](const char* profile, fbs::ReduceKind kind,
                          const std::vector<double>& x) {
    table.kind = kind;
    const RunResult result = RunDeviceOp(
        profile, reduce_op, table, {Half({static_cast<int64_t>(x.size())}, x)});
    REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
    return result.outputs[0].Bits()[0];
  };
  using RK = fbs::ReduceKind;
  CHECK_EQ(reduce("h13", RK::sum, {60000, 5504}), 0x7BFF);  // no ceiling
  CHECK_EQ(reduce("h13", RK::sum, {60000, 5520}), 0x7C00);
  CHECK_EQ(reduce("h13", RK::sum, {2048, 1}), 0x6800);
  CHECK_EQ(reduce("h16", RK::sum, {2048, 1}), 0x6801);
  CHECK_EQ(reduce("h13", RK::mean, {1, 2, 3, 4}), 0x4100);
  CHECK_EQ(reduce("h13", RK::mean, {60000, 60000}), 0x7B53);
  // N25: 300^2 is infinite before it is summed, and the engine reads 65536.
  CHECK_EQ(reduce("h13", RK::sum_square, {300, 1}), 0x7C00);
  // 47^2 = 2209 rounds to 2208, then 1 is added: 2209 rounds again.
  CHECK_EQ(reduce("h13", RK::sum_square, {47, 1}), 0x6850);
  CHECK_EQ(reduce("h16", RK::sum_square, {47, 1}), 0x6852);  // 2210 + 1 = 2211
}

TEST_CASE("N24: a global average is a mean in ascending order") {
  fbs::PoolT table;
  table.kind = fbs::PoolKind::average;
  for (const auto& [profile, bits] :
       {std::pair<const char*, uint16_t>{"h13", 0x6400}, {"h16", 0x6401}}) {
    // (2049 of two ones and 2047) / 2 = 1024.5, a tie.
    const RunResult result =
        RunDeviceOp(profile, pool_op, table, {Half({1, 1, 1, 2}, {2047, 2})});
    REQUIRE(result.status.ok());
    CHECK_EQ(result.outputs[0].Bits()[0], bits);
  }
}

TEST_CASE("N28: a slice inside the last axis has a gain of 16 on H13") {
  fbs::SliceT table;
  table.starts = {1};
  table.ends = {4};
  table.axes = {1};
  const TestTensor x =
      HalfBits({1, 4}, {0x0000, 0x6BFF, 0x6C00, 0xFB53});  // 4094, 4096, -60000
  const auto slice = [&](const char* profile) {
    const RunResult result = RunDeviceOp(profile, slice_op, table, {x});
    REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
    return result.outputs[0].Bits();
  };
  CHECK(slice("h13") == Bits{0x6BFF, 0x7C00, 0xFC00});
  CHECK(slice("h16") == Bits{0x6BFF, 0x6C00, 0xFB53});
  CHECK(slice("h13,width_slice_x16=false") == Bits{0x6BFF, 0x6C00, 0xFB53});
  table.starts = {0};
  CHECK(slice("h13") == Bits{0x0000, 0x6BFF, 0x6C00, 0xFB53});
}

TEST_CASE("N30: softmax subtracts the maximum and reads NaN as a number") {
  fbs::SoftmaxT table;
  const auto softmax = [&](const char* profile, const Bits& x) {
    const RunResult result =
        RunDeviceOp(profile, softmax_op, table, {HalfBits({1, 4}, x)});
    REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
    return result.outputs[0].Bits();
  };
  for (const char* profile : {"h13", "h16"}) {
    CHECK(softmax(profile, {0x63D0, 0x3C00, 0x4000, 0x4200}) ==
          Bits{0x3C00, 0, 0, 0});
    CHECK(softmax(profile, {0x3C00, 0x7E00, 0x4000, 0x4200}) ==
          Bits{0, 0x3C00, 0, 0});
    CHECK(softmax(profile, {0x3C00, 0x3C00, 0x3C00, 0x3C00}) ==
          Bits{0x3400, 0x3400, 0x3400, 0x3400});
  }
}

TEST_CASE("N32 N33 N34: poles of the tables") {
  for (const char* profile : {"h13", "h16"}) {
    CHECK(Function(profile, AK::log, {0x0000, 0x7C00}) == Bits{0xF98C, 0x798C});
    CHECK(Function(profile, AK::softplus, {0x7C00}) == Bits{0x0000});
    CHECK(Function(profile, AK::softsign, {0x7C00}) == Bits{0x0000});
    CHECK(Function(profile, AK::inverse, {0x0000, 0x7C00}) ==
          Bits{0x7C00, 0x0000});
    CHECK(Function(profile, AK::rsqrt, {0x0000, 0x8000}) ==
          Bits{0x7C00, 0x7C00});
    // The epsilon 1 is added first: rsqrt(0 + 1) = 1, inverse(1 + 1) = 0.5.
    CHECK(Function(profile, AK::rsqrt, {0x0000}, 1.0) == Bits{0x3C00});
    CHECK(Function(profile, AK::inverse, {0x3C00}, 1.0) == Bits{0x3800});
    CHECK(Planar(profile, EK::div, {0x3C00, 0x0000, 0x4000},
                 {0x7C00, 0x0000, 0x0000}) == Bits{0x0000, 0x0000, 0x7C00});
  }
}

TEST_CASE("N41 N43 N48 N52 N53 N57: tables through the op") {
  CHECK(Function("h13", AK::sigmoid, {0x4080, 0x7E00}) == Bits{0x3B38, 0x3C00});
  CHECK(Function("h16", AK::sigmoid, {0x4080}) == Bits{0x3B39});
  CHECK(Function("h16", AK::exp, {0x3C00, 0x498C}) == Bits{0x4170, 0x7C00});
  CHECK(Function("h13", AK::gelu, {0x0000}) == Bits{0x9073});
  CHECK(Function("h13", AK::gelu_tanh, {0x0000}) == Bits{0x9073});
  CHECK(Function("h16", AK::silu, {0x0000}, 1.0) == Bits{0x9528});
}

TEST_CASE("N56: functions of several steps round after each") {
  // hard_swish(1) = 1 * RNE(1/6 + 0.5): 0.66650390625 below, 2/3 rounded.
  CHECK(Function("h13", AK::hard_swish, {0x3C00}) == Bits{0x3955});
  CHECK(Function("h13", AK::neg, {0x3C00, 0x0000}) == Bits{0xBC00, 0x0000});
}

TEST_CASE("N35: layer normalisation rounds after each of its pieces") {
  fbs::NormT table;
  table.kind = fbs::NormKind::layer;
  table.epsilon = 0.0f;
  // Mean 2, differences -1 and 1, variance 1, rsqrt(1) = 1.
  const RunResult result =
      RunDeviceOp("h16", norm_op, table, {Half({1, 2}, {1, 3})});
  REQUIRE(result.status.ok());
  CHECK(result.outputs[0].Bits() == Bits{0xBC00, 0x3C00});
}

// Layer or rms normalisation of four elements.
Bits Normalized(fbs::NormKind kind, const Bits& x) {
  fbs::NormT table;
  table.kind = kind;
  table.epsilon = 0.0f;
  const RunResult result =
      RunDeviceOp("h13", norm_op, table,
                  {HalfBits({1, static_cast<int64_t>(x.size())}, x)});
  REQUIRE(result.status.ok());
  return result.outputs[0].Bits();
}

TEST_CASE("N35: the variance of a layer is not rounded to fp16") {
  // -32768 and 32768: v = 2^30, r = 2^-15.
  CHECK(Normalized(fbs::NormKind::layer, {0xF800, 0x7800}) ==
        Bits{0xBC00, 0x3C00});
  // The mean square of an rms row overflows there, and r is 0.
  CHECK(Normalized(fbs::NormKind::rms, {0xF800, 0x7800}) == Bits{0, 0});
}

TEST_CASE("N6: layer_norm tells NaN from infinity and rms_norm does not") {
  const Bits nan = {0x7E00, 0, 0, 0}, infinity = {0x7C00, 0, 0, 0};
  CHECK(Normalized(fbs::NormKind::layer, infinity) ==
        Bits{0x3EED, 0xB89E, 0xB89E, 0xB89E});
  CHECK(Normalized(fbs::NormKind::layer, nan) !=
        Normalized(fbs::NormKind::layer, infinity));
  CHECK(Normalized(fbs::NormKind::rms, nan) ==
        Normalized(fbs::NormKind::rms, infinity));
}

// int8 matrix product of `count` equal pairs, requantised with zero 0.
double QuantizedProduct(const std::string& profile, int64_t count, int x, int w,
                        double scale, double y_scale) {
  fbs::IntegerMacT table;
  table.kind = fbs::IntegerMacKind::qlinear_matmul;
  const auto n = static_cast<size_t>(count);
  const TestTensor zero = Known(test::Make(DataType::kInt8, {}, {0}));
  const RunResult result = RunDeviceOp(
      profile, integer_mac_op, table,
      {test::Make(DataType::kInt8, {1, count}, std::vector<double>(n, x)),
       Known(Float({}, {scale})), zero,
       test::Make(DataType::kInt8, {count, 1}, std::vector<double>(n, w)),
       Known(Float({}, {1})), zero, Known(Float({}, {y_scale})), zero});
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Values()[0];
}

TEST_CASE("N65: int8 products are scaled to fp16 and quantised") {
  // 65536 * 16384 * 2^-16 = 16384.
  CHECK(QuantizedProduct("h16", 65536, -128, -128, 0x1p-16, 256) == 64);
  // 2049 is 2050 as fp16 (half away): 20.505 rounds to 21, 20.495 to 20.
  CHECK(QuantizedProduct("h16", 2049, 1, 1, 1, 99.9756) == 21);
  CHECK(QuantizedProduct("h13", 2049, 1, 1, 1, 99.9756) == 20);
}

TEST_CASE("N65: a sum of 2 to the 31 is infinite and saturates") {
  CHECK(QuantizedProduct("h16", 131072, -128, -128, 0x1p-30, 1) == 127);
  CHECK(QuantizedProduct("h16", 131072, -128, 127, 0x1p-30, 1) == -2);
  // On the host (H13 has no such datapath) it wraps.
  CHECK(QuantizedProduct("h13", 131072, -128, -128, 0x1p-30, 1) == -2);
}

TEST_CASE("N65: convolutions count the tested sum from the bias") {
  fbs::IntegerMacT table;
  table.kind = fbs::IntegerMacKind::qlinear_conv;
  const TestTensor zero = Known(test::Make(DataType::kInt8, {}, {0}));
  const TestTensor one = Known(Float({}, {1}));
  const RunResult result = RunDeviceOp(
      "h16", integer_mac_op, table,
      {test::Make(DataType::kInt8, {1, 2, 3}, {1, 2, 3, 10, 20, 30}), one, zero,
       test::Make(DataType::kInt8, {2, 2, 2}, {1, 0, 0, 1, -1, 2, 0, 0}), one,
       zero, one, zero, test::Make(DataType::kInt32, {2}, {5, 2147483647})});
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  // 1 + 20 + 5, 2 + 30 + 5; from 2^31 - 1 on the products 3 and 4 overflow.
  CHECK(result.outputs[0].Values() == std::vector<double>{26, 37, 127, 127});
}

TEST_CASE("N38: grids are sampled in wide arithmetic and rounded once") {
  fbs::SamplingT table;
  table.kind = fbs::SamplingKind::grid_sample;
  table.align_corners = true;
  // Halfway between 2048 and 2050 twice: 2049 is a tie.
  for (const auto& [profile, bits] :
       {std::pair<const char*, uint16_t>{"h13", 0x6800}, {"h16", 0x6801}}) {
    const RunResult result = RunDeviceOp(
        profile, sampling_op, table,
        {Half({1, 1, 1, 2}, {2048, 2050}), Half({1, 1, 1, 2}, {0, 0})});
    REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
    CHECK_EQ(result.outputs[0].Bits()[0], bits);
  }
}

TEST_CASE("N38: a window sums in binary32 and rounds once") {
  fbs::PoolT table;
  table.kind = fbs::PoolKind::average;
  table.kernel = {2, 2};
  for (const auto& [profile, bits] :
       {std::pair<const char*, uint16_t>{"h13", 0x6000}, {"h16", 0x6001}}) {
    const RunResult result = RunDeviceOp(profile, pool_op, table,
                                         {Half({1, 1, 2, 2}, {2048, 1, 0, 0})});
    REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
    CHECK_EQ(result.outputs[0].Bits()[0], bits);
  }
  // NaN is the number 98304 in a comparison.
  fbs::ElementwiseT greater;
  greater.kind = EK::greater;
  const RunResult result =
      RunDeviceOp("h16", elementwise_op, greater,
                  {HalfBits({1}, {0x7E00}), HalfBits({1}, {0x7C00})});
  REQUIRE(result.status.ok());
  CHECK_EQ(result.outputs[0].Values()[0], 1.0);
}

TEST_CASE("N6: rms normalisation of NaN equals that of infinity") {
  fbs::NormT table;
  table.kind = fbs::NormKind::rms;
  for (const uint16_t odd : {uint16_t{0x7E00}, uint16_t{0x7C00}}) {
    const RunResult result =
        RunDeviceOp("h13", norm_op, table,
                    {HalfBits({1, 4}, {odd, 0x3C00, 0x4000, 0x4200})});
    REQUIRE(result.status.ok());
    CHECK(result.outputs[0].Bits() == Bits{0, 0, 0, 0});
  }
}

TEST_CASE("N22: batch normalisation is a gain and an offset") {
  fbs::NormT table;
  table.kind = fbs::NormKind::batch;
  table.epsilon = 0.0f;
  for (const auto& [profile, bits] :
       {std::pair<const char*, uint16_t>{"h13", 0x6800}, {"h16", 0x6801}}) {
    // 2048 * 1 + 1: the offset rounds.
    const RunResult result = RunDeviceOp(
        profile, norm_op, table,
        {Half({1, 1, 1, 1}, {2048}), Known(Half({1}, {2})),
         Known(Half({1}, {1})), Known(Half({1}, {0})), Known(Half({1}, {4}))});
    REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
    CHECK_EQ(result.outputs[0].Bits()[0], bits);
  }
}

TEST_CASE("N60: a dequantised weight has an fp16 scale and one rounding") {
  fbs::QuantizeT table;
  table.kind = fbs::QuantizeKind::dequantize;
  const TestTensor q = test::Make(DataType::kInt8, {3}, {127, -3, 0});
  // 0.1 in fp16 is 2E66 = 0.0999755859375; times 127 = 12.69689…, rounded to a
  // multiple of 2^-7: 12.6953125 = 4A59.
  const RunResult result =
      RunDeviceOp("h13", quantize_op, table, {q, Known(Half({}, {0.1}))});
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  CHECK(result.outputs[0].Bits() == Bits{0x4A59, 0xB4CC, 0x0000});
}

}  // namespace
}  // namespace aneref
