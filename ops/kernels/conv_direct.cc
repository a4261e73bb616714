// Convolution to few output channels: every sum reads its elements as they lie,
// in the zero-padded fp32 lines of the input or, with one tap, in its rows.
// Packing them first (conv_gemm.cc) costs as much as five channels of output.
// Pixels in the lanes; rules P3 (k: taps outer, channels inner), P4, P2.
#include <algorithm>
#include <type_traits>

#include "hwy/cache_control.h"
#include "ops/kernels/conv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/conv_direct.cc"
#include "hwy/foreach_target.h"
// foreach_target first
#include "hwy/highway.h"
#include "ops/kernels/conv_lines-inl.h"
#include "ops/kernels/epilogue-inl.h"
#include "ops/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
#if HWY_TARGET != HWY_SCALAR
namespace direct {

// Eight lanes, or as many as there are where a.wide_vectors asks for it: on
// some processors (Zen 4) those multiply no faster, and every one of their
// loads crosses a cache line.
constexpr size_t kNarrowLanes = std::min<size_t>(gemm::kVectorLanes, 8);
constexpr bool kHasWideVectors = gemm::kVectorLanes > kNarrowLanes;
template <size_t kLanes>
using Tag = hn::CappedTag<float, kLanes>;

// Channels that are computed together, and vectors of each, so that the sums,
// the elements and a weight fit the registers.
#if HWY_ARCH_X86 && HWY_TARGET > HWY_AVX3
constexpr int64_t kMostRows = 6;
constexpr size_t VectorsFor(size_t rows) { return rows <= 3 ? 3 : 2; }
#else
constexpr int64_t kMostRows = 8;
constexpr size_t VectorsFor(size_t rows) { return rows <= 6 ? 4 : 3; }
#endif
static_assert(kMostRows <= kDirectRows);

// Pixels of one row that are computed before they are stored.
constexpr int64_t kStrip = kGemmStripStride - 32;
static_assert(VectorsFor(1) * kNarrowLanes <= size_t{kDirectPixels});

// Fewest channels and pixels that wide vectors are for: fewer channels use an
// element too seldom.
constexpr size_t kWideRows = 6;
constexpr int64_t kWidePixels = VectorsFor(kWideRows) * gemm::kVectorLanes;

// One unit of one group.
template <class T>
struct Worker {
  const ConvArgs& a;
  const TensorView& x;
  const TensorView& addend;  // of the epilogue
  const TensorView& out;
  const ConvUnit& u;
  int64_t group;
  ConvLines lines;
  ConvDirectScratch layout;
  float* weights;    // [kDirectRows][layout.depth]
  float* line;       // of all channels
  T* strip;          // [kDirectRows][kGemmStripStride]
  int32_t* offsets;  // of the taps, into a line

