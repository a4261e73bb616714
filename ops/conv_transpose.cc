// Transposed convolution over one to three spatial axes. Each output gathers
// its products in the order of P3; kernels see one plain convolution for each
// phase of the strides, so nothing is ever scattered. Rules P2, P3, P4, P12.
#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ops/conv_shape.h"
#include "ops/device_mac.h"
#include "ops/mac.h"
#include "ops/op.h"
#include "ops/spatial.h"

namespace aneref {
namespace {

// More phases than this run as the reference: no network has such strides.
constexpr int64_t kMaxPhases = 64;

Status CheckChannels(const OpView& op, int64_t groups) {
  const Shape& x = op.In(0).shape;
  const Shape& weight = op.In(1).shape;
  if (x.rank() < 3 || x.rank() > 5) {
    return ShapeError("x is " + op.In(0).ToString() +
                      "; one to three spatial axes are supported");
  }
  if (weight.rank() != x.rank()) {
    return ShapeError("weight is " + op.In(1).ToString() +
                      ", its rank must be " + std::to_string(x.rank()));
  }
  if (groups < 1 || x[1] % groups != 0) {
    return ShapeError(std::to_string(groups) + " groups do not divide " +
                      std::to_string(x[1]) + " input channels");
  }
  if (weight[0] != x[1]) {
    return ShapeError("weight has " + std::to_string(weight[0]) +
                      " input channels, x has " + std::to_string(x[1]));
  }
  if (weight[1] > kMaxElements / groups)
    return LimitError("too many output channels");
  return CheckMacTypes(op, weight[1] * groups);
}

// Only the spatial axes; a list of all axes names batch and channels first.
std::vector<int64_t> SpatialPart(std::vector<int64_t> values, size_t rank) {
  if (values.size() == rank + 2)
    values.erase(values.begin(), values.begin() + 2);
  return values;
}

Expected<ConvShape> ShapeOf(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 2, 3));
  const auto& attributes = op.attributes<fbs::ConvTranspose>();
  ANEREF_TRY(CheckChannels(op, attributes.groups()));
  const Shape& x = op.In(0).shape;
  const Shape& weight = op.In(1).shape;
  const size_t rank = x.rank() - 2;
  TransposedSpec spec;
  spec.window = WindowSpecOf(attributes);
  spec.window.kernel.assign(weight.begin() + 2, weight.end());
  spec.output_padding = ToInts(attributes.output_padding());
  spec.output_shape = SpatialPart(ToInts(attributes.output_shape()), rank);
  spec.smaller_half_first = attributes.smaller_half_first();
  ConvShape s;
  ANEREF_ASSIGN(s.axes,
                MakeTransposedWindow(std::span(x.begin() + 2, rank), spec));
  s.batch = x[0];
  s.groups = attributes.groups();
  s.in_channels = x[1] / s.groups;
  s.out_channels = weight[1];
  return s;
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_ASSIGN(const ConvShape s, ShapeOf(op));
  return ConvResult(op.In(0).dtype, s);
}

// The input that output `o` receives through kernel position k, or -1.
int64_t SourceOf(const WindowAxis& axis, int64_t o, int64_t k) {
  const int64_t scaled = o + axis.pad_begin - k * axis.dilation;
  if (scaled < 0 || scaled % axis.stride != 0) return -1;
  const int64_t i = scaled / axis.stride;
  return i < axis.in ? i : -1;
}

// The sum of one output, on dense fp32 values. `weight` is the first input
// channel's, `weight_step` leads to the next one's.
float Dot(const ConvShape& s, const float* x, const float* weight,
          int64_t weight_step, const int64_t at[3]) {
  const WindowAxis &d = s.axes[0], &h = s.axes[1], &w = s.axes[2];
  const int64_t plane = d.in * h.in * w.in;
  float sum = 0.0f;
  if (s.in_channels == 0) return sum;  // x has no elements to point at
  for (int64_t k = 0; k < d.kernel * h.kernel * w.kernel; ++k) {
    const int64_t id = SourceOf(d, at[0], k / (h.kernel * w.kernel));
    const int64_t ih = SourceOf(h, at[1], k / w.kernel % h.kernel);
    const int64_t iw = SourceOf(w, at[2], k % w.kernel);
    if (id < 0 || ih < 0 || iw < 0) continue;
    const float* from = x + (id * h.in + ih) * w.in + iw;
    for (int64_t c = 0; c < s.in_channels; ++c) {
      const float product = from[c * plane] * weight[c * weight_step + k];
      sum += product;
    }
  }
  return sum;
}

