// See import.h.
#include "runtime/import/coreml/import.h"

#include <algorithm>

#include "runtime/import/coreml/classical.h"
#include "runtime/import/coreml/mil/import.h"
#include "runtime/import/coreml/model.h"
#include "runtime/import/coreml/network.h"
#include "runtime/import/coreml/pipeline.h"

namespace aneref::coreml {
namespace {

// Reads a varint at `*at`; false at the end of the bytes.
bool ReadVarint(std::span<const std::byte> bytes, size_t* at, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64 && *at < bytes.size(); shift += 7) {
    const auto byte = std::to_integer<uint64_t>(bytes[(*at)++]);
    *value |= (byte & 0x7F) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

void AddProperty(const std::string& key, const std::string& value,
                 fbs::NetT* net) {
  if (value.empty()) return;
  auto property = std::make_unique<fbs::PropertyT>();
  property->key = key;
  property->value = value;
  net->metadata.push_back(std::move(property));
}

const char* DeploymentTarget(int64_t version) {
  constexpr const char* kNames[] = {"iOS 11", "iOS 11.2", "iOS 12", "iOS 13",
                                    "iOS 14", "iOS 15",   "iOS 16", "iOS 17",
                                    "iOS 18", "iOS 26"};
  return version >= 1 && version <= static_cast<int64_t>(std::size(kNames))
             ? kNames[version - 1]
             : "unknown";
}

std::string ListFunctions(const ModelDescription& description) {
  std::string names;
  for (const FunctionDescription& function : description.functions())
    names += (names.empty() ? "" : ", ") + function.name();
  return names;
}

void AddMetadata(const Model& model, NetDraft* draft) {
  fbs::NetT& net = draft->net;
  const Metadata& metadata = model.description().metadata();
  const int64_t version = model.specificationversion();
  net.source = "coreml specification " + std::to_string(version) + " (" +
               KindName(model) + ")";
  AddProperty("kind", KindName(model), &net);
  AddProperty("specification", std::to_string(version), &net);
  AddProperty("deployment_target", DeploymentTarget(version), &net);
  AddProperty("functions", ListFunctions(model.description()), &net);
  AddProperty("predicted_feature", model.description().predictedfeaturename(),
              &net);
  AddProperty("description", metadata.shortdescription(), &net);
  AddProperty("author", metadata.author(), &net);
  AddProperty("license", metadata.license(), &net);
  AddProperty("version", metadata.versionstring(), &net);
  if (model.isupdatable()) AddProperty("updatable", "true", &net);
  std::vector<std::pair<std::string, std::string>> custom(
      metadata.userdefined().begin(), metadata.userdefined().end());
  std::sort(custom.begin(), custom.end());
  for (const auto& [key, value] : custom) AddProperty(key, value, &net);
}

}  // namespace

bool LooksLikeModel(std::span<const std::byte> bytes) {
  // Both formats begin with a version and a text; the next field tells them
  // apart: kinds of models have numbers from 200 on, ONNX ends at 25.
  size_t at = 0;
  while (at < bytes.size()) {
    uint64_t tag = 0, value = 0;
    if (!ReadVarint(bytes, &at, &tag)) return false;
    const uint64_t field = tag >> 3;
    if (field >= 200) return field <= 3000 && (tag & 7) == 2;
    if (field != 1 && field != 2 && field != 10) return false;
    if (!ReadVarint(bytes, &at, &value)) return false;
    if ((tag & 7) == 0) continue;
    if ((tag & 7) != 2 || value > bytes.size() - at) return false;
    at += static_cast<size_t>(value);
  }
  return false;
}

Expected<NetDraft> ImportModelKind(const Source& source) {
  switch (source.model.Type_case()) {
    case Model::kMlProgram:
      return ImportMlProgram(source);
    case Model::kNeuralNetwork:
    case Model::kNeuralNetworkClassifier:
    case Model::kNeuralNetworkRegressor:
      return ImportNetwork(source);
    case Model::kPipeline:
    case Model::kPipelineClassifier:
    case Model::kPipelineRegressor:
      return ImportPipeline(source);
    default:
      return ImportClassical(source);
  }
}

Expected<NetDraft> ImportPackage(Package* package,
                                 const ImportOptions& options) {
  ANEREF_ASSIGN(const std::unique_ptr<Model> model,
                ParseModel(package->model()));
  ANEREF_ASSIGN(NetDraft draft,
                ImportModelKind(Source{*model, package, options}));
  AddMetadata(*model, &draft);
  return draft;
}

}  // namespace aneref::coreml
