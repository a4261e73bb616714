// See memory.h.
#include "runtime/plan/memory.h"

#include <algorithm>
#include <numeric>

namespace aneref {
namespace {

struct Placed {
  uint64_t begin;
  uint64_t end;
};

// The start of the smallest gap between `taken` (sorted by begin) that holds
// `bytes`, else the end of all.
uint64_t BestFit(const std::vector<Placed>& taken, uint64_t bytes) {
  uint64_t best = UINT64_MAX, best_gap = UINT64_MAX, end = 0;
  for (const Placed& block : taken) {
    if (block.begin > end && block.begin - end >= bytes &&
        block.begin - end < best_gap) {
      best_gap = block.begin - end;
      best = end;
    }
    end = std::max(end, block.end);
  }
  return best == UINT64_MAX ? end : best;
}

uint64_t LargestLiveSet(const std::vector<Lifetime>& values) {
  struct Event {
    int32_t step;
    bool begins;
    uint64_t bytes;
  };
  std::vector<Event> events;
  for (const Lifetime& value : values) {
    events.push_back({value.first, true, AlignUp(value.bytes)});
    events.push_back({value.last + 1, false, AlignUp(value.bytes)});
  }
  std::sort(events.begin(), events.end(), [](const Event& a, const Event& b) {
    return a.step != b.step ? a.step < b.step
                            : a.begins < b.begins;  // ends before beginnings
  });
  uint64_t live = 0, most = 0;
  for (const Event& event : events) {
    live = event.begins ? live + event.bytes : live - event.bytes;
    most = std::max(most, live);
  }
  return most;
}

}  // namespace

MemoryPlan PlanMemory(const std::vector<Lifetime>& values) {
  MemoryPlan plan;
  plan.offsets.assign(values.size(), 0);
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return values[a].bytes > values[b].bytes;
  });
  std::vector<size_t> placed;
  for (size_t index : order) {
    const Lifetime& value = values[index];
    const uint64_t bytes = AlignUp(value.bytes);
    std::vector<Placed> taken;
    for (size_t other : placed) {
      if (values[other].first <= value.last &&
          value.first <= values[other].last) {
        taken.push_back({plan.offsets[other],
                         plan.offsets[other] + AlignUp(values[other].bytes)});
      }
    }
    std::sort(taken.begin(), taken.end(), [](const Placed& a, const Placed& b) {
      return a.begin < b.begin;
    });
    plan.offsets[index] = BestFit(taken, bytes);
    plan.arena_bytes = std::max(plan.arena_bytes, plan.offsets[index] + bytes);
    placed.push_back(index);
  }
  plan.lower_bound = LargestLiveSet(values);
  return plan;
}

}  // namespace aneref
