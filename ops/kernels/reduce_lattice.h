// The reduction order of P5: element i of a reduction goes to fp32 partial i
// mod 16, the partials fold into 16 totals every 4,096 elements, the totals as
// a tree. Meanings of the element maps and
// folds, the scalar row primitives, and LatticeReducer, which runs the order
// over rows of any width with scalar or vector primitives alike. Not SIMD
// itself: see reduce_rows-inl.h.
#ifndef ANEREF_OPS_KERNELS_REDUCE_LATTICE_H_
#define ANEREF_OPS_KERNELS_REDUCE_LATTICE_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "runtime/core/elementary.h"
#include "runtime/core/half.h"
#include "runtime/core/tensor.h"

namespace aneref {

inline constexpr size_t kNumPartials = 16;
// After so many elements the partials join the totals and start again: the
// error of a long sum grows with the blocks, not with the elements.
inline constexpr size_t kLatticeBlock = 4096;

// What happens to an element before it joins its partial, and how it joins.
enum class LatticeOp : uint8_t {
  kSum,
  kSumAbs,
  kSumSquares,          // x * x
  kSumCenteredSquares,  // d * d with d = x - shift
  kSumExp,              // ExpFloat(x - shift), P9
  kProduct,
  kMax,
  kMin
};

// A NaN wins; of equal values (and zeros of either sign) the first stays.
inline float MaxOf(float a, float b) { return b > a || b != b ? b : a; }
inline float MinOf(float a, float b) { return b < a || b != b ? b : a; }

inline float LatticeIdentity(LatticeOp op) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (op == LatticeOp::kProduct) return 1.0f;
  if (op == LatticeOp::kMax) return -kInfinity;
  return op == LatticeOp::kMin ? kInfinity : 0.0f;
}

inline float LatticeMap(LatticeOp op, float x, float shift) {
  switch (op) {
    case LatticeOp::kSumAbs:
      return std::fabs(x);
    case LatticeOp::kSumSquares:
      return x * x;
    case LatticeOp::kSumCenteredSquares: {
      const float d = x - shift;
      return d * d;
    }
    case LatticeOp::kSumExp:
      return ExpFloat(x - shift);
    default:
      return x;
  }
}

inline float LatticeFold(LatticeOp op, float a, float b) {
  if (op == LatticeOp::kProduct) return a * b;
  if (op == LatticeOp::kMax) return MaxOf(a, b);
  return op == LatticeOp::kMin ? MinOf(a, b) : a + b;
}

// P5, the end of a block: total l takes partial l, which starts again.
inline void LatticeEndBlock(LatticeOp op, float* partials, float* totals) {
  for (size_t l = 0; l < kNumPartials; ++l) {
    totals[l] = LatticeFold(op, totals[l], partials[l]);
    partials[l] = LatticeIdentity(op);
  }
}

// P5: l += l + 8, then 4, 2, 1.
inline float LatticeTree(LatticeOp op, float* partials) {
  for (size_t half = kNumPartials / 2; half > 0; half /= 2) {
    for (size_t l = 0; l < half; ++l)
      partials[l] = LatticeFold(op, partials[l], partials[l + half]);
  }
  return partials[0];
}

// P5 written down: what every kernel must equal.
inline float ReduceInOrder(LatticeOp op, float shift, const float* elements,
                           size_t count) {
  float partials[kNumPartials], totals[kNumPartials];
  std::fill_n(partials, kNumPartials, LatticeIdentity(op));
  std::fill_n(totals, kNumPartials, LatticeIdentity(op));
  for (size_t i = 0; i < count; ++i) {
    float& partial = partials[i % kNumPartials];
    partial = LatticeFold(op, partial, LatticeMap(op, elements[i], shift));
    if ((i + 1) % kLatticeBlock == 0) LatticeEndBlock(op, partials, totals);
  }
  LatticeEndBlock(op, partials, totals);
  return LatticeTree(op, totals);
}

// The shift of a log-sum-exp whose elements have this maximum: an infinite or
// NaN one must not meet itself in x - shift.
inline float ExpShift(float maximum) {
  return std::isfinite(maximum) ? maximum : 0.0f;
}

// P15: the one NaN that arithmetic stores.
inline float CanonicalNan(float value) {
  return value != value ? std::numeric_limits<float>::quiet_NaN() : value;
}

