// The two functions of libhwy that kernels call to choose their target, for
// builds that do without that library: it exists as a shared one only in many
// places, and brings all of the C++ library with it. Nothing else may be built
// from this file: programs with libhwy have these functions.
#include "hwy/targets.h"
#include "ops/kernels/simd_targets.h"

namespace hwy {

int64_t SupportedTargets() {
  return aneref::SimdTargets(aneref::ReadCpuFeatures()) | HWY_STATIC_TARGET;
}

ChosenTarget& GetChosenTarget() {
  static ChosenTarget chosen;
  return chosen;
}

}  // namespace hwy
