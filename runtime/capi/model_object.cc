// See model_object.h.
#include "runtime/capi/model_object.h"

#include <algorithm>

#include "runtime/capi/tensors.h"
#include "runtime/core/layout.h"
#include "runtime/core/suggest.h"
#include "runtime/exec/numerics_choice.h"

namespace aneref::capi {
namespace {

std::string Text(const flatbuffers::String* text) {
  return text != nullptr ? text->str() : std::string();
}

PortText ReadPort(const fbs::Graph& graph, const fbs::Port& port) {
  PortText text;
  const fbs::Tensor& tensor =
      *graph.tensors()->Get(static_cast<unsigned>(port.tensor()));
  text.name = Text(tensor.name());
  text.description = Text(port.description());
  text.dtype = static_cast<aneref_dtype>(tensor.dtype());
  text.declared = static_cast<aneref_dtype>(port.declared());
  text.has_rank = tensor.has_shape();
  if (tensor.shape() != nullptr)
    text.dims.assign(tensor.shape()->begin(), tensor.shape()->end());
  for (int64_t& dim : text.dims) dim = std::max<int64_t>(dim, -1);
  text.extent_names.resize(text.dims.size());
  const size_t num_names =
      tensor.shape_names() != nullptr ? tensor.shape_names()->size() : 0;
  for (size_t i = 0; i < std::min(num_names, text.dims.size()); ++i) {
    text.extent_names[i] =
        Text(tensor.shape_names()->Get(static_cast<unsigned>(i)));
  }
  text.image = static_cast<aneref_image>(port.image());
  if (port.labels() != nullptr) {
    for (const flatbuffers::String* label : *port.labels())
      text.labels.push_back(Text(label));
  }
  return text;
}

using Ports = flatbuffers::Vector<flatbuffers::Offset<fbs::Port>>;
std::vector<PortText> ReadPorts(const fbs::Graph& graph, const Ports* ports) {
  std::vector<PortText> texts;
  if (ports == nullptr) return texts;
  for (const fbs::Port* port : *ports) texts.push_back(ReadPort(graph, *port));
  return texts;
}

}  // namespace

ModelObject::ModelObject(std::shared_ptr<const Net> net, std::string format)
    : net_(std::move(net)), format_(std::move(format)) {
  const fbs::Graph& graph = net_->main_graph();
  ports_[ANEREF_INPUT] = ReadPorts(graph, graph.inputs());
  ports_[ANEREF_OUTPUT] = ReadPorts(graph, graph.outputs());
  // F14: the ports of states are the last ones.
  const size_t num_states =
      graph.states() != nullptr ? graph.states()->size() : 0;
  std::vector<PortText>& inputs = ports_[ANEREF_INPUT];
  for (size_t i = 0; i < num_states; ++i) {
    PortText state = inputs[inputs.size() - num_states + i];
    const std::string name =
        Text(graph.states()->Get(static_cast<unsigned>(i))->name());
    if (!name.empty()) state.name = name;
    ports_[ANEREF_STATE].push_back(std::move(state));
  }
  inputs.resize(inputs.size() - num_states);
  ports_[ANEREF_OUTPUT].resize(ports_[ANEREF_OUTPUT].size() - num_states);
}

const std::vector<PortInfo>& PlanObject::infos(aneref_port_kind kind) const {
  if (kind == ANEREF_INPUT) return prepared_->inputs();
  return kind == ANEREF_OUTPUT ? prepared_->outputs() : prepared_->states();
}

Result CheckKind(aneref_port_kind kind) {
  if (kind >= ANEREF_INPUT && kind <= ANEREF_STATE) return Result();
  return {ANEREF_INVALID_ARGUMENT,
          "there is no port kind " + std::to_string(kind)};
}

Result CheckIndex(size_t index, size_t count, const char* what) {
  if (index < count) return Result();
  return {ANEREF_INVALID_ARGUMENT, std::string("there is no ") + what + " " +
                                       std::to_string(index) + " of " +
                                       std::to_string(count)};
}

Result WritePort(const PortText& text, const TensorType* type,
                 aneref_port* port) {
  aneref_port full = aneref_port_init();
  full.name = text.name.c_str();
  full.description = text.description.c_str();
  full.dtype =
      type != nullptr ? static_cast<aneref_dtype>(type->dtype) : text.dtype;
  full.declared = text.declared;
  full.image = text.image;
  full.num_labels = static_cast<int32_t>(text.labels.size());
  std::vector<int64_t> dims = text.dims;
  full.rank = text.has_rank ? static_cast<int32_t>(dims.size()) : -1;
  if (type != nullptr) {
    dims = type->shape.ToVector();
    full.rank = static_cast<int32_t>(dims.size());
  }
  for (size_t i = 0; i < ANEREF_MAX_RANK; ++i) {
    full.shape[i] = i < dims.size() ? dims[i] : 0;
    full.extent_names[i] =
        i < text.extent_names.size() ? text.extent_names[i].c_str() : "";
  }
  const bool settled =
      full.rank >= 0 && std::none_of(dims.begin(), dims.end(),
                                     [](int64_t dim) { return dim < 0; });
  if (settled) {
    const Expected<Shape> shape = MakeShape(dims);
    if (!shape.ok()) return shape.status();
    const TensorType whole{static_cast<DataType>(full.dtype), *shape};
    const Expected<size_t> bytes = SurfaceBytes(whole);
    if (!bytes.ok()) return bytes.status();
    full.surface_bytes = *bytes;
    const TensorView view = SurfaceView(whole, nullptr);
    for (size_t axis = 0; axis < dims.size(); ++axis)
      full.surface_strides[axis] = static_cast<int64_t>(view.Stride(axis));
  }
  return WriteStruct(full, "port", port);
}

Result FindPort(const std::vector<PortText>& ports, const char* name,
                size_t* index) {
  ANEREF_CAPI_TRY(NeedPointer(name, "name"));
  ANEREF_CAPI_TRY(NeedPointer(index, "index"));
  std::vector<std::string> names;
  for (size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].name == name) {
      *index = i;
      return Result();
    }
    names.push_back(ports[i].name);
  }
  return {ANEREF_INVALID_ARGUMENT, std::string("there is no '") + name +
                                       "'; there are: " + JoinNames(names)};
}

