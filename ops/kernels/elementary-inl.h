// Vector twins of runtime/core/elementary.h (P7): lanes of double, the same
// steps in the same order, hence the same bits. Included once per target,
// after hwy/highway.h.
#if defined(ANEREF_OPS_KERNELS_ELEMENTARY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_ELEMENTARY_INL_H_
#undef ANEREF_OPS_KERNELS_ELEMENTARY_INL_H_
#else
#define ANEREF_OPS_KERNELS_ELEMENTARY_INL_H_
#endif

#include "hwy/highway.h"
#include "ops/kernels/hwy_compat-inl.h"
#include "runtime/core/elementary.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace lanes {

namespace el = elementary;

// 1/2! + x/3! + ... + x^12/14!
template <class D, class V>
HWY_INLINE V ExpSeries(D d, V x) {
  constexpr size_t kCount = std::size(el::kInverseFactorials);
  V sum = hn::Set(d, el::kInverseFactorials[kCount - 1]);
  ANEREF_UNROLL for (size_t i = 2; i <= kCount; ++i) sum =
      hn::Add(hn::Mul(sum, x), hn::Set(d, el::kInverseFactorials[kCount - i]));
  return sum;
}

// value * 2^n with one rounding; n holds integers of at most 1100.
template <class D, class V>
HWY_INLINE V Scale(D d, V value, V n) {
  const hn::RebindToUnsigned<D> du;
  // Adding 1.5 * 2^52 leaves the integer in the low bits.
  const V magic = hn::Set(d, 0x1.8p52);
  const auto power = [&](V exponent) HWY_ATTR {
    const auto integer = hn::Sub(hn::BitCast(du, hn::Add(exponent, magic)),
                                 hn::BitCast(du, magic));
    return hn::BitCast(
        d, hn::ShiftLeft<52>(hn::Add(integer, hn::Set(du, uint64_t{1023}))));
  };
  // The first product is exact, so that it does not matter how n is halved.
  const V first = hn::Floor(hn::Mul(n, hn::Set(d, 0.5)));
  return hn::Mul(hn::Mul(value, power(first)), power(hn::Sub(n, first)));
}

// Lanes that are NaN become the one NaN.
template <class D, class V>
HWY_INLINE V KeepNan(D d, V x, V result) {
  const hn::RebindToUnsigned<D> du;
  const V nan = hn::BitCast(d, hn::Set(du, uint64_t{0x7FF8000000000000}));
  return hn::IfThenElse(hn::Eq(x, x), result, nan);
}

// e^x and e^x - 1, which share the reduction.
template <bool kMinusOne, class D, class V>
HWY_INLINE V ExpOrExpm1(D d, V x) {
  const V zero = hn::Zero(d), one = hn::Set(d, 1.0);
  const auto too_large = hn::Gt(x, hn::Set(d, 710.0));
  const auto too_small = hn::Lt(x, hn::Set(d, -746.0));
  const auto inside =
      hn::And(hn::Le(x, hn::Set(d, 710.0)), hn::Ge(x, hn::Set(d, -746.0)));
  const V hi = hn::IfThenElseZero(inside, x);
  const V n =
      hn::Floor(hn::Add(hn::Mul(hi, hn::Set(d, el::kLog2E)), hn::Set(d, 0.5)));
  // TwoSum of what is left of x.
  const V a = hn::Sub(hi, hn::Mul(n, hn::Set(d, el::kLn2Hi)));
  const V b = hn::Sub(zero, hn::Mul(n, hn::Set(d, el::kLn2Lo)));
  const V sum = hn::Add(a, b);
  const V b_part = hn::Sub(sum, a);
  const V low = hn::Add(hn::Sub(a, hn::Sub(sum, b_part)), hn::Sub(b, b_part));

  const auto is_small = hn::Le(hn::Abs(x), hn::Set(d, 0.25));
  const V r = kMinusOne ? hn::IfThenElse(is_small, x, sum) : sum;
  const V square = hn::Mul(hn::Mul(r, r), ExpSeries(d, r));
  const V tail = hn::Add(low, square);
  V power = Scale(d, hn::Add(one, hn::Add(sum, tail)), n);
  power = hn::IfThenElse(
      too_large, hn::Set(d, std::numeric_limits<double>::infinity()), power);
  power = hn::IfThenElse(too_small, zero, power);
  if constexpr (kMinusOne) {
    power = hn::Sub(power, one);
    const V small = hn::IfThenElse(hn::Eq(x, zero), x, hn::Add(x, square));
    power = hn::IfThenElse(is_small, small, power);
  }
  return KeepNan(d, x, power);
}
template <class D, class V>
HWY_INLINE V Exp(D d, V x) {
  return ExpOrExpm1<false>(d, x);
}
template <class D, class V>
HWY_INLINE V Expm1(D d, V x) {
  return ExpOrExpm1<true>(d, x);
}

template <class D, class V>
HWY_INLINE V Sigmoid(D d, V x) {
  const V one = hn::Set(d, 1.0);
  const V power = Exp(d, hn::Neg(hn::Abs(x)));
  const V top = hn::IfThenElse(hn::Ge(x, hn::Zero(d)), one, power);
  return KeepNan(d, x, hn::Div(top, hn::Add(one, power)));
}

template <class D, class V>
HWY_INLINE V Tanh(D d, V x) {
  const V magnitude = hn::Abs(x);
  const V t = Expm1(d, hn::Mul(hn::Set(d, 2.0), magnitude));
  const V curve = hn::Div(t, hn::Add(t, hn::Set(d, 2.0)));
  const V result = hn::IfThenElse(hn::Gt(magnitude, hn::Set(d, 22.0)),
                                  hn::Set(d, 1.0), curve);
  return KeepNan(d, x, hn::CopySign(result, x));
}

}  // namespace lanes
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // toggle
