// Which engine operation an op becomes: E10 (matrix products, strides,
// dilation, wide kernels), E28 (reductions, transposes), E29 (groups) and E32
// (tasks per tensor count). Decisions only; nothing is rewritten here.
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_OP_MAPPING_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_OP_MAPPING_H_

#include <cstdint>

#include "runtime/plan/engine/engine_model.h"
#include "runtime/plan/engine/geometry.h"

namespace aneref::engine {

// E10: a product whose right operand is constant and below the operand limit
// is a 1x1 convolution.
enum class MatmulRoute { kConvolution, kTiledMatmul };
MatmulRoute RouteMatmul(const EngineModel& model, bool right_is_constant,
                        int64_t right_bytes);

// E10: a stride, or a dilation, as at most two native factors. first * second
// * rest = value; rest > 1 means not factorable: the op runs at stride
// first * second = 1 and the output is subsampled by `rest` ([O]).
struct Factors {
  int64_t first = 1;
  int64_t second = 1;
  int64_t rest = 1;
};
Factors FactorStride(const EngineModel& model, int64_t value);

// E10: how one dilated axis is executed.
struct DilationPlan {
  enum class Kind { kNone, kSpaceToBatch, kExpandedKernel } kind = Kind::kNone;
  Factors factors;              // kSpaceToBatch
  int64_t expanded_kernel = 1;  // kExpandedKernel: zero-filled extent
};
DilationPlan PlanDilation(const EngineModel& model, int64_t kernel,
                          int64_t dilation);

// E10: a kernel of width 9..15 runs at horizontal stride 2 and makes two
// pixels per step: twice the channels, width + 1 rounded up to even. Width 0:
// the kernel is native.
struct WideKernel {
  int64_t width = 0;
  int64_t channels = 0;           // 2 * cout
  int64_t bytes_per_channel = 0;  // mask and non-zero values, fp16
};
WideKernel RewriteWideKernel(const EngineModel& model,
                             const ConvGeometry& conv);

// E31: share of zeros that a rewrite stores, and whether it makes the weights
// sparse by itself (more than one in seven).
double WideKernelZeroShare(int64_t width);
double StridedKernelZeroShare(int64_t kernel, int64_t stride);
double DilatedKernelZeroShare(int64_t kernel, int64_t dilation);
bool StoredSparseByRewrite(double zero_share);

// E28: a long reduction runs over a transposed tensor (same bits either way).
bool ReducesThroughTranspose(const EngineModel& model, int64_t extent);
// E28: transposes that H x W need; 0: the chip has no native transpose.
int64_t TransposePasses(const EngineModel& model, int64_t height,
                        int64_t width);

// E29: groups above the limit are kept; below it they may become a dense
// convolution.
bool KeepsGroups(const EngineModel& model, const ConvGeometry& conv);

// E32: tasks of an op that reads and writes that many DRAM tensors: one task
// reads at most two and writes one.
int64_t TasksOfTensorCount(int64_t num_inputs, int64_t num_outputs);

// E5: deeper graphs get a warning; compilers gave up from 383 layers on.
inline constexpr int64_t kWarnGraphDepth = 380;
bool WarnsOfDepth(int64_t num_layers);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_OP_MAPPING_H_
