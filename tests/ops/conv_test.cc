// Convolution: hand-worked values for every attribute, the order of the sum,
// agreement of reference, scalar and SIMD kernels on ragged shapes, refusals.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "ops/mac.h"
#include "tests/support/op_runner.h"

namespace aneref::test {
namespace {

using Values = std::vector<double>;

// 1 to count.
Values Ramp(size_t count) {
  Values values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<double>(i + 1);
  return values;
}
Values Run(const fbs::ConvT& conv, const std::vector<TestTensor>& inputs) {
  const RunResult result = RunOp(conv_op, conv, inputs);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Values();
}
Shape ShapeOf(const fbs::ConvT& conv, const std::vector<TestTensor>& inputs) {
  const RunResult result = RunOp(conv_op, conv, inputs);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].type.shape;
}

TEST_CASE("conv: defaults are stride 1 and no pads and no bias") {
  // 3x3 ramp with [[1, 2], [3, 4]]: 1 + 4 + 12 + 20 = 37.
  const auto x = Half({1, 1, 3, 3}, Ramp(9));
  const auto w = Known(Half({1, 1, 2, 2}, Ramp(4)));
  CHECK_EQ(Run({}, {x, w}), Values{37, 47, 67, 77});
  CHECK_EQ(Run({}, {x, w, Known(Half({1}, {0.5}))}),
           Values{37.5, 47.5, 67.5, 77.5});
  CHECK_EQ(ShapeOf({}, {x, w}), Shape({1, 1, 2, 2}));
}

TEST_CASE("conv: strides and asymmetric pads") {
  fbs::ConvT conv;
  conv.strides = {2, 1};
  conv.pads = {1, 0, 0, 2};  // top 1, right 2
  const auto x = Half({1, 1, 3, 3}, Ramp(9));
  const auto w = Known(Half({1, 1, 2, 2}, Ramp(4)));
  // Padded rows: 00000, 12300, 45600, 78900; rows start at 0 and 2.
  CHECK_EQ(Run(conv, {x, w}), Values{11, 18, 9, 0, 67, 77, 33, 0});
}

TEST_CASE("conv: dilation spreads the taps") {
  fbs::ConvT conv;
  conv.dilations = {2, 2};
  const auto x = Half({1, 1, 3, 3}, Ramp(9));
  const auto w = Known(Half({1, 1, 2, 2}, Ramp(4)));
  CHECK_EQ(Run(conv, {x, w}), Values{1 + 6 + 21 + 36});
}

TEST_CASE("conv: same_upper puts the odd pad last and same_lower first") {
  fbs::ConvT conv;
  conv.pad_mode = fbs::PadMode::same_upper;
  const auto x = Half({1, 1, 1, 3}, Ramp(3));
  const auto w = Known(Half({1, 1, 1, 2}, {1, 10}));
  CHECK_EQ(Run(conv, {x, w}), Values{21, 32, 3});
  conv.pad_mode = fbs::PadMode::same_lower;
  CHECK_EQ(Run(conv, {x, w}), Values{10, 21, 32});
  conv.pad_mode = fbs::PadMode::valid;
  CHECK_EQ(Run(conv, {x, w}), Values{21, 32});
  // SAME with stride 2: ceil(3 / 2) outputs, total pad 2 * 1 + 2 - 3 = 1.
  conv.strides = {1, 2};
  conv.pad_mode = fbs::PadMode::same_upper;
  CHECK_EQ(Run(conv, {x, w}), Values{21, 3});
}

TEST_CASE("conv: groups see their own channels only") {
  fbs::ConvT conv;
  conv.groups = 2;
  const auto x = Half({1, 4, 1, 2}, Ramp(8));
  // Two outputs a group, two inputs a group.
  const auto w = Known(Half({4, 2, 1, 1}, {1, 0, 0, 1, 1, 1, 2, 0}));
  CHECK_EQ(Run(conv, {x, w}), Values{1, 2, 3, 4, 12, 14, 10, 12});
}

TEST_CASE("conv: depthwise with a multiplier") {
  fbs::ConvT conv;
  conv.groups = 2;
  const auto x = Half({1, 2, 1, 3}, Ramp(6));
  const auto w = Known(Half({4, 1, 1, 2}, {1, 1, 1, -1, 2, 0, 0, 2}));
  CHECK_EQ(Run(conv, {x, w}), Values{3, 5, -1, -1, 8, 10, 10, 12});
}

TEST_CASE("conv: one and three spatial axes") {
  const auto line = Half({1, 1, 4}, Ramp(4));
  CHECK_EQ(Run({}, {line, Known(Half({1, 1, 2}, {1, 10}))}),
           Values{21, 32, 43});
  const auto cube = Half({1, 1, 2, 2, 2}, Ramp(8));
  CHECK_EQ(Run({}, {cube, Known(Half({1, 1, 2, 1, 1}, {1, 10}))}),
           Values{51, 62, 73, 84});
}

TEST_CASE("conv: weights computed at run time give the same") {
  fbs::ConvT conv;
  conv.pads = {0, 1, 0, 0};
  const auto x = Half({1, 1, 1, 3}, Ramp(3));
  CHECK_EQ(Run(conv, {x, Half({1, 1, 1, 2}, {1, 10})}), Values{10, 21, 32});
}

TEST_CASE("P3: the sum goes over kernel positions and then channels") {
  // Products in contract order: 2^24 (channel 0), 1 (channel 1), 1, -2^24:
  // 2^24 + 1 = 2^24, again 2^24, so 0. Channels outermost would give 2^24 + 1
  // = 2^24, then 1 - 2^24 + ... a different sum.
  const auto x = Float({1, 2, 1, 2}, {16777216, 1, 1, -16777216});
  const auto w = Known(Float({1, 2, 1, 2}, {1, 1, 1, 1}));
  CHECK_EQ(Run({}, {x, w}), Values{0});
  // fp16, whose products are exact: 2^24 + 1 + 1 - 2^24 in this order.
  const auto cancel = Half({1, 4, 1, 1}, {4096, 1, 1, 4096});
  const auto wc = Known(Half({1, 4, 1, 1}, {4096, 1, 1, -4096}));
  CHECK_EQ(Run({}, {cancel, wc}), Values{0});
  const auto wr = Known(Half({1, 4, 1, 1}, {1, 1, 4096, -4096}));
  const auto late = Half({1, 4, 1, 1}, {1, 1, 4096, 4096});
  CHECK_EQ(Run({}, {late, wr}), Values{2});
}

TEST_CASE("P3: the bias comes after the sum") {
  // (2^24 + 1) - 2^24 = 0; with the bias first: (-2^24 + 2^24) + 1 = 1.
  const auto x = Float({1, 2, 1, 1}, {16777216, 1});
  const auto w = Known(Float({1, 2, 1, 1}, {1, 1}));
  const auto bias = Known(Float({1}, {-16777216}));
  CHECK_EQ(Run({}, {x, w, bias}), Values{0});
}

TEST_CASE("P4: fp32 products round before they are added") {
  // (1 + 2^-23)^2 - 1 is 2^-22; fused it would be 2^-22 + 2^-46.
  const double a = 1 + std::ldexp(1.0, -23);
  const auto x = Float({1, 2, 1, 1}, {1, a});
  const auto w = Known(Float({1, 2, 1, 1}, {-1, a}));
  CHECK_EQ(Run({}, {x, w}), Values{std::ldexp(1.0, -22)});
}

TEST_CASE("P2: one rounding to fp16 with ties to even") {
  const auto x = Half({1, 2, 1, 2}, {2048, 2048, 1, 3});
  const auto w = Known(Half({1, 2, 1, 1}, {1, 1}));
  CHECK_EQ(Run({}, {x, w}), Values{2048, 2052});
}

TEST_CASE("P12: known fp32 weights saturate when memory holds fp16") {
  float stored[] = {-3.4e38f, 65520, 65519, HUGE_VALF};
  flatbuffers::FlatBufferBuilder builder;
  const fbs::NodeT empty;
  builder.Finish(fbs::Node::Pack(builder, &empty));
  const auto* node =
      flatbuffers::GetRoot<fbs::Node>(builder.GetBufferPointer());
  const OpView::Input weight = {true,
                                {DataType::kFloat16, {4}},
                                DenseView({DataType::kFloat32, {4}}, stored)};
  const AlignedBytes bits = LoadKnown(OpView(*node, std::span(&weight, 1)), 0);
  REQUIRE_EQ(bits.size(), 8);
  const uint16_t expected[] = {0xFBFF, 0x7BFF, 0x7BFF, 0x7C00};
  for (size_t i = 0; i < 4; ++i) CHECK_EQ(bits.as<uint16_t>()[i], expected[i]);
}

TEST_CASE("P3: an infinite weight does not meet padding") {
  fbs::ConvT conv;
  conv.pads = {0, 1, 0, 0};
  const auto x = Half({1, 1, 1, 2}, {1, 2});
  const auto w = Known(Half({1, 1, 1, 2}, {HUGE_VAL, 1}));
  const Values y = Run(conv, {x, w});
  CHECK_EQ(y[0], 1);  // NaN if 0 * inf were added
  CHECK(std::isinf(y[1]));
}

TEST_CASE("conv: empty tensors and empty sums") {
  CHECK_EQ(
      ShapeOf({}, {Half({0, 1, 2, 2}, {}), Known(Half({1, 1, 1, 1}, {1}))}),
      Shape({0, 1, 2, 2}));
  CHECK_EQ(Run({}, {Half({1, 0, 1, 2}, {}), Known(Half({1, 0, 1, 1}, {})),
                    Known(Half({1}, {3}))}),
           Values{3, 3});
  CHECK_EQ(
      ShapeOf({}, {Half({1, 1, 0, 2}, {}), Known(Half({1, 1, 1, 1}, {1}))}),
      Shape({1, 1, 0, 2}));
}

struct Ragged {
  int64_t channels, outputs, height, width, kernel;
  int stride, pad, dilation, groups;
};
void CheckRagged(const Ragged& r, DataType type, bool specials) {
  fbs::ConvT conv;
  conv.strides = {r.stride, r.stride};
  conv.dilations = {r.dilation, r.dilation};
  conv.pads = {r.pad, r.pad, r.pad, r.pad};
  conv.groups = r.groups;
  CAPTURE(r.channels);
  CAPTURE(r.width);
  CAPTURE(r.kernel);
  const auto x = Random(type, {2, r.channels, r.height, r.width}, 1, specials);
  const auto w = Known(
      Random(type, {r.outputs, r.channels / r.groups, r.kernel, r.kernel}, 2));
  const auto b = Known(Random(type, {r.outputs}, 3));
  const RunResult result = RunOp(conv_op, conv, {x, w, b});
  CHECK_MESSAGE(result.status.ok(), result.status.ToString());
}

TEST_CASE("conv: ragged shapes agree on all targets") {
  for (const DataType type : {DataType::kFloat16, DataType::kFloat32}) {
    for (const int64_t width : {1, 7, 15, 16, 17, 33, 65}) {
      for (const int64_t channels : {1, 3, 5, 17}) {
        CheckRagged({channels, channels + 2, 5, width, 3, 1, 1, 1, 1}, type,
                    true);
        CheckRagged({channels, 3, 3, width, 1, 1, 0, 1, 1}, type, false);
        CheckRagged({channels, 9, 6, width, 3, 2, 1, 1, 1}, type, false);
      }
      CheckRagged({6, 15, 5, width, 2, 1, 1, 1, 3}, type, false);
      CheckRagged({5, 5, 19, width, 3, 1, 1, 1, 5}, type, true);
      CheckRagged({3, 3, 18, width, 3, 2, 1, 1, 3}, type, false);
      CheckRagged({2, 4, 13, width, 5, 1, 2, 1, 2}, type, false);
      CheckRagged({2, 2, 10, width, 3, 1, 2, 2, 2}, type, false);
      CheckRagged({3, 6, 9, width, 5, 2, 2, 1, 3}, type, false);
      CheckRagged({4, 4, 7, width, 3, 3, 2, 2, 4}, type, false);
      CheckRagged({4, 31, 7, width, 3, 3, 2, 2, 1}, type, false);
      CheckRagged({3, 4, 3, width, 1, 2, 0, 1, 1}, type, false);
    }
  }
}

// Eight rows and more, four taps and more: sums over the lines of the input.
TEST_CASE("conv: few outputs of several taps agree on all targets") {
  for (const DataType type : {DataType::kFloat16, DataType::kFloat32}) {
    for (const int64_t width : {1, 7, 16, 17, 31, 48, 65, 290}) {
      for (const int64_t outputs : {1, 2, 3, 4, 5, 7, 8, 11, 16})
        CheckRagged({3, outputs, 9, width, 3, 1, 1, 1, 1}, type, false);
      for (const int64_t outputs : {1, 2, 3, 4, 6, 8, 13})
        CheckRagged({5, outputs, 8, width, 1, 1, 0, 1, 1}, type, true);
      CheckRagged({6, 4, 9, width, 1, 1, 0, 1, 2}, type, false);
      CheckRagged({2, 3, 11, width, 5, 2, 2, 1, 1}, type, true);
      CheckRagged({5, 4, 17, width, 3, 3, 1, 1, 1}, type, false);
      CheckRagged({3, 2, 12, width, 3, 1, 2, 2, 1}, type, true);
      CheckRagged({6, 9, 10, width, 4, 1, 2, 1, 3}, type, false);
    }
    CheckRagged({30, 3, 33, 40, 9, 1, 4, 1, 1}, type, false);
    CheckRagged({150, 2, 8, 8, 3, 1, 1, 1, 1}, type, false);
  }
}

// Ones under a kernel of ones: 5 x 5 x 3 of them inside, 3 x 3 x 3 in a corner.
TEST_CASE("conv: few outputs count what lies under the kernel") {
  constexpr int64_t kHeight = 12, kWidth = 100;
  fbs::ConvT conv;
  conv.pads = {2, 2, 2, 2};
  const Values result =
      Run(conv, {Half({1, 3, kHeight, kWidth},
                      Values(static_cast<size_t>(3 * kHeight * kWidth), 1.0)),
                 Known(Half({4, 3, 5, 5}, Values(300, 1.0))),
                 Known(Half({4}, {0, 1, 2, 3}))});
  const auto under = [](int64_t at, int64_t extent) {
    return std::min<int64_t>(at + 2, extent - 1) -
           std::max<int64_t>(at - 2, 0) + 1;
  };
  Values expected;
  for (int64_t m = 0; m < 4; ++m) {
    for (int64_t y = 0; y < kHeight; ++y) {
      for (int64_t x = 0; x < kWidth; ++x) {
        expected.push_back(
            static_cast<double>(3 * under(y, kHeight) * under(x, kWidth) + m));
      }
    }
  }
  CHECK_EQ(result, expected);
}

// Rows that stay in registers: one vector, two, shared by two planes (an odd
// plane is left over), several spans of columns, and padding on either side.
TEST_CASE("conv: depthwise rows in registers agree on all targets") {
  const DataType type = DataType::kFloat16;
  for (const int64_t width :
       {1, 2, 5, 7, 8, 9, 13, 14, 15, 16, 17, 29, 31, 32, 33, 57, 64, 113}) {
    for (const int kernel : {3, 5}) {
      for (const int pad : {0, 1, kernel / 2, kernel - 1}) {
        if (width + 2 * pad < kernel) continue;
        for (const int stride : {1, 2})
          CheckRagged({3, 3, 11, width, kernel, stride, pad, 1, 3}, type, true);
      }
    }
  }
  CheckRagged({5, 5, 30, 7, 3, 1, 1, 1, 5}, type, false);
  CheckRagged({4, 4, 31, 14, 5, 2, 2, 1, 4}, type, false);
}

// Ones under a kernel of ones: the sum counts the elements under it. 3x3 with
// steps of two and one element of padding in front of even extents never
// reaches the padding behind.
TEST_CASE("conv: depthwise with steps of two counts what lies under it") {
  for (const int64_t width : {14, 28, 30, 32, 62, 112}) {
    fbs::ConvT conv;
    conv.strides = {2, 2};
    conv.pads = {1, 1, 1, 1};
    conv.groups = 2;
    const int64_t count = 2 * 4 * width;
    const Values ones(static_cast<size_t>(count), 1.0);
    const Values result =
        Run(conv, {Half({1, 2, 4, width}, ones),
                   Known(Half({2, 1, 3, 3}, Values(18, 1.0)))});
    Values expected;
    for (int plane = 0; plane < 2; ++plane) {
      for (const double rows : {2.0, 3.0}) {
        expected.push_back(rows * 2);
        expected.insert(expected.end(), static_cast<size_t>(width / 2 - 1),
                        rows * 3);
      }
    }
    CHECK_EQ(result, expected);
  }
}

// The largest values that are no infinity, in one plane of two: rounding is per
// row (P2).
TEST_CASE("P2: depthwise saturates single rows of shared vectors") {
  fbs::ConvT conv;
  conv.groups = 2;
  conv.pads = {1, 1, 1, 1};
  Values x(2 * 3 * 3, 1.0), w(18, 1.0);
  x[9 + 4] = 60000.0;  // the middle of the second plane
  const Values result =
      Run(conv, {Half({1, 2, 3, 3}, x), Known(Half({2, 1, 3, 3}, w))});
  // 60000 is a half. 60003, 60005 and 60008 lie between the halves 60000 and
  // 60032, whose middle is 60016.
  CHECK_EQ(result, Values{4, 6, 4, 6, 9, 6, 4, 6, 4, 60000, 60000, 60000, 60000,
                          60000, 60000, 60000, 60000, 60000});
  w[9 + 4] = 2.0;  // the middle element twice: 120000 + 8 saturates
  const Values saturated =
      Run(conv, {Half({1, 2, 3, 3}, x), Known(Half({2, 1, 3, 3}, w))});
  CHECK_EQ(saturated[9 + 4], 65504.0);
  CHECK_EQ(saturated[4], 9.0);
  CHECK_EQ(saturated[9 + 3], 60000.0);
}

TEST_CASE("conv: many channels agree on all targets") {
  const DataType type = DataType::kFloat16;
  for (const int64_t width : {1, 3, 7, 8, 9, 14, 16, 17, 29, 70}) {
    CheckRagged({17, 18, 5, width, 3, 1, 1, 1, 1}, type, true);
    CheckRagged({34, 67, 3, width, 3, 2, 1, 1, 1}, type, false);
    CheckRagged({66, 65, 4, width, 1, 1, 0, 1, 1}, type, true);
    CheckRagged({48, 40, 7, width, 3, 1, 2, 2, 2}, type, false);
  }
  CheckRagged({33, 70, 9, 9, 1, 2, 0, 1, 1}, type, false);
  CheckRagged({33, 70, 9, 9, 1, 3, 1, 1, 1}, type, false);
  CheckRagged({40, 40, 1, 300, 3, 1, 1, 1, 1}, type, true);
  CheckRagged({70, 600, 8, 8, 3, 1, 1, 1, 1}, type, false);
}

TEST_CASE("conv: many channels sum what lies under the kernel") {
  // Ones: 20 channels times 4 taps in the corners, 6 at the edges, 9 inside.
  fbs::ConvT conv;
  conv.pads = {1, 1, 1, 1};
  const auto x = Half({1, 20, 3, 3}, Values(180, 1.0));
  const auto w = Known(Half({16, 20, 3, 3}, Values(2880, 1.0)));
  Values bias(16), expected;
  for (size_t m = 0; m < 16; ++m) {
    const double b = bias[m] = static_cast<double>(m);
    for (const double sum : {80, 120, 80, 120, 180, 120, 80, 120, 80})
      expected.push_back(sum + b);
  }
  CHECK_EQ(Run(conv, {x, w, Known(Half({16}, bias))}), expected);
}

TEST_CASE("P2: many channels keep the rounding of rare values") {
  // One tap, sixteen channels of which one counts. 2048 + 1 and 2050 + 1 tie
  // to even, 65504 + 65504 saturates, infinity and NaN stay.
  Values values(16 * 6, 0.0);
  const double rare[6] = {2048, 2050, 65504, INFINITY, -INFINITY, NAN};
  for (size_t i = 0; i < 6; ++i) values[i] = rare[i];
  Values weights(16 * 16, 0.0);
  for (size_t m = 0; m < 16; ++m) weights[16 * m] = 1.0;
  Values bias(16, 1.0);
  bias[1] = 65504;
  const RunResult result =
      RunOp(conv_op, fbs::ConvT(),
            {Half({1, 16, 1, 6}, values), Known(Half({16, 16, 1, 1}, weights)),
             Known(Half({16}, bias))});
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  const std::vector<uint16_t> bits = result.outputs[0].Bits();
  CHECK_EQ(bits[6 + 2], 0x7BFF);
  const std::vector<uint16_t> first(bits.begin(), bits.begin() + 6);
  CHECK_EQ(first, std::vector<uint16_t>{0x6800, 0x6802, 0x7BFF, 0x7C00, 0xFC00,
                                        0x7E00});
}

TEST_CASE("conv: sums longer than a block agree on all targets") {
  for (const DataType type : {DataType::kFloat16, DataType::kFloat32}) {
    CheckRagged({130, 15, 5, 9, 3, 1, 1, 1, 1}, type, false);
    CheckRagged({1100, 20, 3, 5, 1, 1, 0, 1, 1}, type, false);
    CheckRagged({260, 8, 3, 4, 3, 2, 1, 1, 2}, type, false);
  }
}

void CheckRefused(const fbs::ConvT& conv, const std::vector<TestTensor>& in,
                  StatusCode code) {
  const RunResult result = RunOp(conv_op, conv, in);
  CHECK_EQ(result.status.code(), code);
  CHECK_FALSE(result.status.message().empty());
}

TEST_CASE("conv: refuses what does not fit") {
  const auto x = Half({1, 4, 3, 3}, Ramp(36));
  const auto w = Known(Half({2, 4, 1, 1}, Ramp(8)));
  const StatusCode shape = StatusCode::kShape;
  CheckRefused({}, {x}, shape);
  CheckRefused({}, {x, w, Absent(), w}, shape);
  CheckRefused({}, {x, Known(Half({2, 4, 1}, Ramp(8)))}, shape);
  CheckRefused({}, {x, Known(Half({2, 3, 1, 1}, Ramp(6)))}, shape);
  CheckRefused({}, {x, Known(Float({2, 4, 1, 1}, Ramp(8)))}, shape);
  CheckRefused({}, {x, w, Known(Half({3}, Ramp(3)))}, shape);
  CheckRefused({}, {x, w, Known(Half({2, 1}, Ramp(2)))}, shape);
  CheckRefused({}, {x, Known(Half({2, 4, 4, 1}, Ramp(32)))}, shape);
  CheckRefused({}, {x, Known(Half({2, 4, 0, 1}, {}))}, shape);
  CheckRefused({}, {Half({4, 4}, Ramp(16)), Known(Half({4, 4}, Ramp(16)))},
               shape);
  CheckRefused({}, {Ints({1, 4, 3, 3}, Ramp(36)), Ints({2, 4, 1, 1}, Ramp(8))},
               StatusCode::kUnsupported);
}

TEST_CASE("conv: refuses hostile attributes") {
  const auto x = Half({1, 4, 3, 3}, Ramp(36));
  const auto w = Known(Half({2, 4, 1, 1}, Ramp(8)));
  const auto with = [&](auto change, StatusCode code) {
    fbs::ConvT conv;
    change(conv);
    CheckRefused(conv, {x, w}, code);
  };
  const StatusCode shape = StatusCode::kShape;
  with([](fbs::ConvT& c) { c.groups = 0; }, shape);
  with([](fbs::ConvT& c) { c.groups = -4; }, shape);
  with([](fbs::ConvT& c) { c.groups = 3; }, shape);
  with([](fbs::ConvT& c) { c.strides = {0, 1}; }, shape);
  with([](fbs::ConvT& c) { c.strides = {1, 1, 1}; }, shape);
  with([](fbs::ConvT& c) { c.dilations = {1, -1}; }, shape);
  with([](fbs::ConvT& c) { c.pads = {1, 1}; }, shape);
  with([](fbs::ConvT& c) { c.pads = {0, 0, -1, 0}; }, shape);
  with(
      [](fbs::ConvT& c) {
        c.pads = {0, 0, 2147483647, 0};
      },
      StatusCode::kLimit);
  with([](fbs::ConvT& c) { c.pad_mode = static_cast<fbs::PadMode>(9); }, shape);
}

TEST_CASE("conv: long dilations and strides still compute") {
  fbs::ConvT conv;
  conv.strides = {1, 5000};
  conv.pads = {0, 0, 0, 5000};
  const auto x = Half({1, 1, 1, 3}, Ramp(3));
  CHECK_EQ(Run(conv, {x, Known(Half({1, 1, 1, 1}, {2}))}), Values{2, 0});
  conv.strides = {};
  conv.dilations = {1, 40000};
  conv.pads = {0, 0, 0, 40000};
  CHECK_EQ(Run(conv, {x, Known(Half({1, 1, 1, 2}, {2, 7}))}), Values{2, 4, 6});
}

}  // namespace
}  // namespace aneref::test
