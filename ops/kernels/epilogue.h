// What happens to the fp16 results of a convolution or a product before they
// are stored: ops that follow it and are computed with it. Each has the bits it
// has on its own: results are rounded before the next op sees them (P2). The
// vector code is epilogue-inl.h; ops/fuse.h decides what may be computed here.
#ifndef ANEREF_OPS_KERNELS_EPILOGUE_H_
#define ANEREF_OPS_KERNELS_EPILOGUE_H_

#include <cstdint>
#include <type_traits>

#include "ops/kernels/gemm.h"
#include "ops/kernels/kernel.h"
#include "runtime/core/half.h"

namespace aneref {

// A clamp whose interval holds zero: relu, relu6 and nearly every clip. NaN
// passes, and a bound of zero leaves both signs of zero as they are (P8).
struct HalfClamp {
  uint16_t low = 0xFC00;   // zero or negative
  uint16_t high = 0x7C00;  // +0 or positive
  bool active = false;

  static bool Fits(uint16_t low, uint16_t high) {
    const bool low_fits = low == 0 || (low >= 0x8000 && low <= 0xFC00);
    return low_fits && high <= 0x7C00;
  }
  // Negative halves ascend as integers while they fall: those above this one
  // are below the bound.
  uint16_t Cut() const { return low == 0 ? uint16_t{0x8000} : low; }
  uint16_t operator()(uint16_t bits) const {
    const float value = HalfToFloat(bits);
    if (value < HalfToFloat(low)) return low;
    return value > HalfToFloat(high) ? high : bits;
  }
};

// In this order. The addend is the call's last input, a surface of the output's
// type; it may be the output itself.
struct Epilogue {
  HalfClamp first;
  bool adds = false;
  HalfClamp last;  // only after a sum

  bool empty() const { return !first.active && !adds; }
  uint16_t operator()(uint16_t bits, uint16_t addend) const {
    const uint16_t value = first(bits);
    if (!adds) return value;
    return last(StoreHalf(HalfToFloat(value) + HalfToFloat(addend)));
  }
};

// For the scalar twins: one result to its place in the output.
template <class T>
void StoreResult(float sum, const Epilogue& e, const KernelCall& call, T* to) {
  if constexpr (std::is_same_v<T, uint16_t>) {
    uint16_t addend = 0;
    if (e.adds) {
      const auto offset = reinterpret_cast<std::byte*>(to) - call.out[0].data;
      addend = *reinterpret_cast<const uint16_t*>(call.in.back().data + offset);
    }
    *to = e(StoreHalf(sum), addend);
  } else {
    StoreElement(sum, to);
  }
}

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_EPILOGUE_H_
