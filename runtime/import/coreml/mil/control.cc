// cond and while_loop. What constants decide is decided here: a branch whose
// condition is known is taken, a loop whose conditions are known is unrolled.
// The rest becomes bodies that run on the host.
#include <algorithm>

#include "runtime/import/coreml/mil/program.h"

namespace aneref::coreml::mil {
namespace {

constexpr int kMaxDepth = 16;
// More iterations stay a loop.
constexpr int kMaxUnrolled = 64;

std::unique_ptr<fbs::PortT> PlainPort(int32_t tensor) {
  auto port = std::make_unique<fbs::PortT>();
  port->tensor = tensor;
  return port;
}

// The value of a condition when it is a constant.
std::optional<bool> KnownCondition(const NetDraft& draft, int32_t tensor) {
  if (!IsConstant(draft, tensor)) return std::nullopt;
  const std::vector<int64_t> values = ConstantInts(draft, tensor);
  return values.size() == 1 ? std::optional<bool>(values[0] != 0)
                            : std::nullopt;
}

}  // namespace

ProgramConverter::ProgramConverter(ProgramConverter* parent,
                                   Scope* parent_scope, NetDraft* draft)
    : source_(parent->source_),
      precision_(parent->precision_),
      context_{draft, ConstantFolder(draft), {}},
      num_converted_(parent->num_converted_),
      depth_(parent->depth_ + 1),
      parent_(parent),
      parent_scope_(parent_scope) {
  draft->net.graphs.push_back(std::make_unique<fbs::GraphT>());
}

Expected<Item*> ProgramConverter::Capture(const std::string& name) {
  ANEREF_ASSIGN(Item* const outer, parent_->Lookup(name, parent_scope_));
  Item inner = *outer;
  if (outer->state >= 0)
    return Unsupported("is not supported: a state inside of a branch or loop");
  if (outer->tensor >= 0) {
    const NetDraft& from = *parent_->context_.draft;
    const fbs::TensorT& source = TensorAt(from, outer->tensor);
    inner.tensor = NewValue(name);
    fbs::TensorT& target = TensorAt(*context_.draft, inner.tensor);
    target.dtype = source.dtype;
    context_.defined[static_cast<size_t>(inner.tensor)] = true;
    if (IsConstant(from, outer->tensor)) {
      SetConstant(context_.draft, inner.tensor,
                  ConstantOf(from, outer->tensor));
    } else {
      target.shape = source.shape;
      target.has_shape = source.has_shape;
      captured_outer_.push_back(outer->tensor);
      captured_inner_.push_back(inner.tensor);
    }
  }
  return &top_.items.emplace(name, std::move(inner)).first->second;
}

Expected<std::vector<int32_t>> ProgramConverter::Inline(
    const Block& block, Scope* outer, const std::vector<int32_t>& arguments) {
  if (static_cast<size_t>(block.inputs_size()) != arguments.size())
    return InvalidFile(
        "", "a block takes " + std::to_string(block.inputs_size()) +
                " inputs, " + std::to_string(arguments.size()) + " are given");
  if (depth_ >= kMaxDepth) return LimitError("blocks are nested too deeply");
  Scope scope;
  scope.outer = outer;
  for (size_t i = 0; i < arguments.size(); ++i) {
    Item item;
    item.tensor = arguments[i];
    ANEREF_TRY(Define(block.inputs(static_cast<int>(i)).name(), std::move(item),
                      &scope));
  }
  ++depth_;
  const Status status = ConvertBlock(block, &scope);
  --depth_;
  ANEREF_TRY(status);
  std::vector<int32_t> results;
  for (const std::string& name : block.outputs()) {
    Operation op;
    op.set_type("identity");
    (*op.mutable_inputs())["x"].add_arguments()->set_name(name);
    Lowering node = MakeLowering(op, &scope);
    results.push_back(node.Need("x"));
    ANEREF_TRY(
        node.status().WithContext("the block's output \"" + name + "\""));
  }
  return results;
}

Status ProgramConverter::DefineOutputs(const Operation& op,
                                       const std::vector<int32_t>& tensors,
                                       Scope* scope) {
  if (static_cast<size_t>(op.outputs_size()) != tensors.size())
    return InvalidFile("", "has " + std::to_string(op.outputs_size()) +
                               " outputs, its block " +
                               std::to_string(tensors.size()));
  for (size_t i = 0; i < tensors.size(); ++i) {
    Item item;
    item.tensor = tensors[i];
    ANEREF_TRY(
        Define(op.outputs(static_cast<int>(i)).name(), std::move(item), scope));
  }
  return Status();
}

Status ProgramConverter::ConvertCond(const Operation& op, Scope* scope) {
  Lowering node = MakeLowering(op, scope);
  const int32_t condition = node.Need("pred");
  ANEREF_TRY(node.status());
  if (op.blocks_size() != 2) return InvalidFile("", "needs two blocks");
  const std::optional<bool> known = KnownCondition(*context_.draft, condition);
  if (!known.has_value()) return EmitBranch(op, scope, condition);
  ANEREF_ASSIGN(const std::vector<int32_t> results,
                Inline(op.blocks(*known ? 0 : 1), scope, {}));
  return DefineOutputs(op, results, scope);
}

void ProgramConverter::FinishBody(const std::vector<int32_t>& results) {
  fbs::GraphT& graph = MainGraph(*context_.draft);
  for (int32_t tensor : results) graph.outputs.push_back(PlainPort(tensor));
  for (int32_t tensor : captured_inner_)
    graph.inputs.push_back(PlainPort(tensor));
}

Status ProgramConverter::ConvertBody(const Operation& op, const Block& block) {
  ANEREF_ASSIGN(const std::vector<int32_t> results, Inline(block, &top_, {}));
  if (results.size() != static_cast<size_t>(op.outputs_size()))
    return InvalidFile("", "a block gives another number of outputs");
  FinishBody(results);
  return Status();
}

Status ProgramConverter::EmitBranch(const Operation& op, Scope* scope,
                                    int32_t condition) {
  fbs::ControlT control;
  std::vector<int32_t> inputs = {condition};
  for (const Block& block : op.blocks()) {
    NetDraft draft;
    ProgramConverter body(this, scope, &draft);
    ANEREF_TRY(body.ConvertBody(op, block));
    num_converted_ = body.num_converted_;
    inputs.insert(inputs.end(), body.captured_outer_.begin(),
                  body.captured_outer_.end());
    control.captured.push_back(
        static_cast<int32_t>(body.captured_outer_.size()));
    control.bodies.push_back(AppendGraphs(context_.draft, std::move(draft)));
  }
  Lowering node = MakeLowering(op, scope);
  std::vector<int32_t> outputs;
  for (const NamedValueType& output : op.outputs())
    outputs.push_back(NewValue(output.name()));
  node.Emit(std::move(control), inputs, outputs);
  ANEREF_TRY(node.status());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const int32_t type = node.OutType(i);
    if (type == 0) continue;
    ANEREF_ASSIGN(const DataType element, ElementType(type));
    TensorAt(*context_.draft, outputs[i]).dtype =
        static_cast<fbs::DataType>(DeclaredType(element, precision_));
  }
  return DefineOutputs(op, outputs, scope);
}

