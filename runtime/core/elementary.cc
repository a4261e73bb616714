// Exponentials, logarithms and what is built of them: deterministic doubles
// (P7) and ExpFloat (P9). Coefficients are Taylor's: reciprocals of factorials
// and of odd numbers, on intervals where they reach 2^-56. Sines and arcs are
// in trigonometry.cc.
#include "runtime/core/elementary.h"

#include <cmath>
#include <limits>

#include "runtime/core/pair.h"

namespace aneref {
namespace elementary {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// 1/3, 1/5, ... 1/23: atanh(s) / s - 1 in powers of s^2.
constexpr double kInverseOdds[] = {1.0 / 3,  1.0 / 5,  1.0 / 7,  1.0 / 9,
                                   1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17,
                                   1.0 / 19, 1.0 / 21, 1.0 / 23};

// e^(hi + lo) * 2^exponent for |hi| < 800 and |lo| < 2^-40; the result may
// overflow or underflow.
double ExpOfPair(double hi, double lo, int exponent) {
  const double n = std::floor(hi * kLog2E + 0.5);
  const Pair r = TwoSum(hi - n * kLn2Hi, lo - n * kLn2Lo);
  const double tail = r.lo + r.hi * r.hi * Polynomial(r.hi, kInverseFactorials);
  return Scale(1.0 + (r.hi + tail), static_cast<int>(n) + exponent);
}

// log(x) of a positive finite x: the hi of the result alone is good to 1 ulp,
// both to 2^-58.
Pair LogAsPair(double x) {
  int exponent = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1p54;
    exponent = -54;
  }
  // m = x / 2^exponent in [sqrt(1/2), sqrt(2)): 0x3FE6A09E... are the bits of
  // sqrt(1/2).
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  const auto shifted = static_cast<int64_t>(bits - 0x3FE6A09E667F3BCDull);
  exponent += static_cast<int>(shifted >> 52);
  const double m = std::bit_cast<double>(
      bits - (static_cast<uint64_t>(shifted >> 52) << 52));
  // log(m) = 2 atanh(s), s = (m - 1) / (m + 1) = s_hi + s_lo.
  const double numerator = m - 1.0;
  const Pair denominator = TwoSum(m, 1.0);
  const double s_hi = numerator / denominator.hi;
  const Pair back = TwoProduct(s_hi, denominator.hi);
  const double s_lo =
      (((numerator - back.hi) - back.lo) - s_hi * denominator.lo) /
      denominator.hi;
  const double z = s_hi * s_hi;
  const double tail = s_hi * (z * Polynomial(z, kInverseOdds)) + s_lo;
  const double n = exponent;
  const Pair sum = TwoSum(n * kLn2Hi, 2.0 * s_hi);
  return TwoSum(sum.hi, sum.lo + (2.0 * tail + n * kLn2Lo));
}

// x has at most 26 significant bits.
bool IsShort(double x) {
  return (std::bit_cast<uint64_t>(x) & 0x7FFFFFFull) == 0;
}

// Short operands whose power is short would else be off in the last bit and
// upset a later rounding to fp16 or fp32 (47^2 = 2209 is a tie of fp16): a
// result within 2^-48 of a short number is that number.
double SnapToShort(double power) {
  if (power < std::numeric_limits<double>::min()) return power;
  const uint64_t bits = std::bit_cast<uint64_t>(power);
  const uint64_t snapped = (bits + 0x4000000ull) & ~0x7FFFFFFull;
  return bits - snapped + 16u <= 32u ? std::bit_cast<double>(snapped) : power;
}

// x^y for finite x > 0 and finite y.
double PositivePow(double x, double y) {
  if (y == 1.0) return x;
  const Pair log_x = LogAsPair(x);
  const double estimate = y * log_x.hi;
  if (estimate > 720.0) return kInfinity;
  if (estimate < -760.0) return 0.0;
  if (std::fabs(estimate) < 0x1p-60) return 1.0;
  const Pair product = TwoProduct(y, log_x.hi);
  const double power = ExpOfPair(product.hi, product.lo + y * log_x.lo, 0);
  return IsShort(x) && IsShort(y) ? SnapToShort(power) : power;
}

bool IsInteger(double y) { return std::floor(y) == y; }
bool IsOdd(double y) {
  return IsInteger(y) && std::fabs(y) < 0x1p53 &&
         std::floor(y * 0.5) != y * 0.5;
}

constexpr double kTwoOverSqrtPi = 0x1.20dd750429b6dp+0;
// erf(k / 8), k = 0 ... 48.
constexpr double kErf[] = {0.0,
                           0x1.1f5e1a35c3b89p-3,
                           0x1.1af54e232d609p-2,
                           0x1.9dd0d2b721f39p-2,
                           0x1.0a7ef5c18edd2p-1,
                           0x1.3f196dcd0f135p-1,
                           0x1.6c1c9759d0e5fp-1,
                           0x1.91724951b8fc6p-1,
                           0x1.af767a741088bp-1,
                           0x1.c6dad2829ec62p-1,
                           0x1.d8865d98abe01p-1,
                           0x1.e5768c3b4a3fcp-1,
                           0x1.eea5557137aep-1,
                           0x1.f4f693b67bd77p-1,
                           0x1.f92d077f8d56dp-1,
                           0x1.fbe61eef4cf6ap-1,
                           0x1.fd9ae142795e3p-1,
                           0x1.fea4218d6594ap-1,
                           0x1.ff404760319b4p-1,
                           0x1.ff9960f3eb327p-1,
                           0x1.ffcaa8f4c9beap-1,
                           0x1.ffe514bbdc197p-1,
                           0x1.fff2cfb0453d9p-1,
                           0x1.fff9ba420e834p-1,
                           0x1.fffd1ac4135f9p-1,
                           0x1.fffeb3ebb267bp-1,
                           0x1.ffff6f9f67e55p-1,
                           0x1.ffffc316d9edp-1,
                           0x1.ffffe710d565ep-1,
                           0x1.fffff618c3da6p-1,
                           0x1.fffffc2f171e3p-1,
                           0x1.fffffe92ced93p-1,
                           0x1.ffffff7b91176p-1,
                           0x1.ffffffd169d0cp-1,
                           0x1.fffffff01a8b6p-1,
                           0x1.fffffffabd229p-1,
                           0x1.fffffffe4fa3p-1,
                           0x1.ffffffff79626p-1,
                           0x1.ffffffffd759dp-1,
                           0x1.fffffffff4188p-1,
                           0x1.fffffffffc9e8p-1,
                           0x1.ffffffffff11ap-1,
                           0x1.ffffffffffc05p-1,
                           0x1.ffffffffffef8p-1,
                           0x1.fffffffffffbep-1,
                           0x1.ffffffffffffp-1,
                           0x1.ffffffffffffcp-1,
                           0x1.fffffffffffffp-1,
                           0x1p+0};
// 1/2, 1/3, ... 1/18.
constexpr double kReciprocals[] = {
    1.0 / 2,  1.0 / 3,  1.0 / 4,  1.0 / 5,  1.0 / 6,  1.0 / 7,
    1.0 / 8,  1.0 / 9,  1.0 / 10, 1.0 / 11, 1.0 / 12, 1.0 / 13,
    1.0 / 14, 1.0 / 15, 1.0 / 16, 1.0 / 17, 1.0 / 18};

}  // namespace

