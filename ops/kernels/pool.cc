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

// `count` is a multiple of 16, so also of the lanes. Two vectors at a time hide
// the latency of the fold.
template <class Fold>
HWY_INLINE void FoldTaps(const Fold& fold, float identity, RowSpan rows,
                         TapSpan taps, size_t count, float* out) {
  const RowTag d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    auto sum0 = hn::Set(d, identity);
    auto sum1 = sum0;
    for (const float* row : rows) {
      for (int64_t tap : taps) {
        const float* run = row + tap + i;
        sum0 = fold(sum0, hn::LoadU(d, run));
        sum1 = fold(sum1, hn::LoadU(d, run + lanes));
      }
    }
    hn::StoreU(sum0, d, out + i);
    hn::StoreU(sum1, d, out + i + lanes);
  }
  for (; i < count; i += lanes) {
    auto sum = hn::Set(d, identity);
    for (const float* row : rows) {
      for (int64_t tap : taps) sum = fold(sum, hn::LoadU(d, row + tap + i));
    }
    hn::StoreU(sum, d, out + i);
  }
}

struct SimdPoolRows : SimdRows {
  static HWY_NOINLINE void Deinterleave(const float* src, size_t pairs,
                                        float* even, float* odd) {
    const RowTag d;
    const size_t lanes = hn::Lanes(d);
    size_t i = 0;
    for (; i + lanes <= pairs; i += lanes) {
      hn::Vec<RowTag> a, b;
      hn::LoadInterleaved2(d, src + 2 * i, a, b);
      hn::StoreU(a, d, even + i);
      hn::StoreU(b, d, odd + i);
    }
    pool_internal::ScalarPoolRows::Deinterleave(src + 2 * i, pairs - i,
                                                even + i, odd + i);
  }
  static HWY_NOINLINE void MaxTaps(RowSpan rows, TapSpan taps, size_t count,
                                   float* out) {
    FoldTaps(FoldMax(), -std::numeric_limits<float>::infinity(), rows, taps,
             count, out);
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
