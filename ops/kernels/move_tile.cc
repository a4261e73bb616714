// Copies one tile of a box: nested loops, and for the shapes that matter row
// copies, fills and transposes in registers (8x8 of 2 bytes, 4x4 of 4 bytes).
// Knows neither units nor operands.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/move_tile.cc"
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "hwy/foreach_target.h"  // compiles this file once per target
#include "hwy/highway.h"
#include "ops/kernels/move.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR
// One lane: nothing to gain, see TransposeSimd.
constexpr int64_t BlockSide(size_t) { return 0; }
inline void TransposeBlock(const CopyTile&, size_t, const std::byte*,
                           std::byte*) {}
#else
// Elements of a 16-byte vector, which is the side of a block.
constexpr int64_t BlockSide(size_t element_size) {
  return static_cast<int64_t>(16 / element_size);
}

template <class D>
HWY_INLINE hn::Vec<D> LoadColumn(D d, const CopyTile& tile,
                                 const std::byte* src, int64_t column) {
  return hn::LoadU(d, reinterpret_cast<const hn::TFromD<D>*>(
                          src + column * tile.src_column));
}

template <class D, class V>
HWY_INLINE void StoreRow(D d, V row_values, const CopyTile& tile,
                         std::byte* dst, int64_t row) {
  hn::StoreU(row_values, d,
             reinterpret_cast<hn::TFromD<D>*>(dst + row * tile.dst_row));
}

// Three rounds of interleaving element i with element i + 4. Named variables:
// arrays of vectors do not exist on targets with sizeless ones.
HWY_INLINE void Transpose8x8(const CopyTile& tile, const std::byte* src,
                             std::byte* dst) {
  const hn::Full128<uint16_t> d;
  const auto a0 = LoadColumn(d, tile, src, 0);
  const auto a1 = LoadColumn(d, tile, src, 1);
  const auto a2 = LoadColumn(d, tile, src, 2);
  const auto a3 = LoadColumn(d, tile, src, 3);
  const auto a4 = LoadColumn(d, tile, src, 4);
  const auto a5 = LoadColumn(d, tile, src, 5);
  const auto a6 = LoadColumn(d, tile, src, 6);
  const auto a7 = LoadColumn(d, tile, src, 7);
  const auto b0 = hn::InterleaveLower(d, a0, a4);
  const auto b1 = hn::InterleaveUpper(d, a0, a4);
  const auto b2 = hn::InterleaveLower(d, a1, a5);
  const auto b3 = hn::InterleaveUpper(d, a1, a5);
  const auto b4 = hn::InterleaveLower(d, a2, a6);
  const auto b5 = hn::InterleaveUpper(d, a2, a6);
  const auto b6 = hn::InterleaveLower(d, a3, a7);
  const auto b7 = hn::InterleaveUpper(d, a3, a7);
  const auto c0 = hn::InterleaveLower(d, b0, b4);
  const auto c1 = hn::InterleaveUpper(d, b0, b4);
  const auto c2 = hn::InterleaveLower(d, b1, b5);
  const auto c3 = hn::InterleaveUpper(d, b1, b5);
  const auto c4 = hn::InterleaveLower(d, b2, b6);
  const auto c5 = hn::InterleaveUpper(d, b2, b6);
  const auto c6 = hn::InterleaveLower(d, b3, b7);
  const auto c7 = hn::InterleaveUpper(d, b3, b7);
  StoreRow(d, hn::InterleaveLower(d, c0, c4), tile, dst, 0);
  StoreRow(d, hn::InterleaveUpper(d, c0, c4), tile, dst, 1);
  StoreRow(d, hn::InterleaveLower(d, c1, c5), tile, dst, 2);
  StoreRow(d, hn::InterleaveUpper(d, c1, c5), tile, dst, 3);
  StoreRow(d, hn::InterleaveLower(d, c2, c6), tile, dst, 4);
  StoreRow(d, hn::InterleaveUpper(d, c2, c6), tile, dst, 5);
  StoreRow(d, hn::InterleaveLower(d, c3, c7), tile, dst, 6);
  StoreRow(d, hn::InterleaveUpper(d, c3, c7), tile, dst, 7);
}

HWY_INLINE void Transpose4x4(const CopyTile& tile, const std::byte* src,
                             std::byte* dst) {
  const hn::Full128<uint32_t> d;
  const auto a0 = LoadColumn(d, tile, src, 0);
  const auto a1 = LoadColumn(d, tile, src, 1);
  const auto a2 = LoadColumn(d, tile, src, 2);
  const auto a3 = LoadColumn(d, tile, src, 3);
  const auto b0 = hn::InterleaveLower(d, a0, a2);
  const auto b1 = hn::InterleaveUpper(d, a0, a2);
  const auto b2 = hn::InterleaveLower(d, a1, a3);
  const auto b3 = hn::InterleaveUpper(d, a1, a3);
  StoreRow(d, hn::InterleaveLower(d, b0, b2), tile, dst, 0);
  StoreRow(d, hn::InterleaveUpper(d, b0, b2), tile, dst, 1);
  StoreRow(d, hn::InterleaveLower(d, b1, b3), tile, dst, 2);
  StoreRow(d, hn::InterleaveUpper(d, b1, b3), tile, dst, 3);
}