double Exp(double x) {
  if (x != x) return kNan;
  if (x > 710.0) return kInfinity;
  if (x < -746.0) return 0.0;
  return ExpOfPair(x, 0.0, 0);
}

double Expm1(double x) {
  if (x != x) return kNan;
  if (x == 0.0) return x;
  // Beyond a quarter, subtracting 1 magnifies the error of Exp by less than 5.
  if (std::fabs(x) > 0.25) return Exp(x) - 1.0;
  return x + x * x * Polynomial(x, kInverseFactorials);
}

double Log(double x) {
  if (x != x || x < 0.0) return kNan;
  if (x == 0.0) return -kInfinity;
  if (x == kInfinity) return x;
  return LogAsPair(x).hi;
}

double Log1p(double x) {
  if (x != x || x < -1.0) return kNan;
  if (x == -1.0) return -kInfinity;
  if (x == 0.0 || x == kInfinity) return x;
  const Pair u = TwoSum(1.0, x);
  const Pair log_u = LogAsPair(u.hi);
  return log_u.hi + (log_u.lo + u.lo / u.hi);
}

double Sinh(double x) {
  if (x != x) return kNan;
  const double magnitude = std::fabs(x);
  if (magnitude > 711.0) return std::copysign(kInfinity, x);
  if (magnitude > 22.0) return std::copysign(ExpOfPair(magnitude, 0.0, -1), x);
  const double t = Expm1(magnitude);
  return std::copysign(0.5 * (t + t / (1.0 + t)), x);
}

double Cosh(double x) {
  if (x != x) return kNan;
  const double magnitude = std::fabs(x);
  if (magnitude > 711.0) return kInfinity;
  if (magnitude > 22.0) return ExpOfPair(magnitude, 0.0, -1);
  const double power = Exp(magnitude);
  return 0.5 * (power + 1.0 / power);
}

double Tanh(double x) {
  if (x != x) return kNan;
  const double magnitude = std::fabs(x);
  if (magnitude > 22.0) return std::copysign(1.0, x);
  const double t = Expm1(2.0 * magnitude);
  return std::copysign(t / (t + 2.0), x);
}

