// Depthwise convolution of planes that are narrower than a vector: rows stay in
// registers, and a column's tap is a rotation of the lanes, because the lanes
// behind the row are the zero padding. Where half a vector holds a row, two
// planes share one. Square kernels of 3 or 5, stride 1, fp16. Rules P3, P2.
// Included once per target, after hwy/highway.h.
#if defined(ANEREF_OPS_KERNELS_CONV_NARROW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_CONV_NARROW_INL_H_
#undef ANEREF_OPS_KERNELS_CONV_NARROW_INL_H_
#else
#define ANEREF_OPS_KERNELS_CONV_NARROW_INL_H_
#endif

#include <algorithm>
#include <array>
#include <utility>

#include "hwy/highway.h"
#include "ops/kernels/conv.h"
#include "ops/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace depthwise {

// The size of a square kernel whose tap rows follow each other; else 0.
inline size_t SquareSize(const ConvArgs& a) {
  for (const size_t size : {size_t{3}, size_t{5}}) {
    if (a.taps.size() != size * size) continue;
    bool square = true;
    for (size_t t = 0; t < a.taps.size(); ++t) {
      const PlaneStep& above = a.taps[t % size];
      square &= a.taps[t].column == above.column &&
                a.taps[t].row == a.taps[0].row + static_cast<int64_t>(t / size);
    }
    return square ? size : 0;
  }
  return 0;
}

#if HWY_TARGET == HWY_SCALAR
inline bool RunNarrow(const KernelCall&, const ConvArgs&, const ConvUnit&) {
  return false;  // no plane is narrower than one lane
}
#else

#if HWY_TARGET <= HWY_AVX3
constexpr size_t kNarrowRows = 7;
#else
constexpr size_t kNarrowRows = 4;
#endif

// Planes [plane, plane + kPlanes), one per 1/kPlanes of the lanes.
template <size_t kPlanes>
struct Narrow {
  using StorageTag = hn::Rebind<uint16_t, gemm::Tag>;
  using PartTag =
      std::conditional_t<kPlanes == 2, hn::Half<StorageTag>, StorageTag>;
  static constexpr int64_t kPart = gemm::kLanes / int64_t{kPlanes};

  const ConvArgs& a;
  const uint16_t* src;  // the first plane
  uint16_t* dst;
  int64_t src_pitch, dst_pitch;  // elements
  bool aligned;                  // whole vectors may be read
  const float* weights;          // [taps][lanes]
  const float* bias;             // [lanes]

  HWY_INLINE hn::Vec<PartTag> LoadPart(const uint16_t* p) const {
    const PartTag d;
    const auto width = static_cast<size_t>(a.in_width);
    if (!aligned) return compat::LoadFirst(d, p, width);
    return hn::IfThenElseZero(hn::FirstN(d, width), hn::LoadU(d, p));
  }
  // Row `row` of the planes, zeros behind it and outside.
  HWY_INLINE gemm::Vector LoadRow(int64_t row) const {
    const gemm::Tag d;
    if (row < 0 || row >= a.in_height) return hn::Zero(d);
    const uint16_t* p = src + row * src_pitch;
    if constexpr (kPlanes == 2) {
      return compat::WidenHalf(
          d, hn::Combine(StorageTag(), LoadPart(p + a.in_height * src_pitch),
                         LoadPart(p)));
    } else {
      return compat::WidenHalf(d, LoadPart(p));
    }
  }

  HWY_INLINE void StoreRow(gemm::Vector v, int64_t row) const {
    const gemm::Tag d;
    const auto width = static_cast<size_t>(a.grid_width);
    const auto half = compat::NarrowHalf(d, hn::Add(v, hn::LoadU(d, bias)));
    uint16_t* p = dst + row * dst_pitch;
    if constexpr (kPlanes == 2) {
      const PartTag dp;
      compat::StoreFirst(hn::LowerHalf(dp, half), dp, p, width);
      compat::StoreFirst(hn::UpperHalf(dp, half), dp,
                         p + a.out_height * dst_pitch, width);
    } else {
      compat::StoreFirst(half, StorageTag(), p, width);
    }
  }

  // The lane that each lane takes for tap column c.
  template <size_t kSize>
  static constexpr auto LanesOfTaps() {
    std::array<std::array<int32_t, gemm::kVectorLanes>, kSize> lanes{};
    for (size_t c = 0; c < kSize; ++c) {
      for (int64_t i = 0; i < gemm::kLanes; ++i) {
        const int64_t column = static_cast<int64_t>(c) - int64_t{kSize / 2};
        lanes[c][static_cast<size_t>(i)] = static_cast<int32_t>(
            i / kPart * kPart + (i + column + kPart) % kPart);
      }
    }
    return lanes;
  }

