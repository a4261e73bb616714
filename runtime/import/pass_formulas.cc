// Formulas of one tensor that exporters write out element by element (GELU by
// tanh, hard swish by clip, mish …) become the one op they mean, recognised by
// value: the formula is evaluated on sample points and compared with each
// candidate. Then a sum times a constant becomes one op, so that a mean of
// squares need not pass through a total beyond fp16's range.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include "ops/kernels/unary.h"
#include "runtime/import/graph_editor.h"
#include "runtime/import/passes.h"

namespace aneref {
namespace {

using AK = fbs::ActivationKind;
using EK = fbs::ElementwiseKind;

struct Candidate {
  const char* name;
  UnaryFunction function;
};
constexpr Candidate kCandidates[] = {
    {"GELU", {AK::gelu, 0, 0}},
    {"GELU (tanh)", {AK::gelu_tanh, 0, 0}},
    {"SiLU", {AK::silu, 1, 0}},
    {"HardSwish", {AK::hard_swish, 0, 0}},
    {"HardSigmoid", {AK::hard_sigmoid, 1.0 / 6.0, 0.5}},
    {"Mish", {AK::mish, 0, 0}},
    {"Softplus", {AK::softplus, 0, 0}},
    {"Sigmoid", {AK::sigmoid, 0, 0}},
    {"Tanh", {AK::tanh, 0, 0}},
    {"Softsign", {AK::softsign, 0, 0}},
    {"ReLU6", {AK::relu6, 0, 0}},
};

// Where formulas are compared: both tails, the knees at 3 and 6, nothing
// symmetric.
using Samples = std::array<double, 14>;
constexpr Samples kSamples = {-7.3, -4.1, -3.2, -2.7, -1.3, -0.6, -0.1,
                              0.04, 0.7,  1.9,  2.8,  3.3,  5.7,  6.4};
constexpr size_t kMaxPieces = 16;

bool IsFormulaPiece(const fbs::NodeT* node) {
  if (node == nullptr || node->outputs.size() != 1) return false;
  if (node->op.type == fbs::Op::Activation) {
    const UnaryClass group = ClassOf(node->op.AsActivation()->kind);
    return node->inputs.size() == 1 &&
           (group == UnaryClass::kReal || group == UnaryClass::kNumeric);
  }
  if (node->op.type != fbs::Op::Elementwise || node->inputs.size() != 2)
    return false;
  switch (node->op.AsElementwise()->kind) {
    case EK::add:
    case EK::sub:
    case EK::mul:
    case EK::div:
    case EK::pow:
    case EK::minimum:
    case EK::maximum:
      return true;
    default:
      return false;
  }
}

double EvaluateBinary(EK kind, double a, double b) {
  switch (kind) {
    case EK::add:
      return a + b;
    case EK::sub:
      return a - b;
    case EK::mul:
      return a * b;
    case EK::div:
      return a / b;
    case EK::pow:
      return std::pow(a, b);
    case EK::minimum:
      return std::min(a, b);
    default:
      return std::max(a, b);
  }
}

// A growing set of nodes that compute one value; grows backwards from `root`.
class Cone {
 public:
  Cone(GraphEditor* editor, fbs::NodeT* root) : editor_(editor), root_(root) {
    Add(root);
  }

  // The one tensor that the formula is of; -1 when there are several (or none).
  int32_t Variable() const { return leaves_.size() == 1 ? leaves_[0] : -1; }
  const std::vector<fbs::NodeT*>& pieces() const { return pieces_; }

  // Takes in a piece all of whose readers are inside. False when there is none.
  bool Grow() {
    if (pieces_.size() == kMaxPieces) return false;
    for (int32_t leaf : leaves_) {
      fbs::NodeT* node = editor_->Producer(leaf);
      if (!IsFormulaPiece(node) || editor_->IsOutput(leaf)) continue;
      const std::vector<fbs::NodeT*>& readers = editor_->Readers(leaf);
      const bool inside = std::all_of(
          readers.begin(), readers.end(), [&](const fbs::NodeT* reader) {
            return std::find(pieces_.begin(), pieces_.end(), reader) !=
                   pieces_.end();
          });
      if (!inside) continue;
      leaves_.erase(std::find(leaves_.begin(), leaves_.end(), leaf));
      Add(node);
      return true;
    }
    return false;
  }

