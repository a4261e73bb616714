// What a bisection makes of a dump as a whole: which op is first, what is
// inherited, whose arithmetic it follows. The library of causes:
// quirks_test.cc.
#include "runtime/explain/bisect.h"

#include <doctest/doctest.h>

#include "tests/explain/quirk_case.h"

namespace aneref {
namespace {

using test::Cancelling;
using test::Doubles;
using test::DraftBuilder;
using test::Engine;
using test::MatmulWith;
using test::ReplayOf;

OwnedTensor Halves(const std::vector<double>& values, const Shape& shape) {
  return *ConvertTensor(Doubles(values, shape), DataType::kFloat16);
}

}  // namespace

TEST_CASE("bisect: an op whose result was not dumped is found behind another") {
  DraftBuilder builder;
  const int x = builder.Input("x", {1, 4});
  const int clipped = builder.Unary(fbs::ActivationKind::relu, x);
  const int sum = builder.Binary(fbs::ElementwiseKind::add, clipped,
                                 builder.Constant(Shape{1}, {1}));
  builder.Output(sum);
  const auto net = builder.Parse();
  const OwnedTensor input = Doubles({-2, -1, 1, 2}, Shape{1, 4});
  // The dump lacks the result of relu, which was left out: x + 1.
  std::map<int32_t, OwnedTensor> dump;
  dump[sum] =
      *ConvertTensor(Doubles({-1, 0, 2, 3}, Shape{1, 4}), DataType::kFloat16);
  const auto replay = ReplayOf(net, input);
  const Bisection bisection = *Bisect(replay.get(), dump, {});
  REQUIRE(bisection.first == 0);
  const Finding& first = bisection.findings[0];
  CHECK(first.op == "add");
  REQUIRE(first.quirk != nullptr);
  CHECK(first.quirk->id == "dropped_op");
  CHECK(first.culprit == "v1");
  CHECK(first.region.size() == 1);
}

TEST_CASE("bisect: errors are not inherited") {
  DraftBuilder builder;
  const int x = builder.Input("x", {1, 2});
  const int first = builder.Unary(fbs::ActivationKind::square, x);
  const int second = builder.Unary(fbs::ActivationKind::neg, first);
  builder.Output(second);
  const auto net = builder.Parse();
  const auto half = [](const std::vector<double>& values) {
    return *ConvertTensor(Doubles(values, Shape{1, 2}), DataType::kFloat16);
  };
  // 3^2 = 9 became 10; what follows is right for 10.
  std::map<int32_t, OwnedTensor> dump;
  dump[first] = half({4, 10});
  dump[second] = half({-4, -10});
  const auto replay = ReplayOf(net, Doubles({2, 3}, Shape{1, 2}));
  const Bisection bisection = *Bisect(replay.get(), dump, {});
  REQUIRE(bisection.findings.size() == 2);
  CHECK(bisection.findings[0].label == Label::kUnexplained);
  CHECK(bisection.findings[1].label == Label::kEqual);
  CHECK(bisection.first == 0);
}

TEST_CASE("P3: a sum in another order is within its bound") {
  DraftBuilder builder;
  const int x = builder.Input("x", {1, 3});
  const int y = MatmulWith(builder, x, Shape{3, 1}, {1, 1, 1});
  builder.Output(y);
  const auto net = builder.Parse();
  // 2048 + 1 + 1 is 2050 exactly; one unit less is rounding, 2000 is not.
  const auto label = [&](double device) {
    std::map<int32_t, OwnedTensor> dump;
    dump[y] =
        *ConvertTensor(Doubles({device}, Shape{1, 1}), DataType::kFloat16);
    const auto replay = ReplayOf(net, Doubles({2048, 1, 1}, Shape{1, 3}));
    return Bisect(replay.get(), dump, {})->findings[0].label;
  };
  CHECK(label(2050) == Label::kEqual);
  CHECK(label(2048) == Label::kRounding);
  CHECK(label(2000) == Label::kUnexplained);
}

TEST_CASE("bisect: an op that goes on with the right value is not blamed") {
  DraftBuilder builder;
  const int x = builder.Input("x", {1, 3});
  const int first = builder.Unary(fbs::ActivationKind::relu, x);
  const int second = builder.Unary(fbs::ActivationKind::neg, first);
  builder.Output(second);
  const auto net = builder.Parse();
  // 3 became 4 in the dump of the first op, but the second one had 3.
  std::map<int32_t, OwnedTensor> dump;
  dump[first] = Halves({2, 4, 5}, Shape{1, 3});
  dump[second] = Halves({-2, -3, -5}, Shape{1, 3});
  const auto replay = ReplayOf(net, Doubles({2, 3, 5}, Shape{1, 3}));
  const Bisection bisection = *Bisect(replay.get(), dump, {});
  REQUIRE(bisection.findings.size() == 2);
  CHECK(bisection.first == 0);
  CHECK(bisection.findings[0].label == Label::kUnexplained);
  CHECK(bisection.findings[0].only_dumped);
  CHECK(bisection.findings[1].label == Label::kEcho);
  CHECK(bisection.findings[1].outside == 0);
}

TEST_CASE("N10: a dump in an engine's arithmetic is held against that") {
  DraftBuilder builder;
  const int x = builder.Input("x", {1, 48});
  const int sum =
      MatmulWith(builder, x, Shape{48, 1}, std::vector<double>(48, 1.0));
  const int twice =
      MatmulWith(builder, x, Shape{48, 1}, std::vector<double>(48, 2.0));
  const int next = builder.Unary(fbs::ActivationKind::relu, sum);
  builder.Output(twice);
  builder.Output(next);
  const auto net = builder.Parse();
  const auto replay = ReplayOf(net, Doubles(Cancelling(), Shape{1, 48}));
  BisectOptions options;
  options.h13 = Engine("h13");
  options.h16 = Engine("h16");
  // The sums are 16 and 32 by the definition and 4 and 8 on an M1; 5 is wrong
  // on both.
  std::map<int32_t, OwnedTensor> dump;
  dump[sum] = Halves({4}, Shape{1, 1});
  dump[twice] = Halves({8}, Shape{1, 1});
  dump[next] = Halves({5}, Shape{1, 1});
  const Bisection bisection = *Bisect(replay.get(), dump, options);
  CHECK(bisection.follows == "h13");
  REQUIRE(bisection.findings.size() == 3);
  CHECK(bisection.findings[0].engine);
  CHECK(bisection.findings[1].engine);
  CHECK(bisection.findings[0].label == Label::kRule);
  CHECK(IsHarmless(bisection.findings[0]));
  CHECK(bisection.first == 2);
  CHECK(bisection.findings[2].label == Label::kUnexplained);
}

}  // namespace aneref
