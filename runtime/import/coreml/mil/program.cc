// See program.h.
#include "runtime/import/coreml/mil/program.h"

#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

// After unrolling: nested loops could multiply without end.
constexpr size_t kMaxOperations = 200000;

const Function* FindFunction(const Program& program, const std::string& asked,
                             const std::string& standard, std::string* name) {
  *name = asked;
  if (name->empty()) *name = standard;
  if (name->empty()) *name = "main";
  const auto found = program.functions().find(*name);
  if (found != program.functions().end()) return &found->second;
  if (asked.empty() && program.functions().size() == 1) {
    *name = program.functions().begin()->first;
    return &program.functions().begin()->second;
  }
  return nullptr;
}

std::string FunctionNames(const Program& program) {
  std::set<std::string> names;
  for (const auto& [name, function] : program.functions()) names.insert(name);
  std::string text;
  for (const std::string& name : names)
    text += (text.empty() ? "" : ", ") + name;
  return text;
}

const Block* FindBlock(const Function& function) {
  const auto& blocks = function.block_specializations();
  const auto found = blocks.find(function.opset());
  if (found != blocks.end()) return &found->second;
  return blocks.size() == 1 ? &blocks.begin()->second : nullptr;
}

template <class Description>
void AddFeatures(const Description& from, Features* features) {
  for (const FeatureDescription& feature : from.input())
    features->inputs.push_back(&feature);
  for (const FeatureDescription& feature : from.output())
    features->outputs.push_back(&feature);
  for (const FeatureDescription& feature : from.state())
    features->states.push_back(&feature);
  features->predicted = from.predictedfeaturename();
  features->probabilities = from.predictedprobabilitiesname();
}

Features FeaturesOf(const ModelDescription& description,
                    const std::string& function) {
  Features features;
  for (const FunctionDescription& candidate : description.functions()) {
    if (candidate.name() == function) AddFeatures(candidate, &features);
  }
  if (features.inputs.empty() && features.outputs.empty())
    AddFeatures(description, &features);
  return features;
}

// Where nothing else tells the rank, the program's own type does; a list has
// its length in front.
void LearnShape(const ValueType& type, fbs::TensorT* tensor) {
  if (tensor->has_shape) return;
  const bool is_list = type.has_listtype();
  const ValueType& element = is_list ? type.listtype().type() : type;
  if (!element.has_tensortype()) return;
  std::vector<int64_t> dims;
  const auto add = [&](const Dimension& dimension) {
    const bool known =
        dimension.has_constant() &&
        dimension.constant().size() <= static_cast<uint64_t>(kMaxElements);
    dims.push_back(known ? static_cast<int64_t>(dimension.constant().size())
                         : -1);
    return !dimension.unknown().variadic();
  };
  if (is_list) dims.push_back(-1);  // lists may grow
  for (const Dimension& dimension : element.tensortype().dimensions()) {
    if (!add(dimension)) return;
  }
  if (dims.size() > kMaxRank) return;
  tensor->shape = dims;
  tensor->has_shape = true;
}

}  // namespace

ProgramConverter::ProgramConverter(const Source& source, NetDraft* draft)
    : source_(source),
      precision_(source.options.precision == Precision::kDefault
                     ? Precision::kSource
                     : source.options.precision),
      context_{draft, ConstantFolder(draft), {}} {}

Status ProgramConverter::Run() {
  const Program& program = source_.model.mlprogram();
  const ModelDescription& description = source_.model.description();
  std::string name;
  const Function* function =
      FindFunction(program, source_.options.function,
                   description.defaultfunctionname(), &name);
  if (function == nullptr)
    return InvalidArgument("there is no function \"" + name +
                           "\"; the program has: " + FunctionNames(program));
  const Block* block = FindBlock(*function);
  if (block == nullptr)
    return InvalidFile("", "function \"" + name +
                               "\" has no block for op set " +
                               function->opset());
  NetDraft& draft = *context_.draft;
  draft.net.graphs.clear();
  draft.net.graphs.push_back(std::make_unique<fbs::GraphT>());
  MainGraph(draft).name = name;
  const Features features = FeaturesOf(description, name);
  const std::string what = "function \"" + name + "\"";
  ANEREF_TRY(ConvertInputs(*function, features).WithContext(what));
  ANEREF_TRY(ConvertBlock(*block, &top_).WithContext(what));
  ANEREF_TRY(ConvertOutputs(*block, features).WithContext(what));
  ConvertStatePorts();
  return Status();
}

