// Vector forms of the engine's accumulators (N10-N20), one output per lane, bit
// for bit those of runtime/core/accumulator.h. Operands come decoded as fp32
// (exact). Each accumulator has an Add without checks, for sums that a bound
// proves to stay in range, and one that follows every overflow. Included once
// per Highway target, after hwy/highway.h.
#if defined(ANEREF_OPS_KERNELS_ACC_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_ACC_INL_H_
#undef ANEREF_OPS_KERNELS_ACC_INL_H_
#else
#define ANEREF_OPS_KERNELS_ACC_INL_H_
#endif

#include "hwy/highway.h"
#include "ops/kernels/hwy_compat-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace acc {

using Tag = hn::CappedTag<float, 16>;
using TagInt = hn::RebindToSigned<Tag>;
using Float = hn::Vec<Tag>;
using Int = hn::Vec<TagInt>;
using Mask = hn::Mask<Tag>;

HWY_INLINE Int Bits(Float v) { return hn::BitCast(TagInt(), v); }
HWY_INLINE Float FromBits(Int v) { return hn::BitCast(Tag(), v); }

// Truncates lanes with |v| < 2^31; 0 where `drop`. Highway's ConvertTo also
// mends overflowed lanes, which costs four more instructions.
HWY_INLINE Int TruncateUnless(Mask drop, Float v) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  return Int{_mm512_maskz_cvttps_epi32(hn::Not(drop).raw, v.raw)};
#elif HWY_ARCH_X86 && HWY_TARGET == HWY_AVX2
  return hn::IfThenZeroElse(hn::RebindMask(TagInt(), drop),
                            Int{_mm256_cvttps_epi32(v.raw)});
#elif HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  return hn::IfThenZeroElse(hn::RebindMask(TagInt(), drop),
                            Int{_mm_cvttps_epi32(v.raw)});
#else
  return hn::ConvertTo(TagInt(), hn::IfThenZeroElse(drop, v));
#endif
}

// Below this sum of |x * w| (and |bias|) no partial sum of either accumulator
// reaches 32768: room for the roundings of N10, N11, N16 and of the bound.
constexpr float kSafeSum = 31000.0f;

// Remembers the sign of the first value that overflowed (sticky: N18, N20).
HWY_INLINE Int FirstOverflow(Int overflow, hn::Mask<TagInt> over, Int sign) {
  const TagInt di;
  const auto is_first = hn::And(over, hn::Eq(overflow, hn::Zero(di)));
  const Int one = hn::Or(hn::ShiftRight<31>(sign), hn::Set(di, 1));  // 1 or -1
  return hn::IfThenElse(is_first, one, overflow);
}

// ---- q15_16 (N15-N18) ----

struct FixedState {
  Int sum;       // in units of 2^-16
  Int overflow;  // 0, 1 or -1
};
// One factor, the same in all lanes: value * 2^16, the smallest |w| whose
// product is not dropped (N16), and 0.5 with the sign of the value.
struct FixedRow {
  Float scaled;
  Float threshold;
  Float half;
};
struct FixedColumn {
  Float value;
  Float magnitude;
  Float sign;
};
// The row's threshold and half for a decoded operand (N16): the product is
// dropped when exp(x) + exp(w) <= -17, that is |w| < 2^(-16 - exp(x)); with
// denormals at -14 that never happens from exp(x) = -2 on.
HWY_INLINE float DropThreshold(float x) {
  const float magnitude = x < 0.0f ? -x : x;
  if (magnitude >= 0x1p-2f) return 0.0f;
  const float at_least = magnitude < 0x1p-14f ? 0x1p-14f : magnitude;
  uint32_t bits;
  std::memcpy(&bits, &at_least, sizeof(bits));
  // 2^(-16 - e): biased exponent 127 - 16 - e, where e is biased by 127.
  const uint32_t power = (238u - (bits >> 23)) << 23;
  float threshold;
  std::memcpy(&threshold, &power, sizeof(threshold));
  return threshold;
}

HWY_INLINE FixedColumn MakeColumn(Float w) {
  const Tag d;
  return {w, hn::Abs(w), hn::And(w, hn::Set(d, -0.0f))};
}

