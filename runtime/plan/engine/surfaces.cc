// L22-L26, L31 and L32: see the header.
#include "runtime/plan/engine/surfaces.h"

#include <algorithm>
#include <numeric>

#include "runtime/plan/engine/integers.h"

namespace aneref::engine {
namespace {

constexpr int64_t kRowAlignment = 64;
constexpr int64_t kPackedWidth = 32;  // L25

}  // namespace

int64_t CommonAllocation(const std::vector<int64_t>& bytes) {
  return bytes.empty() ? 0 : *std::max_element(bytes.begin(), bytes.end());
}

std::vector<size_t> BindingOrder(const std::vector<std::string>& names) {
  std::vector<size_t> order(names.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return names[a] < names[b]; });
  return order;
}

bool WarnsOfSmallSurface(int64_t bytes) { return bytes < kMinSurfaceBytes; }

Shape PackedVectorShape(int64_t length) {
  return Shape({1, CeilDiv(length, kPackedWidth), 1, kPackedWidth});
}

TwoPlaneImage LayOutTwoPlanes(int64_t width, int64_t height) {
  TwoPlaneImage image;
  image.row_stride = RoundUpTo(width, kRowAlignment);
  image.chroma_offset = image.row_stride * height;
  return image;
}

int64_t WastedLanes(int64_t channels, int64_t factor) {
  return RoundUpTo(channels, factor) - channels;
}

int64_t InterleaveOfCoordinates(Coordinates kind) {
  switch (kind) {
    case Coordinates::kPoint:
      return 2;
    case Coordinates::kBatchedBoxes:
      return 8;
    case Coordinates::kBoxCorners:
    case Coordinates::kOriginAndSize:
      break;
  }
  return 4;
}

}  // namespace aneref::engine
