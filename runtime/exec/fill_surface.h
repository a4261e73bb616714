// Writes given values into surfaces: how constants and inputs enter a run.
#ifndef ANEREF_RUNTIME_EXEC_FILL_SURFACE_H_
#define ANEREF_RUNTIME_EXEC_FILL_SURFACE_H_

#include "runtime/core/tensor.h"

namespace aneref {

enum class ValueOrigin : uint8_t {
  kConstant,  // finite values beyond fp16 saturate (P12)
  kInput,     // they overflow to infinity (N1)
};

// Converts every element of `values` to the surface's type. Shapes are equal;
// row pitches may differ; the views must not overlap.
void FillSurface(const TensorView& values, const TensorView& surface,
                 ValueOrigin origin);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_FILL_SURFACE_H_
