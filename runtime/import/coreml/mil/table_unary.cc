// Operations of one tensor, element by element.
#include <cmath>
#include <limits>

#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

using AK = fbs::ActivationKind;
using EK = fbs::ElementwiseKind;

template <AK kind>
void Plain(Lowering& node) {
  node.EmitOut(Unary(kind), {node.Need("x")});
}

// The kind's alpha and beta are the operands of these names; IR and MIL agree
// on their order.
template <AK kind>
void WithAlpha(Lowering& node) {
  node.EmitOut(Unary(kind, static_cast<double>(node.Float("alpha", 0))),
               {node.Need("x")});
}
template <AK kind>
void WithAlphaBeta(Lowering& node) {
  node.EmitOut(Unary(kind, static_cast<double>(node.Float("alpha", 0)),
                     static_cast<double>(node.Float("beta", 0))),
               {node.Need("x")});
}

// f(x + epsilon): the sum is not rounded on its own.
template <AK kind>
void WithEpsilon(Lowering& node, float epsilon) {
  node.EmitOut(Unary(kind, static_cast<double>(node.Float("epsilon", epsilon))),
               {node.Need("x")});
}
void Rsqrt(Lowering& node) { WithEpsilon<AK::rsqrt>(node, 1e-12f); }
void Inverse(Lowering& node) { WithEpsilon<AK::inverse>(node, 1e-4f); }
void Log(Lowering& node) { WithEpsilon<AK::log>(node, 1e-45f); }

void Gelu(Lowering& node) {
  const std::string mode = node.String("mode", "EXACT");
  const int32_t x = node.Need("x");
  if (mode == "EXACT") return node.EmitOut(Unary(AK::gelu), {x});
  if (mode == "TANH_APPROXIMATION")
    return node.EmitOut(Unary(AK::gelu_tanh), {x});
  if (mode == "SIGMOID_APPROXIMATION")
    return node.EmitOut(Unary(AK::silu, 1.702), {x});
  node.Refuse("with mode \"" + mode + "\"");
}

void Silu(Lowering& node) {
  node.EmitOut(Unary(AK::silu, 1.0), {node.Need("x")});
}

// x where x >= alpha, else 0; the IR's own kind is 0 at alpha.
void ThresholdedRelu(Lowering& node) {
  const int32_t x = node.Need("x");
  const auto alpha = static_cast<double>(node.Float("alpha", 1));
  const int32_t keep = node.Op(EK::greater_equal, x, node.ScalarLike(x, alpha));
  node.EmitOut(fbs::SelectT(), {keep, x, node.ScalarLike(x, 0)});
}

void Threshold(Lowering& node) {
  node.EmitOut(Unary(AK::clip, static_cast<double>(node.Float("alpha", 0)),
                     std::numeric_limits<double>::infinity()),
               {node.Need("x")});
}

void ClampedRelu(Lowering& node) {
  const int32_t leaky = node.EmitTemp(
      Unary(AK::leaky_relu, static_cast<double>(node.Float("alpha", 0))),
      {node.Need("x")});
  node.EmitOut(Unary(AK::clip, -std::numeric_limits<double>::infinity(),
                     static_cast<double>(node.Float("beta", 0))),
               {leaky});
}

void Prelu(Lowering& node) {
  const int32_t x = node.Need("x");
  const int32_t alpha = node.Cast(node.Need("alpha"), node.TypeOf(x));
  node.EmitOut(Binary(EK::prelu),
               {x, node.PerChannel(alpha, node.NeedRank(x))});
}

// alpha_c ln(1 + exp(beta_c x)).
void SoftplusParametric(Lowering& node) {
  const int32_t x = node.Need("x");
  const size_t rank = node.NeedRank(x);
  const auto laid_out = [&](const char* name) {
    return node.PerChannel(node.Cast(node.Need(name), node.TypeOf(x)), rank);
  };
  const int32_t inner = node.Op(EK::mul, x, laid_out("beta"));
  const int32_t soft = node.EmitTemp(Unary(AK::softplus), {inner});
  node.EmitOut(Binary(EK::mul), {soft, laid_out("alpha")});
}

void Softmax(Lowering& node) {
  fbs::SoftmaxT table;
  table.axis = node.Int32("axis", -1);
  node.EmitOut(table, {node.Need("x")});
}

void Cast(Lowering& node) {
  const DataType type = node.DeclaredNamed(node.String("dtype", "fp32"));
  node.EmitOut(CastTo(type), {node.Need("x")});
}

void Identity(Lowering& node) { node.Copy(node.Need("x")); }

constexpr OperationRow kRows[] = {
    {"abs", Plain<AK::abs>},
    {"acos", Plain<AK::acos>},
    {"acosh", Plain<AK::acosh>},
    {"asin", Plain<AK::asin>},
    {"asinh", Plain<AK::asinh>},
    {"atan", Plain<AK::atan>},
    {"atanh", Plain<AK::atanh>},
    {"cast", Cast},
    {"ceil", Plain<AK::ceil>},
    {"clamped_relu", ClampedRelu},
    {"clip", WithAlphaBeta<AK::clip>},
    {"cos", Plain<AK::cos>},
    {"cosh", Plain<AK::cosh>},
    {"elu", WithAlpha<AK::elu>},
    {"erf", Plain<AK::erf>},
    {"exp", Plain<AK::exp>},
    {"exp2", Plain<AK::exp2>},
    {"floor", Plain<AK::floor>},
    {"gelu", Gelu},
    {"identity", Identity},
    {"inverse", Inverse},
    {"leaky_relu", WithAlpha<AK::leaky_relu>},
    {"linear_activation", WithAlphaBeta<AK::linear>},
    {"log", Log},
    {"logical_not", Plain<AK::logical_not>},
    {"prelu", Prelu},
    {"relu", Plain<AK::relu>},
    {"relu6", Plain<AK::relu6>},
    {"round", Plain<AK::round>},
    {"rsqrt", Rsqrt},
    {"scaled_tanh", WithAlphaBeta<AK::scaled_tanh>},
    {"sigmoid", Plain<AK::sigmoid>},
    {"sigmoid_hard", WithAlphaBeta<AK::hard_sigmoid>},
    {"sign", Plain<AK::sign>},
    {"silu", Silu},
    {"sin", Plain<AK::sin>},
    {"sinh", Plain<AK::sinh>},
    {"softmax", Softmax},
    {"softplus", Plain<AK::softplus>},
    {"softplus_parametric", SoftplusParametric},
    {"softsign", Plain<AK::softsign>},
    {"sqrt", Plain<AK::sqrt>},
    {"square", Plain<AK::square>},
    {"tan", Plain<AK::tan>},
    {"tanh", Plain<AK::tanh>},
    {"threshold", Threshold},
    {"thresholded_relu", ThresholdedRelu},
};

}  // namespace

std::span<const OperationRow> UnaryRows() { return kRows; }

}  // namespace aneref::coreml::mil
