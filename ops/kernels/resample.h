// Kernels of resampling (P16): nearest over any axes of any type, and weighted
// taps over the last two axes of float16 or float32 tensors. Coordinates and
// weights are made in ops/resample.cc; here are only indices and weights.
#ifndef ANEREF_OPS_KERNELS_RESAMPLE_H_
#define ANEREF_OPS_KERNELS_RESAMPLE_H_

#include <cstdint>
#include <vector>

#include "ops/kernels/kernel.h"

namespace aneref {

// For each output of one axis `num_taps` inputs and their weights,
// [output][tap].
struct AxisTaps {
  int64_t in = 1;
  int64_t out = 1;
  int64_t num_taps = 1;
  std::vector<int64_t> indices;
  std::vector<double> weights;
};

// Copies elements: each output element is one input element. in: x. out: y of
// equal type and rank.
struct ResampleNearestArgs {
  std::vector<std::vector<int64_t>>
      outer;  // per axis but the last: input position of each output position
  std::vector<int64_t> columns;  // input column of each output column
  bool copies_rows = false;      // columns is the identity
  bool doubles_rows = false;     // columns is 0 0 1 1 2 2 ...
  int64_t rows_per_unit = 1;
};
extern const Kernel kResampleNearestKernel;

// y = sum over row taps, then column taps, of RN32(row weight * column weight)
// * x, product and sum rounded on their own. in: x [planes..., H, W]. out: y
// [planes..., out H, out W]. A unit is some output rows of all planes.
struct ResampleTapsArgs {
  AxisTaps rows;
  AxisTaps columns;
  std::vector<int32_t> column_indices;  // [tap][output]
  int64_t num_planes = 1;
  int64_t rows_per_unit = 1;
};
extern const Kernel kResampleTapsKernel;
// Per-thread scratch; SIZE_MAX when it would be unreasonable.
size_t ResampleTapsScratch(const ResampleTapsArgs& args);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_RESAMPLE_H_
