// The shape of the GEMM blocks that convolution and matmul are made of; shared
// by the planner side and the kernels. The vector code is gemm-inl.h.
// A block computes C[rows][64] += A[rows][depth] * B[depth][64] in fp32, k
// ascending, one accumulator per output (P3).
#ifndef ANEREF_OPS_KERNELS_GEMM_H_
#define ANEREF_OPS_KERNELS_GEMM_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "ops/kernels/packing_memory.h"
#include "runtime/core/half.h"

namespace aneref {

// Columns of a B panel and of a C tile: four AVX-512 vectors. The same for all
// targets, so that packed weights do not depend on the target.
inline constexpr int64_t kPanelWidth = 64;

// Most k of one block. A longer sum carries its partial sums through C, which
// changes no bit. 1024 * 64 floats of B are a quarter of a typical L2.
inline constexpr int64_t kBlockDepth = 1024;

// Elements from row to row of A: a constant, so that one base register reaches
// all rows; 64 bytes over 4 KiB, so that rows use different L1 sets.
inline constexpr int64_t kBlockStride = kBlockDepth + 16;

// Rows of A that a caller may pass at once: the tallest register tile.
inline constexpr int64_t kMaxTileRows = 14;

// Bytes of A for one call, and of one panel of B.
inline constexpr size_t kTileBytes =
    sizeof(float) * static_cast<size_t>(kMaxTileRows * kBlockStride);
inline constexpr size_t PanelBytes(int64_t depth) {
  return sizeof(float) *
         static_cast<size_t>((depth < kBlockDepth ? depth : kBlockDepth) *
                             kPanelWidth);
}

// k of a panel that is widened at once where kernels prefer fp32 panels: 128
// KiB, which an L2 keeps while the rows of a unit pass.
inline constexpr int64_t kWideDepth = 512;

// Fewest rows of A that pay for it.
inline constexpr int64_t kFewestWideRows = 32;

// Whether this processor multiplies notably faster with panels that are fp32 in
// memory than with fp16 ones that are widened in the loop: where widening takes
// the multipliers' slots or has no instruction. Changes no bit of a result.
bool PrefersWidePanels();

// The cut of some work that makes most units, and of those the one that costs
// least; the first offered where both are equal.
class BestCut {
 public:
  explicit BestCut(int64_t parts) : parts_(parts) {}
  void Offer(int64_t parts, int64_t units, double cost) {
    if (units < units_ || (units == units_ && cost >= cost_)) return;
    parts_ = parts, units_ = units, cost_ = cost;
  }
  int64_t parts() const { return parts_; }

 private:
  int64_t parts_;
  int64_t units_ = 0;
  double cost_ = 0;
};

inline int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }
inline int64_t RoundUp(int64_t value, int64_t granule) {
  return DivideUp(value, granule) * granule;
}

// 64-byte aligned bytes that are not zeroed, in huge pages when they are many;
// for packed weights (packing_memory.h). Copies share them.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  explicit AlignedBytes(size_t size) : size_(size) {
    if (size == 0) return;
    PackedOrigin origin;
    std::byte* const data = AllocatePacked(size, &origin);
    data_.reset(data, [size, origin](std::byte* bytes) {
      ReleasePacked(bytes, size, origin);
    });
  }
  // The bytes of somebody else, who keeps them as long as this lives. To be
  // read only, and aligned for their elements only.
  static AlignedBytes View(const std::byte* data, size_t size) {
    AlignedBytes view;
    view.data_ = {std::shared_ptr<void>(), const_cast<std::byte*>(data)};
    view.size_ = size;
    return view;
  }
  size_t size() const { return size_; }
  template <class T>
  T* as() {
    return reinterpret_cast<T*>(data_.get());
  }
  template <class T>
  const T* as() const {
    return reinterpret_cast<const T*>(data_.get());
  }

 private:
  std::shared_ptr<std::byte> data_;
  size_t size_ = 0;
};

// Scalar element access for the twins: fp16 bits or fp32 in memory.
inline float LoadElement(const uint16_t* src) { return HalfToFloat(*src); }
inline float LoadElement(const float* src) { return *src; }
inline void StoreElement(float value, uint16_t* dst) {
  *dst = StoreHalf(value);
}
inline void StoreElement(float value, float* dst) { *dst = value; }

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_GEMM_H_
