// Which of Highway's x86 targets a processor runs: what libhwy finds out, for
// builds that do without that library (simd_dispatch.cc). Other processors'
// builds know their target when they are compiled.
#ifndef ANEREF_OPS_KERNELS_SIMD_TARGETS_H_
#define ANEREF_OPS_KERNELS_SIMD_TARGETS_H_

#include <cstdint>

namespace aneref {

// Registers of the cpuid instruction that tell instruction sets, and the
// register states that the operating system saves (xgetbv 0).
struct CpuFeatures {
  uint32_t leaf1_ecx = 0;
  uint32_t leaf7_ebx = 0;
  uint32_t extended1_ecx = 0;  // leaf 0x80000001
  uint64_t saved_states = 0;
};

// Of the processor this runs on; all 0 where it is no x86.
CpuFeatures ReadCpuFeatures();

// Bits HWY_SSE4, HWY_AVX2 and HWY_AVX3. A target is there when each of its
// instruction sets is, and when the operating system saves its registers.
int64_t SimdTargets(const CpuFeatures& features);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_SIMD_TARGETS_H_
