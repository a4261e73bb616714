// See simd_targets.h. Bit numbers: Intel's Software Developer's Manual, CPUID.
#include "ops/kernels/simd_targets.h"

#include "hwy/detect_targets.h"

#if HWY_ARCH_X86
#include <cpuid.h>
#endif

namespace aneref {
namespace {

constexpr uint64_t Bits() { return 0; }
template <class... More>
constexpr uint64_t Bits(int first, More... more) {
  return uint64_t{1} << first | Bits(more...);
}

// SSE3, CLMUL, SSSE3, SSE4.1, SSE4.2, AES
constexpr uint64_t kLeaf1Sse4 = Bits(0, 1, 9, 19, 20, 25);
// FMA, OSXSAVE, AVX, F16C
constexpr uint64_t kLeaf1Avx2 = Bits(12, 27, 28, 29);
// BMI, AVX2, BMI2
constexpr uint64_t kLeaf7Avx2 = Bits(3, 5, 8);
// LZCNT
constexpr uint64_t kExtendedAvx2 = Bits(5);
// AVX512F, DQ, CD, BW, VL
constexpr uint64_t kLeaf7Avx3 = Bits(16, 17, 28, 30, 31);
// xmm, ymm; mask registers, upper halves of zmm, zmm16 to zmm31
constexpr uint64_t kStatesAvx2 = Bits(1, 2);
constexpr uint64_t kStatesAvx3 = Bits(5, 6, 7);

bool Has(uint64_t value, uint64_t bits) { return (value & bits) == bits; }

}  // namespace

CpuFeatures ReadCpuFeatures() {
  CpuFeatures features;
#if HWY_ARCH_X86
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) features.leaf1_ecx = ecx;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) features.leaf7_ebx = ebx;
  if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx))
    features.extended1_ecx = ecx;
  if (Has(features.leaf1_ecx, Bits(27))) {  // the instruction exists
    uint32_t low = 0, high = 0;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    features.saved_states = uint64_t{high} << 32 | low;
  }
#endif
  return features;
}

int64_t SimdTargets(const CpuFeatures& features) {
  if (!Has(features.leaf1_ecx, kLeaf1Sse4)) return 0;
  int64_t targets = HWY_SSE4;
  if (!Has(features.leaf1_ecx, kLeaf1Avx2) ||
      !Has(features.leaf7_ebx, kLeaf7Avx2) ||
      !Has(features.extended1_ecx, kExtendedAvx2) ||
      !Has(features.saved_states, kStatesAvx2)) {
    return targets;
  }
  targets |= HWY_AVX2;
  if (Has(features.leaf7_ebx, kLeaf7Avx3) &&
      Has(features.saved_states, kStatesAvx3)) {
    targets |= HWY_AVX3;
  }
  return targets;
}

}  // namespace aneref
