// From a node of a program to the facts that the placement rules look at.
#include "runtime/plan/placement/facts.h"

#include <algorithm>
#include <cstdlib>
#include <span>

#include "ops/spatial.h"
#include "runtime/plan/engine/cost.h"

namespace aneref::placement {
namespace {

// Axis `axis` of a tensor of this rank, as a number of Extents.
int EngineAxis(size_t axis, size_t rank, bool channels_second) {
  constexpr int kRank5[] = {0, 1, 2, 3, 4};
  constexpr int kRank5Second[] = {0, 2, 1, 3, 4};
  constexpr int kRank4[] = {0, 2, 3, 4};
  if (rank > 5)
    return axis < rank - 4 ? 0 : static_cast<int>(5 - (rank - axis));
  if (rank == 5) return channels_second ? kRank5Second[axis] : kRank5[axis];
  return kRank4[axis + (4 - std::min<size_t>(rank, 4))];
}

int64_t* At(Extents* extents, int axis) {
  int64_t* const members[] = {&extents->n, &extents->d, &extents->c,
                              &extents->h, &extents->w};
  return members[axis];
}

std::vector<int64_t> IntsOf(const OpView& op, size_t i) {
  if (!op.IsKnown(i)) return {};
  Expected<std::vector<int64_t>> values = op.KnownInts(i);
  return values.ok() ? std::move(values).value() : std::vector<int64_t>();
}

void SetAxis(const std::vector<WindowAxis>& axes, size_t i, size_t count,
             OpFacts* facts) {
  // The last spatial axis is W, the one before it H, then D.
  const WindowAxis& axis = axes[i];
  const size_t from_back = count - 1 - i;
  const auto set = [&](Axes3* target, int64_t value) {
    (from_back == 0   ? target->w
     : from_back == 1 ? target->h
                      : target->d) = value;
  };
  set(&facts->kernel, axis.kernel);
  set(&facts->stride, axis.stride);
  set(&facts->dilation, axis.dilation);
  set(&facts->pad_begin, axis.pad_begin);
  set(&facts->pad_end, axis.pad_end);
}

void SetWindow(const std::vector<WindowAxis>& axes, OpFacts* facts) {
  facts->spatial_rank = static_cast<int64_t>(axes.size());
  for (size_t i = 0; i < axes.size() && axes.size() <= 3; ++i)
    SetAxis(axes, i, axes.size(), facts);
}

void DescribeConv(const OpView& op, OpFacts* facts) {
  const Shape& x = op.In(0).shape;
  const Shape& weight = op.In(1).shape;
  facts->channels_second = true;
  facts->estimate = engine::EstimateKind::kConv;
  facts->runtime_weights = !op.IsKnown(1);
  const auto& attributes = op.attributes<fbs::Conv>();
  facts->groups = attributes.groups();
  facts->cin = x[1];
  facts->cout = weight[0];
  WindowSpec spec = WindowSpecOf(attributes);
  spec.kernel.assign(weight.begin() + 2, weight.end());
  const auto window = MakeWindow(std::span(x.begin() + 2, x.rank() - 2), spec);
  if (window.ok()) SetWindow(*window, facts);
  if (facts->spatial_rank == 3 && !facts->runtime_weights) facts->op = "conv3d";
  const double outputs =
      static_cast<double>(facts->outputs[0].shape.NumElements());
  facts->flops = 2.0 * outputs * static_cast<double>(weight.NumElements()) /
                 static_cast<double>(std::max<int64_t>(weight[0], 1));
}

void DescribeConvTranspose(const OpView& op, OpFacts* facts) {
  const Shape& x = op.In(0).shape;
  const Shape& weight = op.In(1).shape;
  facts->channels_second = true;
  facts->estimate = engine::EstimateKind::kConvTranspose;
  facts->runtime_weights = !op.IsKnown(1);
  const auto& attributes = op.attributes<fbs::ConvTranspose>();
  facts->groups = attributes.groups();
  facts->cin = x[1];
  facts->cout = weight[1] * facts->groups;
  std::vector<WindowAxis> axes(x.rank() - 2);
  const std::vector<int64_t> strides = ToInts(attributes.strides());
  const std::vector<int64_t> dilations = ToInts(attributes.dilations());
  for (size_t i = 0; i < axes.size(); ++i) {
    axes[i].kernel = weight[i + 2];
    if (i < strides.size()) axes[i].stride = strides[i];
    if (i < dilations.size()) axes[i].dilation = dilations[i];
  }
  SetWindow(axes, facts);
  facts->flops = 2.0 * static_cast<double>(x.NumElements()) *
                 static_cast<double>(weight.NumElements()) /
                 static_cast<double>(std::max<int64_t>(weight[0], 1));
}

void DescribeMatmul(const OpView& op, OpFacts* facts) {
  const auto& attributes = op.attributes<fbs::Matmul>();
  const Shape& x = op.In(0).shape;
  if (x.rank() == 0) return;
  const bool transposed = attributes.transpose_x() && x.rank() >= 2;
  facts->inner = transposed ? x[x.rank() - 2] : x.back();
  facts->estimate = facts->op == "linear" ? engine::EstimateKind::kLinear
                                          : engine::EstimateKind::kMatmul;
  facts->cin = facts->inner;
  facts->cout = facts->outputs[0].shape.back();
  facts->flops = 2.0 *
                 static_cast<double>(facts->outputs[0].shape.NumElements()) *
                 static_cast<double>(facts->inner);
}

void DescribePool(const OpView& op, OpFacts* facts) {
  const auto& attributes = op.attributes<fbs::Pool>();
  const Shape& x = op.In(0).shape;
  facts->channels_second = true;
  const std::vector<int64_t> kernel = ToInts(attributes.kernel());
  if (kernel.empty()) {  // a global pool is a reduction to the engine
    facts->op = attributes.kind() == fbs::PoolKind::max ? "reduce_max"
                : attributes.kind() == fbs::PoolKind::average
                    ? "reduce_mean"
                    : "reduce_l2_norm";
    facts->parts.clear();
    for (size_t axis = 2; axis < x.rank(); ++axis)
      facts->axes.push_back(EngineAxis(axis, x.rank(), true));
    return;
  }
  WindowSpec spec = WindowSpecOf(attributes);
  spec.kernel = kernel;
  spec.ceil_mode = attributes.ceil_mode();
  const auto window = MakeWindow(std::span(x.begin() + 2, x.rank() - 2), spec);
  if (window.ok()) SetWindow(*window, facts);
}

void DescribeReduce(const OpView& op, OpFacts* facts) {
  std::vector<int64_t> axes = ToInts(op.attributes<fbs::Reduce>().axes());
  if (op.HasInput(1)) axes = IntsOf(op, 1);
  const size_t rank = op.In(0).shape.rank();
  if (axes.empty()) {
    for (size_t axis = 0; axis < rank; ++axis)
      axes.push_back(static_cast<int64_t>(axis));
  }
  for (const int64_t axis : axes) {
    const auto normal = NormalizeAxis(axis, rank);
    if (normal.ok()) facts->axes.push_back(EngineAxis(*normal, rank, false));
  }
}

void DescribePad(const OpView& op, OpFacts* facts) {
  const auto& attributes = op.attributes<fbs::Pad>();
  facts->pad_mode =
      attributes.fill() == fbs::PadFill::reflect ? PadMode::kReflect
      : attributes.fill() == fbs::PadFill::edge  ? PadMode::kReplicate
      : attributes.fill() == fbs::PadFill::wrap  ? PadMode::kWrap
                                                 : PadMode::kConstant;
  const size_t rank = op.In(0).shape.rank();
  std::vector<int64_t> pads =
      op.HasInput(1) ? IntsOf(op, 1) : ToInts(attributes.pads());
  std::vector<int64_t> axes =
      op.HasInput(3) ? IntsOf(op, 3) : ToInts(attributes.axes());
  if (axes.empty()) {
    for (size_t axis = 0; axis < rank; ++axis)
      axes.push_back(static_cast<int64_t>(axis));
  }
  for (size_t i = 0; i < axes.size() && pads.size() == 2 * axes.size(); ++i) {
    const int64_t most = std::max(pads[i], pads[i + axes.size()]);
    const auto axis = NormalizeAxis(axes[i], rank);
    if (most <= 0 || !axis.ok()) continue;
    facts->axes.push_back(EngineAxis(*axis, rank, false));
    facts->pads.push_back(most);
  }
}

// Axes whose extent changes between input and output, with their factors.
void DescribeScaling(const OpView& op, OpFacts* facts) {
  const Shape& x = op.In(0).shape;
  const Shape& y = facts->outputs[0].shape;
  if (x.rank() != y.rank()) return;
  for (size_t axis = 0; axis < x.rank(); ++axis) {
    if (x[axis] == y[axis] || x[axis] == 0) continue;
    facts->axes.push_back(EngineAxis(axis, x.rank(), false));
    facts->factors.push_back(std::max<int64_t>(y[axis] / x[axis], 1));
    if (y[axis] % x[axis] != 0) facts->fractional_factor = true;
    if (facts->axes.back() != 3 && facts->axes.back() != 4)
      facts->spatial_only = false;
  }
}

void DescribeSlice(const OpView& op, OpFacts* facts) {
  const auto& attributes = op.attributes<fbs::Slice>();
  for (size_t i = 1; i < op.num_inputs(); ++i) {
    if (op.HasInput(i) && !op.IsKnown(i)) facts->dynamic_begin = true;
  }
  if (facts->dynamic_begin) facts->op = "dynamic_slice";
  const std::vector<int64_t> starts =
      op.HasInput(1) ? IntsOf(op, 1) : ToInts(attributes.starts());
  std::vector<int64_t> axes =
      op.HasInput(3) ? IntsOf(op, 3) : ToInts(attributes.axes());
  const size_t rank = op.In(0).shape.rank();
  for (size_t i = 0; i < starts.size(); ++i) {
    const int64_t named = i < axes.size() ? axes[i] : static_cast<int64_t>(i);
    const auto axis = NormalizeAxis(named, std::max<size_t>(rank, 1));
    if (axis.ok() && *axis + 1 == rank && starts[i] != 0)
      facts->width_offset = true;
  }
}

void DescribeSoftmax(const OpView& op, OpFacts* facts) {
  const auto& attributes = op.attributes<fbs::Softmax>();
  const size_t rank = op.In(0).shape.rank();
  const auto axis = NormalizeAxis(attributes.axis(), rank);
  if (axis.ok()) facts->axes = {EngineAxis(*axis, rank, false)};
}

void DescribeNorm(const OpView& op, OpFacts* facts) {
  const auto& attributes = op.attributes<fbs::Norm>();
  facts->groups = attributes.groups();
  const Shape& x = op.In(0).shape;
  facts->cin = x.rank() > 1 ? x[1] : x.NumElements();
}

void DescribeTopK(const OpView& op, OpFacts* facts) {
  const std::vector<int64_t> k = IntsOf(op, 1);
  facts->count = k.empty() ? op.attributes<fbs::TopK>().k() : k[0];
}

// Operators that are described by their shapes and names alone do nothing.
void DescribeOp(const OpView& op, OpFacts* facts) {
  switch (op.node().op_type()) {
    case fbs::Op::Conv:
      return DescribeConv(op, facts);
    case fbs::Op::ConvTranspose:
      return DescribeConvTranspose(op, facts);
    case fbs::Op::Matmul:
      return DescribeMatmul(op, facts);
    case fbs::Op::Pool:
      return DescribePool(op, facts);
    case fbs::Op::Reduce:
      return DescribeReduce(op, facts);
    case fbs::Op::Pad:
      return DescribePad(op, facts);
    case fbs::Op::Resample:
      facts->estimate = engine::EstimateKind::kUpsample;
      return DescribeScaling(op, facts);
    case fbs::Op::Tile:
    case fbs::Op::DepthSpace:
      return DescribeScaling(op, facts);
    case fbs::Op::Slice:
      return DescribeSlice(op, facts);
    case fbs::Op::Softmax:
      return DescribeSoftmax(op, facts);
    case fbs::Op::Norm:
      return DescribeNorm(op, facts);
    case fbs::Op::TopK:
      return DescribeTopK(op, facts);
    case fbs::Op::Gather:
      facts->index_is_runtime = op.HasInput(1) && !op.IsKnown(1);
      return;
    case fbs::Op::Attention:
      facts->count = static_cast<int64_t>(
          std::min<size_t>(op.num_inputs(), op.HasInput(3) ? 4 : 3));
      return;
    case fbs::Op::Transpose:
      facts->estimate = engine::EstimateKind::kTranspose;
      return;
    case fbs::Op::Concat:
      facts->estimate = engine::EstimateKind::kConcat;
      return;
    case fbs::Op::Elementwise:
      facts->estimate = engine::EstimateKind::kAdd;
      return;
    case fbs::Op::Activation:
      if (facts->op == "relu") facts->estimate = engine::EstimateKind::kRelu;
      return;
    default:
      return;
  }
}

OperandFacts OperandOf(const Program& program, int32_t index) {
  OperandFacts operand;
  if (index < 0) {
    operand.present = false;
    return operand;
  }
  const ProgramValue& value = program.values[static_cast<size_t>(index)];
  operand.typed = value.defined;
  operand.constant = value.is_known;
  operand.dtype = value.declared.dtype;
  operand.shape = value.declared.shape;
  return operand;
}

}  // namespace

Extents ExtentsOf(const Shape& shape, bool channels_second) {
  Extents extents;
  for (size_t axis = 0; axis < shape.rank(); ++axis)
    *At(&extents, EngineAxis(axis, shape.rank(), channels_second)) *=
        shape[axis];
  return extents;
}

OpFacts FactsOfNode(const Program& program, const ProgramNode& node) {
  OpFacts facts;
  NameOp(program, node, &facts);
  bool typed = true;
  for (const int32_t input : node.inputs) {
    facts.inputs.push_back(OperandOf(program, input));
    typed = typed && facts.inputs.back().typed;
  }
  std::vector<TensorType> types;
  for (const int32_t output : node.outputs) {
    facts.outputs.push_back(OperandOf(program, output));
    types.push_back({facts.outputs.back().dtype, facts.outputs.back().shape});
    typed = typed && facts.outputs.back().typed;
  }
  facts.has_dynamic_shape = !typed;
  if (!typed || facts.outputs.empty()) return facts;
  const std::vector<OpView::Input> inputs = OperandsOf(program, node, false);
  DescribeOp(OpView(*node.node, inputs, types), &facts);
  if (node.node->source_op() != nullptr)
    facts.legacy_layer = node.node->source_op()->str();
  return facts;
}

OperandSizes SizesOf(const OpFacts& facts) {
  OperandSizes sizes;
  for (const OperandFacts& input : facts.inputs) {
    if (!input.present || !input.typed) continue;
    const double bytes = 2.0 * static_cast<double>(input.shape.NumElements());
    (input.constant ? sizes.weight_bytes : sizes.input_bytes) += bytes;
    sizes.largest_bytes = std::max(sizes.largest_bytes, bytes);
  }
  for (const OperandFacts& output : facts.outputs) {
    if (!output.present || !output.typed) continue;
    const double bytes = 2.0 * static_cast<double>(output.shape.NumElements());
    sizes.output_bytes += bytes;
    sizes.largest_bytes = std::max(sizes.largest_bytes, bytes);
  }
  return sizes;
}

engine::EstimateInput EstimateInputOf(const OpFacts& facts) {
  const OperandSizes sizes = SizesOf(facts);
  return {facts.estimate, facts.flops, sizes.input_bytes, sizes.output_bytes};
}

}  // namespace aneref::placement
