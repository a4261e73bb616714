// Depth to space and back: both orders of the channels, worked by hand from
// ONNX's reshape and transpose.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

RunResult Run(fbs::DepthSpaceKind kind, const TestTensor& x, int block,
              bool column_row_depth = false) {
  fbs::DepthSpaceT attributes;
  attributes.kind = kind;
  attributes.block = block;
  attributes.column_row_depth = column_row_depth;
  return RunOp(depth_space_op, attributes, {x});
}
constexpr auto kToSpace = fbs::DepthSpaceKind::depth_to_space;
constexpr auto kToDepth = fbs::DepthSpaceKind::space_to_depth;

TEST_CASE("depth_space: four channels become one block") {
  for (DataType type : kOneTypePerSize) {
    // x[c, 0, w] = 2 c + w
    CheckOnly(Run(kToSpace, Counted(type, {1, 4, 1, 2}), 2), {1, 1, 2, 4},
              {0, 2, 1, 3, 4, 6, 5, 7});
  }
}

TEST_CASE("depth_space: depth first and column row depth differ in channels") {
  // Eight channels of one pixel each: channel (y, x, c) or (c, y, x).
  const TestTensor x = Counted({1, 8, 1, 1});
  CheckOnly(Run(kToSpace, x, 2), {1, 2, 2, 2}, {0, 2, 4, 6, 1, 3, 5, 7});
  CheckOnly(Run(kToSpace, x, 2, true), {1, 2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("depth_space: space to depth undoes depth to space") {
  const TestTensor x = Counted({1, 2, 2, 2});
  CheckOnly(Run(kToDepth, x, 2), {1, 8, 1, 1}, {0, 4, 1, 5, 2, 6, 3, 7});
  CheckOnly(Run(kToDepth, x, 2, true), {1, 8, 1, 1}, {0, 1, 2, 3, 4, 5, 6, 7});
  CheckOnly(Run(kToDepth, Counted({1, 1, 2, 4}), 2), {1, 4, 1, 2},
            {0, 2, 1, 3, 4, 6, 5, 7});
}

TEST_CASE("depth_space: batches and a block of three over ragged rows") {
  CheckOnly(Run(kToSpace, Counted({2, 4, 1, 1}), 2), {2, 1, 2, 2},
            {0, 1, 2, 3, 4, 5, 6, 7});
  for (const bool order : {false, true}) {
    CHECK(Run(kToSpace, Random(DataType::kFloat16, {2, 18, 5, 37}, 1), 3, order)
              .status.ok());
    CHECK(Run(kToDepth, Random(DataType::kFloat16, {2, 5, 9, 39}, 2), 3, order)
              .status.ok());
  }
}

TEST_CASE("depth_space: block 1 and empty maps") {
  CheckOnly(Run(kToSpace, Counted({1, 2, 1, 1}), 1), {1, 2, 1, 1}, {0, 1});
  CheckOnly(Run(kToDepth, Counted({0, 2, 2, 2}), 2), {0, 8, 1, 1}, {});
  CheckOnly(Run(kToSpace, Counted({1, 0, 2, 2}), 2), {1, 0, 4, 4}, {});
}

TEST_CASE("depth_space: what does not divide is refused") {
  CheckFails(Run(kToSpace, Counted({1, 2, 1, 1}), 2), StatusCode::kShape,
             "does not divide");
  CheckFails(Run(kToDepth, Counted({1, 1, 3, 2}), 2), StatusCode::kShape,
             "does not divide");
  CheckFails(Run(kToSpace, Counted({4, 1, 1}), 2), StatusCode::kShape,
             "rank 4");
  CheckFails(Run(kToSpace, Counted({1, 4, 1, 1}), 0), StatusCode::kShape,
             "block 0");
  CheckFails(Run(kToSpace, Counted({1, 0, 1, 1}), INT32_MAX),
             StatusCode::kShape, "block 2147483647");
  CheckFails(Run(static_cast<fbs::DepthSpaceKind>(5), Counted({1, 1, 1, 1}), 1),
             StatusCode::kUnsupported, "unknown kind");
}

}  // namespace
}  // namespace aneref::test
