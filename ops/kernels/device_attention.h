// Scaled-dot-product attention from the engine's pieces (N36): products on the
// multiply-accumulate datapath (N10-N20), softmax by N30, everything between
// them planar (N23). Geometry and options are those of attention.h.
#ifndef ANEREF_OPS_KERNELS_DEVICE_ATTENTION_H_
#define ANEREF_OPS_KERNELS_DEVICE_ATTENTION_H_

#include <cstddef>
#include <cstdint>

#include "ops/kernels/attention.h"
#include "ops/kernels/device_groups.h"
#include "ops/kernels/kernel.h"

namespace aneref {

struct DeviceAttentionArgs {
  AttentionArgs attention;
  uint16_t scale = 0x3C00;  // times q, fp16 bits
  // 65,536 entries: c * tanh(x / c), each step rounded. Null: no softcap.
  const uint16_t* softcap = nullptr;
  DeviceSoftmaxArgs softmax;  // its groups stay unset
};

// Operands and units as kAttentionKernel's; q, k, v and results are fp16.
extern const Kernel device_attention_kernel;
size_t DeviceAttentionScratchBytes(const DeviceAttentionArgs& args);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_DEVICE_ATTENTION_H_
