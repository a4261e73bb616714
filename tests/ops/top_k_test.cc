// TopK: order, ties, NaN, axes, types, errors.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

fbs::TopKT Of(int axis, int64_t k, bool largest = true) {
  fbs::TopKT attributes;
  attributes.axis = axis;
  attributes.k = k;
  attributes.largest = largest;
  return attributes;
}

TEST_CASE("top_k: largest and smallest with positions") {
  const TestTensor x = Half({2, 3}, {1, 3, 2, 6, 5, 4});
  RunResult result = RunOp(top_k_op, Of(-1, 2), {x}, 2);
  CheckOutput(result, 0, {2, 2}, {3, 2, 6, 5});
  CheckOutput(result, 1, {2, 2}, {1, 2, 0, 1});
  result = RunOp(top_k_op, Of(0, 1, false), {x}, 2);
  CheckOutput(result, 0, {1, 3}, {1, 3, 2});
  CheckOutput(result, 1, {1, 3}, {0, 0, 0});
}

TEST_CASE("top_k: equal elements by ascending position") {
  for (const bool largest : {false, true}) {
    const RunResult result =
        RunOp(top_k_op, Of(0, 3, largest),
              {HalfBits({4}, {0x8000, 0x0000, 0x8000, 0x0000})}, 2);
    CheckOutput(result, 1, {3}, {0, 1, 2});
  }
}

TEST_CASE("P24: equal elements by the third operand then by position") {
  const TestTensor x = Half({4}, {5, 7, 5, 5});
  const TestTensor order = Half({4}, {1, 0, 3, 1});
  const RunResult largest = RunOp(top_k_op, Of(0, 4), {x, Absent(), order}, 2);
  CheckOutput(largest, 0, {4}, {7, 5, 5, 5});
  CheckOutput(largest, 1, {4}, {1, 2, 0, 3});
  CheckOutput(RunOp(top_k_op, Of(0, 4, false), {x, Absent(), order}, 2), 1, {4},
              {0, 3, 2, 1});
  CheckFails(RunOp(top_k_op, Of(0, 1), {x, Absent(), Half({3}, {1, 2, 3})}, 2),
             StatusCode::kShape, "orders equal elements");
}

TEST_CASE("top_k: NaN is above everything and keeps its bits") {
  const RunResult result =
      RunOp(top_k_op, Of(0, 2), {HalfBits({3}, {0x7C00, 0xFE01, 0x3C00})}, 2);
  CheckOutput(result, 1, {2}, {1, 0});
  CHECK_EQ(result.outputs[0].Bits(), std::vector<uint16_t>{0xFE01, 0x7C00});
}

TEST_CASE("top_k: integers compare by sign") {
  CheckOutput(
      RunOp(top_k_op, Of(0, 1), {Make(DataType::kInt8, {3}, {-1, 1, 0})}, 2), 1,
      {1}, {1});
  CheckOutput(RunOp(top_k_op, Of(0, 1),
                    {Make(DataType::kUint64, {3}, {0x1p63, 1, 0})}, 2),
              1, {1}, {0});
}

TEST_CASE("top_k: k as an input wins") {
  const TestTensor x = Half({3}, {1, 3, 2});
  CheckOutput(RunOp(top_k_op, Of(0, 1), {x, Known(Ints({1}, {2}))}, 2), 0, {2},
              {3, 2});
  CheckFails(RunOp(top_k_op, Of(0, 1), {x, Ints({1}, {2})}, 2),
             StatusCode::kUnsupported, "before the run");
}

TEST_CASE("top_k: refuses what does not fit") {
  const TestTensor x = Half({3}, {1, 3, 2});
  CheckFails(RunOp(top_k_op, Of(0, 4), {x}, 2), StatusCode::kShape, "k is 4");
  CheckFails(RunOp(top_k_op, Of(0, -1), {x}, 2), StatusCode::kShape, "k is -1");
  CheckFails(RunOp(top_k_op, Of(1, 1), {x}, 2), StatusCode::kShape, "axis 1");
}

}  // namespace
}  // namespace aneref::test
