// F13: compressed constants, width by width, against bytes packed by hand, and
// the constexpr_* operations that make them.
#include <doctest/doctest.h>

#include "runtime/graph/decode.h"
#include "tests/import/coreml/mil_builder.h"

namespace aneref::mil_test {
namespace {

using Encoding = fbs::Encoding;

std::vector<std::byte> Raw(const std::vector<unsigned>& values) {
  std::vector<std::byte> bytes;
  for (unsigned v : values) bytes.push_back(static_cast<std::byte>(v));
  return bytes;
}
std::vector<std::byte> RawFloats(const std::vector<float>& values) {
  std::vector<std::byte> bytes(values.size() * 4);
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<float> Decoded(const EncodedConstant& constant) {
  std::vector<float> out(static_cast<size_t>(constant.shape.NumElements()));
  const Status status = DecodeConstant(
      constant, {reinterpret_cast<std::byte*>(out.data()), out.size() * 4});
  CHECK_MESSAGE(status.ok(), status.message());
  return out;
}

// scale 1, no zero point: the integers themselves.
std::vector<float> Integers(int bits, bool is_signed,
                            const std::vector<unsigned>& packed,
                            int64_t count) {
  const std::vector<std::byte> data = Raw(packed), scales = RawFloats({1.0f});
  EncodedConstant c;
  c.encoding = Encoding::affine;
  c.stored = DataType::kFloat32;
  c.shape = Shape{count};
  c.bits = bits;
  c.is_signed = is_signed;
  c.data = data;
  c.scales = scales;
  c.scales_shape = {1};
  return Decoded(c);
}

using Values = std::vector<float>;

TEST_CASE("F13: 1-bit values fill a byte from its lowest bit") {
  // 1 0 1 1 0 0 1 0 | 1: 01001101, 00000001
  CHECK(Integers(1, false, {0x4D, 0x01}, 9) ==
        Values{1, 0, 1, 1, 0, 0, 1, 0, 1});
}

TEST_CASE("F13: 2-bit values fill a byte from its lowest bits") {
  // 3 0 1 2 | 1: 10 01 00 11 = 0x93, 0x01
  CHECK(Integers(2, false, {0x93, 0x01}, 5) == Values{3, 0, 1, 2, 1});
}

TEST_CASE("F13: 3-bit values run across byte borders") {
  // 1 2 3 4 5 6 7 0 as bits from the lowest: 001 010 011 100 101 110 111 000;
  // the word is 0b000'111'110'101'100'011'010'001 = 0x1F58D1
  CHECK(Integers(3, false, {0xD1, 0x58, 0x1F}, 8) ==
        Values{1, 2, 3, 4, 5, 6, 7, 0});
}

TEST_CASE("F13: 4-bit values: the first one is the low nibble") {
  CHECK(Integers(4, false, {0x21, 0xF8}, 4) == Values{1, 2, 8, 15});
  CHECK(Integers(4, true, {0x21, 0xF8}, 4) == Values{1, 2, -8, -1});
}

TEST_CASE("F13: 6-bit values run across byte borders") {
  // 1 2 63 32: 000001 000010 111111 100000 from the lowest:
  // 0b100000'111111'000010'000001 = 0x83F081
  CHECK(Integers(6, false, {0x81, 0xF0, 0x83}, 4) == Values{1, 2, 63, 32});
}

TEST_CASE("F13: 8-bit values are bytes") {
  CHECK(Integers(8, false, {0, 1, 128, 255}, 4) == Values{0, 1, 128, 255});
  CHECK(Integers(8, true, {0, 1, 128, 255}, 4) == Values{0, 1, -128, -1});
}

TEST_CASE("F13: every value of every width") {
  for (int bits = 1; bits <= 8; ++bits) {
    // All codes in order, written as one long binary number from its lowest bit
    // on; then its bytes.
    const int count = 1 << bits;
    std::vector<bool> number;
    for (int code = 0; code < count; ++code) {
      for (int bit = 0; bit < bits; ++bit)
        number.push_back(((code >> bit) & 1) != 0);
    }
    std::vector<unsigned> bytes((number.size() + 7) / 8, 0u);
    for (size_t i = 0; i < number.size(); ++i) {
      if (number[i]) bytes[i / 8] |= 1u << (i % 8);
    }
    INFO(bits << " bits");
    Values plain, complement;
    for (int code = 0; code < count; ++code) {
      plain.push_back(static_cast<float>(code));
      complement.push_back(
          static_cast<float>(code < count / 2 ? code : code - count));
    }
    CHECK(Integers(bits, false, bytes, count) == plain);
    CHECK(Integers(bits, true, bytes, count) == complement);
  }
}

TEST_CASE("F13: 5-bit and 7-bit values run across byte borders") {
  // 1 31 16 from the lowest bit: 10000 111|11 00001: 0x3E1 + 16 * 2^10 = 0x43E1
  CHECK(Integers(5, false, {0xE1, 0x43}, 3) == Values{1, 31, 16});
  CHECK(Integers(5, true, {0xE1, 0x43}, 3) == Values{1, -1, -16});
  // 1 127 64: 1 + 127 * 2^7 + 64 * 2^14 = 0x103F81
  CHECK(Integers(7, false, {0x81, 0x3F, 0x10}, 3) == Values{1, 127, 64});
  CHECK(Integers(7, true, {0x81, 0x3F, 0x10}, 3) == Values{1, -1, -64});
}

TEST_CASE("F13: scales and zero points along an axis") {
  const auto data = Raw({1, 2, 3, 4, 5, 6}), zeros = Raw({1, 2, 3});
  const auto scales = RawFloats({1.0f, 10.0f, 0.5f});
  EncodedConstant c;
  c.encoding = Encoding::affine;
  c.stored = DataType::kFloat32;
  c.shape = Shape{2, 3};
  c.bits = 8;
  c.axis = 1;
  c.data = data;
  c.scales = scales;
  c.zero_points = zeros;
  c.scales_shape = {3};
  CHECK(Decoded(c) == Values{0, 0, 0, 3, 30, 1.5f});
}

TEST_CASE("F13: biases are added to the products") {
  const auto data = Raw({1, 2, 3, 4, 5, 6}), zeros = Raw({1, 2, 3});
  const auto scales = RawFloats({1.0f, 10.0f, 0.5f});
  const auto biases = RawFloats({-1.0f, 0.25f, 0x1p-25f});
  EncodedConstant c;
  c.encoding = Encoding::affine;
  c.stored = DataType::kFloat32;
  c.shape = Shape{2, 3};
  c.bits = 8;
  c.axis = 1;
  c.data = data;
  c.scales = scales;
  c.zero_points = zeros;
  c.biases = biases;
  c.scales_shape = {3};
  // 1.5 + 2^-25 rounds to 1.5.
  CHECK(Decoded(c) == Values{-1, 0.25f, 0x1p-25f, 2, 30.25f, 1.5f});
  // One for all; 255 * 0.1f - 25.5 in double, then rounded.
  c.shape = Shape{2};
  c.zero_points = {};
  const auto two = Raw({0, 255}), tenth = RawFloats({0.1f}),
             offset = RawFloats({-25.5f});
  c.data = two;
  c.scales = tenth;
  c.biases = offset;
  c.scales_shape = {1};
  // 0.1f is 13421773 * 2^-27; times 255, less 25.5 = 51 * 2^-27 * ... :
  // (13421773 * 255 - 25.5 * 2^27) * 2^-27 = (3422552115 - 3422552064) * 2^-27
  CHECK(Decoded(c) == Values{-25.5f, 51 * 0x1p-27f});
  c.biases = scales;
  CHECK(CheckEncoded(c).message() ==
        "compressed constant: the biases has 12 bytes, needs 4");
}

TEST_CASE("F13: blocks along every axis") {
  // Signed nibbles of [2, 4]: 1 2 -3 4 | 5 -6 7 -8, blocks of 1 x 2.
  const auto data = Raw({0x21, 0x4D, 0xA5, 0x87});
  const auto scales = RawFloats({1.0f, 2.0f, 3.0f, 4.0f});
  const auto zeros = Raw({0x10, 0xF0});  // 0 1 | 0 -1
  EncodedConstant c;
  c.encoding = Encoding::blockwise;
  c.stored = DataType::kFloat32;
  c.shape = Shape{2, 4};
  c.bits = 4;
  c.is_signed = true;
  c.data = data;
  c.scales = scales;
  c.zero_points = zeros;
  c.scales_shape = {2, 2};
  CHECK(Decoded(c) == Values{1, 2, -8, 6, 15, -18, 32, -28});
}

TEST_CASE("F13: products of half scales are exact in float32") {
  const auto data = Raw({127, 255}), scales = Raw({0x00, 0x7B});
  EncodedConstant c;
  c.encoding = Encoding::affine;
  c.stored = DataType::kFloat16;
  c.shape = Shape{2};
  c.bits = 8;
  c.data = data;
  c.scales = scales;  // 0x7B00: 57344
  c.scales_shape = {1};
  CHECK(DecodedType(c) == DataType::kFloat32);
  CHECK(Decoded(c) == Values{127.0f * 57344.0f, 255.0f * 57344.0f});
}

EncodedConstant Palette(int bits, const Shape& shape,
                        const std::vector<int64_t>& palette_shape) {
  EncodedConstant c;
  c.encoding = Encoding::palette;
  c.stored = DataType::kFloat32;
  c.bits = bits;
  c.shape = shape;
  c.palette_shape = palette_shape;
  return c;
}

TEST_CASE("F13: a palette per group of an axis") {
  EncodedConstant c = Palette(1, Shape{4, 2}, {2, 2, 1});
  const auto data = Raw({0xB4});  // 0 0 | 1 0 | 1 1 | 0 1
  const auto table = RawFloats({10, 11, 20, 21});
  c.data = data;
  c.palette = table;
  CHECK(Decoded(c) == Values{10, 10, 11, 10, 21, 21, 20, 21});
}

TEST_CASE("F13: palettes along every axis") {
  EncodedConstant c = Palette(1, Shape{2, 4}, {2, 2, 2, 1});
  const auto data = Raw({0xCA});  // 0 1 | 0 1 || 0 0 | 1 1
  const auto table = RawFloats({0, 1, 2, 3, 4, 5, 6, 7});
  c.data = data;
  c.palette = table;
  CHECK(Decoded(c) == Values{0, 1, 2, 3, 4, 4, 7, 7});
}

TEST_CASE("F13: entries of several values lie along the vector axis") {
  EncodedConstant c = Palette(2, Shape{4, 2}, {1, 1, 4, 2});
  // Indices [2, 2]: 0 1 | 3 2
  const auto data = Raw({0xB4});
  const auto table = RawFloats({0, 1, 10, 11, 20, 21, 30, 31});
  c.data = data;
  c.palette = table;
  c.vector_axis = 0;
  CHECK(Decoded(c) == Values{0, 10, 1, 11, 30, 20, 31, 21});
  c.vector_axis = 1;
  c.shape = Shape{2, 4};
  CHECK(Decoded(c) == Values{0, 1, 10, 11, 30, 31, 20, 21});
}

TEST_CASE("F13: a palette whose entries are scaled integers") {
  EncodedConstant entries;
  const auto bytes = Raw({1, 254}), scales = RawFloats({0.5f});
  entries.encoding = Encoding::blockwise;
  entries.stored = DataType::kFloat32;
  entries.shape = Shape{1, 2, 1};
  entries.bits = 8;
  entries.is_signed = true;
  entries.data = bytes;
  entries.scales = scales;
  entries.scales_shape = {1, 1, 1};
  EncodedConstant c = Palette(1, Shape{3}, {1, 2, 1});
  const auto data = Raw({0x05});
  c.data = data;
  c.palette_constant = &entries;
  CHECK(Decoded(c) == Values{-1, 0.5f, -1});
}

TEST_CASE("F13: sparse values go where the mask has bits") {
  EncodedConstant c;
  const auto mask = Raw({0x92, 0x02}), data = RawFloats({1, 2, 3, 4});
  c.encoding = Encoding::sparse;
  c.stored = DataType::kFloat32;
  c.shape = Shape{10};
  c.mask = mask;  // 0 1 0 0 1 0 0 1 | 0 1
  c.data = data;
  CHECK(Decoded(c) == Values{0, 1, 0, 0, 2, 0, 0, 3, 0, 4});
}

TEST_CASE("F13: sparse scaled integers take the scale of the dense position") {
  EncodedConstant values;
  const auto data = Raw({0x21, 0x03}), scales = RawFloats({1, 10});
  values.encoding = Encoding::blockwise;
  values.stored = DataType::kFloat32;
  values.shape = Shape{2, 3};
  values.bits = 4;
  values.data = data;  // 1 2 3
  values.scales = scales;
  values.scales_shape = {2, 1};
  EncodedConstant c = values;
  const auto mask = Raw({0x1A});  // 0 1 0 | 1 1 0
  c.encoding = Encoding::sparse;
  c.mask = mask;
  c.values_constant = &values;
  CHECK(Decoded(c) == Values{0, 1, 0, 20, 30, 0});
}

TEST_CASE("F13: a mask around entries of several values has a bit per index") {
  EncodedConstant values = Palette(1, Shape{4}, {1, 2, 2});
  const auto data = Raw({0x01}), table = RawFloats({1, 2, 3, 4});
  values.data = data;
  values.palette = table;
  EncodedConstant c = values;
  const auto mask = Raw({0x02});  // the second of two indices
  c.encoding = Encoding::sparse;
  c.mask = mask;
  c.values_constant = &values;
  CHECK(Decoded(c) == Values{0, 0, 3, 4});
}

TEST_CASE("F7: parts of compressed constants must have their sizes") {
  EncodedConstant c = Palette(2, Shape{5}, {1, 4, 1});
  const auto data = Raw({0, 0}), table = RawFloats({1, 2, 3, 4});
  c.data = data;
  c.palette = table;
  CHECK(CheckEncoded(c).ok());
  c.shape = Shape{9};
  CHECK_FALSE(CheckEncoded(c).ok());
  c.shape = Shape{5};
  c.palette_shape = {1, 8, 1};
  CHECK_FALSE(CheckEncoded(c).ok());
  c.palette_shape = {1, 4, 1};
  c.bits = 5;
  CHECK_FALSE(CheckEncoded(c).ok());
}

TEST_CASE("F13: a small constant does not become a huge tensor") {
  // 8192 indices of 1 bit, entries of 4096 values.
  const std::vector<std::byte> data(1024), table(2 * 4096 * 4);
  EncodedConstant c = Palette(1, Shape{8192 * 4096}, {1, 2, 4096});
  c.data = data;
  c.palette = table;
  CHECK_FALSE(CheckEncoded(c).ok());
  const std::vector<std::byte> narrow(2 * 16 * 4);
  c = Palette(1, Shape{8192 * 16}, {1, 2, 16});
  c.data = data;
  c.palette = narrow;
  CHECK(CheckEncoded(c).ok());
}

// The one output of a program that returns `name` of a constexpr.
Values RunConst(Program* program, const std::vector<int64_t>& dims,
                int32_t type = mil::kTypeFp32) {
  program->Op("identity", {{"x", "w"}}, {{"y", dims, type}});
  program->Returns({"y"});
  const auto outputs = program->Run({});
  CHECK_MESSAGE(outputs.ok(), outputs.status().message());
  if (!outputs.ok()) return {};
  CHECK((*outputs)[0].dims == dims);
  return (*outputs)[0].values;
}

TEST_CASE("constexpr_affine_dequantize: operands as attributes (iOS 16)") {
  Program program;
  Operation* op =
      program.Op("constexpr_affine_dequantize", {}, {{"w", {2, 2}}});
  auto& attributes = *op->mutable_attributes();
  attributes["quantized_data"] = Bytes(mil::kTypeUint8, {2, 2}, {1, 2, 3, 255});
  attributes["zero_point"] = Bytes(mil::kTypeUint8, {}, {1});
  attributes["scale"] = Floats({2}, {1, 0.5f});
  attributes["axis"] = I(0);
  CHECK(RunConst(&program, {2, 2}) == Values{0, 1, 1, 127});
}

TEST_CASE("constexpr_lut_to_dense: both forms") {
  Program old;
  Operation* op = old.Op("constexpr_lut_to_dense", {}, {{"w", {2, 3}}});
  (*op->mutable_attributes())["indices"] =
      Bytes(mil::kTypeUint8, {2}, {0xE4, 0x09});  // 0 1 2 3 | 1 2
  (*op->mutable_attributes())["lut"] = Floats({4}, {5, 6, 7, 8});
  (*op->mutable_attributes())["shape"] =
      Bytes(mil::kTypeUint32, {2}, {2, 0, 0, 0, 3, 0, 0, 0});
  CHECK(RunConst(&old, {2, 3}) == Values{5, 6, 7, 8, 6, 7});
  Program fresh;
  fresh.Op("constexpr_lut_to_dense",
           {{"indices", Bytes(mil::kTypeUint2, {2, 2}, {0xE4})},
            {"lut", Floats({2, 1, 4, 1}, {5, 6, 7, 8, 15, 16, 17, 18})}},
           {{"w", {2, 2}}});
  CHECK(RunConst(&fresh, {2, 2}) == Values{5, 6, 17, 18});
}

TEST_CASE("constexpr_blockwise_shift_scale: int4 with offsets") {
  Program program;
  program.Op("constexpr_blockwise_shift_scale",
             {{"data", Bytes(mil::kTypeInt4, {1, 4}, {0x21, 0x8F})},
              {"scale", Floats({1, 2}, {1, 2})},
              {"offset", Bytes(mil::kTypeInt4, {1, 2}, {0x01})}},
             {{"w", {1, 4}}});
  CHECK(RunConst(&program, {1, 4}) == Values{0, 1, -2, -16});
}

TEST_CASE("constexpr_sparse_to_dense: both forms") {
  Program old;
  Operation* op = old.Op("constexpr_sparse_to_dense", {}, {{"w", {5}}});
  (*op->mutable_attributes())["nonzero_data"] = Floats({2}, {7, 8});
  (*op->mutable_attributes())["mask"] = Bytes(mil::kTypeUint8, {1}, {0x12});
  (*op->mutable_attributes())["shape"] =
      Bytes(mil::kTypeUint32, {1}, {5, 0, 0, 0});
  CHECK(RunConst(&old, {5}) == Values{0, 7, 0, 0, 8});
  Program fresh;
  fresh.Op("constexpr_sparse_to_dense",
           {{"nonzero_data", Floats({2}, {7, 8})},
            {"mask", Bytes(mil::kTypeUint1, {1, 3}, {0x05})}},
           {{"w", {1, 3}}});
  CHECK(RunConst(&fresh, {1, 3}) == Values{7, 0, 8});
}

TEST_CASE("constexpr_lut_to_sparse: joined with constexpr_sparse_to_dense") {
  Program program;
  program.Op("constexpr_lut_to_sparse",
             {{"indices_mask", Bytes(mil::kTypeUint1, {4}, {0x0A})},
              {"indices_nonzero_data", Bytes(mil::kTypeUint1, {2}, {0x01})},
              {"lut", Floats({1, 2, 1}, {3, 4})}},
             {{"m", {4}, mil::kTypeUint1}, {"v", {2}}});
  program.Op("constexpr_sparse_to_dense",
             {{"nonzero_data", "v"}, {"mask", "m"}}, {{"w", {4}}});
  CHECK(RunConst(&program, {4}) == Values{0, 4, 0, 3});
}

TEST_CASE("constexpr_sparse_blockwise_shift_scale: scale by dense position") {
  Program program;
  program.Op("constexpr_sparse_blockwise_shift_scale",
             {{"data_mask", Bytes(mil::kTypeUint1, {2, 2}, {0x0B})},
              {"nonzero_data", Bytes(mil::kTypeInt8, {3}, {1, 2, 253})},
              {"scale", Floats({2, 1}, {1, 10})}},
             {{"m", {2, 2}, mil::kTypeUint1}, {"v", {3}}});
  program.Op("constexpr_sparse_to_dense",
             {{"nonzero_data", "v"}, {"mask", "m"}}, {{"w", {2, 2}}});
  CHECK(RunConst(&program, {2, 2}) == Values{1, 2, 0, -30});
}

TEST_CASE("constexpr_cast: a half becomes a float of the same value") {
  Program program;
  program.Op("constexpr_cast",
             {{"source_val", Bytes(mil::kTypeFp16, {2}, {0, 0x3C, 0, 0xC0})},
              {"output_dtype", Text("fp32")}},
             {{"w", {2}}});
  CHECK(RunConst(&program, {2}) == Values{1, -2});
}

TEST_CASE("constexpr: an int8 table scaled before it is looked up") {
  Program program;
  program.Op("constexpr_blockwise_shift_scale",
             {{"data", Bytes(mil::kTypeInt8, {1, 2, 1}, {2, 254})},
              {"scale", Floats({1, 1, 1}, {0.5f})}},
             {{"lut", {1, 2, 1}}});
  program.Op("constexpr_lut_to_dense",
             {{"indices", Bytes(mil::kTypeUint1, {3}, {0x06})}, {"lut", "lut"}},
             {{"w", {3}}});
  CHECK(RunConst(&program, {3}) == Values{1, -1, -1});
}

}  // namespace
}  // namespace aneref::mil_test
