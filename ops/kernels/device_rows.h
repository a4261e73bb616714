// Rows of fp16 in the engine's planar arithmetic: reading (N5, N7), storing
// with one rounding (N6, N23), two-operand arithmetic, table lookups (N40-N57)
// and sums (N24). A twin is a set of row functions, scalar or Highway, with the
// same bits. Kernels that walk whole tensors are device_planar.h.
#ifndef ANEREF_OPS_KERNELS_DEVICE_ROWS_H_
#define ANEREF_OPS_KERNELS_DEVICE_ROWS_H_

#include <cstddef>
#include <cstdint>

#include "runtime/core/numerics.h"

namespace aneref {

// One operand of a row: `repeats` is one element for the whole row.
struct HalfOperand {
  const uint16_t* data = nullptr;
  bool repeats = false;
};

struct DeviceRows {
  // The engine's values; a zero is +0.
  void (*decode)(const uint16_t* in, size_t count, float* out);
  // StoreEngine of each value.
  void (*store)(Rounding rounding, const float* in, size_t count,
                uint16_t* out);
  // Planar of each pair. `out` may equal an operand.
  void (*planar)(Rounding rounding, PlanarOp op, HalfOperand x, HalfOperand y,
                 size_t count, uint16_t* out);
  // sums[i] += value of in[i], in binary32.
  void (*accumulate)(const uint16_t* in, size_t count, float* sums);
};

const DeviceRows& ScalarDeviceRows();
// Of this machine's target.
const DeviceRows& SimdDeviceRows();

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_DEVICE_ROWS_H_