  // kRows output rows from row y on. Each input row serves every output row
  // that reads it; input rows ascend, so each output sees its taps in order.
  template <size_t kRows, size_t kSize>
  HWY_NOINLINE void Rows(int64_t y) const {
    const gemm::Tag d;
    constexpr size_t kMiddle = kSize / 2;
    HWY_ALIGN static constexpr auto kLanesOfTap = LanesOfTaps<kSize>();
    gemm::Vector kept[kSize == 3 ? kSize * kSize : 1];
    if constexpr (kSize == 3) {
      ANEREF_UNROLL for (size_t t = 0; t < kSize * kSize; ++t) kept[t] =
          hn::LoadU(d, weights + t * gemm::kVectorLanes);
    }
    gemm::Vector sum[kRows];
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) sum[r] = hn::Zero(d);
    ANEREF_UNROLL for (size_t i = 0; i < kRows + kSize - 1; ++i) {
      const gemm::Vector row =
          LoadRow(y + static_cast<int64_t>(i) + a.taps[0].row);
      ANEREF_UNROLL for (size_t c = 0; c < kSize; ++c) {
        const gemm::Vector v =
            c == kMiddle
                ? row
                : hn::TableLookupLanes(
                      row, hn::SetTableIndices(d, kLanesOfTap[c].data()));
        ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
          if (i < r || i - r >= kSize) continue;
          const size_t tap = (i - r) * kSize + c;
          const gemm::Vector weight =
              kSize == 3 ? kept[kSize == 3 ? tap : 0]
                         : hn::LoadU(d, weights + tap * gemm::kVectorLanes);
          sum[r] = hn::MulAdd(weight, v, sum[r]);
        }
      }
    }
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r)
        StoreRow(sum[r], y + static_cast<int64_t>(r));
  }

  template <size_t kSize, size_t... kRow>
  void RunRows(int64_t begin, int64_t end, std::index_sequence<kRow...>) const {
    using Function = void (Narrow::*)(int64_t) const;
    static constexpr Function kFunctions[] = {
        &Narrow::Rows<kRow + 1, kSize>...};
    const int64_t rows = end - begin;
    const int64_t num_groups = DivideUp(rows, int64_t{kNarrowRows});
    for (int64_t i = 0; i < num_groups; ++i) {
      const int64_t y = gemm::GroupBegin(rows, num_groups, i);
      const int64_t last = gemm::GroupBegin(rows, num_groups, i + 1);
      (this->*kFunctions[last - y - 1])(begin + y);
    }
  }
  void Run(size_t size, int64_t begin, int64_t end) const {
    constexpr auto kRow = std::make_index_sequence<kNarrowRows>();
    if (size == 3) return RunRows<3>(begin, end, kRow);
    RunRows<5>(begin, end, kRow);
  }
};

// Planes [group, group + kPlanes) of a unit.
template <size_t kPlanes>
void RunNarrowPlanes(const KernelCall& call, const ConvArgs& a,
                     const ConvUnit& u, int64_t group, size_t size) {
  constexpr int64_t kPart = Narrow<kPlanes>::kPart;
  const TensorView &x = call.in[0], &out = call.out[0];
  const size_t num_taps = size * size;
  HWY_ALIGN float weights[25 * gemm::kVectorLanes], bias[gemm::kVectorLanes];
  for (int64_t p = 0; p < int64_t{kPlanes}; ++p) {
    const uint16_t* packed =
        a.weights.as<uint16_t>() + a.WeightIndex(group + p, 0);
    float values[25 + 16];
    compat::WidenRun(packed, num_taps, values);
    for (size_t t = 0; t < num_taps; ++t) {
      std::fill_n(weights + static_cast<int64_t>(t) * gemm::kLanes + p * kPart,
                  kPart, values[t]);
    }
    std::fill_n(bias + p * kPart, kPart,
                a.bias.empty() ? 0.0f : a.bias[static_cast<size_t>(group + p)]);
  }
  const int64_t plane = u.image * a.groups + group;
  const bool aligned =
      reinterpret_cast<uintptr_t>(x.data) % 64 == 0 && x.row_pitch % 64 == 0;
  Narrow<kPlanes>{a,
                  x.Row<uint16_t>(plane * a.in_height),
                  out.Row<uint16_t>(plane * a.out_height + a.out_begin.row) +
                      a.out_begin.column,
                  static_cast<int64_t>(x.row_pitch / sizeof(uint16_t)),
                  static_cast<int64_t>(out.row_pitch / sizeof(uint16_t)),
                  aligned,
                  weights,
                  bias}
      .Run(size, u.pixel_begin / a.grid_width, u.pixel_end / a.grid_width);
}

// False when the unit is none of a narrow map.
inline bool RunNarrow(const KernelCall& call, const ConvArgs& a,
                      const ConvUnit& u) {
  const size_t size = SquareSize(a);
  const auto margin = static_cast<int64_t>(size / 2);
  const bool fits =
      size > 0 && a.out_channels == 1 && a.in_step.row == 1 &&
      a.in_step.column == 1 && a.out_step.row == 1 &&
      a.grid_width == a.in_width && a.in_width + margin <= gemm::kLanes &&
      u.pixel_begin % a.grid_width == 0 && u.pixel_end % a.grid_width == 0;
  if (!fits) return false;
  for (size_t c = 0; c < size; ++c) {
    if (a.taps[c].column != static_cast<int64_t>(c) - margin) return false;
  }
  int64_t group = u.group_begin;
#if HWY_TARGET <= HWY_AVX3
  if (a.in_width + margin <= gemm::kLanes / 2) {
    for (; group + 2 <= u.group_end; group += 2)
      RunNarrowPlanes<2>(call, a, u, group, size);
  }
#endif
  for (; group < u.group_end; ++group)
    RunNarrowPlanes<1>(call, a, u, group, size);
  return true;
}

#endif  // HWY_SCALAR

}  // namespace depthwise
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // toggle
