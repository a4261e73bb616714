// What a kernel is: one datapath on one work unit, as a scalar twin and (where
// it pays) a Highway twin that agree bit for bit. Kernels know nothing of ops,
// nets or chips; they see views and their own argument struct.
#ifndef ANEREF_OPS_KERNELS_KERNEL_H_
#define ANEREF_OPS_KERNELS_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/core/tensor.h"

namespace aneref {

// Everything one call sees. Views of absent optional operands have null data
// and are never read.
struct KernelCall {
  std::span<const TensorView> in;
  std::span<const TensorView> out;
  const void* args =
      nullptr;  // the kernel's own struct, immutable, shared by all threads
  std::byte* scratch = nullptr;  // this thread's, Task::scratch_bytes long,
                                 // 64-byte aligned, contents undefined
};

// Computes work unit `unit` of [0, Task::num_units). Units write disjoint
// elements and may run in any order, at once. Fails only on data a user
// controls (an index out of range); a failed unit may leave its outputs
// unwritten.
using KernelFunction = Status (*)(const KernelCall& call, int64_t unit);

// `scalar` and `simd` give the same bits (for NaN: canonical ones, P15); `simd`
// may equal `scalar`.
struct Kernel {
  const char* name;
  KernelFunction scalar;
  KernelFunction simd;
};

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_KERNEL_H_
