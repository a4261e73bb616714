// Kernel of maximum and average pooling over the last two axes of a float16 or
// float32 tensor (P6). One window axis for rows, one for columns; a 1-D pool
// has a row axis of extent 1. Not the global pools (P5), which are reductions,
// nor 3-D windows, integers or positions: those go to the reference in
// ops/pool.cc.
#ifndef ANEREF_OPS_KERNELS_POOL_H_
#define ANEREF_OPS_KERNELS_POOL_H_

#include <cstdint>
#include <vector>

#include "ops/kernels/kernel.h"

namespace aneref {

// Output o reads inputs o * stride - pad + k * dilation, k in [0, kernel), as
// far as they exist.
struct PoolAxis {
  int64_t in = 1;
  int64_t out = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad = 0;
  // Elements that an average divides by, per output; empty for a maximum.
  std::vector<int64_t> counts;

  int64_t Extent() const { return (kernel - 1) * dilation + 1; }
};

struct PoolArgs {
  bool is_max = true;
  PoolAxis rows;
  PoolAxis columns;
  int64_t num_output_rows = 0;  // of all planes
  int64_t rows_per_unit = 1;
};

// Per-thread scratch; SIZE_MAX when the kernel should not be used for this
// window.
size_t PoolScratchBytes(const PoolArgs& args);

// in: x [planes..., H, W]. out: y [planes..., out H, out W].
extern const Kernel kPoolKernel;

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_POOL_H_
