// Layers of neural networks that work element by element, each with values
// worked out by hand.
#include "tests/import/coreml/nn_builder.h"

namespace aneref::test {
namespace {

using L = NeuralNetworkLayer;

struct Row {
  const char* name;
  Fill fill;
  std::vector<float> x, y;
};

void CheckRows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const std::vector<int64_t> shape = {static_cast<int64_t>(row.x.size())};
    CheckLayer(row.name, row.fill, {{shape, row.x}}, {{shape, row.y}});
  }
}

void SetAlphaBeta(coreml::AlphaBetaLayer* numbers, float alpha, float beta) {
  numbers->set_alpha(alpha);
  numbers->set_beta(beta);
}

TEST_CASE("coreml layers: activations") {
  CheckRows({
      {"linear",
       [](L& l) {
         SetAlphaBeta(l.mutable_activation()->mutable_linear(), 2, 1);
       },
       {-1, 0, 3},
       {-1, 1, 7}},
      {"linear without numbers is 0",
       [](L& l) { l.mutable_activation()->mutable_linear(); },
       {-1, 2},
       {0, 0}},
      {"ReLU",
       [](L& l) { l.mutable_activation()->mutable_relu(); },
       {-1, 0, 3},
       {0, 0, 3}},
      {"leakyReLU",
       [](L& l) {
         SetAlphaBeta(l.mutable_activation()->mutable_leakyrelu(), 0.25f, 0);
       },
       {-4, 0, 3},
       {-1, 0, 3}},
      {"thresholdedReLU keeps the threshold itself",
       [](L& l) {
         SetAlphaBeta(l.mutable_activation()->mutable_thresholdedrelu(), 2, 0);
       },
       {1, 2, 3, -5},
       {0, 2, 3, 0}},
      {"tanh",
       [](L& l) { l.mutable_activation()->mutable_tanh(); },
       {0, 0.5f},
       {0, 0.46211716f}},
      {"scaledTanh",
       [](L& l) {
         SetAlphaBeta(l.mutable_activation()->mutable_scaledtanh(), 2, 0.5f);
       },
       {0, 1},
       {0, 0.92423431f}},
      {"sigmoid",
       [](L& l) { l.mutable_activation()->mutable_sigmoid(); },
       {0, 1},
       {0.5f, 0.73105858f}},
      {"sigmoidHard",
       [](L& l) {
         SetAlphaBeta(l.mutable_activation()->mutable_sigmoidhard(), 0.25f,
                      0.5f);
       },
       {-4, 1, 4},
       {0, 0.75f, 1}},
      {"ELU",
       [](L& l) { SetAlphaBeta(l.mutable_activation()->mutable_elu(), 2, 0); },
       {-1, 0, 3},
       {-1.26424112f, 0, 3}},
      {"softsign",
       [](L& l) { l.mutable_activation()->mutable_softsign(); },
       {-3, 0, 1},
       {-0.75f, 0, 0.5f}},
      {"softplus",
       [](L& l) { l.mutable_activation()->mutable_softplus(); },
       {0},
       {0.69314718f}},
  });
}

TEST_CASE("coreml layers: activations with a value per channel") {
  const Array x = {{2, 1, 2}, {-1, 2, -2, 4}};
  CheckLayer("PReLU",
             [](L& l) {
               SetFloats(
                   l.mutable_activation()->mutable_prelu()->mutable_alpha(),
                   {0.5f, 0.25f});
             },
             {x}, {{{2, 1, 2}, {-0.5f, 2, -0.5f, 4}}});
  CheckLayer("PReLU of one value",
             [](L& l) {
               SetFloats(
                   l.mutable_activation()->mutable_prelu()->mutable_alpha(),
                   {0.5f});
             },
             {x}, {{{2, 1, 2}, {-0.5f, 2, -1, 4}}});
  // 2 ln(1 + e^0) = 1.38629436, and 3 ln(1 + e^(-1)) = 0.93978506.
  CheckLayer("parametricSoftplus",
             [](L& l) {
               auto* f = l.mutable_activation()->mutable_parametricsoftplus();
               SetFloats(f->mutable_alpha(), {2, 3});
               SetFloats(f->mutable_beta(), {1, -1});
             },
             {{{2, 1, 1}, {0, 1}}}, {{{2, 1, 1}, {1.38629436f, 0.93978506f}}});
}

