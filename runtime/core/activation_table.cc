// Evaluation of the activation tables (N41-N57): argument reduction, one
// piecewise-linear lookup, tails and clamps, one rounding. Headers (0,
// negative, exponent 31) come first, as in the table record (N40).
#include "runtime/core/activation_table.h"

#include <cmath>

#include "runtime/core/elementary.h"
#include "runtime/core/numerics.h"

namespace aneref {
namespace {

using Function = ActivationFunction;

constexpr double kLn2 = 0.69314718055994530942;
constexpr double kLog2E = 1.44269504088896340736;
constexpr double kHalfPi = 1.57079632679489661923;
constexpr double kInfinite = 0x1p16;  // what the engine calls infinity (N5)

// Two-part 2 pi: n * kTwoPiHi is exact for n < 2^20.
constexpr double kTwoPiHi = 0x1.921fb544p+2;
constexpr double kTwoPiLo = 0x1.0b4611a626331p-32;

double RoundHalf(const Profile& profile, double v) {
  return EngineHalfToDouble(StoreEngine(profile.rounding, v));
}

// N41: T[i] + (T[i+1] - T[i]) * f at position i + f, 0 <= position <= last.
double Interpolate(const Profile& profile, std::span<const uint16_t> knots,
                   double position) {
  const auto last = static_cast<double>(knots.size() - 1);
  const double segment = position >= last ? last - 1.0 : std::floor(position);
  const double fraction = position - segment;
  const auto i = static_cast<size_t>(segment);
  const double low = EngineHalfToDouble(knots[i]);
  const double delta = EngineHalfToDouble(knots[i + 1]) - low;
  if (profile.table_rounding == TableRounding::kOnce)
    return low + delta * fraction;
  const double step = RoundHalf(profile, delta) * fraction;
  return low + RoundHalf(profile, step);
}

double Lookup(const Profile& profile, Function function, double position) {
  return Interpolate(profile, KnotsOf(function), position);
}

// N42: between (-9.9375, 0) and (-8, T[0]) and between (8, T[32]) and
// (8.3203125, 1) straight lines, constants beyond: the published clamps -9.938
// and 8.320 as fp16.
double Sigmoid(const Profile& profile, double x) {
  constexpr double kLow = -9.9375;
  constexpr double kHigh = 8.3203125;
  if (x <= kLow) return 0.0;
  if (x >= kHigh) return 1.0;
  const std::span<const uint16_t> knots = KnotsOf(Function::kSigmoid);
  const double first = EngineHalfToDouble(knots.front());
  const double last = EngineHalfToDouble(knots.back());
  if (x < -8.0) return first * (x - kLow) / (-8.0 - kLow);
  if (x > 8.0) return last + (1.0 - last) * (x - 8.0) / (kHigh - 8.0);
  return Interpolate(profile, knots, (x + 8.0) * 2.0);
}

// N45: a line of slope 0.0130 (as fp16) from (2, T[32]), clamped at 1.
double ErfOfMagnitude(const Profile& profile, double x) {
  if (x <= 2.0) return Lookup(profile, Function::kErf, x * 16.0);
  constexpr double kSlope = 0x1.AAp-7;  // fp16 22A8
  const double last = EngineHalfToDouble(KnotsOf(Function::kErf).back());
  const double line = last + kSlope * (x - 2.0);
  return line < 1.0 ? line : 1.0;
}

// N46: the angle reduced to a quarter turn, exact reduction.
double Sine(const Profile& profile, double x) {
  const double turns = std::floor(x / (4.0 * kHalfPi));
  double angle = (x - turns * kTwoPiHi) - turns * kTwoPiLo;
  if (angle < 0.0) angle = 0.0;
  double sign = 1.0;
  if (angle >= 2.0 * kHalfPi) {
    angle -= 2.0 * kHalfPi;
    sign = -1.0;
  }
  if (angle > kHalfPi) angle = 2.0 * kHalfPi - angle;
  if (angle < 0.0) angle = 0.0;
  const double position = angle * (32.0 / kHalfPi);
  return sign *
         Lookup(profile, Function::kSin, position > 32.0 ? 32.0 : position);
}

// N48 for L = log2 of the result.
double PowerOfTwo(const Profile& profile, double exponent) {
  const double n = std::floor(exponent);
  if (n >= 16.0) return kInfinite;
  if (n < -40.0) return 0.0;
  return std::ldexp(Lookup(profile, Function::kExp2, (exponent - n) * 32.0),
                    static_cast<int>(n));
}

double Exponential(const Profile& profile, double x) {
  const uint16_t power = StoreEngine(profile.rounding, x * kLog2E);
  return PowerOfTwo(profile, EngineHalfToDouble(power));
}

// N49: rounded log2 of an operand; header values for 0, infinity, negatives.
double LogTwo(const Profile& profile, double x) {
  if (x < 0.0) return 0.0;
  if (x == 0.0) return -kInfinite;
  if (x >= kInfinite) return kInfinite;
  int exponent = 0;
  const double m = std::frexp(x, &exponent);
  const double sum =
      Lookup(profile, Function::kLog2, (m - 0.5) * 64.0) + exponent;
  return EngineHalfToDouble(StoreEngine(profile.rounding, sum));
}

double NaturalLog(const Profile& profile, double x) {
  // N6: log of a negative number is the header value itself, +0.
  return LogTwo(profile, x) * kLn2;  // N32: -65536 * ln 2 rounds to -45440
}

// x = m * 4^j, m in [0.5, 2) (N51).
double RootOfPositive(const Profile& profile, Function function, double x) {
  const bool reciprocal = function == Function::kRsqrt;
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (exponent % 2 != 0) {
    m *= 2.0;
    exponent -= 1;
  }
  const double root = Lookup(profile, function, (m - 0.5) * 16.0);
  return std::ldexp(root, reciprocal ? -exponent / 2 : exponent / 2);
}

double Root(const Profile& profile, Function function, double x) {
  const bool reciprocal = function == Function::kRsqrt;
  if (x < 0.0) return 0.0;
  if (x == 0.0) return reciprocal ? kInfinite : 0.0;
  if (x >= kInfinite) return reciprocal ? 0.0 : kInfinite;
  return RootOfPositive(profile, function, x);
}

double Inverse(const Profile& profile, double x) {
  if (x < 0.0) return -InverseOf(profile, -x);
  return InverseOf(profile, x);
}

// N55: odd; beyond 1 the complement of the reciprocal's.
double AtanOfMagnitude(const Profile& profile, double x) {
  if (x <= 1.0) return Lookup(profile, Function::kAtan, x * 32.0);
  return kHalfPi - Lookup(profile, Function::kAtan, 32.0 / x);
}

template <class OfMagnitude>
double Odd(double x, OfMagnitude of_magnitude) {
  return x < 0.0 ? -of_magnitude(-x) : of_magnitude(x);
}

double TableValue(const Profile& profile, Function function, double x) {
  switch (function) {
    case Function::kSigmoid:
      return Sigmoid(profile, x);
    case Function::kTanh:  // N44: a jump to 1 beyond 4
      return Odd(x, [&](double a) {
        return a > 4.0 ? 1.0 : Lookup(profile, function, a * 8.0);
      });
    case Function::kErf:
      return Odd(x, [&](double a) { return ErfOfMagnitude(profile, a); });
    case Function::kSin:
      return Odd(x, [&](double a) { return Sine(profile, a); });
    case Function::kCos:  // N47
      return Sine(profile, std::fabs(x) + kHalfPi);
    case Function::kExp:
      return Exponential(profile, x);
    case Function::kExp2:
      return PowerOfTwo(profile, x);
    case Function::kLog:
      return NaturalLog(profile, x);
    case Function::kLog2:
      return LogTwo(profile, x);
    case Function::kInverse:
      return Inverse(profile, x);
    case Function::kSqrt:
    case Function::kRsqrt:
      return Root(profile, function, x);
    case Function::kGelu:  // N52: 0 below, the identity above
      if (x < -4.0) return 0.0;
      return x > 4.0 ? x : Lookup(profile, function, (x + 4.0) * 4.0);
    case Function::kSilu:  // N53
      if (x < -8.0) return 0.0;
      return x > 8.0 ? x : Lookup(profile, function, (x + 8.0) * 2.0);
    default:  // kAtan
      return Odd(x, [&](double a) { return AtanOfMagnitude(profile, a); });
  }
}

double Clamp(double x, double low, double high) {
  const double raised = x < low ? low : x;
  return raised > high ? high : raised;
}

// Piecewise-linear ones of N56.
double ExactSimple(const Activation& a, double x) {
  switch (a.function) {
    case Function::kRelu:
      return x > 0.0 ? x : 0.0;
    case Function::kRelu6:
      return Clamp(x, 0.0, 6.0);
    case Function::kLeakyRelu:
      return x < 0.0 ? a.alpha * x : x;
    case Function::kHardSigmoid:
      return Clamp(a.alpha * x + a.beta, 0.0, 1.0);
    case Function::kClampedRelu: {
      const double y = x < 0.0 ? a.alpha * x : x;
      return y > a.beta ? a.beta : y;
    }
    case Function::kThresholdedRelu:
      return x < a.alpha ? 0.0 : x;
    case Function::kLinear:
      return a.alpha * x + a.beta;
    case Function::kClip:
      return Clamp(x, a.alpha, a.beta);
    case Function::kRound:
      return std::nearbyint(x);
    case Function::kCeil:
      return std::ceil(x);
    case Function::kFloor:
      return std::floor(x);
    case Function::kSign:
      return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : 0.0);
    case Function::kAbs:
      return std::fabs(x);
    default:  // kSquare
      return x * x;
  }
}

// Transcendental ones of N56, with the specials of N33.
double ExactSmooth(const Activation& a, double x) {
  switch (a.function) {
    case Function::kElu:
      return x < 0.0 ? a.alpha * elementary::Expm1(x) : x;
    case Function::kSoftplus:  // N33: softplus(+inf) = +0
      if (x >= kInfinite) return 0.0;
      return a.alpha * elementary::Softplus(a.beta * x);
    case Function::kSoftsign:  // N33: x * INV(1 + |x|), INV(inf) = 0
      return std::fabs(x) >= kInfinite ? 0.0 : x / (1.0 + std::fabs(x));
    case Function::kScaledTanh:
      return a.alpha * elementary::Tanh(a.beta * x);
    case Function::kTan:
      return elementary::Tan(x);
    case Function::kAsin:
      return std::fabs(x) > 1.0 ? 0.0 : elementary::Asin(x);
    case Function::kAcos:
      return std::fabs(x) > 1.0 ? 0.0 : elementary::Acos(x);
    case Function::kSinh:
      return elementary::Sinh(x);
    case Function::kCosh:
      return elementary::Cosh(x);
    case Function::kAsinh:
      return elementary::Asinh(x);
    case Function::kAcosh:
      return x < 1.0 ? 0.0 : elementary::Acosh(x);
    default:  // kAtanh
      return std::fabs(x) > 1.0 ? 0.0 : elementary::Atanh(x);
  }
}

bool IsTable(Function function) { return function <= Function::kAtan; }

bool IsSimple(Function function) {
  switch (function) {
    case Function::kRelu:
    case Function::kRelu6:
    case Function::kLeakyRelu:
    case Function::kHardSigmoid:
    case Function::kClampedRelu:
    case Function::kThresholdedRelu:
    case Function::kLinear:
    case Function::kClip:
    case Function::kRound:
    case Function::kCeil:
    case Function::kFloor:
    case Function::kSign:
    case Function::kAbs:
    case Function::kSquare:
      return true;
    default:
      return false;
  }
}

}  // namespace

