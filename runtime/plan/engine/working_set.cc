// E20, E22, E41, E46 and L63: see the header.
#include "runtime/plan/engine/working_set.h"

#include <algorithm>

#include "runtime/plan/engine/integers.h"

namespace aneref::engine {
namespace {

constexpr int64_t kColumnUnit = 128;  // E22 [M:M6]
constexpr int64_t kElementBytes = 2;  // fp16 surfaces
constexpr int64_t kSlotBytes = 16;    // E46

// Equal shares in whole units; the last blocks get one unit more. The last
// unit of the extent may be short.
std::vector<int64_t> CutAxis(int64_t extent, int64_t unit, int64_t blocks) {
  const int64_t units = CeilDiv(extent, unit);
  blocks = std::clamp<int64_t>(blocks, 1, std::max<int64_t>(units, 1));
  const int64_t larger_from = blocks - units % blocks;
  std::vector<int64_t> sizes;
  int64_t left = extent;
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t share =
        (units / blocks + (block >= larger_from ? 1 : 0)) * unit;
    sizes.push_back(std::min(share, left));
    left -= sizes.back();
  }
  return sizes;
}

}  // namespace

bool IsResident(const EngineModel& model, const OperandBytes& bytes) {
  return std::max({bytes.input, bytes.weights, bytes.output}) <
         model.working_set_bytes;
}

int64_t NumBlocks(const EngineModel& model, int64_t bytes, int64_t live) {
  return bytes * live / model.working_set_bytes + 1;
}

BlockPlan CutBlocks(const EngineModel& model, const BlockExtents& extents,
                    int64_t num_blocks) {
  BlockPlan plan;
  int64_t left = num_blocks;
  plan.heights = CutAxis(extents.height, 1, extents.height > 1 ? left : 1);
  left = CeilDiv(left, static_cast<int64_t>(plan.heights.size()));
  plan.widths = CutAxis(extents.width, kColumnUnit, left);
  left = CeilDiv(left, static_cast<int64_t>(plan.widths.size()));
  plan.channels = CutAxis(extents.channels, model.lanes, left);
  return plan;
}

BlockPlan PlanBlocks(const EngineModel& model, const BlockExtents& extents,
                     int64_t live) {
  const int64_t bytes =
      extents.channels * extents.height * extents.width * kElementBytes;
  return CutBlocks(model, extents, NumBlocks(model, bytes, live));
}

RowRange InputRows(const RowRange& output, const RowWindow& window,
                   int64_t input_rows) {
  RowRange rows;
  rows.first = output.first * window.stride - window.padding;
  rows.last = output.last * window.stride - window.padding +
              (window.kernel - 1) * window.dilation;
  const int64_t bottom = std::max<int64_t>(0, input_rows - 1);
  rows.first = std::clamp<int64_t>(rows.first, 0, bottom);
  rows.last = std::clamp<int64_t>(rows.last, 0, bottom);
  return rows;
}

int64_t BlocksOfEngine(const EngineModel& model, int64_t num_blocks,
                       int64_t index) {
  return (num_blocks + index) / model.engines;
}

bool CutsPartition(const EngineModel& model, int64_t peak_bytes_with_layer) {
  return static_cast<double>(peak_bytes_with_layer) >
         static_cast<double>(model.working_set_bytes) * kPartitionFill;
}

bool SurvivesContextSwitch(const EngineModel& model, int64_t live_tensors) {
  return !model.context_switch_live_limit ||
         live_tensors <= *model.context_switch_live_limit;
}

bool OutputGetsBuffer(const EngineModel& model, int64_t num_slots) {
  return model.residency_threshold > 0 &&
         num_slots * kSlotBytes > model.residency_threshold;
}

}  // namespace aneref::engine
