// See converter.h. Branches and loops are in control.cc.
#include "runtime/import/coreml/converter.h"

#include "runtime/import/coreml/table.h"

namespace aneref::coreml {

bool Converter::IsVisible(const std::string& name) const {
  return blobs_.contains(name) ||
         (parent_ != nullptr && parent_->IsVisible(name));
}

Expected<int32_t> Converter::Lookup(const std::string& name,
                                    const std::string& reader) {
  const auto found = blobs_.find(name);
  if (found != blobs_.end()) return found->second;
  if (parent_ != nullptr) return Capture(name, reader);
  return InvalidFile(
      "", reader + " reads \"" + name + "\", which nothing before it computes");
}

Expected<int32_t> Converter::Capture(const std::string& name,
                                     const std::string& reader) {
  const auto known = captured_.find(name);
  if (known != captured_.end()) return known->second;
  ANEREF_ASSIGN(const int32_t outer, parent_->Lookup(name, reader));
  const NetDraft& from = parent_->draft();
  const fbs::TensorT& source = TensorAt(from, outer);
  const int32_t inner = NewNamed(name, static_cast<DataType>(source.dtype));
  if (IsConstant(from, outer)) {
    SetConstant(&draft(), inner, ConstantOf(from, outer));
  } else {
    fbs::TensorT& target = TensorAt(draft(), inner);
    target.shape = source.shape;
    target.has_shape = source.has_shape;
    captured_outer_.push_back(outer);
    captured_inner_.push_back(inner);
  }
  captured_[name] = inner;
  return inner;
}

std::string Converter::Unique(const std::string& name) {
  std::string unique = name;
  for (int number = 1; !used_names_.insert(unique).second; ++number)
    unique = name + "/" + std::to_string(number);
  return unique;
}

int32_t Converter::NewNamed(const std::string& name, DataType type) {
  context_.defined.push_back(true);
  return AddTensor(&draft(), Unique(name), type);
}

void Converter::NameTensor(int32_t tensor, const std::string& name) {
  fbs::TensorT& value = TensorAt(draft(), tensor);
  if (value.name.empty()) value.name = Unique(name);
}

Status Converter::ConvertLayers(const NeuralNetwork& network) {
  constexpr int kMaxLayers = 200000;
  if (network.layers_size() > kMaxLayers)
    return LimitError("has over " + std::to_string(kMaxLayers) + " layers");
  for (const NeuralNetworkLayer& layer : network.layers())
    ANEREF_TRY(ConvertLayer(layer));
  return Status();
}

Status Converter::ConvertLayer(const NeuralNetworkLayer& layer) {
  const auto kind = layer.layer_case();
  const std::string what = DescribeLayer(layer, LayerName(kind));
  if (kind == NeuralNetworkLayer::kBranch)
    return ConvertBranch(layer).WithContext(what);
  if (kind == NeuralNetworkLayer::kLoop)
    return ConvertLoop(layer).WithContext(what);
  const LayerRow* row = FindLayer(kind);
  if (row == nullptr) {
    const RefusedLayer* refused = FindRefused(kind);
    if (refused == nullptr)
      return Unsupported(what + " is not supported: its kind is not known");
    const std::string name =
        layer.has_custom() ? " \"" + layer.custom().classname() + "\"" : "";
    return Unsupported(what + name + " is not supported: " + refused->reason);
  }
  std::vector<int32_t> inputs;
  for (const std::string& name : layer.input()) {
    ANEREF_ASSIGN(const int32_t tensor, Lookup(name, what));
    inputs.push_back(tensor);
  }
  Layer lowered(&context_, layer, row->name, std::move(inputs));
  row->lower(lowered);
  return Finish(lowered, what);
}

Status Converter::Finish(const Layer& lowered, const std::string& what) {
  const Status& status = lowered.status();
  if (!status.ok() && status.code() == StatusCode::kUnsupported &&
      status.message().starts_with("is not supported"))
    return Unsupported(what + " " + status.message());
  if (!status.ok()) return status.WithContext(what);
  const NeuralNetworkLayer& layer = lowered.proto();
  for (int i = 0; i < layer.output_size(); ++i) {
    const int32_t tensor = lowered.outputs()[static_cast<size_t>(i)];
    // Read later, it is an error there.
    if (tensor < 0) continue;
    NameTensor(tensor, layer.output(i));
    Define(layer.output(i), tensor);
  }
  return Status();
}

}  // namespace aneref::coreml
