// The Highway twin of device_rows.cc. fp32 has 24 >= 2 * 11 + 2 bits, so an
// exact fp32 step followed by the store rounds as one rounding of the exact
// result does, to even and away from zero alike.
#include "ops/kernels/device_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/device_rows_simd.cc"
#include "hwy/foreach_target.h"  // compiles this file once per target
//
#include "hwy/highway.h"
#include "ops/kernels/acc-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace {

using acc::Float;
using acc::Int;
using TagHalf = hn::Rebind<uint16_t, acc::Tag>;

// N5, N7.
HWY_INLINE Float Value(Int half) {
  const acc::Tag d;
  const acc::TagInt di;
  const Int magnitude = hn::And(half, hn::Set(di, 0x7FFF));
  const Int sign = hn::ShiftLeft<16>(hn::Sub(half, magnitude));
  const Int normal =
      hn::Add(hn::ShiftLeft<13>(magnitude), hn::Set(di, 112 << 23));
  const Int denormal =
      acc::Bits(hn::Mul(hn::ConvertTo(d, magnitude), hn::Set(d, 0x1p-24f)));
  const auto is_denormal = hn::Gt(hn::Set(di, 0x0400), magnitude);
  const Int value = hn::Or(hn::IfThenElse(is_denormal, denormal, normal), sign);
  return hn::Add(acc::FromBits(value), hn::Zero(d));
}

// RHA16, with infinity from 65520 on.
HWY_INLINE Int NarrowAway(Float v) {
  const acc::Tag d;
  const acc::TagInt di;
  const Int bits = acc::Bits(v);
  const Int magnitude = hn::And(bits, hn::Set(di, 0x7FFFFFFF));
  const Int normal = hn::ShiftRight<13>(
      hn::Add(hn::Sub(magnitude, hn::Set(di, 112 << 23)), hn::Set(di, 0x1000)));
  const auto is_small = hn::Gt(hn::Set(di, 0x38800000), magnitude);
  const Float units = hn::IfThenElseZero(
      hn::RebindMask(d, is_small),
      hn::Mul(acc::FromBits(magnitude), hn::Set(d, 0x1p24f)));
  const Int whole = hn::ConvertTo(di, units);
  const Float rest = hn::Sub(units, hn::ConvertTo(d, whole));
  const Int carry = hn::IfThenElseZero(
      hn::RebindMask(di, hn::Ge(rest, hn::Set(d, 0.5f))), hn::Set(di, 1));
  Int half = hn::IfThenElse(is_small, hn::Add(whole, carry), normal);
  half = hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0x477FEFFF)),
                        hn::Set(di, 0x7C00), half);
  return hn::Or(half, hn::And(hn::ShiftRight<16>(bits), hn::Set(di, 0x8000)));
}

template <bool kAway>
HWY_INLINE Int Narrow(Float v) {
  Int half;
  if constexpr (kAway)
    half = NarrowAway(v);
  else
    half = acc::NarrowBits(v);
  // N6: indeterminate forms give +0.
  half = hn::IfThenElseZero(hn::RebindMask(acc::TagInt(), hn::Eq(v, v)), half);
  return acc::DropZeroSign(half);
}

HWY_INLINE Int LoadHalves(const uint16_t* from, size_t n) {
  const TagHalf dh;
  return hn::PromoteTo(acc::TagInt(), n == hn::Lanes(dh)
                                          ? hn::LoadU(dh, from)
                                          : compat::LoadFirst(dh, from, n));
}

HWY_INLINE void StoreHalves(Int bits, uint16_t* to, size_t n) {
  const TagHalf dh;
  const auto halves = hn::DemoteTo(dh, bits);
  if (n == hn::Lanes(dh))
    hn::StoreU(halves, dh, to);
  else
    compat::StoreFirst(halves, dh, to, n);
}

// Calls step(first, count) for vectors of a row.
template <class Step>
HWY_INLINE void ForVectors(size_t count, const Step& step) {
  const size_t lanes = hn::Lanes(acc::Tag());
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) step(i, lanes);
  if (i < count) step(i, count - i);
}

void Decode(const uint16_t* in, size_t count, float* out) {
  const acc::Tag d;
  ForVectors(count, [&](size_t i, size_t n) HWY_ATTR {
    const Float v = Value(LoadHalves(in + i, n));
    if (n == hn::Lanes(d))
      hn::StoreU(v, d, out + i);
    else
      compat::StoreFirst(v, d, out + i, n);
  });
}

