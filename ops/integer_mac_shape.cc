// See integer_mac_shape.h: checks of untrusted nodes, and the types of results.
#include "ops/integer_mac_shape.h"

#include <span>
#include <string>

#include "ops/spatial.h"

namespace aneref {

Expected<IntegerPorts> IntegerPortsOf(const OpView& op) {
  using Kind = fbs::IntegerMacKind;
  const Kind kind = op.attributes<fbs::IntegerMac>().kind();
  if (kind > Kind::MAX) return Unsupported("unknown kind of integer_mac");
  IntegerPorts ports;
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

namespace {

bool IsByte(DataType type) {
  return type == DataType::kInt8 || type == DataType::kUint8;
}

Status CheckTypes(const OpView& op, const IntegerPorts& ports) {
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

}  // namespace

// ---- geometry ----

Expected<IntegerConvShape> IntegerConvOf(const OpView& op,
                                         const IntegerPorts& ports) {
  const auto& attributes = op.attributes<fbs::IntegerMac>();
  const Shape& x = op.In(ports.x).shape;
  const Shape& w = op.In(ports.w).shape;
  IntegerConvShape g;
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
  ANEREF_ASSIGN(const std::vector<WindowAxis> window,
                MakeWindow(std::span(x.begin() + 2, x.rank() - 2), spec));
  for (size_t i = 0; i < window.size(); ++i) {
    const WindowAxis& axis = window[i];
    g.axes[3 - window.size() + i] = {axis.in,       axis.kernel,    axis.stride,
                                     axis.dilation, axis.pad_begin, axis.out};
  }
  g.batch = x[0];
  g.in_channels = x[1] / g.groups;
  g.out_channels = w[0] / g.groups;
  return g;
}

Expected<IntegerMatmulShape> IntegerMatmulOf(const OpView& op,
                                             const IntegerPorts& ports) {
  const Shape& x = op.In(ports.x).shape;
  const Shape& w = op.In(ports.w).shape;
  if (x.rank() == 0 || w.rank() == 0)
    return ShapeError("a scalar has no matrix product");
  IntegerMatmulShape g;
  g.depth = x.back();
  if (x.rank() > 1) g.rows = x[x.rank() - 2];
  if (w.rank() > 1) g.columns = w.back();
  if (w[w.rank() > 1 ? w.rank() - 2 : 0] != g.depth)
    return ShapeError("matrices " + x.ToString() + " and " + w.ToString() +
                      " do not fit");
  for (size_t i = 0; i + 2 < x.rank(); ++i) g.x_batch.Append(x[i]);
  for (size_t i = 0; i + 2 < w.rank(); ++i) g.w_batch.Append(w[i]);
  ANEREF_ASSIGN(g.batch, BroadcastShapes(g.x_batch, g.w_batch));
  return g;
}

namespace {

// ---- types ----

Expected<Shape> InferConv(const OpView& op, const IntegerPorts& ports) {
  ANEREF_ASSIGN(const IntegerConvShape g, IntegerConvOf(op, ports));
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

Expected<Shape> InferMatmul(const OpView& op, const IntegerPorts& ports) {
  ANEREF_ASSIGN(const IntegerMatmulShape g, IntegerMatmulOf(op, ports));
  Shape rows = op.In(ports.x).shape, columns = op.In(ports.w).shape;
  rows[rows.rank() - 1] = 1;
  columns[columns.rank() > 1 ? columns.rank() - 2 : 0] = 1;
  ANEREF_TRY(CheckPerLine(op, ports.x_zero, g.rows, rows));
  ANEREF_TRY(CheckPerLine(op, ports.w_zero, g.columns, columns));
  if (ports.is_quantized) {
    ANEREF_TRY(CheckPerLine(op, ports.x_scale, g.rows, rows));
    ANEREF_TRY(CheckPerLine(op, ports.w_scale, g.columns, columns));
  }
  std::vector<int64_t> dims = g.batch.ToVector();
  if (op.In(ports.x).shape.rank() > 1) dims.push_back(g.rows);
  if (op.In(ports.w).shape.rank() > 1) dims.push_back(g.columns);
  return MakeShape(dims);
}

}  // namespace

Expected<std::vector<TensorType>> InferIntegerMac(const OpView& op) {
  ANEREF_ASSIGN(const IntegerPorts ports, IntegerPortsOf(op));
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

}  // namespace aneref
