// Integer helpers of the engine model: rounding to multiples and powers of two.
// All arguments are non-negative; divisors are positive.
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_INTEGERS_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_INTEGERS_H_

#include <cstdint>

namespace aneref::engine {

constexpr int64_t CeilDiv(int64_t value, int64_t divisor) {
  return value / divisor + (value % divisor != 0 ? 1 : 0);
}

constexpr int64_t RoundUpTo(int64_t value, int64_t multiple) {
  return CeilDiv(value, multiple) * multiple;
}

// Largest power of two <= value; 0 for 0.
constexpr int64_t FloorPowerOfTwo(int64_t value) {
  if (value <= 0) return 0;
  int64_t power = 1;
  while (power <= value / 2) power *= 2;
  return power;
}

// Smallest power of two >= value; 1 for 0.
constexpr int64_t CeilPowerOfTwo(int64_t value) {
  const int64_t floor = FloorPowerOfTwo(value);
  if (floor == 0) return 1;
  return floor == value ? floor : floor * 2;
}

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_INTEGERS_H_
