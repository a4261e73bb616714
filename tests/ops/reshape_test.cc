// Reshape, flatten, squeeze, unsqueeze: shapes by ONNX's rules, elements in
// order over ragged rows.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

RunResult Reshape(const TestTensor& x, std::vector<int64_t> shape,
                  bool allow_zero = false) {
  fbs::ReshapeT attributes;
  attributes.shape = std::move(shape);
  attributes.allow_zero = allow_zero;
  return RunOp(reshape_op, attributes, {x});
}

RunResult WithAxes(fbs::ReshapeKind kind, const TestTensor& x,
                   std::vector<int32_t> axes) {
  fbs::ReshapeT attributes;
  attributes.kind = kind;
  attributes.axes = std::move(axes);
  return RunOp(reshape_op, attributes, {x});
}

RunResult Flatten(const TestTensor& x, int axis) {
  fbs::ReshapeT attributes;
  attributes.kind = fbs::ReshapeKind::flatten;
  attributes.axis = axis;
  return RunOp(reshape_op, attributes, {x});
}

TEST_CASE("reshape: elements keep their order over rows of another width") {
  for (DataType type : kOneTypePerSize) {
    CheckOnly(Reshape(Counted(type, {2, 3}), {3, 2}), {3, 2},
              {0, 1, 2, 3, 4, 5});
    CheckOnly(Reshape(Counted(type, {2, 3}), {6}), {6}, {0, 1, 2, 3, 4, 5});
    CheckOnly(Reshape(Counted(type, {6}), {1, 6, 1}), {1, 6, 1},
              {0, 1, 2, 3, 4, 5});
  }
}

TEST_CASE("reshape: -1 is inferred and 0 copies an extent") {
  CheckOnly(Reshape(Counted({2, 3}), {0, -1, 1}), {2, 3, 1},
            {0, 1, 2, 3, 4, 5});
  CheckOnly(Reshape(Counted({2, 2}), {-1}), {4}, {0, 1, 2, 3});
}

TEST_CASE("reshape: allow_zero makes a zero a zero") {
  CheckOnly(Reshape(Counted({0, 3}), {3, 0}, true), {3, 0}, {});
  CheckFails(Reshape(Counted({2, 3}), {0, 6}, true), StatusCode::kShape,
             "elements");
  CheckFails(Reshape(Counted({0, 3}), {0, -1}, true), StatusCode::kShape,
             "both 0 and -1");
}

TEST_CASE("reshape: scalars and one-element tensors exchange ranks") {
  CheckOnly(Reshape(Counted({1, 1}), {}), {}, {0});
  CheckOnly(
      Reshape(Make(DataType::kFloat16, {}, {7}), {1, 1, 1, 1, 1, 1, 1, 1}),
      {1, 1, 1, 1, 1, 1, 1, 1}, {7});
}

TEST_CASE("reshape: a known input wins over the attribute") {
  fbs::ReshapeT attributes;
  attributes.shape = {7};
  CheckOnly(
      RunOp(reshape_op, attributes, {Counted({2, 2}), Known(Ints({1}, {-1}))}),
      {4}, {0, 1, 2, 3});
  CheckOnly(RunOp(reshape_op, attributes, {Counted({1}), Known(Ints({0}, {}))}),
            {}, {0});
}

TEST_CASE("reshape: units end inside rows without losing elements") {
  // 70000 elements of 4 bytes are several units; element n stays number n.
  const RunResult result = Reshape(Counted({7, 10000}), {100, 700});
  REQUIRE(result.status.ok());
  const std::vector<double> values = result.outputs[0].Values();
  CHECK_EQ(values[0], 0);
  CHECK_EQ(values[16384], 16384);
  CHECK_EQ(values[69999], 69999);
  const RunResult row = Reshape(Counted({100, 700}), {70000});
  REQUIRE(row.status.ok());
  CHECK_EQ(row.outputs[0].Values()[65537], 65537);
}

TEST_CASE("reshape: bits of NaN are kept") {
  fbs::ReshapeT attributes;
  attributes.shape = {3};
  const RunResult result =
      RunOp(reshape_op, attributes, {HalfBits({1, 3}, {0xFE01, 0x7C01, 1})});
  CHECK_EQ(result.outputs[0].Bits(),
           std::vector<uint16_t>{0xFE01, 0x7C01, 0x0001});
}

