// What the multiply-accumulate families share under a device context: operands
// as fp16 bits, biases and weights as the accumulator reads them (N2, N13,
// N21). Not the kernels, and not the geometry.
#ifndef ANEREF_OPS_DEVICE_MAC_H_
#define ANEREF_OPS_DEVICE_MAC_H_

#include <cstdint>
#include <vector>

#include "ops/device_ops.h"
#include "ops/kernels/gemm_matmul.h"
#include "ops/mac.h"
#include "runtime/core/accumulator.h"

namespace aneref {

// All elements of an fp16 tensor, row major.
std::vector<uint16_t> LoadHalves(const TensorView& view);
void StoreHalves(const std::vector<uint16_t>& bits, const TensorView& view);

// Bias i: a known one keeps the precision in which the file stores it (N2,
// N21), any other one is decoded from memory. Empty when absent.
std::vector<float> LoadDeviceBias(const OpView& op, size_t i,
                                  const TensorView& in_memory = {});
// What follows the sum of `channel`; no bias when `bias` is empty.
MacEpilogue EpilogueOfChannel(const std::vector<float>& bias, size_t channel);

// Whether weights can be decoded before the run: known fp16, and a bias that is
// known or absent.
bool HasDeviceWeights(const OpView& op);

// Whether the panel of a convolution is of a sensible size; only hostile
// kernels and widths are not.
bool FitsDeviceConv(const ConvArgs& conv);

// Adds the task of one convolution: `conv` without weights, positions[t] the
// kernel position of conv.taps[t]. `single_tap`: N20.
void AddDeviceConvTask(const OpView& op, ConvArgs conv,
                       const DenseKernel& kernel,
                       const std::vector<int64_t>& positions,
                       TaskBuilder* builder);

// y [depth][columns] (or its transpose) decoded for device_matmul_kernel.
AlignedBytes DecodeMatmulWeights(const Profile& profile,
                                 const AlignedBytes& dense, bool transpose,
                                 const MatmulArgs& args);

}  // namespace aneref

#endif  // ANEREF_OPS_DEVICE_MAC_H_
