// Every quirk of the library, replayed into a dump: the device's values are
// written down from the rule or the report that describes the quirk, everything
// else is the right result. The blame must name exactly that quirk.
#include "runtime/explain/quirks.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <set>

#include "runtime/explain/bisect.h"
#include "runtime/explain/bounds.h"
#include "tests/explain/quirk_case.h"

namespace aneref {
namespace {

using test::Binary;
using test::BlameOf;
using test::Cancelling;
using test::Doubles;
using test::DraftBuilder;
using test::MatmulWith;
using test::QuirkCase;
using test::Ramp;
using test::ReplayOf;
using test::Unary;

const double kInfinity = HUGE_VAL;

int Reduced(DraftBuilder& net, fbs::ReduceKind kind, int x) {
  fbs::ReduceT reduce;
  reduce.kind = kind;
  reduce.axes = {1};
  return net.Node(reduce, {x});
}

int Normed(DraftBuilder& net, fbs::NormKind kind, float epsilon, int x) {
  fbs::NormT norm;
  norm.kind = kind;
  norm.epsilon = epsilon;
  return net.Node(norm, {x});
}

// A picture of 4 rows of 20 columns as it lies in rows of 32 halves.
std::vector<std::pair<size_t, double>> PaddedRamp() {
  std::vector<std::pair<size_t, double>> read;
  for (size_t i = 0; i < 80; ++i) {
    const size_t row = i / 32, column = i % 32;
    read.emplace_back(
        i, column < 20 ? static_cast<double>(row * 20 + column + 1) : 0.0);
  }
  return read;
}
const std::vector<QuirkCase>& ChipCases() {
  using A = fbs::ActivationKind;
  using E = fbs::ElementwiseKind;
  static const std::vector<QuirkCase> cases = {
      {"padded_rows",
       [](DraftBuilder& net, int x) { return Unary(net, A::relu, x); },
       {4, 20},
       Ramp(80),
       PaddedRamp()},
      {"softplus_cliff",
       [](DraftBuilder& net, int x) { return Unary(net, A::softplus, x); },
       {4},
       {1, 10.390625, 10.3984375, 20},
       {{2, 0}, {3, 0}}},
      {"mish_through_softplus",
       [](DraftBuilder& net, int x) { return Unary(net, A::mish, x); },
       {4},
       {1, -3, 12, 20},
       {{2, 0}, {3, 0}}},
      {"log_sum_exp_without_shift",
       [](DraftBuilder& net, int x) {
         return Reduced(net, fbs::ReduceKind::log_sum_exp, x);
       },
       {2, 4},
       {1, 1, 1, 1, 10, 10, 10, 10},
       {{1, 0}}},
      {"log_softmax_of_softmax",
       [](DraftBuilder& net, int x) {
         fbs::SoftmaxT softmax;
         softmax.log = true;
         return net.Node(softmax, {x});
       },
       {1, 4},
       {0, 0, 0, 50},
       {{0, -45440}, {1, -45440}, {2, -45440}}},
      {"mask_beyond_fp16",
       [](DraftBuilder& net, int x) {
         return Binary(net, E::add, x, {-3.4e38, 0});
       },
       {2},
       {1, 2},
       {{0, -kInfinity}}},
      {"width_slice_x16",
       [](DraftBuilder& net, int x) {
         fbs::SliceT slice;
         slice.starts = {1};
         slice.ends = {4};
         slice.axes = {1};
         return net.Node(slice, {x});
       },
       {1, 4},
       {5000, 4096, -6000, 4092},
       {{0, kInfinity}, {1, -kInfinity}}},
      {"exponent_31_is_a_number",
       [](DraftBuilder& net, int x) {
         return Binary(net, E::add, x, {1, 1});
       },
       {2},
       {NAN, 1},
       {{0, kInfinity}}},
      {"log_of_zero",
       [](DraftBuilder& net, int x) { return Unary(net, A::log, x); },
       {3},
       {0, 1, 2},
       {{0, -45440}}},
      {"softsign_of_infinity",
       [](DraftBuilder& net, int x) { return Unary(net, A::softsign, x); },
       {3},
       {kInfinity, 1, -2},
       {{0, 0}}},
      {"sign_of_zero",
       [](DraftBuilder& net, int x) { return Unary(net, A::inverse, x); },
       {2},
       {-0.0, 2},
       {{0, kInfinity}}},
      // 1 / (0.0010004 + 1e-4) = 908.76, 1 / (0.010002 + 1e-4) = 98.99.
      {"inverse_epsilon",
       [](DraftBuilder& net, int x) { return Unary(net, A::inverse, x); },
       {3},
       {0.001, 1, 0.01},
       {{0, 909}, {2, 99}}},
      {"norm_epsilon_underflow",
       [](DraftBuilder& net, int x) {
         return Normed(net, fbs::NormKind::layer, 1e-12f, x);
       },
       {2, 2},
       {3, 3, 1, 3},
       {{0, NAN}, {1, NAN}}},
      // 1 / sqrt(0.25 + 0.01) = 1.96116.
      {"rms_norm_scaled_epsilon",
       [](DraftBuilder& net, int x) {
         return Normed(net, fbs::NormKind::rms, 0.01f, x);
       },
       {1, 4},
       {4, 0, 0, 0},
       {{0, 1.9609375}}},
      {"causal_mask_ignored",
       [](DraftBuilder& net, int x) {
         fbs::AttentionT attention;
         attention.is_causal = true;
         const int zero = net.Constant(Shape{1, 1, 2, 1}, {0, 0});
         return net.Node(attention, {zero, zero, x});
       },
       {1, 1, 2, 1},
       {1, 3},
       {{0, 2}}},
      {"sum_square_rounds_squares",
       [](DraftBuilder& net, int x) {
         return Reduced(net, fbs::ReduceKind::sum_square, x);
       },
       {1, 2},
       {256, 1},
       {{0, kInfinity}}},
      // 5 * 0.33325 = 1.66626, 5 / 3 = 1.66667.
      {"divide_by_reciprocal",
       [](DraftBuilder& net, int x) { return Binary(net, E::div, x, {3}); },
       {2},
       {5, 1},
       {{0, 1.666015625}}},
      {"matmul_2d_hard_swish",
       [](DraftBuilder& net, int x) {
         return net.Unary(A::hard_swish, MatmulWith(net, x, Shape{4, 4},
                                                    {1, 0, 0, 0, 0, 1, 0, 0, 0,
                                                     0, 1, 0, 0, 0, 0, 1}));
       },
       {1, 4},
       {1, 2, 3, 4},
       {{1, 1.6}, {3, 4.1015625}}},
      {"denormal_operands",
       [](DraftBuilder& net, int x) {
         return MatmulWith(net, x, Shape{2, 1}, {1, 0});
       },
       {1, 2},
       {0x1p-15, 1},
       {{0, 0}}},
      {"small_products_dropped",
       [](DraftBuilder& net, int x) {
         return MatmulWith(net, x, Shape{1, 1}, {0x1p-9});
       },
       {1, 1},
       {0x1p-9},
       {{0, 0}}},
      {"mac_ceiling",
       [](DraftBuilder& net, int x) {
         return MatmulWith(net, x, Shape{2, 1}, {200, 1});
       },
       {1, 2},
       {200, 1},
       {{0, kInfinity}}},
      {"half_away_rounding",
       [](DraftBuilder& net, int x) {
         return Binary(net, E::add, x, {1, 1});
       },
       {2},
       {2048, 1},
       {{0, 2050}}},
      {"fixed_point_sums",
       [](DraftBuilder& net, int x) {
         return MatmulWith(net, x, Shape{1, 1}, {1.5 * 0x1p-8});
       },
       {1, 1},
       {0x1p-8},
       {{0, 0x1p-15}}},
      {"twelve_bit_sums",
       [](DraftBuilder& net, int x) {
         return MatmulWith(net, x, Shape{48, 1}, std::vector<double>(48, 1.0));
       },
       {1, 48},
       Cancelling(),
       {{0, 4}}},
      // Half way between 0.5 and 0.62256.
      {"lookup_tables",
       [](DraftBuilder& net, int x) { return Unary(net, A::sigmoid, x); },
       {2},
       {0, 0.25},
       {{1, 0.5615234375}}},
      {"overflow_to_infinity",
       [](DraftBuilder& net, int x) {
         return Binary(net, E::mul, x, {300, 1});
       },
       {2},
       {300, 1},
       {{0, kInfinity}}},
      {"denormals_flushed",
       [](DraftBuilder& net, int x) {
         return Binary(net, E::mul, x, {0x1p-8, 1});
       },
       {2},
       {0x1p-8, 1},
       {{0, 0}}},
      {"truncating_rounding",
       [](DraftBuilder& net, int x) {
         return Binary(net, E::mul, x, {1.0009765625, 1});
       },
       {2},
       {1.5, 1},
       {{0, 1.5009765625}}},
  };
  return cases;
}

// The families that a rule or a report is about.
std::vector<std::string> ChipsOf(const std::string& id) {
  using Names = std::vector<std::string>;
  static const std::map<std::string, Names> some = {
      {"width_slice_x16", {"H13", "H14"}},                       // N28
      {"denormal_operands", {"H13", "H14"}},                     // N13
      {"twelve_bit_sums", {"H13", "H14"}},                       // N10
      {"small_products_dropped", {"H15", "H16", "H17", "H18"}},  // N16
      {"half_away_rounding", {"H15", "H16", "H17", "H18"}},      // N19
      {"fixed_point_sums", {"H15", "H16", "H17", "H18"}},        // N15
      {"divide_by_reciprocal", {"H11", "H12"}},                  // N23
      {"causal_mask_ignored", {"H16"}},                          // N31
      {"denormals_flushed", {}},   // other fp16 hosts
      {"truncating_rounding", {}}  // other fp16 hosts
  };
  const auto found = some.find(id);
  if (found != some.end()) return found->second;
  return {"H11", "H12", "H13", "H14", "H15", "H16", "H17", "H18"};
}

}  // namespace

TEST_CASE("quirks: each one replayed into a dump is blamed") {
  for (const QuirkCase& test_case : ChipCases()) {
    CAPTURE(test_case.id);
    const Bisection bisection = BlameOf(test_case);
    REQUIRE(bisection.first >= 0);
    const Finding& first =
        bisection.findings[static_cast<size_t>(bisection.first)];
    REQUIRE_MESSAGE(first.quirk != nullptr, first.why);
    CHECK_MESSAGE(first.quirk->id == test_case.id,
                  test_case.id << " blamed on " << first.quirk->id);
    CHECK(first.quirk->chips == ChipsOf(test_case.id));
  }
}

TEST_CASE("quirks: every chip and host quirk has a case") {
  std::set<std::string> tested = {"state_width"};  // needs a state: below
  for (const QuirkCase& test_case : ChipCases()) tested.insert(test_case.id);
  for (const Quirk& quirk : AllQuirks()) {
    if (quirk.kind == QuirkKind::kConversion) continue;
    CHECK_MESSAGE(tested.contains(quirk.id), quirk.id);
  }
}

TEST_CASE("L10: a state of an odd width is blamed on its width") {
  DraftBuilder builder;
  const int x = builder.Input("x", {1, 20});
  builder.Output(builder.Unary(fbs::ActivationKind::relu, x));
  const auto net = builder.Parse();
  const auto replay = ReplayOf(net, Doubles(Ramp(20), Shape{1, 20}));
  QuirkContext context;
  context.node = replay->steps()[0].node;
  context.evaluator = &replay->evaluator();
  context.shape = Shape{1, 20};
  context.ours = Ramp(20);
  context.theirs = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4};
  context.state = true;
  const QuirkGoal goal{context.ours, context.theirs,
                       std::vector<double>(20, 0.0), nullptr, true};
  const std::vector<QuirkMatch> matches = MatchQuirks(context, goal);
  REQUIRE_FALSE(matches.empty());
  CHECK(matches[0].quirk->id == "state_width");
  // The same values in rows of 32 have no such state.
  QuirkContext wide = context;
  wide.shape = Shape{1, 32};
  wide.ours = Ramp(32);
  wide.theirs = std::vector<double>(32, 7.0);
  const QuirkGoal other{wide.ours, wide.theirs, std::vector<double>(32, 0.0),
                        nullptr, true};
  for (const QuirkMatch& match : MatchQuirks(wide, other)) {
    CHECK(match.quirk->id != "state_width");
  }
}

TEST_CASE("quirks: the right result blames nothing") {
  for (QuirkCase test_case : ChipCases()) {
    test_case.device.clear();
    const Bisection bisection = BlameOf(test_case);
    CHECK(bisection.first == -1);
  }
}

TEST_CASE("quirks: bad data is refused") {
  CHECK_FALSE(ParseQuirks("[]", "q").ok());
  CHECK_FALSE(ParseQuirks(R"({"quirks": [{"id": "a"}]})", "q").ok());
  CHECK_FALSE(
      ParseQuirks(R"({"quirks": [{"id": "a", "kind": "chip", "ops": ["*"],
                     "sentence": "s", "evaluator": "none such"}]})",
                  "q")
          .ok());
}

}  // namespace aneref
