// .npy headers and data against literal bytes, hostile ones above all.
#include "tools/npy.h"

#include <doctest/doctest.h>

#include "tests/tools/run_tool.h"

namespace aneref::tool {
namespace {

using test::Npy;

Expected<Array> Parse(const std::string& text) {
  return ParseNpy(
      {reinterpret_cast<const std::byte*>(text.data()), text.size()}, "x.npy");
}
std::string Text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
std::string Bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

TEST_CASE("npy: a header is what numpy writes") {
  CHECK(Text(MakeNpyHeader({DataType::kFloat16, {1, 3}})) ==
        Npy("<f2", "(1, 3)", ""));
  CHECK(Text(MakeNpyHeader({DataType::kInt64, {}})) == Npy("<i8", "()", ""));
  CHECK(Text(MakeNpyHeader({DataType::kUint8, {5}})) == Npy("|u1", "(5,)", ""));
  CHECK(Text(MakeNpyHeader({DataType::kBool, {0, 2}})) ==
        Npy("|b1", "(0, 2)", ""));
}

TEST_CASE("npy: every element type is read") {
  const std::vector<std::pair<std::string, DataType>> types = {
      {"<f2", DataType::kFloat16}, {"<f4", DataType::kFloat32},
      {"<f8", DataType::kFloat64}, {"|i1", DataType::kInt8},
      {"|u1", DataType::kUint8},   {"<i2", DataType::kInt16},
      {"<u2", DataType::kUint16},  {"<i4", DataType::kInt32},
      {"<u4", DataType::kUint32},  {"<i8", DataType::kInt64},
      {"<u8", DataType::kUint64},  {"|b1", DataType::kBool}};
  for (const auto& row : types) {
    const std::string& descr = row.first;  // macros capture no bindings
    const DataType type = row.second;
    const auto size = static_cast<size_t>(descr[2] - '0');
    const std::string elements(2 * size, '\1');
    const Expected<Array> array = Parse(Npy(descr, "(2,)", elements));
    REQUIRE_MESSAGE(array.ok(), descr);
    CHECK(array->type == TensorType{type, {2}});
    CHECK(Text(array->bytes) == elements);
  }
}

TEST_CASE("npy: big-endian elements are turned round") {
  const Expected<Array> array =
      Parse(Npy(">i4", "(2,)", Bytes({1, 2, 3, 4, 5, 6, 7, 8})));
  REQUIRE(array.ok());
  CHECK(Text(array->bytes) == Bytes({4, 3, 2, 1, 8, 7, 6, 5}));
}

TEST_CASE("npy: Fortran order becomes row major") {
  // [[1, 2, 3], [4, 5, 6]] column by column.
  const Expected<Array> matrix =
      Parse(Npy("|u1", "(2, 3)", Bytes({1, 4, 2, 5, 3, 6}), "True"));
  REQUIRE(matrix.ok());
  CHECK(Text(matrix->bytes) == Bytes({1, 2, 3, 4, 5, 6}));
  // Element [i, j, k] of a [2, 2, 2] cube is 4 i + 2 j + k.
  const Expected<Array> cube =
      Parse(Npy("|u1", "(2, 2, 2)", Bytes({0, 4, 2, 6, 1, 5, 3, 7}), "True"));
  REQUIRE(cube.ok());
  CHECK(Text(cube->bytes) == Bytes({0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_CASE("npy: versions 2 and 3 have a longer length field") {
  const std::string dict =
      "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }\n";
  const std::string length = Bytes({static_cast<int>(dict.size()), 0, 0, 0});
  for (const int version : {2, 3}) {
    const Expected<Array> array =
        Parse("\x93NUMPY" + Bytes({version, 0}) + length + dict + Bytes({9}));
    REQUIRE(array.ok());
    CHECK(Text(array->bytes) == Bytes({9}));
  }
  CHECK_FALSE(Parse("\x93NUMPY" + Bytes({4, 0}) + length + dict + "9").ok());
}

TEST_CASE("npy: any non-zero byte of a bool is true") {
  const Expected<Array> array = Parse(Npy("|b1", "(3,)", Bytes({0, 1, 0x80})));
  REQUIRE(array.ok());
  CHECK(Text(array->bytes) == Bytes({0, 1, 1}));
}

TEST_CASE("npy: scalars and empty arrays") {
  CHECK(Parse(Npy("|u1", "()", "7")).ok());
  CHECK(Parse(Npy("<f4", "(2, 0, 4)", "")).ok());
  CHECK_FALSE(Parse(Npy("<f4", "(2, 0, 4)", "....")).ok());
}

TEST_CASE("npy: data must be as long as the header says") {
  CHECK_FALSE(Parse(Npy("<f4", "(2,)", "1234567")).ok());
  CHECK_FALSE(Parse(Npy("<f4", "(2,)", "123456789")).ok());
  CHECK(Parse(Npy("<f4", "(2,)", "12345678")).ok());
}

TEST_CASE("npy: hostile shapes are refused before memory is taken") {
  for (const char* shape :
       {"(1099511627777,)", "(4294967296, 4294967296)",
        "(9223372036854775807, 9223372036854775807, 9)",
        "(99999999999999999999,)", "(-1,)", "(0, 9223372036854775807, 8)",
        "(1, 1, 1, 1, 1, 1, 1, 1, 1)", "(1, 2", "1", "(1.5,)", "(,)", "(2)",
        "(1,,2)", "None"}) {
    CHECK_MESSAGE(!Parse(Npy("<f4", shape, "")).ok(), shape);
  }
}

TEST_CASE("npy: damaged headers are refused") {
  const std::string good = Npy("|u1", "(1,)", "x");
  REQUIRE(Parse(good).ok());
  for (size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(Parse(good.substr(0, size)).ok());
  }
  for (const char* descr :
       {"<c8", "|O", "<U4", "|S3", "f4", "", "<f3", "<f22", "<M8[ns]", "|V4"}) {
    CHECK_MESSAGE(!Parse(Npy(descr, "(1,)", "x")).ok(), descr);
  }
  CHECK_FALSE(Parse(Npy("|u1", "(1,)", "x", "Maybe")).ok());
  CHECK_FALSE(Parse("PK\3\4" + good).ok());
  // A length beyond the file, and one that no header needs.
  CHECK_FALSE(Parse("\x93NUMPY\x01" + Bytes({0, 0xFF, 0xFF}) + "{}").ok());
  CHECK_FALSE(
      Parse("\x93NUMPY\x02" + Bytes({0, 0xFF, 0xFF, 0xFF, 0xFF}) + "{}").ok());
}

TEST_CASE("npy: keys may come in any order but once each") {
  const auto file = [](std::string dict) {
    dict.resize(117, ' ');
    return std::string("\x93NUMPY\x01\x00\x76\x00", 10) + dict + "\nx";
  };
  CHECK(
      Parse(file("{\"shape\":(1,),'fortran_order':False,'descr':'|u1'}")).ok());
  CHECK_FALSE(Parse(file("{'shape': (1,), 'shape': (1,), 'fortran_order': "
                         "False, 'descr': '|u1'}"))
                  .ok());
  CHECK_FALSE(Parse(file("{'shape': (1,), 'descr': '|u1'}")).ok());
  CHECK_FALSE(Parse(file("{'shape': (1,), 'fortran_order': False, 'descr': "
                         "'|u1', 'more': 1}"))
                  .ok());
}

TEST_CASE("npy: a pitched view is copied densely") {
  unsigned char padded[8] = {1, 2, 3, 0xEE, 4, 5, 6, 0xEE};
  const TensorView view = {reinterpret_cast<std::byte*>(padded),
                           DataType::kUint8, Shape{2, 3}, 4};
  CHECK(Text(CopyToArray(view).bytes) == Bytes({1, 2, 3, 4, 5, 6}));
}

}  // namespace
}  // namespace aneref::tool
