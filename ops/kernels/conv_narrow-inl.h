// Depthwise convolution whose rows stay in registers, fp16, square kernels of 3
// or 5. A column's tap is a permutation of the lanes: of one vector for steps
// of 1, of two for steps of 2, which takes even and odd columns apart on the
// way. Planes that are narrower than half of these share them. Steps of 2 need
// AVX-512's permutation of two vectors; steps of 1 planes that fit one vector.
// Rules P3, P2. Included once per target, after hwy/highway.h.
#if defined(ANEREF_OPS_KERNELS_CONV_NARROW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_CONV_NARROW_INL_H_
#undef ANEREF_OPS_KERNELS_CONV_NARROW_INL_H_
#else
#define ANEREF_OPS_KERNELS_CONV_NARROW_INL_H_
#endif

#include <algorithm>
#include <bit>
#include <utility>

#include "hwy/highway.h"
#include "ops/kernels/conv.h"
#include "ops/kernels/epilogue-inl.h"
#include "ops/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace depthwise {

// The size of a square kernel whose tap rows follow each other; else 0.
inline size_t SquareSize(const ConvArgs& a) {
  for (const size_t size : {size_t{3}, size_t{5}}) {
    if (a.taps.size() != size * size) continue;
    bool square = true;
    for (size_t t = 0; t < a.taps.size(); ++t) {
      const PlaneStep& above = a.taps[t % size];
      square &= a.taps[t].column == above.column &&
                a.taps[t].row == a.taps[0].row + static_cast<int64_t>(t / size);
    }
    return square ? size : 0;
  }
  return 0;
}

#if HWY_TARGET != HWY_SCALAR  // no plane is narrower than one lane

#undef ANEREF_TWO_VECTOR_LOOKUP
#define ANEREF_TWO_VECTOR_LOOKUP (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3)

// Output rows that are computed together.
#if ANEREF_TWO_VECTOR_LOOKUP
constexpr size_t kNarrowRows = 7;
#else
constexpr size_t kNarrowRows = 4;
#endif

constexpr size_t kMostTaps = 5;
using Signed = hn::RebindToSigned<gemm::Tag>;
using Halves = hn::Rebind<uint16_t, gemm::Tag>;

// Where the lanes of a tap column come from; lanes that are not `valid` are
// padding.
struct TapLanes {
  HWY_ALIGN int32_t from[kMostTaps][gemm::kVectorLanes];
  uint32_t valid[kMostTaps];
};

// Output columns of one step along a row: `count` of them from `out_column` on,
// made of the `num_columns` input columns from `in_column` on.
struct NarrowSpan {
  int64_t in_column = 0;
  int64_t out_column = 0;
  size_t num_columns = 0;
  size_t count = 0;
  const TapLanes* lanes = nullptr;
};

// Lane i of a part of `part` lanes takes input column step * i + c - pad.
inline void SetTapLanes(size_t size, int64_t step, int64_t part, int64_t pad,
                        TapLanes* lanes) {
  const int64_t columns = part * step;  // of one part's vectors
  for (size_t c = 0; c < size; ++c) {
    lanes->valid[c] = 0;
    for (int64_t i = 0; i < gemm::kLanes; ++i) {
      const int64_t column = step * (i % part) + static_cast<int64_t>(c) - pad;
      const bool inside = column >= 0 && column < columns;
      if (inside) lanes->valid[c] |= 1u << i;
      // Without masks a lane outside must be one that holds zero.
      const int64_t wrapped = (column + columns) % columns;
      lanes->from[c][i] = static_cast<int32_t>(i / part * columns + wrapped);
    }
  }
}

