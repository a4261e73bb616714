// Highway twin of the functions made of lines: leaky_relu, linear,
// hard_sigmoid, hard_swish. fp32 runs in double, as the definition (P7). fp16
// runs in fp32 between two bounds of the exact value: where both round to the
// same half, that is the one; else the vector runs in double.
#include <algorithm>
#include <cmath>

#include "ops/kernels/unary.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/unary_pieces_simd.cc"
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

// ---- in double: the steps of EvaluateUnary ----

template <class D, class V, class T>
HWY_INLINE V ClampBetween(D d, V x, T low, T high) {
  const auto raised =
      hn::IfThenElse(hn::Lt(x, hn::Set(d, low)), hn::Set(d, low), x);
  return hn::IfThenElse(hn::Lt(hn::Set(d, high), raised), hn::Set(d, high),
                        raised);
}

struct LeakyReluWide {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const UnaryFunction& f, V x) const {
    return hn::IfThenElse(hn::Lt(x, hn::Zero(d)),
                          hn::Mul(hn::Set(d, f.alpha), x), x);
  }
};
struct LinearWide {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const UnaryFunction& f, V x) const {
    return hn::Add(hn::Mul(hn::Set(d, f.alpha), x), hn::Set(d, f.beta));
  }
};
struct HardSigmoidWide {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const UnaryFunction& f, V x) const {
    return ClampBetween(d, LinearWide()(d, f, x), 0.0, 1.0);
  }
};
struct HardSwishWide {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const UnaryFunction& /*f*/, V x) const {
    const auto factor = ClampBetween(d, hn::Add(x, hn::Set(d, 3.0)), 0.0, 6.0);
    const auto product = hn::Div(hn::Mul(x, factor), hn::Set(d, 6.0));
    return hn::IfThenElse(hn::Eq(factor, hn::Zero(d)),
                          hn::CopySign(hn::Zero(d), x), product);
  }
};

// Cuts a double to 24 significant bits, the last one sticky (round to odd):
// rounding that to fp16 is one rounding of the double, because two bits more
// than fp16 has and the knowledge of a rest suffice.
template <class D, class V>
HWY_INLINE V RoundToOdd(D d, V x) {
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(du, x);
  const auto rest = hn::Set(du, uint64_t{0x1FFFFFFF});
  const auto sticky = hn::And(hn::Add(hn::And(bits, rest), rest),
                              hn::Set(du, uint64_t{0x20000000}));
  return hn::BitCast(d, hn::Or(hn::AndNot(rest, bits), sticky));
}

template <class Stored, class Function, class D, class VF>
HWY_INLINE VF ApplyWide(D d, const UnaryFunction& f, VF x) {
  const auto y = Function()(d, f, hn::PromoteTo(d, x));
  if constexpr (sizeof(Stored) == 2)
    return compat::NarrowDouble(d, RoundToOdd(d, y));
  return compat::NarrowDouble(d, y);
}

// Io's lanes are as many as doubles fit into a vector.
template <class Io, class Function>
void WideRow(const UnaryArgs& args, const UnaryRow& row) {
  using Stored = typename Io::Stored;
  const hn::ScalableTag<double> d;
  const Io io{};
  const auto* x = reinterpret_cast<const Stored*>(row.x);
  auto* out = reinterpret_cast<Stored*>(row.out);
  const auto each = [&](auto v) HWY_ATTR {
    return ApplyWide<Stored, Function>(d, args.function, v);
  };
  MapRow(io, each, x, out, row.count);
}

// ---- fp16 between two bounds ----

// A few roundings of fp32, each of 2^-24: relative, or of the greatest term.
constexpr float kSlack = 0x1p-21f;
template <class V>
struct Between {
  V low, high;
};

// Bounds of a product: its sign stays, also that of zero.
template <class D, class V>
HWY_INLINE Between<V> AroundProduct(D d, V y) {
  return {hn::Mul(y, hn::Set(d, 1.0f - kSlack)),
          hn::Mul(y, hn::Set(d, 1.0f + kSlack))};
}

struct LeakyReluBounds {
  template <class D, class V>
  HWY_INLINE Between<V> operator()(D d, const UnaryFunction& f, V x) const {
    const V below = hn::Mul(hn::Set(d, static_cast<float>(f.alpha)), x);
    const auto bounds = AroundProduct(d, below);
    const auto is_negative = hn::Lt(x, hn::Zero(d));
    return {hn::IfThenElse(is_negative, bounds.low, x),
            hn::IfThenElse(is_negative, bounds.high, x)};
  }
};
struct LinearBounds {
  template <class D, class V>
  HWY_INLINE Between<V> operator()(D d, const UnaryFunction& f, V x) const {
    const V product = hn::Mul(hn::Set(d, static_cast<float>(f.alpha)), x);
    const V offset = hn::Set(d, static_cast<float>(f.beta));
    const V sum = hn::Add(product, offset);
    const V error =
        hn::Mul(hn::Add(hn::Abs(product), hn::Abs(offset)), hn::Set(d, kSlack));
    return {hn::Sub(sum, error), hn::Add(sum, error)};
  }
};
struct HardSigmoidBounds {
  template <class D, class V>
  HWY_INLINE Between<V> operator()(D d, const UnaryFunction& f, V x) const {
    const auto [low, high] = LinearBounds()(d, f, x);
    return {ClampBetween(d, low, 0.0f, 1.0f),
            ClampBetween(d, high, 0.0f, 1.0f)};
  }
};
struct HardSwishBounds {
  template <class D, class V>
  HWY_INLINE Between<V> operator()(D d, const UnaryFunction& /*f*/, V x) const {
    const V factor = ClampBetween(d, hn::Add(x, hn::Set(d, 3.0f)), 0.0f, 6.0f);
    const V product =
        hn::Mul(hn::Mul(x, factor), hn::Set(d, static_cast<float>(1.0 / 6)));
    const V zero = hn::Zero(d);
    return AroundProduct(d, hn::IfThenElse(hn::Eq(factor, zero),
                                           hn::CopySign(zero, x), product));
  }
};

