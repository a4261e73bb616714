// Pools: hand-worked windows of every kind and attribute, the order of P6,
// padding, positions, hostile nodes.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/op_runner.h"

namespace aneref {
namespace {

using test::Float;
using test::Half;
using test::Make;
using test::RunOp;
using test::RunResult;
using test::TestTensor;
using Kind = fbs::PoolKind;
using List = std::vector<double>;

constexpr double kInf = HUGE_VAL;

fbs::PoolT Attributes(Kind kind, std::vector<int> kernel,
                      std::vector<int> strides = {},
                      std::vector<int> pads = {}) {
  fbs::PoolT attributes;
  attributes.kind = kind;
  attributes.kernel = std::move(kernel);
  attributes.strides = std::move(strides);
  attributes.pads = std::move(pads);
  return attributes;
}

List Pool(const fbs::PoolT& attributes, const TestTensor& x) {
  const RunResult result = RunOp(pool_op, attributes, {x});
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Values();
}

// 1 ... 16 in four rows.
TestTensor Ramp4() {
  return Half({1, 1, 4, 4},
              {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
}

TEST_CASE("P6: a window sums row by row") {
  CHECK_EQ(
      Pool(Attributes(Kind::average, {2, 2}), Half({1, 1, 2, 2}, {1, 2, 3, 4})),
      List{2.5});
  // 2^24, 1, 1, -2^24 one after the other: the ones are lost; column by column
  // they would be, too; so also 1 + 1 first.
  CHECK_EQ(Pool(Attributes(Kind::average, {2, 2}),
                Float({1, 1, 2, 2}, {0x1p24, 1, 1, -0x1p24})),
           List{0});
  CHECK_EQ(Pool(Attributes(Kind::average, {2, 2}),
                Float({1, 1, 2, 2}, {1, 1, 0x1p24, -0x1p24})),
           List{0.5});
  // Row order: 2^24, 1 | -2^24, 1 gives 1; column order (2^24, -2^24, 1, 1)
  // would give 2.
  CHECK_EQ(Pool(Attributes(Kind::average, {2, 2}),
                Float({1, 1, 2, 2}, {0x1p24, 1, -0x1p24, 1})),
           List{0.25});
}

TEST_CASE("P5: a global pool reduces in the lattice") {
  // 2^24 at 0, ones at 1 and 17 share partial 1: (2^24 + 2) / 20; one after the
  // other both would be lost: 838860.8125.
  List values(20, 0.0);
  values[0] = 0x1p24;
  values[1] = values[17] = 1.0;
  fbs::PoolT average = Attributes(Kind::average, {});
  CHECK_EQ(Pool(average, Float({1, 1, 4, 5}, values)), List{838860.875});
  const RunResult result =
      RunOp(pool_op, average, {Half({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 9})});
  CHECK(result.outputs[0].type.shape == Shape{1, 2, 1, 1});
  CHECK_EQ(result.outputs[0].Values(), List{2.5, 6.75});
  CHECK_EQ(
      Pool(Attributes(Kind::max, {}), Half({1, 2, 3}, {-1, -5, -2, 3, 8, 1})),
      List{-1, 8});
  CHECK_EQ(Pool(Attributes(Kind::lp, {}), Half({1, 1, 2, 1}, {3, -4})),
           List{5});
  fbs::PoolT cubic = Attributes(Kind::lp, {});
  cubic.p = 3;
  CHECK_EQ(Pool(cubic, Half({1, 1, 1, 3}, {3, 4, -5})),
           List{6});  // 27 + 64 + 125 = 216
  cubic.p = 1;
  CHECK_EQ(Pool(cubic, Half({1, 1, 1, 3}, {3, 4, -5})), List{12});
}

TEST_CASE("pool: maximum with strides and pads") {
  CHECK_EQ(Pool(Attributes(Kind::max, {2, 2}), Ramp4()),
           List{6, 7, 8, 10, 11, 12, 14, 15, 16});
  CHECK_EQ(Pool(Attributes(Kind::max, {2, 2}, {2, 2}), Ramp4()),
           List{6, 8, 14, 16});
  CHECK_EQ(Pool(Attributes(Kind::max, {3, 3}, {2, 2}, {1, 1, 1, 1}), Ramp4()),
           List{6, 8, 14, 16});
  CHECK_EQ(Pool(Attributes(Kind::max, {1, 1}, {3, 3}), Ramp4()),
           List{1, 4, 13, 16});
  CHECK_EQ(Pool(Attributes(Kind::max, {2, 1}, {1, 3}, {0, 0, 1, 0}), Ramp4()),
           List{5, 8, 9, 12, 13, 16, 13, 16});
  CHECK_EQ(Pool(Attributes(Kind::max, {2}, {2}),
                Half({1, 2, 5}, {1, 5, 2, 0, 9, -1, -5, -2, 0, -9})),
           List{5, 2, -1, 0});
  // Padding never wins.
  CHECK_EQ(
      Pool(Attributes(Kind::max, {3}, {}, {1, 1}), Half({1, 1, 2}, {-7, -9})),
      List{-7, -7});
  CHECK_EQ(Pool(Attributes(Kind::max, {1}, {}, {1, 0}), Half({1, 1, 1}, {-7})),
           List{-kInf, -7});
}

TEST_CASE("pool: dilated windows") {
  fbs::PoolT attributes = Attributes(Kind::max, {2, 2});
  attributes.dilations = {2, 2};
  CHECK_EQ(Pool(attributes, Ramp4()), List{11, 12, 15, 16});
  attributes.kind = Kind::average;
  CHECK_EQ(Pool(attributes, Ramp4()), List{6, 7, 10, 11});
  attributes.strides = {2, 2};
  CHECK_EQ(Pool(attributes, Ramp4()), List{6});
}

TEST_CASE("pool: what an average counts") {
  fbs::PoolT attributes = Attributes(Kind::average, {3}, {2}, {1, 1});
  const TestTensor x = Half({1, 1, 4}, {2, 4, 6, 8});
  CHECK_EQ(Pool(attributes, x), List{3, 6});  // (2 + 4) / 2, (4 + 6 + 8) / 3
  attributes.count_include_pad = true;
  CHECK_EQ(Pool(attributes, x), List{2, 6});  // 6 / 3
  // ceil_mode adds the window at 3 .. 5: 8 and the padding at 4; position 5 is
  // overhang and is never counted.
  attributes.ceil_mode = true;
  CHECK_EQ(Pool(attributes, x), List{2, 6, 4});
  attributes.count_include_pad = false;
  CHECK_EQ(Pool(attributes, x), List{3, 6, 8});
}

TEST_CASE(
    "pool: ceil_mode drops a window that starts in the trailing padding") {
  fbs::PoolT attributes = Attributes(Kind::max, {2}, {2}, {0, 1});
  attributes.ceil_mode = true;
  CHECK_EQ(Pool(attributes, Half({1, 1, 4}, {1, 2, 3, 4})), List{2, 4});
  attributes.pads = {};
  CHECK_EQ(Pool(attributes, Half({1, 1, 5}, {1, 2, 3, 4, 5})), List{2, 4, 5});
}

TEST_CASE("pool: SAME modes") {
  fbs::PoolT attributes = Attributes(Kind::max, {2}, {2});
  attributes.pad_mode = fbs::PadMode::same_upper;
  CHECK_EQ(Pool(attributes, Half({1, 1, 3}, {1, 2, 3})), List{2, 3});
  attributes.pad_mode = fbs::PadMode::same_lower;
  CHECK_EQ(Pool(attributes, Half({1, 1, 3}, {1, 2, 3})), List{1, 3});
  attributes.pad_mode = fbs::PadMode::valid;
  CHECK_EQ(Pool(attributes, Half({1, 1, 3}, {1, 2, 3})), List{2});
}

TEST_CASE("pool: Lp windows") {
  CHECK_EQ(Pool(Attributes(Kind::lp, {2}), Half({1, 1, 3}, {3, -4, 3})),
           List{5, 5});
  fbs::PoolT attributes = Attributes(Kind::lp, {2}, {1}, {1, 0});
  attributes.p = 1;
  CHECK_EQ(Pool(attributes, Half({1, 1, 3}, {3, -4, 3})), List{3, 7, 7});
}

TEST_CASE("pool: three spatial axes") {
  CHECK_EQ(Pool(Attributes(Kind::average, {2, 2, 2}),
                Half({1, 1, 2, 2, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})),
           List{6, 7});
  CHECK_EQ(Pool(Attributes(Kind::max, {2, 1, 2}, {1, 1, 1}),
                Half({1, 1, 2, 2, 2}, {1, 2, 3, 4, 8, 7, 6, 5})),
           List{8, 6});
}

TEST_CASE("pool: positions of maxima") {
  fbs::PoolT attributes = Attributes(Kind::max, {2, 2}, {1, 1});
  const TestTensor x = Half({1, 2, 2, 3}, {1, 9, 2, 3, 4, 5, 7, 7, 7, 7, 7, 8});
  RunResult result = RunOp(pool_op, attributes, {x}, 2);
  CHECK_EQ(result.outputs[0].Values(), List{9, 9, 7, 8});
  CHECK_EQ(result.outputs[1].Values(),
           List{1, 1, 6, 11});  // of equal values the first
  CHECK(result.outputs[1].type.dtype == DataType::kInt64);
  attributes.column_major_indices = true;  // (row, column) -> column * 2 + row
  result = RunOp(pool_op, attributes, {x}, 2);
  CHECK_EQ(result.outputs[1].Values(), List{2, 2, 6, 11});
  result = RunOp(pool_op, Attributes(Kind::max, {}), {x}, 2);
  CHECK_EQ(result.outputs[1].Values(), List{1, 11});
}

TEST_CASE("pool: integers") {
  CHECK_EQ(Pool(Attributes(Kind::max, {2}, {}, {1, 0}),
                Make(DataType::kInt8, {1, 1, 3}, {-5, -128, -7})),
           List{-5, -5, -7});
  CHECK_EQ(Pool(Attributes(Kind::max, {1}, {}, {1, 0}),
                Make(DataType::kInt8, {1, 1, 1}, {-5})),
           List{-128, -5});
  CHECK_EQ(Pool(Attributes(Kind::max, {2}),
                Make(DataType::kUint8, {1, 1, 3}, {1, 200, 7})),
           List{200, 200});
  CHECK_EQ(Pool(Attributes(Kind::max, {}),
                Make(DataType::kUint8, {1, 1, 3}, {1, 200, 7})),
           List{200});
  CHECK(RunOp(pool_op, Attributes(Kind::average, {1}),
              {Make(DataType::kInt8, {1, 1, 1}, {1})})
            .status.code() == StatusCode::kUnsupported);
}

TEST_CASE("P15: a NaN wins its windows and no others") {
  const RunResult result = RunOp(pool_op, Attributes(Kind::max, {2}),
                                 {Half({1, 1, 5}, {1, NAN, 3, kInf, -kInf})});
  CHECK_EQ(result.outputs[0].Bits(),
           std::vector<uint16_t>{0x7E00, 0x7E00, 0x7C00, 0x7C00});
  const RunResult sums = RunOp(pool_op, Attributes(Kind::average, {2}),
                               {Half({1, 1, 4}, {1, NAN, kInf, -kInf})});
  CHECK_EQ(sums.outputs[0].Bits(),
           std::vector<uint16_t>{0x7E00, 0x7E00, 0x7E00});
}

TEST_CASE("P6: of equal zeros the first one of the window stays") {
  // Rows, then columns: [-1 +0 / -0 -2] gives +0, [-0 -1 / +0 -3] gives -0.
  const TestTensor x = Half({1, 1, 2, 4}, {-1, 0.0, -0.0, -1,  //
                                           -0.0, -2, 0.0, -3});
  for (const int stride : {2, 1}) {
    const RunResult result =
        RunOp(pool_op, Attributes(Kind::max, {2, 2}, {stride, stride}), {x});
    const std::vector<uint16_t> bits = result.outputs[0].Bits();
    CHECK_EQ(bits.front(), 0x0000);
    CHECK_EQ(bits.back(), 0x8000);
  }
}

TEST_CASE("P6: ragged widths and windows agree on all rungs") {
  uint32_t seed = 1;
  for (int64_t width : {3, 7, 15, 16, 17, 33, 65, 131}) {
    for (DataType type : {DataType::kFloat16, DataType::kFloat32}) {
      const TestTensor x =
          test::Random(type, {2, 3, 9, width}, ++seed, width % 3 == 0);
      const TestTensor line = test::Random(type, {2, 3, width}, ++seed);
      for (Kind kind : {Kind::max, Kind::average}) {
        for (int stride : {1, 2, 3}) {
          for (int pad : {0, 1, 2}) {
            for (int dilation : {1, 2}) {
              fbs::PoolT attributes =
                  Attributes(kind, {3, 2}, {stride, stride}, {pad, pad, 1, 1});
              attributes.dilations = {dilation, dilation};
              attributes.ceil_mode = pad == 1;
              attributes.count_include_pad = stride == 2;
              CHECK(RunOp(pool_op, attributes, {x}).status.ok());
            }
            CHECK(RunOp(pool_op, Attributes(kind, {3}, {stride}, {pad, 1}),
                        {line})
                      .status.ok());
          }
        }
        CHECK(RunOp(pool_op, Attributes(kind, {}), {x}).status.ok());
      }
    }
  }
  const TestTensor large =
      test::Random(DataType::kFloat16, {1, 2, 112, 112}, 5);
  CHECK(RunOp(pool_op, Attributes(Kind::max, {3, 3}, {2, 2}, {1, 1, 1, 1}),
              {large})
            .status.ok());
  CHECK(RunOp(pool_op, Attributes(Kind::average, {7, 7}, {7, 7}), {large})
            .status.ok());
}

TEST_CASE("pool: dimensions of size zero") {
  CHECK_EQ(Pool(Attributes(Kind::max, {2}), Half({0, 3, 4}, {})), List{});
  CHECK_EQ(Pool(Attributes(Kind::max, {}), Half({0, 3, 4}, {})), List{});
  CHECK_EQ(Pool(Attributes(Kind::max, {}), Half({1, 1, 0}, {})), List{-kInf});
  CHECK(
      std::isnan(Pool(Attributes(Kind::average, {}), Half({1, 1, 0}, {}))[0]));
}

TEST_CASE("pool: refuses what makes no sense") {
  const auto code = [](const fbs::PoolT& attributes, const TestTensor& x,
                       size_t outputs = 1) {
    return RunOp(pool_op, attributes, {x}, outputs).status.code();
  };
  CHECK(code(Attributes(Kind::max, {2}), Half({2, 3}, {1, 2, 3, 4, 5, 6})) ==
        StatusCode::kShape);
  CHECK(code(Attributes(Kind::max, {2}), Ramp4()) == StatusCode::kShape);
  CHECK(code(Attributes(Kind::max, {5, 5}), Ramp4()) == StatusCode::kShape);
  CHECK(code(Attributes(Kind::max, {0, 1}), Ramp4()) == StatusCode::kShape);
  CHECK(code(Attributes(Kind::max, {2, 2}, {0, 1}), Ramp4()) ==
        StatusCode::kShape);
  CHECK(code(Attributes(Kind::max, {2, 2}, {1, 1}, {-1, 0, 0, 0}), Ramp4()) ==
        StatusCode::kShape);
  CHECK(code(Attributes(Kind::max, {2147483647, 1}), Ramp4()) ==
        StatusCode::kLimit);
  CHECK(code(Attributes(Kind::max, {1, 1}, {1, 1},
                        {1073741823, 1073741823, 1073741823, 1073741823}),
             Ramp4()) == StatusCode::kLimit);
  CHECK(code(Attributes(Kind::average, {2, 2}), Ramp4(), 2) ==
        StatusCode::kShape);
  fbs::PoolT lp = Attributes(Kind::lp, {2, 2});
  lp.p = 0;
  CHECK(code(lp, Ramp4()) == StatusCode::kShape);
  // A large kernel over large padding is odd, but has an answer.
  CHECK_EQ(Pool(Attributes(Kind::max, {100000000}, {1}, {99999999, 0}),
                Half({1, 1, 1}, {3})),
           List{3});
}

}  // namespace
}  // namespace aneref
