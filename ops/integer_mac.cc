// Convolution and matrix product of 8-bit integers with zero points, with int32
// results or requantised ones. Sums wrap in 32 bits (P13); padding stands for
// the zero point, so it adds nothing. Rules P13, P18; on an engine that
// multiplies int8 by int8, N65.
#include "ops/kernels/integer_mac.h"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "ops/device_ops.h"
#include "ops/integer_mac_shape.h"
#include "ops/integers.h"
#include "runtime/core/accumulator.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

// ---- reference ----

// A sum that wraps in 32 bits (P13), as the engine's (N65) is an
// Int8Accumulator.
struct WrappingSum {
  uint32_t value = 0;
  void Add(int32_t x, int32_t w) {
    value += static_cast<uint32_t>(x) * static_cast<uint32_t>(w);
  }
};

// The operands of a product, zero points and scales widened.
struct Operands {
  std::vector<int32_t> x, w, x_zero, w_zero, bias;
  std::vector<float> x_scale, w_scale;
  float y_scale = 1;
  int64_t y_zero = 0;
  IntegerRange range;
};

std::vector<int32_t> ZerosOf(const OpView& op, size_t i,
                             const RefTensors& tensors) {
  if (!op.HasInput(i)) return {0};
  return LoadIntegers<int32_t>(tensors.in[i]);
}

Expected<Operands> Load(const OpView& op, const IntegerPorts& ports,
                        const RefTensors& tensors) {
  Operands o;
  o.x = LoadIntegers<int32_t>(tensors.in[ports.x]);
  o.w = LoadIntegers<int32_t>(tensors.in[ports.w]);
  o.x_zero = ZerosOf(op, ports.x_zero, tensors);
  o.w_zero = ZerosOf(op, ports.w_zero, tensors);
  if (!ports.is_quantized) return o;
  if (ports.is_conv && op.HasInput(ports.bias))
    o.bias = LoadIntegers<int32_t>(tensors.in[ports.bias]);
  ANEREF_ASSIGN(o.x_scale, ExactFloats(op, ports.x_scale, tensors));
  ANEREF_ASSIGN(o.w_scale, ExactFloats(op, ports.w_scale, tensors));
  ANEREF_ASSIGN(const std::vector<float> y_scale,
                ExactFloats(op, ports.y_scale, tensors));
  o.y_scale = y_scale[0];
  o.y_zero = LoadInts(tensors.in[ports.y_zero])[0];
  o.range = RangeOf(tensors.out[0].dtype);
  return o;
}

// saturate(round_half_even(fl(sum * factor)) + zero), where
// factor = fl(fl(x_scale * w_scale) / y_scale); as it is without scales.
int32_t Finish(const OpView& /*op*/, const Operands& o, const WrappingSum& sum,
               float x_scale, float w_scale) {
  const auto value = static_cast<int32_t>(sum.value);
  if (o.x_scale.empty()) return value;
  const float factor = x_scale * w_scale / o.y_scale;
  return static_cast<int32_t>(
      Requantize(static_cast<float>(value) * factor, o.y_zero, o.range));
}

// N65: the scaled sum as fp16, then quantised (N38).
int32_t Finish(const OpView& op, const Operands& o, const Int8Accumulator& sum,
               float x_scale, float w_scale) {
  const double scale =
      static_cast<double>(x_scale) * static_cast<double>(w_scale);
  const double value =
      EngineHalfToDouble(sum.Finish(op.device()->profile(), scale));
  return static_cast<int32_t>(
      Requantize(static_cast<float>(value) / o.y_scale, o.y_zero, o.range));
}

float ScaleOf(const std::vector<float>& scales, int64_t lines, int64_t batch,
              int64_t line) {
  return scales.empty() ? 1.0f : PerLine(scales, lines, batch, line);
}

// sums[o] += weight * (x - zero) for the tap at `k`.
template <class Sum>
void AddTap(const IntegerConvShape& g, const int64_t k[3], int32_t weight,
            const int32_t* x, int32_t zero, std::vector<Sum>* sums) {
  const auto &d = g.axes[0], &h = g.axes[1], &w = g.axes[2];
  const OutputSpan sd = OutputsInside(d, k[0]), sh = OutputsInside(h, k[1]),
                   sw = OutputsInside(w, k[2]);
  for (int64_t od = sd.begin; od < sd.end; ++od) {
    const int64_t id = od * d.stride - d.pad_begin + k[0] * d.dilation;
    for (int64_t oh = sh.begin; oh < sh.end; ++oh) {
      const int64_t ih = oh * h.stride - h.pad_begin + k[1] * h.dilation;
      const int32_t* from = x + (id * h.in + ih) * w.in;
      Sum* to = sums->data() + (od * h.out + oh) * w.out;
      for (int64_t ow = sw.begin; ow < sw.end; ++ow) {
        const int64_t iw = ow * w.stride - w.pad_begin + k[2] * w.dilation;
        to[ow].Add(from[iw] - zero, weight);
      }
    }
  }
}

