// fp16 bit patterns <-> values, by integer bit operations only: the same bits
// on every machine (N9). HalfToFloat reads IEEE binary16; EngineHalfToDouble
// reads exponent 31 as the engine does (N5). Two roundings exist: RNE16 (ties
// to even) and RHA16 (ties away from zero, N19 and N23). Vector conversions
// live in ops/kernels.
#ifndef ANEREF_RUNTIME_CORE_HALF_H_
#define ANEREF_RUNTIME_CORE_HALF_H_

#include <bit>
#include <cstdint>

namespace aneref {

inline constexpr uint16_t kHalfInfinity = 0x7C00;
inline constexpr uint16_t kHalfNan =
    0x7E00;  // the one NaN that arithmetic stores (P15)
inline constexpr uint16_t kHalfMax = 0x7BFF;    // 65504
inline constexpr uint16_t kHalfLeast = 0x0001;  // 2^-24
inline constexpr uint16_t kHalfSignBit = 0x8000;

// Exact. A NaN becomes a quiet NaN whose payload is the half's, shifted.
inline float HalfToFloat(uint16_t bits) {
  const uint32_t sign = (bits & 0x8000u) << 16;
  const uint32_t magnitude = bits & 0x7FFFu;
  if (magnitude >= 0x7C00u) {
    const uint32_t quiet = magnitude > 0x7C00u ? 0x00400000u : 0u;
    return std::bit_cast<float>(sign | 0x7F800000u | quiet |
                                ((magnitude & 0x3FFu) << 13));
  }
  // Exponent bias 127 - 15 = 112.
  if (magnitude >= 0x0400u)
    return std::bit_cast<float>(sign | ((magnitude << 13) + (112u << 23)));
  // Subnormal: an integer times 2^-24, both factors exact.
  const float value = static_cast<float>(magnitude) * 0x1p-24f;
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
}

// RNE16: gradual underflow, infinity from 65520, NaN becomes kHalfNan with the
// sign kept.
inline uint16_t FloatToHalf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) return static_cast<uint16_t>(sign | kHalfNan);
  if (magnitude >= 0x477FF000u)
    return static_cast<uint16_t>(sign | kHalfInfinity);  // 65520
  if (magnitude >= 0x38800000u) {                        // 2^-14: normal result
    const uint32_t rebiased = magnitude - (112u << 23);
    return static_cast<uint16_t>(
        sign | ((rebiased + 0xFFFu + ((rebiased >> 13) & 1u)) >> 13));
  }
  if (magnitude < 0x33000000u)
    return static_cast<uint16_t>(sign);  // below 2^-25
  // Subnormal result: significand / 2^shift in units of 2^-24, 14 <= shift
  // <= 24.
  const uint32_t shift = 126u - (magnitude >> 23);
  const uint32_t significand = (magnitude & 0x7FFFFFu) | 0x800000u;
  const uint32_t half_unit = (1u << (shift - 1)) - 1u;
  return static_cast<uint16_t>(
      sign |
      ((significand + half_unit + ((significand >> shift) & 1u)) >> shift));
}

// P2, P15: the fp16 that an arithmetic op stores. As FloatToHalf, but a finite
// value beyond the range becomes the largest fp16 of its sign, and every NaN
// kHalfNan: the sign of a NaN that arithmetic makes differs between machines.
inline uint16_t StoreHalf(float value) {
  if (value != value) return kHalfNan;
  const uint16_t bits = FloatToHalf(value);
  const bool overflowed =
      (bits & 0x7FFFu) == kHalfInfinity &&
      (std::bit_cast<uint32_t>(value) & 0x7FFFFFFFu) != 0x7F800000u;
  return overflowed ? static_cast<uint16_t>(bits - 1u) : bits;
}

// RNE16 of a double, one rounding (never through float).
uint16_t DoubleToHalf(double value);

// As StoreHalf, from a double in one rounding (P2, P15).
uint16_t StoreHalfFromDouble(double value);

// RHA16: as DoubleToHalf, but ties go away from zero (N19, N23).
uint16_t DoubleToHalfAway(double value);

// The value the engine computes with: exponent field 31 is an ordinary
// exponent, so 7C00 is 65536 and 7E00 is 98304 (N5). The sign of a zero is
// kept.
double EngineHalfToDouble(uint16_t bits);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_HALF_H_
