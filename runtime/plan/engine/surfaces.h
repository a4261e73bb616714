// Constraints of device buffers at the program's border: L22 (equal
// allocations), L23 (binding order), L24 (smallest surface), L25 (packed
// vectors), L26 (two-plane images), L27 (interchange formats), L31 and L32
// (interleave). Strides and packing: runtime/core/layout.h.
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_SURFACES_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_SURFACES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/tensor.h"
#include "runtime/plan/engine/engine_model.h"

namespace aneref::engine {

// L22: the one size with which all inputs (or all outputs) are allocated.
int64_t CommonAllocation(const std::vector<int64_t>& bytes);

// L23: positions of the names in binding order, alphabetical by bytes.
std::vector<size_t> BindingOrder(const std::vector<std::string>& names);

// L24: smaller surfaces compile and fail at evaluation on the raw route.
inline constexpr int64_t kMinSurfaceBytes = 49152;
bool WarnsOfSmallSurface(int64_t bytes);

// L25: the packed shape of a vector on that route.
Shape PackedVectorShape(int64_t length);

// L26: rows and planes of a two-plane 4:2:0 image of 8 bits.
struct TwoPlaneImage {
  int64_t row_stride = 0;
  int64_t chroma_offset = 0;
};
TwoPlaneImage LayOutTwoPlanes(int64_t width, int64_t height);

// L31: lanes that padding channels waste.
int64_t WastedLanes(int64_t channels, int64_t factor);
// L32: interleave of a texture coordinate tensor.
enum class Coordinates { kBoxCorners, kOriginAndSize, kPoint, kBatchedBoxes };
int64_t InterleaveOfCoordinates(Coordinates kind);

// L4: codes of the dimensions and of the flatten kinds.
enum class Dimension : uint8_t { kN = 0, kD = 1, kC = 2, kH = 3, kW = 4 };
enum class FlattenKind : uint8_t { kNchw = 1, kNhwc = 2 };

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_SURFACES_H_
