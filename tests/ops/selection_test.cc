// Ops whose result's size depends on values, all with known inputs.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

using Kind = fbs::SelectionKind;

fbs::SelectionT Of(Kind kind) {
  fbs::SelectionT attributes;
  attributes.kind = kind;
  return attributes;
}
fbs::SelectionT Along(Kind kind, int axis) {
  fbs::SelectionT attributes = Of(kind);
  attributes.has_axis = true;
  attributes.axis = axis;
  return attributes;
}
TestTensor Bools(const std::vector<double>& values) {
  return Known(
      Make(DataType::kBool, {static_cast<int64_t>(values.size())}, values));
}

TEST_CASE("selection: places that are not zero") {
  CheckOnly(RunOp(selection_op, Of(Kind::non_zero),
                  {Known(Half({2, 2}, {0, 0.5, -3, 0}))}),
            {2, 2}, {0, 1, 1, 0});
  CheckOnly(RunOp(selection_op, Of(Kind::non_zero), {Known(Ints({2}, {0, 0}))}),
            {1, 0}, {});
  CheckFails(RunOp(selection_op, Of(Kind::non_zero), {Ints({2}, {0, 0})}),
             StatusCode::kUnsupported, "before the run");
}

TEST_CASE("selection: compress picks slices or elements") {
  const TestTensor x = Counted({2, 3});
  CheckOnly(
      RunOp(selection_op, Along(Kind::compress, 1), {x, Bools({0, 1, 1})}),
      {2, 2}, {1, 2, 4, 5});
  CheckOnly(RunOp(selection_op, Along(Kind::compress, -2), {x, Bools({0, 1})}),
            {1, 3}, {3, 4, 5});
  CheckOnly(
      RunOp(selection_op, Of(Kind::compress), {x, Bools({0, 1, 0, 0, 1})}), {2},
      {1, 4});
  CheckFails(
      RunOp(selection_op, Along(Kind::compress, 0), {x, Bools({0, 0, 1})}),
      StatusCode::kShape, "slice 2");
}

TEST_CASE("selection: unique in order of value or of occurrence") {
  fbs::SelectionT attributes = Of(Kind::unique);
  const TestTensor x = Known(Half({5}, {2, 1, 1, 3, 2}));
  RunResult result = RunOp(selection_op, attributes, {x}, 4);
  CheckOutput(result, 0, {3}, {1, 2, 3});
  CheckOutput(result, 1, {3}, {1, 0, 3});
  CheckOutput(result, 2, {5}, {1, 0, 0, 2, 1});
  CheckOutput(result, 3, {3}, {2, 2, 1});
  attributes.sorted = false;
  result = RunOp(selection_op, attributes, {x}, 4);
  CheckOutput(result, 0, {3}, {2, 1, 3});
  CheckOutput(result, 1, {3}, {0, 1, 3});
  CheckOutput(result, 2, {5}, {0, 1, 1, 2, 0});
  CheckOutput(result, 3, {3}, {2, 2, 1});
}

TEST_CASE("selection: unique slices along an axis") {
  const RunResult result = RunOp(selection_op, Along(Kind::unique, 0),
                                 {Known(Ints({3, 2}, {4, 5, -1, 9, 4, 5}))}, 4);
  CheckOutput(result, 0, {2, 2}, {-1, 9, 4, 5});
  CheckOutput(result, 1, {2}, {1, 0});
  CheckOutput(result, 2, {3}, {1, 0, 1});
  CheckOutput(result, 3, {2}, {1, 2});
}

TEST_CASE("selection: boxes that overlap a better one go") {
  // Unit boxes at 0, 0.5 and 10: the first two share a third of their union.
  const TestTensor boxes =
      Known(Half({1, 3, 4}, {0, 0, 1, 1, 1, 1.5, 0, 0.5, 0, 10, 1, 11}));
  const TestTensor scores = Known(Half({1, 1, 3}, {0.5, 0.75, 0.25}));
  const auto run = [&](double most, double overlap, double least) {
    return RunOp(selection_op, Of(Kind::non_max_suppression),
                 {boxes, scores, Known(Ints({1}, {most})),
                  Known(Float({1}, {overlap})), Known(Float({1}, {least}))});
  };
  CheckOnly(run(3, 0.25, 0), {2, 3}, {0, 0, 1, 0, 0, 2});
  CheckOnly(run(3, 0.5, 0), {3, 3}, {0, 0, 1, 0, 0, 0, 0, 0, 2});
  CheckOnly(run(1, 0.5, 0), {1, 3}, {0, 0, 1});
  CheckOnly(run(3, 0.5, 0.25), {2, 3}, {0, 0, 1, 0, 0, 0});
  CheckOnly(RunOp(selection_op, Of(Kind::non_max_suppression), {boxes, scores}),
            {0, 3}, {});
  CheckFails(RunOp(selection_op, Of(Kind::non_max_suppression), {boxes, boxes}),
             StatusCode::kShape, "classes");
}

}  // namespace
}  // namespace aneref::test
