// Activations, unary maths, casts.
#include <cmath>
#include <limits>

#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

using AK = fbs::ActivationKind;
using EK = fbs::ElementwiseKind;

// One operand, no attributes: one row each.
template <AK kind>
void Plain(Lowering& node) {
  node.EmitOut(Unary(kind), {node.In(0)});
}

// One attribute: `alpha` with a default in 1/1000.
template <AK kind, int milli_alpha>
void WithAlpha(Lowering& node) {
  const float alpha =
      node.Float("alpha", static_cast<float>(milli_alpha) / 1000.0f);
  node.EmitOut(Unary(kind, static_cast<double>(alpha)), {node.In(0)});
}

template <AK kind>
void WithAlphaAndBeta(Lowering& node, float alpha, float beta) {
  alpha = node.Float("alpha", alpha);
  beta = node.Float("beta", beta);
  node.EmitOut(
      Unary(kind, static_cast<double>(alpha), static_cast<double>(beta)),
      {node.In(0)});
}
void HardSigmoid(Lowering& node) {
  WithAlphaAndBeta<AK::hard_sigmoid>(node, 0.2f, 0.5f);
}
void ScaledTanh(Lowering& node) {
  WithAlphaAndBeta<AK::scaled_tanh>(node, 1.0f, 1.0f);
}
void ParametricSoftplus(Lowering& node) {
  WithAlphaAndBeta<AK::parametric_softplus>(node, 1.0f, 1.0f);
}
void Affine(Lowering& node) { WithAlphaAndBeta<AK::linear>(node, 1.0f, 0.0f); }

void Scale(Lowering& node) {
  node.EmitOut(
      Unary(AK::linear, static_cast<double>(node.Float("scale", 1.0f))),
      {node.In(0)});
}

// Opset 1 rounds the constants.
void Selu(Lowering& node) {
  const bool is_old = node.opset() < 6;
  const float alpha =
      node.Float("alpha", is_old ? 1.6732f : 1.67326319217681884765625f);
  const float gamma =
      node.Float("gamma", is_old ? 1.0507f : 1.05070102214813232421875f);
  node.EmitOut(
      Unary(AK::selu, static_cast<double>(alpha), static_cast<double>(gamma)),
      {node.In(0)});
}

void Gelu(Lowering& node) {
  const std::string approximate = node.String("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    node.Fail(
        InvalidFile("", "attribute 'approximate' is '" + approximate + "'"));
  node.EmitOut(Unary(approximate == "tanh" ? AK::gelu_tanh : AK::gelu),
               {node.In(0)});
}

void Shrink(Lowering& node) {
  const float lambd = node.Float("lambd", 0.5f),
              bias = node.Float("bias", 0.0f);
  node.EmitOut(
      Unary(AK::shrink, static_cast<double>(lambd), static_cast<double>(bias)),
      {node.In(0)});
}

void IsInf(Lowering& node) {
  const double negative = node.Int("detect_negative", 1) != 0 ? 1 : 0;
  const double positive = node.Int("detect_positive", 1) != 0 ? 1 : 0;
  node.EmitOut(Unary(AK::is_inf, negative, positive), {node.In(0)});
}

// 7: the slope broadcasts as numpy does; before, it is one value or one a
// channel.
void PRelu(Lowering& node) {
  int32_t slope = node.In(1);
  const std::optional<Shape> shape = node.Static(slope);
  if (node.opset() < 7 && !(shape.has_value() && shape->NumElements() == 1)) {
    const std::optional<size_t> rank = node.Rank(node.In(0));
    if (!shape.has_value() || !rank.has_value() || *rank < 2)
      return node.Refuse("with one slope a channel when the rank is not known");
    fbs::ReshapeT reshape;
    reshape.shape.assign(*rank - 1, 1);
    reshape.shape[0] = -1;
    slope = node.EmitTemp(std::move(reshape), {slope});
  }
  node.EmitOut(Binary(EK::prelu), {node.In(0), slope});
}

// Bounds that are known numbers; absent ones do not bound.
bool ClipByConstants(Lowering& node) {
  double low = -std::numeric_limits<double>::infinity(), high = -low;
  if (node.opset() < 11) {
    if (node.Has("min")) low = static_cast<double>(node.Float("min", 0.0f));
    if (node.Has("max")) high = static_cast<double>(node.Float("max", 0.0f));
  } else {
    for (size_t i = 1; i <= 2; ++i) {
      if (!node.HasIn(i)) continue;
      const auto bound = node.KnownFloats(node.In(i));
      if (!IsFloating(node.TypeOf(node.In(i))) || !bound.has_value() ||
          bound->size() != 1)
        return false;
      (i == 1 ? low : high) = static_cast<double>(bound->front());
    }
  }
  if (low > high) low = high;  // the result is max everywhere
  node.EmitOut(Unary(AK::clip, low, high), {node.In(0)});
  return true;
}

void Clip(Lowering& node) {
  if (!node.HasIn(1) && !node.HasIn(2) && node.opset() >= 11)
    return EmitIdentity(node, node.In(0), node.Out(0));
  if (ClipByConstants(node)) return;
  int32_t value = node.In(0);
  if (node.HasIn(1)) {
    const fbs::ElementwiseT at_least = Binary(EK::maximum);
    if (!node.HasIn(2)) return node.EmitOut(at_least, {value, node.In(1)});
    value = node.EmitTemp(at_least, {value, node.In(1)});
  }
  node.EmitOut(Binary(EK::minimum), {value, node.In(2)});
}

