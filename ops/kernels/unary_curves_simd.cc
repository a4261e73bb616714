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
void CurveRow(const UnaryArgs& args, const UnaryRow& row) {
  const hn::ScalableTag<double> d;
  const FloatIo<hn::Rebind<float, hn::ScalableTag<double>>> io{};
  const Function function;
  const auto each = [&](auto v) HWY_ATTR {
    return compat::NarrowDouble(
        d, function(d, args.function, hn::PromoteTo(d, v)));
  };
  MapRow(io, each, reinterpret_cast<const float*>(row.x),
         reinterpret_cast<float*>(row.out), row.count);
}

UnaryBlockFunction FindCurve(Kind kind) {
  switch (kind) {
    case Kind::exp:
      return EachRow<CurveRow<ExpCurve>>;
    case Kind::sigmoid:
      return EachRow<CurveRow<SigmoidCurve>>;
    case Kind::tanh:
      return EachRow<CurveRow<TanhCurve>>;
    case Kind::silu:
      return EachRow<CurveRow<SiluCurve>>;
    case Kind::gelu_tanh:
      return EachRow<CurveRow<GeluTanhCurve>>;
    case Kind::elu:
      return EachRow<CurveRow<EluCurve>>;
    case Kind::selu:
      return EachRow<CurveRow<SeluCurve>>;
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
