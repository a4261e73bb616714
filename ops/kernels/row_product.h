// A row, or a few, times a matrix, added to running sums: the inner loop of
// layers whose matrices are small or change with every step (recurrent layers,
// attention). Not matmul, which blocks and packs. Order: P3, product and sum
// rounded apart (P4: the row is fp32).
#ifndef ANEREF_OPS_KERNELS_ROW_PRODUCT_H_
#define ANEREF_OPS_KERNELS_ROW_PRODUCT_H_

#include <cstddef>

namespace aneref {

// sum[r * sum_stride + j] += x[r * x_stride + k] * w[k * stride + j] for r
// below `rows` and j below `columns`, k ascending.
struct RowProduct {
  const float* x = nullptr;
  size_t depth = 0;
  const float* w = nullptr;
  size_t stride = 0;
  size_t columns = 0;
  size_t rows = 1;
  size_t x_stride = 0;
  size_t sum_stride = 0;
};
using RowProductFunction = void (*)(const RowProduct& product, float* sum);

inline void AddRowProductScalar(const RowProduct& p, float* sum) {
  for (size_t r = 0; r < p.rows; ++r) {
    const float* x = p.x + r * p.x_stride;
    float* to = sum + r * p.sum_stride;
    for (size_t k = 0; k < p.depth; ++k) {
      for (size_t j = 0; j < p.columns; ++j)
        to[j] += x[k] * p.w[k * p.stride + j];
    }
  }
}
void AddRowProductSimd(const RowProduct& product, float* sum);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_ROW_PRODUCT_H_