Status ChooseArithmetic(const char* target, const char* numerics,
                        SessionOptions* out) {
  ANEREF_ASSIGN(out->chip,
                ChipTable::Embedded().Find(target != nullptr ? target : "m1"));
  return ParseNumerics(numerics != nullptr ? numerics : "portable", *out->chip,
                       &out->numerics, &out->device);
}

Result ReadShapes(const aneref_input_shape* shapes, size_t count,
                  std::map<std::string, Shape>* out) {
  for (size_t i = 0; i < count; ++i) {
    aneref_input_shape read;
    ANEREF_CAPI_TRY(ReadElement(shapes, i, "input_shapes", &read));
    ANEREF_CAPI_TRY(NeedPointer(read.name, "an input shape's name"));
    TensorType type;
    ANEREF_CAPI_TRY(ReadType(ANEREF_FLOAT16, read.rank, read.shape, &type));
    if (!out->emplace(read.name, type.shape).second) {
      return {ANEREF_INVALID_ARGUMENT,
              std::string("the shape of '") + read.name + "' is given twice"};
    }
  }
  return Result();
}

Result ReadPlanOptions(const aneref_plan_options* given,
                       aneref_plan_options* read, SessionOptions* out) {
  ANEREF_CAPI_TRY(ReadStruct(given, "options", read));
  ANEREF_CAPI_TRY(ChooseArithmetic(read->target, read->numerics, out));
  ANEREF_CAPI_TRY(ReadShapes(read->input_shapes, read->num_input_shapes,
                             &out->input_shapes));
  ANEREF_CAPI_TRY(ReadAllocator(read->allocator, &out->source));
  out->max_memory = read->max_memory;
  out->keep_intermediates = read->keep_intermediates != 0;
  return Result();
}

}  // namespace aneref::capi
