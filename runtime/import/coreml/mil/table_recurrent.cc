// Recurrent layers. Core ML orders the gates of an LSTM i, f, o, z and of a GRU
// r, o, z; the IR i, o, f, z and z, r, o.
#include <algorithm>

#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

using AK = fbs::ActivationKind;
using RK = fbs::RecurrentKind;

struct ActivationName {
  const char* name;
  AK kind;
  float alpha, beta;
};
constexpr ActivationName kActivations[] = {
    {"relu", AK::relu, 0, 0},
    {"sigmoid", AK::sigmoid, 0, 0},
    {"sigmoid_hard", AK::hard_sigmoid, 0.2f, 0.5f},
    {"tanh", AK::tanh, 0, 0},
    {"scaled_tanh", AK::scaled_tanh, 1.7159f, 2.0f / 3.0f},
    {"linear", AK::identity, 0, 0},
    {"softplus", AK::softplus, 0, 0},
    {"softsign", AK::softsign, 0, 0},
};

void AddActivation(Lowering& node, const char* operand, const char* otherwise,
                   fbs::RecurrentT* layer) {
  const std::string name = node.String(operand, otherwise);
  for (const ActivationName& row : kActivations) {
    if (name != row.name) continue;
    layer->activations.push_back(row.kind);
    layer->activation_alpha.push_back(row.alpha);
    layer->activation_beta.push_back(row.beta);
    return;
  }
  node.Refuse("with activation \"" + name + "\"");
}

// Blocks of rows of axis 0 in another order.
int32_t Reorder(Lowering& node, int32_t tensor,
                const std::vector<size_t>& order, int64_t hidden) {
  if (tensor < 0 || order.size() < 2) return tensor;
  std::vector<int32_t> parts;
  for (size_t gate : order) {
    fbs::SliceT cut;
    cut.axes = {0};
    cut.starts = {static_cast<int64_t>(gate) * hidden};
    cut.ends = {(static_cast<int64_t>(gate) + 1) * hidden};
    parts.push_back(node.EmitTemp(cut, {tensor}));
  }
  return node.EmitTemp(fbs::ConcatT(), parts);
}

// One tensor per direction, joined along a new first axis.
int32_t JoinDirections(Lowering& node, const std::vector<int32_t>& tensors) {
  std::vector<int32_t> parts;
  for (int32_t tensor : tensors) parts.push_back(node.Unsqueeze(tensor, {0}));
  return parts.size() == 1 ? parts[0] : node.EmitTemp(fbs::ConcatT(), parts);
}

int32_t ZerosLike(Lowering& node, int32_t tensor) {
  Shape shape = node.NeedStatic(tensor);
  if (shape.NumElements() > (1 << 24)) {
    node.Refuse("with so large a bias");
    shape = Shape();
  }
  return node.ConstantFloats(
      node.TypeOf(tensor), shape,
      std::vector<float>(static_cast<size_t>(shape.NumElements()), 0.0f));
}

struct Layer {
  fbs::RecurrentT table;
  std::vector<std::string> suffixes;  // of the operands, per direction
  std::vector<size_t> order;          // of the gates
  int64_t hidden = 0;
};

bool ReadLayer(Lowering& node, RK kind, Layer* layer) {
  layer->table.kind = kind;
  const std::string direction = node.String("direction", "forward");
  layer->suffixes = {""};
  if (direction == "reverse") {
    layer->table.direction = fbs::RecurrentDirection::reverse;
  } else if (direction == "bidirectional") {
    layer->table.direction = fbs::RecurrentDirection::bidirectional;
    layer->suffixes = {"", "_back"};
  } else if (direction != "forward") {
    node.Refuse("with direction \"" + direction + "\"");
  }
  const Shape recurrent = node.NeedStatic(node.Need("weight_hh"));
  if (!node.status().ok()) return false;
  if (recurrent.rank() != 2 || recurrent[1] < 1 || recurrent[1] > (1 << 24) ||
      recurrent[0] > (1 << 24)) {
    node.Fail(InvalidFile("", "weight_hh is " + recurrent.ToString()));
    return false;
  }
  layer->hidden = recurrent[1];
  layer->table.hidden_size = static_cast<int32_t>(layer->hidden);
  return true;
}