// The first weight of an output channel: [Cin, Cout/groups, positions].
int64_t FirstWeight(const ConvShape& s, int64_t channel) {
  const int64_t group = channel / s.out_channels;
  return (group * s.in_channels * s.out_channels + channel % s.out_channels) *
         s.NumPositions();
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(ConvShape shape, ShapeOf(op));
  const ConvShape s = InThreeAxes(std::move(shape));
  const std::vector<float> x = LoadFloats(tensors.in[0]);
  const std::vector<float> weight = LoadFloats(tensors.in[1]);
  std::vector<float> bias(static_cast<size_t>(s.groups * s.out_channels));
  if (op.HasInput(2)) bias = LoadBias(op, 2, tensors.in[2]);
  const int64_t step = s.out_channels * s.NumPositions();
  std::vector<float> y(static_cast<size_t>(tensors.out[0].shape.NumElements()));
  ForEachOutput(s, [&](const ConvOutput& o) {
    y[o.index] = Dot(s, x.data() + o.first_input,
                     weight.data() + FirstWeight(s, o.channel), step, o.at) +
                 bias[static_cast<size_t>(o.channel)];
  });
  StoreFloats(y, tensors.out[0]);
  return Status();
}

// Kernel positions of one axis that reach the outputs o = phase modulo the
// stride, and the offset from o / stride to the input.
struct PhaseTap {
  int64_t position, offset;
};
std::vector<PhaseTap> TapsOfPhase(const WindowAxis& axis, int64_t phase) {
  std::vector<PhaseTap> taps;
  for (int64_t k = 0; k < axis.kernel; ++k) {
    const int64_t scaled = phase + axis.pad_begin - k * axis.dilation;
    if (scaled % axis.stride == 0) taps.push_back({k, scaled / axis.stride});
  }
  return taps;
}

// The plain convolution that gives the outputs of one phase.
ConvArgs ArgsOf(const ConvShape& s, const PlaneStep& phase,
                std::vector<int64_t>* positions) {
  const auto& [h, w] = PlaneOf(s);
  ConvArgs args;
  args.batch = s.batch;
  args.groups = s.groups;
  args.in_channels = s.in_channels;
  args.out_channels = s.out_channels;
  args.in_height = h.in;
  args.in_width = w.in;
  args.out_height = h.out;
  args.out_begin = phase;
  args.out_step = {h.stride, w.stride};
  args.grid_height = DivideUp(h.out - phase.row, h.stride);
  args.grid_width = DivideUp(w.out - phase.column, w.stride);
  if (s.in_channels == 0) return args;  // nothing to sum
  for (const PhaseTap& row : TapsOfPhase(h, phase.row)) {
    for (const PhaseTap& column : TapsOfPhase(w, phase.column)) {
      args.taps.push_back({row.offset, column.offset});
      positions->push_back(row.position * w.kernel + column.position);
    }
  }
  return args;
}

// Strides give phases, but for outputs smaller than a stride.
PlaneStep PhasesOf(const ConvShape& s) {
  const auto& [h, w] = PlaneOf(s);
  return {std::min(h.stride, h.out), std::min(w.stride, w.out)};
}
bool HasFewPhases(const ConvShape& s, const PlaneStep& phases) {
  return s.axes.size() <= 2 && phases.row <= kMaxPhases &&
         phases.row * phases.column <= kMaxPhases;
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const ConvShape s, ShapeOf(op));
  if (op.Out(0).shape.NumElements() == 0) return Status();
  const PlaneStep phases = PhasesOf(s);
  if (!HasPackableWeights(op) || !HasFewPhases(s, phases))
    return LowerToReference(op, Reference, builder);
  const AlignedBytes dense = LoadKnown(op, 1);
  // P3: kernels multiply padding by the weight, which must then give zeros.
  if (!IsFinite(op.In(1).dtype, dense))
    return LowerToReference(op, Reference, builder);
  const DenseKernel kernel = {op.In(1).dtype, &dense, s.NumPositions(), true};
  TaskBuilder tasks;
  for (int64_t i = 0; i < phases.row * phases.column; ++i) {
    std::vector<int64_t> positions;
    ConvArgs args =
        ArgsOf(s, {i / phases.column, i % phases.column}, &positions);
    args.bias = LoadBias(op, 2);
    PackConvWeights(kernel, positions, &args);
    if (!AddConvTask(std::move(args), &tasks))
      return LowerToReference(op, Reference, builder);
  }
  for (TaskSpec& task : tasks.tasks()) builder->Add(std::move(task));
  return Status();
}

