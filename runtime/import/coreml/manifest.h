// The table of contents of an .mlpackage, and the names of its files.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_MANIFEST_H_
#define ANEREF_RUNTIME_IMPORT_COREML_MANIFEST_H_

#include <span>
#include <string>

#include "runtime/core/status.h"

namespace aneref::coreml {

inline constexpr char kManifestName[] = "Manifest.json";
inline constexpr char kUsualModelPath[] = "Data/com.apple.CoreML/model.mlmodel";

// The model's path relative to the package: what rootModelIdentifier names.
// kInvalidFile: no JSON, no such entry, a path that leads out; kLimit: over
// 1 MiB.
Expected<std::string> ModelPathOf(std::span<const std::byte> manifest);

// "@model_path/weights/weight.bin" to "weights/weight.bin"; kInvalidFile when
// that leads out of the model's folder.
Expected<std::string> ModelPathLocation(const std::string& name);

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_MANIFEST_H_
