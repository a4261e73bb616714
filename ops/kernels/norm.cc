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

  static float Power(float base, float beta) {
    return FastLrnPower(base, beta);
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
  if (beta == 0.75f && base > 0.0f &&
      base <= std::numeric_limits<float>::max()) {
    // Two square roots are within 2^-50 of the power and Pow is within 2^-45
    // (P7): where everything within 2^-40 rounds to one float, that float is
    // RN32(Pow).
    const double root = std::sqrt(static_cast<double>(base));
    const double estimate = root * std::sqrt(root);
    const auto low = static_cast<float>(estimate * (1.0 - 0x1p-40));
    if (low == static_cast<float>(estimate * (1.0 + 0x1p-40))) return low;
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
