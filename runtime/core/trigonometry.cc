// Sine, cosine, tangent and their inverses: the other half of elementary.h
// (P7). Arguments are reduced to a pair in [-pi/4, pi/4]: below 2^20 by pi/2 in
// three parts (good to 2^-98), above by a window of 192 bits of 2/pi times the
// significand (good to 2^-130), so no finite argument is refused or wrong.
#include <cmath>
#include <limits>

#include "runtime/core/elementary.h"
#include "runtime/core/pair.h"

namespace aneref {
namespace elementary {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kTwoOverPi = 0x1.45f306dc9c883p-1;
constexpr double kHalfPiHi = 0x1.921fb54442d18p+0;
constexpr double kHalfPiLo = 0x1.1a62633145c07p-54;
// pi/2 in 33 + 33 + 53 bits: a multiple below 2^20 of the first two is exact.
constexpr double kHalfPiPart1 = 0x1.921fb544p+0;
constexpr double kHalfPiPart2 = 0x1.0b4611a6p-34;
constexpr double kHalfPiPart3 = 0x1.3198a2e037073p-69;

// 64 zero bits, then 1216 bits of 2/pi after the binary point.
constexpr uint32_t kTwoOverPiBits[] = {
    0x00000000, 0x00000000, 0xA2F9836E, 0x4E441529, 0xFC2757D1, 0xF534DDC0,
    0xDB629599, 0x3C439041, 0xFE5163AB, 0xDEBBC561, 0xB7246E3A, 0x424DD2E0,
    0x06492EEA, 0x09D1921C, 0xFE1DEB1C, 0xB129A73E, 0xE88235F5, 0x2EBB4484,
    0xE99C7026, 0xB45F7E41, 0x3991D639, 0x835339F4, 0x9C845F8B, 0xBDF9283B,
    0x1FF897FF, 0xDE05980F, 0xEF2F118B, 0x5A0A6D1F, 0x6D367ECF, 0x27CB09B7,
    0x4F463F66, 0x9E5FEA2D, 0x7527BAC7, 0xEBE5F17B, 0x3D0739F7, 0x8A5292EA,
    0x6BFB5FB1, 0x1F8D5D08, 0x56033046, 0xFC7B6BAB};
constexpr int kWindowWords = 6;

// 1/3!, 1/5! ... with alternating signs: sin(r) / r - 1 in powers of r^2.
constexpr double kSine[] = {-1.0 / 6,
                            1.0 / 120,
                            -1.0 / 5040,
                            1.0 / 362880,
                            -1.0 / 39916800,
                            1.0 / 6227020800.0,
                            -1.0 / 1307674368000.0,
                            1.0 / 355687428096000.0};
// 1/4!, 1/6! ...: (cos(r) - 1 + r^2 / 2) / r^4 in powers of r^2.
constexpr double kCosine[] = {1.0 / 24,
                              -1.0 / 720,
                              1.0 / 40320,
                              -1.0 / 3628800,
                              1.0 / 479001600,
                              -1.0 / 87178291200.0,
                              1.0 / 20922789888000.0};

struct Reduced {
  Pair angle;    // in [-pi/4, pi/4] and a rounding error beyond
  int quadrant;  // 0 ... 3: x = angle + quadrant * pi/2 (mod 2 pi)
};

Reduced ReduceSmall(double x) {
  const double n = std::floor(x * kTwoOverPi + 0.5);
  const Pair first = TwoSum(x - n * kHalfPiPart1, -(n * kHalfPiPart2));
  const Pair angle = TwoSum(first.hi, first.lo - n * kHalfPiPart3);
  return {angle, static_cast<int>(static_cast<int64_t>(n) & 3)};
}

// The low 192 bits of significand * window, least significant word first;
// window has its most significant word first.
void MultiplyWindow(uint64_t significand,
                    const uint32_t (&window)[kWindowWords],
                    uint32_t (&product)[kWindowWords]) {
  for (uint32_t& word : product) word = 0;
  for (int half = 0; half < 2; ++half) {
    const uint64_t factor =
        half == 0 ? significand & 0xFFFFFFFFu : significand >> 32;
    uint64_t carry = 0;
    for (int i = 0; i + half < kWindowWords; ++i) {
      carry += factor * window[kWindowWords - 1 - i] + product[i + half];
      product[i + half] = static_cast<uint32_t>(carry);
      carry >>= 32;
    }
  }
}

// The 192 bits of kTwoOverPiBits from bit `position` on, most significant word
// first.
void TakeWindow(int position, uint32_t (&window)[kWindowWords]) {
  const uint32_t* words = kTwoOverPiBits + position / 32;
  const int shift = position % 32;
  for (int i = 0; i < kWindowWords; ++i) {
    const uint64_t two_words =
        (static_cast<uint64_t>(words[i]) << 32) | words[i + 1];
    window[i] = static_cast<uint32_t>(two_words >> (32 - shift));
  }
}

// 2^192 - value, for the words of `value` from the least significant on.
void Negate(uint32_t (&value)[kWindowWords]) {
  uint64_t carry = 1;
  for (uint32_t& word : value) {
    carry += static_cast<uint32_t>(~word);
    word = static_cast<uint32_t>(carry);
    carry >>= 32;
  }
}

// The lower 190 bits of `product` as a fraction of a quadrant, times pi/2.
Pair AngleOfFraction(const uint32_t (&product)[kWindowWords]) {
  Pair fraction = {0.0, 0.0};
  double weight = 0x1p-30;  // of the most significant word's last bit
  for (int i = kWindowWords - 1; i >= 0; --i, weight *= 0x1p-32) {
    const uint32_t word =
        i == kWindowWords - 1 ? product[i] & 0x3FFFFFFFu : product[i];
    const Pair sum = TwoSum(fraction.hi, word * weight);
    fraction = TwoSum(sum.hi, sum.lo + fraction.lo);
  }
  const Pair main = TwoProduct(fraction.hi, kHalfPiHi);
  return TwoSum(main.hi,
                main.lo + (fraction.hi * kHalfPiLo + fraction.lo * kHalfPiHi));
}

// x = significand * 2^e, x >= 2^20. The bits of 2/pi that weigh 2^(2 - e) or
// more contribute multiples of 4 quadrants and are skipped; the product with
// the next 192 bits has its binary point after the upper 2 bits.
Reduced ReduceLarge(double x) {
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  const int e = static_cast<int>(bits >> 52) - 1075;
  const uint64_t significand =
      (bits & 0xFFFFFFFFFFFFFull) | (uint64_t{1} << 52);
  uint32_t window[kWindowWords];
  TakeWindow(e - 2 + 64, window);  // position 30 ... 1033
  uint32_t product[kWindowWords];
  MultiplyWindow(significand, window, product);
  const uint32_t top = product[kWindowWords - 1];
  const bool round_up = ((top >> 29) & 1u) !=
                        0;  // half a quadrant or more: count down from the next
  if (!round_up) return {AngleOfFraction(product), static_cast<int>(top >> 30)};
  Negate(product);
  const Pair angle = AngleOfFraction(product);
  return {{-angle.hi, -angle.lo}, static_cast<int>(((top >> 30) + 1) & 3u)};
}

// x finite and >= 0.
Reduced Reduce(double x) {
  return x < 0x1p20 ? ReduceSmall(x) : ReduceLarge(x);
}

double SineOf(const Pair& angle) {
  const double z = angle.hi * angle.hi;
  return angle.hi +
         (angle.hi * (z * Polynomial(z, kSine)) + angle.lo * (1.0 - 0.5 * z));
}

double CosineOf(const Pair& angle) {
  const double z = angle.hi * angle.hi;
  const double half = 0.5 * z;
  const double main = 1.0 - half;
  return main + (((1.0 - main) - half) +
                 (z * z * Polynomial(z, kCosine) - angle.hi * angle.lo));
}

// sin of `reduced` advanced by `quarter_turns`.
double SineOfQuadrant(const Reduced& reduced, int quarter_turns) {
  const int quadrant = (reduced.quadrant + quarter_turns) & 3;
  const double value =
      (quadrant & 1) != 0 ? CosineOf(reduced.angle) : SineOf(reduced.angle);
  return (quadrant & 2) != 0 ? -value : value;
}

// atan(k / 8), k = 0 ... 8.
constexpr Pair kAtan[] = {{0.0, 0.0},
                          {0x1.fd5ba9aac2f6ep-4, -0x1.cd37686760c17p-59},
                          {0x1.f5b75f92c80ddp-3, 0x1.8ab6e3cf7afbdp-57},
                          {0x1.6f61941e4def1p-2, -0x1.c63aae6f6e918p-56},
                          {0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56},
                          {0x1.1e00babdefeb4p-1, -0x1.928df287a668fp-58},
                          {0x1.4978fa3269ee1p-1, 0x1.2419a87f2a458p-56},
                          {0x1.700a7c5784634p-1, -0x1.8c34d25aadef6p-56},
                          {0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55}};
// -1/3, 1/5, ...: atan(u) / u - 1 in powers of u^2, |u| <= 1/16.
constexpr double kArcTangent[] = {-1.0 / 3,  1.0 / 5,  -1.0 / 7, 1.0 / 9,
                                  -1.0 / 11, 1.0 / 13, -1.0 / 15};

// atan(t) of 0 <= t <= 1 by atan(t) = atan(c) + atan((t - c) / (1 + t c)), c =
// k / 8 nearest to t.
Pair AtanOfUnit(double t) {
  const double k = std::floor(t * 8.0 + 0.5);
  const double c = k * 0.125;
  const double u = (t - c) / (1.0 + t * c);
  const double z = u * u;
  const Pair& base = kAtan[static_cast<int>(k)];
  return TwoSum(base.hi, base.lo + (u + u * (z * Polynomial(z, kArcTangent))));
}

}  // namespace

double Sin(double x) {
  if (!(std::fabs(x) < kInfinity)) return kNan;
  if (x == 0.0) return x;
  const double value = SineOfQuadrant(Reduce(std::fabs(x)), 0);
  return x < 0.0 ? -value : value;
}

double Cos(double x) {
  if (!(std::fabs(x) < kInfinity)) return kNan;
  return SineOfQuadrant(Reduce(std::fabs(x)), 1);
}

double Tan(double x) {
  if (!(std::fabs(x) < kInfinity)) return kNan;
  if (x == 0.0) return x;
  const Reduced reduced = Reduce(std::fabs(x));
  const double value = SineOfQuadrant(reduced, 0) / SineOfQuadrant(reduced, 1);
  return x < 0.0 ? -value : value;
}

double Atan(double x) {
  if (x != x) return kNan;
  const double a = std::fabs(x);
  if (a <= 1.0) return std::copysign(AtanOfUnit(a).hi, x);
  const Pair rest = AtanOfUnit(1.0 / a);
  return std::copysign((kHalfPiHi - rest.hi) + (kHalfPiLo - rest.lo), x);
}

double Asin(double x) {
  if (!(std::fabs(x) <= 1.0)) return kNan;
  // 1 - |x| is exact where it matters (|x| >= 1/2); the quotient is infinite
  // at 1.
  return Atan(x / std::sqrt((1.0 - x) * (1.0 + x)));
}

double Acos(double x) {
  if (!(std::fabs(x) <= 1.0)) return kNan;
  return 2.0 * Atan(std::sqrt((1.0 - x) / (1.0 + x)));
}

}  // namespace elementary
}  // namespace aneref
