// See fuse.h.
#include "ops/fuse.h"

#include <optional>

#include "ops/kernels/conv.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/gemm_matmul.h"
#include "ops/kernels/unary.h"

namespace aneref {
namespace {

bool IsHalfNan(uint16_t bits) { return (bits & 0x7FFF) > kHalfInfinity; }

// The clamp that a function is (P8: bounds are rounded to fp16; a NaN bounds
// nothing).
std::optional<HalfClamp> ClampOf(const UnaryFunction& function) {
  HalfClamp clamp;
  clamp.active = true;
  switch (function.kind) {
    case fbs::ActivationKind::relu:
      clamp.low = 0;
      return clamp;
    case fbs::ActivationKind::relu6:
      clamp.low = 0;
      clamp.high = FloatToHalf(6.0f);
      return clamp;
    case fbs::ActivationKind::clip: {
      const uint16_t low = StoreHalfFromDouble(function.alpha);
      const uint16_t high = StoreHalfFromDouble(function.beta);
      if (!IsHalfNan(low)) clamp.low = low;
      if (!IsHalfNan(high)) clamp.high = high;
      if (!HalfClamp::Fits(clamp.low, clamp.high)) return std::nullopt;
      return clamp;
    }
    default:
      return std::nullopt;
  }
}

template <class Args>
void SetArgs(const Epilogue& epilogue, TaskSpec* task) {
  auto args =
      std::make_shared<Args>(*static_cast<const Args*>(task->args.get()));
  args->epilogue = epilogue;
  task->args = std::move(args);
}

}  // namespace

bool AppendToEpilogue(const TaskSpec& next, Epilogue* epilogue) {
  if (next.kernel == &kElementwiseKernel) {
    const auto& args = *static_cast<const ElementwiseArgs*>(next.args.get());
    if (args.kind != fbs::ElementwiseKind::add || epilogue->adds) return false;
    epilogue->adds = true;
    return true;
  }
  if (next.kernel != &kUnaryKernel) return false;
  const auto& args = *static_cast<const UnaryArgs*>(next.args.get());
  HalfClamp* place = epilogue->adds ? &epilogue->last : &epilogue->first;
  const std::optional<HalfClamp> clamp = ClampOf(args.function);
  if (!clamp || place->active) return false;
  *place = *clamp;
  return true;
}

bool SetEpilogue(const Epilogue& epilogue, TaskSpec* task) {
  if (task->kernel == &matmul_kernel) {
    const auto& matmul = *static_cast<const MatmulArgs*>(task->args.get());
    if (matmul.out.column.elements != 1) return false;
    SetArgs<MatmulArgs>(epilogue, task);
    return true;
  }
  const bool is_gemm = task->kernel == &conv_gemm_kernel ||
                       task->kernel == &conv_channels_kernel ||
                       task->kernel == &conv_direct_kernel;
  const bool is_clamped =
      task->kernel == &conv_depthwise_kernel && !epilogue.adds;
  if (!is_gemm && !is_clamped) return false;
  const auto& conv = *static_cast<const ConvArgs*>(task->args.get());
  // A transposed convolution's calls each write a part of the result.
  if (conv.out_step.row != 1 || conv.out_step.column != 1) return false;
  SetArgs<ConvArgs>(epilogue, task);
  return true;
}

}  // namespace aneref
