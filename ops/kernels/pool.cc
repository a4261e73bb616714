// Pooling kernel: the walk of pool_driver.h over scalar rows and, per Highway
// target, vector rows (P6).
#include "ops/kernels/pool.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/pool.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/kernels/pool_driver.h"
#include "ops/kernels/reduce_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {

using RowSpan = std::span<const float* const>;
using TapSpan = std::span<const int64_t>;

// FoldMax where no element is NaN: x86's maximum gives its second operand
// unless the first one is greater, so of equal zeros the first seen stays.
struct FoldNumbers {
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_EMU128 && HWY_TARGET != HWY_SCALAR
    return hn::Max(b, a);
#else
    return hn::IfThenElse(hn::Gt(b, a), b, a);
#endif
  }
};

// kVectors of the outputs from `i` on: several hide the latency of the fold.
template <size_t kVectors, class Fold>
HWY_INLINE void FoldTapsAt(const Fold& fold, float identity, RowSpan rows,
                           TapSpan taps, size_t i, float* out) {
  const RowTag d;
  const size_t lanes = hn::Lanes(d);
  RowVector sum[kVectors];
  ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[v] =
      hn::Set(d, identity);
  for (const float* row : rows) {
    for (int64_t tap : taps) {
      const float* run = row + tap + i;
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[v] =
          fold(sum[v], hn::LoadU(d, run + v * lanes));
    }
  }
  ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v)
      hn::StoreU(sum[v], d, out + i + v * lanes);
}

// `count` is a multiple of 16, so also of the lanes.
template <class Fold>
HWY_INLINE void FoldTaps(const Fold& fold, float identity, RowSpan rows,
                         TapSpan taps, size_t count, float* out) {
  const size_t lanes = hn::Lanes(RowTag());
  size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes)
    FoldTapsAt<4>(fold, identity, rows, taps, i, out);
  for (; i < count; i += lanes)
    FoldTapsAt<1>(fold, identity, rows, taps, i, out);
}

#if HWY_TARGET != HWY_SCALAR
// Maxima of halves as integers: keys that ascend with the value. The order of
// comparisons does not matter (P6) while no operand is NaN or -0.
struct HalfKeys {
  using Tag = hn::CappedTag<int16_t, 32>;
  using Vector = hn::Vec<Tag>;
  static constexpr int16_t kLowest = -0x7C01, kHighest = 0x7C00;  // infinities
  static constexpr int16_t kMinusZero = -1;

  // Its own inverse.
  static HWY_INLINE Vector Flip(Vector v) {
    return hn::Xor(
        v, hn::And(hn::ShiftRight<15>(v), hn::Set(Tag(), int16_t{0x7FFF})));
  }

  // At least `count` lowest keys: up to a vector more.
  static HWY_INLINE void Fill(int16_t* keys, int64_t count) {
    const Tag d;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    for (int64_t i = 0; i < count; i += lanes)
      hn::StoreU(hn::Set(d, kLowest), d, keys + i);
  }

  // The greatest keys of the window's rows into `keys`, behind the padding;
  // false where an operand is NaN or -0.
  static HWY_INLINE bool FoldRows(const PoolArgs& args, const TensorView& x,
                                  int64_t plane, int64_t oh, int16_t* keys) {
    const Tag d;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    const auto lowest = hn::Set(d, kLowest), highest = hn::Set(d, kHighest);
    const int64_t width = args.columns.in;
    auto all_good = hn::FirstN(d, hn::Lanes(d));
    for (int64_t i = 0; i < width; i += lanes) {
      const auto count = static_cast<size_t>(std::min(lanes, width - i));
      auto most = lowest, least = highest;
      auto good = hn::FirstN(d, hn::Lanes(d));
      for (int64_t k = 0; k < args.rows.kernel; ++k) {
        const int64_t ih =
            oh * args.rows.stride - args.rows.pad + k * args.rows.dilation;
        if (ih < 0 || ih >= args.rows.in) continue;
        const auto key = Flip(compat::LoadFirst(
            d, x.Row<int16_t>(plane * args.rows.in + ih) + i, count));
        most = hn::Max(most, key);
        least = hn::Min(least, key);
        good = hn::And(good, hn::Ne(key, hn::Set(d, kMinusZero)));
      }
      // A NaN is beyond an infinity.
      good = hn::And(good, hn::Eq(hn::Max(most, highest), highest));
      good = hn::And(good, hn::Eq(hn::Min(least, lowest), lowest));
      all_good = hn::And(all_good, good);
      hn::StoreU(hn::IfThenElse(hn::FirstN(d, count), most, lowest), d,
                 keys + i);
    }
    return hn::AllTrue(d, all_good);
  }