Status ProgramConverter::ConvertWhile(const Operation& op, Scope* scope) {
  Lowering node = MakeLowering(op, scope);
  std::vector<int32_t> variables = node.All("loop_vars");
  ANEREF_TRY(node.status());
  if (op.blocks_size() != 2 || variables.empty())
    return InvalidFile("", "needs two blocks and loop variables");
  bool finished = false;
  ANEREF_TRY(Unroll(op, scope, &variables, &finished));
  return finished ? DefineOutputs(op, variables, scope)
                  : EmitLoop(op, scope, variables);
}

// Runs iterations while the condition is a constant. What it emitted for a
// condition that is none is not needed and goes with the dead nodes.
Status ProgramConverter::Unroll(const Operation& op, Scope* scope,
                                std::vector<int32_t>* variables,
                                bool* finished) {
  for (int i = 0; i < kMaxUnrolled; ++i) {
    ANEREF_ASSIGN(const std::vector<int32_t> condition,
                  Inline(op.blocks(0), scope, *variables));
    if (condition.size() != 1)
      return InvalidFile("", "its condition must be one value");
    const std::optional<bool> known =
        KnownCondition(*context_.draft, condition[0]);
    *finished = known.has_value() && !*known;
    if (!known.has_value() || *finished) return Status();
    ANEREF_ASSIGN(std::vector<int32_t> next,
                  Inline(op.blocks(1), scope, *variables));
    if (next.size() != variables->size())
      return InvalidFile("", "its body gives another number of variables");
    *variables = std::move(next);
  }
  return Status();
}

