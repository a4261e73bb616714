// Normalisation kernels: the walks of norm_drivers.h over scalar rows and, per
// Highway target, vector rows (P11).
#include "ops/kernels/norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/norm.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "ops/kernels/norm_drivers.h"
#include "ops/kernels/reduce_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {

using norm_internal::Factor;
using norm_internal::ScalarNormRows;

struct SimdNormRows : SimdRows {
  static HWY_NOINLINE void Center(float mean, float r, size_t count, float* x) {
    const RowTag d;
    const auto mean_vector = hn::Set(d, mean), r_vector = hn::Set(d, r);
    size_t i = 0;
    for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
      hn::StoreU(hn::Mul(hn::Sub(hn::LoadU(d, x + i), mean_vector), r_vector),
                 d, x + i);
    }
    ScalarNormRows::Center(mean, r, count - i, x + i);
  }

  static HWY_NOINLINE void Apply(const Factor& scale, const Factor& bias,
                                 size_t count, float* x) {
    if (!scale.present || !bias.present)
      return ScalarNormRows::Apply(scale, bias, count, x);
    const RowTag d;
    const auto a = hn::Set(d, scale.value), b = hn::Set(d, bias.value);
    size_t i = 0;
    for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
      const auto factor =
          scale.values == nullptr ? a : hn::LoadU(d, scale.values + i);
      const auto addend =
          bias.values == nullptr ? b : hn::LoadU(d, bias.values + i);
      const auto product = hn::Mul(hn::LoadU(d, x + i), factor);
      hn::StoreU(hn::Add(product, addend), d, x + i);
    }
    const auto rest = static_cast<int64_t>(i);
    ScalarNormRows::Apply(scale.At(rest), bias.At(rest), count - i, x + i);
  }

  static HWY_NOINLINE void Square(const float* values, size_t count,
                                  float* squares) {
    const RowTag d;
    size_t i = 0;
    for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) {
      const auto x = hn::LoadU(d, values + i);
      hn::StoreU(hn::Mul(x, x), d, squares + i);
    }
    ScalarNormRows::Square(values + i, count - i, squares + i);
  }

  using LrnDoubles = hn::CappedTag<double, 8>;

  // k + step * sum, as many as `d` has lanes.
  template <class D>
  static HWY_INLINE hn::Vec<D> LrnBase(D d, const LrnArgs& args,
                                       const float* sum) {
    return hn::Add(hn::Set(d, args.k),
                   hn::Mul(hn::Set(d, args.Step()), hn::LoadU(d, sum)));
  }

  // As many elements as a vector has doubles.
  static HWY_INLINE void DivideRoots(const LrnArgs& args, const float* value,
                                     float* sum) {
    const LrnDoubles d;
    const hn::Rebind<float, LrnDoubles> df;
    const auto base = LrnBase(df, args, sum);
    const auto root = hn::Sqrt(hn::PromoteTo(d, base));
    // Emulated targets demote an infinity to the largest float.
    const auto power = hn::IfThenElse(
        hn::Le(base, hn::Set(df, std::numeric_limits<float>::max())),
        hn::DemoteTo(df, hn::Mul(root, hn::Sqrt(root))), base);
    hn::StoreU(hn::Div(hn::LoadU(df, value), power), df, sum);
  }

  // Roots in fp32 are within 2^-21 of the quotient: false where that may round
  // to another half, and nothing has changed.
  static HWY_INLINE bool DivideRootsToHalf(const LrnArgs& args,
                                           const float* value, float* sum) {
    const RowTag d;
    const auto root = hn::Sqrt(LrnBase(d, args, sum));
    const auto quotient =
        hn::Div(hn::LoadU(d, value), hn::Mul(root, hn::Sqrt(root)));
    const auto low =
        compat::NarrowHalf(d, hn::Mul(quotient, hn::Set(d, 1.0f - 0x1p-20f)));
    const auto high =
        compat::NarrowHalf(d, hn::Mul(quotient, hn::Set(d, 1.0f + 0x1p-20f)));
    const auto in_range = hn::Lt(hn::Abs(quotient), hn::Set(d, 0x1p100f));
    if (!hn::AllTrue(d, in_range) ||
        !hn::AllTrue(hn::DFromV<decltype(low)>(), hn::Eq(low, high)))
      return false;
    hn::StoreU(quotient, d, sum);
    return true;
  }

  static HWY_NOINLINE void DividePower(const LrnArgs& given, DataType type,
                                       const float* value, size_t count,
                                       float* sum) {
    const size_t lanes = hn::Lanes(RowTag());
    const size_t doubles = hn::Lanes(LrnDoubles());
    const LrnArgs args = given;  // in registers
    size_t i = 0;
    for (; args.beta == kLrnRootsBeta && i + lanes <= count; i += lanes) {
      if (type == DataType::kFloat16 &&
          DivideRootsToHalf(args, value + i, sum + i))
        continue;
      for (size_t j = i; j < i + lanes; j += doubles)
        DivideRoots(args, value + j, sum + j);
    }
    for (; i < count; ++i)
      sum[i] =
          value[i] / FastLrnPower(args.k + args.Step() * sum[i], args.beta);
  }
};

Status BatchNorm(const KernelCall& call, int64_t unit) {
  return norm_internal::RunBatchNorm<SimdNormRows>(call, unit);
}
Status GroupNorm(const KernelCall& call, int64_t unit) {
  return norm_internal::RunGroupNorm<SimdNormRows>(call, unit);
}
Status Lrn(const KernelCall& call, int64_t unit) {
  return norm_internal::RunLrn<SimdNormRows>(call, unit);
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {

HWY_EXPORT(BatchNorm);
HWY_EXPORT(GroupNorm);
HWY_EXPORT(Lrn);
Status BatchNormSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(BatchNorm)(call, unit);
}
Status GroupNormSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(GroupNorm)(call, unit);
}
Status LrnSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(Lrn)(call, unit);
}

}  // namespace

float LrnPower(float base, float beta) {
  return static_cast<float>(
      elementary::Pow(static_cast<double>(base), static_cast<double>(beta)));
}

float FastLrnPower(float base, float beta) {
  if (beta == kLrnRootsBeta) {
    const double root = std::sqrt(static_cast<double>(base));
    return static_cast<float>(root * std::sqrt(root));
  }
  return LrnPower(base, beta);
}

using norm_internal::ScalarNormRows;
const Kernel kBatchNormKernel = {
    "batch_norm", norm_internal::RunBatchNorm<ScalarNormRows>, BatchNormSimd};
const Kernel kGroupNormKernel = {
    "group_norm", norm_internal::RunGroupNorm<ScalarNormRows>, GroupNormSimd};
const Kernel kLrnKernel = {"lrn", norm_internal::RunLrn<ScalarNormRows>,
                           LrnSimd};

}  // namespace aneref
#endif  // HWY_ONCE
