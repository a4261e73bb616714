// Operators on sequences: recurrent layers, attention, rotary embedding,
// einsum.
#include <algorithm>
#include <cctype>

#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

using AK = fbs::ActivationKind;

// An activation of a recurrent layer: its name in lower case, which parameters
// it takes from the lists of the node, and their defaults.
struct LayerActivation {
  const char* name;
  AK kind;
  bool takes_alpha;
  bool takes_beta;
  float alpha;
  float beta;
};
constexpr LayerActivation kLayerActivations[] = {
    {"affine", AK::linear, true, true, 1.0f, 0.0f},
    {"elu", AK::elu, true, false, 1.0f, 0.0f},
    {"hardsigmoid", AK::hard_sigmoid, true, true, 0.2f, 0.5f},
    {"leakyrelu", AK::leaky_relu, true, false, 0.01f, 0.0f},
    {"relu", AK::relu, false, false, 0.0f, 0.0f},
    {"scaledtanh", AK::scaled_tanh, true, true, 1.0f, 1.0f},
    {"sigmoid", AK::sigmoid, false, false, 0.0f, 0.0f},
    {"softplus", AK::softplus, false, false, 0.0f, 0.0f},
    {"softsign", AK::softsign, false, false, 0.0f, 0.0f},
    {"tanh", AK::tanh, false, false, 0.0f, 0.0f},
    {"thresholdedrelu", AK::thresholded_relu, true, false, 1.0f, 0.0f},
};

std::string LowerCase(std::string text) {
  for (char& c : text)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// The lists of parameters hold one entry for each activation that takes one.
void SetActivations(Lowering& node, fbs::RecurrentT* layer) {
  const std::vector<float> alphas = node.Floats("activation_alpha");
  const std::vector<float> betas = node.Floats("activation_beta");
  size_t alpha = 0, beta = 0;
  for (const std::string& name : node.Strings("activations")) {
    const auto* found = std::find_if(
        std::begin(kLayerActivations), std::end(kLayerActivations),
        [&](const LayerActivation& a) { return LowerCase(name) == a.name; });
    if (found == std::end(kLayerActivations))
      return node.Refuse("with activation \"" + name + "\"");
    layer->activations.push_back(found->kind);
    const bool has_alpha = found->takes_alpha && alpha < alphas.size();
    const bool has_beta = found->takes_beta && beta < betas.size();
    layer->activation_alpha.push_back(has_alpha ? alphas[alpha++]
                                                : found->alpha);
    layer->activation_beta.push_back(has_beta ? betas[beta++] : found->beta);
  }
}

// Files may leave the size to the weights.
int32_t HiddenSize(Lowering& node) {
  if (node.Has("hidden_size")) return node.Int32("hidden_size", 0);
  const std::optional<Shape> r = node.Static(node.In(2));
  if (r.has_value() && r->rank() == 3 && (*r)[2] <= INT32_MAX)
    return static_cast<int32_t>((*r)[2]);
  node.Refuse("without attribute 'hidden_size'");
  return 0;
}

template <fbs::RecurrentKind kind>
void Recurrent(Lowering& node) {
  fbs::RecurrentT layer;
  layer.kind = kind;
  const std::string direction = node.String("direction", "forward");
  if (direction == "reverse") {
    layer.direction = fbs::RecurrentDirection::reverse;
  } else if (direction == "bidirectional") {
    layer.direction = fbs::RecurrentDirection::bidirectional;
  } else if (direction != "forward") {
    return node.Refuse("with direction \"" + direction + "\"");
  }
  layer.hidden_size = HiddenSize(node);
  SetActivations(node, &layer);
  layer.clip = node.Float("clip", 0.0f);
  layer.batch_first = node.Int("layout", 0) != 0;
  layer.input_forget = node.Int("input_forget", 0) != 0;
  layer.linear_before_reset = node.Int("linear_before_reset", 0) != 0;
  const bool is_lstm = kind == fbs::RecurrentKind::lstm;
  std::vector<int32_t> outputs;
  for (size_t i = 0; i < (is_lstm ? 3u : 2u); ++i)
    outputs.push_back(node.Out(i));
  node.Emit(std::move(layer), node.Ins(0, is_lstm ? 8 : 6), std::move(outputs));
}

// The type that attribute softmax_precision names is not asked for: softmax is
// fp32 in every numerics (P20).
void Attention(Lowering& node) {
  fbs::AttentionT attention;
  attention.q_heads = node.Int32("q_num_heads", 0);
  attention.kv_heads = node.Int32("kv_num_heads", 0);
  attention.scale = node.Float("scale", 0.0f);
  attention.is_causal = node.Int("is_causal", 0) != 0;
  attention.softcap = node.Float("softcap", 0.0f);
  attention.product_mode = node.Int32("qk_matmul_output_mode", 0);
  attention.left_window = node.Int32("left_window_size", -1);
  attention.right_window = node.Int32("right_window_size", -1);
  node.Emit(attention, node.Ins(0, 7),
            {node.Out(0), node.Out(1), node.Out(2), node.Out(3)});
}

void RotaryEmbedding(Lowering& node) {
  fbs::RotaryEmbeddingT rotary;
  rotary.heads = node.Int32("num_heads", 0);
  rotary.rotary_dim = node.Int32("rotary_embedding_dim", 0);
  rotary.interleaved = node.Int("interleaved", 0) != 0;
  node.EmitOut(rotary, node.Ins(0, 4));
}

void Einsum(Lowering& node) {
  node.Require("equation");
  fbs::EinsumT einsum;
  einsum.equation = node.String("equation", "");
  node.EmitOut(std::move(einsum), node.Ins(0, node.num_inputs()));
}

constexpr LoweringRow kRows[] = {
    {"Attention", Attention},
    {"Einsum", Einsum},
    {"GRU", Recurrent<fbs::RecurrentKind::gru>},
    {"LSTM", Recurrent<fbs::RecurrentKind::lstm>},
    {"RNN", Recurrent<fbs::RecurrentKind::rnn>},
    {"RotaryEmbedding", RotaryEmbedding},
};

}  // namespace

std::span<const LoweringRow> SequenceRows() { return kRows; }

}  // namespace aneref::onnx