  // Results of kRows channels for VectorsFor(kRows) vectors of pixels. Channels
  // of the source are `stride` elements apart; it is in fp32 lines, or one
  // tap's operand itself.
  template <size_t kRows, size_t kVectorLanes, class S>
  HWY_NOINLINE void Tile(const S* HWY_RESTRICT src, int64_t stride,
                         const float* bias, T* HWY_RESTRICT to) const {
    constexpr size_t kVectors = VectorsFor(kRows);
    const Tag<kVectorLanes> d;
    using Vector = hn::Vec<Tag<kVectorLanes>>;
    Vector sum[kRows][kVectors];
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[r][v] =
          hn::Zero(d);
    }
    const float* HWY_RESTRICT weight = weights;
    const size_t num_taps = a.taps.size(), depth = layout.depth;
    for (size_t t = 0; t < num_taps; ++t) {
      const S* HWY_RESTRICT from = src + offsets[t];
      for (int64_t c = 0; c < a.in_channels; ++c, from += stride, ++weight) {
        // Planes lie pages apart: no prefetcher of the machine follows.
        if constexpr (std::is_same_v<S, uint16_t>)
          hwy::Prefetch(from + 2 * kVectors * kVectorLanes);
        Vector column[kVectors];
        ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) column[v] =
            compat::LoadWide(d, from + v * kVectorLanes);
        ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
          const auto row = hn::Set(d, weight[r * depth]);
          ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[r][v] =
              gemm::MultiplyAdd<sizeof(T) == 2>(row, column[v], sum[r][v]);
        }
      }
    }
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      const auto add = hn::Set(d, bias[r]);
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) {
        compat::StoreNarrow(
            hn::Add(sum[r][v], add), d,
            to + r * size_t{kGemmStripStride} + v * kVectorLanes);
      }
    }
  }

  // `count` pixels of `rows` channels into the strip. The last tile may begin
  // in the one before it, and reach behind the pixels where there is only one.
  template <size_t kRows, size_t kLanes, class S>
  HWY_INLINE void StripOf(const S* src, int64_t stride, const float* bias,
                          int64_t count) const {
    constexpr auto kStep = static_cast<int64_t>(VectorsFor(kRows) * kLanes);
    for (int64_t i = 0; i < count; i += kStep) {
      const int64_t at = std::max<int64_t>(0, std::min(i, count - kStep));
      Tile<kRows, kLanes>(src + at, stride, bias, strip + at);
    }
  }
  template <size_t kRows, class S>
  HWY_INLINE void Strip(const S* src, int64_t stride, const float* bias,
                        int64_t count) const {
    if constexpr (kHasWideVectors && kRows >= kWideRows) {
      if (a.wide_vectors && count >= kWidePixels)
        return StripOf<kRows, gemm::kVectorLanes>(src, stride, bias, count);
    }
    StripOf<kRows, kNarrowLanes>(src, stride, bias, count);
  }
  // The heights that are compiled: those of fp16 from lines are what networks
  // end with; the others share some.
  template <class S>
  void AnyStrip(int64_t rows, const S* src, int64_t stride, const float* bias,
                int64_t count) const {
    if constexpr (std::is_same_v<T, uint16_t> && std::is_same_v<S, float>) {
      if (rows == 1) return Strip<1>(src, stride, bias, count);
      if (rows == 3) return Strip<3>(src, stride, bias, count);
    }
    if constexpr (std::is_same_v<T, uint16_t>) {
      if (rows <= 2) return Strip<2>(src, stride, bias, count);
      if (rows <= 4) return Strip<4>(src, stride, bias, count);
    }
    if (rows <= 6) return Strip<6>(src, stride, bias, count);
    if constexpr (kMostRows == 8) Strip<8>(src, stride, bias, count);
  }

  // Weights of `rows` channels from `channel` on; zeros for the others, which
  // a tile may have more of.
  void WidenWeights(int64_t channel, int64_t rows) const {
    std::fill_n(weights, kDirectRows * static_cast<int64_t>(layout.depth),
                0.0f);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t index = group * a.out_channels + channel + r;
      float* to = weights + r * static_cast<int64_t>(layout.depth);
      for (int64_t k = 0; k < a.Depth(); k += kBlockDepth) {
        const int64_t count = std::min(kBlockDepth, a.Depth() - k);
        compat::WidenRun(a.weights.as<T>() + a.WeightIndex(index, k),
                         static_cast<size_t>(count), to + k);
      }
    }
  }

  void StoreRow(int64_t channel, int64_t row, int64_t column, int64_t count,
                const T* src) const {
    const int64_t plane =
        (u.image * a.groups + group) * a.out_channels + channel;
    T* dst = out.Row<T>(plane * a.out_height + a.out_begin.row + row) +
             a.out_begin.column + column;
    if constexpr (std::is_same_v<T, float>) {
      std::copy_n(src, count, dst);
    } else {
      const Epilogue& e = a.epilogue;
      if (e.adds) {
        const T* other = addend.Row<T>(0) + (dst - out.Row<T>(0));
        epilogue::StoreSum(e, src, other, dst, count);
      } else if (e.first.active) {
        epilogue::StoreClamped<true>(e.first, src, dst, count);
      } else {
        epilogue::StoreClamped<false>(e.first, src, dst, count);
      }
    }
  }

  int64_t InputPlane() const {
    return (u.image * a.groups + group) * a.in_channels;
  }

  // The unit's rows of `rows` channels from `channel` on, in equal strips.
  void RunChannels(int64_t channel, int64_t rows) const {
    WidenWeights(channel, rows);
    float bias[kDirectRows] = {};
    if (!a.bias.empty())
      std::copy_n(a.bias.data() + group * a.out_channels + channel, rows, bias);
    const int64_t width = a.grid_width;
    const int64_t num_strips = DivideUp(width, kStrip);
    const auto plane = static_cast<int64_t>(a.in_height) *
                       static_cast<int64_t>(x.row_pitch / sizeof(T));
    for (int64_t row = u.pixel_begin / width; row < u.pixel_end / width;
         ++row) {
      for (int64_t i = 0; i < num_strips; ++i) {
        const int64_t column = gemm::GroupBegin(width, num_strips, i);
        const int64_t count =
            gemm::GroupBegin(width, num_strips, i + 1) - column;
        if (a.reads_rows) {
          AnyStrip(rows, x.Row<T>(InputPlane() * a.in_height + row) + column,
                   plane, bias, count);
        } else {
          AnyStrip(
              rows,
              line + (row - lines.grid_row) * a.in_step.row * lines.row_pitch +
                  column,
              static_cast<int64_t>(layout.line_floats), bias, count);
        }
        for (int64_t r = 0; r < rows; ++r) {
          StoreRow(channel + r, row, column, count,
                   strip + r * kGemmStripStride);
        }
      }
    }
  }

  void Run() const {
    for (int64_t c = 0; c < a.in_channels && !a.reads_rows; ++c) {
      conv::FillLines<T>(a, lines, x, InputPlane() + c, /*padding=*/true,
                         line + c * static_cast<int64_t>(layout.line_floats));
    }
    const int64_t channels = u.channel_end - u.channel_begin;
    const int64_t num_groups = DivideUp(channels, kMostRows);
    for (int64_t i = 0; i < num_groups; ++i) {
      const int64_t first = gemm::GroupBegin(channels, num_groups, i);
      RunChannels(u.channel_begin + first,
                  gemm::GroupBegin(channels, num_groups, i + 1) - first);
    }
  }
};

