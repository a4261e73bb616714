// Softmax, log-softmax and hardmax over groups of elements in the order of P10
// (P5 sums, P9 exponentials). Two walks: groups that are whole rows (the last
// axis, or several last axes jointly), and groups along an outer axis, one per
// column. fp16 and fp32 tensors.
#ifndef ANEREF_OPS_KERNELS_SOFTMAX_H_
#define ANEREF_OPS_KERNELS_SOFTMAX_H_

#include <cstddef>
#include <cstdint>

#include "ops/kernels/kernel.h"

namespace aneref {

enum class SoftmaxMode : uint8_t { kSoftmax, kLog, kHard };

struct SoftmaxArgs {
  SoftmaxMode mode = SoftmaxMode::kSoftmax;
  // Rows: `extent` consecutive rows make a group. Columns: `extent` rows,
  // `inner` rows apart, make groups by column.
  int64_t extent = 1;
  int64_t inner = 1;
  int64_t num_groups = 0;       // rows only
  int64_t groups_per_unit = 1;  // rows only
};

inline constexpr size_t kSoftmaxColumns =
    64;  // columns that a unit of the columns kernel takes at a time

// in = {x}, out = {y} of one type and shape. Scratch:
// SoftmaxRowsScratch(elements of a group) bytes, units: ceil(num_groups /
// groups_per_unit).
extern const Kernel kSoftmaxRowsKernel;
// Units: outer * inner * ceil(width / kSoftmaxColumns). Scratch:
// SoftmaxColumnsScratch(extent) bytes.
extern const Kernel kSoftmaxColumnsKernel;

size_t SoftmaxRowsScratch(int64_t elements);
size_t SoftmaxColumnsScratch(int64_t extent);

// One group, in place: the meaning. `count` elements in fp32, not yet rounded
// to the stored type.
void SoftmaxGroup(SoftmaxMode mode, float* values, size_t count);

// Highway twins of the two walks; not for kHard.
Status SoftmaxRowsSimd(const KernelCall& call, int64_t unit);
Status SoftmaxColumnsSimd(const KernelCall& call, int64_t unit);

// RN32 of the double logarithm (P10).
float SoftmaxLog(float sum);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_SOFTMAX_H_