TEST_CASE("reshape: impossible targets are refused") {
  CheckFails(Reshape(Counted({2, 3}), {4, 2}), StatusCode::kShape, "elements");
  CheckFails(Reshape(Counted({2, 3}), {-1, -1}), StatusCode::kShape,
             "more than one");
  CheckFails(Reshape(Counted({2, 3}), {-2, 3}), StatusCode::kShape, "below -1");
  CheckFails(Reshape(Counted({2, 3}), {4, -1}), StatusCode::kShape,
             "no extent");
  CheckFails(Reshape(Counted({6}), {6, 0}), StatusCode::kShape, "copies");
  CheckFails(Reshape(Counted({0, 3}), {0, -1, 3}), StatusCode::kShape,
             "no extent");
  CheckFails(Reshape(Counted({1}), {INT64_MAX, INT64_MAX}), StatusCode::kLimit,
             "2^40");
  CheckFails(Reshape(Counted({1}), {1, 1, 1, 1, 1, 1, 1, 1, 1}),
             StatusCode::kLimit, "rank 9");
}

TEST_CASE("reshape: a target that is computed or not a vector is refused") {
  const fbs::ReshapeT attributes;
  CheckFails(RunOp(reshape_op, attributes, {Counted({2}), Ints({1}, {2})}),
             StatusCode::kUnsupported, "input 1");
  CheckFails(
      RunOp(reshape_op, attributes, {Counted({2}), Known(Ints({1, 1}, {2}))}),
      StatusCode::kShape, "vector of integers");
  CheckFails(
      RunOp(reshape_op, attributes, {Counted({2}), Known(Float({1}, {2}))}),
      StatusCode::kShape, "vector of integers");
  CheckFails(RunOp(reshape_op, attributes, {}), StatusCode::kShape,
             "input 0 is missing");
}

TEST_CASE("reshape: an unknown kind is refused") {
  fbs::ReshapeT attributes;
  attributes.kind = static_cast<fbs::ReshapeKind>(200);
  CheckFails(RunOp(reshape_op, attributes, {Counted({2})}),
             StatusCode::kUnsupported, "unknown kind");
}

TEST_CASE("reshape: flatten gives two axes wherever it cuts") {
  const TestTensor x = Counted({2, 1, 3});
  const std::vector<double> values = {0, 1, 2, 3, 4, 5};
  CheckOnly(Flatten(x, 1), {2, 3}, values);
  CheckOnly(Flatten(x, 0), {1, 6}, values);
  CheckOnly(Flatten(x, 3), {6, 1}, values);
  CheckOnly(Flatten(x, -1), {2, 3}, values);
  CheckOnly(Flatten(Counted({}), 0), {1, 1}, {0});
  CheckOnly(Flatten(Counted({0, 4}), 1), {0, 4}, {});
  CheckFails(Flatten(x, 4), StatusCode::kShape, "flatten axis 4");
  CheckFails(Flatten(x, -4), StatusCode::kShape, "flatten axis -4");
}

TEST_CASE("reshape: squeeze drops the named ones or all") {
  const auto kSqueeze = fbs::ReshapeKind::squeeze;
  CheckOnly(WithAxes(kSqueeze, Counted({1, 2, 1}), {}), {2}, {0, 1});
  CheckOnly(WithAxes(kSqueeze, Counted({1, 2, 1}), {-1}), {1, 2}, {0, 1});
  CheckOnly(WithAxes(kSqueeze, Counted({1, 1}), {0, 1}), {}, {0});
  CheckFails(WithAxes(kSqueeze, Counted({1, 2}), {1}), StatusCode::kShape,
             "axis 1");
  CheckFails(WithAxes(kSqueeze, Counted({1, 1}), {0, -2}), StatusCode::kShape,
             "twice");
  CheckFails(WithAxes(kSqueeze, Counted({1}), {1}), StatusCode::kShape,
             "axis 1");
}

TEST_CASE("reshape: unsqueeze counts axes of the result") {
  const auto kUnsqueeze = fbs::ReshapeKind::unsqueeze;
  CheckOnly(WithAxes(kUnsqueeze, Counted({2}), {0, 2}), {1, 2, 1}, {0, 1});
  CheckOnly(WithAxes(kUnsqueeze, Counted({2}), {-1}), {2, 1}, {0, 1});
  CheckOnly(WithAxes(kUnsqueeze, Counted({}), {0}), {1}, {0});
  CheckOnly(WithAxes(kUnsqueeze, Counted({0, 2}), {1}), {0, 1, 2}, {});
  CheckFails(WithAxes(kUnsqueeze, Counted({2}), {0, -3}), StatusCode::kShape,
             "twice");
  CheckFails(WithAxes(kUnsqueeze, Counted({2}), {2}), StatusCode::kShape,
             "axis 2");
  CheckFails(WithAxes(kUnsqueeze, Counted({1, 1, 1, 1, 1, 1, 1, 1}), {0}),
             StatusCode::kLimit, "rank 9");
}

}  // namespace
}  // namespace aneref::test
