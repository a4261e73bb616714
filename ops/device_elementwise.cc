// Two operands and one operand element by element on the engine: planar
// arithmetic (N23), and every function of one operand as one table lookup
// (N40-N57). What has no datapath there goes through binary32.
#include <cstdio>
#include <utility>

#include "ops/broadcast_task.h"
#include "ops/device_float.h"
#include "ops/device_mac.h"
#include "ops/device_ops.h"
#include "ops/kernels/device_planar.h"
#include "ops/kernels/unary.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

using Kind = fbs::ElementwiseKind;
using AK = fbs::ActivationKind;
using Function = ActivationFunction;

// ---- two operands ----

bool PlanarOpOf(const OpView& op, PlanarOp* planar) {
  switch (op.attributes<fbs::Elementwise>().kind()) {
    case Kind::add:
      *planar = PlanarOp::kAdd;
      return true;
    case Kind::sub:
      *planar = PlanarOp::kSub;
      return true;
    case Kind::mul:
      *planar = PlanarOp::kMul;
      return true;
    case Kind::div:
      *planar = PlanarOp::kDiv;
      return true;
    case Kind::maximum:
      *planar = PlanarOp::kMax;
      return true;
    case Kind::minimum:
      *planar = PlanarOp::kMin;
      return true;
    default:
      return false;
  }
}

Status LowerElementwise(const OpView& op, TaskBuilder* builder) {
  auto args = std::make_shared<DevicePlanarArgs>();
  if (!PlanarOpOf(op, &args->op)) return LowerThroughFloat(op, builder);
  args->rounding = op.device()->profile().rounding;
  AddBinaryTask(op, &device_planar_kernel, std::move(args), builder);
  return Status();
}

Status ReferenceElementwise(const OpView& op, const RefTensors& tensors) {
  PlanarOp planar;
  if (!PlanarOpOf(op, &planar)) return ReferenceThroughFloat(op, tensors);
  const Profile& profile = op.device()->profile();
  ForEachBroadcastElement(
      tensors.out[0], tensors.in, [&](std::byte* out, const auto& elements) {
        *reinterpret_cast<uint16_t*>(out) = Planar(
            profile, planar, *reinterpret_cast<const uint16_t*>(elements[0]),
            *reinterpret_cast<const uint16_t*>(elements[1]));
      });
  return Status();
}

// ---- one operand ----

constexpr auto kNoFunction = static_cast<Function>(kNumActivationFunctions);

// The engine's function for a kind; kNoFunction when several steps or none
// make it.
Function FunctionOf(AK kind) {
  static constexpr std::pair<AK, Function> kFunctions[] = {
      {AK::relu, Function::kRelu},
      {AK::relu6, Function::kRelu6},
      {AK::leaky_relu, Function::kLeakyRelu},
      {AK::elu, Function::kElu},
      {AK::gelu, Function::kGelu},
      {AK::gelu_tanh, Function::kGelu},
      {AK::sigmoid, Function::kSigmoid},
      {AK::hard_sigmoid, Function::kHardSigmoid},
      {AK::tanh, Function::kTanh},
      {AK::softplus, Function::kSoftplus},
      {AK::parametric_softplus, Function::kSoftplus},
      {AK::softsign, Function::kSoftsign},
      {AK::thresholded_relu, Function::kThresholdedRelu},
      {AK::silu, Function::kSilu},
      {AK::clip, Function::kClip},
      {AK::linear, Function::kLinear},
      {AK::erf, Function::kErf},
      {AK::exp, Function::kExp},
      {AK::exp2, Function::kExp2},
      {AK::log, Function::kLog},
      {AK::sqrt, Function::kSqrt},
      {AK::rsqrt, Function::kRsqrt},
      {AK::inverse, Function::kInverse},
      {AK::square, Function::kSquare},
      {AK::abs, Function::kAbs},
      {AK::sign, Function::kSign},
      {AK::floor, Function::kFloor},
      {AK::ceil, Function::kCeil},
      {AK::round, Function::kRound},
      {AK::sin, Function::kSin},
      {AK::cos, Function::kCos},
      {AK::tan, Function::kTan},
      {AK::asin, Function::kAsin},
      {AK::acos, Function::kAcos},
      {AK::atan, Function::kAtan},
      {AK::sinh, Function::kSinh},
      {AK::cosh, Function::kCosh},
      {AK::asinh, Function::kAsinh},
      {AK::acosh, Function::kAcosh},
      {AK::atanh, Function::kAtanh},
      {AK::scaled_tanh, Function::kScaledTanh}};
  for (const auto& [known, function] : kFunctions)
    if (kind == known) return function;
  return kNoFunction;
}

