// Engine models of the embedded chips, for the tests of runtime/plan/engine.
#ifndef ANEREF_TESTS_PLAN_MODELS_H_
#define ANEREF_TESTS_PLAN_MODELS_H_

#include <string>

#include "runtime/core/chip.h"
#include "runtime/plan/engine/engine_model.h"
#include "runtime/plan/engine/geometry.h"

namespace aneref::engine {

inline const Chip& ChipOf(const std::string& name) {
  return **ChipTable::Embedded().Find(name);
}

inline EngineModel ModelOf(const std::string& name) {
  return *ReadEngineModel(ChipOf(name));
}

// A convolution with a square input that keeps its size.
struct Kernel {
  int64_t h = 1;
  int64_t w = 1;
};
inline ConvGeometry Conv(const Kernel& kernel, int64_t cin, int64_t cout,
                         int64_t rows, int64_t columns) {
  ConvGeometry conv;
  conv.cin = cin;
  conv.cout = cout;
  conv.kernel.h = kernel.h;
  conv.kernel.w = kernel.w;
  conv.in.h = conv.out.h = rows;
  conv.in.w = conv.out.w = columns;
  return conv;
}

}  // namespace aneref::engine

#endif  // ANEREF_TESTS_PLAN_MODELS_H_
