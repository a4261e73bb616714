// Split: given sizes, equal parts, a smaller last part, empty parts.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

RunResult Split(int axis, std::vector<int64_t> sizes, const TestTensor& x,
                size_t outputs) {
  fbs::SplitT attributes;
  attributes.axis = axis;
  attributes.sizes = std::move(sizes);
  return RunOp(split_op, attributes, {x}, outputs);
}

TEST_CASE("split: given sizes along the inner and the outer axis") {
  for (DataType type : kOneTypePerSize) {
    const RunResult inner = Split(-1, {1, 2}, Counted(type, {2, 3}), 2);
    CheckOutput(inner, 0, {2, 1}, {0, 3});
    CheckOutput(inner, 1, {2, 2}, {1, 2, 4, 5});
    const RunResult outer = Split(0, {2, 1}, Counted(type, {3, 2}), 2);
    CheckOutput(outer, 0, {2, 2}, {0, 1, 2, 3});
    CheckOutput(outer, 1, {1, 2}, {4, 5});
  }
}

TEST_CASE("split: without sizes the parts are equal") {
  const RunResult result = Split(0, {}, Counted({4}), 2);
  CheckOutput(result, 0, {2}, {0, 1});
  CheckOutput(result, 1, {2}, {2, 3});
}

TEST_CASE("split: the last part may be smaller or empty") {
  const RunResult seven = Split(0, {}, Counted({7}), 3);
  CheckOutput(seven, 0, {3}, {0, 1, 2});
  CheckOutput(seven, 1, {3}, {3, 4, 5});
  CheckOutput(seven, 2, {1}, {6});
  const RunResult four = Split(0, {}, Counted({4}), 3);
  CheckOutput(four, 1, {2}, {2, 3});
  CheckOutput(four, 2, {0}, {});
}

TEST_CASE("split: zero sizes and empty tensors") {
  const RunResult result = Split(0, {0, 2, 0}, Counted({2}), 3);
  CheckOutput(result, 0, {0}, {});
  CheckOutput(result, 1, {2}, {0, 1});
  CheckOutput(result, 2, {0}, {});
  CheckOutput(Split(1, {1, 1}, Counted({0, 2}), 2), 1, {0, 1}, {});
}

TEST_CASE("split: sizes from a known input") {
  fbs::SplitT attributes;
  const RunResult result =
      RunOp(split_op, attributes, {Counted({3}), Known(Ints({2}, {1, 2}))}, 2);
  CheckOutput(result, 0, {1}, {0});
  CheckOutput(result, 1, {2}, {1, 2});
}

TEST_CASE("split: rank 5") {
  const RunResult result = Split(1, {}, Counted({1, 2, 1, 2, 1}), 2);
  CheckOutput(result, 0, {1, 1, 1, 2, 1}, {0, 1});
  CheckOutput(result, 1, {1, 1, 1, 2, 1}, {2, 3});
}

TEST_CASE("split: sizes that do not add up are refused") {
  const TestTensor x = Counted({3});
  CheckFails(Split(0, {1, 1}, x, 2), StatusCode::kShape, "add up to 2");
  CheckFails(Split(0, {2, 2}, x, 2), StatusCode::kShape, "do not divide");
  CheckFails(Split(0, {4, -1}, x, 2), StatusCode::kShape, "do not divide");
  CheckFails(Split(0, {INT64_MAX, INT64_MAX}, x, 2), StatusCode::kShape,
             "do not divide");
  CheckFails(Split(0, {3}, x, 2), StatusCode::kShape, "1 sizes for 2");
  CheckFails(Split(1, {}, x, 2), StatusCode::kShape, "axis 1");
  CheckFails(RunOp(split_op, fbs::SplitT(), {x, Ints({1}, {3})}, 1),
             StatusCode::kUnsupported, "input 1");
}

}  // namespace
}  // namespace aneref::test