  // The formula on the sample points; nullopt for a constant that is no single
  // number.
  std::optional<Samples> Evaluate() const {
    std::map<int32_t, Samples> values;
    values[Variable()] = kSamples;
    return ValueOf(root_->outputs[0], &values);
  }

 private:
  void Add(fbs::NodeT* node) {
    pieces_.push_back(node);
    for (int32_t input : node->inputs) {
      const bool known =
          editor_->IsConst(input) ||
          std::find(leaves_.begin(), leaves_.end(), input) != leaves_.end();
      if (!known) leaves_.push_back(input);
    }
  }

  std::optional<Samples> ValueOf(int32_t tensor,
                                 std::map<int32_t, Samples>* values) const {
    const auto known = values->find(tensor);
    if (known != values->end()) return known->second;
    Samples result{};
    if (editor_->IsConst(tensor)) {
      const std::optional<float> value = UniformFloat(editor_->draft(), tensor);
      if (!value.has_value()) return std::nullopt;
      result.fill(static_cast<double>(*value));
      return (*values)[tensor] = result;
    }
    const fbs::NodeT* node = editor_->Producer(tensor);
    const std::optional<Samples> a = ValueOf(node->inputs[0], values);
    const bool unary = node->op.type == fbs::Op::Activation;
    const std::optional<Samples> b =
        unary || !a.has_value() ? a : ValueOf(node->inputs[1], values);
    if (!b.has_value()) return std::nullopt;
    for (size_t i = 0; i < result.size(); ++i) {
      if (unary) {
        const fbs::ActivationT& table = *node->op.AsActivation();
        result[i] =
            EvaluateUnary({table.kind, table.alpha, table.beta}, (*a)[i]);
      } else {
        result[i] =
            EvaluateBinary(node->op.AsElementwise()->kind, (*a)[i], (*b)[i]);
      }
    }
    return (*values)[tensor] = result;
  }

