// Running sums and products: options, rounding, types, errors.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

fbs::CumulativeT Of(fbs::ScanKind kind, int axis, bool exclusive = false,
                    bool reverse = false) {
  fbs::CumulativeT attributes;
  attributes.kind = kind;
  attributes.axis = axis;
  attributes.exclusive = exclusive;
  attributes.reverse = reverse;
  return attributes;
}
constexpr auto kSum = fbs::ScanKind::sum, kProduct = fbs::ScanKind::product;

TEST_CASE("cumulative: exclusive and reverse") {
  const TestTensor x = Half({3}, {1, 2, 3});
  CheckOnly(RunOp(cumulative_op, Of(kSum, 0), {x}), {3}, {1, 3, 6});
  CheckOnly(RunOp(cumulative_op, Of(kSum, 0, true), {x}), {3}, {0, 1, 3});
  CheckOnly(RunOp(cumulative_op, Of(kSum, 0, false, true), {x}), {3},
            {6, 5, 3});
  CheckOnly(RunOp(cumulative_op, Of(kSum, 0, true, true), {x}), {3}, {5, 3, 0});
  CheckOnly(RunOp(cumulative_op, Of(kProduct, 0), {x}), {3}, {1, 2, 6});
  CheckOnly(RunOp(cumulative_op, Of(kProduct, 0, true), {x}), {3}, {1, 1, 2});
}

TEST_CASE("cumulative: either axis as attribute or input") {
  const TestTensor x = Make(DataType::kInt32, {2, 2}, {1, 2, 3, 4});
  CheckOnly(RunOp(cumulative_op, Of(kSum, 0), {x}), {2, 2}, {1, 2, 4, 6});
  CheckOnly(RunOp(cumulative_op, Of(kSum, -1), {x}), {2, 2}, {1, 3, 3, 7});
  CheckOnly(RunOp(cumulative_op, Of(kSum, 0), {x, Ints({}, {1})}), {2, 2},
            {1, 3, 3, 7});
}

TEST_CASE("P2: the running sum is fp32 and each result rounds once") {
  CheckOnly(RunOp(cumulative_op, Of(kSum, 0), {Half({3}, {2048, 1, 1})}), {3},
            {2048, 2048, 2050});
}

TEST_CASE("cumulative: doubles keep their precision") {
  CheckOnly(RunOp(cumulative_op, Of(kSum, 0),
                  {Make(DataType::kFloat64, {2}, {0x1p30, 0x1p-10})}),
            {2}, {0x1p30, 0x1p30 + 0x1p-10});
}

TEST_CASE("P13: integer sums wrap") {
  CheckOnly(RunOp(cumulative_op, Of(kSum, 0),
                  {Make(DataType::kInt8, {2}, {100, 100})}),
            {2}, {100, -56});
}

TEST_CASE("cumulative: refuses an axis outside") {
  const TestTensor x = Half({2}, {1, 2});
  CheckFails(RunOp(cumulative_op, Of(kSum, 1), {x}), StatusCode::kShape,
             "axis 1");
  CheckFails(RunOp(cumulative_op, Of(kSum, 0), {x, Known(Ints({}, {-2}))}),
             StatusCode::kShape, "axis -2");
  CheckFails(RunOp(cumulative_op, Of(kSum, 0), {x, Ints({}, {5})}),
             StatusCode::kShape, "axis 5");
}

}  // namespace
}  // namespace aneref::test
