// Every conversion mistake of the library, replayed into a dump: both the right
// result and the mistaken one are worked out by hand. See also quirks_test.cc.
#include <doctest/doctest.h>

#include <set>

#include "runtime/explain/quirks.h"
#include "tests/explain/quirk_case.h"

namespace aneref {
namespace {

using test::BlameOf;
using test::DraftBuilder;
using test::MatmulWith;
using test::QuirkCase;
using test::Ramp;

using Device = std::vector<std::pair<size_t, double>>;

// All elements of the dump.
Device All(const std::vector<double>& values) {
  Device device;
  for (size_t i = 0; i < values.size(); ++i) device.emplace_back(i, values[i]);
  return device;
}

int Relu(DraftBuilder& net, int x) {
  return net.Unary(fbs::ActivationKind::relu, x);
}

int Conv(DraftBuilder& net, int x, const Shape& shape,
         const std::vector<double>& weight, std::vector<int32_t> pads = {}) {
  fbs::ConvT conv;
  conv.pads = std::move(pads);
  return net.Node(conv, {x, net.Constant(shape, weight)});
}

// An LSTM of one unit on three batches: gates i, o, f, c of weights 0, 20, -20
// and 20, nothing recurrent, no bias.
int Lstm(DraftBuilder& net, int x) {
  fbs::RecurrentT lstm;
  lstm.kind = fbs::RecurrentKind::lstm;
  lstm.hidden_size = 1;
  return net.Node(lstm, {x, net.Constant(Shape{1, 4, 1}, {0, 20, -20, 20}),
                         net.Constant(Shape{1, 4, 1}, {0, 0, 0, 0})});
}

const std::vector<QuirkCase>& WeightCases() {
  static const std::vector<QuirkCase> cases = {
      // 1 + 2 * 3 and 2 + 2 * 5 without the bias of 10 and -4.
      {"dropped_bias",
       [](DraftBuilder& net, int x) {
         return net.Node(fbs::MatmulT(),
                         {x, net.Constant(Shape{2, 2}, {1, 2, 3, 5}),
                          net.Constant(Shape{2}, {10, -4})});
       },
       {1, 2},
       {1, 2},
       All({7, 12})},
      {"dropped_op", &Relu, {1, 4}, {-1, 2, -3, 4}, All({-1, 2, -3, 4})},
      // Right: 37 44 51.
      {"transposed_weight",
       [](DraftBuilder& net, int x) {
         return MatmulWith(net, x, Shape{3, 3}, Ramp(9));
       },
       {1, 3},
       {1, 2, 4},
       All({17, 38, 59})},
      // Right: 50 57 69 65; 4 3 2 1 in place of 1 2 3 4.
      {"flipped_kernel",
       [](DraftBuilder& net, int x) {
         return Conv(net, x, Shape{1, 1, 2, 2}, Ramp(4));
       },
       {1, 1, 3, 3},
       {1, 2, 4, 3, 9, 5, 8, 6, 7},
       All({25, 43, 61, 70})},
      // Right: 531 642.
      {"swapped_channels",
       [](DraftBuilder& net, int x) {
         return Conv(net, x, Shape{1, 3, 1, 1}, {1, 10, 100});
       },
       {1, 3, 1, 2},
       Ramp(6),
       All({135, 246})},
      // Right: 41 52 63, from rows 1 2 3 and 4 5 6.
      {"pairs_of_weights_swapped",
       [](DraftBuilder& net, int x) {
         return MatmulWith(net, x, Shape{2, 3}, Ramp(6));
       },
       {1, 2},
       {1, 10},
       All({32, 61, 54})},
      // h = sigmoid(o) tanh(sigmoid(i) tanh(c)); sigmoid(0) tanh(20) = 0.5 and
      // tanh(0.5) = 0.46212. Right: 0.46212, 0, 0; with o and f exchanged the
      // second batch has it.
      {"reversed_gates",
       &Lstm,
       {1, 3, 1},
       {1, -1, 0},
       All({0, -0.462158203125, 0})},
  };
  return cases;
}

const std::vector<QuirkCase>& AttributeCases() {
  static const std::vector<QuirkCase> cases = {
      // Right: 21 32 43 4.
      {"shifted_padding",
       [](DraftBuilder& net, int x) {
         return Conv(net, x, Shape{1, 1, 1, 2}, {1, 10}, {0, 0, 0, 1});
       },
       {1, 1, 1, 4},
       Ramp(4),
       All({10, 21, 32, 43})},
      // Right: 2 3 4 4 5 6 6 7 8; sums of windows over 4.
      {"padding_counted",
       [](DraftBuilder& net, int x) {
         fbs::PoolT pool;
         pool.kind = fbs::PoolKind::average;
         pool.kernel = {2, 2};
         pool.pads = {1, 1, 1, 1};
         return net.Node(pool, {x});
       },
       {1, 1, 2, 2},
       {2, 4, 6, 8},
       All({0.5, 1.5, 1, 2, 5, 3, 1.5, 3.5, 2})},
      // Right: 1 1 5 5; a quarter of the way in from each pixel's centre.
      {"resize_mode",
       [](DraftBuilder& net, int x) {
         fbs::ResampleT resample;
         resample.scales = {1, 1, 1, 2};
         return net.Node(resample, {x});
       },
       {1, 1, 1, 2},
       {1, 5},
       All({1, 2, 4, 5})},
      {"channels_last_flatten",
       [](DraftBuilder& net, int x) {
         fbs::ReshapeT flatten;
         flatten.kind = fbs::ReshapeKind::flatten;
         return net.Node(flatten, {x});
       },
       {1, 2, 1, 3},
       Ramp(6),
       All({1, 4, 2, 5, 3, 6})},
      // Right: 4 0.5 4.
      {"swapped_operands",
       [](DraftBuilder& net, int x) {
         return net.Binary(fbs::ElementwiseKind::div, x,
                           net.Constant(Shape{3}, {2, 4, 4}));
       },
       {3},
       {8, 2, 16},
       All({0.25, 2, 0.25})},
      // Right: 0 1 in the first row, halves in the second.
      {"wrong_axis",
       [](DraftBuilder& net, int x) { return net.Node(fbs::SoftmaxT(), {x}); },
       {2, 2},
       {0, 100, 0, 0},
       All({0.5, 1, 0.5, 0})},
      // Right, depth first: 1 5 2 6, 9 13 10 14; 3 7 4 8, 11 15 12 16.
      {"depth_order",
       [](DraftBuilder& net, int x) {
         fbs::DepthSpaceT shuffle;
         shuffle.block = 2;
         return net.Node(shuffle, {x});
       },
       {1, 8, 1, 2},
       Ramp(16),
       All({1, 3, 2, 4, 5, 7, 6, 8, 9, 11, 10, 12, 13, 15, 14, 16})},
  };
  return cases;
}

const std::vector<QuirkCase>& ResultCases() {
  static const std::vector<QuirkCase> cases = {
      // One column to the left; the last one is anything.
      {"spatial_shift",
       &Relu,
       {1, 1, 3, 4},
       Ramp(12),
       All({2, 3, 4, 4, 6, 7, 8, 8, 10, 11, 12, 12})},
      {"mirrored",
       &Relu,
       {1, 1, 2, 5},
       Ramp(10),
       All({5, 4, 3, 2, 1, 10, 9, 8, 7, 6})},
      {"constant_factor",
       &Relu,
       {1, 6},
       {1, 2, 3, 5, 7, 11},
       All({0.5, 1, 1.5, 2.5, 3.5, 5.5})},
      {"constant_offset",
       &Relu,
       {1, 6},
       {1, 2, 3, 5, 7, 11},
       All({1.5, 2.5, 3.5, 5.5, 7.5, 11.5})},
      {"permuted_channels",
       &Relu,
       {1, 5, 1, 2},
       Ramp(10),
       All({3, 4, 5, 6, 7, 8, 9, 10, 1, 2})},
  };
  return cases;
}

std::vector<QuirkCase> AllCases() {
  std::vector<QuirkCase> all = WeightCases();
  all.insert(all.end(), AttributeCases().begin(), AttributeCases().end());
  all.insert(all.end(), ResultCases().begin(), ResultCases().end());
  return all;
}

}  // namespace

TEST_CASE("quirks: each conversion mistake replayed into a dump is blamed") {
  for (const QuirkCase& test_case : AllCases()) {
    CAPTURE(std::string(test_case.id));
    const Bisection bisection = BlameOf(test_case);
    REQUIRE(bisection.first >= 0);
    const Finding& first =
        bisection.findings[static_cast<size_t>(bisection.first)];
    REQUIRE_MESSAGE(first.quirk != nullptr, first.why);
    CHECK_MESSAGE(first.quirk->id == test_case.id, std::string(test_case.id)
                                                       << " blamed on "
                                                       << first.quirk->id);
    CHECK(first.label == Label::kMistake);
    CHECK(first.quirk->chips.empty());
  }
}

TEST_CASE("quirks: every conversion mistake has a case") {
  // rms_norm_scaled_epsilon is the one mistake that a chip's page lists, too.
  std::set<std::string> tested = {"rms_norm_scaled_epsilon"};
  for (const QuirkCase& test_case : AllCases()) tested.insert(test_case.id);
  for (const Quirk& quirk : AllQuirks()) {
    if (quirk.kind != QuirkKind::kConversion) continue;
    CHECK_MESSAGE(tested.contains(quirk.id), quirk.id);
  }
}

TEST_CASE("quirks: without a mistake none is blamed") {
  for (QuirkCase test_case : AllCases()) {
    test_case.device.clear();
    CHECK_MESSAGE(BlameOf(test_case).first == -1, test_case.id);
  }
}

}  // namespace aneref