int32_t Weights(Lowering& node, const Layer& layer, const std::string& name) {
  std::vector<int32_t> tensors;
  for (const std::string& suffix : layer.suffixes)
    tensors.push_back(
        Reorder(node, node.Need(name + suffix), layer.order, layer.hidden));
  return JoinDirections(node, tensors);
}

// [input bias, hidden bias] per direction; absent ones are zero.
int32_t Biases(Lowering& node, const Layer& layer, const std::string& input,
               const std::string& hidden) {
  std::vector<int32_t> tensors;
  bool any = false;
  for (const std::string& suffix : layer.suffixes) {
    int32_t first = node.In(input + suffix), second = -1;
    if (!hidden.empty()) second = node.In(hidden + suffix);
    any = any || first >= 0 || second >= 0;
    if (first < 0 && second < 0) {
      const Shape weight = node.NeedStatic(node.Need("weight_hh" + suffix));
      if (weight.rank() != 2 || weight[0] > (1 << 24)) {
        node.Fail(InvalidFile("", "weight_hh is " + weight.ToString()));
        return -1;
      }
      first = node.ConstantFloats(
          node.TypeOf(node.In("x")), Shape{weight[0]},
          std::vector<float>(static_cast<size_t>(weight[0]), 0.0f));
    }
    if (first < 0) first = ZerosLike(node, second);
    if (second < 0) second = ZerosLike(node, first);
    tensors.push_back(node.EmitTemp(
        fbs::ConcatT(), {Reorder(node, first, layer.order, layer.hidden),
                         Reorder(node, second, layer.order, layer.hidden)}));
  }
  return any ? JoinDirections(node, tensors) : -1;
}

// [B, D * H] to [D, B, H].
int32_t StateIn(Lowering& node, const Layer& layer, const char* operand) {
  const int32_t state = node.In(operand);
  if (state < 0) return -1;
  if (layer.suffixes.size() == 1) return node.Unsqueeze(state, {0});
  std::vector<int32_t> parts;
  for (int64_t d = 0; d < 2; ++d) {
    fbs::SliceT cut;
    cut.axes = {1};
    cut.starts = {d * layer.hidden};
    cut.ends = {(d + 1) * layer.hidden};
    parts.push_back(node.EmitTemp(cut, {state}));
  }
  return JoinDirections(node, parts);
}

// [D, B, H] to [B, D * H]; gives the tensor.
int32_t StateOut(Lowering& node, const Layer& layer, int32_t state) {
  if (layer.suffixes.size() == 1) return node.Squeeze(state, {0});
  fbs::ReshapeT table;
  table.shape = {0, 2 * layer.hidden};
  return node.EmitTemp(table, {node.TransposeTo(state, {1, 0, 2})});
}

// Sequence [S, D, B, H] to [S, B, D * H]; or, without a sequence, the last h as
// [1, B, D * H].
void Finish(Lowering& node, const Layer& layer, int32_t sequence, int32_t h,
            int32_t c) {
  const int32_t last = StateOut(node, layer, h);
  if (!node.Bool("output_sequence", false)) {
    fbs::ReshapeT table;
    table.kind = fbs::ReshapeKind::unsqueeze;
    table.axes = {0};
    node.EmitOut(table, {last}, 0);
  } else if (layer.suffixes.size() == 1) {
    fbs::ReshapeT table;
    table.kind = fbs::ReshapeKind::squeeze;
    table.axes = {1};
    node.EmitOut(table, {sequence}, 0);
  } else {
    fbs::ReshapeT table;
    table.shape = {0, 0, 2 * layer.hidden};
    node.EmitOut(table, {node.TransposeTo(sequence, {0, 2, 1, 3})}, 0);
  }
  if (node.num_outputs() > 1) node.Copy(last, 1);
  if (c >= 0 && node.num_outputs() > 2) node.Copy(StateOut(node, layer, c), 2);
}