void SetUnary(L& l, int32_t type, float alpha = 0) {
  l.mutable_unary()->set_type(type);
  l.mutable_unary()->set_alpha(alpha);
}

TEST_CASE("coreml layers: unary functions") {
  CheckRows({
      {"sqrt", [](L& l) { SetUnary(l, 0); }, {4, 9}, {2, 3}},
      {"rsqrt with its epsilon",
       [](L& l) {
         SetUnary(l, 1);
         l.mutable_unary()->set_epsilon(1);
       },
       {3, 15},
       {0.5f, 0.25f}},
      {"inverse of 0 is 1 / 1e-6",
       [](L& l) { SetUnary(l, 2); },
       {0, 1},
       {1e6f, 0.999999f}},
      {"power", [](L& l) { SetUnary(l, 3, 3); }, {2, -1}, {8, -1}},
      {"exp", [](L& l) { SetUnary(l, 4); }, {0, 1}, {1, 2.71828183f}},
      {"log", [](L& l) { SetUnary(l, 5); }, {1, 2}, {0, 0.69314718f}},
      {"abs", [](L& l) { SetUnary(l, 6); }, {-2, 3}, {2, 3}},
      {"threshold", [](L& l) { SetUnary(l, 7, 1); }, {-2, 3}, {1, 3}},
      {"scale and shift come first",
       [](L& l) {
         SetUnary(l, 6);
         l.mutable_unary()->set_scale(2);
         l.mutable_unary()->set_shift(-3);
       },
       {1, 2},
       {1, 1}},
  });
}

TEST_CASE("coreml layers: functions of one operand") {
  CheckRows({
      {"copy", [](L& l) { l.mutable_copy(); }, {1, -2}, {1, -2}},
      {"clip",
       [](L& l) { SetAlphaBeta(l.mutable_clip(), -1, 2); },
       {-3, 0, 5},
       {-1, 0, 2}},
      {"ceil", [](L& l) { l.mutable_ceil(); }, {-1.5f, 1.25f}, {-1, 2}},
      {"floor", [](L& l) { l.mutable_floor(); }, {-1.5f, 1.25f}, {-2, 1}},
      {"sign", [](L& l) { l.mutable_sign(); }, {-3, 0, 2}, {-1, 0, 1}},
      {"round", [](L& l) { l.mutable_round(); }, {-1.25f, 1.75f}, {-1, 2}},
      {"exp2", [](L& l) { l.mutable_exp2(); }, {-1, 3}, {0.5f, 8}},
      {"sin", [](L& l) { l.mutable_sin(); }, {0, 1}, {0, 0.84147098f}},
      {"cos", [](L& l) { l.mutable_cos(); }, {0, 1}, {1, 0.54030231f}},
      {"tan", [](L& l) { l.mutable_tan(); }, {0, 1}, {0, 1.55740772f}},
      {"asin", [](L& l) { l.mutable_asin(); }, {0, 1}, {0, 1.57079633f}},
      {"acos", [](L& l) { l.mutable_acos(); }, {1, 0}, {0, 1.57079633f}},
      {"atan", [](L& l) { l.mutable_atan(); }, {0, 1}, {0, 0.78539816f}},
      {"sinh", [](L& l) { l.mutable_sinh(); }, {0, 1}, {0, 1.17520119f}},
      {"cosh", [](L& l) { l.mutable_cosh(); }, {0, 1}, {1, 1.54308063f}},
      {"tanh", [](L& l) { l.mutable_tanh(); }, {0, 1}, {0, 0.76159416f}},
      {"asinh", [](L& l) { l.mutable_asinh(); }, {0, 1}, {0, 0.88137359f}},
      {"acosh", [](L& l) { l.mutable_acosh(); }, {1, 2}, {0, 1.31695790f}},
      {"atanh", [](L& l) { l.mutable_atanh(); }, {0, 0.5f}, {0, 0.54930614f}},
      {"erf", [](L& l) { l.mutable_erf(); }, {0, 1}, {0, 0.84270079f}},
      {"gelu exact", [](L& l) { l.mutable_gelu(); }, {0, 1}, {0, 0.84134475f}},
      {"gelu tanh",
       [](L& l) { l.mutable_gelu()->set_mode(1); },
       {0, 1},
       {0, 0.84119199f}},
      {"gelu sigmoid",
       [](L& l) { l.mutable_gelu()->set_mode(2); },
       {0, 1},
       {0, 0.84579577f}},
      {"clampedReLU",
       [](L& l) { SetAlphaBeta(l.mutable_clampedrelu(), 0.5f, 6); },
       {-4, 3, 9},
       {-2, 3, 6}},
  });
}

