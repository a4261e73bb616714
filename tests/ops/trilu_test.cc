// Triangles of matrices, with diagonals inside and outside.
#include <cstdint>

#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

RunResult Run(bool upper, int64_t k, const TestTensor& x) {
  fbs::TriluT attributes;
  attributes.upper = upper;
  attributes.k = k;
  return RunOp(trilu_op, attributes, {x});
}

TEST_CASE("trilu: upper and lower for every element size") {
  for (DataType type : kOneTypePerSize) {
    const TestTensor x = Make(type, {2, 3}, {1, 2, 3, 4, 5, 6});
    CheckOnly(Run(true, 0, x), {2, 3}, {1, 2, 3, 0, 5, 6});
    CheckOnly(Run(false, 0, x), {2, 3}, {1, 0, 0, 4, 5, 0});
    CheckOnly(Run(true, 1, x), {2, 3}, {0, 2, 3, 0, 0, 6});
    CheckOnly(Run(false, -1, x), {2, 3}, {0, 0, 0, 4, 0, 0});
    CheckOnly(Run(true, INT64_MIN, x), {2, 3}, {1, 2, 3, 4, 5, 6});
    CheckOnly(Run(true, INT64_MAX, x), {2, 3}, {0, 0, 0, 0, 0, 0});
  }
}

TEST_CASE("trilu: k as an input wins and batches repeat") {
  CheckOnly(
      RunOp(trilu_op, fbs::TriluT(),
            {Make(DataType::kInt32, {2, 1, 2}, {1, 2, 3, 4}), Ints({}, {1})}),
      {2, 1, 2}, {0, 2, 0, 4});
}

TEST_CASE("trilu: refuses a vector") {
  CheckFails(Run(true, 0, Counted({3})), StatusCode::kShape, "matrix");
}

}  // namespace
}  // namespace aneref::test
