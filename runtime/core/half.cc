// Roundings of doubles to fp16 and the engine's reading of fp16 (N5); the hot
// conversions are inline in half.h.
#include "runtime/core/half.h"

namespace aneref {
namespace {

enum class Ties { kToEven, kAway };

// One rounding of a finite magnitude (sign bit clear) below 65520 to half bits.
uint32_t RoundMagnitude(uint64_t magnitude, Ties ties) {
  const auto exponent = static_cast<uint32_t>(magnitude >> 52);
  // 1009 is the double's field for 2^-14. Below, the unit is 2^-24 and the
  // leading one is part of the significand.
  const bool normal = exponent >= 1009;
  if (exponent < 997)
    return 0;  // below 2^-26: less than half of the smallest unit
  const uint32_t shift = normal ? 42 : 42 + (1009 - exponent);
  const uint64_t significand =
      normal ? magnitude - (uint64_t{1008} << 52)
             : (magnitude & 0xFFFFFFFFFFFFFull) | (uint64_t{1} << 52);
  const uint64_t half_unit = uint64_t{1} << (shift - 1);
  const uint64_t odd = (significand >> shift) & 1u;
  const uint64_t increment =
      ties == Ties::kAway ? half_unit : half_unit - 1 + odd;
  return static_cast<uint32_t>((significand + increment) >> shift);
}

uint16_t Round(double value, Ties ties) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const auto sign = static_cast<uint32_t>(bits >> 48) & 0x8000u;
  const uint64_t magnitude = bits & 0x7FFFFFFFFFFFFFFFull;
  if (magnitude > 0x7FF0000000000000ull)
    return static_cast<uint16_t>(sign | kHalfNan);
  if (magnitude >= 0x40EFFE0000000000ull)
    return static_cast<uint16_t>(sign | kHalfInfinity);  // 65520
  return static_cast<uint16_t>(sign | RoundMagnitude(magnitude, ties));
}

}  // namespace

uint16_t DoubleToHalf(double value) { return Round(value, Ties::kToEven); }

uint16_t DoubleToHalfAway(double value) { return Round(value, Ties::kAway); }

double EngineHalfToDouble(uint16_t bits) {
  const uint64_t sign = static_cast<uint64_t>(bits & 0x8000u) << 48;
  const uint64_t magnitude = bits & 0x7FFFu;
  // N5: no test for exponent 31. Exponent bias 1023 - 15 = 1008.
  if (magnitude >= 0x0400u)
    return std::bit_cast<double>(sign |
                                 ((magnitude << 42) + (uint64_t{1008} << 52)));
  const double value = static_cast<double>(magnitude) * 0x1p-24;
  return std::bit_cast<double>(sign | std::bit_cast<uint64_t>(value));
}

uint16_t StoreHalfFromDouble(double value) {
  if (value != value) return kHalfNan;
  const uint16_t bits = DoubleToHalf(value);
  const bool overflowed = (bits & 0x7FFFu) == kHalfInfinity &&
                          (std::bit_cast<uint64_t>(value) &
                           ~(uint64_t{1} << 63)) != uint64_t{0x7FF} << 52;
  return overflowed ? static_cast<uint16_t>(bits - 1u) : bits;
}

}  // namespace aneref