// Scalar twins of the row primitives; SimdRows in reduce_rows-inl.h has the
// same members. Types: float16 and float32.
struct ScalarRows {
  static void Widen(DataType type, const std::byte* src, size_t count,
                    float* dst) {
    if (type == DataType::kFloat32) {
      if (count > 0) std::memcpy(dst, src, count * sizeof(float));
      return;
    }
    const auto* halves = reinterpret_cast<const uint16_t*>(src);
    for (size_t i = 0; i < count; ++i) dst[i] = HalfToFloat(halves[i]);
  }

  // One rounding (P2); NaN canonical (P15).
  static void Narrow(const float* src, size_t count, DataType type,
                     std::byte* dst) {
    if (type == DataType::kFloat32) {
      auto* floats = reinterpret_cast<float*>(dst);
      for (size_t i = 0; i < count; ++i) floats[i] = CanonicalNan(src[i]);
      return;
    }
    auto* halves = reinterpret_cast<uint16_t*>(dst);
    for (size_t i = 0; i < count; ++i) halves[i] = StoreHalf(src[i]);
  }

  // partials[i mod 16] folds in values[i]; `count` is a multiple of 16.
  static void Accumulate(LatticeOp op, float shift, const float* values,
                         size_t count, float* partials) {
    for (size_t i = 0; i < count; ++i) {
      float& partial = partials[i % kNumPartials];
      partial = LatticeFold(op, partial, LatticeMap(op, values[i], shift));
    }
  }

  // Column by column: partials[j] folds in values[j]. `op` is not
  // kSumCenteredSquares or kSumExp.
  static void AccumulateColumns(LatticeOp op, const float* values, size_t count,
                                float* partials) {
    for (size_t j = 0; j < count; ++j)
      partials[j] =
          LatticeFold(op, partials[j], LatticeMap(op, values[j], 0.0f));
  }

  // values[j] folds with others[j], no map: a step of the tree.
  static void FoldColumns(LatticeOp op, const float* others, size_t count,
                          float* values) {
    for (size_t j = 0; j < count; ++j)
      values[j] = LatticeFold(op, values[j], others[j]);
  }
};

// One reduction in the order of P5, fed row by row; the lattice runs on across
// rows.
template <class Rows>
class LatticeReducer {
 public:
  explicit LatticeReducer(LatticeOp op, float shift = 0.0f)
      : op_(op), shift_(shift) {
    std::fill_n(partials_, kNumPartials, LatticeIdentity(op));
    std::fill_n(totals_, kNumPartials, LatticeIdentity(op));
  }

  void Add(DataType type, const std::byte* row, size_t count) {
    const size_t element_size =
        type == DataType::kFloat32 ? sizeof(float) : sizeof(uint16_t);
    if (type == DataType::kFloat32 &&
        filled_ == 0) {  // already what the lattice reads, and in phase
      const size_t whole = count / kNumPartials * kNumPartials;
      Accumulate(reinterpret_cast<const float*>(row), whole);
      row += whole * element_size;
      count -= whole;
    }
    while (count > 0) {
      const size_t part = std::min(count, kChunk - filled_);
      Rows::Widen(type, row, part, buffer_ + filled_);
      filled_ += part;
      row += part * element_size;
      count -= part;
      if (filled_ == kChunk) Flush();
    }
  }

  float Finish() {
    Flush();
    for (size_t i = 0; i < filled_; ++i) {
      partials_[i] =
          LatticeFold(op_, partials_[i], LatticeMap(op_, buffer_[i], shift_));
    }
    filled_ = 0;
    LatticeEndBlock(op_, partials_, totals_);
    return LatticeTree(op_, totals_);
  }

 private:
  static constexpr size_t kChunk = 1024;  // a multiple of 16, so that the phase
                                          // survives a flush; 4 KiB stay in L1

  void Flush() {
    const size_t whole = filled_ / kNumPartials * kNumPartials;
    Accumulate(buffer_, whole);
    std::copy(buffer_ + whole, buffer_ + filled_, buffer_);
    filled_ -= whole;
  }

  // `count` is a multiple of 16.
  void Accumulate(const float* values, size_t count) {
    while (count > 0) {
      const size_t part = std::min(count, kLatticeBlock - in_block_);
      Rows::Accumulate(op_, shift_, values, part, partials_);
      in_block_ = (in_block_ + part) % kLatticeBlock;
      if (in_block_ == 0) LatticeEndBlock(op_, partials_, totals_);
      values += part;
      count -= part;
    }
  }

  alignas(64) float partials_[kNumPartials];
  float totals_[kNumPartials];
  alignas(64) float buffer_[kChunk];
  size_t filled_ = 0;
  size_t in_block_ = 0;  // elements in the partials
  LatticeOp op_;
  float shift_;
};

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_REDUCE_LATTICE_H_
