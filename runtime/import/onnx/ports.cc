// The graph's inputs, outputs, initializers and metadata.
#include <algorithm>

#include "runtime/import/onnx/converter.h"

namespace aneref::onnx {
namespace {

// Names that exporters write for "unknown", which do not mean "the same size".
bool NamesASize(const std::string& name) {
  return !name.empty() && name != "?" && name != "None" && name != "-1";
}

Expected<const TypeProto::Tensor*> TensorTypeOf(const ValueInfoProto& info,
                                                const std::string& what) {
  const TypeProto& type = info.type();
  if (type.has_sequence_type())
    return Unsupported(what + " is a sequence; only tensors are supported");
  if (type.has_map_type())
    return Unsupported(what + " is a map; only tensors are supported");
  if (type.has_optional_type())
    return Unsupported(what + " is an optional; only tensors are supported");
  if (!type.has_tensor_type()) return Unsupported(what + " has no tensor type");
  return &type.tensor_type();
}

// Extents as the source declares them: -1 for unknown ones.
Status SetDeclaredShape(const TypeProto::Tensor& type, fbs::TensorT* tensor) {
  std::vector<int64_t> dims;
  std::vector<std::string> names;
  for (const TensorShapeProto::Dimension& dim : type.shape().dim()) {
    const bool known = dim.has_dim_value() && dim.dim_value() >= 0;
    dims.push_back(known ? dim.dim_value() : -1);
    names.push_back(!known && NamesASize(dim.dim_param()) ? dim.dim_param()
                                                          : "");
  }
  std::vector<int64_t> extents = dims;
  std::replace(extents.begin(), extents.end(), int64_t{-1}, int64_t{1});
  ANEREF_TRY(MakeShape(extents).status());
  const bool has_names =
      std::any_of(names.begin(), names.end(),
                  [](const std::string& name) { return !name.empty(); });
  tensor->shape = std::move(dims);
  tensor->shape_names =
      has_names ? std::move(names) : std::vector<std::string>();
  tensor->has_shape = true;
  return Status();
}

std::vector<std::string> SplitAtCommas(const std::string& text) {
  std::vector<std::string> parts(1);
  for (char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

fbs::ImageLayout ImageLayoutOf(const std::string& name) {
  if (name == "rgb") return fbs::ImageLayout::rgb;
  if (name == "bgr") return fbs::ImageLayout::bgr;
  if (name == "grayscale") return fbs::ImageLayout::grayscale;
  return fbs::ImageLayout::none;
}

}  // namespace

Status Converter::ConvertInitializers(GraphProto* graph, Scope* scope,
                                      std::span<DraftBytes> raw_data) {
  auto add = [&](const std::string& name, Expected<DraftConstant> constant) {
    if (!constant.ok()) return constant.status();
    const auto bound = scope->bound.find(name);
    const int32_t tensor =
        bound != scope->bound.end() ? bound->second : NewValue(name, scope);
    const DataType declared =
        OnnxDeclaredType(constant->stored, session_.options.precision);
    TensorAt(*session_.draft, tensor).dtype =
        static_cast<fbs::DataType>(declared);
    SetConstant(session_.draft, tensor, std::move(constant).value());
    session_.defined[static_cast<size_t>(tensor)] = true;
    return Define(name, tensor, scope);
  };
  for (int i = 0; i < graph->initializer_size(); ++i) {
    TensorProto& tensor = *graph->mutable_initializer(i);
    if (tensor.name().empty())
      return InvalidFile("", "an initializer has no name");
    DraftBytes raw;
    if (!raw_data.empty()) raw = std::move(raw_data[static_cast<size_t>(i)]);
    ANEREF_TRY(add(tensor.name(),
                   ReadTensor(tensor, session_.external, std::move(raw))));
    if (IsFourBit(tensor.data_type()))
      session_.four_bit.insert(scope->values.at(tensor.name()));
    TensorProto().Swap(&tensor);  // its bytes are not needed any more
  }
  for (const SparseTensorProto& tensor : graph->sparse_initializer()) {
    ANEREF_TRY(add(tensor.values().name(),
                   ReadSparseTensor(tensor, session_.external)));
  }
  return Status();
}

Status Converter::ConvertInputs(const GraphProto& graph, Scope* scope) {
  for (const ValueInfoProto& info : graph.input()) {
    // Listed initializers are constants (before IR version 4 all of them are
    // listed).
    if (scope->values.contains(info.name())) continue;
    const std::string what = "graph input \"" + info.name() + "\"";
    ANEREF_ASSIGN(const TypeProto::Tensor* type, TensorTypeOf(info, what));
    const Expected<DataType> source = SourceType(type->elem_type());
    if (!source.ok()) return source.status().WithContext(what);
    if (!type->has_shape()) return Unsupported(what + " has no rank");
    const int32_t tensor = NewValue(info.name(), scope);
    fbs::TensorT& value = TensorAt(*session_.draft, tensor);
    value.dtype = static_cast<fbs::DataType>(
        OnnxDeclaredType(*source, session_.options.precision));
    ANEREF_TRY(SetDeclaredShape(*type, &value).WithContext(what));
    session_.defined[static_cast<size_t>(tensor)] = true;
    if (IsFourBit(type->elem_type())) session_.four_bit.insert(tensor);
    ANEREF_TRY(Define(info.name(), tensor, scope));
    auto port = std::make_unique<fbs::PortT>();
    port->tensor = tensor;
    port->declared = static_cast<fbs::DataType>(*source);
    port->description = info.doc_string();
    MainGraph(*session_.draft).inputs.push_back(std::move(port));
  }
  return Status();
}

// The type of a floating output whose file declares none: that of a network in
// fp16 when its inputs are, else float32, which the import computes in fp16.
DataType UndeclaredType(const fbs::GraphT& graph, DataType computed) {
  const bool is_half_network = std::any_of(
      graph.inputs.begin(), graph.inputs.end(), [](const auto& input) {
        return input->declared == fbs::DataType::float16;
      });
  return computed == DataType::kFloat16 && !is_half_network ? DataType::kFloat32
                                                            : computed;
}

Status Converter::ConvertOutputs(const GraphProto& graph, const Scope& scope) {
  if (graph.output_size() == 0)
    return InvalidFile("", "the graph has no outputs");
  for (const ValueInfoProto& info : graph.output()) {
    const std::string what = "graph output \"" + info.name() + "\"";
    ANEREF_ASSIGN(const int32_t tensor, Lookup(info.name(), scope, what));
    fbs::TensorT& value = TensorAt(*session_.draft, tensor);
    auto port = std::make_unique<fbs::PortT>();
    port->tensor = tensor;
    port->declared = static_cast<fbs::DataType>(UndeclaredType(
        MainGraph(*session_.draft), static_cast<DataType>(value.dtype)));
    if (info.type().has_tensor_type()) {
      const TypeProto::Tensor& type = info.type().tensor_type();
      const Expected<DataType> source = SourceType(type.elem_type());
      // A declared type can be wrong: it counts only for the width of floating
      // values.
      if (source.ok() && IsFloating(*source) &&
          IsFloating(static_cast<DataType>(value.dtype)))
        port->declared = static_cast<fbs::DataType>(*source);
      if (type.has_shape() && !value.has_shape)
        ANEREF_TRY(SetDeclaredShape(type, &value).WithContext(what));
    }
    port->description = info.doc_string();
    MainGraph(*session_.draft).outputs.push_back(std::move(port));
  }
  return Status();
}

// The file's own properties, and the project's keys among them: labels of
// outputs, layouts of image inputs.
void Converter::AddMetadata() {
  constexpr std::string_view kLabels = "aneref.labels.",
                             kImage = "aneref.image.";
  fbs::NetT& net = session_.draft->net;
  fbs::GraphT& graph = MainGraph(*session_.draft);
  auto port_named = [&](std::vector<std::unique_ptr<fbs::PortT>>& ports,
                        const std::string& name) -> fbs::PortT* {
    for (auto& port : ports) {
      if (TensorAt(*session_.draft, port->tensor).name == name)
        return port.get();
    }
    return nullptr;
  };
  for (const StringStringEntryProto& entry : model_.metadata_props()) {
    auto property = std::make_unique<fbs::PropertyT>();
    property->key = entry.key();
    property->value = entry.value();
    net.metadata.push_back(std::move(property));
    if (entry.key().starts_with(kLabels)) {
      fbs::PortT* port =
          port_named(graph.outputs, entry.key().substr(kLabels.size()));
      if (port != nullptr) port->labels = SplitAtCommas(entry.value());
    }
    if (entry.key().starts_with(kImage)) {
      fbs::PortT* port =
          port_named(graph.inputs, entry.key().substr(kImage.size()));
      if (port != nullptr) port->image = ImageLayoutOf(entry.value());
    }
  }
  const auto opset = opsets_.find("");
  net.source = "onnx opset " +
               std::to_string(opset == opsets_.end() ? 1 : opset->second);
  if (!model_.producer_name().empty()) {
    net.source +=
        " (" + model_.producer_name() +
        (model_.producer_version().empty() ? ""
                                           : " " + model_.producer_version()) +
        ")";
  }
}

}  // namespace aneref::onnx
