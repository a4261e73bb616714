// See device_groups.h. Sums are sequential in binary32 (N24): the order is the
// contract, so only decoding, element-wise steps and rounding are vectors.
#include "ops/kernels/device_groups.h"

#include <algorithm>
#include <cstring>

#include "ops/kernels/device_rows.h"
#include "runtime/core/accumulator.h"
#include "runtime/core/activation_table.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

int64_t RoundUp64(int64_t bytes) { return (bytes + 63) / 64 * 64; }

int64_t ByteStep(const TensorView& view, const GroupAxis& axis) {
  return static_cast<int64_t>(view.Stride(axis.axis)) * axis.step;
}

// One group's halves, its values and room for a result.
struct Buffers {
  uint16_t* x;
  uint16_t* y;
  float* values;
};

Buffers CutScratch(const DeviceGroups& groups, std::byte* scratch) {
  const auto halves = static_cast<size_t>(RoundUp64(groups.elements * 2));
  return {reinterpret_cast<uint16_t*>(scratch),
          reinterpret_cast<uint16_t*>(scratch + halves),
          reinterpret_cast<float*>(scratch + 2 * halves)};
}

// Calls run(first byte of the view, index of its first element, elements, bytes
// between them) for the runs of one group.
template <class Fn>
void ForRuns(const DeviceGroups& groups, const TensorView& view, int64_t group,
             const Fn& run) {
  std::byte* base = view.data;
  for (size_t i = groups.kept.size(); i-- > 0;) {
    const GroupAxis& axis = groups.kept[i];
    base += group % axis.extent * ByteStep(view, axis);
    group /= axis.extent;
  }
  if (groups.folded.empty())
    return run(base, int64_t{0}, int64_t{1}, int64_t{2});
  const GroupAxis& inner = groups.folded.back();
  const int64_t step = ByteStep(view, inner);
  for (int64_t first = 0; first < groups.elements; first += inner.extent) {
    std::byte* at = base;
    int64_t rest = first / inner.extent;
    for (size_t i = groups.folded.size() - 1; i-- > 0;) {
      const GroupAxis& axis = groups.folded[i];
      at += rest % axis.extent * ByteStep(view, axis);
      rest /= axis.extent;
    }
    run(at, first, inner.extent, step);
  }
}

void Gather(const DeviceGroups& groups, const TensorView& view, int64_t group,
            uint16_t* to) {
  ForRuns(groups, view, group,
          [&](const std::byte* from, int64_t first, int64_t n, int64_t step) {
            if (step == 2) {
              std::memcpy(to + first, from, static_cast<size_t>(n) * 2);
              return;
            }
            for (int64_t i = 0; i < n; ++i)
              to[first + i] =
                  *reinterpret_cast<const uint16_t*>(from + i * step);
          });
}

void Scatter(const DeviceGroups& groups, const uint16_t* from, int64_t group,
             const TensorView& view) {
  ForRuns(groups, view, group,
          [&](std::byte* to, int64_t first, int64_t n, int64_t step) {
            if (step == 2) {
              std::memcpy(to, from + first, static_cast<size_t>(n) * 2);
              return;
            }
            for (int64_t i = 0; i < n; ++i)
              *reinterpret_cast<uint16_t*>(to + i * step) = from[first + i];
          });
}

void StoreFlat(const TensorView& out, int64_t index, uint16_t bits) {
  const int64_t width = out.width();
  out.Row<uint16_t>(index / width)[index % width] = bits;
}

template <bool kSimd>
const DeviceRows& Rows() {
  return kSimd ? SimdDeviceRows() : ScalarDeviceRows();
}

float Sum(const float* values, size_t count) {
  float sum = 0.0f;
  for (size_t i = 0; i < count; ++i) sum += values[i];
  return sum;
}

float Largest(const float* values, size_t count) {
  float best = values[0];
  for (size_t i = 1; i < count; ++i) best = std::max(best, values[i]);
  return best;
}

float Fold(DeviceReduction kind, const float* values, size_t count) {
  if (kind == DeviceReduction::kMax) return Largest(values, count);
  if (kind == DeviceReduction::kMin) {
    float best = values[0];
    for (size_t i = 1; i < count; ++i) best = std::min(best, values[i]);
    return best;
  }
  if (kind != DeviceReduction::kProduct) return Sum(values, count);
  float product = 1.0f;
  for (size_t i = 0; i < count; ++i) product *= values[i];
  return product;
}

