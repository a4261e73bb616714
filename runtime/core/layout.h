// Engine surfaces (L10-L16) and the modelled channel interleave (L30): sizes,
// views, pack and unpack. Every tensor of any rank may be a surface: the last
// axis is a row, padded to 64 bytes; rank 0 and 1 have one row. Not the weight
// layout and not on-chip memory.
#ifndef ANEREF_RUNTIME_CORE_LAYOUT_H_
#define ANEREF_RUNTIME_CORE_LAYOUT_H_

#include <cstddef>
#include <cstdint>

#include "runtime/core/status.h"
#include "runtime/core/tensor.h"

namespace aneref {

inline constexpr size_t kSurfaceRowAlignment =
    64;  // L10: DMA strides are stored >> 6 [M:M1]
inline constexpr size_t kSurfaceAllocationGranule =
    16384;  // L11: buffers are whole 16 KiB pages [M:M1]

// Bytes from row to row of a surface: width * element size rounded up to 64
// (L10, L16). 0 for a width of 0.
size_t SurfaceRowPitch(const TensorType& type);

// Rows * pitch, at least 64 so that every surface has an address. kLimit when
// the product does not fit.
Expected<size_t> SurfaceBytes(const TensorType& type);

// SurfaceBytes in whole 16 KiB granules (L11).
Expected<size_t> SurfaceAllocationBytes(const TensorType& type);

// A view of `data`, which must hold SurfaceBytes(type) bytes and be aligned to
// the element size.
TensorView SurfaceView(const TensorType& type, void* data);

// Copies a dense view into a surface view of equal type and shape and zeroes
// the row padding (L12, L13). The views must not overlap.
void Pack(const TensorView& dense, const TensorView& surface);

// Copies the valid elements out of a surface (L12: padding is ignored). The
// views must not overlap.
void Unpack(const TensorView& surface, const TensorView& dense);

// L30 (modelled, [O]): `factor` consecutive channels share a row, the channel
// innermost. Element (n, c, h, w) is at ((n * num_groups + c / factor) * height
// + h) * row_pitch
//                           + (w * factor + c mod factor) * element_size.
struct InterleavedLayout {
  TensorType type;  // rank 4: N, C, H, W
  int64_t factor = 1;
  int64_t num_groups = 0;  // channels / factor, rounded up
  size_t element_size = 0;
  size_t row_pitch = 0;  // W * factor * element_size rounded up to 64
  size_t bytes = 0;      // N * num_groups * H * row_pitch, at least 64

  // Byte offset of element (n, c, h, w); c may name a padding channel.
  size_t Offset(int64_t n, int64_t c, int64_t h, int64_t w) const;
};

// Factors 1, 2, 3, 4 and 8. Errors: kShape unless rank 4, kInvalidArgument for
// another factor, kLimit on overflow.
Expected<InterleavedLayout> MakeInterleavedLayout(const TensorType& nchw,
                                                  int factor);

// `dense` has layout.type; `interleaved` points to layout.bytes bytes. Padding
// channels and row padding become 0.
void PackInterleaved(const InterleavedLayout& layout, const TensorView& dense,
                     void* interleaved);
void UnpackInterleaved(const InterleavedLayout& layout, const void* interleaved,
                       const TensorView& dense);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_LAYOUT_H_
