// Einsum: parsing, diagonals, the ellipsis, implicit results, the order of
// sums, hostile equations.
#include <doctest/doctest.h>

#include "tests/support/op_runner.h"

namespace aneref {
namespace {

using test::Float;
using test::Half;
using test::Ints;
using test::Make;
using test::RunOp;
using test::RunResult;
using test::TestTensor;
using List = std::vector<double>;

RunResult Run(const std::string& equation,
              const std::vector<TestTensor>& inputs) {
  fbs::EinsumT attributes;
  attributes.equation = equation;
  return RunOp(einsum_op, attributes, inputs);
}

List Sum(const std::string& equation, const std::vector<TestTensor>& inputs) {
  const auto result = Run(equation, inputs);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Values();
}

const TestTensor& Matrix() {
  static const TestTensor matrix = Float({2, 2}, {1, 2, 3, 4});
  return matrix;
}

TEST_CASE("einsum: permutations and sums and products") {
  CHECK_EQ(Sum("ij->ji", {Matrix()}), List{1, 3, 2, 4});
  CHECK_EQ(Sum("ij->i", {Matrix()}), List{3, 7});
  CHECK_EQ(Sum("ij->", {Matrix()}), List{10});
  CHECK_EQ(Sum("->", {Float({}, {5})}), List{5});
  CHECK_EQ(Sum(" i j , j k -> i k ", {Matrix(), Matrix()}),
           List{7, 10, 15, 22});
  CHECK_EQ(Sum("i,j->ij", {Half({2}, {1, 2}), Half({3}, {3, 4, 5})}),
           List{3, 4, 5, 6, 8, 10});
  CHECK_EQ(Sum("i,i,i->i",
               {Float({2}, {1, 2}), Float({2}, {3, 4}), Float({2}, {5, 6})}),
           List{15, 48});
}

TEST_CASE("einsum: a repeated letter walks the diagonal") {
  CHECK_EQ(Sum("ii->i", {Matrix()}), List{1, 4});
  CHECK_EQ(Sum("ii", {Matrix()}), List{5});
}

TEST_CASE("einsum: without an arrow single letters stand in order") {
  // B before a: upper case comes first.
  CHECK_EQ(Sum("aB", {Matrix()}), List{1, 3, 2, 4});
  CHECK_EQ(Sum("ij,jk", {Matrix(), Matrix()}), List{7, 10, 15, 22});
  CHECK_EQ(Sum("i...", {Float({2, 2}, {1, 2, 3, 4})}), List{1, 3, 2, 4});
}

TEST_CASE("einsum: the ellipsis broadcasts from the back") {
  // [2, 1] and [3]: results [2, 3].
  const auto result =
      Run("...,...->...", {Float({2, 1}, {1, 10}), Float({3}, {1, 2, 3})});
  REQUIRE(result.status.ok());
  CHECK_EQ(result.outputs[0].type.shape, Shape{2, 3});
  CHECK_EQ(result.outputs[0].Values(), List{1, 2, 3, 10, 20, 30});
  CHECK_EQ(Sum("...ij,...jk->...ik",
               {Float({2, 1, 2}, {1, 2, 3, 4}), Float({2, 1}, {5, 6})}),
           List{17, 39});
  // Not in the result: summed.
  CHECK_EQ(Sum("...i->i", {Matrix()}), List{4, 6});
}

TEST_CASE("P3: einsum sums letters in the order of the equation") {
  // Rows 2^24 1 / -2^24 1: row by row 2^24, 2^24, 0, 1; column by column 0, 2.
  const TestTensor x = Float({2, 2}, {0x1p24, 1, -0x1p24, 1});
  CHECK_EQ(Sum("ij->", {x}), List{1});
  CHECK_EQ(Sum("ji,ij->", {Float({2, 2}, {1, 1, 1, 1}), x}), List{2});
  // fp16 results round once: 2048 + 1 + 1.
  CHECK_EQ(Sum("i->", {Half({3}, {2048, 1, 1})}), List{2050});
}

TEST_CASE("P13: einsum of integers wraps") {
  CHECK_EQ(Sum("i,i->", {Make(DataType::kInt8, {2}, {100, 2}),
                         Make(DataType::kInt8, {2}, {2, 3})}),
           List{-50});
  CHECK_EQ(Sum("i->", {Ints({2}, {0x1p40, 1})}), List{0x1p40 + 1});
}

TEST_CASE("einsum: empty axes") {
  CHECK_EQ(Sum("ij->i", {Float({2, 0}, {})}), List{0, 0});
  CHECK_EQ(Sum("ij->j", {Float({2, 0}, {})}), List{});
}

TEST_CASE("einsum: hostile equations are refused") {
  const TestTensor x = Matrix();
  for (const char* equation :
       {"", "i", "ijk", "ij->k", "ij->ii", "ij,jk->ik", "i1", "i.j", "..",
        "....", "......", "ij->i->j", "ij->,", "(ij)->i", "ij-"}) {
    CAPTURE(equation);
    CHECK_FALSE(Run(equation, {x}).status.ok());
  }
  CHECK_FALSE(Run("ij,ij->ij", {x, Float({2, 3}, List(6))}).status.ok());
  CHECK_FALSE(Run("ij,ij->ij", {x, Half({2, 2}, List(4))}).status.ok());
  CHECK_FALSE(Run("ii->i", {Float({2, 3}, List(6))}).status.ok());
  CHECK_FALSE(Run("i->i", {Make(DataType::kBool, {1}, {1})}).status.ok());
  CHECK_FALSE(Run("", {}).status.ok());
  // 9 axes.
  CHECK_FALSE(
      Run("abc,def,ghi->abcdefghi",
          {Float({1, 1, 1}, {1}), Float({1, 1, 1}, {1}), Float({1, 1, 1}, {1})})
          .status.ok());
}

}  // namespace
}  // namespace aneref
