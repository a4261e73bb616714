// Transpose: hand-worked permutations, every rank, and tile sizes around the
// vector blocks.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

RunResult Transpose(const TestTensor& x, std::vector<int32_t> perm = {}) {
  fbs::TransposeT attributes;
  attributes.perm = std::move(perm);
  return RunOp(transpose_op, attributes, {x});
}

TEST_CASE("transpose: rows become columns for every element size") {
  for (DataType type : kOneTypePerSize) {
    CheckOnly(Transpose(Counted(type, {2, 3}), {1, 0}), {3, 2},
              {0, 3, 1, 4, 2, 5});
  }
}

TEST_CASE("transpose: without perm the axes are reversed") {
  CheckOnly(Transpose(Counted({1, 2, 3})), {3, 2, 1}, {0, 3, 1, 4, 2, 5});
  CheckOnly(Transpose(Counted({})), {}, {0});
  CheckOnly(Transpose(Counted({3})), {3}, {0, 1, 2});
}

TEST_CASE("transpose: channels first to last and back") {
  // x[c, h, w] = 4 c + 2 h + w
  CheckOnly(Transpose(Counted({1, 3, 2, 2}), {0, 2, 3, 1}), {1, 2, 2, 3},
            {0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11});
  // x[h, w, c] = 6 h + 3 w + c
  CheckOnly(Transpose(Counted({1, 2, 2, 3}), {0, 3, 1, 2}), {1, 3, 2, 2},
            {0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11});
}

TEST_CASE("transpose: five axes and eight") {
  // out[a, b, c, d, e] = x[e, b, c, a, d], where the extents of b and c are 1.
  CheckOnly(Transpose(Counted({2, 1, 1, 2, 2}), {3, 1, 2, 4, 0}),
            {2, 1, 1, 2, 2}, {0, 4, 1, 5, 2, 6, 3, 7});
  CheckOnly(
      Transpose(Counted({1, 2, 1, 1, 2, 1, 1, 2}), {7, 0, 2, 4, 3, 5, 6, 1}),
      {2, 1, 1, 2, 1, 1, 1, 2}, {0, 4, 2, 6, 1, 5, 3, 7});
}

TEST_CASE("transpose: every size around the blocks of vectors") {
  for (DataType type : kOneTypePerSize) {
    const int64_t modulus = type == DataType::kInt8 ? 128 : 2048;
    for (int64_t rows : {1, 3, 4, 7, 8, 9, 16, 31, 33, 65}) {
      for (int64_t columns : {1, 4, 5, 8, 15, 32, 34}) {
        std::vector<double> values;
        for (int64_t i = 0; i < rows * columns; ++i)
          values.push_back(static_cast<double>(i % modulus));
        const RunResult result =
            Transpose(Make(type, {rows, columns}, values), {1, 0});
        REQUIRE(result.status.ok());
        const std::vector<double> out = result.outputs[0].Values();
        int64_t wrong = 0;
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t c = 0; c < columns; ++c) {
            const double expected =
                static_cast<double>((r * columns + c) % modulus);
            if (out[static_cast<size_t>(c * rows + r)] != expected) ++wrong;
          }
        }
        CHECK_EQ(wrong, 0);
      }
    }
  }
}

TEST_CASE("transpose: large planes are cut into units") {
  // 300 x 700 halves: more than one unit along both axes of the tile.
  for (const Shape& shape : {Shape{300, 700}, Shape{3, 40000}, Shape{40000, 3}})
    CHECK(Transpose(Random(DataType::kFloat16, shape, 5), {1, 0}).status.ok());
  CHECK(Transpose(Random(DataType::kFloat32, {2, 33, 20, 17}, 6), {0, 2, 3, 1})
            .status.ok());
  CHECK(Transpose(Random(DataType::kFloat16, {2, 20, 17, 33}, 7), {0, 3, 1, 2})
            .status.ok());
}

TEST_CASE("transpose: empty tensors") {
  CheckOnly(Transpose(Counted({2, 0, 3}), {2, 0, 1}), {3, 2, 0}, {});
}

TEST_CASE("transpose: a perm that is none is refused") {
  const TestTensor x = Counted({2, 3});
  CheckFails(Transpose(x, {0, 0}), StatusCode::kShape, "twice");
  CheckFails(Transpose(x, {0}), StatusCode::kShape, "perm has 1");
  CheckFails(Transpose(x, {0, 2}), StatusCode::kShape, "axis 2");
  CheckFails(RunOp(transpose_op, fbs::TransposeT(), {x, x}), StatusCode::kShape,
             "at most 1");
}

}  // namespace
}  // namespace aneref::test