// Exact while no partial sum and no product reaches 2^31.
HWY_INLINE Int FixedAdd(Int sum, const FixedRow& x, const FixedColumn& w) {
  // RHA: half away from zero, then truncation. 22-bit products leave room for
  // the half wherever it matters, so fused and unfused agree.
  const Float rounded = hn::MulAdd(x.scaled, w.value, hn::Xor(x.half, w.sign));
  return hn::Add(sum,
                 TruncateUnless(hn::Lt(w.magnitude, x.threshold), rounded));
}

// N18 at every addition, for products of any size.
HWY_INLINE FixedState FixedAddChecked(FixedState state, const FixedRow& x,
                                      const FixedColumn& w) {
  const Tag d;
  const TagInt di;
  const Float product = hn::Mul(x.scaled, w.value);
  const Float magnitude = hn::Abs(product);
  // A product in [2^31, 2^32) may still be pulled back by an opposite sum: add
  // it as two exact halves. From 2^32 on nothing can.
  const Mask huge = hn::Ge(magnitude, hn::Set(d, 0x1p32f));
  const Mask big = hn::Ge(magnitude, hn::Set(d, 0x1p30f));
  const Mask skip = hn::Or(huge, hn::Lt(w.magnitude, x.threshold));
  const Float part = hn::IfThenElse(big, hn::Mul(product, hn::Set(d, 0.5f)),
                                    hn::Add(product, hn::Xor(x.half, w.sign)));
  const Int first = TruncateUnless(skip, hn::IfThenZeroElse(skip, part));
  const Int second = hn::IfThenElseZero(hn::RebindMask(di, big), first);
  const Int middle = hn::Add(state.sum, first);
  const Int sum = hn::Add(middle, second);
  const Int wrapped =
      hn::Or(hn::And(hn::Xor(state.sum, middle), hn::Xor(first, middle)),
             hn::And(hn::Xor(middle, sum), hn::Xor(second, sum)));
  const auto lowest = hn::Eq(sum, hn::Set(di, hwy::LimitsMin<int32_t>()));
  const auto over = hn::Or(hn::Or(hn::Lt(wrapped, hn::Zero(di)), lowest),
                           hn::RebindMask(di, huge));
  return {hn::IfThenZeroElse(over, sum),
          FirstOverflow(state.overflow, over, Bits(product))};
}

// N19: RHA16(sum * 2^-16), a zero is +0, an overflow stays. fp16 bits in int32
// lanes.
HWY_INLINE Int FixedFinish(const FixedState& state) {
  const Tag d;
  const TagInt di;
  const Int magnitude = hn::Abs(state.sum);
  // Half away needs no bit below the half, so the low byte of a long number
  // may go; then the conversion is exact.
  const Int shortened =
      hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0xFFFFFF)),
                     hn::And(magnitude, hn::Set(di, ~0xFF)), magnitude);
  const Int bits = Bits(hn::ConvertTo(d, shortened));
  const Int normal =
      hn::Sub(hn::ShiftRight<13>(hn::Add(bits, hn::Set(di, 0x1000))),
              hn::Set(di, 128 << 10));  // exponent biases: 127 - 15 + 16
  Int half = hn::IfThenElse(hn::Gt(hn::Set(di, 4), magnitude),
                            hn::ShiftLeft<8>(magnitude), normal);
  const auto over = hn::Ne(state.overflow, hn::Zero(di));
  half = hn::IfThenElse(over, hn::Set(di, 0x7C00), half);
  // The sum went on from 0 after an overflow; its sign means nothing then.
  const Int sign = hn::IfThenElse(over, state.overflow, state.sum);
  return hn::Or(half, hn::And(hn::ShiftRight<16>(sign), hn::Set(di, 0x8000)));
}

// ---- radix4_w12 (N10-N12, N20) ----

struct Radix4State {
  Float sum;     // binary32 across groups
  Int overflow;  // 0, 1 or -1
};

HWY_INLINE Int ExponentBits(Float v) {
  return hn::And(Bits(v), hn::Set(TagInt(), 0x7F800000));
}
// For exponent bits of 2^e: 1.5 * 2^(e + 12), whose unit is 2^(e - 11). Adding
// and subtracting it rounds |v| < 2^(e + 2) to a multiple of that unit, RNE.
HWY_INLINE Float Window(Int exponent_bits) {
  return FromBits(
      hn::Add(exponent_bits, hn::Set(TagInt(), (12 << 23) | 0x400000)));
}
HWY_INLINE Float RoundIn(Float window, Float v) {
  return hn::Sub(hn::Add(v, window), window);
}
// v to 12 significant bits.
HWY_INLINE Float Round12(Float v) {
  return RoundIn(Window(ExponentBits(v)), v);
}

