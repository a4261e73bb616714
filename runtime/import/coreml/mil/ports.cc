// Inputs, outputs and states of a function: features of the description joined
// with the program's own types.
#include <algorithm>

#include "runtime/import/coreml/mil/program.h"

namespace aneref::coreml::mil {
namespace {

const FeatureDescription* FindFeature(
    const std::vector<const FeatureDescription*>& features,
    const std::string& name) {
  for (const FeatureDescription* feature : features) {
    if (feature->name() == name) return feature;
  }
  return nullptr;
}

// The program's extents; -1 where it leaves them open. An extent that the
// feature fixes is fixed.
Expected<std::vector<int64_t>> ShapeOf(const ValueTensorType& type,
                                       const FeatureDescription* feature) {
  std::vector<int64_t> dims;
  for (const Dimension& dimension : type.dimensions()) {
    if (dimension.has_constant() &&
        dimension.constant().size() > static_cast<uint64_t>(kMaxElements))
      return InvalidFile("", "an extent is beyond all bounds");
    if (dimension.unknown().variadic())
      return Unsupported("an input of any rank is not supported");
    dims.push_back(dimension.has_constant()
                       ? static_cast<int64_t>(dimension.constant().size())
                       : -1);
  }
  if (feature == nullptr) return dims;
  const Expected<std::vector<int64_t>> declared = FeatureShape(*feature);
  if (!declared.ok() || declared->size() != dims.size()) return dims;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] < 0) dims[i] = (*declared)[i];
  }
  return dims;
}

}  // namespace

Status ProgramConverter::ConvertInputs(const Function& function,
                                       const Features& features) {
  for (const NamedValueType& input : function.inputs()) {
    const Status status = input.type().has_statetype()
                              ? ConvertState(input)
                              : ConvertInput(input, features);
    ANEREF_TRY(status.WithContext("input \"" + input.name() + "\""));
  }
  // Ports in the description's order.
  auto& ports = MainGraph(*context_.draft).inputs;
  const auto place = [&](const std::unique_ptr<fbs::PortT>& port) {
    const std::string& name = TensorAt(*context_.draft, port->tensor).name;
    const auto at = std::find_if(
        features.inputs.begin(), features.inputs.end(),
        [&](const FeatureDescription* f) { return f->name() == name; });
    return at - features.inputs.begin();
  };
  std::stable_sort(
      ports.begin(), ports.end(),
      [&](const auto& a, const auto& b) { return place(a) < place(b); });
  return Status();
}

int32_t ProgramConverter::NewInput(const std::string& name, DataType element,
                                   const std::vector<int64_t>& dims) {
  const int32_t tensor = NewValue(name);
  fbs::TensorT& value = TensorAt(*context_.draft, tensor);
  value.dtype = static_cast<fbs::DataType>(DeclaredType(element, precision_));
  value.shape = dims;
  value.has_shape = true;
  context_.defined[static_cast<size_t>(tensor)] = true;
  return tensor;
}

Status ProgramConverter::ConvertInput(const NamedValueType& input,
                                      const Features& features) {
  if (!input.type().has_tensortype())
    return Unsupported("is no tensor, which is not supported");
  const ValueTensorType& type = input.type().tensortype();
  const FeatureDescription* feature =
      FindFeature(features.inputs, input.name());
  ANEREF_ASSIGN(const DataType element, ElementType(type.datatype()));
  ANEREF_ASSIGN(const std::vector<int64_t> dims, ShapeOf(type, feature));
  const int32_t tensor = NewInput(input.name(), element, dims);
  auto port = std::make_unique<fbs::PortT>();
  port->tensor = tensor;
  port->declared = static_cast<fbs::DataType>(element);
  if (feature != nullptr) {
    ANEREF_ASSIGN(port, MakePort(*feature, tensor));
    AddLimits(*feature, dims, port.get());
  }
  MainGraph(*context_.draft).inputs.push_back(std::move(port));
  Item item;
  item.tensor = tensor;
  return Define(input.name(), std::move(item), &top_);
}

