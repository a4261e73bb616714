// Convolution (cross-correlation) over one to three spatial axes, with groups,
// strides, dilations and pads. Transposed convolution is another family.
// Rules P2, P3, P4, P12.
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ops/conv_shape.h"
#include "ops/device_mac.h"
#include "ops/kernels/conv_winograd.h"
#include "ops/mac.h"
#include "ops/op.h"
#include "ops/spatial.h"

namespace aneref {
namespace {

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
  if (groups < 1 || x[1] % groups != 0 || weight[0] % groups != 0) {
    return ShapeError(std::to_string(groups) + " groups do not divide " +
                      std::to_string(x[1]) + " input and " +
                      std::to_string(weight[0]) + " output channels");
  }
  if (weight[1] != x[1] / groups) {
    return ShapeError("weight has " + std::to_string(weight[1]) +
                      " input channels, a group of x has " +
                      std::to_string(x[1] / groups));
  }
  return CheckMacTypes(op, weight[0]);
}

Expected<ConvShape> ShapeOf(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 2, 3));
  const auto& attributes = op.attributes<fbs::Conv>();
  ANEREF_TRY(CheckChannels(op, attributes.groups()));
  const Shape& x = op.In(0).shape;
  const Shape& weight = op.In(1).shape;
  WindowSpec spec = WindowSpecOf(attributes);
  spec.kernel.assign(weight.begin() + 2, weight.end());
  ConvShape s;
  ANEREF_ASSIGN(s.axes,
                MakeWindow(std::span(x.begin() + 2, x.rank() - 2), spec));
  s.batch = x[0];
  s.groups = attributes.groups();
  s.in_channels = x[1] / s.groups;
  s.out_channels = weight[0] / s.groups;
  return s;
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_ASSIGN(const ConvShape s, ShapeOf(op));
  return ConvResult(op.In(0).dtype, s);
}

// The sum of one output, on dense fp32 values. `at` is the output's place.
float Dot(const ConvShape& s, const float* x, const float* weight,
          const int64_t at[3]) {
  const WindowAxis &d = s.axes[0], &h = s.axes[1], &w = s.axes[2];
  const int64_t plane = d.in * h.in * w.in;
  const int64_t positions = d.kernel * h.kernel * w.kernel;
  float sum = 0.0f;
  if (s.in_channels == 0) return sum;        // x has no elements to point at
  for (int64_t k = 0; k < positions; ++k) {  // depth, row, column
    const int64_t kd = k / (h.kernel * w.kernel);
    const int64_t kh = k / w.kernel % h.kernel, kw = k % w.kernel;
    const int64_t id = at[0] * d.stride - d.pad_begin + kd * d.dilation;
    const int64_t ih = at[1] * h.stride - h.pad_begin + kh * h.dilation;
    const int64_t iw = at[2] * w.stride - w.pad_begin + kw * w.dilation;
    if (id < 0 || id >= d.in || ih < 0 || ih >= h.in || iw < 0 || iw >= w.in)
      continue;
    const float* from = x + (id * h.in + ih) * w.in + iw;
    for (int64_t c = 0; c < s.in_channels; ++c) {
      const float product = from[c * plane] * weight[c * positions + k];
      sum += product;
    }
  }
  return sum;
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(ConvShape shape, ShapeOf(op));
  const ConvShape s = InThreeAxes(std::move(shape));
  const std::vector<float> x = LoadFloats(tensors.in[0]);
  const std::vector<float> weight = LoadFloats(tensors.in[1]);
  std::vector<float> bias(static_cast<size_t>(s.groups * s.out_channels));
  if (op.HasInput(2)) bias = LoadBias(op, 2, tensors.in[2]);
  const int64_t list = s.in_channels * s.NumPositions();
  std::vector<float> y(static_cast<size_t>(tensors.out[0].shape.NumElements()));
  ForEachOutput(s, [&](const ConvOutput& o) {
    y[o.index] = Dot(s, x.data() + o.first_input,
                     weight.data() + o.channel * list, o.at) +
                 bias[static_cast<size_t>(o.channel)];
  });
  StoreFloats(y, tensors.out[0]);
  return Status();
}

// The geometry of one- and two-dimensional convolutions as taps.
ConvArgs ArgsOf(const ConvShape& s, std::vector<int64_t>* positions) {
  const auto& [h, w] = PlaneOf(s);
  ConvArgs args;
  args.batch = s.batch;
  args.groups = s.groups;
  args.in_channels = s.in_channels;
  args.out_channels = s.out_channels;
  args.in_height = h.in;
  args.in_width = w.in;
  args.out_height = args.grid_height = h.out;
  args.grid_width = w.out;
  args.in_step = {h.stride, w.stride};
  if (s.in_channels == 0) return args;  // nothing to sum
  for (int64_t k = 0; k < h.kernel * w.kernel; ++k) {
    args.taps.push_back({k / w.kernel * h.dilation - h.pad_begin,
                         k % w.kernel * w.dilation - w.pad_begin});
    positions->push_back(k);
  }
  return args;
}

