// Tiles of every small size: the vector twin writes the elements that nested
// loops write, and nothing beside them.
#include "ops/kernels/move.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "tests/support/each_target.h"

namespace aneref::test {
namespace {

constexpr int64_t kPadding = 64;

struct Plane {
  explicit Plane(int64_t size) : bytes(static_cast<size_t>(size + kPadding)) {}
  std::byte* data() { return bytes.data(); }
  std::vector<std::byte> bytes;
};

int Mismatches(const CopyTile& tile, size_t element_size, int64_t src_bytes,
               int64_t dst_bytes) {
  Plane src(src_bytes);
  for (size_t i = 0; i < src.bytes.size(); ++i)
    src.bytes[i] = static_cast<std::byte>(i * 7 + i / 256);
  Plane scalar(dst_bytes);
  std::fill(scalar.bytes.begin(), scalar.bytes.end(), std::byte{0xA5});
  Plane simd = scalar;
  CopyTileScalar(tile, element_size, src.data(), scalar.data());
  CopyTileSimd(tile, element_size, src.data(), simd.data());
  return scalar.bytes == simd.bytes ? 0 : 1;
}

TEST_CASE("move: transposes of all small sizes agree") {
  ForEachTarget([&] {
    int mismatches = 0;
    for (int64_t size : {1, 2, 4, 8}) {
      for (int64_t rows = 1; rows <= 36; ++rows) {
        for (int64_t columns = 1; columns <= 36; ++columns) {
          const int64_t src_pitch = rows * size + 8;
          const int64_t dst_pitch = columns * size + 16;
          const CopyTile tile = {rows,      columns,   size,
                                 src_pitch, dst_pitch, size};
          mismatches += Mismatches(tile, static_cast<size_t>(size),
                                   columns * src_pitch, rows * dst_pitch);
        }
      }
    }
    CHECK_EQ(mismatches, 0);
  });
}

TEST_CASE("move: rows and fills and scattered elements agree") {
  ForEachTarget([&] {
    int mismatches = 0;
    for (int64_t size : {1, 2, 4, 8}) {
      for (int64_t columns : {1, 2, 3, 9, 40}) {
        const int64_t pitch = 3 * columns * size + 8;
        for (int64_t src_column : {int64_t{0}, size, 2 * size}) {
          for (int64_t dst_column : {size, 3 * size}) {
            const CopyTile tile = {5,          columns, pitch,
                                   src_column, pitch,   dst_column};
            mismatches += Mismatches(tile, static_cast<size_t>(size), 5 * pitch,
                                     5 * pitch);
          }
        }
      }
    }
    CHECK_EQ(mismatches, 0);
  });
}

TEST_CASE("move: axes that both sides lay out as one are joined") {
  CopyArgs args;
  args.element_size = 2;
  CopyBox box;
  box.AddAxis(3, 4096, 4096);
  box.AddAxis(1, 999, 999);
  box.AddAxis(32, 128, 128);
  box.AddAxis(64, 2, 2);
  args.Add(box);
  REQUIRE_EQ(args.boxes.size(), 1);
  CHECK_EQ(args.boxes[0].rank, 0);
  CHECK_EQ(args.boxes[0].tile.rows, 1);
  CHECK_EQ(args.boxes[0].tile.columns, 3 * 32 * 64);
}

TEST_CASE("move: units depend on shapes and cover long rows") {
  CopyArgs args;
  args.element_size = 4;
  CopyBox box;
  box.AddAxis(1 << 20, 4, 4);  // 4 MiB in one row: 64 units of 64 KiB
  args.Add(box);
  CHECK_EQ(args.num_units, 64);
  CopyBox empty;
  empty.AddAxis(0, 4, 4);
  args.Add(empty);
  CHECK_EQ(args.num_units, 64);
  CHECK_EQ(args.boxes.size(), 1);
}

TEST_CASE("move: strides of a surface are padded to 64 bytes") {
  const auto strides = SurfaceStrides({DataType::kFloat16, {2, 3, 5, 33}});
  CHECK_EQ(strides[0], 3 * 5 * 128);
  CHECK_EQ(strides[1], 5 * 128);
  CHECK_EQ(strides[2], 128);
  CHECK_EQ(strides[3], 2);
}

}  // namespace
}  // namespace aneref::test
