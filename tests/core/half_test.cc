// half.h against an oracle that knows only sign, exponent and mantissa (ldexp)
// and picks the nearest neighbour.
#include "runtime/core/half.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <limits>

namespace aneref {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The value of finite bits from the definition of binary16; exponent 31
// continues the pattern.
double ValueOf(uint32_t bits) {
  const int exponent = static_cast<int>((bits >> 10) & 31u);
  const int mantissa = static_cast<int>(bits & 1023u);
  const double magnitude = exponent == 0
                               ? std::ldexp(mantissa, -24)
                               : std::ldexp(1024 + mantissa, exponent - 25);
  return (bits & 0x8000u) != 0 ? -magnitude : magnitude;
}

bool IsNanBits(uint32_t bits) { return (bits & 0x7FFFu) > 0x7C00u; }

TEST_CASE("half: every half widens to its value and comes back") {
  int num_failed = 0;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    if ((bits & 0x7C00u) == 0x7C00u) continue;
    const auto half = static_cast<uint16_t>(bits);
    const float value = HalfToFloat(half);
    const double expected = ValueOf(bits);
    const bool same = static_cast<double>(value) == expected &&
                      std::signbit(value) == std::signbit(expected);
    if (!same || FloatToHalf(value) != half || DoubleToHalf(expected) != half ||
        DoubleToHalfAway(expected) != half || StoreHalf(value) != half) {
      ++num_failed;
    }
  }
  CHECK_EQ(num_failed, 0);
}

TEST_CASE("half: infinities and quiet NaN payloads widen") {
  CHECK_EQ(std::bit_cast<uint32_t>(HalfToFloat(0x7C00)), 0x7F800000u);
  CHECK_EQ(std::bit_cast<uint32_t>(HalfToFloat(0xFC00)), 0xFF800000u);
  CHECK_EQ(std::bit_cast<uint32_t>(HalfToFloat(0x7E00)), 0x7FC00000u);
  CHECK_EQ(std::bit_cast<uint32_t>(HalfToFloat(0x7C01)),
           0x7FC02000u);  // signalling: quieted, payload kept
  CHECK_EQ(std::bit_cast<uint32_t>(HalfToFloat(0xFFFF)), 0xFFFFE000u);
  CHECK_EQ(std::bit_cast<uint32_t>(HalfToFloat(0x7D23)), 0x7FE46000u);
  CHECK_EQ(std::bit_cast<uint32_t>(HalfToFloat(0x8000)), 0x80000000u);
}

// Checks both signs of a positive double, and its float where that is exact.
int CountWrong(double value, uint32_t even, uint32_t away) {
  int num_wrong = 0;
  for (const uint32_t sign : {0x0000u, 0x8000u}) {
    const double signed_value = sign != 0 ? -value : value;
    if (DoubleToHalf(signed_value) != (even | sign)) ++num_wrong;
    if (DoubleToHalfAway(signed_value) != (away | sign)) ++num_wrong;
    const auto single = static_cast<float>(signed_value);
    if (static_cast<double>(single) == signed_value &&
        FloatToHalf(single) != (even | sign))
      ++num_wrong;
  }
  return num_wrong;
}

TEST_CASE("half: midpoints of all neighbours and one ulp around") {
  int num_wrong = 0;
  for (uint32_t bits = 0; bits < 0x7C00u; ++bits) {
    // The neighbour of 65504 is 65536, which is stored as infinity (7C00).
    const double middle = (ValueOf(bits) + ValueOf(bits + 1)) / 2;
    const uint32_t even = (bits & 1u) == 0 ? bits : bits + 1;
    num_wrong += CountWrong(middle, even, bits + 1);
    num_wrong += CountWrong(std::nextafter(middle, 0.0), bits, bits);
    num_wrong += CountWrong(std::nextafter(middle, 1e9), bits + 1, bits + 1);
    const auto single = static_cast<float>(middle);
    num_wrong += CountWrong(static_cast<double>(std::nextafter(single, 0.0f)),
                            bits, bits);
    num_wrong += CountWrong(static_cast<double>(std::nextafter(single, 1e9f)),
                            bits + 1, bits + 1);
  }
  CHECK_EQ(num_wrong, 0);
}

