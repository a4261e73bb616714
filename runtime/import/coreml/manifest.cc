// See manifest.h.
#include "runtime/import/coreml/manifest.h"

#include "runtime/core/json.h"
#include "runtime/import/beside.h"

namespace aneref::coreml {
namespace {

constexpr size_t kMaxManifest = size_t{1} << 20;
constexpr std::string_view kModelPath = "@model_path/";

}  // namespace

Expected<std::string> ModelPathOf(std::span<const std::byte> manifest) {
  if (manifest.size() > kMaxManifest)
    return LimitError(std::string(kManifestName) + ": over 1 MiB");
  const std::string_view text(reinterpret_cast<const char*>(manifest.data()),
                              manifest.size());
  ANEREF_ASSIGN(const JsonValue json, ParseJson(text, kManifestName));
  const JsonValue* root = json.Find("rootModelIdentifier");
  if (root == nullptr || root->AsString() == nullptr)
    return InvalidFile(
        "", std::string(kManifestName) + ": has no rootModelIdentifier");
  const JsonValue* entries = json.Find("itemInfoEntries");
  const JsonValue* entry =
      entries == nullptr ? nullptr : entries->Find(*root->AsString());
  const JsonValue* path = entry == nullptr ? nullptr : entry->Find("path");
  if (path == nullptr || path->AsString() == nullptr)
    return InvalidFile("", std::string(kManifestName) +
                               ": has no path for the root model '" +
                               *root->AsString() + "'");
  if (!StaysInside(*path->AsString()))
    return InvalidFile("", std::string(kManifestName) + ": the path '" +
                               *path->AsString() +
                               "' leads out of the package");
  return "Data/" + *path->AsString();
}

Expected<std::string> ModelPathLocation(const std::string& name) {
  std::string location = name;
  if (location.starts_with(kModelPath)) location.erase(0, kModelPath.size());
  if (StaysInside(location)) return location;
  return InvalidFile(
      "", "weight file '" + name + "' leads out of the model's folder");
}

}  // namespace aneref::coreml
