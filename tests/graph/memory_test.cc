// The arena planner on small hand-worked cases.
#include "runtime/plan/memory.h"

#include <doctest/doctest.h>

namespace aneref {

TEST_CASE(
    "memory: values alive together get disjoint ranges on 64-byte granules") {
  const MemoryPlan plan = PlanMemory({{100, 0, 1}, {64, 1, 2}, {1, 2, 3}});
  CHECK(plan.offsets == std::vector<uint64_t>{0, 128, 0});
  CHECK(plan.arena_bytes == 192);
  CHECK(plan.lower_bound == 192);
}

TEST_CASE("memory: a chain needs two buffers") {
  const MemoryPlan plan =
      PlanMemory({{640, 0, 1}, {640, 1, 2}, {640, 2, 3}, {640, 3, 4}});
  CHECK(plan.arena_bytes == 1280);
  CHECK(plan.lower_bound == 1280);
}

TEST_CASE("memory: the smallest gap that fits is taken") {
  // Placed by size: 0 at 0, 1 behind it, 2 behind that; value 3 lives with 1
  // only and goes to the start.
  const MemoryPlan plan =
      PlanMemory({{256, 0, 0}, {192, 0, 2}, {128, 0, 0}, {64, 1, 2}});
  CHECK(plan.offsets == std::vector<uint64_t>{0, 256, 448, 0});
  CHECK(plan.arena_bytes == 576);
}

TEST_CASE("memory: nothing needs nothing") {
  CHECK(PlanMemory({}).arena_bytes == 0);
  CHECK(PlanMemory({{0, 0, 5}, {0, 0, 5}}).arena_bytes == 0);
}

}  // namespace aneref
