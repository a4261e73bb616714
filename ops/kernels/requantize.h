// Rounding to narrow integers with saturation (P18).
#ifndef ANEREF_OPS_KERNELS_REQUANTIZE_H_
#define ANEREF_OPS_KERNELS_REQUANTIZE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "runtime/core/tensor.h"

namespace aneref {

inline bool IsUnsignedInteger(DataType type) {
  return type == DataType::kUint8 || type == DataType::kUint16 ||
         type == DataType::kUint32 || type == DataType::kUint64;
}

// The values that a signed or unsigned integer of up to 32 bits can have.
struct IntegerRange {
  int64_t low = 0;
  int64_t high = 0;
};
inline IntegerRange RangeOf(bool is_unsigned, int bits) {
  if (is_unsigned) return {0, (int64_t{1} << bits) - 1};
  return {-(int64_t{1} << (bits - 1)), (int64_t{1} << (bits - 1)) - 1};
}
inline IntegerRange RangeOf(DataType type) {
  return RangeOf(IsUnsignedInteger(type),
                 static_cast<int>(ElementSize(type)) * 8);
}

// saturate(round_half_even(value) + zero); NaN counts as 0.
inline int64_t Requantize(float value, int64_t zero, IntegerRange range) {
  if (value != value) return std::clamp(zero, range.low, range.high);
  const double sum =
      std::nearbyint(static_cast<double>(value)) + static_cast<double>(zero);
  return static_cast<int64_t>(std::clamp(sum, static_cast<double>(range.low),
                                         static_cast<double>(range.high)));
}

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_REQUANTIZE_H_
