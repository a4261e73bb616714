// What computes: the ops' references, the plan with scalar kernels, the plan
// with Highway kernels. Same bits.
#ifndef ANEREF_RUNTIME_EXEC_RUNG_H_
#define ANEREF_RUNTIME_EXEC_RUNG_H_

#include <cstdint>

namespace aneref {

enum class Rung : uint8_t { kReference, kScalar, kSimd };

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_RUNG_H_