Activation ActivationOf(const UnaryFunction& function) {
  Activation activation{FunctionOf(function.kind), function.alpha,
                        function.beta};
  if (function.kind == AK::softplus) activation.alpha = activation.beta = 1.0;
  const bool adds_epsilon = function.kind == AK::log ||
                            function.kind == AK::rsqrt ||
                            function.kind == AK::inverse;
  if (adds_epsilon) activation.epsilon = DoubleToHalf(function.alpha);  // N34
  return activation;
}

// Functions of several steps, each with its own rounding: modelled (N56).
// False: `function` is none of them.
bool EvaluateSteps(const Profile& profile, const UnaryFunction& function,
                   uint16_t x, uint16_t* y) {
  const auto step = [&](const Activation& a, uint16_t v) {
    return EvaluateActivation(profile, a, v);
  };
  switch (function.kind) {
    case AK::silu: {
      if (function.alpha == 1.0) return false;
      const uint16_t scaled = step({Function::kLinear, function.alpha, 0.0}, x);
      *y = Planar(profile, PlanarOp::kMul, x,
                  step({Function::kSigmoid}, scaled));
      return true;
    }
    case AK::hard_swish:
      *y = Planar(profile, PlanarOp::kMul, x,
                  step({Function::kHardSigmoid, 1.0 / 6.0, 0.5}, x));
      return true;
    case AK::mish:
      *y = Planar(profile, PlanarOp::kMul, x,
                  step({Function::kTanh}, step({Function::kSoftplus}, x)));
      return true;
    default:
      return false;
  }
}

UnaryFunction UnaryOf(const OpView& op) {
  const auto& table = op.attributes<fbs::Activation>();
  return {table.kind(), table.alpha(), table.beta()};
}

// All that decides a result, for the table of the session.
std::string KeyOf(const UnaryFunction& function) {
  char text[80];
  std::snprintf(text, sizeof text, "kind %d %a %a",
                static_cast<int>(function.kind), function.alpha, function.beta);
  return text;
}

Status LowerActivation(const OpView& op, TaskBuilder* builder) {
  AddDeviceLookup(DeviceUnaryTable(*op.device(), UnaryOf(op)), op.Out(0),
                  InputOperand(0), builder);
  return Status();
}

Status ReferenceActivation(const OpView& op, const RefTensors& tensors) {
  std::vector<uint16_t> bits = LoadHalves(tensors.in[0]);
  for (uint16_t& x : bits) x = EvaluateDeviceActivation(op, x);
  StoreHalves(bits, tensors.out[0]);
  return Status();
}

}  // namespace

bool HasDeviceActivation(const OpView& op) {
  const UnaryClass group = ClassOf(UnaryOf(op).kind);
  return IsHalfOp(op) &&
         (group == UnaryClass::kReal || group == UnaryClass::kNumeric);
}

uint16_t EvaluateDeviceUnary(const Profile& profile,
                             const UnaryFunction& function, uint16_t x) {
  uint16_t y = 0;
  if (EvaluateSteps(profile, function, x, &y)) return y;
  const Activation activation = ActivationOf(function);
  if (activation.function != kNoFunction)
    return EvaluateActivation(profile, activation, x);
  // N56: selu, celu, shrink, neg: exact, one rounding.
  return StoreEngine(profile.rounding,
                     EvaluateUnary(function, EngineHalfToDouble(x)));
}

const uint16_t* DeviceUnaryTable(const DeviceContext& device,
                                 const UnaryFunction& function) {
  return device.Table(KeyOf(function), [&](uint16_t x) {
    return EvaluateDeviceUnary(device.profile(), function, x);
  });
}

uint16_t EvaluateDeviceActivation(const OpView& op, uint16_t x) {
  return EvaluateDeviceUnary(op.device()->profile(), UnaryOf(op), x);
}

const DeviceOp elementwise_device = {IsHalfOp, LowerElementwise,
                                     ReferenceElementwise};
const DeviceOp activation_device = {HasDeviceActivation, LowerActivation,
                                    ReferenceActivation};

}  // namespace aneref
