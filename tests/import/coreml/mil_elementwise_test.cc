// Element-by-element operations of ML Programs, normalisations and reductions:
// one program per operation, expected values worked out by hand.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/import/coreml/mil_builder.h"

namespace aneref::mil_test {
namespace {

using Values = std::vector<float>;

// One operation of inputs x (and y): its first output.
struct Case {
  std::string type;
  Operands operands;
  std::map<std::string, Tensor> inputs;
  Tensor expected;
  int32_t type_out = mil::kTypeFp32;
  int32_t type_in = mil::kTypeFp32;
};

void Check(const Case& c) {
  CAPTURE(c.type);
  Program program;
  for (const auto& [name, tensor] : c.inputs)
    program.Input(name, tensor.dims, c.type_in);
  program.Op(c.type, c.operands, {{"out", c.expected.dims, c.type_out}});
  program.Returns({"out"});
  const auto outputs = program.Run(c.inputs);
  REQUIRE_MESSAGE(outputs.ok(), outputs.status().message());
  CHECK((*outputs)[0].dims == c.expected.dims);
  const Values& got = (*outputs)[0].values;
  REQUIRE(got.size() == c.expected.values.size());
  for (size_t i = 0; i < got.size(); ++i) {
    CAPTURE(i);
    CHECK(got[i] == doctest::Approx(c.expected.values[i]).epsilon(1e-6));
  }
}

void Unary(const std::string& type, const Values& x, const Values& expected,
           Operands operands = {}) {
  operands.emplace("x", "x");
  const auto n = static_cast<int64_t>(x.size());
  Check({type, operands, {{"x", {{n}, x}}}, {{n}, expected}});
}

TEST_CASE("mil: functions of one operand") {
  Unary("abs", {-2, 0, 3}, {2, 0, 3});
  Unary("acos", {1, -1}, {0, 3.14159265f});
  Unary("acosh", {1, 2}, {0, 1.31695790f});
  Unary("asin", {0, 1}, {0, 1.57079633f});
  Unary("asinh", {0, 1}, {0, 0.881373587f});
  Unary("atan", {0, 1}, {0, 0.785398163f});
  Unary("atanh", {0, 0.5f}, {0, 0.549306144f});
  Unary("ceil", {-1.5f, 1.2f}, {-1, 2});
  Unary("cos", {0, 3.14159265f}, {1, -1});
  Unary("cosh", {0, 1}, {1, 1.54308063f});
  Unary("erf", {0, 1}, {0, 0.842700793f});
  Unary("exp", {0, 1}, {1, 2.71828183f});
  Unary("exp2", {0, 3, -1}, {1, 8, 0.5f});
  Unary("floor", {-1.5f, 1.2f}, {-2, 1});
  Unary("identity", {4, 5}, {4, 5});
  Unary("relu", {-1, 2}, {0, 2});
  Unary("relu6", {-1, 2, 7}, {0, 2, 6});
  Unary("round", {0.5f, 1.5f, 2.5f, -1.5f}, {0, 2, 2, -2});
  Unary("sigmoid", {0, 1}, {0.5f, 0.731058579f});
  Unary("sign", {-3, 0, 4}, {-1, 0, 1});
  Unary("silu", {0, 1}, {0, 0.731058579f});
  Unary("sin", {0, 1.57079633f}, {0, 1});
  Unary("sinh", {0, 1}, {0, 1.17520119f});
  Unary("softplus", {0}, {0.693147181f});
  Unary("softsign", {-1, 3}, {-0.5f, 0.75f});
  Unary("sqrt", {4, 9}, {2, 3});
  Unary("square", {-3, 4}, {9, 16});
  Unary("tan", {0, 0.785398163f}, {0, 1});
  Unary("tanh", {0, 1}, {0, 0.761594156f});
}

TEST_CASE("mil: functions with parameters") {
  Unary("clamped_relu", {-2, 1, 9}, {-1, 1, 6},
        {{"alpha", F(0.5f)}, {"beta", F(6)}});
  Unary("clip", {-2, 1, 9}, {-1, 1, 6}, {{"alpha", F(-1)}, {"beta", F(6)}});
  Unary("elu", {-1, 2}, {-1.26424112f, 2}, {{"alpha", F(2)}});
  Unary("leaky_relu", {-2, 2}, {-0.5f, 2}, {{"alpha", F(0.25f)}});
  Unary("linear_activation", {-2, 2}, {-3, 5},
        {{"alpha", F(2)}, {"beta", F(1)}});
  Unary("scaled_tanh", {0, 2}, {0, 3.04637662f},
        {{"alpha", F(4)}, {"beta", F(0.5f)}});
  Unary("sigmoid_hard", {-9, 0, 9}, {0, 0.5f, 1},
        {{"alpha", F(0.2f)}, {"beta", F(0.5f)}});
  Unary("threshold", {-2, 2}, {-1, 2}, {{"alpha", F(-1)}});
  Unary("thresholded_relu", {0.5f, 1, 2}, {0, 1, 2}, {{"alpha", F(1)}});
  Unary("gelu", {1}, {0.841344746f});
  Unary("gelu", {1}, {0.841191990f}, {{"mode", Text("TANH_APPROXIMATION")}});
  // 1.702: 1 / (1 + exp(-1.702)) = 0.845795...
  Unary("gelu", {1}, {0.845795785f}, {{"mode", Text("SIGMOID_APPROXIMATION")}});
}

TEST_CASE("mil: epsilons of rsqrt inverse and log are inside") {
  Unary("rsqrt", {0.75f}, {1}, {{"epsilon", F(0.25f)}});
  Unary("rsqrt", {4}, {0.5f});
  Unary("inverse", {0.75f}, {1}, {{"epsilon", F(0.25f)}});
  Unary("inverse", {0}, {1e4f});
  Unary("log", {0.75f}, {0}, {{"epsilon", F(0.25f)}});
  Unary("log", {1}, {0});
}

TEST_CASE("mil: per-channel parameters") {
  const Tensor x{{1, 2, 2}, {-2, 4, -6, 8}};
  Check({"prelu",
         {{"x", "x"}, {"alpha", Floats({2}, {0.5f, 0.25f})}},
         {{"x", x}},
         {{1, 2, 2}, {-1, 4, -1.5f, 8}}});
  // 2 ln(1 + exp(0)) and 3 ln(1 + exp(0))
  Check({"softplus_parametric",
         {{"x", "x"},
          {"alpha", Floats({2}, {2, 3})},
          {"beta", Floats({2}, {1, 5})}},
         {{"x", {{1, 2, 1}, {0, 0}}}},
         {{1, 2, 1}, {1.38629436f, 2.07944154f}}});
}

TEST_CASE("mil: softmax over an axis") {
  Check({"softmax",
         {{"x", "x"}, {"axis", I(0)}},
         {{"x", {{2, 1}, {0, 1.09861229f}}}},  // ln 3
         {{2, 1}, {0.25f, 0.75f}}});
}

void BinaryCase(const std::string& type, const Values& x, const Values& y,
                const Values& expected, int32_t out = mil::kTypeFp32,
                int32_t in = mil::kTypeFp32) {
  const auto n = static_cast<int64_t>(x.size());
  const auto m = static_cast<int64_t>(y.size());
  Check({type,
         {{"x", "x"}, {"y", "y"}},
         {{"x", {{n}, x}}, {"y", {{m}, y}}},
         {{n}, expected},
         out,
         in});
}

TEST_CASE("mil: functions of two operands broadcast") {
  BinaryCase("add", {1, 2}, {10}, {11, 12});
  BinaryCase("sub", {1, 2}, {10}, {-9, -8});
  BinaryCase("mul", {1, 2}, {10}, {10, 20});
  BinaryCase("real_div", {1, 2}, {4}, {0.25f, 0.5f});
  BinaryCase("maximum", {1, 20}, {10}, {10, 20});
  BinaryCase("minimum", {1, 20}, {10}, {1, 10});
  BinaryCase("pow", {2, 3}, {2}, {4, 9});
  BinaryCase("floor_div", {7, -7}, {2}, {3, -4});
  BinaryCase("mod", {7, -7}, {3}, {1, 2});
  BinaryCase("floor_div", {7, -7}, {2}, {3, -4}, mil::kTypeInt32,
             mil::kTypeInt32);
  BinaryCase("mod", {7, -7}, {3}, {1, 2}, mil::kTypeInt32, mil::kTypeInt32);
  const auto boolean = mil::kTypeBool;
  BinaryCase("equal", {1, 2}, {2}, {0, 1}, boolean);
  BinaryCase("not_equal", {1, 2}, {2}, {1, 0}, boolean);
  BinaryCase("less", {1, 2}, {2}, {1, 0}, boolean);
  BinaryCase("less_equal", {3, 2}, {2}, {0, 1}, boolean);
  BinaryCase("greater", {3, 2}, {2}, {1, 0}, boolean);
  BinaryCase("greater_equal", {1, 2}, {2}, {0, 1}, boolean);
  BinaryCase("logical_and", {1, 0}, {1}, {1, 0}, boolean, boolean);
  BinaryCase("logical_or", {1, 0}, {0}, {1, 0}, boolean, boolean);
  BinaryCase("logical_xor", {1, 0}, {1}, {0, 1}, boolean, boolean);
}

TEST_CASE("mil: logical_not and select") {
  Check({"logical_not",
         {{"x", "x"}},
         {{"x", {{2}, {1, 0}}}},
         {{2}, {0, 1}},
         mil::kTypeBool,
         mil::kTypeBool});
  Check({"select",
         {{"cond", Bools({2}, {true, false})}, {"a", "x"}, {"b", F(9)}},
         {{"x", {{2}, {1, 2}}}},
         {{2}, {1, 9}}});
}

TEST_CASE("mil: cast truncates toward zero and tests for zero") {
  Check({"cast",
         {{"x", "x"}, {"dtype", Text("int32")}},
         {{"x", {{3}, {-1.7f, 1.7f, 0}}}},
         {{3}, {-1, 1, 0}},
         mil::kTypeInt32});
  Check({"cast",
         {{"x", "x"}, {"dtype", Text("bool")}},
         {{"x", {{3}, {-0.5f, 2, 0}}}},
         {{3}, {1, 1, 0}},
         mil::kTypeBool});
}

void Reduce(const std::string& type, const Values& expected,
            const Values& x = {1, 2, 3, 4}) {
  Check({type,
         {{"x", "x"}, {"axes", Is({1})}, {"keep_dims", B(true)}},
         {{"x", {{2, 2}, x}}},
         {{2, 1}, expected}});
}

TEST_CASE("mil: reductions") {
  Reduce("reduce_sum", {3, 7});
  Reduce("reduce_mean", {1.5f, 3.5f});
  Reduce("reduce_max", {2, 4});
  Reduce("reduce_min", {1, 3});
  Reduce("reduce_prod", {2, 12});
  Reduce("reduce_l1_norm", {3, 7}, {-1, 2, -3, 4});
  Reduce("reduce_l2_norm", {5, 10}, {3, 4, 6, 8});
  Reduce("reduce_sum_square", {5, 25});
  Reduce("reduce_log_sum", {1.09861229f, 1.94591015f});
  Reduce("reduce_log_sum_exp", {0.693147181f, 1.69314718f}, {0, 0, 1, 1});
  Check({"reduce_sum",
         {{"x", "x"}},
         {{"x", {{2, 2}, {1, 2, 3, 4}}}},
         {{}, {10}}});
  Check({"reduce_argmax",
         {{"x", "x"}, {"axis", I(1)}},
         {{"x", {{2, 2}, {1, 2, 4, 3}}}},
         {{2}, {1, 0}},
         mil::kTypeInt32});
  Check({"reduce_argmin",
         {{"x", "x"}, {"axis", I(0)}, {"keep_dims", B(true)}},
         {{"x", {{2, 2}, {1, 4, 2, 3}}}},
         {{1, 2}, {0, 1}},
         mil::kTypeInt32});
  Check({"cumsum",
         {{"x", "x"}, {"exclusive", B(true)}, {"reverse", B(true)}},
         {{"x", {{3}, {1, 2, 4}}}},
         {{3}, {6, 4, 0}}});
}

TEST_CASE("mil: normalisations") {
  Check({"batch_norm",
         {{"x", "x"},
          {"mean", Floats({2}, {1, 2})},
          {"variance", Floats({2}, {3, 8})},
          {"gamma", Floats({2}, {2, 3})},
          {"beta", Floats({2}, {0, 1})},
          {"epsilon", F(1)}},
         {{"x", {{1, 2, 1}, {5, 8}}}},
         {{1, 2, 1}, {4, 7}}});
  Check({"instance_norm",
         {{"x", "x"}, {"epsilon", F(0)}},
         {{"x", {{1, 1, 2}, {1, 3}}}},
         {{1, 1, 2}, {-1, 1}}});
  const Tensor x{{2, 2}, {1, 3, 5, 9}};
  Check({"layer_norm",
         {{"x", "x"},
          {"axes", Is({-1})},
          {"gamma", Floats({2}, {1, 2})},
          {"beta", Floats({2}, {0, 1})},
          {"epsilon", F(0)}},
         {{"x", x}},
         {{2, 2}, {-1, 3, -1, 3}}});
  Check({"layer_norm",
         {{"x", "x"}, {"axes", Is({0})}, {"epsilon", F(0)}},
         {{"x", x}},
         {{2, 2}, {-1, -1, 1, 1}}});
  Check({"l2_norm",
         {{"x", "x"}, {"epsilon", F(0)}},
         {{"x", {{1, 1, 2}, {3, 4}}}},
         {{1, 1, 2}, {0.6f, 0.8f}}});
  // k + alpha / n (sum of squares of the neighbours): 1 + 3/3 (1 + 4) = 6 ...
  Check({"local_response_norm",
         {{"x", "x"},
          {"size", I(3)},
          {"alpha", F(3)},
          {"beta", F(1)},
          {"k", F(1)}},
         {{"x", {{1, 3, 1, 1}, {1, 2, 3}}}},
         {{1, 3, 1, 1}, {1.0f / 6, 2.0f / 15, 3.0f / 14}}});
}

}  // namespace
}  // namespace aneref::mil_test