template <class T>
void RunUnit(const KernelCall& call, const ConvArgs& a, const ConvUnit& u) {
  const ConvLines lines = ConvLinesOf(a, u);
  const ConvDirectScratch layout = ConvDirectScratchOf(a);
  auto* weights = reinterpret_cast<float*>(call.scratch);
  float* line = weights + static_cast<size_t>(kDirectRows) * layout.depth;
  auto* offsets = reinterpret_cast<int32_t*>(
      line + layout.line_floats * static_cast<size_t>(a.in_channels));
  auto* strip = reinterpret_cast<T*>(offsets + layout.taps);
  for (size_t t = 0; t < a.taps.size(); ++t)
    offsets[t] =
        a.reads_rows ? 0 : static_cast<int32_t>(lines.TapOffset(a, a.taps[t]));
  for (int64_t g = u.group_begin; g < u.group_end; ++g) {
    Worker<T>{a,     call.in[0], call.in.back(), call.out[0], u,     g,
              lines, layout,     weights,        line,        strip, offsets}
        .Run();
  }
}

}  // namespace direct
#endif  // HWY_SCALAR

Status ConvDirect(const KernelCall& call, int64_t unit) {
#if HWY_TARGET == HWY_SCALAR
  return ConvScalar(call, unit);  // nothing is gained in one lane
#else
  const auto& args = *static_cast<const ConvArgs*>(call.args);
  const ConvUnit u = ConvUnitOf(args, unit);
  if (call.out[0].dtype == DataType::kFloat16) {
    direct::RunUnit<uint16_t>(call, args, u);
  } else {
    direct::RunUnit<float>(call, args, u);
  }
  return Status();
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
HWY_EXPORT(ConvDirect);
static Status ConvDirectSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(ConvDirect)(call, unit);
}
const Kernel conv_direct_kernel = {"conv_direct", ConvScalar, ConvDirectSimd};
}  // namespace aneref
#endif