Status ProgramConverter::ConvertLoopBody(
    const Operation& op, const std::vector<int32_t>& variables) {
  fbs::GraphT& graph = MainGraph(*context_.draft);
  const auto add = [&](DataType type) {
    const int32_t tensor = NewValue("");
    TensorAt(*context_.draft, tensor).dtype = static_cast<fbs::DataType>(type);
    context_.defined[static_cast<size_t>(tensor)] = true;
    graph.inputs.push_back(PlainPort(tensor));
    return tensor;
  };
  add(DataType::kInt64);  // the iteration
  add(DataType::kBool);   // the condition
  const NetDraft& from = *parent_->context_.draft;
  std::vector<int32_t> carried;
  for (int32_t variable : variables) {
    carried.push_back(add(TypeOf(from, variable)));
    // Extents may change between iterations, the rank does not.
    const std::optional<size_t> rank = RankOf(TensorAt(from, variable));
    if (!rank.has_value()) continue;
    fbs::TensorT& tensor = TensorAt(*context_.draft, carried.back());
    tensor.has_shape = true;
    tensor.shape.assign(*rank, -1);
  }
  ANEREF_ASSIGN(std::vector<int32_t> next,
                Inline(op.blocks(1), &top_, carried));
  ANEREF_ASSIGN(const std::vector<int32_t> condition,
                Inline(op.blocks(0), &top_, next));
  if (condition.size() != 1 || next.size() != variables.size())
    return InvalidFile("", "its blocks give another number of values");
  next.insert(next.begin(), condition[0]);
  FinishBody(next);
  return Status();
}

Status ProgramConverter::EmitLoop(const Operation& op, Scope* scope,
                                  const std::vector<int32_t>& variables) {
  ANEREF_ASSIGN(const std::vector<int32_t> condition,
                Inline(op.blocks(0), scope, variables));
  NetDraft draft;
  ProgramConverter body(this, scope, &draft);
  ANEREF_TRY(body.ConvertLoopBody(op, variables));
  num_converted_ = body.num_converted_;
  std::vector<int32_t> inputs = {-1, condition[0]};
  inputs.insert(inputs.end(), variables.begin(), variables.end());
  inputs.insert(inputs.end(), body.captured_outer_.begin(),
                body.captured_outer_.end());
  fbs::ControlT control;
  control.kind = fbs::ControlKind::loop;
  control.captured = {static_cast<int32_t>(body.captured_outer_.size())};
  control.bodies = {AppendGraphs(context_.draft, std::move(draft))};
  Lowering node = MakeLowering(op, scope);
  std::vector<int32_t> outputs;
  for (const NamedValueType& output : op.outputs())
    outputs.push_back(NewValue(output.name()));
  node.Emit(std::move(control), inputs, outputs);
  ANEREF_TRY(node.status());
  for (size_t i = 0; i < outputs.size() && i < variables.size(); ++i) {
    const fbs::TensorT& from = TensorAt(*context_.draft, variables[i]);
    TensorAt(*context_.draft, outputs[i]).dtype = from.dtype;
    TensorAt(*context_.draft, outputs[i]).has_shape = from.has_shape;
    TensorAt(*context_.draft, outputs[i]).shape.assign(from.shape.size(), -1);
  }
  return DefineOutputs(op, outputs, scope);
}

}  // namespace aneref::coreml::mil
