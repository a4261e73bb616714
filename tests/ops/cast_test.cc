// Casts between all pairs of types (P14) through the op; the element
// conversions have their own tests in core/.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/support/op_runner.h"

namespace aneref::test {
namespace {

using Values = std::vector<double>;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

RunResult Run(const TestTensor& x, DataType to) {
  fbs::CastT attributes;
  attributes.to = static_cast<fbs::DataType>(to);
  return RunOp(cast_op, attributes, {x});
}

TEST_CASE("P14: small numbers survive every pair of types") {
  for (int from = 0; from < kNumDataTypes; ++from) {
    for (int to = 0; to < kNumDataTypes; ++to) {
      const bool has_bool = from == 11 || to == 11;
      const RunResult result =
          Run(Make(static_cast<DataType>(from), {3}, {0, 1, 100}),
              static_cast<DataType>(to));
      REQUIRE(result.status.ok());
      CHECK(result.outputs[0].type ==
            TensorType{static_cast<DataType>(to), {3}});
      CHECK(result.outputs[0].Values() == Values{0, 1, has_bool ? 1.0 : 100.0});
    }
  }
}

TEST_CASE("P14: floating numbers truncate and saturate to integers") {
  const TestTensor x = Half({6}, {-1.9, 1.9, 300, -300, kInf, kNan});
  CHECK(Run(x, DataType::kInt8).outputs[0].Values() ==
        Values{-1, 1, 127, -128, 127, 0});
  CHECK(Run(x, DataType::kUint8).outputs[0].Values() ==
        Values{0, 1, 255, 0, 255, 0});
  CHECK(Run(x, DataType::kBool).outputs[0].Values() ==
        Values{1, 1, 1, 1, 1, 1});
  CHECK(Run(Half({2}, {0, -0.0}), DataType::kBool).outputs[0].Values() ==
        Values{0, 0});
}

TEST_CASE("P14: integers wrap and floating results round once") {
  CHECK(Run(Make(DataType::kInt32, {3}, {300, -1, 65536}), DataType::kInt8)
            .outputs[0]
            .Values() == Values{44, -1, 0});
  CHECK(Run(Make(DataType::kInt64, {2}, {-1, 5}), DataType::kUint16)
            .outputs[0]
            .Values() == Values{65535, 5});
  CHECK(Run(Ints({3}, {2049, 65520, -70000}), DataType::kFloat16)
            .outputs[0]
            .Values() == Values{2048, kInf, -kInf});
  const TestTensor wide =
      Make(DataType::kFloat64, {1}, {1 + 0x1p-11 + 0x1p-40});
  CHECK(Run(wide, DataType::kFloat16).outputs[0].Bits()[0] == 0x3C01);
}

TEST_CASE("P15: a cast to the same type keeps all bits") {
  CHECK(Run(HalfBits({2}, {0xFE01, 0x7C01}), DataType::kFloat16)
            .outputs[0]
            .Bits() == std::vector<uint16_t>{0xFE01, 0x7C01});
}

RunResult Reinterpret(const TestTensor& x, DataType of, DataType as,
                      DataType to) {
  fbs::CastT attributes;
  attributes.to = static_cast<fbs::DataType>(to);
  attributes.reinterpret = true;
  attributes.bits_of = static_cast<fbs::DataType>(of);
  attributes.bits_as = static_cast<fbs::DataType>(as);
  return RunOp(cast_op, attributes, {x});
}

TEST_CASE("P23: the bits of a stored half are those of its source's type") {
  const DataType f32 = DataType::kFloat32, i32 = DataType::kInt32;
  // 1, -2.5, the smallest subnormal half 2^-24, the largest half, infinity
  const Values bits = {0x3F800000, -1071644672, 0x33800000, 0x477FE000,
                       0x7F800000};
  const Values numbers = {1, -2.5, 0x1p-24, 65504, kInf};
  CHECK(Reinterpret(Half({5}, numbers), f32, i32, i32).outputs[0].Values() ==
        bits);
  CHECK(Reinterpret(Float({5}, numbers), f32, i32, i32).outputs[0].Values() ==
        bits);
  CHECK(Reinterpret(Make(i32, {5}, bits), i32, f32, DataType::kFloat16)
            .outputs[0]
            .Values() == numbers);
  // 0x47800000 is 65536: as a cast, it overflows.
  CHECK(Reinterpret(Make(i32, {1}, {0x47800000}), i32, f32, DataType::kFloat16)
            .outputs[0]
            .Values() == Values{kInf});
}

TEST_CASE("P23: every width of numbers") {
  CHECK(Reinterpret(Make(DataType::kFloat64, {2}, {1, -2}), DataType::kFloat64,
                    DataType::kInt64, DataType::kInt64)
            .outputs[0]
            .Values() == Values{4607182418800017408.0, -4611686018427387904.0});
  CHECK(Reinterpret(Make(DataType::kUint16, {2}, {0x3C00, 0xFC00}),
                    DataType::kUint16, DataType::kFloat16, DataType::kFloat16)
            .outputs[0]
            .Values() == Values{1, -kInf});
  CHECK(Reinterpret(Make(DataType::kInt8, {2}, {-1, 5}), DataType::kInt8,
                    DataType::kUint8, DataType::kInt32)
            .outputs[0]
            .Values() == Values{255, 5});
  // More elements than one chunk, a row of 3 and a row of 0.
  const RunResult many =
      Reinterpret(Make(DataType::kInt32, {2, 131}, std::vector<double>(262, 1)),
                  DataType::kInt32, DataType::kFloat32, DataType::kFloat32);
  CHECK(many.outputs[0].Values() == Values(262, 0x1p-149));
  CHECK(Reinterpret(Half({2, 0}, {}), DataType::kFloat32, DataType::kInt32,
                    DataType::kInt32)
            .outputs[0]
            .type == TensorType{DataType::kInt32, {2, 0}});
}

TEST_CASE("P23: other widths and bools are refused") {
  const TestTensor x = Half({1}, {1});
  CHECK(Reinterpret(x, DataType::kFloat32, DataType::kInt64, DataType::kInt64)
            .status.code() == StatusCode::kUnsupported);
  CHECK(Reinterpret(x, DataType::kBool, DataType::kInt8, DataType::kInt8)
            .status.code() == StatusCode::kUnsupported);
  CHECK(Reinterpret(x, DataType::kInt8, DataType::kBool, DataType::kBool)
            .status.code() == StatusCode::kUnsupported);
}

TEST_CASE("cast: shapes and units") {
  CHECK(Run(Half({}, {3}), DataType::kInt32).outputs[0].Values() == Values{3});
  for (const Shape& shape : {Shape{0}, Shape{2, 0}, Shape{0, 2}}) {
    CHECK(Run(Half(shape, {}), DataType::kFloat32).outputs[0].type ==
          TensorType{DataType::kFloat32, shape});
  }
  uint32_t seed = 1;
  for (const Shape& shape :
       {Shape{17}, Shape{3, 5, 33}, Shape{2, 1, 3, 1, 7, 65}, Shape{100000}}) {
    CHECK(
        Run(Random(DataType::kFloat32, shape, seed++, true), DataType::kFloat16)
            .status.ok());
    CHECK(
        Run(Random(DataType::kFloat16, shape, seed++, true), DataType::kFloat32)
            .status.ok());
    CHECK(Run(Random(DataType::kFloat16, shape, seed++, true), DataType::kInt8)
              .status.ok());
  }
}

TEST_CASE("cast: hostile nodes are refused with the actual values") {
  const TestTensor half = Half({1}, {1});
  CHECK(Run(half, static_cast<DataType>(12)).status.message() ==
        "cast to unknown type 12");
  CHECK(Run(half, static_cast<DataType>(255)).status.message() ==
        "cast to unknown type 255");
  CHECK(RunOp(cast_op, fbs::CastT(), {}).status.message() ==
        "input 0 is missing");
  CHECK(RunOp(cast_op, fbs::CastT(), {half, half}).status.message() ==
        "has 2 inputs, at most 1 are allowed");
}

}  // namespace
}  // namespace aneref::test
