// Convolution and matrix product of 8-bit integers with zero points, with int32
// results or requantised ones. Sums wrap in 32 bits (P13); padding stands for
// the zero point, so it adds nothing. Rules P13, P18; on an engine that
// multiplies int8 by int8, N65.
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "ops/device_ops.h"
#include "ops/integers.h"
#include "ops/spatial.h"
#include "runtime/core/accumulator.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

using Kind = fbs::IntegerMacKind;

// Positions of the inputs.
struct Ports {
  bool is_conv = false;
  bool is_quantized = false;  // scales, and an 8-bit result
  size_t x = 0, x_zero = 2, w = 1, w_zero = 3;
  size_t x_scale = 1, w_scale = 4, y_scale = 6, y_zero = 7, bias = 8;
};

Expected<Ports> PortsOf(const OpView& op) {
  const Kind kind = op.attributes<fbs::IntegerMac>().kind();
  if (kind > Kind::MAX) return Unsupported("unknown kind of integer_mac");
  Ports ports;
  ports.is_conv = kind == Kind::conv || kind == Kind::qlinear_conv;
  ports.is_quantized =
      kind == Kind::qlinear_conv || kind == Kind::qlinear_matmul;
  if (ports.is_quantized) {
    ports.w = 3;
    ports.w_zero = 5;
  }
  if (!ports.is_quantized) {
    ANEREF_TRY(CheckInputs(op, 2, 4));
  } else {
    ANEREF_TRY(CheckInputs(op, 8, ports.is_conv ? 9 : 8));
  }
  return ports;
}

bool IsByte(DataType type) {
  return type == DataType::kInt8 || type == DataType::kUint8;
}

Status CheckTypes(const OpView& op, const Ports& ports) {
  const auto check = [&](size_t value, size_t zero, const char* name) {
    if (!IsByte(op.In(value).dtype))
      return ShapeError(std::string(name) + " is " + op.In(value).ToString() +
                        ", int8 or uint8 is needed");
    if (op.HasInput(zero) && op.In(zero).dtype != op.In(value).dtype)
      return ShapeError("the zero point of " + std::string(name) + " is " +
                        op.In(zero).ToString());
    return Status();
  };
  ANEREF_TRY(check(ports.x, ports.x_zero, "x"));
  ANEREF_TRY(check(ports.w, ports.w_zero, "the weight"));
  if (!ports.is_quantized) return Status();
  ANEREF_TRY(check(ports.y_zero, ports.y_zero, "the zero point of y"));
  for (size_t i : {ports.x_scale, ports.w_scale, ports.y_scale}) {
    if (!IsFloating(op.In(i).dtype))
      return ShapeError("input " + std::to_string(i) + " is " +
                        op.In(i).ToString() + ", a floating type is needed");
  }
  return Status();
}

Status CheckOne(const OpView& op, size_t i) {
  if (!op.HasInput(i) || op.In(i).shape.NumElements() == 1) return Status();
  return ShapeError("input " + std::to_string(i) + " is " +
                    op.In(i).ToString() + ", one value is needed");
}

// One value, one per row (column), or one per row of every matrix: `full`.
Status CheckPerLine(const OpView& op, size_t i, int64_t lines,
                    const Shape& full) {
  if (!op.HasInput(i)) return Status();
  const Shape& shape = op.In(i).shape;
  if (shape.NumElements() == 1 || shape == Shape{lines} || shape == full)
    return Status();
  return ShapeError("input " + std::to_string(i) + " is " +
                    op.In(i).ToString() + "; one value, " +
                    std::to_string(lines) + " or " + full.ToString() +
                    " are allowed");
}

// Value of line `line` of matrix `batch`, from a list that CheckPerLine passed.
template <class T>
T PerLine(const std::vector<T>& values, int64_t lines, int64_t batch,
          int64_t line) {
  if (values.size() == 1) return values[0];
  if (values.size() == static_cast<size_t>(lines))
    return values[static_cast<size_t>(line)];
  return values[static_cast<size_t>(batch * lines + line)];
}

// ---- geometry ----

struct ConvGeometry {
  int64_t batch = 0, groups = 1;
  int64_t in_channels = 0, out_channels = 0;  // per group
  std::vector<WindowAxis> axes;               // three, outermost first
};

