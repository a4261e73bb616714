// Register tiles of the GEMM family, one set per Highway target. Lanes run
// along the 64 columns of a panel, so every output keeps one accumulator whose
// products are added in ascending k (P3). fp16 operands: products are exact, so
// fused and unfused agree. fp32 operands: product and sum round separately
// (P4). Included once per target, after hwy/highway.h.
#if defined(ANEREF_OPS_KERNELS_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_GEMM_INL_H_
#undef ANEREF_OPS_KERNELS_GEMM_INL_H_
#else
#define ANEREF_OPS_KERNELS_GEMM_INL_H_
#endif

#include <array>
#include <utility>

#include "hwy/highway.h"
#include "ops/kernels/gemm.h"
#include "ops/kernels/hwy_compat-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace gemm {

// At most 16 lanes: a panel is at least four vectors wide.
using Tag = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Tag>;

#if HWY_TARGET == HWY_SCALAR
constexpr int64_t kLanes = 1;
#else
constexpr int64_t kLanes = HWY_MIN(HWY_MAX_BYTES, 64) / 4;
#endif
constexpr size_t kVectorLanes = kLanes;

// Vectors per tile row, and the tallest tile for each width: accumulators, one
// row of B and the broadcast of A must fit the registers (32 or 16).
#if HWY_TARGET <= HWY_AVX3
constexpr int64_t kMaxVectors = 4;
constexpr size_t kTallest[5] = {0, 14, 14, 9, 7};
#else
constexpr int64_t kMaxVectors = 2;
constexpr size_t kTallest[3] = {0, 6, 6};
#endif

template <bool kFused>
HWY_INLINE Vector MultiplyAdd(Vector a, Vector b, Vector sum) {
  if constexpr (kFused) return hn::MulAdd(a, b, sum);
  return hn::Add(sum, hn::Mul(a, b));
}

// One register tile: c[kRows][kVectors * lanes], continued when `resume`, else
// started at +0.
//   a  [kRows][depth] fp32, row stride kBlockStride
//   b  [depth][kPanelWidth] fp32 or fp16 bits
template <size_t kRows, size_t kVectors, bool kFused, class B>
HWY_NOINLINE void Tile(const float* HWY_RESTRICT a, const B* HWY_RESTRICT b,
                       size_t depth, float* HWY_RESTRICT c, size_t c_stride,
                       bool resume) {
  constexpr size_t kStride = kBlockStride, kWidth = kPanelWidth;
  const Tag d;
  Vector sum[kRows][kVectors];
  ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
  }
  if (resume) {
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[r][v] =
          hn::LoadU(d, c + r * c_stride + v * kVectorLanes);
    }
  }
  for (size_t k = 0; k < depth; ++k) {
    Vector column[kVectors];
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) column[v] =
        compat::LoadWide(d, b + k * kWidth + v * kVectorLanes);
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      const Vector row = hn::Set(d, a[r * kStride + k]);
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[r][v] =
          MultiplyAdd<kFused>(row, column[v], sum[r][v]);
    }
  }
  ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v)
        hn::StoreU(sum[r][v], d, c + r * c_stride + v * kVectorLanes);
  }
}

template <class B>
using TileFunction = void (*)(const float*, const B*, size_t, float*, size_t,
                              bool);

// Tiles of 1 to kTallest[kVectors] rows.
template <size_t kVectors, bool kFused, class B, size_t... kRow>
constexpr std::array<TileFunction<B>, sizeof...(kRow)> MakeTiles(
    std::index_sequence<kRow...>) {
  return {&Tile<kRow + 1, kVectors, kFused, B>...};
}
template <size_t kVectors, bool kFused, class B>
TileFunction<B> TileOf(int64_t rows) {
  static constexpr auto kTiles = MakeTiles<kVectors, kFused, B>(
      std::make_index_sequence<kTallest[kVectors]>());
  return kTiles[static_cast<size_t>(rows - 1)];
}
template <bool kFused, class B>
TileFunction<B> TileOf(int64_t rows, int64_t vectors) {
  if (vectors == 1) return TileOf<1, kFused, B>(rows);
  if (vectors == 2) return TileOf<2, kFused, B>(rows);
#if HWY_TARGET <= HWY_AVX3
  if (vectors == 3) return TileOf<3, kFused, B>(rows);
  return TileOf<4, kFused, B>(rows);
#else
  return nullptr;
#endif
}

// Rows of A per call of Block for `columns` columns: the tallest tile.
HWY_INLINE int64_t TallestRows(int64_t columns) {
  const int64_t vectors = DivideUp(columns, kLanes);
  return static_cast<int64_t>(kTallest[HWY_MIN(vectors, kMaxVectors)]);
}

// c[rows][columns rounded up to vectors] (+)= a * b; rows <= TallestRows.
template <bool kFused, class B>
HWY_INLINE void Block(const float* a, const B* b, int64_t rows, int64_t depth,
                      int64_t columns, float* c, int64_t c_stride,
                      bool resume) {
  int64_t vectors = DivideUp(columns, kLanes);
  int64_t first = 0;
  while (vectors > 0) {
    const int64_t part = HWY_MIN(vectors, kMaxVectors);
    TileOf<kFused, B>(rows, part)(
        a, b + first * kLanes, static_cast<size_t>(depth), c + first * kLanes,
        static_cast<size_t>(c_stride), resume);
    first += part;
    vectors -= part;
  }
}

// `rows` cut into equal groups of at most `tallest`: the first row of group i.
HWY_INLINE int64_t GroupBegin(int64_t rows, int64_t num_groups, int64_t i) {
  return rows * i / num_groups;
}

}  // namespace gemm
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // toggle
