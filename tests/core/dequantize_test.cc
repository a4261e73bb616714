// Stored weights and 8-bit floating formats against hand-worked bits.
#include "runtime/core/dequantize.h"

#include <doctest/doctest.h>

#include "runtime/core/half.h"

namespace aneref {
namespace {

using Bytes = std::vector<uint8_t>;
using Halves = std::vector<uint16_t>;

TEST_CASE("N60: an affine weight is the scale times the offset integer") {
  CHECK_EQ(DequantizeAffine(127, 0x2E66), 0x4A59);  // 0.0999756 * 127
  CHECK_EQ(DequantizeAffine(-127, 0x2E66), 0xCA59);
  CHECK_EQ(DequantizeAffine(5, 0x3800, 3), 0x3C00);
  CHECK_EQ(DequantizeAffine(3, 0x3800, 3), 0x0000);
  CHECK_EQ(DequantizeAffine(-128, 0x6800, 0), 0xFC00);  // -262144
}

TEST_CASE("N61: palette indices are packed from the lowest bits") {
  CHECK_EQ(PackIndices(Bytes{1, 0, 0, 1}, 4), Bytes{0x01, 0x10});
  CHECK_EQ(UnpackIndices(Bytes{0x01, 0x10}, 4, 4).value(), Bytes{1, 0, 0, 1});
  // 3 bits: 5, 3, 6 -> 101, 011, 110 -> 1 1001 1101
  CHECK_EQ(PackIndices(Bytes{5, 3, 6}, 3), Bytes{0x9D, 0x01});
  CHECK_EQ(UnpackIndices(Bytes{0x9D, 0x01}, 3, 3).value(), Bytes{5, 3, 6});
  for (const int bits : {1, 2, 3, 4, 6, 8}) {
    Bytes all;
    for (int i = 0; i < 50; ++i)
      all.push_back(static_cast<uint8_t>(i * 37 % (1 << bits)));
    CHECK_EQ(UnpackIndices(PackIndices(all, bits), bits, 50).value(), all);
  }
  CHECK_FALSE(UnpackIndices(Bytes{0}, 5, 1).ok());
  CHECK_FALSE(UnpackIndices(Bytes{0}, 4, 3).ok());
  CHECK_EQ(PaletteTableBytes(4), 32);
  CHECK_EQ(PaletteTableBytes(8), 512);
}

TEST_CASE("N61: channels of a group share a codebook of vectors") {
  const Halves shared = {0x0000, 0x3C00};
  Halves weights(4);
  REQUIRE(ExpandPalette({shared, 2, 1}, Bytes{1, 0, 0, 1}, 2, weights).ok());
  CHECK_EQ(weights, Halves{0x3C00, 0, 0, 0x3C00});
  // Two codebooks [index][channel of the pair], four channels of one weight.
  const Halves paired = {0x3C00, 0x4000, 0x4200, 0x4400,
                         0x4500, 0x4600, 0x4700, 0x4800};
  REQUIRE(ExpandPalette({paired, 2, 2}, Bytes{0, 1, 1, 0}, 1, weights).ok());
  CHECK_EQ(weights, Halves{0x3C00, 0x4400, 0x4700, 0x4600});
  CHECK_FALSE(
      ExpandPalette({shared, 2, 1}, Bytes{2, 0, 0, 0}, 2, weights).ok());
  CHECK_FALSE(ExpandPalette({shared, 2, 1}, Bytes{1}, 2, weights).ok());
  CHECK_FALSE(
      ExpandPalette({shared, 2, 2}, Bytes{0, 0, 0, 0}, 1, weights).ok());
}

TEST_CASE("N62: sparse weights are mask bits and survivors in scan order") {
  Halves weights(10);
  REQUIRE(
      ExpandSparse(Bytes{0x05, 0x02}, Halves{0x3C00, 0x4000, 0xC200}, weights)
          .ok());
  CHECK_EQ(weights, Halves{0x3C00, 0, 0x4000, 0, 0, 0, 0, 0, 0, 0xC200});
  CHECK_FALSE(ExpandSparse(Bytes{0xFF, 0}, Halves{0x3C00}, weights).ok());
  CHECK_FALSE(ExpandSparse(Bytes{0x01}, Halves{0x3C00}, weights).ok());
  CHECK_EQ(SparseBytes(1024, 379), 886);
  CHECK_EQ(SparseBytes(9, 0), 2);
}

TEST_CASE("N63: every block has its own scale") {
  CHECK_EQ(DequantizeAffine(7, 0x3400), 0x3F00);  // 7 / 4
  CHECK_EQ(DequantizeAffine(7, 0x3555), 0x40AA);  // 7 * 0.333252 = 2.332764
}

TEST_CASE("N64: a 4-bit weight is a palette of sixteen entries") {
  const Halves table = Int4Palette(0x3800, 0, true);
  CHECK_EQ(table[0], 0x0000);
  CHECK_EQ(table[7], 0x4300);   // 3.5
  CHECK_EQ(table[8], 0xC400);   // -8 / 2
  CHECK_EQ(table[15], 0xB800);  // -1 / 2
  CHECK_EQ(Int4Palette(0x3800, 8, false)[0], 0xC400);
  CHECK_EQ(Int4Palette(0x3800, 8, false)[15], 0x4300);
}

TEST_CASE("N66: a uint8 image dequantises to what the host would convert") {
  for (int32_t q = 0; q < 256; ++q)
    CHECK_EQ(DequantizeAffine(q, 0x3C00), DoubleToHalf(q));
  CHECK_EQ(DequantizeAffine(255, 0x1C04), 0x3C00);  // * 1/255 as fp16
}

TEST_CASE("N67: E4M3 has bias 7 and no infinity") {
  CHECK_EQ(HalfOfE4m3(0x38), 0x3C00);
  CHECK_EQ(HalfOfE4m3(0x7E), 0x5F00);  // 448
  CHECK_EQ(HalfOfE4m3(0x01), 0x1800);  // 2^-9
  CHECK_EQ(HalfOfE4m3(0x08), 0x2400);  // 2^-6
  CHECK_EQ(HalfOfE4m3(0x80), 0x8000);
  CHECK_EQ(HalfOfE4m3(0xFF), 0xFE00);
  CHECK_EQ(E4m3Of(448.0f, true), 0x7E);
  CHECK_EQ(E4m3Of(500.0f, true), 0x7E);
  CHECK_EQ(E4m3Of(500.0f, false), 0x7F);
  CHECK_EQ(E4m3Of(464.0f, false), 0x7E);         // midpoint to even
  CHECK_EQ(E4m3Of(-0.0009765625f, true), 0x80);  // half of 2^-9: even
  for (int bits = 0; bits < 256; ++bits) {
    if ((bits & 0x7F) == 0x7F) continue;
    const auto byte = static_cast<uint8_t>(bits);
    CHECK_EQ(E4m3Of(HalfToFloat(HalfOfE4m3(byte)), false), byte);
  }
}

TEST_CASE("N67: E5M2 is the upper byte of an fp16") {
  CHECK_EQ(HalfOfE5m2(0x3C), 0x3C00);
  CHECK_EQ(E5m2Of(0x3C80), 0x3C);  // midpoint to even
  CHECK_EQ(E5m2Of(0x3D80), 0x3E);
  CHECK_EQ(E5m2Of(0x3C81), 0x3D);
  CHECK_EQ(E5m2Of(0x7BFF), 0x7C);
  CHECK_EQ(E5m2Of(0xFC00), 0xFC);
}

}  // namespace
}  // namespace aneref
