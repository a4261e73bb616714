// Ops that exporters write out in pieces become ops again. A pattern is joined
// only when nothing outside of it reads its pieces.
#include <algorithm>
#include <cmath>

#include "runtime/import/graph_editor.h"
#include "runtime/import/passes.h"

namespace aneref {
namespace {

using AK = fbs::ActivationKind;
using EK = fbs::ElementwiseKind;

bool IsBinary(const fbs::NodeT* node, EK kind) {
  return node != nullptr && node->op.type == fbs::Op::Elementwise &&
         node->inputs.size() == 2 && node->op.AsElementwise()->kind == kind;
}

bool IsUnary(const fbs::NodeT* node, AK kind) {
  return node != nullptr && node->op.type == fbs::Op::Activation &&
         node->op.AsActivation()->kind == kind;
}

// Also where the file has the constant rounded to fp16.
bool Near(float value, double expected) {
  return std::fabs(static_cast<double>(value) - expected) <=
         0x1p-11 * std::fabs(expected);
}

int32_t OtherInput(const fbs::NodeT& node, int32_t one) {
  return node.inputs[node.inputs[0] == one ? 1 : 0];
}

// x when the node computes x * factor (or x / (1 / factor)); -1 otherwise.
int32_t ScaledBy(const NetDraft& draft, const fbs::NodeT* node, double factor) {
  if (IsBinary(node, EK::mul)) {
    for (size_t i = 0; i < 2; ++i) {
      const std::optional<float> value = UniformFloat(draft, node->inputs[i]);
      if (value.has_value() && Near(*value, factor)) return node->inputs[1 - i];
    }
  }
  if (IsBinary(node, EK::div)) {
    const std::optional<float> value = UniformFloat(draft, node->inputs[1]);
    if (value.has_value() && Near(*value, 1.0 / factor)) return node->inputs[0];
  }
  return -1;
}

// The constant that the node adds to its other input, which goes to `*x`.
std::optional<float> AddedConstant(const NetDraft& draft,
                                   const fbs::NodeT* node, int32_t* x) {
  if (!IsBinary(node, EK::add)) return std::nullopt;
  for (size_t i = 0; i < 2; ++i) {
    const std::optional<float> value = UniformFloat(draft, node->inputs[i]);
    if (!value.has_value()) continue;
    *x = node->inputs[1 - i];
    return value;
  }
  return std::nullopt;
}

// Turns `last` into the joined op; the pieces are then read by nobody and die.
template <class Attributes>
void Join(GraphEditor* editor, fbs::NodeT* last,
          const std::vector<fbs::NodeT*>& pieces, const std::string& what,
          Attributes attributes, std::vector<int32_t> inputs) {
  for (const fbs::NodeT* piece : pieces) GraphEditor::JoinNames(*piece, last);
  editor->Note("recognised " + what + " in " + SourceNames(*last));
  last->op.Set(std::move(attributes));
  last->source_op = what;
  editor->SetInputs(last, std::move(inputs));
  for (fbs::NodeT* piece : pieces) editor->Remove(piece);
}

fbs::ActivationT MakeActivation(AK kind, double alpha) {
  fbs::ActivationT activation;
  activation.kind = kind;
  activation.alpha = alpha;
  return activation;
}

// x * sigmoid(x), x * hard_sigmoid(x).
void JoinGate(GraphEditor* editor, fbs::NodeT* multiply) {
  if (!IsBinary(multiply, EK::mul)) return;
  for (size_t i = 0; i < 2; ++i) {
    fbs::NodeT* gate =
        editor->OnlyProducer(multiply->inputs[i], fbs::Op::Activation);
    const int32_t x = multiply->inputs[1 - i];
    if (gate == nullptr || gate->inputs[0] != x) continue;
    const fbs::ActivationT& table = *gate->op.AsActivation();
    if (IsUnary(gate, AK::sigmoid))
      return Join(editor, multiply, {gate}, "SiLU",
                  MakeActivation(AK::silu, 1.0), {x});
    const bool is_hard = IsUnary(gate, AK::hard_sigmoid) &&
                         std::fabs(table.alpha - 1.0 / 6.0) < 1e-6;
    if (is_hard && std::fabs(table.beta - 0.5) < 1e-6)
      return Join(editor, multiply, {gate}, "HardSwish",
                  MakeActivation(AK::hard_swish, 0.0), {x});
  }
}

// x * 0.5 * (1 + erf(x / sqrt(2))), with the factors in any order.
void JoinGelu(GraphEditor* editor, fbs::NodeT* erf) {
  const NetDraft& draft = editor->draft();
  if (!IsUnary(erf, AK::erf)) return;
  fbs::NodeT* argument =
      editor->OnlyProducer(erf->inputs[0], fbs::Op::Elementwise);
  const int32_t x = ScaledBy(draft, argument, std::sqrt(0.5));
  fbs::NodeT* plus = editor->OnlyReader(erf->outputs[0]);
  int32_t erf_value = -1;
  const std::optional<float> one = AddedConstant(draft, plus, &erf_value);
  if (x < 0 || !one.has_value() || *one != 1.0f || erf_value != erf->outputs[0])
    return;
  fbs::NodeT* first = editor->OnlyReader(plus->outputs[0]);
  if (first == nullptr ||
      (!IsBinary(first, EK::mul) && !IsBinary(first, EK::div)))
    return;
  const fbs::ActivationT gelu = MakeActivation(AK::gelu, 0.0);
  fbs::NodeT* second = editor->OnlyReader(first->outputs[0]);
  if (IsBinary(first, EK::mul) && OtherInput(*first, plus->outputs[0]) == x) {
    if (ScaledBy(draft, second, 0.5) == first->outputs[0])
      Join(editor, second, {argument, erf, plus, first}, "GELU", gelu, {x});
    return;
  }
  if (ScaledBy(draft, first, 0.5) == plus->outputs[0]) {
    if (IsBinary(second, EK::mul) &&
        OtherInput(*second, first->outputs[0]) == x)
      Join(editor, second, {argument, erf, plus, first}, "GELU", gelu, {x});
    return;
  }
  if (!IsBinary(first, EK::mul)) return;
  fbs::NodeT* half = editor->OnlyProducer(OtherInput(*first, plus->outputs[0]),
                                          fbs::Op::Elementwise);
  if (ScaledBy(draft, half, 0.5) == x)
    Join(editor, first, {argument, erf, plus, half}, "GELU", gelu, {x});
}

// The axes of a mean that keeps them; empty when they are not known.
std::vector<int64_t> MeanAxes(const NetDraft& draft, const fbs::NodeT* node) {
  if (node == nullptr || node->op.type != fbs::Op::Reduce) return {};
  const fbs::ReduceT& table = *node->op.AsReduce();
  if (table.kind != fbs::ReduceKind::mean || !table.keep_dims) return {};
  if (node->inputs.size() < 2) return {table.axes.begin(), table.axes.end()};
  return IsConstant(draft, node->inputs[1])
             ? ConstantInts(draft, node->inputs[1])
             : std::vector<int64_t>();
}

// Whether the mean is over the last axis alone.
bool IsLastAxisMean(const NetDraft& draft, const fbs::NodeT* node) {
  const std::vector<int64_t> axes = MeanAxes(draft, node);
  if (axes.size() != 1) return false;
  const std::optional<size_t> rank = RankOf(TensorAt(draft, node->inputs[0]));
  return axes[0] == -1 ||
         (rank.has_value() && axes[0] + 1 == static_cast<int64_t>(*rank));
}

// x when the node computes x - mean(x) over the last axis; -1 otherwise.
int32_t Centred(GraphEditor* editor, const fbs::NodeT* node) {
  if (!IsBinary(node, EK::sub)) return -1;
  const fbs::NodeT* mean = editor->Producer(node->inputs[1]);
  if (!IsLastAxisMean(editor->draft(), mean) ||
      mean->inputs[0] != node->inputs[0])
    return -1;
  return node->inputs[0];
}

// What the node squares; -1 when it does not.
int32_t Squared(const NetDraft& draft, const fbs::NodeT* node) {
  if (IsUnary(node, AK::square)) return node->inputs[0];
  if (IsBinary(node, EK::mul) && node->inputs[0] == node->inputs[1])
    return node->inputs[0];
  if (IsBinary(node, EK::pow) && UniformFloat(draft, node->inputs[1]) == 2.0f)
    return node->inputs[0];
  return -1;
}

bool AllReadersAmong(GraphEditor* editor, int32_t tensor,
                     const std::vector<fbs::NodeT*>& nodes) {
  if (editor->IsOutput(tensor)) return false;
  for (const fbs::NodeT* reader : editor->Readers(tensor)) {
    bool found = false;
    for (const fbs::NodeT* node : nodes) found = found || node == reader;
    if (!found) return false;
  }
  return true;
}

struct LayerNormMatch {
  int32_t x = -1;
  float epsilon = 0;
  fbs::NodeT* divide = nullptr;
  std::vector<fbs::NodeT*> pieces;  // all but the division
};

// divide = (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon)
std::optional<LayerNormMatch> MatchLayerNorm(GraphEditor* editor,
                                             fbs::NodeT* divide) {
  const NetDraft& draft = editor->draft();
  if (!IsBinary(divide, EK::div)) return std::nullopt;
  LayerNormMatch match;
  match.divide = divide;
  fbs::NodeT* centred = editor->Producer(divide->inputs[0]);
  match.x = Centred(editor, centred);
  fbs::NodeT* root =
      editor->OnlyProducer(divide->inputs[1], fbs::Op::Activation);
  if (match.x < 0 || !IsUnary(root, AK::sqrt)) return std::nullopt;
  fbs::NodeT* padded =
      editor->OnlyProducer(root->inputs[0], fbs::Op::Elementwise);
  int32_t variance_value = -1;
  const std::optional<float> epsilon =
      AddedConstant(draft, padded, &variance_value);
  if (!epsilon.has_value() || *epsilon <= 0.0f) return std::nullopt;
  fbs::NodeT* variance = editor->OnlyProducer(variance_value, fbs::Op::Reduce);
  if (!IsLastAxisMean(draft, variance)) return std::nullopt;
  fbs::NodeT* square = editor->Producer(variance->inputs[0]);
  if (editor->OnlyReader(variance->inputs[0]) == nullptr) return std::nullopt;
  fbs::NodeT* centred_again = editor->Producer(Squared(draft, square));
  if (Centred(editor, centred_again) != match.x) return std::nullopt;
  match.epsilon = *epsilon;
  match.pieces = {centred, root, padded, variance, square};
  if (centred_again != centred) match.pieces.push_back(centred_again);
  for (fbs::NodeT* node : {centred, centred_again}) {
    fbs::NodeT* mean = editor->Producer(node->inputs[1]);
    if (std::find(match.pieces.begin(), match.pieces.end(), mean) ==
        match.pieces.end())
      match.pieces.push_back(mean);
  }
  std::vector<fbs::NodeT*> inside = match.pieces;
  inside.push_back(divide);
  for (const fbs::NodeT* piece : match.pieces) {
    if (!AllReadersAmong(editor, piece->outputs[0], inside))
      return std::nullopt;
  }
  return match;
}

// A rank-1 constant that the node combines with `value`; -1 otherwise.
int32_t VectorOperand(GraphEditor* editor, const fbs::NodeT* node, EK kind,
                      int32_t value) {
  if (!IsBinary(node, kind)) return -1;
  const int32_t other = OtherInput(*node, value);
  return editor->IsConst(other) &&
                 TensorAt(editor->draft(), other).shape.size() == 1
             ? other
             : -1;
}

void JoinLayerNorm(GraphEditor* editor, fbs::NodeT* divide) {
  std::optional<LayerNormMatch> match = MatchLayerNorm(editor, divide);
  if (!match.has_value()) return;
  fbs::NodeT* last = divide;
  fbs::NodeT* multiply = editor->OnlyReader(divide->outputs[0]);
  const int32_t scale =
      VectorOperand(editor, multiply, EK::mul, divide->outputs[0]);
  const std::optional<size_t> rank =
      RankOf(TensorAt(editor->draft(), match->x));
  int32_t bias = -1;
  // A vector of another length than the normalised axis broadcasts: it is no
  // scale.
  auto fits = [&](int32_t vector) {
    const std::vector<int64_t>& shape =
        TensorAt(editor->draft(), match->x).shape;
    return vector >= 0 && rank.value_or(0) > 0 &&
           (shape.back() < 0
                ? TensorAt(editor->draft(), vector).shape[0] > 1
                : shape.back() == TensorAt(editor->draft(), vector).shape[0]);
  };
  std::vector<int32_t> inputs = {match->x};
  if (fits(scale)) {
    match->pieces.push_back(divide);
    last = multiply;
    inputs.push_back(scale);
    fbs::NodeT* add = editor->OnlyReader(multiply->outputs[0]);
    bias = VectorOperand(editor, add, EK::add, multiply->outputs[0]);
    if (fits(bias)) {
      match->pieces.push_back(multiply);
      last = add;
      inputs.push_back(bias);
    }
  }
  fbs::NormT norm;
  norm.kind = fbs::NormKind::layer;
  norm.axis = -1;
  norm.epsilon = match->epsilon;
  Join(editor, last, match->pieces, "LayerNormalization", std::move(norm),
       std::move(inputs));
}

// Probabilities that fp16 cannot tell apart keep the order of what the softmax
// read (P24).
void OrderThroughSoftmax(GraphEditor* editor, fbs::NodeT* node) {
  if (node->op.type != fbs::Op::TopK || node->inputs.size() > 2) return;
  const fbs::NodeT* softmax = editor->Producer(node->inputs[0]);
  if (softmax == nullptr || softmax->op.type != fbs::Op::Softmax) return;
  const fbs::SoftmaxT& table = *softmax->op.AsSoftmax();
  const std::optional<size_t> rank =
      RankOf(TensorAt(editor->draft(), node->inputs[0]));
  if (table.hard || !rank.has_value()) return;
  const Expected<size_t> of_top_k =
      NormalizeAxis(node->op.AsTopK()->axis, *rank);
  const Expected<size_t> of_softmax = NormalizeAxis(table.axis, *rank);
  if (!of_top_k.ok() || !of_softmax.ok()) return;
  const bool same =
      table.to_end ? *of_softmax <= *of_top_k : *of_softmax == *of_top_k;
  if (!same) return;
  std::vector<int32_t> inputs = node->inputs;
  inputs.resize(2, -1);
  inputs.push_back(softmax->inputs[0]);
  editor->SetInputs(node, inputs);
  editor->Note("equal probabilities keep the order of the softmax's input in " +
               SourceNames(*node));
}

}  // namespace

void RecognisePatterns(NetDraft* draft) {
  GraphEditor editor(draft);
  for (size_t i = 0; i < editor.num_nodes(); ++i) {
    if (editor.NodeAt(i) != nullptr) JoinLayerNorm(&editor, editor.NodeAt(i));
    if (editor.NodeAt(i) != nullptr) JoinGelu(&editor, editor.NodeAt(i));
    if (editor.NodeAt(i) != nullptr) JoinGate(&editor, editor.NodeAt(i));
    if (editor.NodeAt(i) != nullptr)
      OrderThroughSoftmax(&editor, editor.NodeAt(i));
  }
  editor.Finish();
}

}  // namespace aneref