double Asinh(double x) {
  if (x != x) return kNan;
  const double a = std::fabs(x);
  if (a == kInfinity) return x;
  if (a > 0x1p28) return std::copysign(Log(a) + (kLn2Hi + kLn2Lo), x);
  return std::copysign(Log1p(a + a * a / (1.0 + std::sqrt(1.0 + a * a))), x);
}

double Acosh(double x) {
  if (x != x || x < 1.0) return kNan;
  if (x == kInfinity) return x;
  if (x > 0x1p28) return Log(x) + (kLn2Hi + kLn2Lo);
  const double t = x - 1.0;
  return Log1p(t + std::sqrt(2.0 * t + t * t));
}

double Atanh(double x) {
  if (x != x) return kNan;
  const double a = std::fabs(x);
  if (a > 1.0) return kNan;
  if (a == 1.0) return std::copysign(kInfinity, x);
  return std::copysign(0.5 * Log1p(2.0 * a / (1.0 - a)), x);
}

// Taylor's series about the nearest c = k / 8, |h| <= 1/16. Its terms without
// the factor 2 / sqrt(pi) * e^(-c^2) * h are g[n] = (-h)^n H[n](c) / (n + 1)!,
// and the Hermite polynomials obey H[n + 1] = 2 c H[n] - 2 n H[n - 1].
double Erf(double x) {
  if (x != x) return kNan;
  const double a = std::fabs(x);
  if (a >= 6.0) return std::copysign(1.0, x);
  const double k = std::floor(a * 8.0 + 0.5);
  const double c = k * 0.125;
  const double h = a - c;
  double previous = 0.0;
  double term = 1.0;
  double sum = 1.0;
  for (int n = 0; n < 16; ++n) {
    const double next =
        -2.0 * kReciprocals[n] *
        (c * h * term +
         (h * h * previous) * (n == 0 ? 0.0 : n * kReciprocals[n - 1]));
    previous = term;
    term = next;
    sum += term;
  }
  const double slope = kTwoOverSqrtPi * Exp(-c * c);
  return std::copysign(kErf[static_cast<int>(k)] + slope * h * sum, x);
}

double Pow(double x, double y) {
  if (y == 0.0 || x == 1.0) return 1.0;
  if (x != x || y != y) return kNan;
  const double a = std::fabs(x);
  if (std::fabs(y) == kInfinity) {
    if (a == 1.0) return 1.0;
    return (a > 1.0) == (y > 0.0) ? kInfinity : 0.0;
  }
  if (x < 0.0 && a != kInfinity && !IsInteger(y)) return kNan;
  double magnitude = 0.0;
  if (a == 0.0 || a == kInfinity) {
    magnitude = (a == 0.0) == (y < 0.0) ? kInfinity : 0.0;
  } else {
    magnitude = PositivePow(a, y);
  }
  return std::signbit(x) && IsOdd(y) ? -magnitude : magnitude;
}

double Sigmoid(double x) {
  if (x != x) return kNan;
  if (x >= 0.0) return 1.0 / (1.0 + Exp(-x));
  const double power = Exp(x);
  return power / (1.0 + power);
}

double Softplus(double x) {
  if (x != x) return kNan;
  return (x > 0.0 ? x : 0.0) + Log1p(Exp(-std::fabs(x)));
}

}  // namespace elementary

float ExpFloat(float x) {
  // Comparisons, not min and max, so that a NaN passes through.
  float clamped = x < kExpMin ? kExpMin : x;
  clamped = clamped > kExpMax ? kExpMax : clamped;
  const float shifted = clamped * kExpLog2E + kExpMagic;
  const float n = shifted - kExpMagic;
  const float r = (clamped - n * kExpLn2Hi) - n * kExpLn2Lo;
  float sum = kExpPoly[kExpNumPoly - 1];
  for (int i = kExpNumPoly - 2; i >= 0; --i) sum = sum * r + kExpPoly[i];
  const float power = (sum * (r * r) + r) + 1.0f;
  // The low bits of `shifted` hold n; for a NaN the scales are of no
  // consequence. Two steps: 2^n itself may overflow or be subnormal, its two
  // halves cannot, and only the last product rounds.
  const int32_t exponent = static_cast<int32_t>(
      std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(kExpMagic));
  const int32_t first = exponent >> 1;
  const int32_t second = exponent - first;
  const float first_power =
      std::bit_cast<float>(static_cast<uint32_t>(first + 127) << 23);
  const float second_power =
      std::bit_cast<float>(static_cast<uint32_t>(second + 127) << 23);
  return power * first_power * second_power;
}

}  // namespace aneref