// EXP(x - m) of every element into y; m is a value of the row. Gives m.
template <bool kSimd>
uint16_t Exponentials(const Profile& profile, const uint16_t* exp, size_t count,
                      const Buffers& b) {
  const DeviceRows& rows = Rows<kSimd>();
  rows.decode(b.x, count, b.values);
  // Bits of the largest value: storing a value of the engine would overflow
  // exponent 31.
  size_t best = 0;
  for (size_t i = 1; i < count; ++i)
    best = b.values[i] > b.values[best] ? i : best;
  const uint16_t largest = b.x[best];
  rows.planar(profile.rounding, PlanarOp::kSub, {b.x}, {&largest, true}, count,
              b.y);
  for (size_t i = 0; i < count; ++i) b.y[i] = exp[b.y[i]];
  return largest;
}

template <bool kSimd>
uint16_t LogSumExp(const DeviceReduceArgs& args, size_t count,
                   const Buffers& b) {
  const DeviceRows& rows = Rows<kSimd>();
  const uint16_t largest =
      Exponentials<kSimd>(*args.profile, args.exp, count, b);
  rows.decode(b.y, count, b.values);
  const uint16_t sum = StoreEngine(args.profile->rounding,
                                   static_cast<double>(Sum(b.values, count)));
  return Planar(*args.profile, PlanarOp::kAdd, args.log[sum], largest);
}

template <bool kSimd>
uint16_t ReduceGroup(const DeviceReduceArgs& args, size_t count,
                     const Buffers& b) {
  const DeviceRows& rows = Rows<kSimd>();
  const Rounding rounding = args.profile->rounding;
  if (count == 0) {
    const bool is_product = args.kind == DeviceReduction::kProduct;
    return is_product ? uint16_t{0x3C00} : uint16_t{0};
  }
  if (args.kind == DeviceReduction::kLogSumExp)
    return LogSumExp<kSimd>(args, count, b);
  if (args.kind == DeviceReduction::kSumSquare)  // N25
    rows.planar(rounding, PlanarOp::kMul, {b.x}, {b.x}, count, b.x);
  if (args.kind == DeviceReduction::kSumAbs)
    for (size_t i = 0; i < count; ++i)
      b.x[i] = static_cast<uint16_t>(b.x[i] & 0x7FFFu);
  rows.decode(b.x, count, b.values);
  const float folded = Fold(args.kind, b.values, count) * args.scale;
  const double value =
      args.kind == DeviceReduction::kMean
          ? static_cast<double>(folded) / static_cast<double>(count)
          : static_cast<double>(folded);
  return StoreEngine(rounding, value);
}

template <class Args, class Fn>
void ForGroups(const Args& args, int64_t unit, const Fn& fn) {
  const DeviceGroups& groups = args.groups;
  const int64_t begin = unit * groups.per_unit;
  const int64_t end = std::min(begin + groups.per_unit, groups.count);
  for (int64_t group = begin; group < end; ++group) fn(group);
}

template <bool kSimd>
Status ReduceUnit(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const DeviceReduceArgs*>(call.args);
  const Buffers b = CutScratch(args.groups, call.scratch);
  const auto count = static_cast<size_t>(args.groups.elements);
  ForGroups(args, unit, [&](int64_t group) {
    Gather(args.groups, call.in[0], group, b.x);
    const uint16_t bits = ReduceGroup<kSimd>(args, count, b);
    StoreFlat(call.out[0], group, args.after ? args.after[bits] : bits);
  });
  return Status();
}

template <bool kSimd>
void SoftmaxGroup(const DeviceSoftmaxArgs& args, size_t count,
                  const Buffers& b) {
  const DeviceRows& rows = Rows<kSimd>();
  const Rounding rounding = args.profile->rounding;
  const uint16_t largest =
      Exponentials<kSimd>(*args.profile, args.exp, count, b);
  rows.decode(b.y, count, b.values);
  const auto sum = static_cast<double>(Sum(b.values, count));
  if (args.log != nullptr) {  // N30: (x - m) - LOG(s)
    const uint16_t log = args.log[StoreEngine(rounding, sum)];
    rows.planar(rounding, PlanarOp::kSub, {b.x}, {&largest, true}, count, b.y);
    rows.planar(rounding, PlanarOp::kSub, {b.y}, {&log, true}, count, b.y);
    return;
  }
  const double inverse = InverseOf(*args.profile, sum);
  for (size_t i = 0; i < count; ++i)
    b.y[i] = StoreEngine(rounding, static_cast<double>(b.values[i]) * inverse);
}

template <bool kSimd>
Status SoftmaxUnit(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const DeviceSoftmaxArgs*>(call.args);
  const Buffers b = CutScratch(args.groups, call.scratch);
  ForGroups(args, unit, [&](int64_t group) {
    Gather(args.groups, call.in[0], group, b.x);
    SoftmaxGroup<kSimd>(args, static_cast<size_t>(args.groups.elements), b);
    Scatter(args.groups, b.y, group, call.out[0]);
  });
  return Status();
}

