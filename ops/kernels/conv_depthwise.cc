// Convolution of single input channels (depthwise, with a multiplier of up to
// 4): vectors along the row, taps in order, up to eight output rows at a time
// from zero-padded fp32 lines. Rules P3, P4, P2.
#include <algorithm>
#include <utility>

#include "ops/kernels/conv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/conv_depthwise.cc"
#include "hwy/foreach_target.h"
// foreach_target first
#include "hwy/highway.h"
#include "ops/kernels/conv_lines-inl.h"
#include "ops/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace depthwise {

// One output channel of a unit.
template <class T>
struct Plane {
  const ConvArgs& a;
  const ConvUnit& u;
  const ConvLines& lines;
  const TensorView& out;
  const float* line;
  const float* weights;    // [taps]
  const int32_t* offsets;  // [taps], into the lines
  float bias;
  int64_t first_row;  // of the output's plane, in rows of `out`

  // kRows output rows from grid row `y` on.
  template <size_t kRows>
  HWY_NOINLINE void Rows(int64_t y) const {
    const gemm::Tag d;
    const int64_t step = a.in_step.row * lines.row_pitch;
    const float* src = line + (y - lines.grid_row) * step;
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
      ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) Store(
          hn::Add(sum[r], hn::Set(d, bias)), y + static_cast<int64_t>(r), x);
    }
  }

  HWY_INLINE void Store(gemm::Vector v, int64_t y, int64_t x) const {
    const gemm::Tag d;
    T* dst = out.Row<T>(first_row + a.out_begin.row + y * a.out_step.row) +
             a.out_begin.column + lines.grid_column + x;
    const int64_t count = lines.num_grid_columns - x;
    if (count >= gemm::kLanes) {
      compat::StoreNarrow(v, d, dst);
    } else {
      compat::StoreNarrowFirst(v, d, dst, static_cast<size_t>(count));
    }
  }

  template <size_t... kRow>
  HWY_INLINE void RowsOf(int64_t count, int64_t y,
                         std::index_sequence<kRow...>) const {
    using Function = void (Plane::*)(int64_t) const;
    static constexpr Function kFunctions[] = {&Plane::Rows<kRow + 1>...};
    (this->*kFunctions[count - 1])(y);
  }

  // Equal groups of up to eight rows.
  void Run() const {
    const int64_t num_groups = DivideUp(lines.num_grid_rows, 8);
    for (int64_t i = 0; i < num_groups; ++i) {
      const int64_t y = gemm::GroupBegin(lines.num_grid_rows, num_groups, i);
      const int64_t end =
          gemm::GroupBegin(lines.num_grid_rows, num_groups, i + 1);
      RowsOf(end - y, lines.grid_row + y, std::make_index_sequence<8>());
    }
  }
};

template <class T>
void RunUnit(const KernelCall& call, const ConvArgs& a, const ConvUnit& u) {
  const ConvLines lines = ConvLinesOf(a, u);
  const size_t num_taps = a.taps.size();
  auto* weights = reinterpret_cast<float*>(call.scratch);
  auto* offsets = reinterpret_cast<int32_t*>(weights + num_taps + 16);
  auto* line = reinterpret_cast<float*>(offsets + num_taps);
  for (size_t t = 0; t < num_taps; ++t)
    offsets[t] = static_cast<int32_t>(lines.TapOffset(a, a.taps[t]));
  for (int64_t g = u.group_begin; g < u.group_end; ++g) {
    if (num_taps > 0)
      conv::FillLines<T>(a, lines, call.in[0], u.image * a.groups + g,
                         g == u.group_begin, line);
    for (int64_t m = u.channel_begin; m < u.channel_end; ++m) {
      const int64_t channel = g * a.out_channels + m;
      const T* packed = a.weights.as<T>() + channel * a.weight_stride;
      compat::WidenRun(packed, num_taps, weights);
      const float bias =
          a.bias.empty() ? 0.0f : a.bias[static_cast<size_t>(channel)];
      const int64_t plane = u.image * a.groups * a.out_channels + channel;
      Plane<T>{a,       u,       lines, call.out[0],         line,
               weights, offsets, bias,  plane * a.out_height}
          .Run();
    }
  }
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
