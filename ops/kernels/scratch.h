// Cuts the scratch of a unit into parts, each at a cache line; with no memory
// behind it, counts the bytes that they take.
#ifndef ANEREF_OPS_KERNELS_SCRATCH_H_
#define ANEREF_OPS_KERNELS_SCRATCH_H_

#include <cstddef>
#include <cstdint>

#include "ops/kernels/gemm.h"

namespace aneref {

class ScratchCutter {
 public:
  explicit ScratchCutter(std::byte* base) : base_(base) {}

  // Room for `count` elements, uninitialised; null where only bytes count.
  template <class T>
  T* Take(int64_t count) {
    std::byte* part = base_ == nullptr ? nullptr : base_ + bytes_;
    bytes_ += static_cast<size_t>(
        RoundUp(count * static_cast<int64_t>(sizeof(T)), 64));
    return reinterpret_cast<T*>(part);
  }
  size_t bytes() const { return bytes_; }

 private:
  std::byte* base_;
  size_t bytes_ = 0;
};

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_SCRATCH_H_