// One output channel (of all groups) of one image: kernel position outer, input
// channel inner.
template <class Sum>
void ConvChannel(const IntegerConvShape& g, const Operands& o, int64_t image,
                 int64_t channel, std::vector<Sum>* sums) {
  const auto &d = g.axes[0], &h = g.axes[1], &w = g.axes[2];
  const int64_t x_size = d.in * h.in * w.in;
  const int64_t w_size = d.kernel * h.kernel * w.kernel;
  const int64_t group = channel / g.out_channels;
  const int32_t w_zero =
      PerLine(o.w_zero, g.groups * g.out_channels, 0, channel);
  const int32_t* weights = o.w.data() + channel * g.in_channels * w_size;
  const int32_t* x =
      o.x.data() + (image * g.groups + group) * g.in_channels * x_size;
  for (int64_t position = 0; position < w_size; ++position) {
    const int64_t k[3] = {position / (h.kernel * w.kernel),
                          position / w.kernel % h.kernel, position % w.kernel};
    for (int64_t c = 0; c < g.in_channels; ++c)
      AddTap(g, k, weights[c * w_size + position] - w_zero, x + c * x_size,
             o.x_zero[0], sums);
  }
}

template <class Sum>
Status RunConv(const OpView& op, const IntegerPorts& ports,
               const RefTensors& tensors) {
  ANEREF_ASSIGN(const IntegerConvShape g, IntegerConvOf(op, ports));
  ANEREF_ASSIGN(const Operands o, Load(op, ports, tensors));
  const int64_t channels = g.groups * g.out_channels;
  const int64_t size = g.axes[0].out * g.axes[1].out * g.axes[2].out;
  std::vector<int32_t> y;
  if (size == 0) return Status();
  y.reserve(static_cast<size_t>(tensors.out[0].shape.NumElements()));
  for (int64_t n = 0; n < g.batch; ++n) {
    for (int64_t m = 0; m < channels; ++m) {
      std::vector<Sum> sums(static_cast<size_t>(size));
      if (!o.bias.empty())
        for (Sum& sum : sums) sum.Add(o.bias[static_cast<size_t>(m)], 1);
      ConvChannel(g, o, n, m, &sums);
      for (const Sum& sum : sums)
        y.push_back(Finish(op, o, sum, ScaleOf(o.x_scale, 1, 0, 0),
                           ScaleOf(o.w_scale, channels, 0, m)));
    }
  }
  StoreIntegers(y, tensors.out[0]);
  return Status();
}

// sums[column] of one row of one product, k ascending.
template <class Sum>
void MatmulRow(const IntegerMatmulShape& g, const Operands& o, int64_t x_line,
               int64_t w_matrix, int32_t x_zero, std::vector<Sum>* sums) {
  for (int64_t k = 0; k < g.depth; ++k) {
    const int32_t x = o.x[static_cast<size_t>(x_line * g.depth + k)] - x_zero;
    const int32_t* w = o.w.data() + (w_matrix * g.depth + k) * g.columns;
    for (int64_t n = 0; n < g.columns; ++n) {
      (*sums)[static_cast<size_t>(n)].Add(
          x, w[n] - PerLine(o.w_zero, g.columns, w_matrix, n));
    }
  }
}

template <class Sum>
Status RunMatmul(const OpView& op, const IntegerPorts& ports,
                 const RefTensors& tensors) {
  ANEREF_ASSIGN(const IntegerMatmulShape g, IntegerMatmulOf(op, ports));
  ANEREF_ASSIGN(const Operands o, Load(op, ports, tensors));
  std::vector<int32_t> y;
  const int64_t size = tensors.out[0].shape.NumElements();
  y.reserve(static_cast<size_t>(size));
  const int64_t products = size == 0 ? 0 : g.batch.NumElements();
  for (int64_t b = 0; b < products; ++b) {
    const int64_t x_matrix = MatrixIndex(g.x_batch, g.batch, b);
    const int64_t w_matrix = MatrixIndex(g.w_batch, g.batch, b);
    for (int64_t m = 0; m < g.rows; ++m) {
      std::vector<Sum> sums(static_cast<size_t>(g.columns));
      MatmulRow(g, o, x_matrix * g.rows + m, w_matrix,
                PerLine(o.x_zero, g.rows, x_matrix, m), &sums);
      for (int64_t n = 0; n < g.columns; ++n)
        y.push_back(Finish(op, o, sums[static_cast<size_t>(n)],
                           ScaleOf(o.x_scale, g.rows, x_matrix, m),
                           ScaleOf(o.w_scale, g.columns, w_matrix, n)));
    }
  }
  StoreIntegers(y, tensors.out[0]);
  return Status();
}

