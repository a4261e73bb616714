// Order and overlap of tasks: E40 (list scheduler), E42 (branches), E43
// (allocation states), E44 (chaining) and E45 (co-issue). The scheduler itself
// is the planner's.
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_SCHEDULE_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_SCHEDULE_H_

#include <cstdint>

#include "runtime/plan/engine/engine_model.h"

namespace aneref::engine {

// E40, compared from the first member to the last.
struct Priority {
  bool ring_member = false;       // true first
  int64_t branch_score = 0;       // higher first
  int64_t merge_score = 0;        // higher first
  bool fits_branch = false;       // working-set test of its branch; true first
  int64_t topological_order = 0;  // lower first
  int64_t node_id = 0;            // lower first
};
// Whether `a` is scheduled before `b`; a strict total order over node ids.
bool ScheduledBefore(const Priority& a, const Priority& b);

// E42: which branch of a diamond runs first, 0 or 1: the larger one that fits
// beside the two end points; ties keep program order.
struct Diamond {
  int64_t end_points_bytes = 0;
  int64_t branch_bytes[2] = {0, 0};
};
int FirstBranch(const EngineModel& model, const Diamond& diamond);

// E43. The values are the compiler's codes.
enum class AllocationState : uint8_t {
  kResident = 0,
  kStreamed = 1,   // through DRAM
  kChained = 2,    // on chip, read by the next task
  kDependent = 3,  // on chip, depends on an on-chip producer
  kInPlace = 4,    // shares its producer's on-chip memory
  kInPlaceDependent = 5,
  kRing = 6,
  kRingDependent = 7,
  kInPlaceStreamed = 8,  // shares its producer's DRAM
};
const char* AllocationStateName(AllocationState state);

enum class EngineKind : uint8_t { kMac, kPlanar, kDma };

// E44: what must hold before a tensor is handed from one task to the next
// without leaving the chip.
struct ChainQuery {
  int64_t num_consumers = 0;
  EngineKind producer = EngineKind::kMac;
  EngineKind consumer = EngineKind::kMac;
  int64_t producer_engine = 0;  // index of the engine
  int64_t consumer_engine = 0;
  bool same_tiles = false;
  bool consumer_is_next = false;
  int64_t producer_first_rows = 0;
  int64_t consumer_first_rows = 0;  // with overlap
};
enum class ChainRefusal : uint8_t {
  kNone,  // may be chained
  kChip,
  kFanOut,
  kEngine,
  kTiles,
  kNotNext,
  kRows,
};
ChainRefusal TestChaining(const EngineModel& model, const ChainQuery& query);

// E45: one task as the co-issue test sees it.
struct IssueTask {
  EngineKind engine = EngineKind::kMac;
  bool scheduled = true;
  bool chained_input = false;
  bool streamed_output = false;  // a matmul with resident weights: false
};
// Always false with coissue=serial. `dependent`: one produces for the other.
bool MayCoIssue(const EngineModel& model, const IssueTask& a,
                const IssueTask& b, bool dependent);
// Time of two tasks.
double TimeOfPair(bool co_issued, double seconds_a, double seconds_b);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_SCHEDULE_H_