// The half between both bounds; false where some lane's may be another one, or
// none that is finite.
template <class DF, class V, class DH = hn::Rebind<uint16_t, DF>>
HWY_INLINE hn::Mask<DH> IsOneHalf(DF df, const Between<V>& bounds,
                                  hn::Vec<DH>* half) {
  const DH dh;
#if ANEREF_NATIVE_HALF
  const hn::Rebind<hwy::float16_t, DF> df16;
  *half = hn::BitCast(dh, hn::DemoteTo(df16, bounds.low));
  const auto high = hn::BitCast(dh, hn::DemoteTo(df16, bounds.high));
  const auto is_finite =
      hn::Lt(hn::Add(high, high), hn::Set(dh, uint16_t{2 * 0x7C00}));
#else
  *half = compat::NarrowHalf(df, bounds.low);
  const auto high = compat::NarrowHalf(df, bounds.high);
  const auto is_finite =
      hn::Lt(hn::Add(high, high), hn::Set(dh, uint16_t{2 * 0x7BFF}));
#endif
  return hn::And(hn::Eq(*half, high), is_finite);
}

template <class Bounds, class Wide>
void HalfRow(const UnaryArgs& args, const UnaryRow& row) {
  const hn::ScalableTag<float> df;
  const hn::Rebind<uint16_t, decltype(df)> dh;
  const HalfIo<hn::ScalableTag<float>> io{};
  using WideIo = HalfIo<hn::Rebind<float, hn::ScalableTag<double>>>;
  const auto* x = reinterpret_cast<const uint16_t*>(row.x);
  auto* out = reinterpret_cast<uint16_t*>(row.out);
  const UnaryFunction f = args.function;  // a copy, which no store changes
  const auto wide = [&](size_t i, size_t count) {
    WideRow<WideIo, Wide>(
        args, {row.x + i * sizeof(*x), row.out + i * sizeof(*out), count});
  };
  const size_t lanes = hn::Lanes(df);
  size_t i = 0;
  for (; i + 2 * lanes <= row.count; i += 2 * lanes) {
    hn::Vec<decltype(dh)> first, second;
    const auto ones = hn::And(
        IsOneHalf(df, Bounds()(df, f, io.Load(x + i)), &first),
        IsOneHalf(df, Bounds()(df, f, io.Load(x + i + lanes)), &second));
    if (HWY_LIKELY(hn::AllTrue(dh, ones))) {
      hn::StoreU(first, dh, out + i);
      hn::StoreU(second, dh, out + i + lanes);
    } else {
      wide(i, 2 * lanes);
    }
  }
  for (; i < row.count; i += lanes) {
    const size_t count = std::min(lanes, row.count - i);
    hn::Vec<decltype(dh)> half;
    const auto one =
        IsOneHalf(df, Bounds()(df, f, io.LoadN(x + i, count)), &half);
    if (HWY_LIKELY(hn::AllTrue(dh, one))) {
      compat::StoreFirst(half, dh, out + i, count);
    } else {
      wide(i, count);
    }
  }
}

// ---- choice ----

template <class Bounds, class Wide>
UnaryBlockFunction Piece(DataType type) {
  using WideIo = FloatIo<hn::Rebind<float, hn::ScalableTag<double>>>;
  if (type == DataType::kFloat16) return EachRow<HalfRow<Bounds, Wide>>;
  return EachRow<WideRow<WideIo, Wide>>;
}

UnaryBlockFunction FindPieces(Kind kind, DataType type) {
  switch (kind) {
    case Kind::leaky_relu:
      return Piece<LeakyReluBounds, LeakyReluWide>(type);
    case Kind::linear:
      return Piece<LinearBounds, LinearWide>(type);
    case Kind::hard_sigmoid:
      return Piece<HardSigmoidBounds, HardSigmoidWide>(type);
    case Kind::hard_swish:
      return Piece<HardSwishBounds, HardSwishWide>(type);
    default:
      return nullptr;
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {
HWY_EXPORT(FindPieces);
}  // namespace

UnaryBlockFunction SimdPieces(const UnaryFunction& function, DataType type) {
  // Parameters beyond this overflow fp32 where a half saturates (P2).
  constexpr double kMost = 0x1p100;
  const bool fits =
      std::abs(function.alpha) <= kMost && std::abs(function.beta) <= kMost;
  if (type == DataType::kFloat16 && !fits) return nullptr;
  return HWY_DYNAMIC_DISPATCH(FindPieces)(function.kind, type);
}

}  // namespace aneref
#endif  // HWY_ONCE
