// Fills the lines of one input channel (ConvLines) in fp32, zero-padded.
// Padding taps then contribute 0 * weight, which leaves a sum that started at
// +0 as it is, as long as the weight is finite (the slice sees to that).
// Included once per target, after hwy/highway.h.
#if defined(ANEREF_OPS_KERNELS_CONV_LINES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_CONV_LINES_INL_H_
#undef ANEREF_OPS_KERNELS_CONV_LINES_INL_H_
#else
#define ANEREF_OPS_KERNELS_CONV_LINES_INL_H_
#endif

#include <algorithm>
#include <cstring>

#include "hwy/highway.h"
#include "ops/kernels/conv.h"
#include "ops/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace conv {

// dst[i] = columns [first, first + count) of a row of `width` elements, zeros
// outside it. Writes up to 15 floats behind.
template <class T>
void FillSpan(const T* row, int64_t width, int64_t first, int64_t count,
              float* dst) {
  const int64_t left = std::clamp<int64_t>(-first, 0, count);
  const int64_t end = std::clamp<int64_t>(width - first, left, count);
  std::memset(dst, 0, static_cast<size_t>(left) * sizeof(float));
  if (end > left) {
    compat::WidenRun(row + first + left, static_cast<size_t>(end - left),
                     dst + left);
  }
  std::memset(dst + end, 0, static_cast<size_t>(count - end) * sizeof(float));
}

// phases[p * pitch + i] = line[i * num_phases + p].
inline void SplitPhases(const float* line, int64_t num_phases, int64_t pitch,
                        float* phases) {
#if HWY_TARGET != HWY_SCALAR
  if (num_phases == 2) {
    const gemm::Tag d;
    for (int64_t i = 0; i < pitch; i += gemm::kLanes) {
      const auto low = hn::LoadU(d, line + 2 * i);
      const auto high = hn::LoadU(d, line + 2 * i + gemm::kLanes);
      hn::StoreU(hn::ConcatEven(d, high, low), d, phases + i);
      hn::StoreU(hn::ConcatOdd(d, high, low), d, phases + pitch + i);
    }
    return;
  }
#endif
  for (int64_t i = 0; i < pitch; ++i) {
    for (int64_t p = 0; p < num_phases; ++p)
      phases[p * pitch + i] = line[i * num_phases + p];
  }
}

// True when some tap reads rows `row` modulo the row step.
inline bool RowIsRead(const ConvArgs& a, const ConvLines& lines, int64_t row) {
  if (a.in_step.row == 1) return true;
  for (const PlaneStep& tap : a.taps) {
    if ((row - (tap.row - lines.tap_row)) % a.in_step.row == 0) return true;
  }
  return false;
}

// `plane` is the channel's first row; dst holds lines.NumFloats() floats.
template <class T>
void FillLines(const ConvArgs& a, const ConvLines& lines, const TensorView& x,
               int64_t plane, float* dst) {
  const int64_t first_row = lines.grid_row * a.in_step.row + lines.tap_row;
  const int64_t first_column =
      lines.grid_column * a.in_step.column + lines.tap_column;
  float* line = dst + lines.num_rows * lines.row_pitch;
  for (int64_t r = 0; r < lines.num_rows; ++r, dst += lines.row_pitch) {
    const int64_t row = first_row + r;
    if (row < 0 || row >= a.in_height) {
      std::memset(dst, 0, static_cast<size_t>(lines.row_pitch) * sizeof(float));
      continue;
    }
    if (!RowIsRead(a, lines, r)) continue;
    const T* src = x.Row<T>(plane * a.in_height + row);
    if (a.in_step.column == 1) {
      FillSpan(src, a.in_width, first_column, lines.row_pitch, dst);
    } else {
      FillSpan(src, a.in_width, first_column, lines.row_pitch, line);
      SplitPhases(line, a.in_step.column, lines.phase_pitch, dst);
    }
  }
}

}  // namespace conv
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // toggle