  // Outputs of one row from padded keys.
  template <int64_t kStride>
  static HWY_INLINE void FoldColumns(const PoolArgs& args, const int16_t* keys,
                                     int16_t* out) {
    const Tag d;
    const auto lanes = static_cast<int64_t>(hn::Lanes(d));
    const auto fold = [&](const int16_t* from) HWY_ATTR {
      auto most = hn::LoadU(d, from);
      for (int64_t t = 1; t < args.columns.kernel; ++t)
        most = hn::Max(most, hn::LoadU(d, from + t));
      return most;
    };
    for (int64_t i = 0; i < args.columns.out; i += lanes) {
      auto most = fold(keys + i * kStride);
      if constexpr (kStride == 2)
        most = hn::ConcatEven(d, fold(keys + 2 * i + lanes), most);
      compat::StoreFirst(
          Flip(most), d, out + i,
          static_cast<size_t>(std::min(lanes, args.columns.out - i)));
    }
  }
};
#endif

struct SimdPoolRows : SimdRows {
  // A row of outputs by keys; false where the general walk is needed.
  static bool MaxHalves([[maybe_unused]] const PoolArgs& args,
                        [[maybe_unused]] const pool_internal::Buffers& buffers,
                        [[maybe_unused]] const TensorView& x,
                        [[maybe_unused]] int64_t plane,
                        [[maybe_unused]] int64_t oh,
                        [[maybe_unused]] const TensorView& y,
                        [[maybe_unused]] int64_t row) {
#if HWY_TARGET == HWY_SCALAR
    return false;
#else
    const PoolAxis& columns = args.columns;
    if (!args.is_max || x.dtype != DataType::kFloat16 ||
        columns.dilation != 1 || columns.stride > 2)
      return false;
    int16_t* keys = buffers.keys;
    const int64_t behind = columns.pad + columns.in;
    constexpr int64_t kMostLanes = 32;  // of what Fill may write too much
    HalfKeys::Fill(keys, columns.pad);
    HalfKeys::Fill(keys + behind,
                   pool_internal::Buffers::NumKeys(args) - kMostLanes - behind);
    if (!HalfKeys::FoldRows(args, x, plane, oh, keys + columns.pad))
      return false;
    auto* out = y.Row<int16_t>(row);
    if (columns.stride == 1) {
      HalfKeys::FoldColumns<1>(args, keys, out);
    } else {
      HalfKeys::FoldColumns<2>(args, keys, out);
    }
    return true;
#endif
  }
  static HWY_NOINLINE void Deinterleave(const float* src, size_t pairs,
                                        float* even, float* odd) {
#if HWY_TARGET == HWY_SCALAR
    pool_internal::ScalarPoolRows::Deinterleave(src, pairs, even, odd);
#else
    const RowTag d;
    const size_t lanes = hn::Lanes(d);
    size_t i = 0;
    for (; i + lanes <= pairs; i += lanes) {
      const auto low = hn::LoadU(d, src + 2 * i);
      const auto high = hn::LoadU(d, src + 2 * i + lanes);
      hn::StoreU(hn::ConcatEven(d, high, low), d, even + i);
      hn::StoreU(hn::ConcatOdd(d, high, low), d, odd + i);
    }
    if (i == pairs) return;
    const size_t rest = pairs - i, in_low = HWY_MIN(2 * rest, lanes);
    const auto low = compat::LoadFirst(d, src + 2 * i, in_low);
    const auto high =
        compat::LoadFirst(d, src + 2 * i + in_low, 2 * rest - in_low);
    compat::StoreFirst(hn::ConcatEven(d, high, low), d, even + i, rest);
    compat::StoreFirst(hn::ConcatOdd(d, high, low), d, odd + i, rest);
#endif
  }
  static bool AnyNan(DataType type, const std::byte* row, size_t count) {
    return type == DataType::kFloat16
               ? AnyAbove(uint16_t{0x7FFF}, uint16_t{0x7C00}, row, count)
               : AnyAbove(uint32_t{0x7FFFFFFF}, uint32_t{0x7F800000}, row,
                          count);
  }
  // Whether the masked bits of an element are greater: magnitudes above that of
  // infinity are NaN.
  template <class Bits>
  static HWY_NOINLINE bool AnyAbove(Bits mask, Bits infinity,
                                    const std::byte* row, size_t count) {
    const hn::ScalableTag<Bits> d;
    const size_t lanes = hn::Lanes(d);
    const auto* bits = reinterpret_cast<const Bits*>(row);
    auto most = hn::Zero(d);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes)
      most = hn::Max(most, hn::And(hn::LoadU(d, bits + i), hn::Set(d, mask)));
    if (i < count) {
      most = hn::Max(most, hn::And(compat::LoadFirst(d, bits + i, count - i),
                                   hn::Set(d, mask)));
    }
    return !hn::AllFalse(d, hn::Gt(most, hn::Set(d, infinity)));
  }
  static HWY_NOINLINE void MaxTaps(RowSpan rows, TapSpan taps, bool any_nan,
                                   size_t count, float* out) {
    constexpr float kLowest = -std::numeric_limits<float>::infinity();
    if (any_nan) return FoldTaps(FoldMax(), kLowest, rows, taps, count, out);
    FoldTaps(FoldNumbers(), kLowest, rows, taps, count, out);
  }
  static HWY_NOINLINE void SumTaps(RowSpan rows, TapSpan taps, size_t count,
                                   float* out) {
    FoldTaps(FoldSum(), 0.0f, rows, taps, count, out);
  }
  static HWY_NOINLINE void Divide(const float* columns, float rows,
                                  size_t count, float* out) {
    const RowTag d;
    const auto factor = hn::Set(d, rows);
    for (size_t i = 0; i < count; i += hn::Lanes(d)) {
      const auto divisor = hn::Mul(hn::LoadU(d, columns + i), factor);
      hn::StoreU(hn::Div(hn::LoadU(d, out + i), divisor), d, out + i);
    }
  }
};

