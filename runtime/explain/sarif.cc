// See sarif.h.
#include "runtime/explain/sarif.h"

#include "runtime/core/json_writer.h"

namespace aneref {
namespace {

// {"text": …} under `key`.
void WriteMessage(const char* key, const std::string& text, JsonWriter* json) {
  json->Key(key);
  json->BeginObject();
  json->Member("text", text);
  json->EndObject();
}

void WriteTool(const SarifRun& run, JsonWriter* json) {
  json->Key("tool");
  json->BeginObject();
  json->Key("driver");
  json->BeginObject();
  json->Member("name", run.tool);
  if (run.has_rules) {
    json->Key("rules");
    json->BeginArray();
    for (const SarifRule& rule : run.rules) {
      json->BeginObject();
      json->Member("id", rule.id);
      WriteMessage("shortDescription", rule.text, json);
      json->EndObject();
    }
    json->EndArray();
  }
  json->EndObject();
  json->EndObject();
}

void WriteLocation(const SarifResult& result, JsonWriter* json) {
  json->BeginObject();
  json->Key("physicalLocation");
  json->BeginObject();
  json->Key("artifactLocation");
  json->BeginObject();
  json->Member("uri", result.uri);
  json->EndObject();
  json->EndObject();
  if (result.element.empty()) {
    json->EndObject();
    return;
  }
  json->Key("logicalLocations");
  json->BeginArray();
  json->BeginObject();
  json->Member("name", result.element);
  if (!result.kind.empty()) json->Member("kind", result.kind);
  json->EndObject();
  json->EndArray();
  json->EndObject();
}

void WriteResult(const SarifResult& result, JsonWriter* json) {
  json->BeginObject();
  json->Member("ruleId", result.rule);
  json->Member("level", result.level);
  WriteMessage("message", result.text, json);
  json->Key("locations");
  json->BeginArray();
  WriteLocation(result, json);
  json->EndArray();
  json->EndObject();
}

}  // namespace

std::string SarifText(const SarifRun& run) {
  JsonWriter json;
  json.BeginObject();
  json.Member("$schema", "https://json.schemastore.org/sarif-2.1.0.json");
  json.Member("version", "2.1.0");
  json.Key("runs");
  json.BeginArray();
  json.BeginObject();
  WriteTool(run, &json);
  json.Key("results");
  json.BeginArray();
  for (const SarifResult& result : run.results) WriteResult(result, &json);
  json.EndArray();
  json.EndObject();
  json.EndArray();
  json.EndObject();
  return json.Take() + "\n";
}

}  // namespace aneref
