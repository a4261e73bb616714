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
#include <type_traits>

#include "hwy/highway.h"
#include "ops/kernels/conv.h"
#include "ops/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace conv {

// Columns [0, count) of a line: zeros but for [begin, end), which come from
// src[0] on. Without `padding` the zeros are there already. Whole vectors are
// written: up to 15 zeros behind `end`, even into the next line.
template <class T>
HWY_INLINE void FillSpan(const T* src, int64_t begin, int64_t end,
                         int64_t count, bool padding, float* dst) {
  const gemm::Tag d;
  if (padding) {
    for (int64_t i = 0; i < begin; i += gemm::kLanes)
      hn::StoreU(hn::Zero(d), d, dst + i);
    for (int64_t i = end / gemm::kLanes * gemm::kLanes; i < count;
         i += gemm::kLanes) {
      hn::StoreU(hn::Zero(d), d, dst + i);
    }
  }
  int64_t i = begin;
  for (; i + gemm::kLanes <= end; i += gemm::kLanes, src += gemm::kLanes)
    hn::StoreU(compat::LoadWide(d, src), d, dst + i);
  if (i < end) {
    hn::StoreU(compat::LoadWideFirst(d, src, static_cast<size_t>(end - i)), d,
               dst + i);
  }
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

#if HWY_TARGET != HWY_SCALAR
// FillSpan and SplitPhases in one for two phases of fp16. `first` is the column
// of the line that src[0] is for; the padding is there already.
HWY_INLINE void FillTwoPhases(const uint16_t* src, int64_t first, int64_t count,
                              int64_t pitch, float* phases) {
  const gemm::Tag d;
  // Element i of an even column goes to phase 0, place i / 2.
  float* even = phases + first % 2 * pitch + first / 2;
  float* odd = phases + (first + 1) % 2 * pitch + (first + 1) / 2;
  int64_t i = 0;
  for (; i + 2 * gemm::kLanes <= count; i += 2 * gemm::kLanes) {
    const auto low = compat::LoadWide(d, src + i);
    const auto high = compat::LoadWide(d, src + i + gemm::kLanes);
    hn::StoreU(hn::ConcatEven(d, high, low), d, even + i / 2);
    hn::StoreU(hn::ConcatOdd(d, high, low), d, odd + i / 2);
  }
  if (i == count) return;
  const int64_t left = count - i, in_low = std::min(left, gemm::kLanes);
  const auto low =
      compat::LoadWideFirst(d, src + i, static_cast<size_t>(in_low));
  const auto high = compat::LoadWideFirst(d, src + i + in_low,
                                          static_cast<size_t>(left - in_low));
  compat::StoreFirst(hn::ConcatEven(d, high, low), d, even + i / 2,
                     static_cast<size_t>((left + 1) / 2));
  compat::StoreFirst(hn::ConcatOdd(d, high, low), d, odd + i / 2,
                     static_cast<size_t>(left / 2));
}
#endif

#if HWY_TARGET != HWY_SCALAR
// `count` elements of each of `rows` rows of fp16, which begin where whole
// vectors may be read to their end; zeros behind them. Pitches in elements.
HWY_INLINE void WidenRows(const uint16_t* src, int64_t src_pitch, int64_t rows,
                          int64_t count, int64_t dst_pitch, float* dst) {
  const gemm::Tag d;
  const hn::Rebind<uint16_t, gemm::Tag> dh;
  const int64_t whole = count / gemm::kLanes * gemm::kLanes;
  const auto rest = hn::FirstN(dh, static_cast<size_t>(count - whole));
  for (int64_t r = 0; r < rows; ++r, src += src_pitch, dst += dst_pitch) {
    for (int64_t i = 0; i < whole; i += gemm::kLanes)
      hn::StoreU(compat::LoadWide(d, src + i), d, dst + i);
    if (whole == count) continue;
    const auto last = hn::IfThenElseZero(rest, hn::LoadU(dh, src + whole));
    hn::StoreU(compat::WidenHalf(d, last), d, dst + whole);
  }
}
#endif

// `plane` is the channel's index in x; dst holds lines.NumFloats() floats.
// Without `padding` dst holds another channel's lines of the same unit, whose
// zeros are in the same places.
template <class T>
void FillLines(const ConvArgs& a, const ConvLines& lines, const TensorView& x,
               int64_t plane, bool padding, float* dst) {
  const int64_t first_row = lines.grid_row * a.in_step.row + lines.tap_row;
  const int64_t first = lines.grid_column * a.in_step.column + lines.tap_column;
  const int64_t pitch = lines.row_pitch;
  const int64_t begin = std::clamp<int64_t>(-first, 0, pitch);
  const int64_t end = std::clamp<int64_t>(a.in_width - first, begin, pitch);
  float* line = dst + lines.num_rows * pitch;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (std::is_same_v<T, uint16_t>) {
    const bool aligned = reinterpret_cast<uintptr_t>(x.data) % 64 == 0 &&
                         x.row_pitch % 64 == 0 && first + begin == 0;
    if (aligned && !padding && a.in_step.column == 1 && a.in_step.row == 1) {
      const int64_t top = std::clamp<int64_t>(-first_row, 0, lines.num_rows);
      const int64_t bottom =
          std::clamp<int64_t>(a.in_height - first_row, top, lines.num_rows);
      return WidenRows(x.Row<T>(plane * a.in_height + first_row + top),
                       static_cast<int64_t>(x.row_pitch / sizeof(T)),
                       bottom - top, end - begin, pitch,
                       dst + top * pitch + begin);
    }
  }
#endif
  for (int64_t r = 0; r < lines.num_rows; ++r, dst += pitch) {
    const int64_t row = first_row + r;
    if (lines.one_row_in_step && r % a.in_step.row != 0) continue;
    if (row < 0 || row >= a.in_height) {
      if (padding) FillSpan<T>(nullptr, 0, 0, pitch, true, dst);
      continue;
    }
    const T* src = x.Row<T>(plane * a.in_height + row) + first + begin;
#if HWY_TARGET != HWY_SCALAR
    if constexpr (std::is_same_v<T, uint16_t>) {
      if (a.in_step.column == 2) {
        if (padding) FillSpan<T>(nullptr, 0, 0, pitch, true, dst);
        FillTwoPhases(src, begin, end - begin, lines.phase_pitch, dst);
        continue;
      }
    }
#endif
    if (a.in_step.column == 1) {
      FillSpan(src, begin, end, pitch, padding, dst);
    } else {
      FillSpan(src, begin, end, pitch, padding, line);
      SplitPhases(line, a.in_step.column, lines.phase_pitch, dst);
    }
  }
}

}  // namespace conv
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // toggle
