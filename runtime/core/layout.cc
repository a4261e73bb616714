// Sizes of surfaces with every product checked, and the copies between dense
// tensors, surfaces and interleaved planes.
#include "runtime/core/layout.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace aneref {
namespace {

constexpr size_t kMaxBytes = size_t{1}
                             << 62;  // room to round up without overflow

// a * b, or nothing over kMaxBytes; a is at most kMaxBytes.
bool Multiply(size_t a, int64_t b, size_t* product) {
  if (b < 0 || (b > 0 && a > kMaxBytes / static_cast<size_t>(b))) return false;
  *product = a * static_cast<size_t>(b);
  return true;
}

size_t RoundUp(size_t value, size_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

Status TooLarge(const TensorType& type) {
  return LimitError("the surface of " + type.ToString() +
                    " has more than 2^62 bytes or a negative extent");
}

}  // namespace

size_t SurfaceRowPitch(const TensorType& type) {
  return RoundUp(DenseRowPitch(type), kSurfaceRowAlignment);
}  // L10

Expected<size_t> SurfaceBytes(const TensorType& type) {
  size_t bytes = 0;
  if (!Multiply(ElementSize(type.dtype), type.shape.back(), &bytes))
    return TooLarge(type);
  bytes = RoundUp(bytes, kSurfaceRowAlignment);
  for (size_t axis = 0; axis + 1 < type.shape.rank(); ++axis) {
    if (!Multiply(bytes, type.shape[axis], &bytes)) return TooLarge(type);
  }
  return std::max(bytes, kSurfaceRowAlignment);
}

Expected<size_t> SurfaceAllocationBytes(const TensorType& type) {
  ANEREF_ASSIGN(const size_t bytes, SurfaceBytes(type));
  return RoundUp(bytes, kSurfaceAllocationGranule);  // L11
}

TensorView SurfaceView(const TensorType& type, void* data) {
  return {static_cast<std::byte*>(data), type.dtype, type.shape,
          SurfaceRowPitch(type)};
}

void Pack(const TensorView& dense, const TensorView& surface) {
  CopyTensor(dense, surface);  // L13
  const size_t row_bytes =
      static_cast<size_t>(surface.width()) * ElementSize(surface.dtype);
  if (row_bytes == surface.row_pitch) return;
  for (int64_t row = 0; row < surface.num_rows(); ++row) {
    std::memset(surface.Row<std::byte>(row) + row_bytes, 0,
                surface.row_pitch - row_bytes);  // L12
  }
}

void Unpack(const TensorView& surface, const TensorView& dense) {
  CopyTensor(surface, dense);
}

size_t InterleavedLayout::Offset(int64_t n, int64_t c, int64_t h,
                                 int64_t w) const {
  const int64_t row = (n * num_groups + c / factor) * type.shape[2] + h;
  return static_cast<size_t>(row) * row_pitch +
         static_cast<size_t>(w * factor + c % factor) * element_size;
}

Expected<InterleavedLayout> MakeInterleavedLayout(const TensorType& nchw,
                                                  int factor) {
  const Shape& shape = nchw.shape;
  if (shape.rank() != 4)
    return ShapeError("channel interleave needs rank 4, not " +
                      nchw.ToString());
  if (factor != 1 && factor != 2 && factor != 3 && factor != 4 && factor != 8) {
    return InvalidArgument("interleave factor " + std::to_string(factor) +
                           " is not 1, 2, 3, 4 or 8");
  }
  if (shape[1] < 0 || shape[1] > std::numeric_limits<int64_t>::max() - factor)
    return TooLarge(nchw);
  InterleavedLayout layout;
  layout.type = nchw;
  layout.factor = factor;
  layout.num_groups = (shape[1] + factor - 1) / factor;
  layout.element_size = ElementSize(nchw.dtype);
  size_t bytes = layout.element_size * static_cast<size_t>(factor);
  if (!Multiply(bytes, shape[3], &bytes)) return TooLarge(nchw);
  layout.row_pitch = RoundUp(bytes, kSurfaceRowAlignment);
  bytes = layout.row_pitch;
  for (const int64_t extent : {shape[2], layout.num_groups, shape[0]}) {
    if (!Multiply(bytes, extent, &bytes)) return TooLarge(nchw);
  }
  layout.bytes = std::max(bytes, kSurfaceRowAlignment);
  return layout;
}

namespace {

// Calls copy(offset in `interleaved`, pointer into `dense`) for every element.
template <class Copy>
void ForEachElement(const InterleavedLayout& layout, const TensorView& dense,
                    Copy copy) {
  ANEREF_CHECK(dense.dtype == layout.type.dtype &&
               dense.shape == layout.type.shape);
  const Shape& shape = layout.type.shape;
  for (int64_t row = 0; row < dense.num_rows(); ++row) {
    const int64_t h = row % shape[2];
    const int64_t c = row / shape[2] % shape[1];
    const int64_t n = row / shape[2] / shape[1];
    auto* elements = dense.Row<std::byte>(row);
    for (int64_t w = 0; w < shape[3]; ++w) {
      copy(layout.Offset(n, c, h, w),
           elements + static_cast<size_t>(w) * layout.element_size);
    }
  }
}

}  // namespace

void PackInterleaved(const InterleavedLayout& layout, const TensorView& dense,
                     void* interleaved) {
  auto* bytes = static_cast<std::byte*>(interleaved);
  std::memset(bytes, 0, layout.bytes);  // L12 and the padding channels of L30
  ForEachElement(layout, dense, [&](size_t offset, const std::byte* element) {
    std::memcpy(bytes + offset, element, layout.element_size);
  });
}

void UnpackInterleaved(const InterleavedLayout& layout, const void* interleaved,
                       const TensorView& dense) {
  const auto* bytes = static_cast<const std::byte*>(interleaved);
  ForEachElement(layout, dense, [&](size_t offset, std::byte* element) {
    std::memcpy(element, bytes + offset, layout.element_size);
  });
}

}  // namespace aneref