Status Pool(const KernelCall& call, int64_t unit) {
  return pool_internal::RunPool<SimdPoolRows>(call, unit);
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {

HWY_EXPORT(Pool);
Status PoolSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(Pool)(call, unit);
}

}  // namespace

size_t PoolScratchBytes(const PoolArgs& args) {
  constexpr int64_t kMostFloats =
      1 << 22;  // 16 MiB: beyond, the window is not one a network has
  const PoolAxis& rows = args.rows;
  const PoolAxis& columns = args.columns;
  for (const PoolAxis* axis : {&rows, &columns}) {
    if (axis->in > kMostFloats || axis->out > kMostFloats || axis->in < 1)
      return SIZE_MAX;
    if (axis->Extent() > kMostFloats || axis->stride > kMostFloats ||
        axis->pad > kMostFloats)
      return SIZE_MAX;
  }
  const pool_internal::Layout layout(args);
  // Each factor is below 2^24 and each product checked before the next.
  if (layout.slot_length > kMostFloats ||
      layout.slot_length * layout.num_slots > kMostFloats)
    return SIZE_MAX;
  if (rows.kernel * columns.kernel >= int64_t{1} << 24)
    return SIZE_MAX;  // counts stay exact in fp32
  return pool_internal::Buffers::Bytes(args);
}

const Kernel kPoolKernel = {
    "pool", pool_internal::RunPool<pool_internal::ScalarPoolRows>, PoolSimd};

}  // namespace aneref
#endif  // HWY_ONCE
