// Units of depthwise convolution whose rows stay in registers: which shapes the
// kernels of conv_narrow-inl.h take, how planes lie in the lanes, and the walk
// over planes and columns. Included once per target, after hwy/highway.h.
#if defined(ANEREF_OPS_KERNELS_CONV_NARROW_UNITS_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_CONV_NARROW_UNITS_INL_H_
#undef ANEREF_OPS_KERNELS_CONV_NARROW_UNITS_INL_H_
#else
#define ANEREF_OPS_KERNELS_CONV_NARROW_UNITS_INL_H_
#endif

#include <algorithm>

#include "hwy/highway.h"
#include "ops/kernels/conv_narrow-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace depthwise {

#if HWY_TARGET == HWY_SCALAR
inline bool RunNarrow(const KernelCall&, const ConvArgs&, const ConvUnit&) {
  return false;  // no plane is narrower than one lane
}
#else

// How the planes of a unit lie in the lanes.
struct NarrowPlan {
  size_t size = 0;  // of the kernel; 0: none of these kernels
  int64_t step = 1;
  int64_t pad = 0;       // columns in front of the first one
  bool shares = false;   // two planes in the lanes
  int64_t per_span = 0;  // output columns
  // The unit's output rows, in groups of group_rows; the first group_extra
  // groups have one more.
  int64_t row_begin = 0, row_end = 0;
  int64_t group_rows = 0, group_extra = 0;
};

inline NarrowPlan NarrowPlanOf(const ConvArgs& a, const ConvUnit& u) {
  NarrowPlan plan;
  const size_t size = SquareSize(a);
  const bool fits = size > 0 && a.out_channels == 1 &&
                    a.in_step.row == a.in_step.column && a.in_step.row <= 2 &&
                    a.out_step.row == 1 && u.pixel_begin % a.grid_width == 0 &&
                    u.pixel_end % a.grid_width == 0;
  if (!fits) return plan;
  plan.step = a.in_step.row;
  plan.pad = -a.taps[0].column;
  const auto last = static_cast<int64_t>(size) - 1 - plan.pad;
  if (plan.pad < 0 || last < 0) return plan;
  for (size_t c = 0; c < size; ++c) {
    if (a.taps[c].column != static_cast<int64_t>(c) - plan.pad) return plan;
  }
  const int64_t half = gemm::kLanes / 2;
#if ANEREF_TWO_VECTOR_LOOKUP
  plan.shares = a.grid_width <= half && a.in_width <= half * plan.step;
  const bool fits_vector =
      a.grid_width <= gemm::kLanes && a.in_width <= gemm::kLanes;
  // The columns of two vectors, less what the last outputs do not have all of.
  plan.per_span = plan.step == 1
                      ? a.grid_width
                      : (2 * gemm::kLanes - static_cast<int64_t>(size)) / 2 + 1;
  if (plan.step == 1 && !fits_vector) return plan;
#else
  // The lanes behind a row are its padding, on both sides.
  static_cast<void>(half);
  plan.per_span = a.grid_width;
  if (plan.step != 1 || a.in_width + plan.pad > gemm::kLanes ||
      a.grid_width + last > gemm::kLanes) {
    return plan;
  }
#endif
  plan.size = size;
  plan.row_begin = u.pixel_begin / a.grid_width;
  plan.row_end = u.pixel_end / a.grid_width;
  const int64_t rows = plan.row_end - plan.row_begin;
  const int64_t num_groups =
      std::max<int64_t>(1, DivideUp(rows, int64_t{kNarrowRows}));
  plan.group_rows = rows / num_groups;
  plan.group_extra = rows % num_groups;
  return plan;
}

// Weights and bias of kPlanes channels as their kernels take them.
template <size_t kPlanes>
struct NarrowWeights {
  HWY_ALIGN float taps[kPlanes == 2 ? 25 * gemm::kVectorLanes : 32];
  HWY_ALIGN float bias[gemm::kVectorLanes];

  NarrowWeights(const ConvArgs& a, int64_t group) {
    const gemm::Tag d;
    const size_t num_taps = a.taps.size();
    const auto bias_of = [&](int64_t g) {
      return a.bias.empty() ? 0.0f : a.bias[static_cast<size_t>(g)];
    };
    const uint16_t* packed = a.weights.as<uint16_t>();
    if constexpr (kPlanes == 1) {
      compat::WidenRun(packed + a.WeightIndex(group, 0), num_taps, taps);
      hn::StoreU(hn::Set(d, bias_of(group)), d, bias);
    } else {
      float first[32], second[32];
      compat::WidenRun(packed + a.WeightIndex(group, 0), num_taps, first);
      compat::WidenRun(packed + a.WeightIndex(group + 1, 0), num_taps, second);
      for (size_t t = 0; t < num_taps; ++t)
        hn::StoreU(Both(first[t], second[t]), d, taps + t * gemm::kVectorLanes);
      hn::StoreU(Both(bias_of(group), bias_of(group + 1)), d, bias);
    }
  }
  static HWY_INLINE gemm::Vector Both(float first, float second) {
    const hn::Half<gemm::Tag> half;
    return hn::Combine(gemm::Tag(), hn::Set(half, second),
                       hn::Set(half, first));
  }
};

