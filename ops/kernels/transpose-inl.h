// Squares of fp16 bits transposed in registers: between planes, where pixels
// lie in the lanes, and rows, where channels do. The side is the number of fp32
// lanes, at most 16. Included once per target, after hwy/highway.h.
#if defined(ANEREF_OPS_KERNELS_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_TRANSPOSE_INL_H_
#undef ANEREF_OPS_KERNELS_TRANSPOSE_INL_H_
#else
#define ANEREF_OPS_KERNELS_TRANSPOSE_INL_H_
#endif

#include "hwy/highway.h"
#include "ops/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace square {

constexpr size_t kSide = gemm::kVectorLanes;
using Tag = hn::Rebind<uint16_t, gemm::Tag>;
using Vector = hn::Vec<Tag>;

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void Transpose(Vector (&)[kSide]) {}
#else
// kBlock rows within 128-bit blocks: rounds of interleaving row i with row
// i + kBlock / 2.
template <size_t kBlock, size_t kFirst>
HWY_INLINE void TransposeBlocks(Vector (&v)[kSide]) {
  const Tag d;
  ANEREF_UNROLL for (size_t round = 1; round < kBlock; round *= 2) {
    Vector mixed[kBlock];
    ANEREF_UNROLL for (size_t i = 0; i < kBlock / 2; ++i) {
      const Vector low = v[kFirst + i], high = v[kFirst + i + kBlock / 2];
      mixed[2 * i] = hn::InterleaveLower(d, low, high);
      mixed[2 * i + 1] = hn::InterleaveUpper(d, low, high);
    }
    ANEREF_UNROLL for (size_t i = 0; i < kBlock; ++i) v[kFirst + i] = mixed[i];
  }
}

HWY_INLINE void Transpose(Vector (&v)[kSide]) {
  if constexpr (kSide <= 8) {
    TransposeBlocks<kSide, 0>(v);
  } else {
    const Tag d;
    TransposeBlocks<8, 0>(v);
    TransposeBlocks<8, 8>(v);
    ANEREF_UNROLL for (size_t i = 0; i < 8; ++i) {
      const Vector upper = v[i], lower = v[i + 8];
      v[i] = hn::ConcatLowerLower(d, lower, upper);
      v[i + 8] = hn::ConcatUpperUpper(d, lower, upper);
    }
  }
}
#endif

}  // namespace square
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // toggle
