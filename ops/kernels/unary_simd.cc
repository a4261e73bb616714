// Highway twin of the cheap exact unary functions, for fp16 and fp32 rows:
// those that need sign bits only and those that one fp32 step computes exactly
// or correctly rounded. Functions made of lines are in unary_pieces_simd.cc,
// those of fp32 that curve in unary_curves_simd.cc; all others of fp16 are
// table lookups (unary.cc).
#include "ops/kernels/unary.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/unary_simd.cc"
#include "hwy/foreach_target.h"  // compiles this file once per target
//
#include "hwy/highway.h"
#include "ops/kernels/elementwise_io-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using Kind = fbs::ActivationKind;

// ---- fp16 by bits: lanes of int16, NaN made canonical (P15) ----

struct ReluBits {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V bits) const {
    // Negative numbers become 0; -0 stays (P8).
    const auto is_negative = hn::And(
        hn::Lt(bits, hn::Zero(d)), hn::Gt(bits, hn::Set(d, int16_t{-0x8000})));
    return hn::IfThenZeroElse(is_negative, bits);
  }
};
struct AbsBits {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V bits) const {
    return hn::And(bits, hn::Set(d, int16_t{0x7FFF}));
  }
};
struct NegBits {
  template <class D, class V>
  HWY_INLINE V operator()(D d, V bits) const {
    return hn::Xor(bits, hn::Set(d, int16_t{-0x8000}));
  }
};

template <class Function, class D, class V>
HWY_INLINE V ApplyBits(D d, V bits) {
  const auto magnitude = hn::And(bits, hn::Set(d, int16_t{0x7FFF}));
  const auto is_nan = hn::Gt(magnitude, hn::Set(d, int16_t{0x7C00}));
  return hn::IfThenElse(is_nan, hn::Set(d, int16_t{0x7E00}),
                        Function()(d, bits));
}

template <class Function>
void BitsRow(const UnaryArgs& /*args*/, const UnaryRow& row) {
  const hn::ScalableTag<int16_t> d;
  const size_t lanes = hn::Lanes(d);
  const auto* x = reinterpret_cast<const int16_t*>(row.x);
  auto* out = reinterpret_cast<int16_t*>(row.out);
  size_t i = 0;
  for (; i + lanes <= row.count; i += lanes)
    hn::StoreU(ApplyBits<Function>(d, hn::LoadU(d, x + i)), d, out + i);
  const size_t rest = row.count - i;
  if (rest > 0)
    compat::StoreFirst(
        ApplyBits<Function>(d, compat::LoadFirst(d, x + i, rest)), d, out + i,
        rest);
}

// A clamp between bounds that are halves already (P8): halves compare like
// their keys, int16 that ascend with the value. A bound of zero counts for both
// signs of zero; a NaN bounds nothing.
struct ClipKeys {
  int16_t low, high;          // the bounds
  int16_t low_key, high_key;  // what is less, what is greater

  static int16_t KeyOf(uint16_t bits) {
    const auto value = static_cast<int16_t>(bits);
    return static_cast<int16_t>(value ^ ((value >> 15) & 0x7FFF));
  }
  ClipKeys(uint16_t low_bits, uint16_t high_bits)
      : low(static_cast<int16_t>(low_bits)),
        high(static_cast<int16_t>(high_bits)),
        low_key(KeyOf((low_bits & 0x7FFF) == 0 ? 0x8000 : low_bits)),
        high_key(KeyOf((high_bits & 0x7FFF) == 0 ? 0 : high_bits)) {
    if ((low_bits & 0x7FFF) > 0x7C00) low_key = -0x7FFF - 1;
    if ((high_bits & 0x7FFF) > 0x7C00) high_key = 0x7FFF;
  }

  template <class D, class V>
  HWY_INLINE V operator()(D d, V bits) const {
    const auto magnitude_bits = hn::Set(d, int16_t{0x7FFF});
    const auto is_nan =
        hn::Gt(hn::And(bits, magnitude_bits), hn::Set(d, int16_t{0x7C00}));
    const auto key = [&](V v) HWY_ATTR {
      return hn::Xor(v, hn::And(hn::ShiftRight<15>(v), magnitude_bits));
    };
    const auto raised = hn::IfThenElse(hn::Lt(key(bits), hn::Set(d, low_key)),
                                       hn::Set(d, low), bits);
    const auto clamped = hn::IfThenElse(
        hn::Gt(key(raised), hn::Set(d, high_key)), hn::Set(d, high), raised);
    return hn::IfThenElse(is_nan, hn::Set(d, int16_t{0x7E00}), clamped);
  }
};

void ClipBlock(const UnaryArgs& args, const UnaryBlock& block) {
  const hn::ScalableTag<int16_t> d;
  const size_t lanes = hn::Lanes(d);
  const bool is_clip = args.function.kind == Kind::clip;
  const ClipKeys keys(StoreHalfFromDouble(is_clip ? args.function.alpha : 0.0),
                      StoreHalfFromDouble(is_clip ? args.function.beta : 6.0));
  for (size_t r = 0; r < block.rows; ++r) {
    const UnaryRow row = RowOf(block, r);
    const auto* x = reinterpret_cast<const int16_t*>(row.x);
    auto* out = reinterpret_cast<int16_t*>(row.out);
    size_t i = 0;
    for (; i + lanes <= row.count; i += lanes)
      hn::StoreU(keys(d, hn::LoadU(d, x + i)), d, out + i);
    const size_t rest = row.count - i;
    if (rest > 0)
      compat::StoreFirst(keys(d, compat::LoadFirst(d, x + i, rest)), d, out + i,
                         rest);
  }
}

