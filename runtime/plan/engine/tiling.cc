// E23 and E24: see the header.
#include "runtime/plan/engine/tiling.h"

#include <algorithm>

#include "runtime/plan/engine/integers.h"

namespace aneref::engine {

int64_t PatchWidth(const EngineModel& model, int64_t out_width) {
  if (!model.patch_log2_min || !model.patch_log2_max) return out_width;
  const int64_t smallest = int64_t{1}
                           << std::min<int64_t>(*model.patch_log2_min, 40);
  const int64_t largest = int64_t{1}
                          << std::min<int64_t>(*model.patch_log2_max, 40);
  return std::min(std::max(CeilPowerOfTwo(out_width), smallest), largest);
}

int64_t PatchesPerRow(const EngineModel& model, int64_t out_width) {
  return out_width <= 0 ? 0 : CeilDiv(out_width, PatchWidth(model, out_width));
}

bool PatchFits(const EngineModel& model, const Axes3& extents) {
  return extents.w <= model.patch_w_max && extents.h <= model.patch_h_max &&
         extents.d <= std::max<int64_t>(1, model.patch_d_max);
}

int64_t InputRowCount(const ConvGeometry& conv, int64_t rows) {
  return (rows - 1) * conv.stride.h + (conv.kernel.h - 1) * conv.dilation.h + 1;
}

int64_t TileHeight(const EngineModel& model, const ConvGeometry& conv,
                   const RowBytes& bytes) {
  const int64_t budget = model.working_set_bytes / 2;
  // rows * (stride * input + output) + (halo + 1 - stride) * input <= budget
  const int64_t fixed = (InputRowCount(conv, 1) - conv.stride.h) * bytes.input;
  const int64_t per_row = conv.stride.h * bytes.input + bytes.output;
  const int64_t fitting =
      per_row > 0 ? (budget - fixed) / per_row : kMaxTileHeight;
  const int64_t most = std::min(conv.out.h, kMaxTileHeight);
  return std::max<int64_t>(1, std::min(fitting, most));
}

}  // namespace aneref::engine
