// An ONNX file as messages. Large floating initializers stay where they are in
// the file: the messages are made of everything around them.
#ifndef ANEREF_RUNTIME_IMPORT_ONNX_MODEL_FILE_H_
#define ANEREF_RUNTIME_IMPORT_ONNX_MODEL_FILE_H_

#include <memory>
#include <vector>

#include "runtime/graph/draft_bytes.h"
#include "runtime/graph/net.h"
#include "runtime/import/onnx/proto.h"

namespace aneref::onnx {

struct ModelFile {
  std::unique_ptr<ModelProto> model;
  // By index of the graph's initializers: the raw_data that the message lacks,
  // or nothing.
  std::vector<DraftBytes> raw_data;
};

// kInvalidFile: damaged, or no model. kLimit: over 2 GiB.
Expected<ModelFile> ReadModel(const std::shared_ptr<const File>& file);

}  // namespace aneref::onnx

#endif  // ANEREF_RUNTIME_IMPORT_ONNX_MODEL_FILE_H_