// ---- one fp32 step ----

// Bounds of a clamp in the element's type: rounding is monotone, so rounding
// the bounds first changes nothing.
struct FloatBounds {
  float low;
  float high;
};
template <class Stored>
float RoundBound(double bound) {
  if constexpr (sizeof(Stored) == 2)
    return HalfToFloat(StoreHalfFromDouble(bound));
  return static_cast<float>(bound);
}

struct ReluLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const FloatBounds& /*bounds*/, V x) const {
    return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
  }
};
struct ClampLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const FloatBounds& bounds, V x) const {
    const auto low = hn::Set(d, bounds.low);
    const auto high = hn::Set(d, bounds.high);
    const auto raised = hn::IfThenElse(hn::Lt(x, low), low, x);
    return hn::IfThenElse(hn::Lt(high, raised), high, raised);
  }
};
struct AbsLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, const FloatBounds& /*bounds*/, V x) const {
    return hn::Abs(x);
  }
};
struct NegLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const FloatBounds& /*bounds*/, V x) const {
    return hn::Xor(x, hn::Set(d, -0.0f));
  }
};
struct SquareLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, const FloatBounds& /*bounds*/, V x) const {
    return hn::Mul(x, x);
  }
};
// Correctly rounded in fp32, hence in fp16, too: 24 >= 2 * 11 + 2 bits.
struct SqrtLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, const FloatBounds& /*bounds*/, V x) const {
    return hn::Sqrt(x);
  }
};
struct InverseLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const FloatBounds& /*bounds*/, V x) const {
    return hn::Div(hn::Set(d, 1.0f), x);
  }
};
// CopySign: some targets' fallbacks lose the sign of a zero.
struct FloorLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, const FloatBounds& /*bounds*/, V x) const {
    return hn::CopySign(hn::Floor(x), x);
  }
};
struct CeilLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, const FloatBounds& /*bounds*/, V x) const {
    return hn::CopySign(hn::Ceil(x), x);
  }
};
struct RoundLanes {
  template <class D, class V>
  HWY_INLINE V operator()(D /*d*/, const FloatBounds& /*bounds*/, V x) const {
    return hn::CopySign(hn::Round(x), x);
  }
};

template <class Io, class Function>
void FloatRow(const UnaryArgs& args, const UnaryRow& row) {
  using Stored = typename Io::Stored;
  const Io io{};
  const Function function;
  const bool is_clip = args.function.kind == Kind::clip;
  const FloatBounds bounds = {
      is_clip ? RoundBound<Stored>(args.function.alpha) : 0.0f,
      is_clip ? RoundBound<Stored>(args.function.beta) : 6.0f};
  const auto* x = reinterpret_cast<const Stored*>(row.x);
  auto* out = reinterpret_cast<Stored*>(row.out);
  const auto each = [&](auto v) HWY_ATTR { return function(io.df, bounds, v); };
  MapRow(io, each, x, out, row.count);
}

// ---- choice ----

template <template <class> class IoOf>
UnaryBlockFunction FindForType(Kind kind) {
  using Io = IoOf<hn::ScalableTag<float>>;
  switch (kind) {
    case Kind::relu:
      return EachRow<FloatRow<Io, ReluLanes>>;
    case Kind::relu6:
    case Kind::clip:
      return EachRow<FloatRow<Io, ClampLanes>>;
    case Kind::abs:
      return EachRow<FloatRow<Io, AbsLanes>>;
    case Kind::neg:
      return EachRow<FloatRow<Io, NegLanes>>;
    case Kind::square:
      return EachRow<FloatRow<Io, SquareLanes>>;
    case Kind::sqrt:
      return EachRow<FloatRow<Io, SqrtLanes>>;
    case Kind::inverse:
      return EachRow<FloatRow<Io, InverseLanes>>;
    case Kind::floor:
      return EachRow<FloatRow<Io, FloorLanes>>;
    case Kind::ceil:
      return EachRow<FloatRow<Io, CeilLanes>>;
    case Kind::round:
      return EachRow<FloatRow<Io, RoundLanes>>;
    default:
      return nullptr;
  }
}

UnaryBlockFunction FindUnary(Kind kind, DataType type) {
  if (type == DataType::kFloat32) return FindForType<FloatIo>(kind);
  if (kind == Kind::relu) return EachRow<BitsRow<ReluBits>>;
  if (kind == Kind::abs) return EachRow<BitsRow<AbsBits>>;
  if (kind == Kind::neg) return EachRow<BitsRow<NegBits>>;
  if (kind == Kind::clip || kind == Kind::relu6) return ClipBlock;
  return FindForType<HalfIo>(kind);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {
HWY_EXPORT(FindUnary);
}  // namespace

UnaryBlockFunction SimdUnary(const UnaryFunction& function, DataType type) {
  // The lanes of inverse know no epsilon.
  if (function.kind == fbs::ActivationKind::inverse && function.alpha != 0.0)
    return nullptr;
  if (type != DataType::kFloat16 && type != DataType::kFloat32) return nullptr;
  UnaryBlockFunction found =
      HWY_DYNAMIC_DISPATCH(FindUnary)(function.kind, type);
  if (found == nullptr) found = SimdPieces(function, type);
  if (found == nullptr && type == DataType::kFloat32)
    found = SimdCurve(function);
  return found;
}

}  // namespace aneref
#endif  // HWY_ONCE