Status ProgramConverter::ConvertState(const NamedValueType& input) {
  const ValueType& wrapped = input.type().statetype().wrappedtype();
  if (!wrapped.has_tensortype())
    return Unsupported("is a state of no tensor, which is not supported");
  ANEREF_ASSIGN(const DataType element,
                ElementType(wrapped.tensortype().datatype()));
  ANEREF_ASSIGN(const std::vector<int64_t> dims,
                ShapeOf(wrapped.tensortype(), nullptr));
  if (std::any_of(dims.begin(), dims.end(), [](int64_t d) { return d < 0; }))
    return Unsupported("is a state of unknown size, which is not supported");
  const int32_t tensor = NewInput(input.name(), element, dims);
  Item item;
  item.state = static_cast<int32_t>(states_.size());
  states_.push_back({input.name(), tensor, tensor});
  return Define(input.name(), std::move(item), &top_);
}

Status ProgramConverter::ConvertOutputs(const Block& block,
                                        const Features& features) {
  if (features.outputs.empty()) {
    for (const std::string& name : block.outputs()) {
      FeatureDescription feature;
      feature.set_name(name);
      ANEREF_TRY(AddOutput(feature, name));
    }
    return Status();
  }
  for (const FeatureDescription* feature : features.outputs) {
    const bool is_label = feature->name() == features.predicted &&
                          !features.probabilities.empty();
    if (is_label) continue;  // the labels stand at the probabilities
    const bool is_there =
        std::find(block.outputs().begin(), block.outputs().end(),
                  feature->name()) != block.outputs().end();
    if (!is_there)
      return InvalidFile(
          "", "output \"" + feature->name() + "\" is none of the block's");
    ANEREF_TRY(AddOutput(*feature, feature->name()));
  }
  return Status();
}

Status ProgramConverter::AddOutput(const FeatureDescription& feature,
                                   const std::string& name) {
  ANEREF_ASSIGN(const Item* item, Lookup(name, &top_));
  int32_t tensor = item->tensor;
  // A graph output carries the output's name, whatever gives it.
  if (tensor < 0 || TensorAt(*context_.draft, tensor).name != name ||
      IsConstant(*context_.draft, tensor)) {
    Operation op;
    op.set_type("identity");
    op.add_outputs()->set_name(name);
    (*op.mutable_inputs())["x"].add_arguments()->set_name(name);
    const int32_t copy = NewValue(name);
    Lowering node = MakeLowering(op, &top_, {copy});
    node.Copy(node.Need("x"));
    ANEREF_TRY(node.status().WithContext("output \"" + name + "\""));
    std::string& given = TensorAt(*context_.draft, copy).name;
    if (given != name) {
      for (auto& other : MainGraph(*context_.draft).tensors) {
        if (other->name == name) std::swap(other->name, given);
      }
    }
    tensor = copy;
  }
  auto port = std::make_unique<fbs::PortT>();
  port->tensor = tensor;
  port->description = feature.shortdescription();
  port->image = FeatureLayout(feature);
  port->declared = TensorAt(*context_.draft, tensor).dtype;
  const Expected<DataType> declared = FeatureDataType(feature);
  if (declared.ok() && !feature.type().has_dictionarytype())
    port->declared = static_cast<fbs::DataType>(*declared);
  const auto labels = labels_.find(name);
  if (labels != labels_.end()) port->labels = labels->second;
  MainGraph(*context_.draft).outputs.push_back(std::move(port));
  return Status();
}

void ProgramConverter::ConvertStatePorts() {
  fbs::GraphT& graph = MainGraph(*context_.draft);
  const auto add = [](int32_t tensor, DataType declared, auto* ports) {
    auto port = std::make_unique<fbs::PortT>();
    port->tensor = tensor;
    port->declared = static_cast<fbs::DataType>(declared);
    ports->push_back(std::move(port));
    return static_cast<int32_t>(ports->size() - 1);
  };
  for (const StateSlot& slot : states_) {
    const DataType type = TypeOf(*context_.draft, slot.input);
    auto state = std::make_unique<fbs::StateT>();
    state->name = slot.name;
    state->input = add(slot.input, type, &graph.inputs);
    state->output = add(slot.current, type, &graph.outputs);
    graph.states.push_back(std::move(state));
  }
}

}  // namespace aneref::coreml::mil
