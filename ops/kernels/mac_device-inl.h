// The two register-tiled datapaths of mac_device_simd.cc: 1 or 4 rows times
// kVectors vectors of columns, k ascending, over the accumulators of acc-inl.h
// (N11, N16). No tiling and no preparation of operands. Included once per
// Highway target, after hwy/highway.h.
#if defined(ANEREF_OPS_KERNELS_MAC_DEVICE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_MAC_DEVICE_INL_H_
#undef ANEREF_OPS_KERNELS_MAC_DEVICE_INL_H_
#else
#define ANEREF_OPS_KERNELS_MAC_DEVICE_INL_H_
#endif

#include <cmath>

#include "hwy/highway.h"
#include "ops/kernels/acc-inl.h"
#include "ops/kernels/mac_device.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace mac {

using acc::Float;
using acc::Int;

// Rows of a block: 4, or 1 where a tile has no more (depthwise convolution).
constexpr size_t kMostRows = 4;
// Whole groups of four.
constexpr size_t kChunk = 256;
constexpr size_t kStretch = 16;

// The caller's scratch, cut up. Row arrays hold [k][rows of a block].
struct Scratch {
  float* scaled;
  float* threshold;
  float* half;
  float* column_max;  // of |w| over all k
  float* start;       // per column: what the accumulator starts at
  float* after;       // per column: fp16 bias of the end (N21)
};

struct Block {
  const MacTile* tile;
  Scratch scratch;
  size_t first_row;
  size_t num_rows;    // that exist
  float largest_row;  // largest sum of |x| of a row
  float start[kMostRows];
  float after[kMostRows];
};

// Accumulators of kRows x kVectors vectors between chunks.
template <class State, size_t kRows, size_t kVectors>
struct States {
  State lane[kRows][kVectors];
};

// ---- the two datapaths ----

struct Fixed {
  using State = acc::FixedState;
  static HWY_INLINE State Start(Float start) {
    return {acc::Bits(start), hn::Zero(acc::TagInt())};
  }
  static HWY_INLINE Float Magnitude(const State& state) {
    const acc::Tag d;
    return hn::Mul(hn::Abs(hn::ConvertTo(d, state.sum)), hn::Set(d, 0x1p-16f));
  }
  static HWY_INLINE Float StartMagnitude(Float start) {
    return Magnitude(Start(start));
  }
  // |x| of row r at k.
  static HWY_INLINE Float RowMagnitude(const Scratch& s, size_t i) {
    const acc::Tag d;
    return hn::Set(d, std::fabs(s.scaled[i]) * 0x1p-16f);
  }
  static HWY_INLINE acc::FixedRow Row(const Scratch& s, size_t i) {
    const acc::Tag d;
    return {hn::Set(d, s.scaled[i]), hn::Set(d, s.threshold[i]),
            hn::Set(d, s.half[i])};
  }

  template <bool kChecked, size_t kRows, size_t kVectors>
  static HWY_INLINE void AddRange(const Block& block, const float* w,
                                  size_t begin, size_t end,
                                  States<State, kRows, kVectors>* states) {
    const acc::Tag d;
    const Scratch& s = block.scratch;
    State state[kRows][kVectors];
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) state[r][v] =
          states->lane[r][v];
    }
    const size_t last = HWY_MIN(end, block.tile->depth);
    for (size_t k = begin; k < last; ++k) {
      acc::FixedColumn column[kVectors];
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) column[v] =
          acc::MakeColumn(
              hn::LoadU(d, w + k * block.tile->w_stride + v * hn::Lanes(d)));
      ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
        const acc::FixedRow row = Row(s, k * kRows + r);
        ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) {
          if constexpr (kChecked)
            state[r][v] = acc::FixedAddChecked(state[r][v], row, column[v]);
          else
            state[r][v].sum = acc::FixedAdd(state[r][v].sum, row, column[v]);
        }
      }
    }
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) states->lane[r][v] =
          state[r][v];
    }
  }
  static HWY_INLINE Int Finish(const State& state, bool, Float) {
    return acc::FixedFinish(state);
  }
};

struct Radix4 {
  using State = acc::Radix4State;
  static HWY_INLINE State Start(Float start) {
    return {start, hn::Zero(acc::TagInt())};
  }
  static HWY_INLINE Float Magnitude(const State& state) {
    return hn::Abs(state.sum);
  }
  static HWY_INLINE Float StartMagnitude(Float start) { return hn::Abs(start); }
  static HWY_INLINE Float RowMagnitude(const Scratch& s, size_t i) {
    const acc::Tag d;
    return hn::Set(d, std::fabs(s.scaled[i]));
  }

  // [begin, end) is whole groups; the row arrays end in zeros, and columns
  // beyond depth are zeros.
  template <bool kChecked, size_t kRows, size_t kVectors>
  static HWY_INLINE void AddRange(const Block& block, const float* w,
                                  size_t begin, size_t end,
                                  States<State, kRows, kVectors>* states) {
    const acc::Tag d;
    const Scratch& s = block.scratch;
    State state[kRows][kVectors];
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) state[r][v] =
          states->lane[r][v];
    }
    const size_t depth = block.tile->depth;
    const size_t stride = block.tile->w_stride;
    for (size_t k = begin; k < end; k += 4) {
      Float column[4][kVectors];
      ANEREF_UNROLL for (size_t i = 0; i < 4; ++i) {
        ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) column[i][v] =
            k + i < depth
                ? hn::LoadU(d, w + (k + i) * stride + v * hn::Lanes(d))
                : hn::Zero(d);
      }
      ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
        ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) {
          Float product[4];
          ANEREF_UNROLL for (size_t i = 0; i < 4; ++i) product[i] =
              hn::Mul(hn::Set(d, s.scaled[(k + i) * kRows + r]), column[i][v]);
          if constexpr (kChecked)
            state[r][v] = acc::GroupChecked(state[r][v], product[0], product[1],
                                            product[2], product[3]);
          else
            state[r][v].sum = hn::Add(
                state[r][v].sum,
                acc::Group(product[0], product[1], product[2], product[3]));
        }
      }
    }
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) states->lane[r][v] =
          state[r][v];
    }
  }
  static HWY_INLINE Int Finish(const State& state, bool has_bias, Float bias) {
    return acc::Radix4Finish(state, has_bias, bias);
  }
};

}  // namespace mac
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // toggle