HWY_INLINE void TransposeBlock(const CopyTile& tile, size_t element_size,
                               const std::byte* src, std::byte* dst) {
  if (element_size == 2) {
    Transpose8x8(tile, src, dst);
  } else {
    Transpose4x4(tile, src, dst);
  }
}
#endif  // HWY_SCALAR

// Transposes in squares of one cache line, so that every line is read and
// written while it is in the first-level cache. The last blocks overlap their
// neighbours. False when the tile is smaller than a block.
bool TransposeSimd(const CopyTile& tile, size_t element_size,
                   const std::byte* src, std::byte* dst) {
  const int64_t side = BlockSide(element_size);
  if (side == 0 || tile.rows < side || tile.columns < side) return false;
  const auto size = static_cast<int64_t>(element_size);
  const int64_t square = 64 / size;
  for (int64_t square_row = 0; square_row < tile.rows; square_row += square) {
    const int64_t row_end = std::min(square_row + square, tile.rows);
    for (int64_t c = 0; c < tile.columns; c += side) {
      const int64_t column = std::min(c, tile.columns - side);
      for (int64_t r = square_row; r < row_end; r += side) {
        const int64_t row = std::min(r, tile.rows - side);
        TransposeBlock(tile, element_size,
                       src + column * tile.src_column + row * size,
                       dst + column * size + row * tile.dst_row);
      }
    }
  }
  return true;
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {

HWY_EXPORT(TransposeSimd);

template <size_t kSize>
void CopyLoops(const CopyTile& tile, const std::byte* src, std::byte* dst) {
  for (int64_t row = 0; row < tile.rows; ++row) {
    const std::byte* from = src + row * tile.src_row;
    std::byte* to = dst + row * tile.dst_row;
    for (int64_t column = 0; column < tile.columns; ++column) {
      std::memcpy(to, from, kSize);
      from += tile.src_column;
      to += tile.dst_column;
    }
  }
}

void FillRows(const CopyTile& tile, size_t element_size, const std::byte* src,
              std::byte* dst) {
  for (int64_t row = 0; row < tile.rows; ++row) {
    const std::byte* from = src + row * tile.src_row;
    std::byte* to = dst + row * tile.dst_row;
    // The constant strides let the compiler use vectors.
    switch (element_size) {
      case 1:
        std::memset(to, static_cast<int>(*from),
                    static_cast<size_t>(tile.columns));
        break;
      case 2:
        CopyLoops<2>({1, tile.columns, 0, 0, 0, 2}, from, to);
        break;
      case 4:
        CopyLoops<4>({1, tile.columns, 0, 0, 0, 4}, from, to);
        break;
      default:
        CopyLoops<8>({1, tile.columns, 0, 0, 0, 8}, from, to);
    }
  }
}

void CopyRows(const CopyTile& tile, size_t element_size, const std::byte* src,
              std::byte* dst) {
  const size_t bytes = static_cast<size_t>(tile.columns) * element_size;
  for (int64_t row = 0; row < tile.rows; ++row)
    std::memcpy(dst + row * tile.dst_row, src + row * tile.src_row, bytes);
}

}  // namespace

void CopyTileScalar(const CopyTile& tile, size_t element_size,
                    const std::byte* src, std::byte* dst) {
  switch (element_size) {
    case 1:
      return CopyLoops<1>(tile, src, dst);
    case 2:
      return CopyLoops<2>(tile, src, dst);
    case 4:
      return CopyLoops<4>(tile, src, dst);
    default:
      return CopyLoops<8>(tile, src, dst);
  }
}

void CopyTileSimd(const CopyTile& tile, size_t element_size,
                  const std::byte* src, std::byte* dst) {
  const auto size = static_cast<int64_t>(element_size);
  if (tile.dst_column == size) {
    if (tile.src_column == size) return CopyRows(tile, element_size, src, dst);
    if (tile.src_column == 0) return FillRows(tile, element_size, src, dst);
    if (tile.src_row == size && (size == 2 || size == 4) &&
        HWY_DYNAMIC_DISPATCH(TransposeSimd)(tile, element_size, src, dst)) {
      return;
    }
  }
  CopyTile loops = tile;
  if (tile.rows > tile.columns) {  // the longer axis innermost
    loops = {tile.columns, tile.rows,       tile.src_column,
             tile.src_row, tile.dst_column, tile.dst_row};
  }
  CopyTileScalar(loops, element_size, src, dst);
}

}  // namespace aneref
#endif  // HWY_ONCE