int32_t ProgramConverter::NewValue(const std::string& name) {
  std::string unique = name;
  int& uses = used_names_[name];
  if (uses++ > 0) {
    do {
      unique = name + "/" + std::to_string(uses++);
    } while (!used_names_.emplace(unique, 1).second);
  }
  context_.defined.push_back(false);
  return AddTensor(context_.draft, unique, DataType::kFloat16);
}

Status ProgramConverter::Define(const std::string& name, Item item,
                                Scope* scope) {
  if (scope->items.emplace(name, std::move(item)).second) return Status();
  return InvalidFile("", "value \"" + name + "\" has two sources");
}

Expected<Item*> ProgramConverter::Lookup(const std::string& name,
                                         Scope* scope) {
  for (Scope* s = scope; s != nullptr; s = s->outer) {
    const auto found = s->items.find(name);
    if (found != s->items.end()) return &found->second;
  }
  if (parent_ != nullptr) return Capture(name);
  return InvalidFile("", "reads \"" + name +
                             "\", which nothing before it "
                             "computes");
}

ItemFinder ProgramConverter::FinderOf(Scope* scope) {
  // Values written in place are read once per operation.
  auto in_place = std::make_shared<std::map<const Value*, Item>>();
  return [this, scope,
          in_place](const Argument::Binding& binding) -> Expected<Item*> {
    if (binding.has_name()) return Lookup(binding.name(), scope);
    if (!binding.has_value()) return InvalidFile("", "an operand is empty");
    const auto known = in_place->find(&binding.value());
    if (known != in_place->end()) return &known->second;
    ANEREF_ASSIGN(RawValue raw, ReadValue(binding.value(), source_.package));
    Item& item = (*in_place)[&binding.value()];
    item.raw = std::make_shared<const RawValue>(std::move(raw));
    return &item;
  };
}

Lowering ProgramConverter::MakeLowering(const Operation& op, Scope* scope,
                                        std::vector<int32_t> outputs) {
  return Lowering(&context_, precision_, op, "", FinderOf(scope),
                  std::move(outputs));
}

Status ProgramConverter::ConvertBlock(const Block& block, Scope* scope) {
  for (const Operation& op : block.operations()) {
    if (++num_converted_ > kMaxOperations)
      return LimitError("over " + std::to_string(kMaxOperations) +
                        " operations");
    const Status status = ConvertOperation(op, scope);
    if (status.ok()) continue;
    // What is refused is named here; deeper operations were named already.
    if (status.message().starts_with("op \"")) return status;
    if (status.code() == StatusCode::kUnsupported) {
      const std::string& why = status.message();
      return Unsupported(DescribeOperation(op) +
                         (why.starts_with("is not supported") ? " " : ": ") +
                         why);
    }
    return status.WithContext(DescribeOperation(op));
  }
  return Status();
}

Status ProgramConverter::ConvertOperation(const Operation& op, Scope* scope) {
  const std::string& type = op.type();
  if (type == "const") return ConvertConst(op, scope);
  if (type == "cond") return ConvertCond(op, scope);
  if (type == "while_loop") return ConvertWhile(op, scope);
  Lowering node = MakeLowering(op, scope);
  if (type.starts_with("constexpr_")) return ConvertConstexpr(op, &node, scope);
  if (type == "read_state" || type == "write_state" ||
      type == "coreml_update_state")
    return ConvertState(op, &node, scope);
  if (type == "classify") return ConvertClassify(op, &node, scope);
  return ConvertTabled(op, scope);
}

Status ProgramConverter::ConvertConst(const Operation& op, Scope* scope) {
  const auto value = op.attributes().find("val");
  if (value == op.attributes().end() || op.outputs_size() != 1)
    return InvalidFile("", "has no value");
  ANEREF_ASSIGN(RawValue raw, ReadValue(value->second, source_.package));
  Item item;
  item.raw = std::make_shared<const RawValue>(std::move(raw));
  return Define(op.outputs(0).name(), std::move(item), scope);
}

