// The register tiles of the GEMM family, see gemm-inl.h: every height at full
// width. All of k stays in registers, then bias, rounding and store follow.
// Rules P2, P3, P4.
#include <algorithm>
#include <array>
#include <chrono>
#include <type_traits>
#include <utility>

#include "hwy/cache_control.h"
#include "ops/kernels/gemm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/gemm_tiles.cc"
#include "hwy/foreach_target.h"
// foreach_target first
#include "hwy/highway.h"
#include "ops/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace gemm {

// Bias, rounding and store of a tile's sums.
template <size_t kRows, size_t kVectors, class T>
HWY_INLINE void Finish(Vector (&sum)[kRows][kVectors],
                       const Result<T>& result) {
  const Tag d;
  if (result.row_bias != nullptr) {
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      const Vector bias = hn::Set(d, result.row_bias[r]);
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[r][v] =
          hn::Add(sum[r][v], bias);
    }
  }
  if (result.column_bias != nullptr) {
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) {
      const Vector bias = hn::LoadU(d, result.column_bias + v * kVectorLanes);
      ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) sum[r][v] =
          hn::Add(sum[r][v], bias);
    }
  }
  T* HWY_RESTRICT out = result.out;
  const size_t stride = result.out_stride;
#if ANEREF_NATIVE_HALF
  if constexpr (std::is_same_v<T, uint16_t>) {
    // Nearly always every sum rounds to a finite half, and the instruction's
    // rounding is that of P2: one test for the tile, on the doubled bits, whose
    // sign is gone.
    const hn::Rebind<uint16_t, Tag> dh;
    const hn::Rebind<hwy::float16_t, Tag> df16;
    auto greatest = hn::Zero(dh);
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) {
        const auto half = hn::BitCast(dh, hn::DemoteTo(df16, sum[r][v]));
        greatest = hn::Max(greatest, hn::Add(half, half));
        hn::StoreU(half, dh, out + r * stride + v * kVectorLanes);
      }
    }
    const auto largest = hn::Set(dh, uint16_t{2 * 0x7BFF});
    if (HWY_LIKELY(
            hn::AllTrue(dh, hn::Eq(hn::Max(greatest, largest), largest))))
      return;
  }
#endif
  ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v)
        compat::StoreNarrow(sum[r][v], d, out + r * stride + v * kVectorLanes);
  }
}

template <size_t kRows, size_t kVectors, class B, class T>
HWY_NOINLINE void Tile(const Rows& a, const B* HWY_RESTRICT b,
                       const Result<T>& result) {
  constexpr size_t kWidth = kPanelWidth;
  constexpr bool kFused = std::is_same_v<T, uint16_t>;
  const Tag d;
  Vector sum[kRows][kVectors];
  ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
  }
  float* HWY_RESTRICT sums = result.sums;
  if (result.resume) {
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[r][v] =
          hn::LoadU(d, sums + r * result.sums_stride + v * kVectorLanes);
    }
  }
  const size_t depth = a.depth;
  // Without anything ahead, a line that is there: no branch in the loop.
  const std::byte* ahead = a.ahead;
  const size_t ahead_step = ahead != nullptr ? 64 : 0;
  if (ahead == nullptr) ahead = reinterpret_cast<const std::byte*>(b);
  for (size_t t = 0; t < a.num_taps; ++t) {
    const float* row[kRows];
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) row[r] =
        a.rows[r] + a.taps[t];
    for (size_t k = 0; k < depth; ++k, b += kWidth, ahead += ahead_step) {
      if constexpr (kRows > 1) hwy::Prefetch(ahead);
      Vector column[kVectors];
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) column[v] =
          compat::LoadWide(d, b + v * kVectorLanes);
      ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
        const Vector value = hn::Set(d, row[r][k]);
        ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[r][v] =
            MultiplyAdd<kFused>(value, column[v], sum[r][v]);
      }
    }
  }
  if (result.finish) return Finish(sum, result);
  ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) hn::StoreU(
        sum[r][v], d, sums + r * result.sums_stride + v * kVectorLanes);
  }
}

// Tiles of 1 to kTallest[kVectors] rows.
template <size_t kVectors, class B, class T, size_t... kRow>
constexpr std::array<TileFunction<B, T>, sizeof...(kRow)> MakeTiles(
    std::index_sequence<kRow...>) {
  return {&Tile<kRow + 1, kVectors, B, T>...};
}
template <size_t kVectors, class B, class T>
TileFunction<B, T> TileOfRows(int64_t rows) {
  static constexpr auto kTiles =
      MakeTiles<kVectors, B, T>(std::make_index_sequence<kTallest[kVectors]>());
  return kTiles[static_cast<size_t>(rows - 1)];
}

template <class B, class T>
TileFunction<B, T> TileOf(int64_t rows, int64_t vectors) {
  if (vectors == 1) return TileOfRows<1, B, T>(rows);
  if (vectors == 2) return TileOfRows<2, B, T>(rows);
#if HWY_TARGET <= HWY_AVX3
  if (vectors == 3) return TileOfRows<3, B, T>(rows);
  if (vectors == 4) return TileOfRows<4, B, T>(rows);
#endif
  if constexpr (kHasPanelTile) return &Tile<1, kPanelVectors, B, T>;
  return nullptr;
}
template TileFunction<uint16_t, uint16_t> TileOf(int64_t, int64_t);
template TileFunction<float, uint16_t> TileOf(int64_t, int64_t);
template TileFunction<float, float> TileOf(int64_t, int64_t);

// Seconds of the tallest tile of full width with a panel of type B in L1.
template <class B>
double TimeTile(const float* rows, const B* panel, int64_t depth) {
  constexpr int kCalls = 8;
  HWY_ALIGN uint16_t out[kMaxTileRows * kPanelWidth];
  Result<uint16_t> result;
  result.out = out;
  result.out_stride = kPanelWidth;
  constexpr int64_t kRows = kTallest[kMaxVectors];
  const MatrixRows a(rows, depth, kRows, depth);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kCalls; ++i)
    TileOf<B, uint16_t>(kRows, kMaxVectors)(a, panel, result);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

bool MeasurePanels() {
  constexpr int64_t kDepth = 64;
  constexpr int kRounds = 16;
  constexpr double kNotably = 1.08;
  HWY_ALIGN float rows[kMaxTileRows * kDepth] = {};
  HWY_ALIGN uint16_t halves[kPanelWidth * kDepth] = {};
  HWY_ALIGN float floats[kPanelWidth * kDepth] = {};
  double narrow = 1, wide = 1;  // the least of some: both are disturbed alike
  for (int i = 0; i < kRounds; ++i) {
    narrow = std::min(narrow, TimeTile(rows, halves, kDepth));
    wide = std::min(wide, TimeTile(rows, floats, kDepth));
  }
  return narrow > kNotably * wide;
}

}  // namespace gemm

bool TargetPrefersWidePanels() {
  static const bool prefers = gemm::MeasurePanels();
  return prefers;
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
HWY_EXPORT(TargetPrefersWidePanels);
bool PrefersWidePanels() {
  return HWY_DYNAMIC_DISPATCH(TargetPrefersWidePanels)();
}
}  // namespace aneref
#endif
