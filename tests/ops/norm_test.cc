// Normalisations: hand-worked values of every kind and attribute, the roundings
// of P11, ragged widths, hostile nodes.
#include "ops/kernels/norm.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/op_runner.h"

namespace aneref {
namespace {

using test::Absent;
using test::Float;
using test::Half;
using test::Ints;
using test::RunOp;
using test::RunResult;
using test::TestTensor;
using Kind = fbs::NormKind;
using List = std::vector<double>;

fbs::NormT Attributes(Kind kind, float epsilon = 0.0f) {
  fbs::NormT attributes;
  attributes.kind = kind;
  attributes.epsilon = epsilon;
  return attributes;
}

List Norm(const fbs::NormT& attributes, const std::vector<TestTensor>& inputs) {
  const RunResult result = RunOp(norm_op, attributes, inputs);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Values();
}

TEST_CASE("P11: layer normalisation centres and scales") {
  CHECK_EQ(Norm(Attributes(Kind::layer), {Half({2}, {1, 3})}), List{-1, 1});
  // Mean 5, deviation 2, the second row all alike: variance 0 + 4 gives r =
  // 1/2.
  CHECK_EQ(Norm(Attributes(Kind::layer), {Half({1, 4}, {3, 7, 3, 7})}),
           List{-1, 1, -1, 1});
  CHECK_EQ(Norm(Attributes(Kind::layer, 4.0f), {Half({1, 4}, {6, 6, 6, 6})}),
           List{0, 0, 0, 0});
  // Variance 12 and epsilon 4: r = 1/4; d = -2, 2, -4, 4, ... of a mean of 10.
  CHECK_EQ(Norm(Attributes(Kind::layer, 6.0f), {Half({1, 4}, {8, 12, 6, 14})}),
           List{-0.5, 0.5, -1, 1});
  // Scale and bias per element.
  CHECK_EQ(
      Norm(Attributes(Kind::layer), {Half({2, 2}, {1, 3, 7, 5}),
                                     Half({2}, {2, 3}), Half({2}, {10, 20})}),
      List{8, 23, 12, 17});
  CHECK_EQ(Norm(Attributes(Kind::layer),
                {Half({2, 2}, {1, 3, 7, 5}), Half({2}, {2, 3})}),
           List{-2, 3, 2, -3});
  CHECK_EQ(Norm(Attributes(Kind::layer),
                {Half({2, 2}, {1, 3, 7, 5}), Absent(), Half({2}, {10, 20})}),
           List{9, 21, 11, 19});
  // One value for all.
  CHECK_EQ(Norm(Attributes(Kind::layer),
                {Half({2, 2}, {1, 3, 7, 5}), Half({1}, {2}), Float({}, {1})}),
           List{-1, 3, 3, -1});
}

TEST_CASE(
    "P11: the variance is of the differences and each step rounds in fp32") {
  // E[x^2] - E[x]^2 would lose everything: 4096 and 4098 have mean 4097 and
  // differences 1.
  CHECK_EQ(Norm(Attributes(Kind::layer), {Half({2}, {4096, 4100})}),
           List{-1, 1});
  // Three elements 0, 0, 3: mean 1, variance fl(6/3) = 2, r = fl(1 / fl(sqrt
  // 2)) = fl(1 / 0x1.6a09e6p0) = 0x1.6a09e6p-1, where fl(1 / sqrt 2) is
  // 0x1.6a09e6p-1, too; d is -1, -1, 2.
  CHECK_EQ(Norm(Attributes(Kind::layer), {Float({3}, {0, 0, 3})}),
           List{-0x1.6a09e6p-1, -0x1.6a09e6p-1, 0x1.6a09e6p+0});
}

TEST_CASE("norm: layer normalisation over several axes and its moments") {
  fbs::NormT attributes = Attributes(Kind::layer);
  attributes.axis = 1;
  const RunResult result =
      RunOp(norm_op, attributes,
            {Half({2, 2, 2}, {1, 3, 1, 3, 10, 18, 10, 18}),
             Half({2, 2}, {1, 2, 3, 4}), Half({2, 2}, {0, 0, 0, 1})},
            3);
  REQUIRE(result.status.ok());
  CHECK_EQ(result.outputs[0].Values(), List{-1, 2, -3, 5, -1, 2, -3, 5});
  CHECK(result.outputs[1].type.shape == Shape{2, 1, 1});
  CHECK_EQ(result.outputs[1].Values(), List{2, 14});
  CHECK_EQ(result.outputs[2].Values(), List{1, 0.25});
  // A scale that broadcasts over the first normalised axis.
  CHECK_EQ(Norm(attributes, {Half({1, 2, 2}, {1, 3, 1, 3}), Half({2}, {1, 2})}),
           List{-1, 2, -1, 2});
  CHECK_EQ(
      Norm(attributes, {Half({1, 2, 2}, {1, 3, 1, 3}), Half({2, 1}, {1, 2})}),
      List{-1, 1, -2, 2});
}

TEST_CASE("P11: RMS normalisation keeps the mean") {
  // The mean square of 0, 0, 0, 4 is 4, of 2, 2, 2, 2 also.
  CHECK_EQ(
      Norm(Attributes(Kind::rms), {Float({2, 4}, {0, 0, 0, 4, 2, 2, -2, 2}),
                                   Float({4}, {1, 1, 2, 3})}),
      List{0, 0, 0, 6, 1, 1, -2, 3});
  CHECK_EQ(Norm(Attributes(Kind::rms, 7.0f), {Half({1, 2}, {3, 3})}),
           List{0.75, 0.75});
}

TEST_CASE("P11: instance normalisation") {
  CHECK_EQ(Norm(Attributes(Kind::instance),
                {Half({1, 2, 2, 2}, {1, 3, 1, 3, 10, 18, 10, 18}),
                 Half({2}, {2, 3}), Half({2}, {1, -1})}),
           List{-1, 3, -1, 3, -4, 2, -4, 2});
  CHECK_EQ(Norm(Attributes(Kind::instance), {Half({2, 1, 2}, {1, 3, 10, 18}),
                                             Half({1}, {2}), Half({1}, {1})}),
           List{-1, 3, -1, 3});
  CHECK_EQ(Norm(Attributes(Kind::instance, 9.0f), {Half({1, 1, 2}, {0, 8})}),
           List{-0.7998046875, 0.7998046875});
}

TEST_CASE("P11: group normalisation with scales per channel and per group") {
  fbs::NormT attributes = Attributes(Kind::group);
  attributes.groups = 2;
  const TestTensor x = Half({1, 4, 1, 2}, {1, 3, 1, 3, 10, 18, 18, 10});
  CHECK_EQ(
      Norm(attributes, {x, Half({4}, {1, 2, 3, 4}), Half({4}, {0, 0, 0, 1})}),
      List{-1, 1, -2, 2, -3, 3, 5, -3});
  attributes.per_group_scale = true;
  CHECK_EQ(Norm(attributes, {x, Half({2}, {1, 2}), Half({2}, {0, 1})}),
           List{-1, 1, -1, 1, -1, 3, 3, -1});
  CHECK_EQ(Norm(attributes, {Half({1, 4}, {1, 3, 18, 10}), Half({2}, {1, 2}),
                             Half({2}, {0, 1})}),
           List{-1, 1, 3, -1});
  attributes.groups = 1;
  attributes.per_group_scale = false;
  CHECK_EQ(Norm(attributes, {Half({2, 2, 1}, {1, 3, 10, 18}), Half({2}, {1, 2}),
                             Half({2}, {0, 1})}),
           List{-1, 3, -1, 3});
}

TEST_CASE("P11: batch normalisation folds its statistics") {
  // a = 6 / sqrt(4) = 3, b = 1 - 2 * 3 = -5; a = 1 / sqrt(16), b = 0 - 8 / 4.
  const std::vector<TestTensor> parameters = {
      Half({2}, {6, 1}), Half({2}, {1, 0}), Half({2}, {2, 8}),
      Half({2}, {4, 16})};
  const auto run = [&](const TestTensor& x) {
    return Norm(Attributes(Kind::batch), {x, parameters[0], parameters[1],
                                          parameters[2], parameters[3]});
  };
  CHECK_EQ(run(Half({1, 2, 1, 3}, {1, 2, 3, 8, 12, 0})),
           List{-2, 1, 4, 0, 1, -2});
  CHECK_EQ(run(Half({2, 2, 1}, {1, 8, 2, 12})), List{-2, 0, 1, 1});
  CHECK_EQ(run(Half({2, 2}, {1, 8, 2, 12})), List{-2, 0, 1, 1});
  CHECK_EQ(run(Half({0, 2, 3}, {})), List{});
  // Rank 1: one channel.
  CHECK_EQ(Norm(Attributes(Kind::batch),
                {Half({3}, {1, 2, 3}), Half({1}, {6}), Half({1}, {1}),
                 Half({1}, {2}), Half({1}, {4})}),
           List{-2, 1, 4});
  // x * a is rounded before b is added: (1 + 2^-12) * (1 + 2^-12) loses its
  // 2^-24.
  CHECK_EQ(Norm(Attributes(Kind::batch),
                {Float({1, 1, 1}, {1 + 0x1p-12}), Float({1}, {1 + 0x1p-12}),
                 Float({1}, {-1}), Float({1}, {0}), Float({1}, {1})}),
           List{0x1p-11});
}

TEST_CASE("norm: Lp along an axis") {
  fbs::NormT attributes = Attributes(Kind::lp);
  CHECK_EQ(Norm(attributes, {Half({2, 2}, {3, 4, 0, 0})}),
           List{0.60009765625, 0.7998046875, 0, 0});
  attributes.axis = 0;
  CHECK_EQ(Norm(attributes, {Float({2, 2}, {3, 0, 4, 2})}),
           List{0x1.333334p-1, 0, 0x1.99999ap-1, 1});
  attributes.p = 1;
  CHECK_EQ(Norm(attributes, {Half({2, 2}, {-3, 0, 1, 2})}),
           List{-0.75, 0, 0.25, 1});
}

TEST_CASE("norm: across channels divides alpha by the size") {
  fbs::NormT attributes = Attributes(Kind::lrn);
  attributes.size = 3;
  attributes.alpha = 3;
  attributes.beta = 0.5;
  attributes.k = 4;
  // Sums of squares 4 + 16 = 20, 4 + 16 + 25 = 45, 16 + 25 = 41, plus 4: roots
  // of 24, 49, 45.
  CHECK_EQ(Norm(attributes, {Float({1, 3, 1, 1}, {2, 4, 5})}),
           List{0x1.a20bd6p-2, 0x1.24924ap-1, 0x1.7d9f4ep-1});
  // An even size reaches further up: channel 0 sees 0 and 1, channel 1 sees 1
  // alone.
  attributes.size = 2;
  attributes.alpha = 2;
  attributes.beta = 1;
  attributes.k = 0;
  CHECK_EQ(Norm(attributes, {Half({1, 2, 1}, {2, 4})}),
           List{0.0999755859375, 0.25});
  attributes.size = 1000000000;
  attributes.alpha = 1e9f;
  CHECK_EQ(Norm(attributes, {Half({1, 2}, {2, 2})}), List{0.25, 0.25});
}

TEST_CASE("P11: the quick power of LRN is the slow one") {
  CHECK_EQ(FastLrnPower(16.0f, 0.75f), 8.0f);
  CHECK_EQ(FastLrnPower(0.0f, 0.75f), 0.0f);
  CHECK_FALSE(std::signbit(FastLrnPower(-0.0f, 0.75f)));
  CHECK(std::isnan(FastLrnPower(-1.0f, 0.75f)));
  CHECK_EQ(FastLrnPower(HUGE_VALF, 0.75f), HUGE_VALF);
  // Not an expectation of values, but of agreement: 200000 bases over the whole
  // range.
  uint32_t bits = 1;
  size_t differing = 0;
  for (int i = 0; i < 200000; ++i, bits += 10691u) {
    float base = 0;
    std::memcpy(&base, &bits, 4);
    if (base == base && base >= 0.0f &&
        FastLrnPower(base, 0.75f) != LrnPower(base, 0.75f))
      ++differing;
    const float near_one = 1.0f + static_cast<float>(i) * 0x1p-16f;
    if (FastLrnPower(near_one, 0.75f) != LrnPower(near_one, 0.75f)) ++differing;
  }
  CHECK_EQ(differing, 0);
}

TEST_CASE("norm: mean and variance over chosen axes") {
  fbs::NormT attributes = Attributes(Kind::mean_variance, 1.0f);
  attributes.axes = {0, 2};
  // Channel 0 is 1, 3, 1, 3 (deviation 1, plus epsilon 2), channel 1 is 0, 6,
  // 0, 6 (3 + 1).
  CHECK_EQ(Norm(attributes, {Half({2, 2, 2}, {1, 3, 0, 6, 1, 3, 0, 6})}),
           List{-0.5, 0.5, -0.75, 0.75, -0.5, 0.5, -0.75, 0.75});
  attributes.axes = {};
  CHECK_EQ(Norm(attributes, {Half({2, 1, 1, 1}, {1, 3})}), List{-0.5, 0.5});
}

TEST_CASE("P15: NaN and infinities stay in their group") {
  const RunResult result = RunOp(norm_op, Attributes(Kind::layer, 1e-5f),
                                 {Half({2, 2}, {NAN, 1, 1, 3})});
  CHECK_EQ(result.outputs[0].Bits()[0], 0x7E00);
  CHECK_EQ(result.outputs[0].Bits()[1], 0x7E00);
  CHECK_EQ(result.outputs[0].Values()[3], 1);
  CHECK(std::isnan(
      Norm(Attributes(Kind::rms), {Half({1, 2}, {HUGE_VAL, 1})})[0]));
}

TEST_CASE("P11: ragged widths agree on all rungs") {
  uint32_t seed = 1;
  for (int64_t width : {1, 7, 15, 16, 17, 33, 65, 1100}) {
    for (DataType type : {DataType::kFloat16, DataType::kFloat32}) {
      const TestTensor x =
          test::Random(type, {2, 6, 3, width}, ++seed, width == 33);
      const auto vector = [&](const Shape& shape) {
        return test::Random(type, shape, ++seed);
      };
      fbs::NormT attributes = Attributes(Kind::layer, 1e-3f);
      for (Kind kind : {Kind::layer, Kind::rms}) {
        attributes.kind = kind;
        attributes.axis = -1;
        CHECK(RunOp(norm_op, attributes, {x, vector({width}), vector({width})})
                  .status.ok());
        CHECK(RunOp(norm_op, attributes, {x}).status.ok());
        attributes.axis = 2;
        CHECK(RunOp(norm_op, attributes, {x, vector({3, width})}).status.ok());
        CHECK(RunOp(norm_op, attributes, {x, vector({width}), vector({3, 1})})
                  .status.ok());
      }
      CHECK(RunOp(norm_op, Attributes(Kind::instance, 1e-3f),
                  {x, vector({6}), vector({6})})
                .status.ok());
      attributes = Attributes(Kind::group, 1e-3f);
      for (int groups : {1, 2, 6}) {
        attributes.groups = groups;
        attributes.per_group_scale = groups == 2;
        const Shape shape = {groups == 2 ? 2 : 6};
        CHECK(RunOp(norm_op, attributes, {x, vector(shape), vector(shape)})
                  .status.ok());
      }
      attributes = Attributes(Kind::lrn);
      attributes.size = 5;
      CHECK(RunOp(norm_op, attributes, {x}).status.ok());
      attributes = Attributes(Kind::batch, 1e-3f);
      const TestTensor line = test::Random(type, {5, width}, ++seed);
      CHECK(RunOp(norm_op, attributes,
                  {x, vector({6}), vector({6}), vector({6}), vector({6})})
                .status.ok());
      const Shape columns = {width};
      CHECK(RunOp(norm_op, attributes,
                  {line, vector(columns), vector(columns), vector(columns),
                   vector(columns)})
                .status.ok());
    }
  }
}

TEST_CASE("P11: groups of several blocks agree on all rungs") {
  for (DataType type : {DataType::kFloat16, DataType::kFloat32}) {
    const TestTensor x = test::Random(type, {1, 2, 70, 130}, 5);
    const TestTensor vector = test::Random(type, {2}, 6);
    CHECK(RunOp(norm_op, Attributes(Kind::instance, 1e-3f), {x, vector, vector})
              .status.ok());
  }
}

TEST_CASE("norm: refuses what makes no sense") {
  const TestTensor x = Half({1, 4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const TestTensor four = Half({4}, {1, 2, 3, 4});
  const auto code = [](const fbs::NormT& attributes,
                       const std::vector<TestTensor>& inputs,
                       size_t outputs = 1) {
    return RunOp(norm_op, attributes, inputs, outputs).status.code();
  };
  fbs::NormT attributes = Attributes(Kind::layer);
  attributes.axis = 3;
  CHECK(code(attributes, {x}) == StatusCode::kShape);
  attributes.axis = -1;
  CHECK(code(attributes, {x, four}) == StatusCode::kShape);
  CHECK(code(attributes, {x, Half({1, 1, 1, 2}, {1, 2})}) ==
        StatusCode::kShape);
  CHECK(code(attributes, {x}, 4) == StatusCode::kShape);
  CHECK(code(attributes, {Half({}, {1})}) == StatusCode::kShape);
  CHECK(code(attributes, {Ints({2}, {1, 2})}) == StatusCode::kUnsupported);
  CHECK(code(attributes, {x, Ints({2}, {1, 2})}) == StatusCode::kShape);
  CHECK(code(Attributes(Kind::batch), {x, four, four, four}) ==
        StatusCode::kShape);
  CHECK(code(Attributes(Kind::batch), {x, four, four, four, Half({1}, {1})}) ==
        StatusCode::kShape);
  CHECK(code(Attributes(Kind::instance),
             {Half({1, 4}, {1, 2, 3, 4}), four, four}) == StatusCode::kShape);
  attributes = Attributes(Kind::group);
  for (int groups : {0, -1, 3, 5}) {
    attributes.groups = groups;
    CHECK(code(attributes, {x, four, four}) == StatusCode::kShape);
  }
  attributes = Attributes(Kind::lrn);
  attributes.size = 0;
  CHECK(code(attributes, {x}) == StatusCode::kShape);
  attributes = Attributes(Kind::lp);
  attributes.p = 3;
  CHECK(code(attributes, {x}) == StatusCode::kUnsupported);
  attributes = Attributes(Kind::mean_variance);
  CHECK(code(attributes, {x}) ==
        StatusCode::kShape);  // the axes 0, 2, 3 of a rank of 3
  attributes.axes = {1, 1};
  CHECK(code(attributes, {x}) == StatusCode::kShape);
  CHECK(code(Attributes(static_cast<Kind>(99)), {x}) ==
        StatusCode::kUnsupported);
}

}  // namespace
}  // namespace aneref
