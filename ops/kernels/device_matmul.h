// Matrix products in the engine's arithmetic (N3, N10-N22), k ascending, over
// the layouts of MatmulArgs and the tiles of mac_device.h.
#ifndef ANEREF_OPS_KERNELS_DEVICE_MATMUL_H_
#define ANEREF_OPS_KERNELS_DEVICE_MATMUL_H_

#include <cstdint>

#include "ops/kernels/gemm_matmul.h"
#include "ops/kernels/kernel.h"
#include "runtime/core/profile.h"

namespace aneref {

struct DeviceMatmulArgs {
  MatmulArgs matmul;  // sizes, layouts and a known bias; panels stay unset
  const Profile* profile = nullptr;  // of the session's context
  // fp32, decoded: [depth][columns rounded up to kMacColumnGranule], one y for
  // the whole batch. Empty: y is in[1].
  AlignedBytes weights;
  bool has_bias_operand = false;  // in[2], when the bias is computed

  int64_t rows_per_unit = 1;
  int64_t columns_per_unit = 1;
  int64_t NumUnits() const;
};

void PlanDeviceMatmul(DeviceMatmulArgs* args);
size_t DeviceMatmulScratchBytes(const DeviceMatmulArgs& args);

extern const Kernel device_matmul_kernel;

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_DEVICE_MATMUL_H_
