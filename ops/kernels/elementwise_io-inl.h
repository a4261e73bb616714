// How element-by-element kernels read and write rows of fp16 or fp32 as float
// lanes: whole vectors and tails. Included once per Highway target. Conversions
// are hwy_compat-inl.h's; stores make every NaN canonical (P15).
#if defined(ANEREF_OPS_KERNELS_ELEMENTWISE_IO_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_ELEMENTWISE_IO_INL_H_
#undef ANEREF_OPS_KERNELS_ELEMENTWISE_IO_INL_H_
#else
#define ANEREF_OPS_KERNELS_ELEMENTWISE_IO_INL_H_
#endif

#include "hwy/highway.h"
#include "ops/kernels/hwy_compat-inl.h"
#include "runtime/core/half.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class DF>
struct HalfIo {
  using Stored = uint16_t;
  DF df;
  static float Widen(uint16_t bits) { return HalfToFloat(bits); }
  HWY_INLINE hn::Vec<DF> Load(const uint16_t* from) const {
    return compat::LoadWide(df, from);
  }
  HWY_INLINE hn::Vec<DF> LoadN(const uint16_t* from, size_t n) const {
    return compat::LoadWideFirst(df, from, n);
  }
  HWY_INLINE void Store(hn::Vec<DF> v, uint16_t* to) const {
    compat::StoreNarrow(v, df, to);
  }
  HWY_INLINE void StoreN(hn::Vec<DF> v, uint16_t* to, size_t n) const {
    compat::StoreNarrowFirst(v, df, to, n);
  }
};

template <class DF>
struct FloatIo {
  using Stored = float;
  DF df;
  static float Widen(float value) { return value; }
  HWY_INLINE hn::Vec<DF> Canonical(hn::Vec<DF> v) const {
    const auto nan = hn::BitCast(
        df, hn::Set(hn::RebindToUnsigned<DF>(), uint32_t{0x7FC00000}));
    return hn::IfThenElse(hn::Eq(v, v), v, nan);
  }
  HWY_INLINE hn::Vec<DF> Load(const float* from) const {
    return hn::LoadU(df, from);
  }
  HWY_INLINE hn::Vec<DF> LoadN(const float* from, size_t n) const {
    return compat::LoadFirst(df, from, n);
  }
  HWY_INLINE void Store(hn::Vec<DF> v, float* to) const {
    hn::StoreU(Canonical(v), df, to);
  }
  HWY_INLINE void StoreN(hn::Vec<DF> v, float* to, size_t n) const {
    compat::StoreFirst(Canonical(v), df, to, n);
  }
};

// out[i] = function(x[i]) in lanes, for a row of `count`; `out` may equal `x`.
template <class Io, class Function, class Stored = typename Io::Stored>
HWY_INLINE void MapRow(const Io& io, const Function& function, const Stored* x,
                       Stored* out, size_t count) {
  const size_t lanes = hn::Lanes(io.df);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes)
    io.Store(function(io.Load(x + i)), out + i);
  const size_t rest = count - i;
  if (rest > 0) io.StoreN(function(io.LoadN(x + i, rest)), out + i, rest);
}

// kRow for all rows of a block, compiled for the target, so that it is inlined.
template <auto kRow, class Args, class Block>
void EachRow(const Args& args, const Block& block) {
  for (size_t row = 0; row < block.rows; ++row) kRow(args, RowOf(block, row));
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // ANEREF_OPS_KERNELS_ELEMENTWISE_IO_INL_H_