TEST_CASE("half: floats of every exponent go to the nearest half") {
  int num_wrong = 0;
  uint32_t below = 0;  // largest half not above the float
  for (uint32_t single_bits = 0; single_bits < 0x47800000u;
       single_bits += 977) {
    const auto value = static_cast<double>(std::bit_cast<float>(single_bits));
    while (ValueOf(below + 1) <= value) ++below;
    const double to_below = value - ValueOf(below);
    const double to_above = ValueOf(below + 1) - value;
    const uint32_t tie = (below & 1u) == 0 ? below : below + 1;
    const uint32_t even = to_below < to_above   ? below
                          : to_above < to_below ? below + 1
                                                : tie;
    num_wrong +=
        CountWrong(value, even, to_below < to_above ? below : below + 1);
  }
  CHECK_EQ(num_wrong, 0);
}

TEST_CASE("half: doubles round once and never through float") {
  // 1 + 2^-11 is a tie; 2^-40 more would be lost on the way through float.
  CHECK_EQ(DoubleToHalf(1.0 + 0x1p-11 + 0x1p-40), 0x3C01);
  CHECK_EQ(DoubleToHalf(1.0 + 0x1p-11), 0x3C00);
  CHECK_EQ(DoubleToHalfAway(1.0 + 0x1p-11 - 0x1p-40), 0x3C00);
  CHECK_EQ(DoubleToHalf(0x1p-25), 0x0000);
  CHECK_EQ(DoubleToHalf(0x1.0000000000001p-25), 0x0001);
  CHECK_EQ(DoubleToHalfAway(0x1p-25), 0x0001);
  CHECK_EQ(DoubleToHalf(-0x1p-1074), 0x8000);
}

TEST_CASE("half: magnitudes from 65520 overflow to infinity") {
  CHECK_EQ(FloatToHalf(65504.0f), 0x7BFF);
  CHECK_EQ(FloatToHalf(65519.996f), 0x7BFF);
  CHECK_EQ(FloatToHalf(65520.0f), 0x7C00);
  CHECK_EQ(FloatToHalf(-65520.0f), 0xFC00);
  CHECK_EQ(FloatToHalf(kInfinity), 0x7C00);
  CHECK_EQ(DoubleToHalf(65519.999999999), 0x7BFF);
  CHECK_EQ(DoubleToHalf(65520.0), 0x7C00);
  CHECK_EQ(DoubleToHalfAway(65520.0), 0x7C00);
  CHECK_EQ(DoubleToHalf(-1e300), 0xFC00);
}

TEST_CASE("half: conversions of NaN are canonical and keep the sign") {
  CHECK_EQ(FloatToHalf(std::bit_cast<float>(0x7FC00001u)), 0x7E00);
  CHECK_EQ(FloatToHalf(std::bit_cast<float>(0xFF800001u)), 0xFE00);
  CHECK_EQ(DoubleToHalf(std::numeric_limits<double>::quiet_NaN()), 0x7E00);
  CHECK_EQ(DoubleToHalfAway(-std::numeric_limits<double>::quiet_NaN()), 0xFE00);
}

TEST_CASE("P15: arithmetic stores every NaN as 7E00 and nothing else changes") {
  CHECK_EQ(StoreHalf(std::bit_cast<float>(0xFFC00000u)),
           0x7E00);  // x86's NaN of 0 * inf
  CHECK_EQ(StoreHalf(std::bit_cast<float>(0x7FC12345u)), 0x7E00);
  CHECK_EQ(StoreHalf(-kInfinity), 0xFC00);
  CHECK_EQ(StoreHalf(-0.0f), 0x8000);
}

