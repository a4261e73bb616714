// See ports.h.
#include "runtime/import/coreml/ports.h"

namespace aneref::coreml {
namespace {

// The label of the largest probability, a scalar.
Expected<int32_t> BestLabel(NetworkContext* context, const ClassLabels& labels,
                            int32_t probabilities) {
  const NeuralNetworkLayer none;
  Layer layer(context, none, "label", {});
  const int32_t best =
      layer.Reduce(fbs::ReduceKind::arg_max, probabilities, {0}, false);
  const int32_t table = layer.ConstantInts(labels.integers);
  const int32_t label = layer.EmitTemp(fbs::GatherT(), {table, best});
  ANEREF_TRY(layer.status());
  return label;
}

}  // namespace

Expected<int32_t> AddInputPort(NetworkContext* context,
                               const FeatureDescription& feature, DataType type,
                               const std::vector<int64_t>& shape) {
  const int32_t tensor = AddTensor(context->draft, feature.name(), type);
  context->defined.push_back(true);
  TensorAt(*context->draft, tensor).shape = shape;
  TensorAt(*context->draft, tensor).has_shape = true;
  ANEREF_ASSIGN(std::unique_ptr<fbs::PortT> port, MakePort(feature, tensor));
  AddLimits(feature, shape, port.get());
  MainGraph(*context->draft).inputs.push_back(std::move(port));
  return tensor;
}

Status AddOutputPort(NetworkContext* context, const std::string& name,
                     int32_t blob, std::unique_ptr<fbs::PortT> port) {
  NeuralNetworkLayer named;
  named.set_name(name);
  Layer layer(context, named, "output", {});
  context->defined.push_back(false);
  const int32_t tensor = AddTensor(context->draft, name, layer.TypeOf(blob));
  layer.Emit(Unary(fbs::ActivationKind::identity), {blob}, {tensor});
  // A constant has no node: the value itself is the output.
  port->tensor = tensor;
  MainGraph(*context->draft).outputs.push_back(std::move(port));
  return layer.status();
}

Status AddClassifierOutput(NetworkContext* context,
                           const ModelDescription& description,
                           const FeatureDescription& feature,
                           const ClassLabels& labels, int32_t probabilities) {
  auto port = std::make_unique<fbs::PortT>();
  port->description = feature.shortdescription();
  if (feature.type().has_dictionarytype()) {
    port->labels = labels.texts;
    port->declared = fbs::DataType::float64;
    return AddOutputPort(context, feature.name(), probabilities,
                         std::move(port));
  }
  if (feature.name() != description.predictedfeaturename())
    return InvalidFile("", "is neither the label nor the probabilities");
  if (labels.integers.empty()) return Status();
  ANEREF_ASSIGN(const int32_t label, BestLabel(context, labels, probabilities));
  port->declared = fbs::DataType::int64;
  return AddOutputPort(context, feature.name(), label, std::move(port));
}

}  // namespace aneref::coreml