TEST_CASE("coreml layers: old arithmetic with a number or several inputs") {
  const Array a = {{3}, {1, 2, 6}}, b = {{3}, {4, 5, -6}}, c = {{3}, {1, 2, 3}};
  CheckLayer("add a number", [](L& l) { l.mutable_add()->set_alpha(2); }, {a},
             {{{3}, {3, 4, 8}}});
  CheckLayer("add three", [](L& l) { l.mutable_add()->set_alpha(9); },
             {a, b, c}, {{{3}, {6, 9, 3}}});
  CheckLayer("multiply by a number",
             [](L& l) { l.mutable_multiply()->set_alpha(-1); }, {a},
             {{{3}, {-1, -2, -6}}});
  CheckLayer("multiply three", [](L& l) { l.mutable_multiply(); }, {a, b, c},
             {{{3}, {4, 20, -108}}});
  CheckLayer("average", [](L& l) { l.mutable_average(); }, {a, b, c},
             {{{3}, {2, 3, 1}}});
  CheckLayer("max", [](L& l) { l.mutable_max(); }, {a, b, c},
             {{{3}, {4, 5, 6}}});
  CheckLayer("min", [](L& l) { l.mutable_min(); }, {a, b, c},
             {{{3}, {1, 2, -6}}});
}

TEST_CASE("coreml layers: scale and bias along channels and planes") {
  const Array x = {{2, 1, 2}, {1, 2, 3, 4}};
  CheckLayer("scale per channel with a bias of one value",
             [](L& l) {
               auto* p = l.mutable_scale();
               SetList(p->mutable_shapescale(), {2});
               SetFloats(p->mutable_scale(), {10, 100});
               p->set_hasbias(true);
               SetList(p->mutable_shapebias(), {1});
               SetFloats(p->mutable_bias(), {1});
             },
             {x}, {{{2, 1, 2}, {11, 21, 301, 401}}});
  CheckLayer("bias of a plane",
             [](L& l) {
               SetList(l.mutable_bias()->mutable_shape(), {1, 1, 2});
               SetFloats(l.mutable_bias()->mutable_data(), {10, 20});
             },
             {x}, {{{2, 1, 2}, {11, 22, 13, 24}}});
}

TEST_CASE("coreml layers: dot products over the channels") {
  const Array a = {{2, 1, 1}, {3, 4}}, b = {{2, 1, 1}, {4, 3}};
  CheckLayer("dot", [](L& l) { l.mutable_dot(); }, {a, b}, {{{1, 1, 1}, {24}}});
  CheckLayer("cosine", [](L& l) { l.mutable_dot()->set_flag(true); }, {a, b},
             {{{1, 1, 1}, {0.96f}}});
}

