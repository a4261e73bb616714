// Where the operands of a broadcast element-by-element pass lie: outer axes by
// row steps, the last axis either as it is or as one repeated element. Also the
// cut into work units. Knows rows only, neither types nor functions.
#ifndef ANEREF_OPS_KERNELS_ELEMENTWISE_BROADCAST_H_
#define ANEREF_OPS_KERNELS_ELEMENTWISE_BROADCAST_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "runtime/core/tensor.h"

namespace aneref {

struct BroadcastPlan {
  static constexpr size_t kMaxOperands = 3;

  size_t rank = 0;  // outer axes, neighbours joined where all operands allow it
  std::array<int64_t, kMaxRank> extents{};
  // Rows that an operand advances per step along an outer axis; 0 where it is
  // repeated.
  std::array<std::array<int64_t, kMaxRank>, kMaxOperands> row_steps{};
  std::array<bool, kMaxOperands> repeats{};  // one element for the whole row
  int64_t rows = 0;                          // of the output
  int64_t width = 0;
  int64_t rows_per_unit = 1;
  int64_t columns_per_unit = 1;  // less than the width only for very long rows
  int64_t column_units = 1;

  int64_t num_units() const {
    return (rows + rows_per_unit - 1) / rows_per_unit * column_units;
  }
};

// Operand shapes must broadcast to the output's shape. Units hold about 64 KiB
// of output.
BroadcastPlan MakeBroadcastPlan(const TensorType& out,
                                std::span<const Shape> operands);

// The part of a row that a unit computes, and the row of each operand.
struct BroadcastSpan {
  int64_t out_row = 0;
  std::array<int64_t, BroadcastPlan::kMaxOperands> rows{};
  int64_t column = 0;
  int64_t count = 0;
};

// Calls fn(const BroadcastSpan&) for each row of `unit`, in order.
template <class Fn>
void ForEachSpan(const BroadcastPlan& plan, int64_t unit, const Fn& fn) {
  BroadcastSpan span;
  span.column = unit % plan.column_units * plan.columns_per_unit;
  span.count = std::min(plan.columns_per_unit, plan.width - span.column);
  const int64_t first = unit / plan.column_units * plan.rows_per_unit;
  const int64_t last = std::min(first + plan.rows_per_unit, plan.rows);
  if (first >= last || span.count <= 0) return;
  std::array<int64_t, kMaxRank> index{};
  int64_t rest = first;
  for (size_t axis = plan.rank; axis-- > 0;) {
    index[axis] = rest % plan.extents[axis];
    rest /= plan.extents[axis];
    for (size_t i = 0; i < BroadcastPlan::kMaxOperands; ++i)
      span.rows[i] += index[axis] * plan.row_steps[i][axis];
  }
  for (span.out_row = first; span.out_row < last; ++span.out_row) {
    fn(span);
    for (size_t axis = plan.rank; axis-- > 0;) {
      for (size_t i = 0; i < BroadcastPlan::kMaxOperands; ++i)
        span.rows[i] += plan.row_steps[i][axis];
      if (++index[axis] < plan.extents[axis]) break;
      index[axis] = 0;
      for (size_t i = 0; i < BroadcastPlan::kMaxOperands; ++i) {
        span.rows[i] -= plan.extents[axis] * plan.row_steps[i][axis];
      }
    }
  }
}

// The first element that a span needs of operand `i`.
inline const std::byte* OperandAt(const BroadcastPlan& plan,
                                  const BroadcastSpan& span,
                                  const TensorView& view, size_t i) {
  const int64_t column = plan.repeats[i] ? 0 : span.column;
  return view.Row<const std::byte>(span.rows[i]) +
         static_cast<size_t>(column) * ElementSize(view.dtype);
}

// For references: calls fn(output element, elements of the operands) by byte
// address, row major, straight from the definition of broadcasting and
// independent of the plan.
template <class Fn>
void ForEachBroadcastElement(const TensorView& out,
                             std::span<const TensorView> operands,
                             const Fn& fn) {
  const size_t rank = out.shape.rank();
  std::array<int64_t, kMaxRank> index{};
  std::array<const std::byte*, BroadcastPlan::kMaxOperands> elements{};
  const int64_t count = out.shape.NumElements();
  for (int64_t n = 0; n < count; ++n) {
    int64_t rest = n;
    for (size_t axis = rank; axis-- > 0; rest /= out.shape[axis])
      index[axis] = rest % out.shape[axis];
    std::byte* target = out.data;
    for (size_t axis = 0; axis < rank; ++axis)
      target += static_cast<size_t>(index[axis]) * out.Stride(axis);
    for (size_t i = 0; i < operands.size(); ++i) {
      const TensorView& view = operands[i];
      elements[i] = view.data;
      for (size_t axis = 0; axis < view.shape.rank(); ++axis) {
        const int64_t at =
            view.shape[axis] == 1 ? 0 : index[axis + rank - view.shape.rank()];
        elements[i] += static_cast<size_t>(at) * view.Stride(axis);
      }
    }
    fn(target, elements);
  }
}

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_ELEMENTWISE_BROADCAST_H_
