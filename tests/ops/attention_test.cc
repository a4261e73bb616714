// Attention: hand-worked rows of one feature, every option, the order of P20,
// hostile nodes.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/op_runner.h"

namespace aneref {
namespace {

using test::Absent;
using test::Float;
using test::Half;
using test::Ints;
using test::Make;
using test::RunOp;
using test::RunResult;
using test::TestTensor;
using List = std::vector<double>;

constexpr double kInf = HUGE_VAL;

List Output(const RunResult& result, size_t i = 0) {
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[i].Values();
}

RunResult Attend(const fbs::AttentionT& attributes,
                 const std::vector<TestTensor>& inputs, size_t outputs = 1) {
  return RunOp(attention_op, attributes, inputs, outputs);
}

// One head of one feature per step.
TestTensor Steps(const List& values) {
  return Float({1, 1, static_cast<int64_t>(values.size()), 1}, values);
}

TEST_CASE("P20: equal scores average the values") {
  CHECK_EQ(Output(Attend({}, {Steps({1, 1}), Steps({0, 0}), Steps({1, 4})})),
           List{2.5, 2.5});
}

TEST_CASE("P20: the root of the scale multiplies q and k") {
  fbs::AttentionT attributes;
  attributes.scale = 4;
  // (3 * 2) * (5 * 2) and (3 * 2) * (7 * 2).
  const auto result = Attend(
      attributes, {Steps({3}), Steps({5, 7}), Steps({1, 1}), Absent()}, 4);
  CHECK_EQ(Output(result, 3), List{60, 84});
  // Four features: the default is 1/2, its root in fp32 is 0x1.6a09e6p-1, too
  // small by 0.41 * 2^-25, so the square is 1/2 - 0.57 * 2^-25.
  const auto plain =
      Attend({},
             {Float({1, 1, 1, 4}, {1, 0, 0, 0}),
              Float({1, 1, 1, 4}, {1, 0, 0, 0}), Float({1, 1, 1, 1}, {1})},
             4);
  CHECK_EQ(Output(plain, 3), List{0x1.fffffep-2});
}

TEST_CASE("P20: hidden keys have no effect whatever they hold") {
  const TestTensor mask = Make(DataType::kBool, {1, 3}, {1, 0, 1});
  const auto result =
      Attend({}, {Steps({1}), Steps({0, NAN, 0}), Steps({1, NAN, 4}), mask}, 4);
  CHECK_EQ(Output(result), List{2.5});
}

TEST_CASE("P20: a row that sees nothing is zero") {
  fbs::AttentionT attributes;
  attributes.product_mode = 3;
  for (const TestTensor& mask : {Make(DataType::kBool, {2, 2}, {0, 0, 1, 1}),
                                 Float({2, 2}, {-kInf, -kInf, 0, 0})}) {
    const auto result = Attend(
        attributes, {Steps({1, 1}), Steps({0, 0}), Steps({1, 4}), mask}, 4);
    CHECK_EQ(Output(result), List{0, 2.5});
    CHECK_EQ(Output(result, 3), List{0, 0, 0.5, 0.5});
  }
}

TEST_CASE("P20: results of fp16 operands are rounded once") {
  // 2048 + 1 is 2049 in fp32; output 3 rounds it to even.
  fbs::AttentionT attributes;
  attributes.scale = 1;
  const auto result =
      Attend(attributes,
             {Half({1, 1, 1, 2}, {1, 1}), Half({1, 1, 1, 2}, {2048, 1}),
              Half({1, 1, 1, 1}, {3})},
             4);
  CHECK_EQ(Output(result, 3), List{2048});
  CHECK_EQ(Output(result), List{3});
}

TEST_CASE("attention: a mask that is short hides the keys behind it") {
  const auto result = Attend({}, {Steps({1}), Steps({0, 0, 0}),
                                  Steps({1, 4, 100}), Float({1, 2}, {0, 0})});
  CHECK_EQ(Output(result), List{2.5});
}

TEST_CASE("attention: causal queries see keys up to their own place") {
  fbs::AttentionT attributes;
  attributes.is_causal = true;
  const auto result = Attend(
      attributes, {Steps({1, 1, 1}), Steps({0, 0, 0}), Steps({1, 3, 8})});
  CHECK_EQ(Output(result), List{1, 2, 4});
}

TEST_CASE("attention: past keys move the place of the queries") {
  fbs::AttentionT attributes;
  attributes.is_causal = true;
  const auto result = Attend(attributes,
                             {Steps({1, 1}), Steps({0, 0}), Steps({3, 8}),
                              Absent(), Steps({0}), Steps({1})},
                             3);
  CHECK_EQ(Output(result), List{2, 4});
  CHECK_EQ(Output(result, 1), List{0, 0, 0});
  CHECK_EQ(Output(result, 2), List{1, 3, 8});
}

TEST_CASE("attention: the number of valid keys hides the others") {
  const std::vector<TestTensor> inputs = {
      Steps({1, 1}), Steps({0, 0, 0}), Steps({1, 3, 8}), Absent(),
      Absent(),      Absent(),         Ints({1}, {2})};
  CHECK_EQ(Output(Attend({}, inputs)), List{2, 2});
  fbs::AttentionT attributes;
  attributes.is_causal = true;
  // Offset 2 - 2 = 0.
  CHECK_EQ(Output(Attend(attributes, inputs)), List{1, 2});
  std::vector<TestTensor> one = inputs;
  one[6] = Ints({1}, {1});
  // Offset -1: the first query sees nothing.
  CHECK_EQ(Output(Attend(attributes, one)), List{0, 1});
  one[6] = Ints({1}, {4});
  CHECK_EQ(Attend(attributes, one).status.code(), StatusCode::kInvalidArgument);
}

TEST_CASE("attention: windows bound the distance on both sides") {
  fbs::AttentionT attributes;
  attributes.left_window = 1;
  attributes.right_window = 0;
  const std::vector<TestTensor> inputs = {Steps({1, 1, 1}), Steps({0, 0, 0}),
                                          Steps({1, 3, 9})};
  CHECK_EQ(Output(Attend(attributes, inputs)), List{1, 2, 6});
  attributes.left_window = 0;
  attributes.right_window = 1;
  CHECK_EQ(Output(Attend(attributes, inputs)), List{2, 6, 9});
}

TEST_CASE("attention: product modes follow softcap and mask and softmax") {
  fbs::AttentionT attributes;
  attributes.scale = 1;
  attributes.softcap = 2;
  const std::vector<TestTensor> inputs = {Steps({1}), Steps({0, 100}),
                                          Steps({1, 3}), Float({1, 2}, {2, 0})};
  // tanh(50) = 1: capped to 2, and the mask adds 2 to the other.
  const List expected[] = {{0, 100}, {0, 2}, {2, 2}, {0.5, 0.5}};
  for (int mode = 0; mode < 4; ++mode) {
    attributes.product_mode = mode;
    const auto result = Attend(attributes, inputs, 4);
    CHECK_EQ(Output(result, 3), expected[mode]);
    CHECK_EQ(Output(result), List{2});
  }
}

TEST_CASE("attention: each key head serves consecutive query heads") {
  // Two key heads with values 1 and 5, four query heads.
  const auto result =
      Attend({}, {Float({1, 4, 1, 1}, {1, 1, 1, 1}),
                  Float({1, 2, 1, 1}, {0, 0}), Float({1, 2, 1, 1}, {1, 5})});
  CHECK_EQ(Output(result), List{1, 1, 5, 5});
}

TEST_CASE("attention: rank 3 holds the heads in the last axis") {
  fbs::AttentionT attributes;
  attributes.q_heads = 2;
  attributes.kv_heads = 2;
  // Two steps, two heads of one feature for keys and of two for values.
  const auto result =
      Attend(attributes,
             {Float({1, 2, 2}, {1, 1, 1, 1}), Float({1, 2, 2}, {0, 0, 0, 0}),
              Float({1, 2, 4}, {1, 2, 10, 20, 3, 4, 30, 40})},
             3);
  CHECK_EQ(result.outputs[0].type.shape, Shape{1, 2, 4});
  CHECK_EQ(Output(result), List{2, 3, 20, 30, 2, 3, 20, 30});
  CHECK_EQ(result.outputs[2].type.shape, Shape{1, 2, 2, 2});
  CHECK_EQ(Output(result, 2), List{1, 2, 3, 4, 10, 20, 30, 40});
}

TEST_CASE("attention: masks broadcast over batch and heads") {
  const auto x = test::Random(DataType::kFloat16, {2, 2, 3, 5}, 1);
  const auto k = test::Random(DataType::kFloat16, {2, 2, 4, 5}, 2);
  const auto v = test::Random(DataType::kFloat16, {2, 2, 4, 19}, 3);
  // The same four columns for every query, item and head.
  const List row = {0, -1, 2, -kInf};
  List all;
  for (int i = 0; i < 12; ++i) all.insert(all.end(), row.begin(), row.end());
  const List expected = Output(Attend({}, {x, k, v, Half({2, 2, 3, 4}, all)}));
  for (const Shape& shape :
       {Shape{4}, Shape{1, 4}, Shape{1, 1, 4}, Shape{1, 1, 1, 4}})
    CHECK_EQ(Output(Attend({}, {x, k, v, Half(shape, row)})), expected);
  all.resize(8);
  CHECK_EQ(Output(Attend({}, {x, k, v, Half({2, 1, 1, 4}, all)})), expected);
}

TEST_CASE("attention: hostile nodes are refused") {
  const TestTensor q = Steps({1, 1}), k = Steps({0, 0, 0});
  const auto fails = [](const fbs::AttentionT& attributes,
                        const std::vector<TestTensor>& inputs,
                        size_t outputs = 1) {
    return !Attend(attributes, inputs, outputs).status.ok();
  };
  CHECK_FALSE(fails({}, {q, k, k}));
  CHECK(fails({}, {q, k}));
  CHECK(fails({}, {q, k, k}, 5));
  CHECK(fails({}, {q, k, q}));
  CHECK(fails({}, {Float({1, 2}, {1, 1}), k, k}));
  CHECK(fails({}, {Float({1, 2, 1}, {1, 1}), k, k}));  // no number of heads
  CHECK(fails({}, {Float({1, 3, 1, 1}, {1, 1, 1}), Float({1, 2, 1, 1}, {0, 0}),
                   Float({1, 2, 1, 1}, {0, 0})}));
  CHECK(fails({}, {Float({1, 1, 1, 0}, {}), Float({1, 1, 1, 0}, {}), q}));
  CHECK(fails({}, {Ints({1, 1, 1, 1}, {1}), k, k}));
  CHECK(fails({}, {q, k, k, Float({1, 4}, {0, 0, 0, 0})}));
  CHECK(fails({}, {q, k, k, Float({3, 3}, List(9))}));
  CHECK(fails({}, {q, k, k, Ints({1, 3}, {1, 1, 1})}));
  CHECK(fails({}, {q, k, k, Absent(), k}));
  CHECK(fails({}, {q, k, k, Absent(), k, q}));
  CHECK(fails({}, {q, k, k, Absent(), k, k, Ints({1}, {1})}));
  CHECK(fails({}, {q, k, k, Absent(), Absent(), Absent(), Ints({2}, {1, 1})}));
  CHECK(fails({}, {q, k, k, Absent(), Absent(), Absent(), Float({1}, {1})}));
  fbs::AttentionT bad;
  bad.scale = -1;
  CHECK(fails(bad, {q, k, k}));
  bad = {};
  bad.softcap = NAN;
  CHECK(fails(bad, {q, k, k}));
  bad = {};
  bad.product_mode = 4;
  CHECK(fails(bad, {q, k, k}));
  bad = {};
  bad.left_window = -2;
  CHECK(fails(bad, {q, k, k}));
}

}  // namespace
}  // namespace aneref