// True when all lanes of all vectors round to finite halves (P2).
template <size_t kCount>
HWY_INLINE bool AllRoundFinite(const gemm::Vector (&v)[kCount]) {
  const Signed d;
  // Magnitudes compare like their bits, NaN above all.
  auto most = hn::BitCast(d, hn::Abs(v[0]));
  ANEREF_UNROLL for (size_t r = 1; r < kCount; ++r) most =
      hn::Max(most, hn::BitCast(d, hn::Abs(v[r])));
  constexpr auto kLimit = std::bit_cast<int32_t>(65520.0f);
  return hn::AllTrue(d, hn::Lt(most, hn::Set(d, kLimit)));
}

// Planes [plane, plane + kPlanes), one per 1/kPlanes of the lanes.
template <size_t kPlanes, size_t kStep>
struct Narrow {
  using PartTag = std::conditional_t<kPlanes == 2, hn::Half<Halves>, Halves>;

  const ConvArgs& a;
  const uint16_t* src;  // the first plane
  uint16_t* dst;
  int64_t src_pitch, dst_pitch;  // elements
  bool aligned;                  // whole vectors may be read
  const float* weights;          // [taps], or [taps][lanes] of two planes
  const float* bias;             // [lanes]

  template <class D>
  HWY_INLINE hn::Vec<D> LoadPart(D d, const uint16_t* p, size_t count) const {
    if (HWY_TARGET > HWY_AVX3 && aligned)
      return hn::IfThenElseZero(hn::FirstN(d, count), hn::LoadU(d, p));
    return compat::LoadFirst(d, p, count);
  }

  // The span's columns of row `row`, zeros behind them and outside.
  HWY_INLINE void LoadRow(const NarrowSpan& span, int64_t row,
                          gemm::Vector (&v)[kStep]) const {
    alignas(64) static constexpr uint16_t kZeros[64] = {};
    const gemm::Tag d;
    const bool inside = row >= 0 && row < a.in_height;
    const uint16_t* p =
        inside ? src + row * src_pitch + span.in_column : kZeros;
    // From a part to the next one.
    const int64_t next = kPlanes == 1 ? gemm::kLanes
                         : inside     ? a.in_height * src_pitch
                                      : 0;
    if constexpr (kStep == 2) {
      const size_t count = span.num_columns;
      const size_t low = HWY_MIN(count, gemm::kVectorLanes);
      v[0] = compat::WidenHalf(d, LoadPart(Halves(), p, low));
      v[1] = compat::WidenHalf(
          d, LoadPart(Halves(), p + next, kPlanes == 2 ? low : count - low));
    } else if constexpr (kPlanes == 2) {
      v[0] = compat::WidenHalf(
          d,
          hn::Combine(Halves(), LoadPart(PartTag(), p + next, span.num_columns),
                      LoadPart(PartTag(), p, span.num_columns)));
    } else {
      v[0] = compat::WidenHalf(d, LoadPart(Halves(), p, span.num_columns));
    }
  }

  HWY_INLINE gemm::Vector Tap(const NarrowSpan& span, size_t c,
                              const gemm::Vector (&v)[kStep]) const {
    const int32_t* from = span.lanes->from[c];
#if ANEREF_TWO_VECTOR_LOOKUP
    const auto valid = static_cast<__mmask16>(span.lanes->valid[c]);
    const __m512i lanes = _mm512_load_si512(from);
    if constexpr (kStep == 2) {
      return gemm::Vector{
          _mm512_maskz_permutex2var_ps(valid, v[0].raw, lanes, v[1].raw)};
    } else {
      return gemm::Vector{_mm512_maskz_permutexvar_ps(valid, lanes, v[0].raw)};
    }
#else
    const gemm::Tag d;
    return hn::TableLookupLanes(v[0], hn::SetTableIndices(d, from));
#endif
  }

  HWY_INLINE gemm::Vector Weight(size_t tap) const {
    const gemm::Tag d;
    if constexpr (kPlanes == 1) return hn::Set(d, weights[tap]);
    return hn::LoadU(d, weights + tap * gemm::kVectorLanes);
  }

