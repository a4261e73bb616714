// From op families and kinds to rows of the op table. Kinds that the engine
// has no unit for name the rows they are composed of.
#include "ops/registry.h"
#include "runtime/plan/placement/facts.h"

namespace aneref::placement {
namespace {

struct KindNames {
  const char* op;
  std::vector<std::string> parts = {};
};

KindNames NamesOf(fbs::ElementwiseKind kind, bool integers) {
  using Kind = fbs::ElementwiseKind;
  switch (kind) {
    case Kind::add:
      return {"add"};
    case Kind::sub:
      return {"sub"};
    case Kind::mul:
      return {"mul"};
    case Kind::div:
      return {integers ? "floor_div" : "real_div"};
    case Kind::pow:
      return {"pow"};
    case Kind::minimum:
      return {"minimum"};
    case Kind::maximum:
      return {"maximum"};
    case Kind::mod:
    case Kind::fmod:
      return {"mod"};
    case Kind::prelu:
      return {"prelu"};
    default:  // comparisons, logic and bits are named as in the schema
      return {fbs::EnumNameElementwiseKind(kind)};
  }
}

KindNames NamesOf(fbs::ActivationKind kind) {
  using Kind = fbs::ActivationKind;
  switch (kind) {
    case Kind::selu:
      return {"selu", {"elu", "mul"}};
    case Kind::celu:
      return {"celu", {"mul", "elu", "mul"}};
    case Kind::gelu_tanh:
      return {"gelu"};
    case Kind::hard_sigmoid:
      return {"sigmoid_hard"};
    case Kind::hard_swish:
      return {"hard_swish", {"sigmoid_hard", "mul"}};
    case Kind::mish:
      return {"mish", {"softplus", "tanh", "mul"}};
    case Kind::shrink:
      return {"shrink", {"greater", "less", "select"}};
    case Kind::linear:
      return {"gain_offset_control"};
    case Kind::neg:
      return {"neg", {"mul"}};
    case Kind::parametric_softplus:
      return {"softplus_parametric"};
    default:
      return {fbs::EnumNameActivationKind(kind)};
  }
}

KindNames NamesOf(const fbs::Norm& norm) {
  using Kind = fbs::NormKind;
  switch (norm.kind()) {
    case Kind::batch:
      return {"batch_norm"};
    case Kind::instance:
      return {"instance_norm"};
    case Kind::layer:
      return {"layer_norm"};
    case Kind::group:
      return {"group_norm", {"reshape", "layer_norm", "mul", "add"}};
    case Kind::rms:
      return {"rms_norm", {"square", "reduce_mean", "rsqrt", "mul"}};
    case Kind::lp:
      if (norm.p() == 2) return {"l2_norm"};
      return {"l1_norm", {"reduce_l1_norm", "real_div"}};
    case Kind::lrn:
      return {"local_response_norm"};
    case Kind::mean_variance:
      return {"mean_variance_norm",
              {"reduce_mean", "sub", "square", "reduce_mean", "rsqrt", "mul"}};
  }
  return {"norm"};
}

KindNames NamesOf(fbs::ReduceKind kind) {
  using Kind = fbs::ReduceKind;
  switch (kind) {
    case Kind::l1:
      return {"reduce_l1_norm"};
    case Kind::l2:
      return {"reduce_l2_norm"};
    case Kind::arg_max:
      return {"reduce_argmax"};
    case Kind::arg_min:
      return {"reduce_argmin"};
    default:
      return {};
  }
}

KindNames NamesOf(const fbs::Pool& pool) {
  if (pool.kind() == fbs::PoolKind::max) return {"max_pool"};
  if (pool.kind() == fbs::PoolKind::average) return {"avg_pool"};
  if (pool.p() == 2) return {"l2_pool"};
  return {"lp_pool", {"abs", "pow", "avg_pool", "pow"}};
}

KindNames NamesOf(const fbs::Resample& resample) {
  if (resample.mode() == fbs::ResampleMode::nearest)
    return {"upsample_nearest_neighbor"};
  if (resample.mode() == fbs::ResampleMode::linear)
    return {"upsample_bilinear"};
  return {"resize_cubic"};
}

KindNames NamesOf(fbs::SamplingKind kind) {
  using Kind = fbs::SamplingKind;
  switch (kind) {
    case Kind::grid_sample:
      return {"resample"};
    case Kind::affine_grid:
      return {"affine_grid", {"matmul"}};
    case Kind::roi_align:
      return {"crop_resize"};
    case Kind::center_crop_pad:
      return {"center_crop_pad", {"crop", "pad"}};
    case Kind::reverse_sequence:
      return {"reverse_sequence"};
    default:
      return {fbs::EnumNameSamplingKind(kind)};
  }
}

KindNames NamesOf(fbs::SelectionKind kind) {
  if (kind == fbs::SelectionKind::non_max_suppression)
    return {"non_maximum_suppression"};
  return {fbs::EnumNameSelectionKind(kind)};
}

bool HasReversedStep(const fbs::Slice& slice) {
  if (slice.steps() == nullptr) return false;
  for (const int64_t step : *slice.steps()) {
    if (step < 0) return true;
  }
  return false;
}

KindNames NamesOf(const fbs::Softmax& softmax) {
  if (softmax.hard()) return {"hardmax", {"reduce_max", "equal"}};
  if (softmax.log()) return {"log_softmax", {"softmax", "log"}};
  return {"softmax"};
}

KindNames NamesOf(const fbs::Generate& generate) {
  if (generate.kind() == fbs::GenerateKind::range) return {"range_1d"};
  if (generate.kind() == fbs::GenerateKind::size) return {"shape"};
  return {fbs::EnumNameGenerateKind(generate.kind())};
}

KindNames NamesOf(const fbs::Gather& gather) {
  if (gather.kind() == fbs::GatherKind::elements) return {"gather_along_axis"};
  return {gather.kind() == fbs::GatherKind::nd ? "gather_nd" : "gather"};
}

KindNames NamesOf(const fbs::Reshape& reshape) {
  if (reshape.kind() == fbs::ReshapeKind::flatten) return {"flatten2d"};
  if (reshape.kind() == fbs::ReshapeKind::squeeze) return {"squeeze"};
  if (reshape.kind() == fbs::ReshapeKind::unsqueeze) return {"expand_dims"};
  return {"reshape"};
}

KindNames NamesOf(const fbs::Quantize& quantize) {
  if (quantize.kind() == fbs::QuantizeKind::dynamic)
    return {"dynamic_quantize"};
  return {fbs::EnumNameQuantizeKind(quantize.kind())};
}

KindNames MovementNames(const fbs::Node& node) {
  switch (node.op_type()) {
    case fbs::Op::Reshape:
      return NamesOf(*node.op_as_Reshape());
    case fbs::Op::Slice:
      return {HasReversedStep(*node.op_as_Slice()) ? "reverse"
                                                   : "slice_by_index"};
    case fbs::Op::Gather:
      return NamesOf(*node.op_as_Gather());
    case fbs::Op::Tile:
      return {node.op_as_Tile()->kind() == fbs::TileKind::expand ? "broadcast"
                                                                 : "tile"};
    case fbs::Op::Resample:
      return NamesOf(*node.op_as_Resample());
    case fbs::Op::DepthSpace:
      return {fbs::EnumNameDepthSpaceKind(node.op_as_DepthSpace()->kind())};
    case fbs::Op::Generate:
      return NamesOf(*node.op_as_Generate());
    case fbs::Op::Scatter:
      return {node.op_as_Scatter()->kind() == fbs::ScatterKind::nd
                  ? "scatter_nd"
                  : "scatter_along_axis"};
    case fbs::Op::TopK:
      return {"topk"};
    case fbs::Op::Cumulative:
      return {node.op_as_Cumulative()->kind() == fbs::ScanKind::sum
                  ? "cumsum"
                  : "cumprod"};
    case fbs::Op::Trilu:
      return {"band_part"};
    case fbs::Op::Selection:
      return NamesOf(node.op_as_Selection()->kind());
    case fbs::Op::Sampling:
      return NamesOf(node.op_as_Sampling()->kind());
    default:
      return {};
  }
}

KindNames NamesOf(const fbs::Node& node, bool integers) {
  switch (node.op_type()) {
    case fbs::Op::Pool:
      return NamesOf(*node.op_as_Pool());
    case fbs::Op::Elementwise:
      return NamesOf(node.op_as_Elementwise()->kind(), integers);
    case fbs::Op::Activation:
      return NamesOf(node.op_as_Activation()->kind());
    case fbs::Op::Softmax:
      return NamesOf(*node.op_as_Softmax());
    case fbs::Op::Norm:
      return NamesOf(*node.op_as_Norm());
    case fbs::Op::Reduce:
      return NamesOf(node.op_as_Reduce()->kind());
    case fbs::Op::Quantize:
      return NamesOf(*node.op_as_Quantize());
    case fbs::Op::IntegerMac:
      return {"integer_mac"};
    case fbs::Op::Recurrent:
      return {fbs::EnumNameRecurrentKind(node.op_as_Recurrent()->kind())};
    case fbs::Op::Attention:
      return {"scaled_dot_product_attention"};
    case fbs::Op::RotaryEmbedding:
      return {"rotary_embedding", {"slice_by_index", "concat", "mul", "add"}};
    case fbs::Op::Control:
      return {node.op_as_Control()->kind() == fbs::ControlKind::branch
                  ? "cond"
                  : "while_loop"};
    default:
      return MovementNames(node);
  }
}

bool OnIntegers(const Program& program, const ProgramNode& node) {
  if (node.inputs.empty() || node.inputs[0] < 0) return false;
  const ProgramValue& value =
      program.values[static_cast<size_t>(node.inputs[0])];
  return value.defined && IsInteger(value.declared.dtype);
}

std::string TrimUnderscores(std::string name) {
  while (!name.empty() && name.back() == '_') name.pop_back();
  return name;
}

}  // namespace

void NameOp(const Program& program, const ProgramNode& node, OpFacts* facts) {
  const KindNames names = NamesOf(*node.node, OnIntegers(program, node));
  facts->op =
      names.op == nullptr ? OpName(*node.node) : TrimUnderscores(names.op);
  facts->parts = names.parts;
  if (node.node->op_type() != fbs::Op::Conv &&
      node.node->op_type() != fbs::Op::Matmul)
    return;
  const bool constant =
      node.inputs.size() > 1 && node.inputs[1] >= 0 &&
      program.values[static_cast<size_t>(node.inputs[1])].is_known;
  if (node.node->op_type() == fbs::Op::Matmul) {
    facts->op = constant ? "linear" : "matmul";
  } else if (!constant) {
    facts->op = "dynamic_weight_conv";
  }
}

}  // namespace aneref::placement
