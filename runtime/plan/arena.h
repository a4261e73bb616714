// Where the values of a run lie in one arena: which values share memory (views
// of one another, element-by-element ops in place), how long each storage
// lives, and its offset. Sizes are those of this runtime's surfaces (L10); the
// chip's own memory is residency.h.
#ifndef ANEREF_RUNTIME_PLAN_ARENA_H_
#define ANEREF_RUNTIME_PLAN_ARENA_H_

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/core/status.h"
#include "runtime/plan/specialize.h"

namespace aneref {

// How a value got its memory.
enum class Sharing : uint8_t {
  kOwn,      // a storage of its own
  kInPlace,  // written over an operand that dies with the op
  kView,     // the same bytes as its operand: nothing runs
  kPart,     // rows of another value: a concat's operand, a slice's result
};
const char* SharingName(Sharing sharing);

struct ArenaPlace {
  int32_t storage = -1;  // -1: no memory (unused or known)
  uint64_t offset = 0;   // byte in the arena
  Sharing sharing = Sharing::kOwn;
  int32_t shares_with = -1;  // the value, when not kOwn
};

struct ArenaSizes {
  uint64_t arena_bytes = 0;
  uint64_t lower_bound = 0;     // the largest sum of storages alive at once
  uint64_t sum_of_tensors = 0;  // if nothing were shared or reused
};

// A node in the order of the run, and the step (task) in which it runs.
struct RunStep {
  int32_t node = -1;
  int32_t task = 0;
};

struct ArenaPlan {
  std::vector<ArenaPlace> places;  // per value
  ArenaSizes sizes;
  // Nodes whose result lies in place already: nothing has to run (views and
  // parts that are written by their producers).
  std::vector<uint8_t> node_is_free;
};

struct ArenaRequest {
  const Program* program = nullptr;
  std::span<const RunStep> order;
  // No storage is used twice, so that every value can be read after the run.
  bool keep_intermediates = false;
};

// kLimit: a surface or the arena beyond 64 bits.
Expected<ArenaPlan> PlanArena(const ArenaRequest& request);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_ARENA_H_
