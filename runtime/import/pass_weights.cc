// What follows a convolution or a matrix product and is constant per channel
// moves into its weights and bias. Computed in float64 and rounded to float32
// once; weights that would leave the fp16 range stay as they are.
#include <cmath>

#include "runtime/import/graph_editor.h"
#include "runtime/import/passes.h"

namespace aneref {
namespace {

constexpr float kLargestHalf = 65504.0f;

// y = x * scale + offset, per channel or (size 1) for all of them.
struct ChannelAffine {
  std::vector<double> scale;
  std::vector<double> offset;
  double Scale(size_t channel) const {
    return scale[scale.size() == 1 ? 0 : channel];
  }
  double Offset(size_t channel) const {
    return offset[offset.size() == 1 ? 0 : channel];
  }
};

std::vector<double> Doubles(const NetDraft& draft, int32_t tensor) {
  const std::vector<float> values = ConstantFloats(draft, tensor);
  return {values.begin(), values.end()};
}

bool IsFloatConstant(const NetDraft& draft, int32_t tensor) {
  return IsConstant(draft, tensor) && IsFloating(TypeOf(draft, tensor));
}

std::optional<ChannelAffine> OfBatchNorm(const NetDraft& draft,
                                         const fbs::NodeT& node,
                                         size_t channels) {
  if (node.op.AsNorm()->kind != fbs::NormKind::batch || node.inputs.size() != 5)
    return std::nullopt;
  std::vector<double> parameters[4];
  for (size_t i = 0; i < 4; ++i) {
    if (!IsFloatConstant(draft, node.inputs[i + 1])) return std::nullopt;
    parameters[i] = Doubles(draft, node.inputs[i + 1]);
    if (parameters[i].size() != channels) return std::nullopt;
  }
  ChannelAffine affine;
  for (size_t c = 0; c < channels; ++c) {
    const double factor =
        parameters[0][c] /
        std::sqrt(parameters[3][c] +
                  static_cast<double>(node.op.AsNorm()->epsilon));
    affine.scale.push_back(factor);
    affine.offset.push_back(parameters[1][c] - parameters[2][c] * factor);
  }
  return affine;
}

// A constant that has one value per channel when laid over [N, C, spatial...]
// of the given rank.
std::optional<std::vector<double>> PerChannel(const NetDraft& draft,
                                              int32_t tensor, size_t channels,
                                              size_t rank) {
  if (!IsFloatConstant(draft, tensor)) return std::nullopt;
  const Shape& shape = ConstantOf(draft, tensor).shape;
  if (shape.rank() > rank) return std::nullopt;
  const auto count = static_cast<size_t>(shape.NumElements());
  if (count == 1) return Doubles(draft, tensor);
  const size_t spatial = rank - 2;
  if (count != channels || shape.rank() < spatial + 1) return std::nullopt;
  if (shape[shape.rank() - spatial - 1] != static_cast<int64_t>(channels))
    return std::nullopt;
  return Doubles(draft, tensor);
}

std::optional<ChannelAffine> OfElementwise(const NetDraft& draft,
                                           const fbs::NodeT& node, int32_t x,
                                           size_t channels, size_t rank) {
  if (node.inputs.size() != 2) return std::nullopt;
  const fbs::ElementwiseKind kind = node.op.AsElementwise()->kind;
  const bool commutes =
      kind == fbs::ElementwiseKind::add || kind == fbs::ElementwiseKind::mul;
  if (node.inputs[0] != x && !(commutes && node.inputs[1] == x))
    return std::nullopt;
  const int32_t other = node.inputs[node.inputs[0] == x ? 1 : 0];
  std::optional<std::vector<double>> values =
      PerChannel(draft, other, channels, rank);
  if (!values.has_value()) return std::nullopt;
  switch (kind) {
    case fbs::ElementwiseKind::add:
      return ChannelAffine{{1.0}, *values};
    case fbs::ElementwiseKind::sub:
      for (double& value : *values) value = -value;
      return ChannelAffine{{1.0}, *values};
    case fbs::ElementwiseKind::mul:
      return ChannelAffine{*values, {0.0}};
    case fbs::ElementwiseKind::div:
      for (double& value : *values) value = 1.0 / value;
      return ChannelAffine{*values, {0.0}};
    default:
      return std::nullopt;
  }
}

std::optional<ChannelAffine> AffineOf(const NetDraft& draft,
                                      const fbs::NodeT& node, int32_t x,
                                      size_t channels, size_t rank) {
  if (node.outputs.size() != 1) return std::nullopt;
  if (node.op.type == fbs::Op::Norm && node.inputs[0] == x)
    return OfBatchNorm(draft, node, channels);
  if (node.op.type == fbs::Op::Elementwise)
    return OfElementwise(draft, node, x, channels, rank);
  if (node.op.type == fbs::Op::Activation &&
      node.op.AsActivation()->kind == fbs::ActivationKind::linear)
    return ChannelAffine{{node.op.AsActivation()->alpha},
                         {node.op.AsActivation()->beta}};
  return std::nullopt;
}

// The output channel that weight element `i` belongs to.
struct ChannelMap {
  bool transposed = false;  // [Cin, Cout / groups, kernel...] instead of [Cout,
                            // Cin / groups, kernel...]
  int64_t inner =
      1;  // elements behind the channel axis (behind axis 1 when transposed)
  int64_t per_group = 1;  // Cout / groups
  int64_t inputs_per_group = 1;
  size_t Of(int64_t i) const {
    if (!transposed) return static_cast<size_t>(i / inner);
    const int64_t group = i / inner / per_group / inputs_per_group;
    return static_cast<size_t>(group * per_group + i / inner % per_group);
  }
};

std::optional<ChannelMap> MapChannels(const fbs::NodeT& conv,
                                      const Shape& weight, size_t* channels) {
  ChannelMap map;
  if (weight.rank() < 3 || weight.NumElements() == 0) return std::nullopt;
  if (conv.op.type == fbs::Op::Conv) {
    map.inner = weight.NumElements(1, weight.rank());
    *channels = static_cast<size_t>(weight[0]);
    return map;
  }
  const int64_t groups = conv.op.AsConvTranspose()->groups;
  if (groups < 1 || weight[0] % groups != 0) return std::nullopt;
  map = ChannelMap{true, weight.NumElements(2, weight.rank()), weight[1],
                   weight[0] / groups};
  *channels = static_cast<size_t>(weight[1] * groups);
  return map;
}

// Multiplies the elements of output channel c by Scale(c), in place.
void ScaleChannels(const ChannelMap& map, const ChannelAffine& affine,
                   std::span<float> weight) {
  const auto inner = static_cast<size_t>(map.inner);
  for (size_t i = 0; i < weight.size(); i += inner) {
    const double factor = affine.Scale(map.Of(static_cast<int64_t>(i)));
    for (float& value : weight.subspan(i, inner))
      value = static_cast<float>(static_cast<double>(value) * factor);
  }
}

bool FitsHalf(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) {
    return std::fabs(value) <= kLargestHalf;
  });
}