// ---- device numerics ----

// Whether kernel position k of an axis reaches output `o`, be it from padding.
bool Reaches(const WindowAxis& axis, int64_t o, int64_t k) {
  return (o + axis.pad_begin - k * axis.dilation) % axis.stride == 0;
}

// The list of one output (N10, N17) added up: the kernel positions that reach
// it outer, input channel inner; inputs beyond the border are zeros.
void AddList(const ConvShape& s, const uint16_t* x, const uint16_t* weight,
             int64_t weight_step, const int64_t at[3], Accumulator* sum) {
  const WindowAxis &d = s.axes[0], &h = s.axes[1], &w = s.axes[2];
  const int64_t plane = d.in * h.in * w.in;
  for (int64_t k = 0; k < d.kernel * h.kernel * w.kernel; ++k) {
    const int64_t kd = k / (h.kernel * w.kernel);
    const int64_t kh = k / w.kernel % h.kernel, kw = k % w.kernel;
    if (!Reaches(d, at[0], kd) || !Reaches(h, at[1], kh) ||
        !Reaches(w, at[2], kw))
      continue;
    const int64_t id = SourceOf(d, at[0], kd), ih = SourceOf(h, at[1], kh),
                  iw = SourceOf(w, at[2], kw);
    const bool inside = id >= 0 && ih >= 0 && iw >= 0;
    const int64_t from = (id * h.in + ih) * w.in + iw;
    for (int64_t c = 0; c < s.in_channels; ++c)
      sum->Add(inside ? x[from + c * plane] : uint16_t{0},
               weight[c * weight_step + k]);
  }
}

Status DeviceReference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(ConvShape shape, ShapeOf(op));
  const ConvShape s = InThreeAxes(std::move(shape));
  const std::vector<uint16_t> x = LoadHalves(tensors.in[0]);
  const std::vector<uint16_t> weight = LoadHalves(tensors.in[1]);
  const std::vector<float> bias =
      LoadDeviceBias(op, 2, op.HasInput(2) ? tensors.in[2] : TensorView{});
  const int64_t step = s.out_channels * s.NumPositions();
  Accumulator sum(op.device()->profile());
  std::vector<uint16_t> y(
      static_cast<size_t>(tensors.out[0].shape.NumElements()));
  ForEachOutput(s, [&](const ConvOutput& o) {
    sum.Start(EpilogueOfChannel(bias, static_cast<size_t>(o.channel)));
    AddList(s, x.data() + o.first_input,
            weight.data() + FirstWeight(s, o.channel), step, o.at, &sum);
    y[o.index] = sum.Finish();
  });
  StoreHalves(y, tensors.out[0]);
  return Status();
}

Status DeviceLower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const ConvShape s, ShapeOf(op));
  if (op.Out(0).shape.NumElements() == 0) return Status();
  const PlaneStep phases = PhasesOf(s);
  if (!HasDeviceWeights(op) || !HasFewPhases(s, phases))
    return LowerToReference(op, DeviceReference, builder);
  const AlignedBytes dense = LoadKnown(op, 1);
  const DenseKernel kernel = {DataType::kFloat16, &dense, s.NumPositions(),
                              true};
  TaskBuilder tasks;
  for (int64_t i = 0; i < phases.row * phases.column; ++i) {
    std::vector<int64_t> positions;
    ConvArgs args =
        ArgsOf(s, {i / phases.column, i % phases.column}, &positions);
    if (!FitsDeviceConv(args))
      return LowerToReference(op, DeviceReference, builder);
    args.bias = LoadDeviceBias(op, 2);
    AddDeviceConvTask(op, std::move(args), kernel, positions, &tasks);
  }
  for (TaskSpec& task : tasks.tasks()) builder->Add(std::move(task));
  return Status();
}

}  // namespace

const DeviceOp conv_transpose_device = {IsHalfOp, DeviceLower, DeviceReference};

const OpDef conv_transpose_op = {
    "conv_transpose",
    "Transposed convolution over one to three spatial axes, with groups.",
    Infer, Lower, Reference};

}  // namespace aneref
