// Convolution in the engine's arithmetic (N3, N10-N22): the taps of ConvArgs
// laid out as lists of pairs (kernel position outer, input channel inner,
// padding as zeros) for the tiles of mac_device.h. Serves dense, grouped,
// depthwise and, phase by phase, transposed convolutions.
#ifndef ANEREF_OPS_KERNELS_DEVICE_CONV_H_
#define ANEREF_OPS_KERNELS_DEVICE_CONV_H_

#include <cstdint>

#include "ops/kernels/conv.h"
#include "ops/kernels/kernel.h"
#include "runtime/core/profile.h"

namespace aneref {

struct DeviceConvArgs {
  ConvArgs conv;  // geometry, taps and bias; its weights and blocking are unset
  const Profile* profile = nullptr;  // of the session's context
  bool single_tap = false;           // N20
  AlignedBytes weights;  // fp32, decoded: [groups * out_channels][depth]
  int64_t pixels_per_unit = 0;
  int64_t blocks_per_plane = 0;

  int64_t NumUnits() const {
    return conv.batch * conv.groups * blocks_per_plane;
  }
};

// Sets the blocking from the shapes; then the scratch of a unit.
void PlanDeviceConv(DeviceConvArgs* args);
size_t DeviceConvScratchBytes(const DeviceConvArgs& args);

extern const Kernel device_conv_kernel;

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_DEVICE_CONV_H_
