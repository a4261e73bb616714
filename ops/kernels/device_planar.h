// Whole-tensor kernels of the engine's planar side: fp16 to its values and back
// (N5, N23), two operands with broadcasting (N23), table lookups (N40-N57),
// sums (N24) and softmax (N30). One kernel per datapath: which op it serves is
// a matter of its arguments. Multiply-accumulates are device_conv.h and
// device_matmul.h.
#ifndef ANEREF_OPS_KERNELS_DEVICE_PLANAR_H_
#define ANEREF_OPS_KERNELS_DEVICE_PLANAR_H_

#include <cstdint>
#include <vector>

#include "ops/kernels/elementwise_broadcast.h"
#include "ops/kernels/kernel.h"
#include "runtime/core/numerics.h"

namespace aneref {

// Rows of a tensor in blocks of about 64 KiB.
struct RowBlocks {
  int64_t rows = 0;
  int64_t rows_per_unit = 1;
  int64_t num_units() const {
    return (rows + rows_per_unit - 1) / rows_per_unit;
  }
};
RowBlocks MakeRowBlocks(const TensorType& type);

struct DeviceConvertArgs {
  Rounding rounding = Rounding::kNearestEven;
  RowBlocks blocks;
};
// fp16 to fp32: the engine's values.
extern const Kernel device_decode_kernel;
// fp32 to fp16: one rounding.
extern const Kernel device_store_kernel;

struct DevicePlanarArgs {
  PlanarOp op = PlanarOp::kAdd;
  Rounding rounding = Rounding::kNearestEven;
  BroadcastPlan plan;  // operands x, y
};
// in = {x, y}, out = {z}, all fp16.
extern const Kernel device_planar_kernel;

struct DeviceLookupArgs {
  const uint16_t* table = nullptr;  // 65,536 entries of the session's context
  RowBlocks blocks;
};
extern const Kernel device_lookup_kernel;

// y = RND(RND(x * scale[c]) + bias[c]) with one channel per plane (N22).
struct DeviceAffineArgs {
  Rounding rounding = Rounding::kNearestEven;
  std::vector<uint16_t> scale, bias;  // per channel
  int64_t rows_per_channel = 1;       // 0: the channels are the last axis
  RowBlocks blocks;
};
extern const Kernel device_affine_kernel;

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_DEVICE_PLANAR_H_
