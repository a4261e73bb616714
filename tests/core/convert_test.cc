// convert.h: literals for every kind of pair (P12-P14).
#include "runtime/core/convert.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace aneref {
namespace {

constexpr float kFloatNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kFloatInfinity = std::numeric_limits<float>::infinity();

template <class To, class From>
std::vector<To> Convert(DataType from, const std::vector<From>& src,
                        DataType to) {
  std::vector<To> dst(src.size());
  ConvertElements(from, src.data(), to, dst.data(), src.size());
  return dst;
}

TEST_CASE("P14: float to integer truncates toward zero") {
  const std::vector<float> src = {1.9f, -1.9f, 0.99f, -0.99f, 127.9f};
  CHECK_EQ(Convert<int8_t>(DataType::kFloat32, src, DataType::kInt8),
           std::vector<int8_t>{1, -1, 0, 0, 127});
  CHECK_EQ(Convert<int64_t>(DataType::kFloat32, src, DataType::kInt64),
           std::vector<int64_t>{1, -1, 0, 0, 127});
  const std::vector<uint16_t> halves = {0x4248, 0xC248,
                                        0x7BFF};  // 3.140625, -3.140625, 65504
  CHECK_EQ(Convert<int32_t>(DataType::kFloat16, halves, DataType::kInt32),
           std::vector<int32_t>{3, -3, 65504});
}

TEST_CASE("P14: float to integer saturates at the bounds of the type") {
  const std::vector<float> src = {300.0f, -300.0f, kFloatInfinity,
                                  -kFloatInfinity};
  CHECK_EQ(Convert<int8_t>(DataType::kFloat32, src, DataType::kInt8),
           std::vector<int8_t>{127, -128, 127, -128});
  CHECK_EQ(Convert<uint8_t>(DataType::kFloat32, src, DataType::kUint8),
           std::vector<uint8_t>{255, 0, 255, 0});
  const std::vector<double> wide = {2147483647.5, 2147483648.0, -2147483648.9,
                                    -2147483649.0};
  CHECK_EQ(Convert<int32_t>(DataType::kFloat64, wide, DataType::kInt32),
           std::vector<int32_t>{2147483647, 2147483647, INT32_MIN, INT32_MIN});
  const std::vector<double> widest = {0x1p63, -0x1p63, 0x1.fffffffffffffp62,
                                      0x1p64, -1.0};
  CHECK_EQ(Convert<int64_t>(DataType::kFloat64, widest, DataType::kInt64),
           std::vector<int64_t>{INT64_MAX, INT64_MIN, 9223372036854774784,
                                INT64_MAX, -1});
  CHECK_EQ(Convert<uint64_t>(DataType::kFloat64, widest, DataType::kUint64),
           std::vector<uint64_t>{0x8000000000000000u, 0, 9223372036854774784u,
                                 UINT64_MAX, 0});
}

TEST_CASE("P14: NaN gives integer 0 and bool true") {
  const std::vector<float> src = {kFloatNan, 0.0f, -0.0f, 1e-45f};
  CHECK_EQ(Convert<int32_t>(DataType::kFloat32, src, DataType::kInt32),
           std::vector<int32_t>{0, 0, 0, 0});
  CHECK_EQ(Convert<uint8_t>(DataType::kFloat32, src, DataType::kBool),
           std::vector<uint8_t>{1, 0, 0, 1});
  const std::vector<uint16_t> halves = {0x7E00, 0x8000, 0x0001, 0xFC00};
  CHECK_EQ(Convert<uint8_t>(DataType::kFloat16, halves, DataType::kBool),
           std::vector<uint8_t>{1, 0, 1, 1});
  CHECK_EQ(Convert<uint16_t>(DataType::kFloat16, halves, DataType::kUint16),
           std::vector<uint16_t>{0, 0, 0, 0});
}

TEST_CASE("P14: bool reads any non-zero byte as 1") {
  const std::vector<uint8_t> src = {0, 1, 255};
  CHECK_EQ(Convert<uint16_t>(DataType::kBool, src, DataType::kFloat16),
           std::vector<uint16_t>{0, 0x3C00, 0x3C00});
  CHECK_EQ(Convert<int64_t>(DataType::kBool, src, DataType::kInt64),
           std::vector<int64_t>{0, 1, 1});
  const std::vector<int64_t> wide = {0, int64_t{1} << 40};
  CHECK_EQ(Convert<uint8_t>(DataType::kInt64, wide, DataType::kBool),
           std::vector<uint8_t>{0, 1});
}

TEST_CASE("P13: integer to narrower integer wraps") {
  const std::vector<int32_t> src = {300, -1, -129, 65536};
  CHECK_EQ(Convert<int8_t>(DataType::kInt32, src, DataType::kInt8),
           std::vector<int8_t>{44, -1, 127, 0});
  CHECK_EQ(Convert<uint16_t>(DataType::kInt32, src, DataType::kUint16),
           std::vector<uint16_t>{300, 65535, 65407, 0});
  CHECK_EQ(Convert<uint64_t>(DataType::kInt32, src, DataType::kUint64),
           std::vector<uint64_t>{300, UINT64_MAX, UINT64_MAX - 128, 65536});
}

TEST_CASE("P14: to fp16 one rounding and overflow to infinity") {
  const std::vector<double> wide = {1.0 + 0x1p-11 + 0x1p-40, 65519.9, 65520.0,
                                    -1e9};
  CHECK_EQ(Convert<uint16_t>(DataType::kFloat64, wide, DataType::kFloat16),
           std::vector<uint16_t>{0x3C01, 0x7BFF, 0x7C00, 0xFC00});
  const std::vector<float> single = {2049.0f, -2051.0f, 0x1p-25f};
  CHECK_EQ(Convert<uint16_t>(DataType::kFloat32, single, DataType::kFloat16),
           std::vector<uint16_t>{0x6800, 0xE802, 0x0000});
  const std::vector<int64_t> integers = {2049, 2051, 65519, 65520, INT64_MIN};
  CHECK_EQ(Convert<uint16_t>(DataType::kInt64, integers, DataType::kFloat16),
           std::vector<uint16_t>{0x6800, 0x6802, 0x7BFF, 0x7C00, 0xFC00});
}

TEST_CASE("P14: fp16 widens exactly and 64-bit integers round once to fp32") {
  const std::vector<uint16_t> halves = {0x3555, 0x0001, 0xFC00};
  CHECK_EQ(Convert<float>(DataType::kFloat16, halves, DataType::kFloat32),
           std::vector<float>{0x1.554p-2f, 0x1p-24f, -kFloatInfinity});
  CHECK_EQ(Convert<double>(DataType::kFloat16, halves, DataType::kFloat64),
           std::vector<double>{0x1.554p-2, 0x1p-24,
                               -std::numeric_limits<double>::infinity()});
  // 2^54 + 2^30 + 1 is just above a tie of fp32; through double it would be the
  // tie, and go to even.
  const std::vector<int64_t> integers = {
      (int64_t{1} << 54) + (int64_t{1} << 30) + 1, 16777217};
  CHECK_EQ(Convert<float>(DataType::kInt64, integers, DataType::kFloat32),
           std::vector<float>{0x1.000002p54f, 16777216.0f});
}

TEST_CASE("convert: the value 3 survives all 144 pairs") {
  int num_wrong = 0;
  for (int from = 0; from < kNumDataTypes; ++from) {
    for (int to = 0; to < kNumDataTypes; ++to) {
      const auto from_type = static_cast<DataType>(from);
      const auto to_type = static_cast<DataType>(to);
      const int32_t three = 3;
      uint64_t source = 0;
      uint64_t result = 0;
      int32_t back = 0;
      ConvertElements(DataType::kInt32, &three, from_type, &source, 1);
      ConvertElements(from_type, &source, to_type, &result, 1);
      ConvertElements(to_type, &result, DataType::kInt32, &back, 1);
      const bool through_bool =
          from_type == DataType::kBool || to_type == DataType::kBool;
      if (back != (through_bool ? 1 : 3)) ++num_wrong;
    }
  }
  CHECK_EQ(num_wrong, 0);
}

TEST_CASE("convert: equal types copy bits; none copy nothing") {
  const std::vector<uint16_t> halves = {0x7C01, 0xFE55};
  CHECK_EQ(Convert<uint16_t>(DataType::kFloat16, halves, DataType::kFloat16),
           halves);
  ConvertElements(DataType::kFloat32, nullptr, DataType::kInt8, nullptr, 0);
}

TEST_CASE("convert: one element fills memory of any size") {
  for (const size_t size : {size_t{1}, size_t{2}, size_t{4}, size_t{8}}) {
    const std::byte element[8] = {std::byte{1}, std::byte{2}, std::byte{3},
                                  std::byte{4}, std::byte{5}, std::byte{6},
                                  std::byte{7}, std::byte{8}};
    for (const size_t count : std::initializer_list<size_t>{
             0, 1, 2, 3, 7, 2048, 16384, 16385, 50001}) {
      std::vector<std::byte> filled(count * size + 1, std::byte{99});
      RepeatElement(element, size, filled.data(), count * size);
      size_t differing = 0;
      for (size_t i = 0; i < count * size; ++i)
        differing += filled[i] != element[i % size];
      CHECK_EQ(differing, 0);
      CHECK_EQ(filled.back(), std::byte{99});
    }
  }
}

TEST_CASE("P12: constants beyond the fp16 range saturate") {
  const std::vector<float> src = {-3.4e38f,  65520.0f,       65519.0f,
                                  1.0f,      kFloatInfinity, -kFloatInfinity,
                                  kFloatNan, -1e-9f};
  std::vector<uint16_t> dst(src.size());
  ConvertConstantToHalf(src.data(), dst.data(), src.size(), 400);
  CHECK_EQ(dst, std::vector<uint16_t>{0xFBFF, 0x7BFF, 0x7BFF, 0x3C00, 0x7C00,
                                      0xFC00, 0x7E00, 0x8000});
}

TEST_CASE("P12: an epsilon does not become 0, elements of a kernel may") {
  const std::vector<float> src = {1e-10f, -1e-12f,  0x1p-149f, 0.0f,
                                  -0.0f,  0x1p-25f, 0x1.8p-24f};
  std::vector<uint16_t> dst(src.size());
  ConvertConstantToHalf(src.data(), dst.data(), src.size(), 399);
  CHECK_EQ(dst, std::vector<uint16_t>{0x0001, 0x8001, 0x0001, 0x0000, 0x8000,
                                      0x0001, 0x0002});
  ConvertConstantToHalf(src.data(), dst.data(), src.size(), 400);
  CHECK_EQ(dst, std::vector<uint16_t>{0x0000, 0x8000, 0x0000, 0x0000, 0x8000,
                                      0x0000, 0x0002});
}

}  // namespace
}  // namespace aneref