template <class Sum>
Status RunWith(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const IntegerPorts ports, IntegerPortsOf(op));
  return ports.is_conv ? RunConv<Sum>(op, ports, tensors)
                       : RunMatmul<Sum>(op, ports, tensors);
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  return RunWith<WrappingSum>(op, tensors);
}

// ---- lowering ----

Status ReadShape(const OpView& op, const IntegerPorts& ports,
                 IntegerMacArgs* args, double* products) {
  const auto elements = static_cast<double>(op.Out(0).shape.NumElements());
  args->is_conv = ports.is_conv;
  args->is_quantized = ports.is_quantized;
  if (ports.is_conv) {
    ANEREF_ASSIGN(args->conv, IntegerConvOf(op, ports));
    *products = elements * static_cast<double>(args->conv.in_channels);
    for (const IntegerAxis& axis : args->conv.axes)
      *products *= static_cast<double>(axis.kernel);
    return Status();
  }
  ANEREF_ASSIGN(args->matmul, IntegerMatmulOf(op, ports));
  *products = elements * static_cast<double>(args->matmul.depth);
  return Status();
}

std::vector<float> KnownScale(const OpView& op, size_t i) {
  return op.IsKnown(i) ? op.KnownFloats(i).value() : std::vector<float>();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const IntegerPorts ports, IntegerPortsOf(op));
  auto args = std::make_shared<IntegerMacArgs>();
  double products = 0;
  ANEREF_TRY(ReadShape(op, ports, args.get(), &products));
  std::array<size_t, kNumIntegerMacOperands> inputs = {
      ports.x,  ports.w,  ports.x_zero, ports.w_zero, SIZE_MAX,
      SIZE_MAX, SIZE_MAX, SIZE_MAX,     SIZE_MAX};
  if (ports.is_quantized) {
    args->x_scale = KnownScale(op, ports.x_scale);
    args->w_scale = KnownScale(op, ports.w_scale);
    args->y_scale = KnownScale(op, ports.y_scale);
    inputs[4] = ports.x_scale;
    inputs[5] = ports.w_scale;
    inputs[6] = ports.y_scale;
    inputs[7] = ports.y_zero;
    if (ports.is_conv) inputs[8] = ports.bias;
  }
  PlanIntegerMac(args.get());
  TaskSpec task;
  task.kernel = &integer_mac_kernel;
  for (const size_t i : inputs)
    task.in.push_back(op.HasInput(i) ? InputOperand(i) : Operand{});
  task.out = {OutputOperand(0)};
  task.num_units = args->NumUnits();
  task.flops = 2 * products;
  task.args = std::move(args);
  builder->Add(std::move(task));
  return Status();
}

// ---- the engine ----

bool IsZero(const OpView& op, size_t i) {
  if (!op.HasInput(i)) return true;
  const Expected<std::vector<int64_t>> values = op.KnownInts(i);
  return values.ok() && std::all_of(values->begin(), values->end(),
                                    [](int64_t zero) { return zero == 0; });
}

// Signed operands whose zero points are 0: an offset is none of the engine's.
bool MultipliesBytes(const OpView& op) {
  const Expected<IntegerPorts> ports = IntegerPortsOf(op);
  return ports.ok() && ports->is_quantized &&
         op.device()->profile().int8_accumulator &&
         op.In(ports->x).dtype == DataType::kInt8 &&
         op.In(ports->w).dtype == DataType::kInt8 &&
         IsZero(op, ports->x_zero) && IsZero(op, ports->w_zero);
}

Status ReferenceOnEngine(const OpView& op, const RefTensors& tensors) {
  return RunWith<Int8Accumulator>(op, tensors);
}

Status LowerOnEngine(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, ReferenceOnEngine, builder);
}

}  // namespace

const OpDef integer_mac_op = {
    "integer_mac",
    "Convolutions and matrix products of 8-bit integers with zero points.",
    InferIntegerMac, Lower, Reference};

const DeviceOp integer_mac_device = {MultipliesBytes, LowerOnEngine,
                                     ReferenceOnEngine};

}  // namespace aneref
