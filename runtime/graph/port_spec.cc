// See port_spec.h.
#include "runtime/graph/port_spec.h"

#include <algorithm>

#include "runtime/graph/limits.h"
#include "runtime/graph/text.h"

namespace aneref {
namespace {

PortSpec ReadPort(const fbs::Graph& graph, const fbs::Port& port) {
  PortSpec spec;
  const fbs::Tensor& tensor =
      *graph.tensors()->Get(static_cast<unsigned>(port.tensor()));
  spec.name = Text(tensor.name());
  spec.dtype = static_cast<DataType>(tensor.dtype());
  spec.declared = static_cast<DataType>(port.declared());
  spec.has_shape = tensor.has_shape();
  if (tensor.shape() != nullptr) {
    spec.dims.assign(tensor.shape()->begin(), tensor.shape()->end());
  }
  spec.dim_names.resize(spec.dims.size());
  if (tensor.shape_names() != nullptr) {
    const size_t count =
        std::min<size_t>(spec.dims.size(), tensor.shape_names()->size());
    for (size_t i = 0; i < count; ++i) {
      spec.dim_names[i] =
          Text(tensor.shape_names()->Get(static_cast<unsigned>(i)));
    }
  }
  spec.image = port.image();
  if (port.labels() != nullptr) {
    for (const flatbuffers::String* label : *port.labels()) {
      spec.labels.push_back(Text(label));
    }
  }
  spec.description = Text(port.description());
  spec.limits = DescribeLimits(port, spec.dims.size());
  spec.usual = UsualShape(port, spec.dims.size());
  spec.allowed = AllowedShapes(port, spec.dims.size());
  return spec;
}

using Ports = flatbuffers::Vector<flatbuffers::Offset<fbs::Port>>;
std::vector<PortSpec> ReadPorts(const fbs::Graph& graph, const Ports* ports) {
  std::vector<PortSpec> specs;
  if (ports == nullptr) return specs;
  for (const fbs::Port* port : *ports) specs.push_back(ReadPort(graph, *port));
  return specs;
}

size_t NumStates(const fbs::Graph& graph) {
  return graph.states() ? graph.states()->size() : 0;
}

std::vector<PortSpec> WithoutStates(const fbs::Graph& graph,
                                    std::vector<PortSpec> specs) {
  specs.resize(specs.size() - std::min(NumStates(graph), specs.size()));
  return specs;
}

}  // namespace

std::string PortSpec::ShapeText() const {
  if (!has_shape) return "[...]";
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i > 0) text += ", ";
    if (dims[i] >= 0) {
      text += std::to_string(dims[i]);
    } else {
      text += dim_names[i].empty() ? "?" : dim_names[i];
    }
  }
  return text + "]";
}

std::vector<PortSpec> InputSpecs(const Net& net) {
  const fbs::Graph& graph = net.main_graph();
  return WithoutStates(graph, ReadPorts(graph, graph.inputs()));
}
std::vector<PortSpec> OutputSpecs(const Net& net) {
  const fbs::Graph& graph = net.main_graph();
  return WithoutStates(graph, ReadPorts(graph, graph.outputs()));
}
std::vector<PortSpec> StateSpecs(const Net& net) {
  const fbs::Graph& graph = net.main_graph();
  const size_t count = NumStates(graph);
  std::vector<PortSpec> specs = ReadPorts(graph, graph.inputs());
  specs.erase(specs.begin(), specs.end() - static_cast<ptrdiff_t>(count));
  for (size_t i = 0; i < count; ++i) {
    const auto* name = graph.states()->Get(static_cast<unsigned>(i))->name();
    if (name != nullptr) specs[i].name = name->str();
  }
  return specs;
}

}  // namespace aneref
