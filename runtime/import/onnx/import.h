// The ONNX importer's entry: file to draft. Passes and writing come after it.
#ifndef ANEREF_RUNTIME_IMPORT_ONNX_IMPORT_H_
#define ANEREF_RUNTIME_IMPORT_ONNX_IMPORT_H_

#include <memory>
#include <span>
#include <string>

#include "runtime/graph/net.h"
#include "runtime/import/importer.h"

namespace aneref::onnx {

// True when the bytes look like a ModelProto: a plausible first field. ONNX
// files have no magic number.
bool LooksLikeModel(std::span<const std::byte> bytes);

// `path` is where the file came from: external data is looked up in its folder.
// The draft's constants may lie in the file.
Expected<NetDraft> ImportFile(const std::shared_ptr<const File>& file,
                              const std::string& path,
                              const ImportOptions& options);

}  // namespace aneref::onnx

#endif  // ANEREF_RUNTIME_IMPORT_ONNX_IMPORT_H_
