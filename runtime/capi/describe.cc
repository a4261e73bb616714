// aneref_model_describe: what a file holds, with the keys of `info --json`.
#include <map>

#include "ops/registry.h"
#include "runtime/capi/model_object.h"
#include "runtime/capi/strings.h"
#include "runtime/core/json_writer.h"

namespace aneref::capi {
namespace {

std::string Text(const flatbuffers::String* text) {
  return text != nullptr ? text->str() : std::string();
}

void WritePorts(const std::vector<PortText>& ports, JsonWriter* json) {
  static constexpr const char* kImages[] = {"none", "rgb", "bgr", "grayscale"};
  json->BeginArray();
  for (const PortText& port : ports) {
    json->BeginObject();
    json->Member("name", port.name);
    json->Member("dtype", aneref_dtype_name(port.dtype));
    json->Key("shape");
    port.has_rank ? json->Value(port.dims) : json->Null();
    json->Member("declared", aneref_dtype_name(port.declared));
    if (port.image > 0 && port.image < 4)
      json->Member("image", kImages[port.image]);
    if (!port.labels.empty()) json->Member("labels", port.labels);
    if (!port.description.empty())
      json->Member("description", port.description);
    json->EndObject();
  }
  json->EndArray();
}

// Elements of constants; shapes, axes and indices (wider integers) are none.
uint64_t CountParameters(const fbs::Graph& graph) {
  uint64_t total = 0;
  if (graph.tensors() == nullptr) return 0;
  for (const fbs::Tensor* tensor : *graph.tensors()) {
    const auto type = static_cast<DataType>(tensor->dtype());
    if (tensor->constant() < 0 || tensor->shape() == nullptr ||
        (!IsFloating(type) && ElementSize(type) != 1))
      continue;
    uint64_t count = 1;
    for (const int64_t dim : *tensor->shape())
      count *= static_cast<uint64_t>(dim < 0 ? 0 : dim);
    total += count;
  }
  return total;
}

std::string Describe(const ModelObject& model) {
  const fbs::Net& net = model.net()->table();
  const fbs::Graph& graph = model.net()->main_graph();
  std::map<std::string, int64_t> ops;
  if (graph.nodes() != nullptr) {
    for (const fbs::Node* node : *graph.nodes()) ++ops[OpName(*node)];
  }
  JsonWriter json;
  json.BeginObject();
  json.Member("format", model.format());
  json.Key("inputs");
  WritePorts(model.ports(ANEREF_INPUT), &json);
  json.Key("outputs");
  WritePorts(model.ports(ANEREF_OUTPUT), &json);
  json.Key("states");
  WritePorts(model.ports(ANEREF_STATE), &json);
  json.Key("ops");
  json.BeginObject();
  for (const auto& [name, count] : ops) json.Member(name, count);
  json.EndObject();
  json.Member("parameters", CountParameters(graph));
  json.Member("native_bytes", model.net()->file_bytes().size());
  json.Member("name", Text(graph.name()));
  json.Member("producer", Text(net.producer()));
  json.Member("source", Text(net.source()));
  json.Key("metadata");
  json.BeginObject();
  if (net.metadata() != nullptr) {
    for (const fbs::Property* property : *net.metadata())
      json.Member(Text(property->key()), Text(property->value()));
  }
  json.EndObject();
  std::vector<std::string> notes;
  if (net.import_notes() != nullptr) {
    for (const flatbuffers::String* note : *net.import_notes())
      notes.push_back(note->str());
  }
  json.Member("notes", notes);
  json.EndObject();
  return json.Take();
}

}  // namespace
}  // namespace aneref::capi

using namespace aneref::capi;  // NOLINT: the C function below is global

aneref_status aneref_model_describe(const aneref_model* model,
                                    aneref_string** report,
                                    aneref_error* error) {
  return Guard(error, [&]() -> Result {
    const auto object = FindObject(model);
    if (object == nullptr) return BadHandle("model");
    return GiveString(Describe(*object), report);
  });
}
