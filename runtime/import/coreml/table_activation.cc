// Activations, unary functions and the N-d layers of one operand.
#include "runtime/import/coreml/table.h"
#include "runtime/import/coreml/weights.h"

namespace aneref::coreml {
namespace {

using AK = fbs::ActivationKind;
using EK = fbs::ElementwiseKind;
using Case = NeuralNetworkLayer;

// One value, or one per channel against axis -3.
int32_t PerChannel(Layer& layer, const WeightParams& weights, const char* what,
                   int32_t x) {
  const int64_t channels = layer.Extent(x, -3);
  const bool single = weights.floatvalue_size() == 1 ||
                      weights.float16value().size() == 2 || channels == 1;
  if (single) return layer.Weights(weights, what, Shape{1});
  if (channels < 0) {
    layer.Refuse("where the number of channels is known only while it runs");
    return -1;
  }
  return layer.Weights(weights, what, Shape{channels, 1, 1});
}

// x >= alpha ? x : 0; the IR's own kind takes x > alpha.
int32_t ThresholdedRelu(Layer& layer, int32_t x, float alpha) {
  const int32_t keeps = layer.Apply(EK::greater_equal, x,
                                    layer.Number(static_cast<double>(alpha)));
  return layer.EmitTemp(fbs::SelectT(), {keeps, x, layer.Number(0)});
}

int32_t ParametricSoftplus(Layer& layer, int32_t x,
                           const Activation::PerChannel& parameters) {
  const int32_t alpha = PerChannel(layer, parameters.alpha(), "alpha", x);
  const int32_t beta = PerChannel(layer, parameters.beta(), "beta", x);
  const int32_t inside = layer.Apply(EK::mul, x, beta);
  return layer.Apply(EK::mul, layer.Apply(AK::softplus, inside), alpha);
}

int32_t WithNumbers(Layer& layer, AK kind, int32_t x,
                    const AlphaBetaLayer& numbers) {
  return layer.Apply(kind, x, static_cast<double>(numbers.alpha()),
                     static_cast<double>(numbers.beta()));
}

void ActivationLayer(Layer& layer) {
  const Activation& f = layer.proto().activation();
  const int32_t x = layer.In(0);
  switch (f.NonlinearityType_case()) {
    case Activation::kLinear:
      return layer.SetOut(0, WithNumbers(layer, AK::linear, x, f.linear()));
    case Activation::kReLU:
      return layer.SetOut(0, layer.Apply(AK::relu, x));
    case Activation::kLeakyReLU:
      return layer.SetOut(0,
                          WithNumbers(layer, AK::leaky_relu, x, f.leakyrelu()));
    case Activation::kThresholdedReLU:
      return layer.SetOut(
          0, ThresholdedRelu(layer, x, f.thresholdedrelu().alpha()));
    case Activation::kPReLU:
      return layer.SetOut(
          0, layer.Apply(EK::prelu, x,
                         PerChannel(layer, f.prelu().alpha(), "alpha", x)));
    case Activation::kTanh:
      return layer.SetOut(0, layer.Apply(AK::tanh, x));
    case Activation::kScaledTanh:
      return layer.SetOut(
          0, WithNumbers(layer, AK::scaled_tanh, x, f.scaledtanh()));
    case Activation::kSigmoid:
      return layer.SetOut(0, layer.Apply(AK::sigmoid, x));
    case Activation::kSigmoidHard:
      return layer.SetOut(
          0, WithNumbers(layer, AK::hard_sigmoid, x, f.sigmoidhard()));
    case Activation::kELU:
      return layer.SetOut(0, WithNumbers(layer, AK::elu, x, f.elu()));
    case Activation::kSoftsign:
      return layer.SetOut(0, layer.Apply(AK::softsign, x));
    case Activation::kSoftplus:
      return layer.SetOut(0, layer.Apply(AK::softplus, x));
    case Activation::kParametricSoftplus:
      return layer.SetOut(0,
                          ParametricSoftplus(layer, x, f.parametricsoftplus()));
    case Activation::NONLINEARITYTYPE_NOT_SET:
      return layer.Refuse("without a known function");
  }
}

enum UnaryType {
  kSqrt = 0,
  kRsqrt = 1,
  kInverse = 2,
  kPower = 3,
  kExp = 4,
  kLog = 5,
  kAbs = 6,
  kThreshold = 7
};

void UnaryFunction(Layer& layer) {
  const UnaryLayer& f = layer.proto().unary();
  const double scale = f.scale() == 0.0f ? 1.0 : static_cast<double>(f.scale());
  const double shift = static_cast<double>(f.shift());
  const double epsilon =
      f.epsilon() == 0.0f ? 1e-6 : static_cast<double>(f.epsilon());
  const double alpha = static_cast<double>(f.alpha());
  int32_t x = layer.In(0);
  if (scale != 1.0 || shift != 0.0)
    x = layer.Apply(AK::linear, x, scale, shift);
  switch (f.type()) {
    case kSqrt:
      return layer.SetOut(0, layer.Apply(AK::sqrt, x));
    case kRsqrt:
      return layer.SetOut(0, layer.Apply(AK::rsqrt, x, epsilon));
    case kInverse:
      return layer.SetOut(0, layer.Apply(AK::inverse, x, epsilon));
    case kPower:
      return layer.SetOut(0, layer.Apply(EK::pow, x, layer.Number(alpha)));
    case kExp:
      return layer.SetOut(0, layer.Apply(AK::exp, x));
    case kLog:
      return layer.SetOut(0, layer.Apply(AK::log, x));
    case kAbs:
      return layer.SetOut(0, layer.Apply(AK::abs, x));
    case kThreshold:
      return layer.SetOut(0, layer.Apply(EK::maximum, x, layer.Number(alpha)));
    default:
      return layer.Refuse("with function " + std::to_string(f.type()));
  }
}

template <AK kind>
void Simple(Layer& layer) {
  layer.SetOut(0, layer.Apply(kind, layer.In(0)));
}

void Copy(Layer& layer) {
  layer.SetOut(0, layer.EmitTemp(Unary(AK::identity), {layer.Raw(0)}));
}

void Clip(Layer& layer) {
  layer.SetOut(0,
               WithNumbers(layer, AK::clip, layer.In(0), layer.proto().clip()));
}

void Gelu(Layer& layer) {
  const int32_t x = layer.In(0);
  switch (layer.proto().gelu().mode()) {
    case 0:
      return layer.SetOut(0, layer.Apply(AK::gelu, x));
    case 1:
      return layer.SetOut(0, layer.Apply(AK::gelu_tanh, x));
    case 2:
      return layer.SetOut(0, layer.Apply(AK::silu, x, 1.702));
    default:
      return layer.Refuse("in mode " +
                          std::to_string(layer.proto().gelu().mode()));
  }
}

// min(beta, x >= 0 ? x : alpha x)
void ClampedRelu(Layer& layer) {
  const AlphaBetaLayer& f = layer.proto().clampedrelu();
  const int32_t leaky =
      layer.Apply(AK::leaky_relu, layer.In(0), static_cast<double>(f.alpha()));
  layer.SetOut(0, layer.Apply(EK::minimum, leaky,
                              layer.Number(static_cast<double>(f.beta()))));
}

constexpr LayerRow kRows[] = {
    {Case::kActivation, "activation", ActivationLayer},
    {Case::kUnary, "unary", UnaryFunction},
    {Case::kCopy, "copy", Copy},
    {Case::kClip, "clip", Clip},
    {Case::kCeil, "ceil", Simple<AK::ceil>},
    {Case::kFloor, "floor", Simple<AK::floor>},
    {Case::kSign, "sign", Simple<AK::sign>},
    {Case::kRound, "round", Simple<AK::round>},
    {Case::kExp2, "exp2", Simple<AK::exp2>},
    {Case::kSin, "sin", Simple<AK::sin>},
    {Case::kCos, "cos", Simple<AK::cos>},
    {Case::kTan, "tan", Simple<AK::tan>},
    {Case::kAsin, "asin", Simple<AK::asin>},
    {Case::kAcos, "acos", Simple<AK::acos>},
    {Case::kAtan, "atan", Simple<AK::atan>},
    {Case::kSinh, "sinh", Simple<AK::sinh>},
    {Case::kCosh, "cosh", Simple<AK::cosh>},
    {Case::kTanh, "tanh", Simple<AK::tanh>},
    {Case::kAsinh, "asinh", Simple<AK::asinh>},
    {Case::kAcosh, "acosh", Simple<AK::acosh>},
    {Case::kAtanh, "atanh", Simple<AK::atanh>},
    {Case::kErf, "erf", Simple<AK::erf>},
    {Case::kGelu, "gelu", Gelu},
    {Case::kClampedReLU, "clampedReLU", ClampedRelu},
};

}  // namespace

std::span<const LayerRow> ActivationLayers() { return kRows; }

}  // namespace aneref::coreml
