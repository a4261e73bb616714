// Matrix product: hand-worked values for promotion, broadcasting, transposes
// and bias, the order of the sum, agreement of all rungs, refusals.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/op_runner.h"

namespace aneref::test {
namespace {

using Values = std::vector<double>;

Values Ramp(size_t count) {
  Values values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<double>(i + 1);
  return values;
}
TestTensor Run(const fbs::MatmulT& matmul,
               const std::vector<TestTensor>& inputs) {
  const RunResult result = RunOp(matmul_op, matmul, inputs);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0];
}
// The same with y known and with y computed at run time.
Values RunBoth(const fbs::MatmulT& matmul, const TestTensor& x,
               const TestTensor& y) {
  const Values known = Run(matmul, {x, Known(y)}).Values();
  CHECK_EQ(Run(matmul, {x, y}).Values(), known);
  return known;
}

TEST_CASE("matmul: two matrices and a bias") {
  const auto x = Half({2, 3}, Ramp(6));
  const auto y = Half({3, 2}, Ramp(6));
  CHECK_EQ(RunBoth({}, x, y), Values{22, 28, 49, 64});
  CHECK_EQ(Run({}, {x, Known(y), Known(Half({2}, {0.5, -1}))}).Values(),
           Values{22.5, 27, 49.5, 63});
  CHECK_EQ(Run({}, {x, y, Half({2}, {0.5, -1})}).Values(),
           Values{22.5, 27, 49.5, 63});
}

TEST_CASE("matmul: transposes swap the last two axes") {
  fbs::MatmulT matmul;
  matmul.transpose_x = true;
  const auto y = Half({3, 2}, Ramp(6));
  CHECK_EQ(RunBoth(matmul, Half({3, 2}, {1, 4, 2, 5, 3, 6}), y),
           Values{22, 28, 49, 64});
  matmul.transpose_y = true;
  CHECK_EQ(RunBoth(matmul, Half({3, 2}, {1, 4, 2, 5, 3, 6}),
                   Half({2, 3}, {1, 3, 5, 2, 4, 6})),
           Values{22, 28, 49, 64});
}

TEST_CASE("matmul: vectors are promoted and squeezed again") {
  const auto v = Half({3}, Ramp(3));
  const auto m = Half({3, 2}, Ramp(6));
  CHECK_EQ(RunBoth({}, v, m), Values{22, 28});
  CHECK_EQ(Run({}, {v, m}).type.shape, Shape({2}));
  const auto t = Half({2, 3}, Ramp(6));
  CHECK_EQ(RunBoth({}, t, v), Values{14, 32});
  CHECK_EQ(Run({}, {t, v}).type.shape, Shape({2}));
  CHECK_EQ(RunBoth({}, v, v), Values{14});
  CHECK_EQ(Run({}, {v, v}).type.shape, Shape());
  // A vector against a batch, from both sides.
  const auto batch = Half({2, 3, 2}, Ramp(12));
  CHECK_EQ(RunBoth({}, v, batch), Values{22, 28, 58, 64});
  CHECK_EQ(RunBoth({}, Half({2, 2, 3}, Ramp(12)), v), Values{14, 32, 50, 68});
}

TEST_CASE("matmul: leading axes broadcast both ways") {
  // x [2, 1, 1, 2] and y [3, 2, 1]: out [2, 3, 1, 1].
  const auto x = Half({2, 1, 1, 2}, {1, 2, 3, 4});
  const auto y = Half({3, 2, 1}, {1, 0, 0, 1, 1, 1});
  CHECK_EQ(RunBoth({}, x, y), Values{1, 2, 3, 3, 4, 7});
  CHECK_EQ(Run({}, {x, y}).type.shape, Shape({2, 3, 1, 1}));
  // One y for the batch.
  CHECK_EQ(RunBoth({}, Half({2, 1, 2}, Ramp(4)), Half({2, 1}, {1, 10})),
           Values{21, 43});
}

TEST_CASE("P3: k ascends") {
  const auto y = Float({3, 1}, {1, 1, 1});
  CHECK_EQ(RunBoth({}, Float({1, 3}, {16777216, 1, 1}), y), Values{16777216});
  CHECK_EQ(RunBoth({}, Float({1, 3}, {1, 1, 16777216}), y), Values{16777218});
  // fp16 operands: 2^24 + 1 - 2^24 = 0, then + 1.
  CHECK_EQ(RunBoth({}, Half({1, 4}, {4096, 1, 4096, 1}),
                   Half({4, 1}, {4096, 1, -4096, 1})),
           Values{1});
}

TEST_CASE("P3: a sum cut into blocks carries its partial sum") {
  // 2^24 first and ones after it never change the fp32 sum; the last product
  // takes 2^24 away.
  Values x(2500, 1), y(2500, 1);
  x[0] = y[0] = 4096;
  x[2499] = 4096;
  y[2499] = -4096;
  CHECK_EQ(RunBoth({}, Half({1, 2500}, x), Half({2500, 1}, y)), Values{0});
}

TEST_CASE("P4: fp32 products of a matrix product round alone") {
  const double a = 1 + std::ldexp(1.0, -23);
  CHECK_EQ(RunBoth({}, Float({1, 2}, {1, a}), Float({2, 1}, {-1, a})),
           Values{std::ldexp(1.0, -22)});
}

TEST_CASE("P13: integer products wrap") {
  const auto x = Make(DataType::kInt32, {1, 2}, {65536, 3});
  const auto y = Make(DataType::kInt32, {2, 2}, {65536, 1, 2, -4});
  CHECK_EQ(Run({}, {x, y}).Values(), Values{6, 65524});
  CHECK_EQ(Run({}, {Ints({2}, {3, -2}), Ints({2, 1}, {5, 7})}).Values(),
           Values{1});
}

TEST_CASE("matmul: empty operands and empty sums") {
  CHECK_EQ(RunBoth({}, Half({2, 0}, {}), Half({0, 2}, {})), Values{0, 0, 0, 0});
  CHECK_EQ(Run({}, {Half({1, 0}, {}), Known(Half({0, 2}, {})),
                    Known(Half({2}, {3, 4}))})
               .Values(),
           Values{3, 4});
  CHECK_EQ(Run({}, {Half({0, 2}, {}), Half({2, 2}, Ramp(4))}).type.shape,
           Shape({0, 2}));
  CHECK_EQ(Run({}, {Half({0, 3, 2}, {}), Half({2, 2}, Ramp(4))}).type.shape,
           Shape({0, 3, 2}));
}

void CheckRagged(DataType type, int64_t m, int64_t k, int64_t n,
                 bool specials) {
  CAPTURE(m);
  CAPTURE(k);
  CAPTURE(n);
  for (const bool transpose_x : {false, true}) {
    for (const bool transpose_y : {false, true}) {
      fbs::MatmulT matmul;
      matmul.transpose_x = transpose_x;
      matmul.transpose_y = transpose_y;
      const auto x = Random(
          type, transpose_x ? Shape({2, k, m}) : Shape({2, m, k}), 1, specials);
      const auto y =
          Random(type, transpose_y ? Shape({n, k}) : Shape({k, n}), 2);
      const auto b = Known(Random(type, {n}, 3));
      CHECK(RunOp(matmul_op, matmul, {x, y, b}).status.ok());
      CHECK(RunOp(matmul_op, matmul, {x, Known(y), b}).status.ok());
    }
  }
}

TEST_CASE("matmul: ragged shapes agree on all targets") {
  for (const DataType type : {DataType::kFloat16, DataType::kFloat32}) {
    for (const int64_t n : {1, 7, 15, 16, 17, 33, 65, 130}) {
      for (const int64_t m : {1, 5, 13, 60}) CheckRagged(type, m, 17, n, true);
    }
    CheckRagged(type, 3, 1030, 70, false);
    CheckRagged(type, 15, 2100, 5, false);
    CheckRagged(type, 120, 70, 9, false);
  }
}

TEST_CASE("matmul: a batch on both sides agrees on all targets") {
  for (const DataType type : {DataType::kFloat16, DataType::kFloat32}) {
    for (const bool transpose_y : {false, true}) {
      fbs::MatmulT matmul;
      matmul.transpose_y = transpose_y;
      const auto x = Random(type, {2, 3, 19, 8}, 1);
      const auto y =
          Random(type, transpose_y ? Shape({3, 21, 8}) : Shape({3, 8, 21}), 2);
      CHECK(RunOp(matmul_op, matmul, {x, y}).status.ok());
      CHECK(RunOp(matmul_op, matmul, {x, Known(y)}).status.ok());
    }
  }
}

TEST_CASE("matmul: refusals") {
  const auto x = Half({2, 3}, Ramp(6));
  const auto refused = [&](const std::vector<TestTensor>& inputs,
                           StatusCode code) {
    const RunResult result = RunOp(matmul_op, fbs::MatmulT(), inputs);
    CHECK_EQ(result.status.code(), code);
    CHECK_FALSE(result.status.message().empty());
  };
  const StatusCode shape = StatusCode::kShape;
  refused({x}, shape);
  refused({x, Half({2, 3}, Ramp(6))}, shape);
  refused({x, Half({2}, Ramp(2))}, shape);
  refused({x, Half({}, {1})}, shape);
  refused({Half({}, {1}), x}, shape);
  refused({x, Float({3, 2}, Ramp(6))}, shape);
  refused({x, Half({3, 2}, Ramp(6)), Half({3}, Ramp(3))}, shape);
  refused({x, Half({3, 2}, Ramp(6)), Half({1, 2}, Ramp(2))}, shape);
  refused({x, Half({3, 2}, Ramp(6)), Float({2}, Ramp(2))}, shape);
  refused({x, Half({3, 2}, Ramp(6)), Absent(), x}, shape);
  refused({Half({2, 2, 3}, Ramp(12)), Half({3, 3, 2}, Ramp(18))}, shape);
  refused({Ints({2, 3}, Ramp(6)), Half({3, 2}, Ramp(6))}, shape);
  refused({Ints({2, 3}, Ramp(6)), Ints({3, 2}, Ramp(6)), Ints({3}, Ramp(3))},
          shape);
  refused(
      {Make(DataType::kBool, {1, 1}, {1}), Make(DataType::kBool, {1, 1}, {1})},
      StatusCode::kUnsupported);
}

}  // namespace
}  // namespace aneref::test
