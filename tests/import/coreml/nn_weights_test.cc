// Every storage of weights, against bytes and values worked out by hand.
#include <cstring>

#include "runtime/graph/decode.h"
#include "runtime/import/coreml/weights.h"
#include "tests/import/coreml/nn_builder.h"

namespace aneref::test {
namespace {

using coreml::ReadConstant;
using coreml::ReadWeights;
using coreml::UnpackHighFirst;
using coreml::WeightParams;

std::string Bytes(const std::vector<int>& bytes) {
  std::string text;
  for (int byte : bytes) text += static_cast<char>(byte);
  return text;
}

TEST_CASE("coreml weights: packed integers fill bytes from the highest bit") {
  struct Row {
    int bits;
    std::vector<int> bytes;
    std::vector<int> values;
  };
  const std::vector<Row> rows = {
      // 1011 0010 | 1
      {1, {0xB2, 0x80}, {1, 0, 1, 1, 0, 0, 1, 0, 1}},
      // 00 01 10 11 | 10
      {2, {0x1B, 0x80}, {0, 1, 2, 3, 2}},
      // 001 010 01|1 100 101 1|10 111
      {3, {0x29, 0xCB, 0xB8}, {1, 2, 3, 4, 5, 6, 7}},
      {4, {0x1F, 0xA0}, {1, 15, 10}},
      // 00001 111|11 10000 0|0010
      {5, {0x0F, 0xE0, 0x20}, {1, 31, 16, 2}},
      // 000001 11|1111 1000|00
      {6, {0x07, 0xF8, 0x00}, {1, 63, 32}},
      // 0000001 1|111111 10|00000
      {7, {0x03, 0xFE, 0x00}, {1, 127, 64}},
      {8, {0x01, 0xFF, 0x80}, {1, 255, 128}},
  };
  for (const Row& row : rows) {
    const std::vector<uint8_t> got =
        UnpackHighFirst(Bytes(row.bytes), row.values.size(), row.bits);
    INFO(row.bits << " bits");
    CHECK(std::vector<int>(got.begin(), got.end()) == row.values);
  }
}

TEST_CASE("coreml weights: every value of every width") {
  for (int bits = 1; bits <= 8; ++bits) {
    // All codes in order: written as one long binary number.
    std::string text;
    for (int code = 0; code < (1 << bits); ++code) {
      for (int bit = bits - 1; bit >= 0; --bit)
        text += ((code >> bit) & 1) != 0 ? '1' : '0';
    }
    while (text.size() % 8 != 0) text += '0';
    std::string bytes;
    for (size_t i = 0; i < text.size(); i += 8)
      bytes += static_cast<char>(std::stoi(text.substr(i, 8), nullptr, 2));
    const std::vector<uint8_t> got =
        UnpackHighFirst(bytes, size_t{1} << bits, bits);
    for (size_t code = 0; code < got.size(); ++code) CHECK(got[code] == code);
  }
}

TEST_CASE("coreml weights: floats and halves") {
  WeightParams floats;
  SetFloats(&floats, {1.5f, -2});
  CHECK(ReadWeights(floats, Shape{2}).value() == std::vector<float>{1.5f, -2});
  WeightParams halves;
  // 1.5, -2, the smallest subnormal, 65504.
  halves.set_float16value(
      Bytes({0x00, 0x3E, 0x00, 0xC0, 0x01, 0x00, 0xFF, 0x7B}));
  CHECK(ReadWeights(halves, Shape{2, 2}).value() ==
        std::vector<float>{1.5f, -2, 0x1p-24f, 65504});
}

TEST_CASE("coreml weights: linear quantisation per tensor and per channel") {
  WeightParams weights;
  weights.set_rawvalue(Bytes({0x12, 0x3F}));
  auto* how = weights.mutable_quantization();
  how->set_numberofbits(4);
  how->mutable_linearquantization()->add_scale(0.5f);
  how->mutable_linearquantization()->add_bias(-1);
  CHECK(ReadWeights(weights, Shape{2, 2}).value() ==
        std::vector<float>{-0.5f, 0, 0.5f, 6.5f});
  how->mutable_linearquantization()->add_scale(2);
  how->mutable_linearquantization()->add_bias(10);
  CHECK(ReadWeights(weights, Shape{2, 2}).value() ==
        std::vector<float>{-0.5f, 0, 16, 40});
  // Deconvolution: channels along axis 1.
  CHECK(ReadWeights(weights, Shape{2, 2}, 1).value() ==
        std::vector<float>{-0.5f, 14, 0.5f, 40});
}

TEST_CASE("coreml weights: lookup tables of all widths stay compressed") {
  for (int bits = 1; bits <= 8; ++bits) {
    WeightParams weights;
    auto* how = weights.mutable_quantization();
    how->set_numberofbits(static_cast<uint64_t>(bits));
    const int entries = 1 << bits;
    for (int i = 0; i < entries; ++i)
      how->mutable_lookuptablequantization()->add_floatvalue(
          static_cast<float>(i * i) - 0.5f);
    // All ones: the last entry everywhere, then zeros: the first.
    const size_t half = 8 * static_cast<size_t>(entries);
    const size_t bytes = half * static_cast<size_t>(bits) / 8;
    weights.set_rawvalue(std::string(bytes, '\xFF') + std::string(bytes, '\0'));
    const auto last = static_cast<float>((entries - 1) * (entries - 1)) - 0.5f;
    const Shape shape{static_cast<int64_t>(2 * half)};
    const auto constant = ReadConstant(weights, shape);
    REQUIRE(constant.ok());
    const auto* values = reinterpret_cast<const float*>(constant->bytes.data());
    CHECK(values[0] == last);
    CHECK(values[half - 1] == last);
    CHECK(values[half] == -0.5f);
    REQUIRE(constant->compressed != nullptr);
    EncodedConstant view;
    view.encoding = fbs::Encoding::palette;
    view.stored = DataType::kFloat32;
    view.shape = shape;
    view.bits = bits;
    view.data = constant->compressed->data;
    view.palette = constant->compressed->palette;
    view.palette_shape = {1, entries, 1};
    std::vector<std::byte> decoded(constant->bytes.size());
    REQUIRE(DecodeConstant(view, decoded).ok());
    CHECK(decoded == constant->bytes.vector());
  }
}

TEST_CASE("coreml weights: scales and biases per channel stay compressed") {
  WeightParams weights;
  auto* how = weights.mutable_quantization();
  how->set_numberofbits(4);
  for (float scale : {0.5f, 2.0f})
    how->mutable_linearquantization()->add_scale(scale);
  how->mutable_linearquantization()->add_bias(-1);
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += Bytes({0x1F});  // 1, 15, 1, 15 ...
  weights.set_rawvalue(bytes);
  const auto constant = ReadConstant(weights, Shape{2, 8});
  REQUIRE(constant.ok());
  const auto* values = reinterpret_cast<const float*>(constant->bytes.data());
  CHECK(std::vector<float>(values, values + 2) ==
        std::vector<float>{-0.5f, 6.5f});
  CHECK(std::vector<float>(values + 8, values + 10) ==
        std::vector<float>{1, 29});
  REQUIRE(constant->compressed != nullptr);
  const CompressedConstant& parts = *constant->compressed;
  CHECK(parts.parts.encoding == fbs::Encoding::affine);
  CHECK_FALSE(parts.parts.is_signed);
  // Lowest bits first: 1 in the low half, 15 in the high one.
  CHECK(parts.data == std::vector<std::byte>(8, std::byte{0xF1}));
  const std::vector<float> scales = {0.5f, 2}, biases = {-1, -1};
  REQUIRE(parts.scales.size() == 8);
  REQUIRE(parts.biases.size() == 8);
  CHECK(std::memcmp(parts.scales.data(), scales.data(), 8) == 0);
  CHECK(std::memcmp(parts.biases.data(), biases.data(), 8) == 0);
}

TEST_CASE("coreml weights: a short vector is stored as it is") {
  WeightParams weights;
  auto* how = weights.mutable_quantization();
  how->set_numberofbits(8);
  how->mutable_linearquantization()->add_scale(0.5f);
  weights.set_rawvalue(Bytes({3}));
  const auto constant = ReadConstant(weights, Shape{1});
  REQUIRE(constant.ok());
  CHECK(constant->compressed == nullptr);
}

TEST_CASE("coreml weights: signed bytes of layers that quantise at run time") {
  WeightParams weights;
  weights.set_int8rawvalue(Bytes({0x80, 0xFF, 0x7F}));
  weights.mutable_quantization()->mutable_linearquantization()->add_scale(0.5f);
  CHECK(ReadWeights(weights, Shape{3}).value() ==
        std::vector<float>{-64, -0.5f, 63.5f});
}

TEST_CASE("coreml weights: what does not fit is refused") {
  const auto message = [](const WeightParams& weights) {
    const auto values = ReadWeights(weights, Shape{4});
    CHECK_FALSE(values.ok());
    return values.status().message();
  };
  WeightParams weights;
  CHECK(message(weights) == "has no values");
  weights.add_floatvalue(1);
  CHECK(message(weights) == "has 1 values, needs 4");
  weights.set_float16value("ab");
  CHECK(message(weights) == "has values in more than one storage");
  weights.clear_floatvalue();
  CHECK(message(weights) == "has 2 bytes of half values, needs 8");
  weights.clear_float16value();
  weights.set_rawvalue("ab");
  CHECK(message(weights) == "is quantised to 0 bits, 1 to 8 are possible");
  weights.mutable_quantization()->set_numberofbits(9);
  CHECK(message(weights) == "is quantised to 9 bits, 1 to 8 are possible");
  weights.mutable_quantization()->set_numberofbits(8);
  CHECK(message(weights) == "has 2 bytes of quantised values, needs 4");
  weights.mutable_quantization()->set_numberofbits(4);
  CHECK(message(weights) == "has quantised values without a quantisation");
  auto* linear = weights.mutable_quantization()->mutable_linearquantization();
  for (int i = 0; i < 3; ++i) linear->add_scale(1);
  CHECK(message(weights) == "has 3 quantisation scales, needs 1 or 4");
  weights.mutable_quantization()
      ->mutable_lookuptablequantization()
      ->add_floatvalue(1);
  CHECK(message(weights) == "has 1 entries in its lookup table, needs 16");
}

}  // namespace
}  // namespace aneref::test
