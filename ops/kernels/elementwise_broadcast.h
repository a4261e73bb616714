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

// Part of one row or, in a block, the same part of `num_rows` consecutive rows
// of the output; each operand advances by a constant number of rows.
struct BroadcastSpan {
  int64_t out_row = 0;
  std::array<int64_t, BroadcastPlan::kMaxOperands> rows{};
  int64_t column = 0;
  int64_t count = 0;
  int64_t num_rows = 1;
  std::array<int64_t, BroadcastPlan::kMaxOperands> row_steps{};
};

// Calls fn(const BroadcastSpan&) for the blocks of `unit`, in order.
template <class Fn>
void ForEachBlock(const BroadcastPlan& plan, int64_t unit, const Fn& fn) {
  constexpr size_t kOperands = BroadcastPlan::kMaxOperands;
  BroadcastSpan block;
  block.column = unit % plan.column_units * plan.columns_per_unit;
  block.count = std::min(plan.columns_per_unit, plan.width - block.column);
  const int64_t first = unit / plan.column_units * plan.rows_per_unit;
  const int64_t last = std::min(first + plan.rows_per_unit, plan.rows);
  if (block.count <= 0) return;
  const size_t inner = plan.rank == 0 ? 0 : plan.rank - 1;
  const int64_t inner_extent = plan.rank == 0 ? 1 : plan.extents[inner];
  for (size_t i = 0; i < kOperands; ++i) {
    block.row_steps[i] = plan.row_steps[i][inner];
  }
  for (block.out_row = first; block.out_row < last;
       block.out_row += block.num_rows) {
    const int64_t inner_index = block.out_row % inner_extent;
    block.num_rows = std::min(inner_extent - inner_index, last - block.out_row);
    for (size_t i = 0; i < kOperands; ++i) {
      block.rows[i] = inner_index * block.row_steps[i];
    }
    int64_t rest = block.out_row / inner_extent;
    for (size_t axis = inner; axis-- > 0; rest /= plan.extents[axis]) {
      const int64_t index = rest % plan.extents[axis];
      for (size_t i = 0; i < kOperands; ++i) {
        block.rows[i] += index * plan.row_steps[i][axis];
      }
    }
    fn(block);
  }
}

// Calls fn(const BroadcastSpan&) for each row of `unit`, in order.
template <class Fn>
void ForEachSpan(const BroadcastPlan& plan, int64_t unit, const Fn& fn) {
  ForEachBlock(plan, unit, [&fn](const BroadcastSpan& block) {
    BroadcastSpan row = block;
    row.num_rows = 1;
    for (int64_t r = 0; r < block.num_rows; ++r) {
      fn(row);
      ++row.out_row;
      for (size_t i = 0; i < BroadcastPlan::kMaxOperands; ++i) {
        row.rows[i] += block.row_steps[i];
      }
    }
  });
}

// The first element that a span needs of operand `i`.
inline const std::byte* OperandAt(const BroadcastPlan& plan,
                                  const BroadcastSpan& span,
                                  const TensorView& view, size_t i) {
  const int64_t column = plan.repeats[i] ? 0 : span.column;
  return view.Row<const std::byte>(span.rows[i]) +
         static_cast<size_t>(column) * ElementSize(view.dtype);
}

// Bytes from row to row of operand `i` within a block.
inline size_t OperandPitch(const BroadcastSpan& block, const TensorView& view,
                           size_t i) {
  return static_cast<size_t>(block.row_steps[i]) * view.row_pitch;
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