Expected<ConvGeometry> ConvGeometryOf(const OpView& op, const Ports& ports) {
  const auto& attributes = op.attributes<fbs::IntegerMac>();
  const Shape& x = op.In(ports.x).shape;
  const Shape& w = op.In(ports.w).shape;
  ConvGeometry g;
  g.groups = attributes.groups();
  if (x.rank() < 3 || x.rank() > 5 || w.rank() != x.rank()) {
    return ShapeError("x " + x.ToString() + " and weight " + w.ToString() +
                      " need the same one to three spatial axes");
  }
  if (g.groups < 1 || x[1] % g.groups != 0 || w[0] % g.groups != 0 ||
      w[1] != x[1] / g.groups) {
    return ShapeError("weight " + w.ToString() + " does not fit x " +
                      x.ToString() + " in " + std::to_string(g.groups) +
                      " groups");
  }
  WindowSpec spec = WindowSpecOf(attributes);
  spec.kernel.assign(w.begin() + 2, w.end());
  ANEREF_ASSIGN(g.axes,
                MakeWindow(std::span(x.begin() + 2, x.rank() - 2), spec));
  WindowAxis unit;
  unit.in = unit.out = 1;
  g.axes.insert(g.axes.begin(), 3 - g.axes.size(), unit);
  g.batch = x[0];
  g.in_channels = x[1] / g.groups;
  g.out_channels = w[0] / g.groups;
  return g;
}

struct MatmulGeometry {
  int64_t rows = 1, depth = 1, columns = 1;
  Shape x_batch, w_batch, batch, out;
};

Expected<MatmulGeometry> MatmulGeometryOf(const OpView& op,
                                          const Ports& ports) {
  const Shape& x = op.In(ports.x).shape;
  const Shape& w = op.In(ports.w).shape;
  if (x.rank() == 0 || w.rank() == 0)
    return ShapeError("a scalar has no matrix product");
  MatmulGeometry g;
  g.depth = x.back();
  if (x.rank() > 1) g.rows = x[x.rank() - 2];
  if (w.rank() > 1) g.columns = w.back();
  if (w[w.rank() > 1 ? w.rank() - 2 : 0] != g.depth)
    return ShapeError("matrices " + x.ToString() + " and " + w.ToString() +
                      " do not fit");
  for (size_t i = 0; i + 2 < x.rank(); ++i) g.x_batch.Append(x[i]);
  for (size_t i = 0; i + 2 < w.rank(); ++i) g.w_batch.Append(w[i]);
  ANEREF_ASSIGN(g.batch, BroadcastShapes(g.x_batch, g.w_batch));
  std::vector<int64_t> dims = g.batch.ToVector();
  if (x.rank() > 1) dims.push_back(g.rows);
  if (w.rank() > 1) dims.push_back(g.columns);
  ANEREF_ASSIGN(g.out, MakeShape(dims));
  return g;
}

// Which of the matrices of `shape` product number `n` of `batch` reads.
int64_t MatrixIndex(const Shape& shape, const Shape& batch, int64_t n) {
  int64_t index = 0, step = 1;
  for (size_t i = 0; i < shape.rank(); ++i) {
    const int64_t extent = shape[shape.rank() - 1 - i];
    const int64_t of_batch = batch[batch.rank() - 1 - i];
    if (extent != 1) index += n % of_batch * step;
    n /= of_batch;
    step *= extent;
  }
  return index;
}

// ---- types ----

Expected<Shape> InferConv(const OpView& op, const Ports& ports) {
  ANEREF_ASSIGN(const ConvGeometry g, ConvGeometryOf(op, ports));
  const int64_t channels = g.groups * g.out_channels;
  ANEREF_TRY(CheckOne(op, ports.x_zero));
  ANEREF_TRY(CheckPerLine(op, ports.w_zero, channels, Shape{channels}));
  if (ports.is_quantized) {
    ANEREF_TRY(CheckOne(op, ports.x_scale));
    ANEREF_TRY(CheckPerLine(op, ports.w_scale, channels, Shape{channels}));
    const TensorType bias{DataType::kInt32, Shape{channels}};
    if (op.HasInput(ports.bias) && !(op.In(ports.bias) == bias))
      return ShapeError("the bias is " + op.In(ports.bias).ToString() +
                        ", not " + bias.ToString());
  }
  std::vector<int64_t> dims = {g.batch, channels};
  const size_t num_axes = op.In(ports.x).shape.rank() - 2;
  for (size_t i = 3 - num_axes; i < 3; ++i) dims.push_back(g.axes[i].out);
  return MakeShape(dims);
}