TEST_CASE("P8: fp32 sums and quotients of halves round innocuously") {
  // In double the sum is exact and the quotient has 29 bits to spare.
  int num_wrong = 0;
  for (uint32_t i = 1; i < 0x7C00u; i += 7) {
    const float a = HalfToFloat(static_cast<uint16_t>(i));
    for (uint32_t j = 1 + i % 31; j < 0x7C00u; j += 31) {
      const float b = HalfToFloat(static_cast<uint16_t>(j));
      const auto wide_a = static_cast<double>(a);
      const auto wide_b = static_cast<double>(b);
      if (FloatToHalf(a + b) != DoubleToHalf(wide_a + wide_b)) ++num_wrong;
      if (FloatToHalf(a - b) != DoubleToHalf(wide_a - wide_b)) ++num_wrong;
      if (FloatToHalf(a / b) != DoubleToHalf(wide_a / wide_b)) ++num_wrong;
    }
  }
  CHECK_EQ(num_wrong, 0);
}

TEST_CASE("N5: exponent 31 is an ordinary exponent inside the engine") {
  CHECK_EQ(EngineHalfToDouble(0x7C00), 65536.0);
  CHECK_EQ(EngineHalfToDouble(0x7E00), 98304.0);
  CHECK_EQ(EngineHalfToDouble(0x7FFF), 131008.0);
  CHECK_EQ(EngineHalfToDouble(0xFC00), -65536.0);
  int num_wrong = 0;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const double value = EngineHalfToDouble(static_cast<uint16_t>(bits));
    if (value != ValueOf(bits) || std::signbit(value) != (bits >= 0x8000u))
      ++num_wrong;
    CHECK_FALSE((IsNanBits(bits) && std::isnan(value)));
  }
  CHECK_EQ(num_wrong, 0);
}

TEST_CASE("N6: special operands decoded as numbers give the measured results") {
  const double nan = EngineHalfToDouble(0x7E00);
  const double infinity = EngineHalfToDouble(0x7C00);
  CHECK_EQ(DoubleToHalf(nan + 0.0), 0x7C00);
  CHECK_EQ(DoubleToHalf(nan - 1.0), 0x7C00);
  CHECK_EQ(DoubleToHalf(infinity + 1.0), 0x7C00);
  CHECK_EQ(DoubleToHalf(infinity - infinity), 0x0000);
  CHECK_EQ(DoubleToHalf(0.0 * infinity), 0x0000);
  CHECK_EQ(DoubleToHalf(EngineHalfToDouble(0xFE00)), 0xFC00);
  CHECK_EQ(DoubleToHalf(nan - infinity), 0x7800);  // 32768
  CHECK_EQ(DoubleToHalf(nan * 0x1p-4), 0x6E00);    // 6144
}

TEST_CASE("N19: ties round away from zero") {
  CHECK_EQ(DoubleToHalfAway(2049.0), 0x6801);         // 2050
  CHECK_EQ(DoubleToHalfAway(-2049.0), 0xE801);        // -2050
  CHECK_EQ(DoubleToHalfAway(2051.0), 0x6802);         // 2052
  CHECK_EQ(DoubleToHalfAway(4098.0), 0x6C01);         // 4100
  CHECK_EQ(DoubleToHalfAway(4102.0), 0x6C02);         // 4104
  CHECK_EQ(DoubleToHalfAway(1.0 + 0x1p-11), 0x3C01);  // 1.0009765625
  CHECK_EQ(DoubleToHalfAway(1.0 + 0x1p-12), 0x3C00);
  CHECK_EQ(DoubleToHalfAway(1.0 + 0x1p-11 - 0x1p-13), 0x3C00);
  CHECK_EQ(DoubleToHalfAway(0x1p-16), 0x0100);
  CHECK_EQ(DoubleToHalf(2049.0), 0x6800);  // RNE, for contrast
}

TEST_CASE("N23: element-wise results round once and overflow from 65520") {
  CHECK_EQ(DoubleToHalfAway(40001.0), 0x78E2);  // 40000
  CHECK_EQ(DoubleToHalfAway(2047.0), 0x67FF);
  CHECK_EQ(DoubleToHalfAway(65536.0), 0x7C00);  // 256 * 256
  CHECK_EQ(DoubleToHalf(0x1p-17), 0x0080);      // 2^-7 * 2^-10
}

}  // namespace
}  // namespace aneref