template <bool kAway>
void StoreRow(const float* in, size_t count, uint16_t* out) {
  const acc::Tag d;
  ForVectors(count, [&](size_t i, size_t n) HWY_ATTR {
    const Float v = n == hn::Lanes(d) ? hn::LoadU(d, in + i)
                                      : compat::LoadFirst(d, in + i, n);
    StoreHalves(Narrow<kAway>(v), out + i, n);
  });
}

void Store(Rounding rounding, const float* in, size_t count, uint16_t* out) {
  if (rounding == Rounding::kHalfAway) return StoreRow<true>(in, count, out);
  StoreRow<false>(in, count, out);
}

// N34: 0 / y = x / inf = +0, x / 0 is infinite with the sign of x.
HWY_INLINE Float Quotient(Float x, Float y) {
  const acc::Tag d;
  const auto is_zero =
      hn::Or(hn::Eq(x, hn::Zero(d)), hn::Ge(hn::Abs(y), hn::Set(d, 65536.0f)));
  return hn::IfThenZeroElse(is_zero, hn::Div(x, y));
}

template <PlanarOp kOp>
HWY_INLINE Float Apply(Float x, Float y) {
  if constexpr (kOp == PlanarOp::kAdd) return hn::Add(x, y);
  if constexpr (kOp == PlanarOp::kSub) return hn::Sub(x, y);
  if constexpr (kOp == PlanarOp::kMul) return hn::Mul(x, y);
  if constexpr (kOp == PlanarOp::kDiv) return Quotient(x, y);
  if constexpr (kOp == PlanarOp::kMax)
    return hn::IfThenElse(hn::Gt(x, y), x, y);
  return hn::IfThenElse(hn::Lt(x, y), x, y);
}

template <bool kAway, PlanarOp kOp>
void Row(HalfOperand x, HalfOperand y, size_t count, uint16_t* out) {
  const acc::TagInt di;
  if (count == 0) return;
  const Float first_x = Value(hn::Set(di, x.data[0]));
  const Float first_y = Value(hn::Set(di, y.data[0]));
  ForVectors(count, [&](size_t i, size_t n) HWY_ATTR {
    const Float a = x.repeats ? first_x : Value(LoadHalves(x.data + i, n));
    const Float b = y.repeats ? first_y : Value(LoadHalves(y.data + i, n));
    StoreHalves(Narrow<kAway>(Apply<kOp>(a, b)), out + i, n);
  });
}

template <bool kAway>
void RowOf(PlanarOp op, HalfOperand x, HalfOperand y, size_t count,
           uint16_t* out) {
  switch (op) {
    case PlanarOp::kAdd:
      return Row<kAway, PlanarOp::kAdd>(x, y, count, out);
    case PlanarOp::kSub:
      return Row<kAway, PlanarOp::kSub>(x, y, count, out);
    case PlanarOp::kMul:
      return Row<kAway, PlanarOp::kMul>(x, y, count, out);
    case PlanarOp::kDiv:
      return Row<kAway, PlanarOp::kDiv>(x, y, count, out);
    case PlanarOp::kMax:
      return Row<kAway, PlanarOp::kMax>(x, y, count, out);
    case PlanarOp::kMin:
      return Row<kAway, PlanarOp::kMin>(x, y, count, out);
  }
}

void Arithmetic(Rounding rounding, PlanarOp op, HalfOperand x, HalfOperand y,
                size_t count, uint16_t* out) {
  if (rounding == Rounding::kHalfAway) return RowOf<true>(op, x, y, count, out);
  RowOf<false>(op, x, y, count, out);
}

void Accumulate(const uint16_t* in, size_t count, float* sums) {
  const acc::Tag d;
  ForVectors(count, [&](size_t i, size_t n) HWY_ATTR {
    const Float v = Value(LoadHalves(in + i, n));
    if (n == hn::Lanes(d))
      hn::StoreU(hn::Add(hn::LoadU(d, sums + i), v), d, sums + i);
    else
      compat::StoreFirst(hn::Add(compat::LoadFirst(d, sums + i, n), v), d,
                         sums + i, n);
  });
}

constexpr DeviceRows kRows = {Decode, Store, Arithmetic, Accumulate};

}  // namespace

const DeviceRows& DeviceRowsOfTarget() { return kRows; }

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {
HWY_EXPORT(DeviceRowsOfTarget);
}  // namespace

const DeviceRows& SimdDeviceRows() {
  return HWY_DYNAMIC_DISPATCH(DeviceRowsOfTarget)();
}

}  // namespace aneref
#endif  // HWY_ONCE
