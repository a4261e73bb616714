// Slice: Python's clamping, steps of both signs, the extremes of int64.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

RunResult Slice(const TestTensor& x, std::vector<int64_t> starts,
                std::vector<int64_t> ends, std::vector<int32_t> axes = {},
                std::vector<int64_t> steps = {}) {
  fbs::SliceT attributes;
  attributes.starts = std::move(starts);
  attributes.ends = std::move(ends);
  attributes.axes = std::move(axes);
  attributes.steps = std::move(steps);
  return RunOp(slice_op, attributes, {x});
}

TEST_CASE("slice: axes default to the first ones") {
  for (DataType type : kOneTypePerSize) {
    CheckOnly(Slice(Counted(type, {3, 4}), {1, 1}, {3, 3}), {2, 2},
              {5, 6, 9, 10});
    CheckOnly(Slice(Counted(type, {3, 2}), {1}, {2}), {1, 2}, {2, 3});
  }
}

TEST_CASE("slice: negative bounds count from the back") {
  CheckOnly(Slice(Counted({5}), {-3}, {-1}), {2}, {2, 3});
  CheckOnly(Slice(Counted({2, 3}), {-1}, {3}, {-1}), {2, 1}, {2, 5});
}

TEST_CASE("slice: bounds are clamped") {
  CheckOnly(Slice(Counted({3}), {-100}, {100}), {3}, {0, 1, 2});
  CheckOnly(Slice(Counted({3}), {2}, {1}), {0}, {});
  CheckOnly(Slice(Counted({3}), {3}, {INT64_MAX}), {0}, {});
  CheckOnly(Slice(Counted({3}), {INT64_MIN}, {INT64_MAX}), {3}, {0, 1, 2});
  CheckOnly(Slice(Counted({3}), {INT64_MAX}, {INT64_MIN}), {0}, {});
}

TEST_CASE("slice: steps skip elements") {
  CheckOnly(Slice(Counted({5}), {0}, {5}, {0}, {2}), {3}, {0, 2, 4});
  CheckOnly(Slice(Counted({5}), {1}, {5}, {0}, {3}), {2}, {1, 4});
  CheckOnly(Slice(Counted({5}), {1}, {5}, {0}, {INT64_MAX}), {1}, {1});
  CheckOnly(Slice(Counted({4, 2}), {0}, {4}, {0}, {2}), {2, 2}, {0, 1, 4, 5});
}

TEST_CASE("slice: negative steps walk backwards") {
  for (DataType type : kOneTypePerSize) {
    CheckOnly(Slice(Counted(type, {4}), {-1}, {INT64_MIN}, {0}, {-1}), {4},
              {3, 2, 1, 0});
  }
  CheckOnly(Slice(Counted({4}), {3}, {0}, {0}, {-1}), {3}, {3, 2, 1});
  CheckOnly(Slice(Counted({5}), {100}, {-100}, {0}, {-2}), {3}, {4, 2, 0});
  CheckOnly(Slice(Counted({5}), {4}, {INT64_MIN}, {0}, {INT64_MIN}), {1}, {4});
  CheckOnly(Slice(Counted({5}), {1}, {3}, {0}, {-1}), {0}, {});
  CheckOnly(Slice(Counted({2, 2}), {1, 1}, {-9, -9}, {0, 1}, {-1, -1}), {2, 2},
            {3, 2, 1, 0});
}

TEST_CASE("slice: empty axes stay empty") {
  CheckOnly(Slice(Counted({0, 2}), {0}, {9}, {0}, {1}), {0, 2}, {});
  CheckOnly(Slice(Counted({0}), {-1}, {INT64_MIN}, {0}, {-1}), {0}, {});
}

TEST_CASE("slice: known inputs win over attributes") {
  fbs::SliceT attributes;
  attributes.starts = {9, 9, 9};
  CheckOnly(
      RunOp(slice_op, attributes,
            {Counted({2, 4}), Known(Ints({1}, {3})), Known(Ints({1}, {0})),
             Known(Make(DataType::kInt32, {1}, {1})), Known(Ints({1}, {-2}))}),
      {2, 2}, {3, 1, 7, 5});
  CheckOnly(RunOp(slice_op, fbs::SliceT(),
                  {Counted({3}), Known(Ints({1}, {1})), Known(Ints({1}, {3})),
                   Absent(), Known(Ints({1}, {1}))}),
            {2}, {1, 2});
}

TEST_CASE("slice: ranks 0 and 5 and 8") {
  CheckOnly(Slice(Counted({}), {}, {}), {}, {0});
  CheckOnly(Slice(Counted({2, 1, 2, 1, 2}), {1, 1, 1}, {2, 2, 2}, {0, 2, 4}),
            {1, 1, 1, 1, 1}, {7});
  CheckOnly(Slice(Counted({1, 1, 1, 1, 1, 1, 2, 3}), {2}, {-4}, {7}, {-1}),
            {1, 1, 1, 1, 1, 1, 2, 3}, {2, 1, 0, 5, 4, 3});
}

TEST_CASE("slice: lists that do not fit are refused") {
  const TestTensor x = Counted({3, 3});
  CheckFails(Slice(x, {0}, {1, 2}), StatusCode::kShape, "1 starts");
  CheckFails(Slice(x, {0}, {1}, {0, 1}), StatusCode::kShape, "2 axes");
  CheckFails(Slice(x, {0}, {1}, {0}, {1, 1}), StatusCode::kShape, "2 steps");
  CheckFails(Slice(x, {0, 0}, {1, 1}, {1, -1}), StatusCode::kShape, "twice");
  CheckFails(Slice(x, {0}, {1}, {2}), StatusCode::kShape, "axis 2");
  CheckFails(Slice(x, {0, 0, 0}, {1, 1, 1}), StatusCode::kShape, "axis 2");
  CheckFails(Slice(x, {0}, {1}, {0}, {0}), StatusCode::kShape, "is 0");
  CheckFails(RunOp(slice_op, fbs::SliceT(),
                   {x, Ints({1}, {0}), Known(Ints({1}, {1}))}),
             StatusCode::kUnsupported, "input 1");
}

}  // namespace
}  // namespace aneref::test