// P22.
void AddWinogradTask(ConvArgs conv, DataType type, const AlignedBytes& dense,
                     TaskBuilder* builder) {
  const double flops = conv.Flops();
  auto args = std::make_shared<WinogradArgs>(
      PlanWinograd(std::move(conv), type, dense));
  TaskSpec task;
  task.kernel = &conv_winograd_kernel;
  task.in = {InputOperand(0)};
  task.out = {OutputOperand(0)};
  task.num_units = args->NumUnits();
  task.scratch_bytes = args->ScratchBytes();
  task.flops = flops;
  task.args = std::move(args);
  builder->Add(std::move(task));
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const ConvShape s, ShapeOf(op));
  if (op.Out(0).shape.NumElements() == 0) return Status();
  if (!HasPackableWeights(op) || s.axes.size() > 2)
    return LowerToReference(op, Reference, builder);
  const AlignedBytes dense = LoadKnown(op, 1);
  bool padded = false;
  for (const WindowAxis& axis : s.axes)
    padded |= axis.pad_begin > 0 || axis.pad_end > 0;
  // P3: kernels multiply padding by the weight, which must then give zeros.
  if (padded && !IsFinite(op.In(1).dtype, dense))
    return LowerToReference(op, Reference, builder);
  std::vector<int64_t> positions;
  ConvArgs args = ArgsOf(s, &positions);
  args.bias = LoadBias(op, 2);
  if (builder->fast() && FitsWinograd(args)) {
    AddWinogradTask(std::move(args), op.In(1).dtype, dense, builder);
    return Status();
  }
  PackConvWeights(
      {op.In(1).dtype, &dense, static_cast<int64_t>(positions.size()), false},
      positions, &args);
  if (AddConvTask(std::move(args), builder)) return Status();
  return LowerToReference(op, Reference, builder);
}

// ---- device numerics ----

// The list of one output (N10, N17) added up: kernel position outer, input
// channel inner; padding is in it as zeros.
void AddList(const ConvShape& s, const uint16_t* x, const uint16_t* weight,
             const int64_t at[3], Accumulator* sum) {
  const WindowAxis &d = s.axes[0], &h = s.axes[1], &w = s.axes[2];
  const int64_t plane = d.in * h.in * w.in;
  const int64_t positions = d.kernel * h.kernel * w.kernel;
  for (int64_t k = 0; k < positions; ++k) {
    const int64_t kd = k / (h.kernel * w.kernel);
    const int64_t kh = k / w.kernel % h.kernel, kw = k % w.kernel;
    const int64_t id = at[0] * d.stride - d.pad_begin + kd * d.dilation;
    const int64_t ih = at[1] * h.stride - h.pad_begin + kh * h.dilation;
    const int64_t iw = at[2] * w.stride - w.pad_begin + kw * w.dilation;
    const bool inside =
        id >= 0 && id < d.in && ih >= 0 && ih < h.in && iw >= 0 && iw < w.in;
    const int64_t from = (id * h.in + ih) * w.in + iw;
    for (int64_t c = 0; c < s.in_channels; ++c)
      sum->Add(inside ? x[from + c * plane] : uint16_t{0},
               weight[c * positions + k]);
  }
}

Status DeviceReference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(ConvShape shape, ShapeOf(op));
  const ConvShape s = InThreeAxes(std::move(shape));
  const std::vector<uint16_t> x = LoadHalves(tensors.in[0]);
  const std::vector<uint16_t> weight = LoadHalves(tensors.in[1]);
  const std::vector<float> bias =
      LoadDeviceBias(op, 2, op.HasInput(2) ? tensors.in[2] : TensorView{});
  const int64_t list = s.in_channels * s.NumPositions();
  Accumulator sum(op.device()->profile(), /*single_tap=*/list == 1);
  std::vector<uint16_t> y(
      static_cast<size_t>(tensors.out[0].shape.NumElements()));
  ForEachOutput(s, [&](const ConvOutput& o) {
    sum.Start(EpilogueOfChannel(bias, static_cast<size_t>(o.channel)));
    AddList(s, x.data() + o.first_input, weight.data() + o.channel * list, o.at,
            &sum);
    y[o.index] = sum.Finish();
  });
  StoreHalves(y, tensors.out[0]);
  return Status();
}

Status DeviceLower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const ConvShape s, ShapeOf(op));
  if (op.Out(0).shape.NumElements() == 0) return Status();
  std::vector<int64_t> positions;
  if (!HasDeviceWeights(op) || s.axes.size() > 2)
    return LowerToReference(op, DeviceReference, builder);
  ConvArgs args = ArgsOf(s, &positions);
  if (!FitsDeviceConv(args))
    return LowerToReference(op, DeviceReference, builder);
  args.bias = LoadDeviceBias(op, 2);
  const AlignedBytes dense = LoadKnown(op, 1);
  AddDeviceConvTask(op, std::move(args),
                    {DataType::kFloat16, &dense,
                     static_cast<int64_t>(positions.size()), false},
                    positions, builder);
  return Status();
}

}  // namespace

const DeviceOp conv_device = {IsHalfOp, DeviceLower, DeviceReference};

const OpDef conv_op = {
    "conv",
    "Convolution over one to three spatial axes, with groups and dilations.",
    Infer, Lower, Reference};

}  // namespace aneref
