// What stays in on-chip memory: E20 and E21 (residency of a layer), E22 with
// L63 (blocks of intermediates), E41 (partition cut) and E46 (own buffer for
// an output). Addresses within the memory: memory_banks.h.
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_WORKING_SET_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_WORKING_SET_H_

#include <cstdint>
#include <vector>

#include "runtime/plan/engine/engine_model.h"

namespace aneref::engine {

// E20: dense bytes (elements times their size) of one layer's operands.
struct OperandBytes {
  int64_t input = 0;  // the largest, when there are several
  int64_t weights = 0;
  int64_t output = 0;
};
// The largest single operand decides; exactly the limit streams.
bool IsResident(const EngineModel& model, const OperandBytes& bytes);

// L63: blocks of intermediates; 0 live ones (a layer from DRAM to DRAM) are
// never cut.
int64_t NumBlocks(const EngineModel& model, int64_t bytes, int64_t live);

// E22: how H, W and C are cut; the blocks are all combinations, H outermost.
// Every list adds up to its extent.
struct BlockPlan {
  std::vector<int64_t> heights;
  std::vector<int64_t> widths;
  std::vector<int64_t> channels;
  int64_t num_blocks() const {
    return static_cast<int64_t>(heights.size() * widths.size() *
                                channels.size());
  }
};
struct BlockExtents {
  int64_t channels = 1;
  int64_t height = 1;
  int64_t width = 1;
};
// H first, then W in units of 128 columns, then C in units of the cores ([O]
// for H > 1). May give fewer blocks than asked when units run out.
BlockPlan CutBlocks(const EngineModel& model, const BlockExtents& extents,
                    int64_t num_blocks);
// Bytes and live intermediates to blocks: NumBlocks, then CutBlocks.
BlockPlan PlanBlocks(const EngineModel& model, const BlockExtents& extents,
                     int64_t live);

// E22: input rows [first, last] that output rows first..last of a block read,
// including the halo; clipped to the input.
struct RowRange {
  int64_t first = 0;
  int64_t last = 0;
};
struct RowWindow {
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t padding = 0;  // before the first row
};
RowRange InputRows(const RowRange& output, const RowWindow& window,
                   int64_t input_rows);

// E22: blocks of engine `index`: the later engines take the odd ones.
int64_t BlocksOfEngine(const EngineModel& model, int64_t num_blocks,
                       int64_t index);

// E41: the layer that would raise the peak above this share of the pool opens
// a new partition ([O]: the share is not published).
inline constexpr double kPartitionFill = 0.85;
bool CutsPartition(const EngineModel& model, int64_t peak_bytes_with_layer);
// E41: whether so many live tensors can survive a context switch.
bool SurvivesContextSwitch(const EngineModel& model, int64_t live_tensors);

// E46: whether a convolution's output gets a buffer of its own.
bool OutputGetsBuffer(const EngineModel& model, int64_t num_slots);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_WORKING_SET_H_