void RepeatActivations(Layer* layer) {
  if (layer->suffixes.size() == 1) return;
  const auto twice = [](auto* values) {
    const auto once = *values;
    values->insert(values->end(), once.begin(), once.end());
  };
  twice(&layer->table.activations);
  twice(&layer->table.activation_alpha);
  twice(&layer->table.activation_beta);
}

void Lstm(Lowering& node) {
  Layer layer;
  layer.order = {0, 2, 1, 3};
  if (!ReadLayer(node, RK::lstm, &layer)) return;
  AddActivation(node, "recurrent_activation", "sigmoid", &layer.table);
  AddActivation(node, "cell_activation", "tanh", &layer.table);
  AddActivation(node, "activation", "tanh", &layer.table);
  RepeatActivations(&layer);
  layer.table.cell_clip = node.Float("clip", 0);
  std::vector<int32_t> peepholes;
  for (const std::string& suffix : layer.suffixes) {
    if (node.Has("peephole" + suffix))
      peepholes.push_back(
          Reorder(node, node.In("peephole" + suffix), {0, 2, 1}, layer.hidden));
  }
  if (!peepholes.empty() && peepholes.size() != layer.suffixes.size())
    return node.Refuse("with a peephole of one direction");
  const int32_t w = Weights(node, layer, "weight_ih"),
                r = Weights(node, layer, "weight_hh"),
                b = Biases(node, layer, "bias", ""),
                h = StateIn(node, layer, "initial_h"),
                c = StateIn(node, layer, "initial_c"),
                p = peepholes.empty() ? -1 : JoinDirections(node, peepholes);
  const int32_t y = node.NewTensor(), last_h = node.NewTensor(),
                last_c = node.NewTensor();
  node.Emit(layer.table, {node.Need("x"), w, r, b, -1, h, c, p},
            {y, last_h, last_c});
  Finish(node, layer, y, last_h, last_c);
}

void Gru(Lowering& node) {
  Layer layer;
  layer.order = {2, 0, 1};
  if (!ReadLayer(node, RK::gru, &layer)) return;
  AddActivation(node, "recurrent_activation", "sigmoid", &layer.table);
  AddActivation(node, "activation", "tanh", &layer.table);
  RepeatActivations(&layer);
  layer.table.linear_before_reset = node.Bool("reset_after", false);
  const int32_t w = Weights(node, layer, "weight_ih"),
                r = Weights(node, layer, "weight_hh"),
                b = Biases(node, layer, "input_bias", "bias"),
                h = StateIn(node, layer, "initial_h");
  const int32_t y = node.NewTensor(), last_h = node.NewTensor();
  node.Emit(layer.table, {node.Need("x"), w, r, b, -1, h}, {y, last_h});
  Finish(node, layer, y, last_h, -1);
}

void Rnn(Lowering& node) {
  Layer layer;
  layer.order = {0};
  if (!ReadLayer(node, RK::rnn, &layer)) return;
  AddActivation(node, "activation", "tanh", &layer.table);
  RepeatActivations(&layer);
  const int32_t w = Weights(node, layer, "weight_ih"),
                r = Weights(node, layer, "weight_hh"),
                b = Biases(node, layer, "bias", ""),
                h = StateIn(node, layer, "initial_h");
  const int32_t y = node.NewTensor(), last_h = node.NewTensor();
  node.Emit(layer.table, {node.Need("x"), w, r, b, -1, h}, {y, last_h});
  Finish(node, layer, y, last_h, -1);
}

constexpr OperationRow kRows[] = {
    {"gru", Gru},
    {"lstm", Lstm},
    {"rnn", Rnn},
};

}  // namespace

std::span<const OperationRow> RecurrentRows() { return kRows; }

}  // namespace aneref::coreml::mil
