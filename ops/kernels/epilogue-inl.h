// Vector twin of epilogue.h: clamps and sums of fp16 bits in registers.
// Included once per target, after hwy/highway.h.
#if defined(ANEREF_OPS_KERNELS_EPILOGUE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_EPILOGUE_INL_H_
#undef ANEREF_OPS_KERNELS_EPILOGUE_INL_H_
#else
#define ANEREF_OPS_KERNELS_EPILOGUE_INL_H_
#endif

#include "hwy/highway.h"
#include "ops/kernels/epilogue.h"
#include "ops/kernels/hwy_compat-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace epilogue {

// Lanes of stored fp16: a NaN is 7E00 (P15).
template <class D, class V>
HWY_INLINE V Clamp(D d, const HalfClamp& clamp, V bits) {
  const hn::RebindToSigned<D> di;
  const auto value = hn::BitCast(di, bits);
  const auto high = hn::Set(di, static_cast<int16_t>(clamp.high));
  const V below = hn::BitCast(d, hn::Min(value, high));
  const V clamped = hn::IfThenElse(hn::Gt(below, hn::Set(d, clamp.Cut())),
                                   hn::Set(d, clamp.low), below);
  const auto is_nan = hn::Gt(value, hn::Set(di, int16_t{0x7C00}));
  return hn::IfThenElse(hn::RebindMask(d, is_nan), bits, clamped);
}

// Rounded results of as many lanes as a vector has floats, and their addends.
template <class D, class V>
HWY_INLINE V Add(D d, const Epilogue& e, V bits, V addend) {
  const hn::Rebind<float, D> df;
  const V value = e.first.active ? Clamp(d, e.first, bits) : bits;
  const V sum = compat::NarrowHalf(
      df, hn::Add(compat::WidenHalf(df, value), compat::WidenHalf(df, addend)));
  return e.last.active ? Clamp(d, e.last, sum) : sum;
}

// A row of `count` rounded results to `dst`. Up to a whole vector behind `src`
// is read; `addend` may be `dst`, and is not read without a sum.
HWY_INLINE void StoreSum(const Epilogue& e, const uint16_t* src,
                         const uint16_t* addend, uint16_t* dst, int64_t count) {
  const hn::Rebind<uint16_t, hn::CappedTag<float, 16>> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(Add(d, e, hn::LoadU(d, src + i), hn::LoadU(d, addend + i)), d,
               dst + i);
  }
  if (i == count) return;
  const auto rest = static_cast<size_t>(count - i);
  compat::StoreFirst(
      Add(d, e, hn::LoadU(d, src + i), compat::LoadFirst(d, addend + i, rest)),
      d, dst + i, rest);
}

// The same without a sum: the last vector may begin within the one before.
template <bool kClamps>
HWY_INLINE void StoreClamped(const HalfClamp& clamp, const uint16_t* src,
                             uint16_t* dst, int64_t count) {
#if HWY_TARGET <= HWY_AVX3
  const hn::CappedTag<uint16_t, 32> d;
#else
  const hn::Rebind<uint16_t, hn::CappedTag<float, 16>> d;
#endif
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto at = [&](int64_t i) HWY_ATTR {
    const auto bits = hn::LoadU(d, src + i);
    return kClamps ? Clamp(d, clamp, bits) : bits;
  };
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(at(i), d, dst + i);
  if (i == count) return;
  if (i > 0) return hn::StoreU(at(count - lanes), d, dst + count - lanes);
  compat::StoreFirst(at(0), d, dst, static_cast<size_t>(count));
}

HWY_INLINE void StoreRow(const Epilogue& e, const uint16_t* src,
                         const uint16_t* addend, uint16_t* dst, int64_t count) {
  if (e.adds) return StoreSum(e, src, addend, dst, count);
  if (e.first.active) return StoreClamped<true>(e.first, src, dst, count);
  StoreClamped<false>(e.first, src, dst, count);
}

}  // namespace epilogue
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // toggle