// N10. A sum below 2^(e+1) has at most 12 bits already, so that Round12 only
// changes those with exponent e+1.
HWY_INLINE Float WindowAdd(Float a, Float b) {
  const Float window = Window(hn::Max(ExponentBits(a), ExponentBits(b)));
  return Round12(hn::Add(RoundIn(window, a), RoundIn(window, b)));
}

// One group of N11.
HWY_INLINE Float Group(Float p0, Float p1, Float p2, Float p3) {
  return WindowAdd(WindowAdd(WindowAdd(Round12(p0), p1), p2), p3);
}

HWY_INLINE Int CheckCeiling(Int overflow, Float v) {
  const Tag d;
  const auto over = hn::Ge(hn::Abs(v), hn::Set(d, 32768.0f));
  return FirstOverflow(overflow, hn::RebindMask(TagInt(), over), Bits(v));
}

// N20 at every partial result.
HWY_INLINE Radix4State GroupChecked(Radix4State state, Float p0, Float p1,
                                    Float p2, Float p3) {
  Float group = Round12(p0);
  Int overflow = CheckCeiling(state.overflow, group);
  group = WindowAdd(group, p1);
  overflow = CheckCeiling(overflow, group);
  group = WindowAdd(group, p2);
  overflow = CheckCeiling(overflow, group);
  group = WindowAdd(group, p3);
  overflow = CheckCeiling(overflow, group);
  const Float sum = hn::Add(state.sum, group);
  return {sum, CheckCeiling(overflow, sum)};
}

// fp16 bits with the sign of a zero dropped (N7).
HWY_INLINE Int DropZeroSign(Int half) {
  const TagInt di;
  return hn::IfThenZeroElse(hn::Eq(half, hn::Set(di, 0x8000)), half);
}
// RNE16 with the engine's overflow: 7C00 from 65520 on (the portable store
// saturates instead, P2). fp16 bits in int32 lanes; v is finite.
HWY_INLINE Int NarrowBits(Float v) {
  const Tag d;
  const TagInt di;
  const Int bits = Bits(v);
  const Int magnitude = hn::And(bits, hn::Set(di, 0x7FFFFFFF));
  const Int odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(di, 1));
  const Int rebiased = hn::Sub(magnitude, hn::Set(di, 112 << 23));
  const Int normal =
      hn::ShiftRight<13>(hn::Add(hn::Add(rebiased, odd), hn::Set(di, 0xFFF)));
  // Below 2^-14: adding 0.5, whose unit is 2^-24, rounds to units of 2^-24.
  const Int denormal =
      hn::Sub(Bits(hn::Add(FromBits(magnitude), hn::Set(d, 0.5f))),
              hn::Set(di, 0x3F000000));
  Int half = hn::IfThenElse(hn::Gt(hn::Set(di, 0x38800000), magnitude),
                            denormal, normal);
  half = hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0x477FEFFF)),
                        hn::Set(di, 0x7C00), half);
  return hn::Or(half, hn::And(hn::ShiftRight<16>(bits), hn::Set(di, 0x8000)));
}

// N12, the last test of N20, then N21: the bias in fp16, when there is one
// (already rounded to fp16).
HWY_INLINE Int Radix4Finish(const Radix4State& state, bool has_bias,
                            Float bias) {
  const Tag d;
  const TagInt di;
  Int half = NarrowBits(state.sum);
  const Int magnitude = hn::And(half, hn::Set(di, 0x7FFF));
  const Int overflow =
      FirstOverflow(state.overflow, hn::Gt(magnitude, hn::Set(di, 0x77FF)),
                    hn::ShiftLeft<16>(half));
  if (has_bias) {
    // fp32 holds 24 >= 2 * 11 + 2 bits: rounding twice changes nothing.
    const hn::Rebind<uint16_t, Tag> dh;
    half =
        NarrowBits(hn::Add(compat::WidenHalf(d, hn::DemoteTo(dh, half)), bias));
  }
  const Int infinity =
      hn::Or(hn::And(overflow, hn::Set(di, 0x8000)), hn::Set(di, 0x7C00));
  return hn::IfThenElse(hn::Ne(overflow, hn::Zero(di)), infinity,
                        DropZeroSign(half));
}

}  // namespace acc
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // toggle
