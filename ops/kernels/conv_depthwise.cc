// Convolution of single input channels (depthwise, with a multiplier of up to
// 4): vectors along the row, taps in order, up to eight output rows at a time
// from zero-padded fp32 lines; steps of two and planes narrower than a vector
// need no lines (conv_narrow-inl.h). Rules P3, P4, P2.
#include <algorithm>
#include <type_traits>
#include <utility>

#include "hwy/cache_control.h"
#include "ops/kernels/conv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/conv_depthwise.cc"
#include "hwy/foreach_target.h"
// foreach_target first
#include "hwy/highway.h"
#include "ops/kernels/conv_lines-inl.h"
#include "ops/kernels/conv_narrow_units-inl.h"
#include "ops/kernels/epilogue-inl.h"
#include "ops/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace depthwise {

// Output rows that are computed together; accumulators and the taps of a 3x3
// kernel fit the registers. Old processors, which convert fp16 by many
// instructions, gain little from more, and every height is code.
#if HWY_TARGET <= HWY_AVX3
constexpr size_t kMostRows = 8;
#elif ANEREF_NATIVE_HALF
constexpr size_t kMostRows = 4;
#else
constexpr size_t kMostRows = 2;
#endif

// A loaded vector that several instructions use: compilers would rather load it
// again for each, and most of these loads cross a cache line.
HWY_INLINE gemm::Vector InRegister(gemm::Vector v) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128 && \
    (HWY_COMPILER_GCC || HWY_COMPILER_CLANG)
  __asm__("" : "+v"(v.raw));
#endif
  return v;
}

// Floats of the lines of a band: three quarters of a typical L1. The rows of a
// band are a multiple of kGranule where they can be.
constexpr int64_t kBandFloats = 6144;
constexpr int64_t kGranule = kMostRows == 8 ? 7 : 4;

// One output channel of a unit.
template <class T>
struct Plane {
  const ConvArgs& a;
  const ConvLines& lines;
  const float* line;
  const float* weights;    // [taps]
  const int32_t* offsets;  // [taps], into the lines
  float bias;
  std::byte* out;  // the unit's first row of output
  int64_t out_pitch;

