// Kernels of reductions over any axes of a float16 or float32 tensor (P5), and
// of arg-max and arg-min. An output element reads whole rows (the last axis is
// reduced) or one column of rows (it is kept). Integers are not here: they go
// to the reference in ops/reduce.cc.
#ifndef ANEREF_OPS_KERNELS_REDUCE_H_
#define ANEREF_OPS_KERNELS_REDUCE_H_

#include <array>
#include <cstdint>

#include "ops/kernels/kernel.h"
#include "ops/kernels/reduce_lattice.h"

namespace aneref {

// What happens to the folded value.
enum class ReduceFinish : uint8_t {
  kNone,
  kMean,  // / count
  kSqrt,
  kLog,          // RN32(Log)
  kLogAddShift,  // RN32(Log) + shift
  kScale,        // * scale
};

struct ReduceEnd {
  ReduceFinish finish = ReduceFinish::kNone;
  int64_t count = 0;  // elements per output
  float scale = 1.0f;
};

inline float FinishReduction(const ReduceEnd& end, float value, float shift) {
  switch (end.finish) {
    case ReduceFinish::kMean:
      return value / static_cast<float>(end.count);
    case ReduceFinish::kSqrt:
      return std::sqrt(value);
    case ReduceFinish::kLog:
      return static_cast<float>(elementary::Log(static_cast<double>(value)));
    case ReduceFinish::kLogAddShift:
      return static_cast<float>(elementary::Log(static_cast<double>(value))) +
             shift;
    case ReduceFinish::kScale:
      return value * end.scale;
    default:
      return value;
  }
}

// Some of the outer axes of a tensor: how many rows apart their positions are.
struct RowAxes {
  size_t rank = 0;
  std::array<int64_t, kMaxRank> dims{};
  std::array<int64_t, kMaxRank> strides{};  // in rows

  int64_t Count() const {
    int64_t count = 1;
    for (size_t i = 0; i < rank; ++i) count *= dims[i];
    return count;
  }
  // The row of position `flat` < Count() in row-major order.
  int64_t Row(int64_t flat) const {
    int64_t row = 0;
    for (size_t i = rank; i-- > 1;) {
      row += flat % dims[i] * strides[i];
      flat /= dims[i];
    }
    return rank == 0 ? 0 : row + flat * strides[0];
  }
};

// Columns per step of the column kernel: 16 partials of them stay in L1.
inline constexpr int64_t kReduceStrip = 128;

struct ReduceArgs {
  LatticeOp op = LatticeOp::kSum;
  ReduceEnd end;
  bool select_last = false;  // arg kernels
  RowAxes kept;              // of the outer axes, in order
  RowAxes reduced;           // likewise
  int64_t items = 0;         // outputs, or (output row, strip) pairs
  int64_t items_per_unit = 1;
};

// in: x. out: y; elements of y in row-major order are the kept positions,
// whatever its shape.
extern const Kernel
    kReduceRowsKernel;  // the last axis is reduced, too; an item is an output
extern const Kernel
    kReduceColumnsKernel;  // the last axis is kept; an item is a strip of
                           // columns of an output row
inline constexpr size_t kReduceColumnsScratch =
    (2 * kNumPartials + 2) * kReduceStrip * sizeof(float);

// y int64: the position of the first (or last) maximum (LatticeOp::kMax) or
// minimum; a NaN is more extreme than all. The same two cases; one axis is
// reduced.
extern const Kernel kArgRowsKernel;
extern const Kernel kArgColumnsKernel;
inline constexpr size_t kArgColumnsScratch = 2 * kReduceStrip * sizeof(float);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_REDUCE_H_
