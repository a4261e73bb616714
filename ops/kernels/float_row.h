// Elements of a row to fp32 and back, for kernels that compute whole rows in
// fp32 and are not bound by conversions.
#ifndef ANEREF_OPS_KERNELS_FLOAT_ROW_H_
#define ANEREF_OPS_KERNELS_FLOAT_ROW_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/core/convert.h"
#include "runtime/core/half.h"

namespace aneref {

inline void LoadFloatRow(DataType type, const std::byte* from, size_t count,
                         float* to) {
  ConvertElements(type, from, DataType::kFloat32, to, count);
}

// P2: the one rounding.
inline void StoreFloatRow(const std::vector<float>& values, DataType type,
                          std::byte* to) {
  if (type == DataType::kFloat16) {
    std::transform(values.begin(), values.end(),
                   reinterpret_cast<uint16_t*>(to), StoreHalf);
  } else {
    ConvertElements(DataType::kFloat32, values.data(), type, to, values.size());
  }
}

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_FLOAT_ROW_H_
