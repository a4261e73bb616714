// Choice of the SIMD target without libhwy: against libhwy on this machine, and
// on registers of processors that are not this one.
#include "ops/kernels/simd_targets.h"

#include <doctest/doctest.h>

#include "hwy/targets.h"

namespace aneref {
namespace {

// As a Zen 4 under Linux reports them.
CpuFeatures Zen4() {
  CpuFeatures features;
  features.leaf1_ecx = 0xFEFA3203;
  features.leaf7_ebx = 0xF1BF97A9;
  features.extended1_ecx = 0x75C237FF;
  features.saved_states = 0x2E7;
  return features;
}

}  // namespace

TEST_CASE("dispatch: the targets that libhwy finds") {
  const int64_t known = HWY_SSE4 | HWY_AVX2 | HWY_AVX3;
  CHECK_EQ(SimdTargets(ReadCpuFeatures()), hwy::SupportedTargets() & known);
}

TEST_CASE("dispatch: each target needs all of its parts") {
  CHECK_EQ(SimdTargets(Zen4()), HWY_SSE4 | HWY_AVX2 | HWY_AVX3);

  CpuFeatures no_avx512_vl = Zen4();
  no_avx512_vl.leaf7_ebx &= 0x7FFFFFFF;
  CHECK_EQ(SimdTargets(no_avx512_vl), HWY_SSE4 | HWY_AVX2);

  CpuFeatures no_zmm_saved = Zen4();
  no_zmm_saved.saved_states = 0x7;
  CHECK_EQ(SimdTargets(no_zmm_saved), HWY_SSE4 | HWY_AVX2);

  CpuFeatures no_ymm_saved = Zen4();
  no_ymm_saved.saved_states = 0x3;
  CHECK_EQ(SimdTargets(no_ymm_saved), HWY_SSE4);

  CpuFeatures no_f16c = Zen4();
  no_f16c.leaf1_ecx &= ~0x20000000u;
  CHECK_EQ(SimdTargets(no_f16c), HWY_SSE4);

  CpuFeatures no_lzcnt = Zen4();
  no_lzcnt.extended1_ecx &= ~0x20u;
  CHECK_EQ(SimdTargets(no_lzcnt), HWY_SSE4);

  CpuFeatures no_aes = Zen4();
  no_aes.leaf1_ecx &= ~0x02000000u;
  CHECK_EQ(SimdTargets(no_aes), 0);

  CHECK_EQ(SimdTargets(CpuFeatures()), 0);  // no x86
}

}  // namespace aneref
