// What conv, conv_transpose and matmul share: checks of their operands' types,
// and known weights and biases in the type that is in memory (P12). Not the
// kernels, and not the geometry (spatial.h).
#ifndef ANEREF_OPS_MAC_H_
#define ANEREF_OPS_MAC_H_

#include <vector>

#include "ops/kernels/conv.h"
#include "ops/op.h"

namespace aneref {

// Inputs 0, 1 and (when present) 2 have one floating type; input 2 is a vector
// of `bias_length`. kShape otherwise, kUnsupported for integers.
Status CheckMacTypes(const OpView& op, int64_t bias_length);

// True when inputs 1 and 2 are known (or absent) and all types are ones that
// kernels have: float16 or float32.
bool HasPackableWeights(const OpView& op);

// The known input i, dense, in its type in memory: in place where the file has
// this type.
AlignedBytes LoadKnown(const OpView& op, size_t i);
// Bias i as it is added: a known one keeps the precision in which the file
// stores it (P3, N21), any other one is read from memory. Empty when absent.
std::vector<float> LoadBias(const OpView& op, size_t i,
                            const TensorView& in_memory = {});
// No infinity and no NaN among all elements (float16 or float32).
bool IsFinite(DataType type, const AlignedBytes& dense);

// A dense convolution weight: element (channel of the output, channel within
// the group, kernel position) is at `offset(g, m, c) + position`.
struct DenseKernel {
  DataType type = DataType::kFloat16;
  const AlignedBytes* dense = nullptr;
  int64_t num_positions = 0;
  bool transposed = false;  // [Cin, Cout/groups, ...], else [Cout, Cin/groups]
};
// Fills args->weights; positions[t] is the kernel position of args->taps[t].
void PackConvWeights(const DenseKernel& kernel,
                     const std::vector<int64_t>& positions, ConvArgs* args);

// Plans the convolution and adds its task; false when no kernel fits it.
bool AddConvTask(ConvArgs args, TaskBuilder* builder);

}  // namespace aneref

#endif  // ANEREF_OPS_MAC_H_