  // `kRows` output rows from row `y` of the unit on. Any kernel.
  template <size_t kRows>
  HWY_NOINLINE void Rows(int64_t y) const {
    const gemm::Tag d;
    const int64_t step = a.in_step.row * lines.row_pitch;
    const float* src = line + y * step;
    const size_t num_taps = a.taps.size();
    for (int64_t x = 0; x < lines.num_grid_columns; x += gemm::kLanes) {
      gemm::Vector sum[kRows];
      ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) sum[r] = hn::Zero(d);
      for (size_t t = 0; t < num_taps; ++t) {
        const auto weight = hn::Set(d, weights[t]);
        const float* HWY_RESTRICT from = src + x + offsets[t];
        ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) sum[r] =
            gemm::MultiplyAdd<sizeof(T) == 2>(
                weight, hn::LoadU(d, from + static_cast<int64_t>(r) * step),
                sum[r]);
      }
      Store<kRows>(sum, y, x);
    }
  }

  // The same for a kernel of kSize x kSize neighbouring rows: each loaded
  // vector serves every output row that reads it. Input rows ascend, so each
  // output still sees its taps in order (P3).
  template <size_t kRows, size_t kSize, size_t kStep>
  HWY_NOINLINE void SquareRows(int64_t y) const {
    const gemm::Tag d;
    const float* src = line + y * static_cast<int64_t>(kStep) * lines.row_pitch;
    // Nine weights fit the registers beside the sums; more stay in memory.
    constexpr bool kInRegisters = kSize == 3;
    gemm::Vector kept[kInRegisters ? kSize * kSize : 1];
    if constexpr (kInRegisters) {
      ANEREF_UNROLL for (size_t t = 0; t < kSize * kSize; ++t) kept[t] =
          hn::Set(d, weights[t]);
    }
    for (int64_t x = 0; x < lines.num_grid_columns; x += gemm::kLanes) {
      gemm::Vector sum[kRows];
      ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) sum[r] = hn::Zero(d);
      const float* HWY_RESTRICT from = src + x;
      ANEREF_UNROLL for (size_t i = 0; i < (kRows - 1) * kStep + kSize; ++i) {
        ANEREF_UNROLL for (size_t column = 0; column < kSize; ++column) {
          const auto v = InRegister(hn::LoadU(d, from + offsets[column]));
          ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
            if (i < r * kStep || i - r * kStep >= kSize) continue;
            const size_t tap = (i - r * kStep) * kSize + column;
            const auto weight = kInRegisters ? kept[kInRegisters ? tap : 0]
                                             : hn::Set(d, weights[tap]);
            sum[r] = gemm::MultiplyAdd<sizeof(T) == 2>(weight, v, sum[r]);
          }
        }
        from += lines.row_pitch;
      }
      Store<kRows>(sum, y, x);
    }
  }

  HWY_INLINE void StoreClamped(gemm::Vector v, int64_t count, T* dst) const {
    const hn::Rebind<uint16_t, gemm::Tag> d;
    const auto half = epilogue::Clamp(d, a.epilogue.first,
                                      compat::NarrowHalf(gemm::Tag(), v));
    if (count >= gemm::kLanes) return hn::StoreU(half, d, dst);
    compat::StoreFirst(half, d, dst, static_cast<size_t>(count));
  }

  template <size_t kRows>
  HWY_INLINE void Store(gemm::Vector (&sum)[kRows], int64_t y,
                        int64_t x) const {
    const gemm::Tag d;
    const int64_t count = lines.num_grid_columns - x;
    std::byte* dst = out + y * out_pitch + x * int64_t{sizeof(T)};
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r, dst += out_pitch) {
      const auto v = hn::Add(sum[r], hn::Set(d, bias));
      if constexpr (std::is_same_v<T, uint16_t>) {
        if (a.epilogue.first.active) {
          StoreClamped(v, count, reinterpret_cast<T*>(dst));
          continue;
        }
      }
      if (count >= gemm::kLanes) {
        compat::StoreNarrow(v, d, reinterpret_cast<T*>(dst));
      } else {
        compat::StoreNarrowFirst(v, d, reinterpret_cast<T*>(dst),
                                 static_cast<size_t>(count));
      }
    }
  }

  using Function = void (Plane::*)(int64_t) const;
  // Equal groups of up to kMostRows rows.
  void RunGroups(const Function* functions) const {
    const int64_t rows = lines.num_grid_rows;
    const int64_t num_groups = DivideUp(rows, kMostRows);
    for (int64_t i = 0; i < num_groups; ++i) {
      const int64_t y = gemm::GroupBegin(rows, num_groups, i);
      const int64_t end = gemm::GroupBegin(rows, num_groups, i + 1);
      (this->*functions[end - y - 1])(y);
    }
  }
  template <size_t... kRow>
  void RunAny(std::index_sequence<kRow...>) const {
    static constexpr Function kFunctions[] = {&Plane::Rows<kRow + 1>...};
    RunGroups(kFunctions);
  }
  template <size_t kSize, size_t kStep, size_t... kRow>
  void RunSquare(std::index_sequence<kRow...>) const {
    static constexpr Function kFunctions[] = {
        &Plane::SquareRows<kRow + 1, kSize, kStep>...};
    RunGroups(kFunctions);
  }

  // `size` of a square kernel, or 0.
  void Run(size_t size) const {
    constexpr auto kRow = std::make_index_sequence<kMostRows>();
    const int64_t step = a.in_step.row;
    if (size == 3 && step == 1) return RunSquare<3, 1>(kRow);
    if (size == 3 && step == 2) return RunSquare<3, 2>(kRow);
    if (size == 5 && step == 1) return RunSquare<5, 1>(kRow);
    if (size == 5 && step == 2) return RunSquare<5, 2>(kRow);
    RunAny(kRow);
  }
};

// A unit of depthwise work with its scratch.
template <class T>
struct Worker {
  const KernelCall& call;
  const ConvArgs& a;
  float* weights;    // [taps] of one channel
  int32_t* offsets;  // [taps]
  float* line;

