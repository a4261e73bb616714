// condition ? x : y: broadcasting among three, every type, bits kept, bad
// nodes.
#include <doctest/doctest.h>

#include "tests/support/op_runner.h"

namespace aneref::test {
namespace {

using Values = std::vector<double>;

TestTensor Condition(const Shape& shape, const Values& values) {
  return Make(DataType::kBool, shape, values);
}

RunResult Run(const TestTensor& condition, const TestTensor& x,
              const TestTensor& y) {
  return RunOp(select_op, fbs::SelectT(), {condition, x, y});
}

TEST_CASE("select: takes x where the condition is true") {
  for (int type = 0; type < kNumDataTypes; ++type) {
    const auto dtype = static_cast<DataType>(type);
    const RunResult result =
        Run(Condition({4}, {1, 0, 1, 0}), Make(dtype, {4}, {1, 1, 0, 0}),
            Make(dtype, {4}, {0, 0, 1, 1}));
    REQUIRE(result.status.ok());
    CHECK(result.outputs[0].type.dtype == dtype);
    CHECK(result.outputs[0].Values() == Values{1, 0, 0, 1});
  }
}

TEST_CASE("select: broadcasts all three operands") {
  const RunResult result = Run(Condition({2, 1, 1}, {1, 0}),
                               Half({3, 1}, {1, 2, 3}), Half({2}, {10, 20}));
  CHECK(result.outputs[0].type.shape == Shape{2, 3, 2});
  CHECK(result.outputs[0].Values() ==
        Values{1, 1, 2, 2, 3, 3, 10, 20, 10, 20, 10, 20});
  CHECK(Run(Condition({}, {1}), Half({}, {5}), Half({}, {6}))
            .outputs[0]
            .Values() == Values{5});
  CHECK(Run(Condition({}, {0}), Half({}, {5}), Half({2}, {6, 7}))
            .outputs[0]
            .Values() == Values{6, 7});
  CHECK(Run(Condition({0}, {}), Half({}, {5}), Half({1}, {6}))
            .outputs[0]
            .type.shape == Shape{0});
  CHECK(Run(Condition({2, 1, 1, 1, 1, 2}, {1, 0, 0, 1}), Ints({1}, {5}),
            Ints({3, 1, 1}, {1, 2, 3}))
            .outputs[0]
            .Values() == Values{5, 1, 5, 2, 5, 3, 1, 5, 2, 5, 3, 5});
}

TEST_CASE("select: copies bits") {
  const RunResult result =
      Run(Condition({3}, {1, 1, 0}), HalfBits({3}, {0xFE01, 0x7C01, 0}),
          HalfBits({3}, {0, 0, 0x8000}));
  CHECK(result.outputs[0].Bits() ==
        std::vector<uint16_t>{0xFE01, 0x7C01, 0x8000});
}

TEST_CASE("select: rungs agree on ragged widths and several units") {
  uint32_t seed = 1;
  for (const int64_t width : {1, 7, 15, 16, 17, 33, 65, 70000}) {
    for (const DataType type : {DataType::kInt8, DataType::kFloat16,
                                DataType::kFloat32, DataType::kInt64}) {
      const TestTensor condition = Random(DataType::kBool, {3, width}, seed++);
      const TestTensor x = Random(type, {3, width}, seed++);
      const TestTensor row = Random(type, {width}, seed++);
      const TestTensor column = Random(type, {3, 1}, seed++);
      const TestTensor deep = Random(type, {2, 3, width}, seed++);
      CHECK(Run(condition, x, column).status.ok());
      CHECK(Run(condition, row, deep).status.ok());
    }
  }
}

TEST_CASE("select: hostile nodes are refused with the actual values") {
  const auto message = [](const std::vector<TestTensor>& inputs) {
    const RunResult result = RunOp(select_op, fbs::SelectT(), inputs);
    REQUIRE_FALSE(result.status.ok());
    return result.status.message();
  };
  const TestTensor half = Half({2}, {1, 2});
  const TestTensor condition = Condition({2}, {0, 1});
  CHECK(message({condition, half}) == "input 2 is missing");
  CHECK(message({condition, half, half, half}) ==
        "has 4 inputs, at most 3 are allowed");
  CHECK(message({half, half, half}) ==
        "select needs a bool condition, not float16");
  CHECK(message({condition, half, Float({2}, {1, 2})}) ==
        "select needs x and y of one type, not float16 and float32");
  CHECK(message({condition, half, Half({3}, {1, 2, 3})}) ==
        "shapes [2] and [3] do not broadcast");
  CHECK(message({Condition({3}, {0, 1, 1}), half, half}) ==
        "shapes [3] and [2] do not broadcast");
}

}  // namespace
}  // namespace aneref::test
