// Nodes that change nothing go; movements after movements become one; zero
// padding moves into what reads it.
#include <algorithm>
#include <cmath>

#include "runtime/import/graph_editor.h"
#include "runtime/import/passes.h"

namespace aneref {
namespace {

bool SameStaticShape(const NetDraft& draft, int32_t a, int32_t b) {
  const std::optional<Shape> x = StaticShape(TensorAt(draft, a)),
                             y = StaticShape(TensorAt(draft, b));
  return x.has_value() && y.has_value() && *x == *y;
}

// Whether combining x with one constant of value `neutral` gives x in its own
// shape. Gives x's position.
std::optional<size_t> NeutralOperand(const NetDraft& draft,
                                     const fbs::NodeT& node) {
  if (node.inputs.size() != 2 ||
      TypeOf(draft, node.inputs[0]) != TypeOf(draft, node.inputs[1]))
    return std::nullopt;
  const fbs::ElementwiseKind kind = node.op.AsElementwise()->kind;
  const bool commutes =
      kind == fbs::ElementwiseKind::add || kind == fbs::ElementwiseKind::mul;
  float neutral = 0.0f;
  if (kind == fbs::ElementwiseKind::mul || kind == fbs::ElementwiseKind::div ||
      kind == fbs::ElementwiseKind::pow) {
    neutral = 1.0f;
  } else if (kind != fbs::ElementwiseKind::add &&
             kind != fbs::ElementwiseKind::sub) {
    return std::nullopt;
  }
  for (size_t constant = commutes ? 0 : 1; constant < 2; ++constant) {
    const std::optional<float> value =
        UniformFloat(draft, node.inputs[constant]);
    if (!value.has_value() || *value != neutral) continue;
    const bool keeps_shape =
        TensorAt(draft, node.inputs[constant]).shape.empty() ||
        SameStaticShape(draft, node.inputs[1 - constant], node.outputs[0]);
    if (keeps_shape) return 1 - constant;
  }
  return std::nullopt;
}

bool IsIdentityPermutation(const std::vector<int32_t>& perm) {
  for (size_t i = 0; i < perm.size(); ++i) {
    if (perm[i] != static_cast<int32_t>(i)) return false;
  }
  return !perm.empty();
}

// The position of the input that a node hands on unchanged.
std::optional<size_t> PassedThrough(const NetDraft& draft,
                                    const fbs::NodeT& node) {
  if (node.inputs.empty() || node.inputs[0] < 0 || node.outputs.size() != 1)
    return std::nullopt;
  bool is_no_op = false;
  switch (node.op.type) {
    case fbs::Op::Activation:
      is_no_op = node.op.AsActivation()->kind == fbs::ActivationKind::identity;
      break;
    case fbs::Op::Cast:
      is_no_op = static_cast<fbs::DataType>(TypeOf(draft, node.inputs[0])) ==
                     node.op.AsCast()->to &&
                 !node.op.AsCast()->reinterpret;
      break;
    case fbs::Op::Transpose:
      is_no_op = IsIdentityPermutation(node.op.AsTranspose()->perm);
      break;
    case fbs::Op::Reshape:
      is_no_op = SameStaticShape(draft, node.inputs[0], node.outputs[0]);
      break;
    case fbs::Op::Tile:
      is_no_op = SameStaticShape(draft, node.inputs[0], node.outputs[0]);
      break;
    case fbs::Op::Concat:
      is_no_op = node.inputs.size() == 1;
      break;
    case fbs::Op::Elementwise:
      return NeutralOperand(draft, node);
    default:
      break;
  }
  return is_no_op ? std::optional<size_t>(0) : std::nullopt;
}

void RemoveNoOp(GraphEditor* editor, fbs::NodeT* node, int32_t input) {
  const int32_t output = node->outputs[0];
  const std::string names = SourceNames(*node);
  if (!editor->IsOutput(output)) {
    editor->Remove(node);
    editor->ReplaceReads(output, input);
    editor->Note("removed " + names + ", which changes nothing");
    return;
  }
  // The source's output name must survive: its value is computed under that
  // name instead.
  fbs::NodeT* producer = editor->Producer(input);
  if (producer == nullptr || editor->IsOutput(input)) return;
  const auto position =
      std::find(producer->outputs.begin(), producer->outputs.end(), input);
  editor->Remove(node);
  editor->ReplaceReads(input, output);
  editor->SetOutput(producer,
                    static_cast<size_t>(position - producer->outputs.begin()),
                    output);
  editor->Note("removed " + names + ", which changes nothing");
}

// perm of a transpose, spelled out when the rank is known.
std::vector<int32_t> PermOf(const NetDraft& draft, const fbs::NodeT& node) {
  std::vector<int32_t> perm = node.op.AsTranspose()->perm;
  const std::optional<size_t> rank = RankOf(TensorAt(draft, node.inputs[0]));
  if (perm.empty() && rank.has_value()) {
    for (size_t i = *rank; i > 0; --i)
      perm.push_back(static_cast<int32_t>(i - 1));
  }
  return perm;
}

void MergeTransposes(GraphEditor* editor, fbs::NodeT* node) {
  fbs::NodeT* before = editor->Producer(node->inputs[0]);
  if (before == nullptr || before->op.type != fbs::Op::Transpose) return;
  const std::vector<int32_t> first = PermOf(editor->draft(), *before),
                             second = PermOf(editor->draft(), *node);
  if (first.empty() || first.size() != second.size()) return;
  std::vector<int32_t> joined;
  for (int32_t axis : second) {
    if (axis < 0 || static_cast<size_t>(axis) >= first.size()) return;
    joined.push_back(first[static_cast<size_t>(axis)]);
  }
  editor->Note("joined transposes " + SourceNames(*before) + " and " +
               SourceNames(*node));
  GraphEditor::JoinNames(*before, node);
  node->op.AsTranspose()->perm = std::move(joined);
  editor->SetInputs(node, {before->inputs[0]});
}

// A reshape of a reshape, when its own target stands for itself: no extent is
// copied from its input.
void MergeReshapes(GraphEditor* editor, fbs::NodeT* node) {
  fbs::NodeT* before = editor->Producer(node->inputs[0]);
  if (before == nullptr || before->op.type != fbs::Op::Reshape) return;
  const std::optional<Shape> shape =
      StaticShape(TensorAt(editor->draft(), node->outputs[0]));
  if (!shape.has_value() || shape->NumElements() == 0 || shape->rank() == 0)
    return;
  editor->Note("joined reshapes " + SourceNames(*before) + " and " +
               SourceNames(*node));
  GraphEditor::JoinNames(*before, node);
  fbs::ReshapeT reshape;
  reshape.shape = shape->ToVector();
  node->op.Set(std::move(reshape));
  editor->SetInputs(node, {before->inputs[0]});
}

// The pads of a zero padding over spatial axes only: begins, then ends. Empty
// when it is anything else.
std::vector<int32_t> SpatialZeroPads(const NetDraft& draft,
                                     const fbs::NodeT& pad) {
  const fbs::PadT& table = *pad.op.AsPad();
  if (table.fill != fbs::PadFill::constant || !table.axes.empty() ||
      (pad.inputs.size() > 3 && pad.inputs[3] >= 0))
    return {};
  std::vector<int64_t> pads = table.pads;
  if (pad.inputs.size() > 1 && pad.inputs[1] >= 0) {
    if (!IsConstant(draft, pad.inputs[1])) return {};
    pads = ConstantInts(draft, pad.inputs[1]);
  }
  if (pad.inputs.size() > 2 && pad.inputs[2] >= 0) {
    if (UniformFloat(draft, pad.inputs[2]) != 0.0f) return {};
  } else if (table.value != 0.0f) {
    return {};
  }
  const size_t rank = pads.size() / 2;
  if (pads.size() % 2 != 0 || rank < 3 || pads[0] != 0 || pads[1] != 0 ||
      pads[rank] != 0 || pads[rank + 1] != 0)
    return {};
  std::vector<int32_t> spatial;
  for (size_t i = 0; i < pads.size(); ++i) {
    if (pads[i] < 0 || pads[i] > (1 << 20)) return {};
    if (i % rank >= 2) spatial.push_back(static_cast<int32_t>(pads[i]));
  }
  return spatial;
}

template <class Table>
bool AddPads(const std::vector<int32_t>& more, Table* table) {
  if (table->pad_mode == fbs::PadMode::valid)
    table->pad_mode = fbs::PadMode::explicit_;
  if (table->pads.empty()) table->pads.assign(more.size(), 0);
  if (table->pad_mode != fbs::PadMode::explicit_ ||
      table->pads.size() != more.size())
    return false;
  for (size_t i = 0; i < more.size(); ++i) table->pads[i] += more[i];
  return true;
}

// An average over zero padding counts the padding; the pool has none of its
// own, so every window lies inside.
bool AddPoolPads(const std::vector<int32_t>& more, fbs::PoolT* pool) {
  const bool is_plain = std::all_of(pool->pads.begin(), pool->pads.end(),
                                    [](int32_t pad) { return pad == 0; });
  if (pool->kind != fbs::PoolKind::average || pool->kernel.empty() ||
      pool->ceil_mode || !is_plain)
    return false;
  if (!AddPads(more, pool)) return false;
  pool->count_include_pad = true;
  return true;
}

}  // namespace

void RemoveNoOps(NetDraft* draft) {
  GraphEditor editor(draft);
  for (size_t i = 0; i < editor.num_nodes(); ++i) {
    fbs::NodeT* node = editor.NodeAt(i);
    if (node == nullptr) continue;
    const std::optional<size_t> input = PassedThrough(*draft, *node);
    if (input.has_value()) RemoveNoOp(&editor, node, node->inputs[*input]);
  }
  editor.Finish();
}

void MergeMovement(NetDraft* draft) {
  GraphEditor editor(draft);
  for (size_t i = 0; i < editor.num_nodes(); ++i) {
    fbs::NodeT* node = editor.NodeAt(i);
    if (node == nullptr || node->inputs.empty() || node->inputs[0] < 0)
      continue;
    if (node->op.type == fbs::Op::Transpose) MergeTransposes(&editor, node);
    if (node->op.type == fbs::Op::Reshape) MergeReshapes(&editor, node);
  }
  editor.Finish();
  RemoveDeadNodes(draft);
  RemoveNoOps(draft);
}

void FoldPadding(NetDraft* draft) {
  GraphEditor editor(draft);
  for (size_t i = 0; i < editor.num_nodes(); ++i) {
    fbs::NodeT* node = editor.NodeAt(i);
    const bool reads_padding =
        node != nullptr &&
        (node->op.type == fbs::Op::Conv || node->op.type == fbs::Op::Pool);
    if (!reads_padding || node->inputs.empty()) continue;
    fbs::NodeT* pad = editor.OnlyProducer(node->inputs[0], fbs::Op::Pad);
    if (pad == nullptr) continue;
    const std::vector<int32_t> pads = SpatialZeroPads(*draft, *pad);
    if (pads.empty()) continue;
    const bool added = node->op.type == fbs::Op::Conv
                           ? AddPads(pads, node->op.AsConv())
                           : AddPoolPads(pads, node->op.AsPool());
    if (!added) continue;
    editor.Note("moved the padding of " + SourceNames(*pad) + " into " +
                SourceNames(*node));
    std::vector<int32_t> inputs = node->inputs;
    inputs[0] = pad->inputs[0];
    GraphEditor::JoinNames(*pad, node);
    editor.Remove(pad);
    editor.SetInputs(node, std::move(inputs));
  }
  editor.Finish();
}

}  // namespace aneref
