// The Highway twin of AddRowProductScalar: outputs in the lanes, k ascending in
// every lane, so each sum keeps its order (P3) and its bits.
#include "ops/kernels/row_product.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/row_product_simd.cc"
#include "hwy/foreach_target.h"  // compiles this file once per target
//
#include "hwy/highway.h"
#include "ops/kernels/hwy_compat-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// kRows rows times kVectors vectors of columns: sums stay in registers.
template <size_t kRows, size_t kVectors>
HWY_INLINE void AddTile(const RowProduct& p, const float* x, size_t j,
                        float* sum) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  hn::Vec<decltype(d)> s[kRows][kVectors];
  ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) s[r][v] =
        hn::LoadU(d, sum + r * p.sum_stride + j + v * lanes);
  }
  const float* w = p.w + j;
  for (size_t k = 0; k < p.depth; ++k, w += p.stride) {
    hn::Vec<decltype(d)> column[kVectors];
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) column[v] =
        hn::LoadU(d, w + v * lanes);
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      const auto value = hn::Set(d, x[r * p.x_stride + k]);
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) s[r][v] =
          hn::Add(s[r][v], hn::Mul(value, column[v]));
    }
  }
  ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v)
        hn::StoreU(s[r][v], d, sum + r * p.sum_stride + j + v * lanes);
  }
}

template <size_t kRows>
void AddRows(const RowProduct& p, const float* x, float* sum) {
  constexpr size_t kVectors = kRows == 1 || HWY_TARGET <= HWY_AVX3 ? 4 : 2;
  const size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  size_t j = 0;
  for (; j + kVectors * lanes <= p.columns; j += kVectors * lanes)
    AddTile<kRows, kVectors>(p, x, j, sum);
  for (; j + lanes <= p.columns; j += lanes) AddTile<kRows, 1>(p, x, j, sum);
  RowProduct rest = p;
  rest.x = x;
  rest.w = p.w + j;
  rest.columns = p.columns - j;
  rest.rows = kRows;
  if (rest.columns > 0) AddRowProductScalar(rest, sum + j);
}

void AddProductsOfTarget(const RowProduct& p, float* sum) {
  size_t r = 0;
  for (; r + 4 <= p.rows; r += 4)
    AddRows<4>(p, p.x + r * p.x_stride, sum + r * p.sum_stride);
  for (; r < p.rows; ++r)
    AddRows<1>(p, p.x + r * p.x_stride, sum + r * p.sum_stride);
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