  HWY_INLINE void StoreRow(const NarrowSpan& span, hn::Vec<Halves> half,
                           int64_t row) const {
    if (a.epilogue.first.active)
      half = epilogue::Clamp(Halves(), a.epilogue.first, half);
    uint16_t* p = dst + row * dst_pitch + span.out_column;
    if constexpr (kPlanes == 2) {
      const PartTag d;
      compat::StoreFirst(hn::LowerHalf(d, half), d, p, span.count);
      compat::StoreFirst(hn::UpperHalf(d, half), d,
                         p + a.out_height * dst_pitch, span.count);
    } else {
      compat::StoreFirst(half, Halves(), p, span.count);
    }
  }

  template <size_t kRows>
  HWY_INLINE void Store(const NarrowSpan& span, gemm::Vector (&sum)[kRows],
                        int64_t y) const {
    const gemm::Tag d;
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) sum[r] =
        hn::Add(sum[r], hn::LoadU(d, bias));
#if ANEREF_NATIVE_HALF
    if (HWY_LIKELY(AllRoundFinite(sum))) {
      const hn::Rebind<hwy::float16_t, gemm::Tag> df16;
      ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r)
          StoreRow(span, hn::BitCast(Halves(), hn::DemoteTo(df16, sum[r])),
                   y + static_cast<int64_t>(r));
      return;
    }
#endif
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) StoreRow(
        span, compat::NarrowHalf(d, sum[r]), y + static_cast<int64_t>(r));
  }

  // kRows output rows from row y on. Each input row serves every output row
  // that reads it; input rows ascend, so each output sees its taps in order.
  template <size_t kRows, size_t kSize>
  HWY_NOINLINE void Rows(const NarrowSpan& all, int64_t y) const {
    const gemm::Tag d;
    const NarrowSpan span = all;
    gemm::Vector kept[kSize == 3 ? kSize * kSize : 1];
    if constexpr (kSize == 3) {
      ANEREF_UNROLL for (size_t t = 0; t < kSize * kSize; ++t) kept[t] =
          Weight(t);
    }
    gemm::Vector sum[kRows];
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) sum[r] = hn::Zero(d);
    const int64_t first = y * int64_t{kStep} + a.taps[0].row;
    ANEREF_UNROLL for (size_t i = 0; i < (kRows - 1) * kStep + kSize; ++i) {
      gemm::Vector row[kStep];
      LoadRow(span, first + static_cast<int64_t>(i), row);
      if constexpr (kStep == 2)
        hwy::Prefetch(src +
                      (first + static_cast<int64_t>(i + kRows * kStep)) *
                          src_pitch +
                      span.in_column);
      ANEREF_UNROLL for (size_t c = 0; c < kSize; ++c) {
        const gemm::Vector v = Tap(span, c, row);
        ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
          if (i < r * kStep || i - r * kStep >= kSize) continue;
          const size_t tap = (i - r * kStep) * kSize + c;
          const gemm::Vector weight =
              kSize == 3 ? kept[kSize == 3 ? tap : 0] : Weight(tap);
          sum[r] = hn::MulAdd(weight, v, sum[r]);
        }
      }
    }
    Store(span, sum, y);
  }

  using Function = void (Narrow::*)(const NarrowSpan&, int64_t) const;
  template <size_t kSize, size_t... kRow>
  static Function FunctionOf(int64_t rows, std::index_sequence<kRow...>) {
    static constexpr Function kFunctions[] = {
        &Narrow::Rows<kRow + 1, kSize>...};
    return kFunctions[rows - 1];
  }
  // Output rows [y, y + rows), at most kNarrowRows.
  HWY_INLINE void Run(const NarrowSpan& span, size_t size, int64_t y,
                      int64_t rows) const {
    constexpr auto kRow = std::make_index_sequence<kNarrowRows>();
    const Function run =
        size == 3 ? FunctionOf<3>(rows, kRow) : FunctionOf<5>(rows, kRow);
    (this->*run)(span, y);
  }
};

#endif  // HWY_SCALAR

}  // namespace depthwise
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // toggle