Status ProgramConverter::ConvertTabled(const Operation& op, Scope* scope) {
  const OperationRow* row = FindRow(op.type());
  const char* why = WhyRefused(op.type());
  if (why != nullptr)
    return Unsupported(std::string("is not supported: ") + why);
  if (row == nullptr) return Unsupported("is not supported");
  if (op.outputs_size() == 0) return InvalidFile("", "has no output");
  std::vector<int32_t> outputs;
  for (const NamedValueType& output : op.outputs())
    outputs.push_back(NewValue(output.name()));
  Lowering node = MakeLowering(op, scope, outputs);
  row->lower(node);
  ANEREF_TRY(node.status());
  for (int i = 0; i < op.outputs_size(); ++i) {
    int32_t& tensor = outputs[static_cast<size_t>(i)];
    if (!context_.defined[static_cast<size_t>(tensor)]) continue;
    ANEREF_TRY(SettleType(op.outputs(i), &node, &tensor));
    LearnShape(op.outputs(i).type(), &TensorAt(*context_.draft, tensor));
    Item item;
    item.tensor = tensor;
    ANEREF_TRY(Define(op.outputs(i).name(), std::move(item), scope));
  }
  return Status();
}

Status ProgramConverter::SettleType(const NamedValueType& output,
                                    Lowering* node, int32_t* tensor) {
  if (!output.type().has_tensortype()) return Status();
  ANEREF_ASSIGN(const DataType element,
                ElementType(output.type().tensortype().datatype()));
  const DataType wanted = DeclaredType(element, precision_);
  if (TypeOf(*context_.draft, *tensor) == wanted) return Status();
  // The computed tensor gives its name away.
  const int32_t settled = node->NewTensor();
  std::swap(TensorAt(*context_.draft, settled).name,
            TensorAt(*context_.draft, *tensor).name);
  node->Emit(CastTo(wanted), {*tensor}, {settled});
  *tensor = settled;
  return node->status();
}

Status ProgramConverter::ConvertState(const Operation& op, Lowering* node,
                                      Scope* scope) {
  const std::string operand = node->Has("input") ? "input" : "state";
  const Item* found = node->Find(operand);
  ANEREF_TRY(node->status());
  if (found == nullptr || found->state < 0)
    return InvalidFile("", "operand '" + operand + "' is no state");
  StateSlot& state = states_[static_cast<size_t>(found->state)];
  if (op.type() != "read_state") {
    if (scope != &top_)
      return Unsupported("is not supported inside of branches and loops");
    const int32_t value = node->Need(node->Has("data") ? "data" : "value");
    ANEREF_TRY(node->status());
    if (node->TypeOf(value) != node->TypeOf(state.input))
      return InvalidFile("", "the state has another type");
    state.current = value;
  }
  Item item;
  item.tensor = state.current;
  return op.outputs_size() == 0
             ? Status()
             : Define(op.outputs(0).name(), std::move(item), scope);
}

Status ProgramConverter::ConvertClassify(const Operation& op, Lowering* node,
                                         Scope* scope) {
  const int32_t probabilities = node->Need("probabilities");
  std::vector<std::string> labels = node->Strings("classes");
  if (labels.empty()) {
    for (int64_t label : node->Ints("classes"))
      labels.push_back(std::to_string(label));
  }
  ANEREF_TRY(node->status());
  if (op.outputs_size() != 2) return InvalidFile("", "must have two outputs");
  const int32_t copy = NewValue(op.outputs(1).name());
  fbs::ReshapeT flat;  // the dictionary has no axes but that of the labels
  flat.shape = {static_cast<int64_t>(labels.size())};
  node->Emit(flat, {probabilities}, {copy});
  ANEREF_TRY(node->status());
  labels_[op.outputs(1).name()] = std::move(labels);
  Item item;
  item.tensor = copy;
  return Define(op.outputs(1).name(), std::move(item), scope);
}

}  // namespace aneref::coreml::mil
