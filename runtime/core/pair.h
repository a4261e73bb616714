// Unevaluated sums of two doubles: about 106 bits, for the elementary functions
// (P7) only. Built of error-free additions and of products split in halves,
// never of FMA, so that every machine gives the same bits. Not a general
// double-double library: operands stay far from overflow and underflow.
#ifndef ANEREF_RUNTIME_CORE_PAIR_H_
#define ANEREF_RUNTIME_CORE_PAIR_H_

#include <bit>
#include <cstddef>
#include <cstdint>

namespace aneref {
namespace elementary {

struct Pair {
  double hi;
  double lo;
};

// a + b exactly (Knuth).
inline Pair TwoSum(double a, double b) {
  const double sum = a + b;
  const double b_part = sum - a;
  return {sum, (a - (sum - b_part)) + (b - b_part)};
}

// a * b exactly (Veltkamp, Dekker), |a| and |b| below 2^990.
inline Pair TwoProduct(double a, double b) {
  constexpr double kSplit = 0x1p27 + 1.0;
  const double a_scaled = kSplit * a;
  const double b_scaled = kSplit * b;
  const double a_hi = a_scaled - (a_scaled - a);
  const double b_hi = b_scaled - (b_scaled - b);
  const double a_lo = a - a_hi;
  const double b_lo = b - b_hi;
  const double product = a * b;
  return {product,
          ((a_hi * b_hi - product) + a_hi * b_lo + a_lo * b_hi) + a_lo * b_lo};
}

// coefficients[0] + coefficients[1] * x + ..., Horner.
template <size_t kCount>
inline double Polynomial(double x, const double (&coefficients)[kCount]) {
  double sum = coefficients[kCount - 1];
  for (size_t i = kCount - 1; i-- > 0;) sum = sum * x + coefficients[i];
  return sum;
}

// value * 2^exponent with one rounding, -1200 < exponent < 1100 and |value| in
// [0.5, 2].
inline double Scale(double value, int exponent) {
  const int first = exponent / 2;
  const int second = exponent - first;
  const double first_power =
      std::bit_cast<double>(static_cast<uint64_t>(1023 + first) << 52);
  const double second_power =
      std::bit_cast<double>(static_cast<uint64_t>(1023 + second) << 52);
  return value * first_power * second_power;
}

}  // namespace elementary
}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_PAIR_H_
