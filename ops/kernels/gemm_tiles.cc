// The register tiles of the GEMM family, see gemm-inl.h: every height at full
// width. All of k stays in registers, then bias, rounding and store follow.
// Rules P2, P3, P4.
#include <array>
#include <type_traits>
#include <utility>

#include "hwy/cache_control.h"
#include "ops/kernels/gemm.h"
#include "ops/kernels/host_processor.h"

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
HWY_INLINE void Finish(Vector (&sum)[kRows][kVectors], const Result<T>& result,
                       size_t first) {
  const Tag d;
  if (result.row_bias != nullptr) {
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      const Vector bias = hn::Set(d, result.row_bias[r]);
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[r][v] =
          hn::Add(sum[r][v], bias);
    }
  }
  if (result.column_bias != nullptr) {
    const float* const column_bias = result.column_bias + first;
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) {
      const Vector bias = hn::LoadU(d, column_bias + v * kVectorLanes);
      ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) sum[r][v] =
          hn::Add(sum[r][v], bias);
    }
  }
  T* HWY_RESTRICT out = result.out + first;
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
                       const Result<T>& result, size_t first) {
  constexpr size_t kWidth = kPanelWidth;
  constexpr bool kFused = std::is_same_v<T, uint16_t>;
  const Tag d;
  Vector sum[kRows][kVectors];
  ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
  }
  if (result.resume) {
    const float* sums = result.sums + first;
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
  if (result.finish) return Finish(sum, result, first);
  float* sums = result.sums + first;
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
#if ANEREF_NATIVE_HALF
template TileFunction<uint16_t, uint16_t> TileOf(int64_t, int64_t);
#endif
template TileFunction<float, uint16_t> TileOf(int64_t, int64_t);
template TileFunction<float, float> TileOf(int64_t, int64_t);

}  // namespace gemm

bool TargetPrefersWidePanels() {
  return gemm::kAlwaysWidens || ThisProcessor().widening_takes_multipliers;
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
