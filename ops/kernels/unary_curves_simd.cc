// Highway twin of the functions of fp32 that curve: EvaluateUnary's steps in
// lanes of double, rounded once (P7). fp16 has tables for them.
#include <iterator>
#include <limits>

#include "ops/kernels/unary.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/unary_curves_simd.cc"
#include "hwy/foreach_target.h"  // compiles this file once per target
//
#include "hwy/highway.h"
#include "ops/kernels/elementary-inl.h"
#include "ops/kernels/elementwise_io-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using Kind = fbs::ActivationKind;

// x times a factor that tends to 0 faster than x grows.
template <class D, class V>
HWY_INLINE V Gate(D d, V x, V factor) {
  const V zero = hn::Zero(d);
  return hn::IfThenElse(hn::Eq(factor, zero), hn::CopySign(zero, x),
                        hn::Mul(x, factor));
}

struct ExpCurve {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const UnaryFunction& /*f*/, V x) const {
    return lanes::Exp(d, x);
  }
};
struct SigmoidCurve {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const UnaryFunction& /*f*/, V x) const {
    return lanes::Sigmoid(d, x);
  }
};
struct TanhCurve {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const UnaryFunction& /*f*/, V x) const {
    return lanes::Tanh(d, x);
  }
};
struct SiluCurve {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const UnaryFunction& f, V x) const {
    if (f.alpha == 0.0) return Gate(d, x, hn::Set(d, 0.5));
    return Gate(d, x, lanes::Sigmoid(d, hn::Mul(hn::Set(d, f.alpha), x)));
  }
};
struct GeluTanhCurve {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const UnaryFunction& /*f*/, V x) const {
    const V inner = hn::Add(hn::Set(d, 1.0),
                            hn::Mul(hn::Set(d, kGeluCubic), hn::Mul(x, x)));
    return Gate(d, x,
                lanes::Sigmoid(d, hn::Mul(hn::Set(d, kTwoSqrtTwoOverPi),
                                          hn::Mul(x, inner))));
  }
};
struct EluCurve {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const UnaryFunction& f, V x) const {
    const V below = hn::Mul(hn::Set(d, f.alpha), lanes::Expm1(d, x));
    return hn::IfThenElse(hn::Gt(x, hn::Zero(d)), x, below);
  }
};
struct SeluCurve {
  template <class D, class V>
  HWY_INLINE V operator()(D d, const UnaryFunction& f, V x) const {
    return hn::Mul(hn::Set(d, f.beta), EluCurve()(d, f, x));
  }
};

template <class Function>
void CurveBlock(const UnaryArgs& args, const UnaryBlock& block) {
  const hn::ScalableTag<double> d;
  const FloatIo<hn::Rebind<float, hn::ScalableTag<double>>> io{};
  const Function function;
  const auto curve = [&](auto x) HWY_ATTR {
    return compat::NarrowDouble(
        d, function(d, args.function, hn::PromoteTo(d, x)));
  };
  const size_t lanes = hn::Lanes(d);
  for (size_t r = 0; r < block.rows; ++r) {
    const UnaryRow row = RowOf(block, r);
    const auto* x = reinterpret_cast<const float*>(row.x);
    auto* out = reinterpret_cast<float*>(row.out);
    size_t i = 0;
    for (; i + lanes <= row.count; i += lanes)
      io.Store(curve(io.Load(x + i)), out + i);
    const size_t rest = row.count - i;
    if (rest > 0) io.StoreN(curve(io.LoadN(x + i, rest)), out + i, rest);
  }
}

UnaryBlockFunction FindCurve(Kind kind) {
  switch (kind) {
    case Kind::exp:
      return CurveBlock<ExpCurve>;
    case Kind::sigmoid:
      return CurveBlock<SigmoidCurve>;
    case Kind::tanh:
      return CurveBlock<TanhCurve>;
    case Kind::silu:
      return CurveBlock<SiluCurve>;
    case Kind::gelu_tanh:
      return CurveBlock<GeluTanhCurve>;
    case Kind::elu:
      return CurveBlock<EluCurve>;
    case Kind::selu:
      return CurveBlock<SeluCurve>;
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
HWY_EXPORT(FindCurve);
}  // namespace

UnaryBlockFunction SimdCurve(const UnaryFunction& function) {
  return HWY_DYNAMIC_DISPATCH(FindCurve)(function.kind);
}

}  // namespace aneref
#endif  // HWY_ONCE