// float32 weights times the scales of their channels; nothing when they would
// overflow. One value with one scale stays one value.
std::optional<DraftConstant> ScaledWeight(const NetDraft& draft, int32_t tensor,
                                          const ChannelMap& map,
                                          const ChannelAffine& affine) {
  DraftConstant weight = ConstantOf(draft, tensor);
  if (weight.stored != DataType::kFloat32)
    weight = MakeFloats(weight.shape, ConstantFloats(draft, tensor));
  const bool is_one_value =
      weight.bytes.is_repeated() &&
      std::all_of(affine.scale.begin(), affine.scale.end(),
                  [&](double scale) { return scale == affine.scale[0]; });
  const size_t bytes = weight.bytes.size();
  if (is_one_value) weight.bytes = DraftBytes::Vector(weight.bytes.element());
  const std::span<float> values(reinterpret_cast<float*>(weight.bytes.data()),
                                weight.bytes.size() / sizeof(float));
  ScaleChannels(is_one_value ? ChannelMap() : map, affine, values);
  if (!FitsHalf(values)) return std::nullopt;
  if (is_one_value)
    weight.bytes = DraftBytes::Repeated(weight.bytes.Take(), bytes);
  return weight;
}

// Rewrites the weights and bias of `conv` so that it also does `affine`. False
// when they would overflow.
bool ApplyAffine(GraphEditor* editor, fbs::NodeT* conv, const ChannelMap& map,
                 size_t channels, const ChannelAffine& affine) {
  NetDraft& draft = editor->draft();
  const DataType dtype = TypeOf(draft, conv->inputs[1]);
  const bool has_bias = conv->inputs.size() > 2 && conv->inputs[2] >= 0;
  std::vector<float> bias = has_bias ? ConstantFloats(draft, conv->inputs[2])
                                     : std::vector<float>(channels, 0.0f);
  if (bias.size() != channels) return false;
  for (size_t c = 0; c < channels; ++c)
    bias[c] = static_cast<float>(
        static_cast<double>(bias[c]) * affine.Scale(c) + affine.Offset(c));
  if (!FitsHalf(bias)) return false;
  int32_t new_weight = conv->inputs[1];
  if (affine.scale != std::vector<double>{1.0}) {
    // Scaled, a compressed weight would grow to its dense size.
    if (ConstantOf(draft, new_weight).compressed != nullptr) return false;
    std::optional<DraftConstant> scaled =
        ScaledWeight(draft, new_weight, map, affine);
    if (!scaled.has_value()) return false;
    new_weight = editor->NewConstant(dtype, *std::move(scaled));
  }
  const int32_t new_bias = editor->NewConstant(
      dtype, MakeFloats(Shape{static_cast<int64_t>(channels)}, bias));
  editor->SetInputs(conv, {conv->inputs[0], new_weight, new_bias});
  return true;
}

