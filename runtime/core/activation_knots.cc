// The knots of the activation tables (N43-N55): fp16 samples of the exact
// function where the rule says so, literals where the stored values were
// fitted (gelu and silu, N52 and N53). No evaluation.
#include <array>

#include "runtime/core/activation_table.h"
#include "runtime/core/elementary.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

using Knots = std::array<uint16_t, 33>;

constexpr double kPi = 3.14159265358979323846;
constexpr double kLn2 = 0.69314718055994530942;

// RNE16 of function(first + k * step), k = 0..32.
template <class Function>
Knots Sample(double first, double step, Function function) {
  Knots knots{};
  for (size_t k = 0; k < knots.size(); ++k)
    knots[k] = DoubleToHalf(function(first + step * static_cast<double>(k)));
  return knots;
}

constexpr Knots kGeluKnots = {
    0x874E, 0x8CDE, 0x9213, 0x971A, 0x9BC7, 0x9FF8, 0xA3A3, 0xA6D7, 0xA9B6,
    0xAC70, 0xAE66, 0xB03F, 0xB124, 0xB18D, 0xB119, 0xAECF, 0x9073, 0x3098,
    0x3574, 0x389D, 0x3AB7, 0x3C78, 0x3D9A, 0x3EB9, 0x3FD2, 0x4072, 0x40F8,
    0x417C, 0x41FE, 0x427F, 0x4300, 0x4380, 0x4400};
constexpr Knots kSiluKnots = {
    0x995B, 0x9C24, 0x9E60, 0xA0E1, 0xA36D, 0xA59C, 0xA833, 0xAA37, 0xAC89,
    0xAE7C, 0xB085, 0xB20F, 0xB3AF, 0xB476, 0xB477, 0xB285, 0x9528, 0x34BE,
    0x39C4, 0x3CE2, 0x3F0A, 0x409F, 0x41B8, 0x42CC, 0x43DC, 0x4474, 0x44F8,
    0x457A, 0x45FC, 0x467E, 0x46FE, 0x477F, 0x47FF};

struct KnotSet {
  Knots sigmoid = Sample(-8.0, 0.5, elementary::Sigmoid);  // N43
  Knots tanh = Sample(0.0, 0.125, elementary::Tanh);       // N44
  Knots erf = Sample(0.0, 0.0625, elementary::Erf);        // N45
  Knots sin = Sample(0.0, kPi / 64.0, elementary::Sin);    // N46
  Knots exp2 = Sample(0.0, 0.03125, [](double x) {         // N48
    return elementary::Exp(x * kLn2);
  });
  Knots log2 = Sample(0.5, 0.015625, [](double x) {  // N49
    return elementary::Log(x) / kLn2;
  });
  Knots inverse = Sample(0.5, 0.015625,  // N50
                         [](double x) { return 1.0 / x; });
  Knots sqrt = Sample(0.5, 0.0625,  // N51
                      [](double x) { return __builtin_sqrt(x); });
  Knots rsqrt =
      Sample(0.5, 0.0625, [](double x) { return 1.0 / __builtin_sqrt(x); });
  Knots atan = Sample(0.0, 0.03125, elementary::Atan);  // N55
};

}  // namespace

std::span<const uint16_t> KnotsOf(ActivationFunction function) {
  static const KnotSet kSet;
  constexpr size_t kNumSqrtKnots = 25;  // N51: 0.5 to 2
  switch (function) {
    case ActivationFunction::kSigmoid:
      return kSet.sigmoid;
    case ActivationFunction::kTanh:
      return kSet.tanh;
    case ActivationFunction::kErf:
      return kSet.erf;
    case ActivationFunction::kSin:
    case ActivationFunction::kCos:
      return kSet.sin;
    case ActivationFunction::kExp:
    case ActivationFunction::kExp2:
      return kSet.exp2;
    case ActivationFunction::kLog:
    case ActivationFunction::kLog2:
      return kSet.log2;
    case ActivationFunction::kInverse:
      return kSet.inverse;
    case ActivationFunction::kSqrt:
      return std::span(kSet.sqrt).first(kNumSqrtKnots);
    case ActivationFunction::kRsqrt:
      return std::span(kSet.rsqrt).first(kNumSqrtKnots);
    case ActivationFunction::kGelu:
      return kGeluKnots;
    case ActivationFunction::kSilu:
      return kSiluKnots;
    case ActivationFunction::kAtan:
      return kSet.atan;
    default:
      return {};
  }
}

}  // namespace aneref