  // All channels of `u`, whose lines fit the scratch.
  void RunBand(const ConvUnit& u) const {
    const ConvLines lines = ConvLinesOf(a, u);
    const size_t size = SquareSize(a), num_taps = a.taps.size();
    // The elements of a row begin at a cache line; its padding is before it.
    const int64_t pad = std::max<int64_t>(
        0, -(lines.grid_column * a.in_step.column + lines.tap_column));
    float* first = line + (a.in_step.column == 1 ? RoundUp(pad, 16) - pad : 0);
    for (size_t t = 0; t < num_taps; ++t)
      offsets[t] = static_cast<int32_t>(lines.TapOffset(a, a.taps[t]));
    for (int64_t g = u.group_begin; g < u.group_end; ++g) {
      if (num_taps > 0)
        conv::FillLines<T>(a, lines, call.in[0], u.image * a.groups + g,
                           g == u.group_begin, first);
      for (int64_t m = u.channel_begin; m < u.channel_end; ++m)
        RunPlane(u, lines, first, g * a.out_channels + m, size);
    }
  }

  void RunPlane(const ConvUnit& u, const ConvLines& lines,
                const float* first_line, int64_t channel, size_t size) const {
    const TensorView& out = call.out[0];
    const T* packed = a.weights.as<T>() + a.WeightIndex(channel, 0);
    compat::WidenRun(packed, a.taps.size(), weights);
    const float bias =
        a.bias.empty() ? 0.0f : a.bias[static_cast<size_t>(channel)];
    const int64_t plane = u.image * a.groups * a.out_channels + channel;
    T* first = out.Row<T>(plane * a.out_height + a.out_begin.row +
                          lines.grid_row * a.out_step.row) +
               a.out_begin.column + lines.grid_column;
    Plane<T>{a,
             lines,
             first_line,
             weights,
             offsets,
             bias,
             reinterpret_cast<std::byte*>(first),
             a.out_step.row * static_cast<int64_t>(out.row_pitch)}
        .Run(size);
  }

  // Whole grid rows go band by band, so that the lines of a band stay in L1 and
  // their zeros are written once for all planes.
  void Run(const ConvUnit& u) const {
    const int64_t width = a.grid_width;
    const int64_t first = u.pixel_begin / width;
    const int64_t num_rows = u.pixel_end / width - first;
    const bool whole = u.pixel_begin % width == 0 && u.pixel_end % width == 0;
    const ConvLines lines = ConvLinesOf(a, u);
    const int64_t fitting = kBandFloats / std::max<int64_t>(1, lines.row_pitch);
    const int64_t most =
        std::max<int64_t>(1, fitting / a.in_step.row / kGranule) * kGranule;
    if (!whole || lines.num_rows <= fitting || num_rows <= most)
      return RunBand(u);
    const int64_t num_bands = DivideUp(num_rows, most);
    for (int64_t i = 0; i < num_bands; ++i) {
      ConvUnit band = u;
      band.pixel_begin =
          (first + gemm::GroupBegin(num_rows, num_bands, i)) * width;
      band.pixel_end =
          (first + gemm::GroupBegin(num_rows, num_bands, i + 1)) * width;
      RunBand(band);
    }
  }
};

template <class T>
void RunUnit(const KernelCall& call, const ConvArgs& a, const ConvUnit& u) {
  if constexpr (std::is_same_v<T, uint16_t>) {
    if (RunNarrow(call, a, u)) return;
  }
  const auto num_taps = RoundUp(static_cast<int64_t>(a.taps.size()) + 16, 16);
  auto* weights = reinterpret_cast<float*>(call.scratch);
  auto* offsets = reinterpret_cast<int32_t*>(weights + num_taps);
  auto* line = reinterpret_cast<float*>(offsets + num_taps);
  Worker<T>{call, a, weights, offsets, line}.Run(u);
}

}  // namespace depthwise

Status ConvDepthwise(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const ConvArgs*>(call.args);
  const ConvUnit u = ConvUnitOf(args, unit);
  if (call.out[0].dtype == DataType::kFloat16) {
    depthwise::RunUnit<uint16_t>(call, args, u);
  } else {
    depthwise::RunUnit<float>(call, args, u);
  }
  return Status();
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
HWY_EXPORT(ConvDepthwise);
static Status ConvDepthwiseSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(ConvDepthwise)(call, unit);
}
const Kernel conv_depthwise_kernel = {"conv_depthwise", ConvScalar,
                                      ConvDepthwiseSimd};
}  // namespace aneref
#endif
