// Spatial work: E23 (patches of a row, units of the two datapaths) and E24
// (rows of a tile).
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_TILING_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_TILING_H_

#include <cstdint>

#include "runtime/plan/engine/engine_model.h"
#include "runtime/plan/engine/geometry.h"

namespace aneref::engine {

inline constexpr int64_t kMacUnitElements = 16;     // E23 [D]
inline constexpr int64_t kPlanarUnitElements = 64;  // E23 [D]
inline constexpr int64_t kMaxTileHeight = 65535;    // E24, the field's maximum

// E23: columns of a patch; the whole row on chips without patch widths ([O]).
int64_t PatchWidth(const EngineModel& model, int64_t out_width);
int64_t PatchesPerRow(const EngineModel& model, int64_t out_width);
// E23: whether the kernel-side patch fields hold these extents.
bool PatchFits(const EngineModel& model, const Axes3& extents);

// E24: output rows of a tile: input rows and output rows in half of the
// on-chip memory, the other half being filled meanwhile.
struct RowBytes {
  int64_t input = 0;   // row stride of the input times its channels
  int64_t output = 0;  // row stride of the output times its channels
};
// Input rows that `rows` output rows read.
int64_t InputRowCount(const ConvGeometry& conv, int64_t rows);
// At least 1, also when one row does not fit.
int64_t TileHeight(const EngineModel& model, const ConvGeometry& conv,
                   const RowBytes& bytes);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_TILING_H_