// Until opset 5 the type is a name such as "FLOAT".
int64_t CastTarget(Lowering& node) {
  const AttributeProto* to = node.Find("to");
  if (to == nullptr) {
    node.Require("to");
    return 0;
  }
  if (!to->has_s()) return node.Int("to", 0);
  std::string name = node.String("to", "");
  for (char& c : name)
    c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  for (int32_t type = 1; type <= kOnnxBfloat16; ++type) {
    if (OnnxTypeName(type) == name) return type;
  }
  node.Fail(InvalidFile("", "attribute 'to' is '" + name + "'"));
  return 0;
}

// 4-bit integers are held as 8-bit ones; the low four bits are kept, as in
// every integer cast (P13): (x + 8) mod 16 - 8, or x mod 16.
void CastToFourBit(Lowering& node, bool is_signed) {
  const auto constant = [&](double value) {
    return node.Scalar(DataType::kInt8, value);
  };
  int32_t value = node.EmitTemp(CastTo(DataType::kInt8), {node.In(0)});
  if (is_signed) value = node.EmitTemp(Binary(EK::add), {value, constant(8)});
  value = node.EmitTemp(Binary(EK::bitwise_and), {value, constant(15)});
  if (is_signed) {
    node.EmitOut(Binary(EK::sub), {value, constant(8)});
  } else {
    node.EmitOut(CastTo(DataType::kUint8), {value});
  }
  node.SetFourBit(node.Out(0));
}

void Cast(Lowering& node) {
  const int64_t target = CastTarget(node);
  if (!node.status().ok()) return;
  if (target == kOnnxInt4 || target == kOnnxUint4)
    return CastToFourBit(node, target == kOnnxInt4);
  node.EmitOut(CastTo(node.DeclaredOnnx(target)), {node.In(0)});
}

void CastLike(Lowering& node) {
  const DataType type = node.TypeOf(node.In(1));
  if (node.IsFourBit(node.In(1)))
    return CastToFourBit(node, type == DataType::kInt8);
  node.EmitOut(CastTo(type), {node.In(0)});
}

// Swish(A) * B
void SwiGlu(Lowering& node) {
  const auto alpha = static_cast<double>(node.Float("alpha", 1.0f));
  const int32_t gate = node.EmitTemp(Unary(AK::silu, alpha), {node.In(0)});
  node.EmitOut(Binary(EK::mul), {gate, node.In(1)});
}

constexpr LoweringRow kRows[] = {
    {"Identity", Plain<AK::identity>},
    {"Relu", Plain<AK::relu>},
    {"Sigmoid", Plain<AK::sigmoid>},
    {"Tanh", Plain<AK::tanh>},
    {"Softplus", Plain<AK::softplus>},
    {"Softsign", Plain<AK::softsign>},
    {"HardSwish", Plain<AK::hard_swish>},
    {"Mish", Plain<AK::mish>},
    {"Erf", Plain<AK::erf>},
    {"Exp", Plain<AK::exp>},
    {"Log", Plain<AK::log>},
    {"Sqrt", Plain<AK::sqrt>},
    {"Reciprocal", Plain<AK::inverse>},
    {"Abs", Plain<AK::abs>},
    {"Neg", Plain<AK::neg>},
    {"Sign", Plain<AK::sign>},
    {"Floor", Plain<AK::floor>},
    {"Ceil", Plain<AK::ceil>},
    {"Round", Plain<AK::round>},
    {"Sin", Plain<AK::sin>},
    {"Cos", Plain<AK::cos>},
    {"Tan", Plain<AK::tan>},
    {"Asin", Plain<AK::asin>},
    {"Acos", Plain<AK::acos>},
    {"Atan", Plain<AK::atan>},
    {"Sinh", Plain<AK::sinh>},
    {"Cosh", Plain<AK::cosh>},
    {"Asinh", Plain<AK::asinh>},
    {"Acosh", Plain<AK::acosh>},
    {"Atanh", Plain<AK::atanh>},
    {"Not", Plain<AK::logical_not>},
    {"IsNaN", Plain<AK::is_nan>},
    {"IsInf", IsInf},
    {"BitwiseNot", Plain<AK::bitwise_not>},
    {"LeakyRelu", WithAlpha<AK::leaky_relu, 10>},
    {"Elu", WithAlpha<AK::elu, 1000>},
    {"Celu", WithAlpha<AK::celu, 1000>},
    {"ThresholdedRelu", WithAlpha<AK::thresholded_relu, 1000>},
    {"Swish", WithAlpha<AK::silu, 1000>},
    {"HardSigmoid", HardSigmoid},
    {"ScaledTanh", ScaledTanh},
    {"ParametricSoftplus", ParametricSoftplus},
    {"Affine", Affine},
    {"Scale", Scale},
    {"Selu", Selu},
    {"Gelu", Gelu},
    {"Shrink", Shrink},
    {"PRelu", PRelu},
    {"Clip", Clip},
    {"Cast", Cast},
    {"CastLike", CastLike},
    {"SwiGLU", SwiGlu},
};

}  // namespace

std::span<const LoweringRow> UnaryRows() { return kRows; }

}  // namespace aneref::onnx
