// Movement of elements between surfaces: boxes with one byte stride per axis on
// either side (transpose, slice, split, concat, expand, tile, depth and space,
// pad). Bits are copied, never converted (P15). Not for data-dependent places:
// that is move_gather.h; nor for reshape: that is move_repack.h.
#ifndef ANEREF_OPS_KERNELS_MOVE_H_
#define ANEREF_OPS_KERNELS_MOVE_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "ops/kernels/kernel.h"

namespace aneref {

inline constexpr size_t kMaxBoxRank = 2 * kMaxRank;  // tile splits every axis

// Bytes of output that one work unit should write: large against the cost of
// handing it out, small against a core's second-level cache.
inline constexpr int64_t kMoveUnitBytes = int64_t{64} * 1024;

// Byte strides of the axes of `type` as an engine surface (L10).
std::array<int64_t, kMaxRank> SurfaceStrides(const TensorType& type);

// A box of elements to be copied. Axes run from the outermost to the innermost
// of the destination. A source stride of 0 repeats, a negative one reverses.
struct CopyBox {
  // `in` of a box that is filled from CopyArgs::value.
  static constexpr size_t kFromValue = SIZE_MAX;

  size_t in = 0;   // operand of the call
  size_t out = 0;  // result of the call
  int64_t src_offset = 0;
  int64_t dst_offset = 0;
  size_t rank = 0;
  std::array<int64_t, kMaxBoxRank> extents{};
  std::array<int64_t, kMaxBoxRank> src_strides{};
  std::array<int64_t, kMaxBoxRank> dst_strides{};

  void AddAxis(int64_t extent, int64_t src_stride, int64_t dst_stride);
};

// A two-dimensional piece of a box; `columns` is the inner axis of the
// destination.
struct CopyTile {
  int64_t rows = 1;
  int64_t columns = 1;
  int64_t src_row = 0;  // byte strides
  int64_t src_column = 0;
  int64_t dst_row = 0;
  int64_t dst_column = 0;
};

// A box cut into tiles and work units; filled by CopyArgs::Add.
struct PlannedBox {
  size_t in = 0;
  size_t out = 0;
  int64_t src_offset = 0;
  int64_t dst_offset = 0;
  CopyTile tile;    // of the whole box
  size_t rank = 0;  // of the axes around the tile
  std::array<int64_t, kMaxBoxRank> extents{};
  std::array<int64_t, kMaxBoxRank> src_strides{};
  std::array<int64_t, kMaxBoxRank> dst_strides{};
  int64_t outer = 1;  // tiles: product of `extents`
  int64_t outer_per_unit = 1;
  int64_t rows_per_unit = 1;
  int64_t columns_per_unit = 1;
  int64_t row_units = 1;
  int64_t column_units = 1;
  int64_t first_unit = 0;
};

// Arguments of kStridedCopyKernel. All operands and results are surfaces of one
// element size and do not overlap; boxes write disjoint elements.
struct CopyArgs {
  size_t element_size = 2;           // 1, 2, 4 or 8
  std::array<std::byte, 8> value{};  // source of boxes with kFromValue
  std::vector<PlannedBox> boxes;     // ascending first_unit
  int64_t num_units = 0;             // depends on shapes only

  // Drops axes of extent 1, joins neighbours that both sides lay out as one
  // axis, chooses the tile and cuts units. An empty box is ignored.
  void Add(const CopyBox& box);
};
extern const Kernel kStridedCopyKernel;

// Copies one tile element by element, as written.
void CopyTileScalar(const CopyTile& tile, size_t element_size,
                    const std::byte* src, std::byte* dst);
// The same bits with vectors: row copies, fills and blocked transposes.
void CopyTileSimd(const CopyTile& tile, size_t element_size,
                  const std::byte* src, std::byte* dst);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_MOVE_H_
