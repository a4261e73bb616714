// Tile and expand: repeats per axis, two-sided broadcasting.
#include "tests/ops/movement.h"

namespace aneref::test {
namespace {

RunResult Run(fbs::TileKind kind, const TestTensor& x,
              std::vector<int64_t> list) {
  fbs::TileT attributes;
  attributes.kind = kind;
  attributes.repeats = std::move(list);
  return RunOp(tile_op, attributes, {x});
}
constexpr auto kTile = fbs::TileKind::tile;
constexpr auto kExpand = fbs::TileKind::expand;

TEST_CASE("tile: every axis is repeated") {
  for (DataType type : kOneTypePerSize) {
    CheckOnly(Run(kTile, Counted(type, {2, 2}), {2, 2}), {4, 4},
              {0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3});
    CheckOnly(Run(kTile, Counted(type, {1, 3}), {2, 1}), {2, 3},
              {0, 1, 2, 0, 1, 2});
    CheckOnly(Run(kTile, Counted(type, {2}), {3}), {6}, {0, 1, 0, 1, 0, 1});
  }
}

TEST_CASE("tile: no repeats and scalars") {
  CheckOnly(Run(kTile, Counted({2}), {0}), {0}, {});
  CheckOnly(Run(kTile, Counted({0, 2}), {3, 1}), {0, 2}, {});
  CheckOnly(Run(kTile, Counted({}), {}), {}, {0});
}

TEST_CASE("tile: repeats on all eight axes") {
  // 2^8 copies along axes of extent 1 but the last, which counts 0 1.
  const RunResult result =
      Run(kTile, Counted({1, 1, 1, 1, 1, 1, 1, 2}), {2, 2, 2, 2, 2, 2, 2, 2});
  REQUIRE(result.status.ok());
  const std::vector<double> values = result.outputs[0].Values();
  REQUIRE_EQ(values.size(), 512);
  int wrong = 0;
  for (size_t i = 0; i < 512; ++i)
    if (values[i] != static_cast<double>(i % 2)) ++wrong;
  CHECK_EQ(wrong, 0);
  // Axes that cannot be joined: every one has two elements, repeated twice.
  CHECK(Run(kTile, Counted({2, 2, 2, 2, 2, 2, 2, 2}), {2, 2, 2, 2, 2, 2, 2, 2})
            .status.ok());
}

TEST_CASE("tile: repeats from a known input") {
  CheckOnly(RunOp(tile_op, fbs::TileT(), {Counted({2}), Known(Ints({1}, {2}))}),
            {4}, {0, 1, 0, 1});
}

TEST_CASE("tile: repeats that do not fit are refused") {
  CheckFails(Run(kTile, Counted({2}), {1, 1}), StatusCode::kShape, "2 repeats");
  CheckFails(Run(kTile, Counted({2}), {-1}), StatusCode::kShape, "negative");
  CheckFails(Run(kTile, Counted({2}), {INT64_MAX}), StatusCode::kLimit, "2^40");
  CheckFails(Run(kTile, Counted({2, 2}), {int64_t{1} << 30, int64_t{1} << 30}),
             StatusCode::kLimit, "2^40");
  CheckFails(Run(static_cast<fbs::TileKind>(7), Counted({2}), {1}),
             StatusCode::kUnsupported, "unknown kind");
  CheckFails(RunOp(tile_op, fbs::TileT(), {Counted({2}), Ints({1}, {2})}),
             StatusCode::kUnsupported, "input 1");
}

TEST_CASE("expand: ones grow to the shape") {
  for (DataType type : kOneTypePerSize) {
    CheckOnly(Run(kExpand, Counted(type, {2, 1}), {2, 3}), {2, 3},
              {0, 0, 0, 1, 1, 1});
    CheckOnly(Run(kExpand, Counted(type, {2}), {2, 2}), {2, 2}, {0, 1, 0, 1});
  }
  CheckOnly(Run(kExpand, Counted({}), {2, 2}), {2, 2}, {0, 0, 0, 0});
}

TEST_CASE("expand: the shape may be smaller than the data") {
  CheckOnly(Run(kExpand, Counted({3, 1}), {1}), {3, 1}, {0, 1, 2});
  CheckOnly(Run(kExpand, Counted({2, 1}), {1, 2}), {2, 2}, {0, 0, 1, 1});
  CheckOnly(Run(kExpand, Counted({2}), {}), {2}, {0, 1});
}

TEST_CASE("expand: to and from nothing") {
  CheckOnly(Run(kExpand, Counted({1}), {0}), {0}, {});
  CheckOnly(Run(kExpand, Counted({0, 1}), {1, 3}), {0, 3}, {});
}

TEST_CASE("expand: outer axes of wide maps") {
  CheckOnly(Run(kExpand, Counted({1, 2, 1, 1, 2}), {2, 1, 1, 2, 2}),
            {2, 2, 1, 2, 2}, {0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3});
  CHECK(Run(kExpand, Random(DataType::kFloat16, {1, 40, 1}, 8), {90, 40, 77})
            .status.ok());
}

TEST_CASE("expand: shapes that do not broadcast are refused") {
  CheckFails(Run(kExpand, Counted({2}), {3}), StatusCode::kShape,
             "do not broadcast");
  CheckFails(Run(kExpand, Counted({2}), {-1, 2}), StatusCode::kShape,
             "negative");
  CheckFails(Run(kExpand, Counted({2, 1}), {1, int64_t{1} << 40}),
             StatusCode::kLimit, "2^40");
}

}  // namespace
}  // namespace aneref::test