  GraphEditor* editor_;
  fbs::NodeT* root_;
  std::vector<fbs::NodeT*> pieces_;
  std::vector<int32_t> leaves_;
};

// Constants are float32 and often printed with few digits: 1e-5 of the
// function's size is equality. In files of fp16 they are rounded further, but
// by less than GELU and its tanh form are apart.
bool Matches(const Samples& values, const UnaryFunction& function,
             bool has_half_constants) {
  const double bound = has_half_constants ? 1e-4 : 1e-5;
  for (size_t i = 0; i < values.size(); ++i) {
    const double expected = EvaluateUnary(function, kSamples[i]);
    if (!(std::fabs(values[i] - expected) <=
          bound * std::max(1.0, std::fabs(expected))))
      return false;
  }
  return true;
}

// A constant of this shape could broadcast `variable` to a larger one: only its
// extents that are 1 or the variable's own, counted from the back, do not.
bool BroadcastsInto(const std::vector<int64_t>& shape,
                    const fbs::TensorT& variable) {
  const std::optional<size_t> rank = RankOf(variable);
  if (shape.size() > 1 && (!rank.has_value() || shape.size() > *rank))
    return false;
  for (size_t back = 1; back <= shape.size(); ++back) {
    const int64_t extent = shape[shape.size() - back];
    if (extent == 1) continue;
    if (!rank.has_value() || back > *rank ||
        variable.shape[*rank - back] != extent)
      return false;
  }
  return true;
}

// Whether `holds` for any constant of the formula.
template <class Predicate>
bool AnyConstant(GraphEditor* editor, const Cone& cone,
                 const Predicate& holds) {
  for (const fbs::NodeT* piece : cone.pieces()) {
    for (int32_t input : piece->inputs) {
      if (editor->IsConst(input) && holds(input)) return true;
    }
  }
  return false;
}

bool KeepsShape(GraphEditor* editor, const Cone& cone) {
  const fbs::TensorT& variable = TensorAt(editor->draft(), cone.Variable());
  return !AnyConstant(editor, cone, [&](int32_t input) {
    return !BroadcastsInto(TensorAt(editor->draft(), input).shape, variable);
  });
}

void Replace(GraphEditor* editor, fbs::NodeT* root, const Cone& cone,
             const Candidate& candidate) {
  for (const fbs::NodeT* piece : cone.pieces()) {
    if (piece != root) GraphEditor::JoinNames(*piece, root);
  }
  editor->Note(std::string("recognised ") + candidate.name + " in " +
               SourceNames(*root));
  const int32_t variable = cone.Variable();
  fbs::ActivationT activation;
  activation.kind = candidate.function.kind;
  activation.alpha = candidate.function.alpha;
  activation.beta = candidate.function.beta;
  const std::vector<fbs::NodeT*> pieces = cone.pieces();
  root->op.Set(std::move(activation));
  root->source_op = candidate.name;
  editor->SetInputs(root, {variable});
  for (fbs::NodeT* piece : pieces) {
    if (piece != root) editor->Remove(piece);
  }
}

void JoinFormula(GraphEditor* editor, fbs::NodeT* root) {
  if (!IsFormulaPiece(root)) return;
  Cone cone(editor, root);
  for (bool grown = true; grown; grown = cone.Grow()) {
    if (cone.pieces().size() < 2 || cone.Variable() < 0 ||
        !KeepsShape(editor, cone))
      continue;
    const std::optional<Samples> values = cone.Evaluate();
    if (!values.has_value()) return;
    const bool has_half = AnyConstant(editor, cone, [&](int32_t input) {
      return ConstantOf(editor->draft(), input).stored == DataType::kFloat16;
    });
    for (const Candidate& candidate : kCandidates) {
      if (Matches(*values, candidate.function, has_half))
        return Replace(editor, root, cone, candidate);
    }
  }
}

// Whether a factor of this shape leaves the sum's shape alone.
bool SameShape(GraphEditor& editor, const fbs::NodeT& sum,
               const std::vector<int64_t>& factor) {
  if (factor.empty()) return true;
  const std::optional<size_t> rank =
      RankOf(TensorAt(editor.draft(), sum.outputs[0]));
  return rank.has_value() && factor.size() <= *rank &&
         std::all_of(factor.begin(), factor.end(),
                     [](int64_t extent) { return extent == 1; });
}

// sum(x) * c -> sum with scale c.
void JoinScaledSum(GraphEditor* editor, fbs::NodeT* multiply) {
  if (multiply->op.type != fbs::Op::Elementwise ||
      multiply->op.AsElementwise()->kind != EK::mul)
    return;
  for (size_t i = 0; i < 2; ++i) {
    const std::optional<float> scale =
        editor->IsConst(multiply->inputs[1 - i])
            ? UniformFloat(editor->draft(), multiply->inputs[1 - i])
            : std::nullopt;
    fbs::NodeT* sum =
        editor->OnlyProducer(multiply->inputs[i], fbs::Op::Reduce);
    if (!scale.has_value() || sum == nullptr) continue;
    const fbs::ReduceT& table = *sum->op.AsReduce();
    const std::vector<int64_t>& shape =
        TensorAt(editor->draft(), multiply->inputs[1 - i]).shape;
    if (table.kind != fbs::ReduceKind::sum || table.scale != 1.0f ||
        !SameShape(*editor, *sum, shape))
      continue;
    fbs::ReduceT joined = table;
    joined.scale = scale.value_or(1.0f);
    GraphEditor::JoinNames(*sum, multiply);
    editor->Note("joined the factor " + std::to_string(joined.scale) +
                 " and the sum in " + SourceNames(*multiply));
    const std::vector<int32_t> inputs = sum->inputs;
    multiply->op.Set(std::move(joined));
    multiply->source_op = sum->source_op;
    editor->SetInputs(multiply, inputs);
    editor->Remove(sum);
    return;
  }
}

// The uniform constant among the operands of `node`, and the other operand.
struct ConstantOperand {
  float value = 0;
  int32_t constant = -1;
  int32_t other = -1;
};
std::optional<ConstantOperand> UniformOperand(GraphEditor* editor,
                                              const fbs::NodeT* node, EK kind) {
  if (node == nullptr || node->op.type != fbs::Op::Elementwise ||
      node->op.AsElementwise()->kind != kind)
    return std::nullopt;
  for (size_t i = 0; i < 2; ++i) {
    const int32_t constant = node->inputs[1 - i];
    if (!editor->IsConst(constant)) continue;
    const std::optional<float> value = UniformFloat(editor->draft(), constant);
    if (value.has_value())
      return ConstantOperand{value.value_or(0), constant, node->inputs[i]};
  }
  return std::nullopt;
}

// A rank that the tensor has at least: proved shapes may be missing behind
// dynamic extents, but a convolution's rank is that of its weights, and
// element-by-element ops keep ranks.
size_t LeastRank(GraphEditor* editor, int32_t tensor, int depth = 0) {
  const std::optional<size_t> rank = RankOf(TensorAt(editor->draft(), tensor));
  if (rank.has_value()) return *rank;
  const fbs::NodeT* node = editor->Producer(tensor);
  if (node == nullptr || node->inputs.empty() || depth > 64) return 0;
  switch (node->op.type) {
    case fbs::Op::Conv:
    case fbs::Op::ConvTranspose:
      return LeastRank(editor, node->inputs[1], depth + 1);
    case fbs::Op::Activation:
    case fbs::Op::Pool:
    case fbs::Op::Norm:
    case fbs::Op::Softmax:
      return LeastRank(editor, node->inputs[0], depth + 1);
    case fbs::Op::Elementwise:
      return LeastRank(editor, node->inputs[0], depth + 1);
    default:
      return 0;
  }
}

// x * a + b -> one linear op, as the engine's gain and offset are one step
// (N22).
void JoinLinear(GraphEditor* editor, fbs::NodeT* add) {
  const std::optional<ConstantOperand> offset =
      UniformOperand(editor, add, EK::add);
  if (!offset.has_value()) return;
  fbs::NodeT* multiply =
      editor->OnlyProducer(offset->other, fbs::Op::Elementwise);
  const std::optional<ConstantOperand> gain =
      UniformOperand(editor, multiply, EK::mul);
  if (!gain.has_value()) return;
  const size_t rank = LeastRank(editor, gain->other);
  for (const int32_t constant : {offset->constant, gain->constant}) {
    const std::vector<int64_t>& shape =
        TensorAt(editor->draft(), constant).shape;
    if (shape.size() > rank ||
        std::any_of(shape.begin(), shape.end(),
                    [](int64_t extent) { return extent != 1; }))
      return;
  }
  fbs::ActivationT linear;
  linear.kind = AK::linear;
  linear.alpha = static_cast<double>(gain->value);
  linear.beta = static_cast<double>(offset->value);
  GraphEditor::JoinNames(*multiply, add);
  editor->Note("joined scale and offset in " + SourceNames(*add));
  const int32_t x = gain->other;
  add->op.Set(std::move(linear));
  add->source_op = "Scale";
  editor->SetInputs(add, {x});
  editor->Remove(multiply);
}

}  // namespace

void RecogniseFormulas(NetDraft* draft) {
  GraphEditor editor(draft);
  for (size_t i = editor.num_nodes();
       i-- > 0;) {  // from the end: the largest formula first
    if (editor.NodeAt(i) != nullptr) JoinFormula(&editor, editor.NodeAt(i));
  }
  for (size_t i = 0; i < editor.num_nodes(); ++i) {
    if (editor.NodeAt(i) != nullptr) JoinScaledSum(&editor, editor.NodeAt(i));
    if (editor.NodeAt(i) != nullptr) JoinLinear(&editor, editor.NodeAt(i));
  }
  editor.Finish();
}

}  // namespace aneref
