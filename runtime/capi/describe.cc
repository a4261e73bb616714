// aneref_model_describe: what a file holds, with the keys of `info --json`.
#include "runtime/capi/model_object.h"
#include "runtime/capi/strings.h"
#include "runtime/core/json_writer.h"
#include "runtime/graph/net_counts.h"
#include "runtime/graph/text.h"

namespace aneref::capi {
namespace {

void WritePorts(const std::vector<PortSpec>& ports, JsonWriter* json) {
  json->BeginArray();
  for (const PortSpec& port : ports) {
    json->BeginObject();
    json->Member("name", port.name);
    json->Member("dtype", DataTypeName(port.dtype));
    json->Key("shape");
    port.has_shape ? json->Value(port.dims) : json->Null();
    json->Member("declared", DataTypeName(port.declared));
    if (port.image != fbs::ImageLayout::none)
      json->Member("image", fbs::EnumNameImageLayout(port.image));
    if (!port.labels.empty()) json->Member("labels", port.labels);
    if (!port.description.empty())
      json->Member("description", port.description);
    json->EndObject();
  }
  json->EndArray();
}

std::string Describe(const ModelObject& model) {
  const fbs::Net& net = model.net()->table();
  const fbs::Graph& graph = model.net()->main_graph();
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
  for (const auto& [name, count] : CountOps(graph)) json.Member(name, count);
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
