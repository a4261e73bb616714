// Builds broadcast plans: strides of the operands' outer axes, joined axes,
// units.
#include "ops/kernels/elementwise_broadcast.h"

namespace aneref {
namespace {

constexpr int64_t kUnitBytes = 64 * 1024;
constexpr int64_t kMinUnitColumns =
    64;  // keeps column cuts on cache lines for every element size

// Extents of the outer axes of `shape`, aligned to the output's `rank` axes;
// missing ones are 1.
int64_t ExtentAt(const Shape& shape, size_t axis, size_t rank) {
  return axis + shape.rank() < rank ? 1 : shape[axis + shape.rank() - rank];
}

// Appends an axis, or joins it to the one before when no operand can tell them
// apart.
void AppendAxis(BroadcastPlan* plan, int64_t extent,
                const std::array<int64_t, BroadcastPlan::kMaxOperands>& steps) {
  if (extent == 1) return;
  bool join = plan->rank > 0;
  for (size_t i = 0; i < steps.size() && join; ++i) {
    join = plan->row_steps[i][plan->rank - 1] == steps[i] * extent;
  }
  if (join) {
    plan->extents[plan->rank - 1] *= extent;
  } else {
    plan->extents[plan->rank++] = extent;
  }
  for (size_t i = 0; i < steps.size(); ++i)
    plan->row_steps[i][plan->rank - 1] = steps[i];
}

void CutUnits(BroadcastPlan* plan, size_t element_size) {
  const int64_t row_bytes = plan->width * static_cast<int64_t>(element_size);
  plan->columns_per_unit = std::max<int64_t>(plan->width, 1);
  if (row_bytes > 2 * kUnitBytes) {
    plan->columns_per_unit = std::max(
        kUnitBytes / static_cast<int64_t>(element_size), kMinUnitColumns);
    plan->column_units =
        (plan->width + plan->columns_per_unit - 1) / plan->columns_per_unit;
  }
  // A surface row takes at least 64 bytes of memory traffic.
  plan->rows_per_unit =
      std::max<int64_t>(kUnitBytes / std::max<int64_t>(row_bytes, 64), 1);
}

}  // namespace

BroadcastPlan MakeBroadcastPlan(const TensorType& out,
                                std::span<const Shape> operands) {
  BroadcastPlan plan;
  plan.rows = out.shape.NumRows();
  plan.width = out.shape.back();
  CutUnits(&plan, ElementSize(out.dtype));
  const size_t rank = out.shape.rank();
  for (size_t i = 0; i < operands.size(); ++i)
    plan.repeats[i] = operands[i].back() == 1 && plan.width != 1;
  for (size_t axis = 0; axis + 1 < rank; ++axis) {
    std::array<int64_t, BroadcastPlan::kMaxOperands> steps{};
    for (size_t i = 0; i < operands.size(); ++i) {
      if (ExtentAt(operands[i], axis, rank) == 1) continue;
      steps[i] = 1;
      for (size_t inner = axis + 1; inner + 1 < rank; ++inner)
        steps[i] *= ExtentAt(operands[i], inner, rank);
    }
    AppendAxis(&plan, out.shape[axis], steps);
  }
  return plan;
}

}  // namespace aneref
