// Cuts one task over the chip: output-channel groups, passes, cores, kernel
// memory, tiles and patches, residency (E10, E12-E16, E20-E32, L64). Fills the
// task's `mac`, `grid`, `blocks` and sizes; knows neither order nor addresses.
#ifndef ANEREF_RUNTIME_PLAN_TASK_TILING_H_
#define ANEREF_RUNTIME_PLAN_TASK_TILING_H_

#include "runtime/plan/plan.h"

namespace aneref {

// A run-time operand as the E rules count it: five axes at most, dense fp16.
struct SurfaceExtents {
  int64_t planes = 1;  // batch and depth
  int64_t channels = 1;
  int64_t rows = 1;
  int64_t columns = 1;
};
// L1, L2: [N, C, H, W]; [N, C, D, H, W] has N * D planes, [N, C, L] one row,
// [N, C] one column; a vector lies in W.
SurfaceExtents ExtentsOf(const Shape& shape);
// Bytes of one row of a surface in fp16 (L10).
int64_t RowBytesOf(const SurfaceExtents& extents);
// Dense bytes in fp16: what E20 compares.
int64_t EngineBytes(const Shape& shape);

// What the weights of the main node are in the file (E27).
struct StoredWeights {
  engine::WeightFormat format = engine::WeightFormat::kDense;
  bool vector_palette = false;
  int64_t elements = 0;
  double density = 1;  // sparse: share of values that are stored
};

struct TilingInput {
  const EngineWork* work = nullptr;
  std::vector<Shape> inputs;  // of the run-time operands
  Shape output;
  StoredWeights weights;
};
void TileTask(const engine::EngineModel& model, const TilingInput& input,
              PlanTask* task);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_TASK_TILING_H_
