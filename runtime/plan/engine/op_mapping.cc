// E10, E28, E29, E31 (zero shares) and E32: see the header.
#include "runtime/plan/engine/op_mapping.h"

#include <algorithm>

#include "runtime/plan/engine/integers.h"

namespace aneref::engine {
namespace {

constexpr int64_t kLargestExpandedKernel = 5;  // 3x3 dilated by 2 (E10)

bool IsFactor(const EngineModel& model, int64_t value) {
  return std::find(model.stride_factors.begin(), model.stride_factors.end(),
                   value) != model.stride_factors.end();
}

int64_t RewrittenWidth(int64_t width) { return RoundUpTo(width + 1, 2); }

}  // namespace

MatmulRoute RouteMatmul(const EngineModel& model, bool right_is_constant,
                        int64_t right_bytes) {
  return right_is_constant && right_bytes < model.working_set_bytes
             ? MatmulRoute::kConvolution
             : MatmulRoute::kTiledMatmul;
}

Factors FactorStride(const EngineModel& model, int64_t value) {
  Factors factors;
  if (value <= 1) return factors;
  if (IsFactor(model, value)) {
    factors.first = value;
    return factors;
  }
  for (const int64_t first : model.stride_factors) {
    if (value % first != 0 || !IsFactor(model, value / first)) continue;
    factors.first = first;
    factors.second = value / first;
    return factors;
  }
  factors.rest = value;
  return factors;
}

DilationPlan PlanDilation(const EngineModel& model, int64_t kernel,
                          int64_t dilation) {
  DilationPlan plan;
  if (dilation <= 1 || kernel <= 1) return plan;
  const int64_t expanded = (kernel - 1) * dilation + 1;
  plan.factors = FactorStride(model, dilation);
  const bool small = model.dilation == DilationKind::kSparseKernel &&
                     expanded <= kLargestExpandedKernel;
  if (small || plan.factors.rest > 1) {
    plan.kind = DilationPlan::Kind::kExpandedKernel;
    plan.factors = Factors();
    plan.expanded_kernel = expanded;
  } else {
    plan.kind = DilationPlan::Kind::kSpaceToBatch;
  }
  return plan;
}

WideKernel RewriteWideKernel(const EngineModel& model,
                             const ConvGeometry& conv) {
  WideKernel wide;
  if (!model.wide_kernel_min || conv.kernel.w < *model.wide_kernel_min)
    return wide;
  wide.width = RewrittenWidth(conv.kernel.w);
  wide.channels = 2 * conv.cout;
  const int64_t rows = conv.cin_per_group() * conv.kernel.d * conv.kernel.h;
  wide.bytes_per_channel =
      rows * conv.kernel.w * conv.weight_bytes + CeilDiv(rows * wide.width, 8);
  return wide;
}

double WideKernelZeroShare(int64_t width) {
  return 1.0 - static_cast<double>(width) /
                   static_cast<double>(2 * RewrittenWidth(width));
}

double StridedKernelZeroShare(int64_t kernel, int64_t stride) {
  const double stored = static_cast<double>(RoundUpTo(kernel, stride));
  const double share = static_cast<double>(kernel) / stored;
  return 1.0 - share * share;
}

double DilatedKernelZeroShare(int64_t kernel, int64_t dilation) {
  const double stored = static_cast<double>((kernel - 1) * dilation + 1);
  const double share = static_cast<double>(kernel) / stored;
  return 1.0 - share * share;
}

bool StoredSparseByRewrite(double zero_share) { return zero_share > 1.0 / 7.0; }

bool ReducesThroughTranspose(const EngineModel& model, int64_t extent) {
  return model.reduction_transpose_extent &&
         extent >= *model.reduction_transpose_extent;
}

int64_t TransposePasses(const EngineModel& model, int64_t height,
                        int64_t width) {
  if (model.transpose_h_max <= 0 || model.transpose_w_max <= 0) return 0;
  return CeilDiv(height, model.transpose_h_max) *
         CeilDiv(width, model.transpose_w_max);
}

bool KeepsGroups(const EngineModel& model, const ConvGeometry& conv) {
  return conv.groups > 1 &&
         conv.cin_per_group() * conv.kernel.w * conv.kernel.h >
             model.group_decompose_limit;
}

int64_t TasksOfTensorCount(int64_t num_inputs, int64_t num_outputs) {
  return std::max<int64_t>(1, num_inputs - 1) +
         std::max<int64_t>(0, num_outputs - 1);
}

bool WarnsOfDepth(int64_t num_layers) { return num_layers > kWarnGraphDepth; }

}  // namespace aneref::engine
