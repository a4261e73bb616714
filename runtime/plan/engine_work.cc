// See engine_work.h. One row per family in DescribeWork; geometry comes from
// the same window rules that the families use (ops/spatial.h).
#include "runtime/plan/engine_work.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "ops/spatial.h"

namespace aneref {
namespace {

using engine::Axes3;
using engine::ConvGeometry;
using engine::EngineKind;
using engine::FusionKind;
using engine::Unit;

double Elements(const TensorType& type) {
  return static_cast<double>(type.shape.NumElements());
}

EngineWork OnEngine(EngineKind kind, Unit unit, double flops) {
  EngineWork work;
  work.on_engine = true;
  work.engine = kind;
  work.unit = unit;
  work.flops = flops;
  return work;
}
EngineWork Planar(Unit unit, double flops) {
  return OnEngine(EngineKind::kPlanar, unit, flops);
}
EngineWork Movement(Unit unit) {
  EngineWork work = OnEngine(EngineKind::kDma, unit, 0);
  work.moves_only = true;
  return work;
}

// Up to three window axes as depth, row, column; missing ones have extent 1.
struct Window3 {
  WindowAxis axes[3];
  explicit Window3(const std::vector<WindowAxis>& given) {
    for (WindowAxis& axis : axes) axis.in = axis.out = 1;
    for (size_t i = 0; i < given.size() && i < 3; ++i)
      axes[3 - given.size() + i] = given[i];
  }
  Axes3 Get(int64_t WindowAxis::*field) const {
    return {axes[0].*field, axes[1].*field, axes[2].*field};
  }
  engine::RowWindow Rows() const {
    const WindowAxis& row = axes[1];
    return {row.kernel, row.stride, row.dilation, row.pad_begin};
  }
};

std::span<const int64_t> SpatialExtents(const Shape& shape) {
  return {shape.begin() + 2, shape.rank() - 2};
}

ConvGeometry GeometryOf(const Window3& window) {
  ConvGeometry conv;
  conv.kernel = window.Get(&WindowAxis::kernel);
  conv.stride = window.Get(&WindowAxis::stride);
  conv.dilation = window.Get(&WindowAxis::dilation);
  conv.in = window.Get(&WindowAxis::in);
  conv.out = window.Get(&WindowAxis::out);
  return conv;
}

EngineWork ConvWork(const ConvGeometry& conv, const OpView& op) {
  EngineWork work =
      OnEngine(EngineKind::kMac, Unit::kMacConv, engine::ConvFlops(conv));
  work.conv = conv;
  if (op.HasInput(1) && op.IsKnown(1))
    work.weight_elements = op.In(1).shape.NumElements();
  work.rows = {conv.kernel.h, conv.stride.h, conv.dilation.h, 0};
  return work;
}

EngineWork DescribeConv(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Conv>();
  const Shape &x = op.In(0).shape, &weight = op.In(1).shape;
  WindowSpec spec = WindowSpecOf(attributes);
  spec.kernel.assign(weight.begin() + 2, weight.end());
  const auto axes = MakeWindow(SpatialExtents(x), spec);
  if (!axes.ok()) return {};
  const Window3 window(axes.value());
  ConvGeometry conv = GeometryOf(window);
  conv.batch = x[0];
  conv.cin = x[1];
  conv.cout = weight[0];
  conv.groups = attributes.groups();
  EngineWork work = ConvWork(conv, op);
  work.rows = window.Rows();
  return work;
}

// Fractionally strided (E10): every input element meets every tap once, so the
// grid of outputs per weight is the input's.
EngineWork DescribeConvTranspose(const OpView& op) {
  const auto& attributes = op.attributes<fbs::ConvTranspose>();
  const Shape &x = op.In(0).shape, &weight = op.In(1).shape;
  const Shape& y = op.Out(0).shape;
  ConvGeometry conv;
  conv.batch = x[0];
  conv.cin = x[1];
  conv.groups = attributes.groups();
  conv.cout = weight[1] * conv.groups;
  int64_t* in[] = {&conv.in.d, &conv.in.h, &conv.in.w};
  int64_t* out[] = {&conv.out.d, &conv.out.h, &conv.out.w};
  int64_t* kernel[] = {&conv.kernel.d, &conv.kernel.h, &conv.kernel.w};
  for (size_t axis = 2; axis < x.rank() && axis < 5; ++axis) {
    const size_t place = 3 - (x.rank() - axis);
    *in[place] = x[axis];
    *out[place] = y[axis];
    *kernel[place] = weight[axis];
  }
  EngineWork work = ConvWork(conv, op);
  work.flops = 2.0 * static_cast<double>(conv.batch * engine::Volume(conv.in)) *
               static_cast<double>(conv.taps() * conv.cin_per_group()) *
               static_cast<double>(conv.cout);
  return work;
}

EngineWork DescribeMatmul(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Matmul>();
  const Shape &x = op.In(0).shape, &y = op.In(1).shape, &out = op.Out(0).shape;
  if (x.rank() == 0 || y.rank() == 0) return {};
  const bool is_row = x.rank() == 1;
  const int64_t inner =
      is_row ? x[0] : x[x.rank() - (attributes.transpose_x() ? 2 : 1)];
  const int64_t columns =
      y.rank() == 1 ? 1 : y[y.rank() - (attributes.transpose_y() ? 2 : 1)];
  const int64_t rows =
      is_row ? 1 : x[x.rank() - (attributes.transpose_x() ? 1 : 2)];
  const int64_t products = std::max<int64_t>(1, rows * columns);
  const int64_t batch = out.NumElements() / products;
  EngineWork work;
  if (op.IsKnown(1) && y.NumElements() == inner * columns) {
    // L3: features in C, the sequence in W.
    ConvGeometry conv;
    conv.batch = batch;
    conv.cin = inner;
    conv.cout = columns;
    conv.in.w = conv.out.w = rows;
    work = ConvWork(conv, op);
    work.matmul = engine::MatmulGeometry{batch, rows, columns, inner};
  } else {
    const engine::MatmulGeometry matmul{batch, rows, columns, inner};
    work = OnEngine(EngineKind::kMac, Unit::kMacMatMul,
                    engine::MatmulFlops(matmul));
    work.matmul = matmul;
    if (op.IsKnown(1)) work.weight_elements = y.NumElements();
  }
  if (out.rank() > 0) work.channel_axis = out.rank() - 1;
  return work;
}

EngineWork DescribePool(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Pool>();
  const Shape& x = op.In(0).shape;
  if (op.HasOutput(1)) return {};  // indices: the host's
  WindowSpec spec = WindowSpecOf(attributes);
  spec.kernel = ToInts(attributes.kernel());
  spec.ceil_mode = attributes.ceil_mode();
  if (spec.kernel.empty()) spec.kernel.assign(x.begin() + 2, x.end());
  int64_t taps = 1;
  for (int64_t extent : spec.kernel) taps *= extent;
  EngineWork work = Planar(Unit::kPlanarPool,
                           Elements(op.Out(0)) * static_cast<double>(taps));
  const auto axes = MakeWindow(SpatialExtents(x), spec);
  if (axes.ok()) work.rows = Window3(axes.value()).Rows();
  return work;
}

// C1 has no line for norms: mean, difference, square, mean, product, scale and
// offset, one operation per element each ([O]).
constexpr double kNormOperations = 7;

EngineWork DescribeNorm(const OpView& op) {
  const bool batch = op.attributes<fbs::Norm>().kind() == fbs::NormKind::batch;
  return batch
             ? Planar(Unit::kPlanarGoc, 2 * Elements(op.Out(0)))
             : Planar(Unit::kReduction, kNormOperations * Elements(op.Out(0)));
}

EngineWork DescribeReduce(const OpView& op) {
  const fbs::ReduceKind kind = op.attributes<fbs::Reduce>().kind();
  EngineWork work = Planar(Unit::kReduction, Elements(op.In(0)));
  work.on_engine = kind != fbs::ReduceKind::arg_max &&
                   kind != fbs::ReduceKind::arg_min &&
                   kind != fbs::ReduceKind::prod;
  const int64_t outputs = std::max<int64_t>(1, op.Out(0).shape.NumElements());
  work.reduced_extent = op.In(0).shape.NumElements() / outputs;
  return work;
}

EngineWork DescribeResample(const OpView& op) {
  const auto mode = op.attributes<fbs::Resample>().mode();
  const double taps = mode == fbs::ResampleMode::nearest  ? 1
                      : mode == fbs::ResampleMode::linear ? 4
                                                          : 16;
  return Planar(Unit::kScaledElementWise, taps * Elements(op.Out(0)));
}

EngineWork DescribeAttention(const OpView& op) {
  // Keys meet every query once for the scores and once for the values.
  const Shape& q = op.In(0).shape;
  const Shape& k = op.In(1).shape;
  if (q.rank() < 3 || k.rank() != q.rank()) return {};
  const double per_query = 4.0 * static_cast<double>(k[k.rank() - 2]);
  return OnEngine(EngineKind::kMac, Unit::kAttention,
                  per_query * Elements(op.In(0)));
}

// 2 * the product of all extents that the equation names.
EngineWork DescribeEinsum(const OpView& op) {
  const auto* equation = op.attributes<fbs::Einsum>().equation();
  if (equation == nullptr) return {};
  std::map<char, int64_t> extents;
  size_t input = 0, axis = 0;
  for (const char c : equation->str()) {
    if (c == '-' || c == '.') break;
    if (c == ',') {
      ++input;
      axis = 0;
    } else if (c != ' ' && op.HasInput(input) &&
               axis < op.In(input).shape.rank()) {
      extents[c] = op.In(input).shape[axis++];
    }
  }
  double flops = 2;
  for (const auto& [label, extent] : extents)
    flops *= static_cast<double>(extent);
  return OnEngine(EngineKind::kMac, Unit::kMacMatMul, flops);
}

EngineWork DescribeFamily(const OpView& op) {
  const double outputs = Elements(op.Out(0));
  switch (op.node().op_type()) {
    case fbs::Op::Conv:
      return DescribeConv(op);
    case fbs::Op::ConvTranspose:
      return DescribeConvTranspose(op);
    case fbs::Op::Matmul:
      return DescribeMatmul(op);
    case fbs::Op::Einsum:
      return DescribeEinsum(op);
    case fbs::Op::Attention:
      return DescribeAttention(op);
    case fbs::Op::Pool:
      return DescribePool(op);
    case fbs::Op::Norm:
      return DescribeNorm(op);
    case fbs::Op::Reduce:
      return DescribeReduce(op);
    case fbs::Op::Resample:
      return DescribeResample(op);
    case fbs::Op::Softmax:
      return Planar(Unit::kSoftmax, engine::SoftmaxFlops(outputs));
    case fbs::Op::Elementwise:
    case fbs::Op::Select:
      return Planar(Unit::kPlanarElementWise, outputs);
    case fbs::Op::Activation:
    case fbs::Op::Quantize:
      return Planar(Unit::kNeuron, outputs);
    case fbs::Op::Transpose:
      return Movement(Unit::kTranspose);
    case fbs::Op::Concat:
      return Movement(Unit::kConcat);
    case fbs::Op::Reshape:
    case fbs::Op::Split:
    case fbs::Op::Slice:
    case fbs::Op::Pad:
    case fbs::Op::Tile:
    case fbs::Op::Cast:
    case fbs::Op::Gather:
    case fbs::Op::DepthSpace:
      return Movement(Unit::kMacBypass);
    default:
      return {};  // no datapath: the host's
  }
}

// The engine works on fp16 (N1) and on the 8-bit tensors of the quantised path
// (N2); everything else is the host's.
bool HasEngineTypes(const OpView& op) {
  const auto fits = [](const TensorType& type) {
    return type.dtype == DataType::kFloat16 || type.dtype == DataType::kInt8 ||
           type.dtype == DataType::kUint8;
  };
  for (size_t i = 0; i < op.num_inputs(); ++i) {
    if (op.HasInput(i) && !op.IsKnown(i) && !fits(op.In(i))) return false;
  }
  for (size_t i = 0; i < op.num_outputs(); ++i) {
    if (op.HasOutput(i) && !fits(op.Out(i))) return false;
  }
  return true;
}

// A known operand with one value, or one value per channel.
bool IsPerChannel(const OpView& op, size_t input, size_t channel_axis) {
  if (!op.HasInput(input) || !op.IsKnown(input)) return false;
  const Shape& shape = op.In(input).shape;
  const size_t rank = op.Out(0).shape.rank();
  if (shape.NumElements() == 1) return true;
  if (shape.rank() > rank) return false;
  for (size_t i = 0; i < shape.rank(); ++i) {
    if (shape[i] != 1 && rank - shape.rank() + i != channel_axis) return false;
  }
  return true;
}

FusionKind ElementwiseKindOf(const OpView& op, size_t data_input,
                             size_t channel_axis) {
  const auto kind = op.attributes<fbs::Elementwise>().kind();
  const size_t other = 1 - data_input;
  const bool is_live = !op.HasInput(other) || !op.IsKnown(other);
  const bool fits = !is_live && IsPerChannel(op, other, channel_axis) &&
                    op.Out(0).shape == op.In(data_input).shape;
  switch (kind) {
    case fbs::ElementwiseKind::add:
      return fits      ? FusionKind::kAddConstant
             : is_live ? FusionKind::kAddLive
                       : FusionKind::kOther;
    case fbs::ElementwiseKind::sub:  // x - c is an offset; c - x is not
      return fits && data_input == 0 ? FusionKind::kAddConstant
             : is_live               ? FusionKind::kAddLive
                                     : FusionKind::kOther;
    case fbs::ElementwiseKind::mul:
      return fits      ? FusionKind::kMultiplyConstant
             : is_live ? FusionKind::kMultiplyLive
                       : FusionKind::kOther;
    case fbs::ElementwiseKind::div:
      return fits && data_input == 0 ? FusionKind::kMultiplyConstant
                                     : FusionKind::kOther;
    case fbs::ElementwiseKind::prelu:
      return fits && data_input == 0 ? FusionKind::kActivation
                                     : FusionKind::kOther;
    default:
      return FusionKind::kOther;
  }
}

}  // namespace

EngineWork DescribeWork(const OpView& op) {
  if (op.num_outputs() == 0 || !op.HasOutput(0) || !HasEngineTypes(op))
    return {};
  EngineWork work = DescribeFamily(op);
  if (op.Out(0).shape.NumElements() == 0) return {};
  return work;
}

FusionKind FollowerKind(const OpView& op, size_t data_input,
                        size_t channel_axis) {
  switch (op.node().op_type()) {
    case fbs::Op::Elementwise:
      return ElementwiseKindOf(op, data_input, channel_axis);
    case fbs::Op::Activation:
      return op.attributes<fbs::Activation>().kind() ==
                     fbs::ActivationKind::linear
                 ? FusionKind::kBatchNorm
                 : FusionKind::kActivation;
    case fbs::Op::Norm:
      return op.attributes<fbs::Norm>().kind() == fbs::NormKind::batch &&
                     channel_axis == 1 && op.IsKnown(1)
                 ? FusionKind::kBatchNorm
                 : FusionKind::kOther;
    case fbs::Op::Transpose:
    case fbs::Op::Reshape:
      return data_input == 0 ? FusionKind::kTranspose : FusionKind::kOther;
    case fbs::Op::Quantize:
      return FusionKind::kRequantize;
    case fbs::Op::Concat:
      return FusionKind::kConcat;
    case fbs::Op::Attention:
      return FusionKind::kAttention;
    default:
      return FusionKind::kOther;
  }
}

}  // namespace aneref