Expected<Shape> InferMatmul(const OpView& op, const Ports& ports) {
  ANEREF_ASSIGN(const MatmulGeometry g, MatmulGeometryOf(op, ports));
  Shape rows = op.In(ports.x).shape, columns = op.In(ports.w).shape;
  rows[rows.rank() - 1] = 1;
  columns[columns.rank() > 1 ? columns.rank() - 2 : 0] = 1;
  ANEREF_TRY(CheckPerLine(op, ports.x_zero, g.rows, rows));
  ANEREF_TRY(CheckPerLine(op, ports.w_zero, g.columns, columns));
  if (ports.is_quantized) {
    ANEREF_TRY(CheckPerLine(op, ports.x_scale, g.rows, rows));
    ANEREF_TRY(CheckPerLine(op, ports.w_scale, g.columns, columns));
  }
  return g.out;
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_ASSIGN(const Ports ports, PortsOf(op));
  ANEREF_TRY(CheckTypes(op, ports));
  if (ports.is_quantized) {
    ANEREF_TRY(CheckOne(op, ports.y_scale));
    ANEREF_TRY(CheckOne(op, ports.y_zero));
  }
  ANEREF_ASSIGN(const Shape shape,
                ports.is_conv ? InferConv(op, ports) : InferMatmul(op, ports));
  return std::vector<TensorType>{
      {ports.is_quantized ? op.In(ports.y_zero).dtype : DataType::kInt32,
       shape}};
}

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

Expected<Operands> Load(const OpView& op, const Ports& ports,
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

// The outputs o in [begin, end) whose tap k lies inside the input.
struct Span {
  int64_t begin = 0, end = 0;
};
Span Inside(const WindowAxis& axis, int64_t k) {
  const int64_t shift = axis.pad_begin - k * axis.dilation;
  Span span;
  span.begin = shift <= 0 ? 0 : (shift + axis.stride - 1) / axis.stride;
  const int64_t last = axis.in - 1 + shift;
  span.end = last < 0 ? 0 : last / axis.stride + 1;
  span.end = std::min(span.end, axis.out);
  return span;
}

// sums[o] += weight * (x - zero) for the tap at `k`.
template <class Sum>
void AddTap(const ConvGeometry& g, const int64_t k[3], int32_t weight,
            const int32_t* x, int32_t zero, std::vector<Sum>* sums) {
  const auto &d = g.axes[0], &h = g.axes[1], &w = g.axes[2];
  const Span sd = Inside(d, k[0]), sh = Inside(h, k[1]), sw = Inside(w, k[2]);
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
void ConvChannel(const ConvGeometry& g, const Operands& o, int64_t image,
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
Status RunConv(const OpView& op, const Ports& ports,
               const RefTensors& tensors) {
  ANEREF_ASSIGN(const ConvGeometry g, ConvGeometryOf(op, ports));
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
void MatmulRow(const MatmulGeometry& g, const Operands& o, int64_t x_line,
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
Status RunMatmul(const OpView& op, const Ports& ports,
                 const RefTensors& tensors) {
  ANEREF_ASSIGN(const MatmulGeometry g, MatmulGeometryOf(op, ports));
  ANEREF_ASSIGN(const Operands o, Load(op, ports, tensors));
  std::vector<int32_t> y;
  y.reserve(static_cast<size_t>(g.out.NumElements()));
  const int64_t products = g.out.NumElements() == 0 ? 0 : g.batch.NumElements();
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
  ANEREF_ASSIGN(const Ports ports, PortsOf(op));
  return ports.is_conv ? RunConv<Sum>(op, ports, tensors)
                       : RunMatmul<Sum>(op, ports, tensors);
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  return RunWith<WrappingSum>(op, tensors);
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
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
  const Expected<Ports> ports = PortsOf(op);
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
    Infer, Lower, Reference};

const DeviceOp integer_mac_device = {MultipliesBytes, LowerOnEngine,
                                     ReferenceOnEngine};

}  // namespace aneref