// Joins as many followers as there are.
void FoldFollowers(GraphEditor* editor, fbs::NodeT* conv) {
  NetDraft& draft = editor->draft();
  while (true) {
    if (conv->inputs.size() < 2 || conv->outputs.size() != 1 ||
        !IsFloatConstant(draft, conv->inputs[1]))
      return;
    if (conv->inputs.size() > 2 && conv->inputs[2] >= 0 &&
        !IsFloatConstant(draft, conv->inputs[2]))
      return;
    fbs::NodeT* next = editor->OnlyReader(conv->outputs[0]);
    if (next == nullptr) return;
    size_t channels = 0;
    const Shape weight = ConstantOf(draft, conv->inputs[1]).shape;
    const std::optional<ChannelMap> map = MapChannels(*conv, weight, &channels);
    if (!map.has_value()) return;
    const std::optional<ChannelAffine> affine =
        AffineOf(draft, *next, conv->outputs[0], channels, weight.rank());
    if (!affine.has_value() ||
        !ApplyAffine(editor, conv, *map, channels, *affine))
      return;
    editor->Note("folded " + SourceNames(*next) + " into the weights of " +
                 SourceNames(*conv));
    editor->Absorb(conv, next);
  }
}

// matmul + a constant vector over the last axis.
void FoldMatmulBias(GraphEditor* editor, fbs::NodeT* matmul) {
  NetDraft& draft = editor->draft();
  if (matmul->inputs.size() != 2 || matmul->outputs.size() != 1) return;
  const std::optional<Shape> y =
      StaticShape(TensorAt(draft, matmul->inputs[1]));
  if (!y.has_value() || y->rank() < 2) return;
  const int64_t columns =
      (*y)[y->rank() - (matmul->op.AsMatmul()->transpose_y ? 2 : 1)];
  fbs::NodeT* add = editor->OnlyReader(matmul->outputs[0]);
  if (add == nullptr || add->op.type != fbs::Op::Elementwise ||
      add->inputs.size() != 2 ||
      add->op.AsElementwise()->kind != fbs::ElementwiseKind::add) {
    return;
  }
  const int32_t vector =
      add->inputs[add->inputs[0] == matmul->outputs[0] ? 1 : 0];
  if (!IsFloatConstant(draft, vector) ||
      TypeOf(draft, vector) != TypeOf(draft, matmul->inputs[1]))
    return;
  if (ConstantOf(draft, vector).shape != Shape{columns}) return;
  editor->Note("joined " + SourceNames(*matmul) + " and the bias " +
               SourceNames(*add));
  editor->SetInputs(matmul, {matmul->inputs[0], matmul->inputs[1], vector});
  editor->Absorb(matmul, add);
}

}  // namespace

void FoldIntoWeights(NetDraft* draft) {
  GraphEditor editor(draft);
  for (size_t i = 0; i < editor.num_nodes(); ++i) {
    fbs::NodeT* node = editor.NodeAt(i);
    if (node == nullptr) continue;
    if (node->op.type == fbs::Op::Conv ||
        node->op.type == fbs::Op::ConvTranspose)
      FoldFollowers(&editor, node);
    if (node->op.type == fbs::Op::Matmul) FoldMatmulBias(&editor, node);
  }
  editor.Finish();
}

}  // namespace aneref
