// Places values with known lifetimes into one arena.
#ifndef ANEREF_RUNTIME_PLAN_MEMORY_H_
#define ANEREF_RUNTIME_PLAN_MEMORY_H_

#include <cstdint>
#include <vector>

namespace aneref {

// Offsets and sizes in a block of memory: rows and planes start on 64-byte
// granules (L10).
inline constexpr uint64_t kMemoryGranule = 64;
inline uint64_t AlignUp(uint64_t bytes) {
  return (bytes + kMemoryGranule - 1) / kMemoryGranule * kMemoryGranule;
}

struct Lifetime {
  uint64_t bytes = 0;
  int32_t first = 0;  // step that writes it
  int32_t last = 0;   // last step that reads it, >= first
};

struct MemoryPlan {
  std::vector<uint64_t> offsets;  // per value, multiples of 64
  uint64_t arena_bytes = 0;
  uint64_t lower_bound = 0;  // the largest sum of sizes alive in one step
};

// Greedy by size, best fit: the largest value first, each into the smallest gap
// among those alive with it. Deterministic.
MemoryPlan PlanMemory(const std::vector<Lifetime>& values);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_MEMORY_H_
