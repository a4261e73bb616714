// Recurrent layers from the engine's pieces (N37): gates on the
// multiply-accumulate datapath (N10-N22), activations by table, everything
// between them planar (N23), fp16 states. Geometry and options are those of
// recurrent.h.
#ifndef ANEREF_OPS_KERNELS_DEVICE_RECURRENT_H_
#define ANEREF_OPS_KERNELS_DEVICE_RECURRENT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/kernels/kernel.h"
#include "ops/kernels/recurrent.h"
#include "runtime/core/profile.h"

namespace aneref {

struct DeviceRecurrentArgs {
  RecurrentArgs layer;               // its weights stay unset
  const Profile* profile = nullptr;  // of the session's context
  // Per function of the layer 65,536 results by operand bits (N40-N57).
  std::vector<const uint16_t*> tables;
  // Decoded: [directions][inputs + hidden][RowFloats()], a gate every
  // GateFloats(). Empty: w and r are computed and are packed in every run.
  std::vector<float> weights;
  // A known bias, in the file's precision (N21): [directions][2 columns].
  std::vector<float> bias;

  int64_t GateFloats() const;
  int64_t RowFloats() const { return layer.Gates() * GateFloats(); }
};

// Fills args->weights; w and r are dense fp16 bits, as the op declares them.
void PackDeviceRecurrentWeights(const std::vector<uint16_t>& w,
                                const std::vector<uint16_t>& r,
                                DeviceRecurrentArgs* args);
size_t DeviceRecurrentScratchBytes(const DeviceRecurrentArgs& args);

// Operands and units as kRecurrentKernel's, all fp16 but the lengths; b is
// absent when it is known.
extern const Kernel device_recurrent_kernel;

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_DEVICE_RECURRENT_H_