double InverseOf(const Profile& profile, double value) {
  if (value == 0.0) return kInfinite;
  if (value >= kInfinite) return 0.0;
  int exponent = 0;
  const double m = std::frexp(value, &exponent);
  return std::ldexp(Lookup(profile, Function::kInverse, (m - 0.5) * 64.0),
                    -exponent);
}

double RsqrtOf(const Profile& profile, double value) {
  if (value <= 0.0) return kInfinite;
  return RootOfPositive(profile, Function::kRsqrt, value);
}

uint16_t EvaluateActivation(const Profile& profile,
                            const Activation& activation, uint16_t x) {
  const uint16_t operand =
      activation.epsilon == 0
          ? x
          : Planar(profile, PlanarOp::kAdd, x, activation.epsilon);
  const double value = EngineHalfToDouble(operand);
  const double result =
      IsTable(activation.function)
          ? TableValue(profile, activation.function, value)
          : (IsSimple(activation.function) ? ExactSimple(activation, value)
                                           : ExactSmooth(activation, value));
  return StoreEngine(profile.rounding, result);
}

std::vector<uint16_t> BuildActivationTable(const Profile& profile,
                                           const Activation& activation) {
  std::vector<uint16_t> table(65536);
  for (size_t bits = 0; bits < table.size(); ++bits)
    table[bits] =
        EvaluateActivation(profile, activation, static_cast<uint16_t>(bits));
  return table;
}

}  // namespace aneref