// The output columns from `at` on.
template <size_t kStep>
HWY_INLINE NarrowSpan NarrowSpanAt(const ConvArgs& a, const NarrowPlan& plan,
                                   int64_t at, const TapLanes* lanes) {
  constexpr int64_t kMost = gemm::kLanes * int64_t{kStep};
  NarrowSpan span;
  span.out_column = at;
  span.in_column =
      std::clamp<int64_t>(at * plan.step - plan.pad, 0, a.in_width);
  span.num_columns =
      static_cast<size_t>(std::min(a.in_width - span.in_column, kMost));
  span.count = static_cast<size_t>(std::min(plan.per_span, a.grid_width - at));
  span.lanes = &lanes[at == 0 ? 0 : 1];
  return span;
}

template <size_t kPlanes, size_t kStep>
void RunNarrowPlanes(const KernelCall& call, const ConvArgs& a,
                     const ConvUnit& u, const NarrowPlan& plan, int64_t group,
                     const TapLanes* lanes) {
  const TensorView &x = call.in[0], &out = call.out[0];
  const NarrowWeights<kPlanes> weights(a, group);
  const int64_t plane = u.image * a.groups + group;
  const bool aligned =
      reinterpret_cast<uintptr_t>(x.data) % 64 == 0 && x.row_pitch % 64 == 0;
  const Narrow<kPlanes, kStep> narrow = {
      a,
      x.Row<uint16_t>(plane * a.in_height),
      out.Row<uint16_t>(plane * a.out_height + a.out_begin.row) +
          a.out_begin.column,
      static_cast<int64_t>(x.row_pitch / sizeof(uint16_t)),
      static_cast<int64_t>(out.row_pitch / sizeof(uint16_t)),
      aligned,
      weights.taps,
      weights.bias};
  // All columns of some rows before the next rows: reads go on along a row.
  int64_t rows = 0;
  for (int64_t y = plan.row_begin, i = 0; y < plan.row_end; y += rows, ++i) {
    rows = plan.group_rows + (i < plan.group_extra ? 1 : 0);
    for (int64_t at = 0; at < a.grid_width; at += plan.per_span)
      narrow.Run(NarrowSpanAt<kStep>(a, plan, at, lanes), plan.size, y, rows);
  }
}

template <size_t kStep>
void RunNarrowUnit(const KernelCall& call, const ConvArgs& a, const ConvUnit& u,
                   const NarrowPlan& plan) {
  // Of the first span, whose padding is in front of it, and of the others.
  TapLanes lanes[2];
  const int64_t part = plan.shares ? gemm::kLanes / 2 : gemm::kLanes;
  SetTapLanes(plan.size, plan.step, part, plan.pad, &lanes[0]);
  SetTapLanes(plan.size, plan.step, part, 0, &lanes[1]);
  int64_t group = u.group_begin;
#if ANEREF_TWO_VECTOR_LOOKUP
  if (plan.shares) {
    for (; group + 2 <= u.group_end; group += 2)
      RunNarrowPlanes<2, kStep>(call, a, u, plan, group, lanes);
  }
#endif
  if (group == u.group_end) return;
  SetTapLanes(plan.size, plan.step, gemm::kLanes, plan.pad, &lanes[0]);
  for (; group < u.group_end; ++group)
    RunNarrowPlanes<1, kStep>(call, a, u, plan, group, lanes);
}

// False when the unit is none of these.
inline bool RunNarrow(const KernelCall& call, const ConvArgs& a,
                      const ConvUnit& u) {
  const NarrowPlan plan = NarrowPlanOf(a, u);
  if (plan.size == 0) return false;
#if ANEREF_TWO_VECTOR_LOOKUP
  if (plan.step == 2) {
    RunNarrowUnit<2>(call, a, u, plan);
    return true;
  }
#endif
  RunNarrowUnit<1>(call, a, u, plan);
  return true;
}

#endif  // HWY_SCALAR

}  // namespace depthwise
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // toggle