TEST_CASE("coreml layers: comparisons give 0 or 1") {
  const Array a = {{3}, {1, 2, 3}}, b = {{1}, {2}};
  const std::vector<std::pair<Fill, std::vector<float>>> rows = {
      {[](L& l) { l.mutable_equal(); }, {0, 1, 0}},
      {[](L& l) { l.mutable_notequal(); }, {1, 0, 1}},
      {[](L& l) { l.mutable_lessthan(); }, {1, 0, 0}},
      {[](L& l) { l.mutable_lessequal(); }, {1, 1, 0}},
      {[](L& l) { l.mutable_greaterthan(); }, {0, 0, 1}},
      {[](L& l) { l.mutable_greaterequal(); }, {0, 1, 1}},
  };
  for (const auto& [fill, want] : rows)
    CheckLayer("two inputs", fill, {a, b}, {{{3}, want}});
  const std::vector<std::pair<Fill, std::vector<float>>> numbers = {
      {[](L& l) { l.mutable_equal()->set_alpha(3); }, {0, 0, 1}},
      {[](L& l) { l.mutable_notequal()->set_alpha(3); }, {1, 1, 0}},
      {[](L& l) { l.mutable_lessthan()->set_beta(3); }, {1, 1, 0}},
      {[](L& l) { l.mutable_lessequal()->set_beta(3); }, {1, 1, 1}},
      {[](L& l) { l.mutable_greaterthan()->set_beta(1); }, {0, 1, 1}},
      {[](L& l) { l.mutable_greaterequal()->set_beta(2); }, {0, 1, 1}},
  };
  for (const auto& [fill, want] : numbers)
    CheckLayer("a number", fill, {a}, {{{3}, want}});
}

TEST_CASE("coreml layers: logic counts everything but 0 as true") {
  const Array a = {{4}, {0, 0, 2, -1}}, b = {{4}, {0, 1, 0, 1}};
  CheckLayer("or", [](L& l) { l.mutable_logicalor(); }, {a, b},
             {{{4}, {0, 1, 1, 1}}});
  CheckLayer("xor", [](L& l) { l.mutable_logicalxor(); }, {a, b},
             {{{4}, {0, 1, 1, 0}}});
  CheckLayer("and", [](L& l) { l.mutable_logicaland(); }, {a, b},
             {{{4}, {0, 0, 0, 1}}});
  CheckLayer("not", [](L& l) { l.mutable_logicalnot(); }, {a},
             {{{4}, {1, 1, 0, 0}}});
  CheckLayer("where", [](L& l) { l.mutable_wherebroadcastable(); },
             {b, a, {{1}, {7}}}, {{{4}, {7, 0, 7, -1}}});
}

TEST_CASE("coreml layers: two operands broadcast") {
  const Array a = {{2, 1}, {7, -7}}, b = {{3}, {1, 2, 4}};
  const std::vector<std::pair<Fill, std::vector<float>>> rows = {
      {[](L& l) { l.mutable_addbroadcastable(); }, {8, 9, 11, -6, -5, -3}},
      {[](L& l) { l.mutable_subtractbroadcastable(); }, {6, 5, 3, -8, -9, -11}},
      {[](L& l) { l.mutable_multiplybroadcastable(); },
       {7, 14, 28, -7, -14, -28}},
      {[](L& l) { l.mutable_dividebroadcastable(); },
       {7, 3.5f, 1.75f, -7, -3.5f, -1.75f}},
      {[](L& l) { l.mutable_floordivbroadcastable(); }, {7, 3, 1, -7, -4, -2}},
      {[](L& l) { l.mutable_modbroadcastable(); }, {0, 1, 3, 0, 1, 1}},
      {[](L& l) { l.mutable_powbroadcastable(); }, {7, 49, 2401, -7, 49, 2401}},
      {[](L& l) { l.mutable_minbroadcastable(); }, {1, 2, 4, -7, -7, -7}},
      {[](L& l) { l.mutable_maxbroadcastable(); }, {7, 7, 7, 1, 2, 4}},
  };
  for (const auto& [fill, want] : rows)
    CheckLayer("broadcast", fill, {a, b}, {{{2, 3}, want}});
}

}  // namespace
}  // namespace aneref::test
