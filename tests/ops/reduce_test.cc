// Reductions: hand-worked values of every kind, the order of P5, ragged widths,
// integers, positions, hostile nodes.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/op_runner.h"

namespace aneref {
namespace {

using test::Float;
using test::Half;
using test::Ints;
using test::Known;
using test::Make;
using test::Random;
using test::RunOp;
using test::RunResult;
using test::TestTensor;
using Kind = fbs::ReduceKind;

constexpr double kInf = HUGE_VAL;

fbs::ReduceT Attributes(Kind kind, std::vector<int> axes = {},
                        bool keep_dims = true) {
  fbs::ReduceT attributes;
  attributes.kind = kind;
  attributes.axes = std::move(axes);
  attributes.keep_dims = keep_dims;
  return attributes;
}

std::vector<double> Values(const RunResult& result) {
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Values();
}

std::vector<double> Reduce(const fbs::ReduceT& attributes,
                           const TestTensor& x) {
  return Values(RunOp(reduce_op, attributes, {x}));
}

using List = std::vector<double>;

TEST_CASE("P5: the lattice decides which bits of a sum survive") {
  // 2^24 and 1 in different partials meet in the tree only; two ones in the
  // partial beside it make 2 first.
  List values(32, 0.0);
  values[0] = 0x1p24;
  values[1] = values[17] = 1.0;
  CHECK_EQ(Reduce(Attributes(Kind::sum), Float({32}, values)),
           List{0x1p24 + 2});
  // The ones in partials 1 and 2: partial 2 joins partial 0 first (l + 2) and
  // is lost, then partial 1 is lost.
  List apart(32, 0.0);
  apart[0] = 0x1p24;
  apart[1] = apart[2] = 1.0;
  CHECK_EQ(Reduce(Attributes(Kind::sum), Float({32}, apart)), List{0x1p24});
  // Ones in the big one's own partial are lost one by one.
  List same(48, 0.0);
  same[0] = 0x1p24;
  same[16] = same[32] = 1.0;
  CHECK_EQ(Reduce(Attributes(Kind::sum), Float({48}, same)), List{0x1p24});
}

// Elements 0, 16 and 4096 + 0 and 4096 + 16 share partial 0; two ones of a
// later block make 2 before they meet 2^24.
TEST_CASE("P5: partials join their totals every 4096 elements") {
  for (const int64_t count : {4113, 5000, 8192, 8193}) {
    List values(static_cast<size_t>(count), 0.0);
    values[0] = 0x1p24;
    values[4096] = values[4112] = 1.0;
    CHECK_EQ(Reduce(Attributes(Kind::sum), Float({count}, values)),
             List{0x1p24 + 2});
    values[16] = 1.0;  // in the first block: lost
    CHECK_EQ(Reduce(Attributes(Kind::sum), Float({count}, values)),
             List{0x1p24 + 2});
    // By columns, and with a ragged width that the blocks cut.
    List columns;
    for (const double value : values)
      columns.insert(columns.end(), {value, 0.0, value});
    CHECK_EQ(
        Reduce(Attributes(Kind::sum, {0}, false), Float({count, 3}, columns)),
        List{0x1p24 + 2, 0, 0x1p24 + 2});
  }
  List square(64 * 65, 0.0);
  square[0] = 0x1p24;
  square[4096] = square[4112] = 1.0;
  CHECK_EQ(Reduce(Attributes(Kind::sum, {}, false), Float({64, 65}, square)),
           List{0x1p24 + 2});
}

TEST_CASE("P5: long reductions agree on all rungs") {
  for (const Kind kind : {Kind::sum, Kind::prod, Kind::max, Kind::min, Kind::l1,
                          Kind::sum_square, Kind::log_sum_exp}) {
    for (const DataType type : {DataType::kFloat16, DataType::kFloat32}) {
      const TestTensor x = Random(type, {2, 4500, 3}, 7);
      RunOp(reduce_op, Attributes(kind, {1}), {x});
      RunOp(reduce_op, Attributes(kind, {1, 2}), {x});
    }
  }
}

TEST_CASE("P5: the lattice runs on across rows and planes") {
  // Element 17 of 4x5 is (3, 2); of 5x7 it is (2, 3). Both share partial 1 with
  // element 1.
  for (const Shape& shape :
       {Shape{4, 5}, Shape{5, 7}, Shape{2, 2, 5}, Shape{20, 1}, Shape{1, 33}}) {
    List values(static_cast<size_t>(shape.NumElements()), 0.0);
    values[0] = 0x1p24;
    values[1] = values[17] = 1.0;
    CHECK_EQ(Reduce(Attributes(Kind::sum, {}, false), Float(shape, values)),
             List{0x1p24 + 2});
  }
}

// More outputs than one step of the kernel takes; output p holds 2^24 at 0 and
// ones that survive together (1 and 17) or one by one are lost (0 and 16).
TEST_CASE("P5: each of many small planes has its own lattice") {
  const int64_t planes = 37, rows = 5, columns = 7;
  List values, sums;
  for (int64_t p = 0; p < planes; ++p) {
    List plane(static_cast<size_t>(rows * columns), 0.0);
    const size_t first = p % 2 == 0 ? 1 : 16;
    plane[0] = 0x1p24;
    plane[first] = plane[first == 1 ? 17 : 32] = 1.0;
    values.insert(values.end(), plane.begin(), plane.end());
    sums.push_back(p % 2 == 0 ? 0x1p24 + 2 : 0x1p24);
  }
  const TestTensor x = Float({planes, rows, columns}, values);
  CHECK_EQ(Reduce(Attributes(Kind::sum, {1, 2}, false), x), sums);
}

TEST_CASE("P5: small reductions of any width agree on all rungs") {
  for (const Kind kind : {Kind::sum, Kind::mean, Kind::prod, Kind::max,
                          Kind::min, Kind::l1, Kind::l2}) {
    for (const DataType type : {DataType::kFloat16, DataType::kFloat32}) {
      for (const int64_t width : {1, 3, 7, 14, 16, 17, 33}) {
        const TestTensor x = Random(type, {3, 6, 5, width}, 11);
        RunOp(reduce_op, Attributes(kind, {2, 3}), {x});
        RunOp(reduce_op, Attributes(kind, {1, 3}), {x});
      }
      RunOp(reduce_op, Attributes(kind, {1, 2}), {Random(type, {2, 8, 64}, 3)});
      RunOp(reduce_op, Attributes(kind, {1, 2}), {Random(type, {2, 8, 65}, 3)});
    }
  }
}

TEST_CASE("P15: extremes of small planes keep NaN and zeros apart") {
  const double nan = std::nan("");
  CHECK_EQ(Reduce(Attributes(Kind::max, {1}, false),
                  Half({3, 3}, {-0.0, 0.0, -1, -kInf, -kInf, -kInf, 1, 2, 3})),
           List{0.0, -kInf, 3});
  const List values = Reduce(Attributes(Kind::min, {1}, false),
                             Half({2, 3}, {1, nan, -5, 4, 3, 5}));
  CHECK(std::isnan(values[0]));
  CHECK_EQ(values[1], 3.0);
}

TEST_CASE("P5: an outer axis reduces in the same lattice") {
  for (int64_t width : {1, 7, 15, 16, 17, 33, 65, 129}) {
    const auto columns = static_cast<size_t>(width);
    List values(32 * columns, 0.0);
    for (size_t j = 0; j < columns; ++j) {
      values[j] = 0x1p24;
      values[columns + j] = 1.0;
      // Even columns: rows 1 and 17 share a partial. Odd ones: rows 1 and 2 do
      // not.
      values[(j % 2 == 0 ? 17 : 2) * columns + j] = 1.0;
    }
    const List sums =
        Reduce(Attributes(Kind::sum, {0}, false), Float({32, width}, values));
    REQUIRE_EQ(sums.size(), columns);
    for (size_t j = 0; j < columns; ++j)
      CHECK_EQ(sums[j], j % 2 == 0 ? 0x1p24 + 2 : 0x1p24);
  }
}

TEST_CASE("reduce: every kind on small numbers") {
  const TestTensor x = Half({2, 3}, {1, -2, 3, 4, 5, -6});
  CHECK_EQ(Reduce(Attributes(Kind::sum, {1}), x), List{2, 3});
  CHECK_EQ(Reduce(Attributes(Kind::sum, {0}), x), List{5, 3, -3});
  CHECK_EQ(Reduce(Attributes(Kind::sum), x), List{5});
  CHECK_EQ(Reduce(Attributes(Kind::mean, {0}), x), List{2.5, 1.5, -1.5});
  CHECK_EQ(Reduce(Attributes(Kind::mean, {-1}), x),
           List{0.66650390625, 1});  // 2/3 in fp16
  CHECK_EQ(Reduce(Attributes(Kind::max, {1}), x), List{3, 5});
  CHECK_EQ(Reduce(Attributes(Kind::max, {0}), x), List{4, 5, 3});
  CHECK_EQ(Reduce(Attributes(Kind::min, {1}), x), List{-2, -6});
  CHECK_EQ(Reduce(Attributes(Kind::min, {0}), x), List{1, -2, -6});
  CHECK_EQ(Reduce(Attributes(Kind::prod, {1}), x), List{-6, -120});
  CHECK_EQ(Reduce(Attributes(Kind::prod, {0}), x), List{4, -10, -18});
  CHECK_EQ(Reduce(Attributes(Kind::l1, {1}), x), List{6, 15});
  CHECK_EQ(Reduce(Attributes(Kind::l1, {0}), x), List{5, 7, 9});
  CHECK_EQ(Reduce(Attributes(Kind::sum_square, {1}), x), List{14, 77});
  CHECK_EQ(Reduce(Attributes(Kind::sum_square, {0}), x), List{17, 29, 45});
  CHECK_EQ(Reduce(Attributes(Kind::l2, {0}), Half({2, 2}, {3, 5, 4, 12})),
           List{5, 13});
  CHECK_EQ(Reduce(Attributes(Kind::l2, {1}), Half({2, 2}, {3, 4, 5, 12})),
           List{5, 13});
}

TEST_CASE("reduce: logarithms of sums") {
  // log(1) = 0; log(8) = 2.0794415 in fp16 is 2.080078125.
  CHECK_EQ(
      Reduce(Attributes(Kind::log_sum, {1}), Half({2, 2}, {0.25, 0.75, 3, 5})),
      List{0, 2.080078125});
  CHECK_EQ(
      Reduce(Attributes(Kind::log_sum, {0}), Half({2, 2}, {0.25, 3, 0.75, 5})),
      List{0, 2.080078125});
  // Two equal terms: x + log 2 = x + 0.693147; 1000.693 is 1000.5 in fp16
  // (units of 0.5), without a shift infinity.
  CHECK_EQ(Reduce(Attributes(Kind::log_sum_exp, {1}),
                  Half({2, 2}, {1000, 1000, 0, 0})),
           List{1000.5, 0.693359375});
  CHECK_EQ(Reduce(Attributes(Kind::log_sum_exp, {0}),
                  Half({2, 2}, {1000, 0, 1000, 0})),
           List{1000.5, 0.693359375});
  CHECK_EQ(
      Reduce(Attributes(Kind::log_sum_exp), Half({3}, {-kInf, -kInf, -kInf})),
      List{-kInf});
  CHECK_EQ(Reduce(Attributes(Kind::log_sum_exp), Half({3}, {-kInf, 5, -kInf})),
           List{5});
  CHECK_EQ(Reduce(Attributes(Kind::log_sum_exp), Half({2}, {kInf, 1})),
           List{kInf});
}

TEST_CASE("reduce: axes and kept dimensions") {
  List values;
  for (int i = 0; i < 24; ++i) values.push_back(i);
  const TestTensor x = Half({2, 3, 2, 2}, values);
  const auto shape = [&](std::vector<int> axes, bool keep) {
    return RunOp(reduce_op, Attributes(Kind::sum, std::move(axes), keep), {x})
        .outputs[0]
        .type.shape;
  };
  CHECK(shape({1}, true) == Shape{2, 1, 2, 2});
  CHECK(shape({1}, false) == Shape{2, 2, 2});
  CHECK(shape({-1, 0}, true) == Shape{1, 3, 2, 1});
  CHECK(shape({-1, 0}, false) == Shape{3, 2});
  CHECK(shape({}, true) == Shape{1, 1, 1, 1});
  CHECK(shape({}, false) == Shape{});
  // Axes 0 and 2: pairs (c, w): 0+2+12+14 and so on.
  CHECK_EQ(Reduce(Attributes(Kind::sum, {0, 2}), x),
           List{28, 32, 44, 48, 60, 64});
  // Axes 0 and 3: (c, h): 0+1+12+13.
  CHECK_EQ(Reduce(Attributes(Kind::sum, {0, 3}), x),
           List{26, 34, 42, 50, 58, 66});
  CHECK_EQ(Reduce(Attributes(Kind::sum, {0, 1, 2, 3}), x), List{276});
  CHECK_EQ(Reduce(Attributes(Kind::sum, {2, 3}), x),
           List{6, 22, 38, 54, 70, 86});
  // Axes as an input win.
  CHECK_EQ(Values(RunOp(reduce_op, Attributes(Kind::sum, {0}),
                        {Half({2, 2}, {1, 2, 3, 4}), Known(Ints({1}, {1}))})),
           List{3, 7});
  CHECK_EQ(Values(RunOp(reduce_op, Attributes(Kind::sum, {0}),
                        {Half({2, 2}, {1, 2, 3, 4}), Known(Ints({0}, {}))})),
           List{10});
}

TEST_CASE("reduce: no axes with noop keep the elementwise part") {
  const auto noop = [](Kind kind) {
    fbs::ReduceT attributes = Attributes(kind);
    attributes.noop_with_empty_axes = true;
    return Reduce(attributes, Half({2, 2}, {1, -2, 3, -4}));
  };
  CHECK_EQ(noop(Kind::sum), List{1, -2, 3, -4});
  CHECK_EQ(noop(Kind::mean), List{1, -2, 3, -4});
  CHECK_EQ(noop(Kind::max), List{1, -2, 3, -4});
  CHECK_EQ(noop(Kind::prod), List{1, -2, 3, -4});
  CHECK_EQ(noop(Kind::l1), List{1, 2, 3, 4});
  CHECK_EQ(noop(Kind::l2), List{1, 2, 3, 4});
  CHECK_EQ(noop(Kind::sum_square), List{1, 4, 9, 16});
  CHECK_EQ(noop(Kind::log_sum_exp), List{1, -2, 3, -4});
}

TEST_CASE("reduce: scalars reduce to themselves") {
  for (const std::vector<int>& axes :
       {std::vector<int>{}, std::vector<int>{0}, std::vector<int>{-1}}) {
    const RunResult result =
        RunOp(reduce_op, Attributes(Kind::l1, axes), {Half({}, {-3})});
    CHECK_EQ(Values(result), List{3});
    CHECK(result.outputs[0].type.shape == Shape{});
  }
}

TEST_CASE("reduce: nothing gives the identity") {
  const TestTensor x = Half({2, 0}, {});
  CHECK_EQ(Reduce(Attributes(Kind::sum, {1}), x), List{0, 0});
  CHECK_EQ(Reduce(Attributes(Kind::prod, {1}), x), List{1, 1});
  CHECK_EQ(Reduce(Attributes(Kind::max, {1}), x), List{-kInf, -kInf});
  CHECK_EQ(Reduce(Attributes(Kind::min, {1}), x), List{kInf, kInf});
  CHECK_EQ(Reduce(Attributes(Kind::l2, {1}), x), List{0, 0});
  CHECK_EQ(Reduce(Attributes(Kind::log_sum, {1}), x), List{-kInf, -kInf});
  CHECK_EQ(Reduce(Attributes(Kind::log_sum_exp, {1}), x), List{-kInf, -kInf});
  CHECK(std::isnan(Reduce(Attributes(Kind::mean, {1}), x)[0]));
  CHECK_EQ(Reduce(Attributes(Kind::sum, {0}), x), List{});
  CHECK_EQ(
      Reduce(Attributes(Kind::max, {1}), Make(DataType::kInt8, {1, 0}, {})),
      List{-128});
  CHECK_EQ(
      Reduce(Attributes(Kind::min, {1}), Make(DataType::kInt32, {1, 0}, {})),
      List{2147483647});
  CHECK_EQ(
      Reduce(Attributes(Kind::max, {1}), Make(DataType::kUint8, {1, 0}, {})),
      List{0});
  CHECK_EQ(
      Reduce(Attributes(Kind::min, {1}), Make(DataType::kUint16, {1, 0}, {})),
      List{65535});
  CHECK_EQ(
      Reduce(Attributes(Kind::prod, {1}), Make(DataType::kInt64, {1, 0}, {})),
      List{1});
}

TEST_CASE("P15: a NaN wins maxima and sums and is stored as 7E00") {
  for (int64_t width : {1, 7, 15, 16, 17, 33, 65}) {
    for (Kind kind :
         {Kind::max, Kind::min, Kind::sum, Kind::log_sum_exp, Kind::l2}) {
      List values(static_cast<size_t>(2 * width), 1.0);
      values[static_cast<size_t>(width - 1)] = NAN;
      const RunResult rows =
          RunOp(reduce_op, Attributes(kind, {1}), {Half({2, width}, values)});
      CHECK_EQ(rows.outputs[0].Bits()[0], 0x7E00);
      CHECK(std::isfinite(rows.outputs[0].Values()[1]));
      const RunResult columns =
          RunOp(reduce_op, Attributes(kind, {0}), {Half({2, width}, values)});
      CHECK_EQ(columns.outputs[0].Bits().back(), 0x7E00);
    }
  }
}

TEST_CASE("P2: a sum beyond fp16 saturates and fp32 keeps it") {
  CHECK_EQ(Reduce(Attributes(Kind::sum), Half({3}, {65504, 65504, -65504})),
           List{65504});
  CHECK_EQ(Reduce(Attributes(Kind::sum), Half({2}, {65504, 65504})),
           List{65504});
  CHECK_EQ(Reduce(Attributes(Kind::sum), Float({2}, {65504, 65504})),
           List{131008});
}

TEST_CASE("P5: ragged widths and ranks agree on all rungs") {
  uint32_t seed = 1;
  for (Kind kind : {Kind::sum, Kind::mean, Kind::max, Kind::min, Kind::prod,
                    Kind::l1, Kind::l2, Kind::sum_square, Kind::log_sum,
                    Kind::log_sum_exp, Kind::arg_max, Kind::arg_min}) {
    for (int64_t width : {1, 7, 15, 16, 17, 33, 65, 1030}) {
      for (DataType type : {DataType::kFloat16, DataType::kFloat32}) {
        for (bool specials : {false, true}) {
          const TestTensor x =
              test::Random(type, {2, 5, width}, ++seed, specials);
          for (int axis : {0, 1, 2})
            CHECK(RunOp(reduce_op, Attributes(kind, {axis}), {x}).status.ok());
        }
      }
    }
  }
  for (const Shape& shape : {Shape{4000}, Shape{40, 9}, Shape{3, 4, 5, 6, 7},
                             Shape{2, 3, 2, 3, 2, 3}}) {
    const TestTensor x = test::Random(DataType::kFloat16, shape, 7);
    CHECK(RunOp(reduce_op, Attributes(Kind::mean), {x}).status.ok());
    CHECK(
        RunOp(reduce_op, Attributes(Kind::mean, {-1}, false), {x}).status.ok());
    CHECK(
        RunOp(reduce_op, Attributes(Kind::mean, {0}, false), {x}).status.ok());
    if (shape.rank() > 3)
      CHECK(RunOp(reduce_op, Attributes(Kind::max, {1, 3}, false), {x})
                .status.ok());
  }
}

TEST_CASE("P13: integers are exact and wrap around") {
  const TestTensor x = Make(DataType::kInt8, {2, 2}, {100, 100, -7, 0});
  CHECK_EQ(Reduce(Attributes(Kind::sum, {1}), x), List{-56, -7});
  CHECK_EQ(Reduce(Attributes(Kind::mean, {1}), x),
           List{100, -3});  // truncated towards zero
  CHECK_EQ(Reduce(Attributes(Kind::max, {0}), x), List{100, 100});
  CHECK_EQ(Reduce(Attributes(Kind::min, {0}), x), List{-7, 0});
  CHECK_EQ(Reduce(Attributes(Kind::prod, {1}), x),
           List{16, 0});  // 10000 = 39 * 256 + 16
  CHECK_EQ(Reduce(Attributes(Kind::l1, {1}), x), List{-56, 7});
  CHECK_EQ(Reduce(Attributes(Kind::l2), Make(DataType::kInt32, {3}, {2, 3, 6})),
           List{7});
  CHECK_EQ(Reduce(Attributes(Kind::sum_square),
                  Make(DataType::kInt32, {3}, {2, 3, 6})),
           List{49});
  CHECK_EQ(
      Reduce(Attributes(Kind::log_sum), Make(DataType::kInt32, {2}, {10, 11})),
      List{3});  // log 21 = 3.04
  CHECK_EQ(Reduce(Attributes(Kind::log_sum_exp),
                  Make(DataType::kInt32, {2}, {10, 10})),
           List{10});
  CHECK_EQ(
      Reduce(Attributes(Kind::max), Make(DataType::kUint8, {3}, {1, 200, 3})),
      List{200});
  CHECK_EQ(Reduce(Attributes(Kind::max, {0}),
                  Make(DataType::kBool, {2, 2}, {0, 0, 1, 0})),
           List{1, 0});
  CHECK_EQ(Reduce(Attributes(Kind::min, {0}),
                  Make(DataType::kBool, {2, 2}, {0, 1, 1, 1})),
           List{0, 1});
}

TEST_CASE("reduce: positions of extremes") {
  const auto arg = [](Kind kind, int axis, bool last, const TestTensor& x) {
    fbs::ReduceT attributes = Attributes(kind, {axis}, false);
    attributes.select_last_index = last;
    const RunResult result = RunOp(reduce_op, attributes, {x});
    CHECK(result.outputs[0].type.dtype == DataType::kInt64);
    return Values(result);
  };
  const TestTensor x = Half({2, 4}, {3, 7, 7, -1, 5, 5, 5, 5});
  CHECK_EQ(arg(Kind::arg_max, 1, false, x), List{1, 0});
  CHECK_EQ(arg(Kind::arg_max, 1, true, x), List{2, 3});
  CHECK_EQ(arg(Kind::arg_min, 1, false, x), List{3, 0});
  CHECK_EQ(arg(Kind::arg_max, 0, false, x), List{1, 0, 0, 1});
  CHECK_EQ(arg(Kind::arg_min, 0, true, x), List{0, 1, 1, 0});
  CHECK_EQ(arg(Kind::arg_max, 0, false, Half({3}, {-0.0, 0.0, -1})), List{0});
  CHECK_EQ(arg(Kind::arg_max, 0, false, Half({5}, {1, NAN, kInf, NAN, 2})),
           List{1});
  CHECK_EQ(arg(Kind::arg_max, 0, true, Half({5}, {1, NAN, kInf, NAN, 2})),
           List{3});
  CHECK_EQ(arg(Kind::arg_min, 0, false, Half({5}, {1, NAN, -kInf, NAN, 2})),
           List{1});
  CHECK_EQ(
      arg(Kind::arg_max, 0, false, Make(DataType::kUint8, {3}, {5, 200, 7})),
      List{1});
  CHECK_EQ(
      arg(Kind::arg_min, 0, true, Make(DataType::kInt32, {4}, {5, -2, 7, -2})),
      List{3});
  List ramp(300, 0.0);
  ramp[299] = 1.0;
  CHECK_EQ(arg(Kind::arg_max, 0, false, Half({300}, ramp)), List{299});
}

TEST_CASE("reduce: refuses what makes no sense") {
  const TestTensor x = Half({2, 3}, {1, 2, 3, 4, 5, 6});
  const auto code = [](const fbs::ReduceT& attributes,
                       const std::vector<TestTensor>& inputs,
                       size_t outputs = 1) {
    return RunOp(reduce_op, attributes, inputs, outputs).status.code();
  };
  CHECK(code(Attributes(Kind::sum, {2}), {x}) == StatusCode::kShape);
  CHECK(code(Attributes(Kind::sum, {-3}), {x}) == StatusCode::kShape);
  CHECK(code(Attributes(Kind::sum, {1, -1}), {x}) == StatusCode::kShape);
  CHECK(code(Attributes(Kind::sum), {}) == StatusCode::kShape);
  CHECK(code(Attributes(Kind::sum), {x, Known(Ints({1}, {0})), x}) ==
        StatusCode::kShape);
  CHECK(code(Attributes(Kind::sum), {x, x}) == StatusCode::kShape);
  CHECK(code(Attributes(Kind::sum), {x, Ints({1}, {0})}) ==
        StatusCode::kUnsupported);  // not known in advance
  CHECK(code(Attributes(Kind::sum), {x}, 2) == StatusCode::kShape);
  CHECK(code(Attributes(Kind::arg_max), {x}) == StatusCode::kShape);
  CHECK(code(Attributes(Kind::arg_max, {0, 1}), {x}) == StatusCode::kShape);
  CHECK(code(Attributes(Kind::arg_max, {1}), {Half({2, 0}, {})}) ==
        StatusCode::kShape);
  CHECK(code(Attributes(Kind::sum, {0}),
             {Make(DataType::kBool, {2}, {0, 1})}) == StatusCode::kUnsupported);
  CHECK(code(Attributes(static_cast<Kind>(200)), {x}) ==
        StatusCode::kUnsupported);
}

}  // namespace
}  // namespace aneref
