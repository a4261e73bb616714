// E40 and E42-E45: see the header.
#include "runtime/plan/engine/schedule.h"

#include <algorithm>

namespace aneref::engine {

bool ScheduledBefore(const Priority& a, const Priority& b) {
  if (a.ring_member != b.ring_member) return a.ring_member;
  if (a.branch_score != b.branch_score) return a.branch_score > b.branch_score;
  if (a.merge_score != b.merge_score) return a.merge_score > b.merge_score;
  if (a.fits_branch != b.fits_branch) return a.fits_branch;
  if (a.topological_order != b.topological_order)
    return a.topological_order < b.topological_order;
  return a.node_id < b.node_id;
}

int FirstBranch(const EngineModel& model, const Diamond& diamond) {
  const int64_t left = model.working_set_bytes - diamond.end_points_bytes;
  if (left < 0) return 0;
  const bool fits[2] = {diamond.branch_bytes[0] <= left,
                        diamond.branch_bytes[1] <= left};
  if (fits[0] != fits[1]) return fits[0] ? 0 : 1;
  if (!fits[0]) return 0;
  return diamond.branch_bytes[1] > diamond.branch_bytes[0] ? 1 : 0;
}

const char* AllocationStateName(AllocationState state) {
  constexpr const char* kNames[] = {
      "resident",     "dram_streamed",         "l2_chained",
      "l2_dependent", "in_place_l2",           "in_place_l2_dependent",
      "ring_buffer",  "ring_buffer_dependent", "in_place_dram"};
  return kNames[static_cast<int>(state)];
}

ChainRefusal TestChaining(const EngineModel& model, const ChainQuery& query) {
  if (!model.chaining) return ChainRefusal::kChip;
  if (query.num_consumers != 1) return ChainRefusal::kFanOut;
  if (query.producer != query.consumer ||
      query.producer_engine != query.consumer_engine)
    return ChainRefusal::kEngine;
  if (!query.same_tiles) return ChainRefusal::kTiles;
  if (!query.consumer_is_next) return ChainRefusal::kNotNext;
  return query.producer_first_rows < query.consumer_first_rows
             ? ChainRefusal::kRows
             : ChainRefusal::kNone;
}

bool MayCoIssue(const EngineModel& model, const IssueTask& a,
                const IssueTask& b, bool dependent) {
  if (model.coissue == CoIssueKind::kSerial || dependent) return false;
  const bool one_each =
      (a.engine == EngineKind::kMac && b.engine == EngineKind::kPlanar) ||
      (a.engine == EngineKind::kPlanar && b.engine == EngineKind::kMac);
  return one_each && a.scheduled && b.scheduled && !a.chained_input &&
         !b.chained_input && !(a.streamed_output && b.streamed_output);
}

double TimeOfPair(bool co_issued, double seconds_a, double seconds_b) {
  return co_issued ? std::max(seconds_a, seconds_b) : seconds_a + seconds_b;
}

}  // namespace aneref::engine