// One list per group, as a matrix product of one row and one column.
Status DotUnit(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const DeviceDotArgs*>(call.args);
  const Buffers b = CutScratch(args.groups, call.scratch);
  ForGroups(args, unit, [&](int64_t group) {
    Gather(args.groups, call.in[0], group, b.x);
    Gather(args.groups, call.in[1], group, b.y);
    Accumulator sum(*args.profile);
    sum.Start();
    for (int64_t i = 0; i < args.groups.elements; ++i) sum.Add(b.x[i], b.y[i]);
    StoreFlat(call.out[0], group, sum.Finish());
  });
  return Status();
}

// d = x - mean in y, or x itself; gives the mean.
template <bool kSimd>
uint16_t Center(const DeviceNormArgs& args, size_t count, const Buffers& b) {
  const DeviceRows& rows = Rows<kSimd>();
  if (!args.centers) {
    std::memcpy(b.y, b.x, count * sizeof(uint16_t));
    return 0;
  }
  rows.decode(b.x, count, b.values);
  const uint16_t mean = StoreEngine(
      args.profile->rounding,
      static_cast<double>(Sum(b.values, count)) / static_cast<double>(count));
  rows.planar(args.profile->rounding, PlanarOp::kSub, {b.x}, {&mean, true},
              count, b.y);
  return mean;
}

// 1 / sqrt(mean of squares + epsilon).
uint16_t InverseRoot(const DeviceNormArgs& args, double mean_square) {
  const Rounding rounding = args.profile->rounding;
  if (!args.centers) return args.rsqrt[StoreEngine(rounding, mean_square)];
  const double sum = mean_square + EngineHalfToDouble(args.epsilon);
  return StoreEngine(rounding, RsqrtOf(*args.profile, sum));
}

template <bool kSimd>
Status NormUnit(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const DeviceNormArgs*>(call.args);
  const Buffers b = CutScratch(args.groups, call.scratch);
  const DeviceRows& rows = Rows<kSimd>();
  const Rounding rounding = args.profile->rounding;
  const auto count = static_cast<size_t>(args.groups.elements);
  ForGroups(args, unit, [&](int64_t group) {
    Gather(args.groups, call.in[0], group, b.x);
    const uint16_t mean = Center<kSimd>(args, count, b);
    rows.decode(b.y, count, b.values);
    float sum = 0.0f;
    for (size_t i = 0; i < count; ++i) {
      const float square = b.values[i] * b.values[i];
      sum += square;
    }
    const uint16_t r = InverseRoot(
        args, static_cast<double>(sum) / static_cast<double>(count));
    rows.planar(rounding, PlanarOp::kMul, {b.y}, {&r, true}, count, b.y);
    Scatter(args.groups, b.y, group, call.out[0]);
    if (call.out.size() > 1 && call.out[1].data != nullptr)
      StoreFlat(call.out[1], group, mean);
    if (call.out.size() > 2 && call.out[2].data != nullptr)
      StoreFlat(call.out[2], group, r);
  });
  return Status();
}

}  // namespace

template <bool kSimd>
void DeviceSoftmaxRow(const DeviceSoftmaxArgs& args, uint16_t* x, uint16_t* y,
                      float* values, size_t count) {
  if (count > 0) SoftmaxGroup<kSimd>(args, count, {x, y, values});
}
template void DeviceSoftmaxRow<false>(const DeviceSoftmaxArgs&, uint16_t*,
                                      uint16_t*, float*, size_t);
template void DeviceSoftmaxRow<true>(const DeviceSoftmaxArgs&, uint16_t*,
                                     uint16_t*, float*, size_t);

int64_t DeviceGroups::Plan() {
  constexpr int64_t kUnitElements = 16384;
  per_unit =
      std::max<int64_t>(kUnitElements / std::max<int64_t>(elements, 1), 1);
  return std::max<int64_t>((count + per_unit - 1) / per_unit, 1);
}

size_t DeviceGroupsScratchBytes(const DeviceGroups& groups) {
  return static_cast<size_t>(2 * RoundUp64(groups.elements * 2) +
                             RoundUp64(groups.elements * 4));
}

const Kernel device_reduce_kernel = {"device_reduce", ReduceUnit<false>,
                                     ReduceUnit<true>};
const Kernel device_softmax_kernel = {"device_softmax", SoftmaxUnit<false>,
                                      SoftmaxUnit<true>};
const Kernel device_dot_kernel = {"device_dot", DotUnit, DotUnit};
const Kernel device_norm_kernel = {"device_norm", NormUnit<false>,
                                   NormUnit<true>};

}  // namespace aneref
