// The Highway twin of AddRowProductScalar: outputs in the lanes, k ascending in
// every lane, so each sum keeps its order (P3) and its bits.
#include "ops/kernels/row_product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/row_product_simd.cc"
#include "hwy/foreach_target.h"  // compiles this file once per target
//
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void AddProductsOfTarget(const RowProduct& p, float* sum) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  size_t j = 0;
  for (; j + 4 * lanes <= p.columns; j += 4 * lanes) {
    auto s0 = hn::LoadU(d, sum + j), s1 = hn::LoadU(d, sum + j + lanes);
    auto s2 = hn::LoadU(d, sum + j + 2 * lanes),
         s3 = hn::LoadU(d, sum + j + 3 * lanes);
    const float* w = p.w + j;
    for (size_t k = 0; k < p.depth; ++k, w += p.stride) {
      const auto x = hn::Set(d, p.x[k]);
      s0 = hn::Add(s0, hn::Mul(x, hn::LoadU(d, w)));
      s1 = hn::Add(s1, hn::Mul(x, hn::LoadU(d, w + lanes)));
      s2 = hn::Add(s2, hn::Mul(x, hn::LoadU(d, w + 2 * lanes)));
      s3 = hn::Add(s3, hn::Mul(x, hn::LoadU(d, w + 3 * lanes)));
    }
    hn::StoreU(s0, d, sum + j);
    hn::StoreU(s1, d, sum + j + lanes);
    hn::StoreU(s2, d, sum + j + 2 * lanes);
    hn::StoreU(s3, d, sum + j + 3 * lanes);
  }
  for (; j + lanes <= p.columns; j += lanes) {
    auto s = hn::LoadU(d, sum + j);
    for (size_t k = 0; k < p.depth; ++k) {
      const auto w = hn::LoadU(d, p.w + k * p.stride + j);
      s = hn::Add(s, hn::Mul(hn::Set(d, p.x[k]), w));
    }
    hn::StoreU(s, d, sum + j);
  }
  for (; j < p.columns; ++j) {
    for (size_t k = 0; k < p.depth; ++k)
      sum[j] += p.x[k] * p.w[k * p.stride + j];
  }
}

}  // namespace

void AddRowProduct(const RowProduct& product, float* sum) {
  AddProductsOfTarget(product, sum);
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {
HWY_EXPORT(AddRowProduct);
}  // namespace

void AddRowProductSimd(const RowProduct& product, float* sum) {
  HWY_DYNAMIC_DISPATCH(AddRowProduct)(product, sum);
}

}  // namespace aneref
#endif  // HWY_ONCE
