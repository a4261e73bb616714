// Concat: outer and inner axes, ragged widths, many and empty inputs.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

RunResult Concat(int axis, const std::vector<TestTensor>& inputs) {
  fbs::ConcatT attributes;
  attributes.axis = axis;
  return RunOp(concat_op, attributes, inputs);
}

TEST_CASE("concat: along the outer and the inner axis") {
  for (DataType type : kOneTypePerSize) {
    const TestTensor a = Make(type, {1, 2}, {1, 2});
    const TestTensor b = Make(type, {1, 2}, {3, 4});
    CheckOnly(Concat(0, {a, b}), {2, 2}, {1, 2, 3, 4});
    CheckOnly(Concat(1, {a, b}), {1, 4}, {1, 2, 3, 4});
  }
}

TEST_CASE("concat: inputs of different extents and a negative axis") {
  CheckOnly(Concat(-1, {Counted({2, 1}), Counted({2, 3})}), {2, 4},
            {0, 0, 1, 2, 1, 3, 4, 5});
  CheckOnly(Concat(-2, {Counted({1, 1, 2}), Counted({1, 2, 2})}), {1, 3, 2},
            {0, 1, 0, 1, 2, 3});
}

TEST_CASE("concat: empty inputs add nothing") {
  CheckOnly(Concat(0, {Counted({0}), Counted({2}), Counted({0}), Counted({1})}),
            {3}, {0, 1, 0});
  CheckOnly(Concat(1, {Counted({0, 2}), Counted({0, 3})}), {0, 5}, {});
}

TEST_CASE("concat: one input is a copy and twenty are in order") {
  CheckOnly(Concat(0, {Counted({2, 2})}), {2, 2}, {0, 1, 2, 3});
  std::vector<TestTensor> inputs;
  for (int i = 0; i < 20; ++i)
    inputs.push_back(Make(DataType::kFloat16, {1}, {static_cast<double>(i)}));
  CheckOnly(Concat(0, inputs), {20}, {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,
                                      10, 11, 12, 13, 14, 15, 16, 17, 18, 19});
}

TEST_CASE("concat: rank 5 and rank 8") {
  CheckOnly(Concat(2, {Counted({1, 2, 1, 1, 2}), Counted({1, 2, 1, 1, 2})}),
            {1, 2, 2, 1, 2}, {0, 1, 0, 1, 2, 3, 2, 3});
  const TestTensor x = Counted({1, 1, 1, 1, 1, 1, 1, 2});
  CheckOnly(Concat(7, {x, x}), {1, 1, 1, 1, 1, 1, 1, 4}, {0, 1, 0, 1});
}

TEST_CASE("concat: channels of maps with ragged rows") {
  CHECK(Concat(1, {Random(DataType::kFloat16, {2, 5, 37, 29}, 1),
                   Random(DataType::kFloat16, {2, 40, 37, 29}, 2)})
            .status.ok());
}

TEST_CASE("concat: what does not fit is refused") {
  CheckFails(Concat(0, {Counted({1, 2}), Counted({1, 3})}), StatusCode::kShape,
             "input 1");
  CheckFails(Concat(0, {Counted({1}), Half({1}, {0})}), StatusCode::kShape,
             "float16[1]");
  CheckFails(Concat(0, {Counted({1}), Counted({1, 1})}), StatusCode::kShape,
             "does not fit");
  CheckFails(Concat(1, {Counted({1})}), StatusCode::kShape, "axis 1");
  CheckFails(Concat(0, {Counted({})}), StatusCode::kShape, "axis 0");
  CheckFails(Concat(0, {}), StatusCode::kShape, "no inputs");
  CheckFails(Concat(0, {Counted({1}), Absent()}), StatusCode::kShape,
             "input 1 is missing");
}

}  // namespace
}  // namespace aneref::test
