// See pack.h: squares transposed in registers, and one element at a time. No
// arithmetic, so the bits cannot differ.
#include "ops/kernels/pack.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/pack.cc"
#include "hwy/foreach_target.h"
// foreach_target first
#include "hwy/highway.h"
#include "ops/kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace {

void TransposePanel(const PanelSource& source, const int64_t* place,
                    uint16_t* panel) {
  constexpr auto kSide = static_cast<int64_t>(square::kSide);
  const square::Tag d;
  // The columns of a cache line follow each other: rows may be so far apart
  // that they take each other's places in L1.
  constexpr int64_t kLine = 32;
  const int64_t across = kPanelWidth / kSide, along = kLine / kSide;
  const int64_t num_lines = DivideUp(source.num_columns, kLine);
  for (int64_t line = 0; line < num_lines; ++line) {
    for (int64_t part = 0; part < across * along; ++part) {
      const int64_t i = part / along * kSide;
      const int64_t j = line * kLine + part % along * kSide;
      const int64_t width = std::min(kSide, source.num_columns - j);
      if (width <= 0) continue;
      square::Vector v[square::kSide];
      for (int64_t r = 0; r < kSide; ++r) {
        const uint16_t* row = source.rows + (i + r) * source.stride + j;
        auto& to = v[static_cast<size_t>(r)];
        if (i + r >= source.num_rows) {
          to = hn::Zero(d);
        } else if (width == kSide) {
          to = hn::LoadU(d, row);
        } else {
          to = compat::LoadFirst(d, row, static_cast<size_t>(width));
        }
      }
      square::Transpose(v);
      for (int64_t c = 0; c < width; ++c) {
        if (place[j + c] < 0) continue;
        hn::StoreU(v[static_cast<size_t>(c)], d,
                   panel + place[j + c] * kPanelWidth + i);
      }
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {
HWY_EXPORT(TransposePanel);
}  // namespace

void TransposeToPanel(const PanelSource& source, const int64_t* place,
                      uint16_t* panel) {
  HWY_DYNAMIC_DISPATCH(TransposePanel)(source, place, panel);
}

void TransposeToPanelScalar(const PanelSource& source, const int64_t* place,
                            uint16_t* panel) {
  for (int64_t j = 0; j < source.num_columns; ++j) {
    if (place[j] < 0) continue;
    for (int64_t i = 0; i < kPanelWidth; ++i) {
      panel[place[j] * kPanelWidth + i] =
          i < source.num_rows ? source.rows[i * source.stride + j]
                              : uint16_t{0};
    }
  }
}

}  // namespace aneref
#endif  // HWY_ONCE
