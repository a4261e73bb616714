// Tensor data in files beside the model. Nothing outside the model's own folder
// is ever opened: no absolute paths, no
// "..", no links that lead out.
#ifndef ANEREF_RUNTIME_IMPORT_ONNX_EXTERNAL_DATA_H_
#define ANEREF_RUNTIME_IMPORT_ONNX_EXTERNAL_DATA_H_

#include <map>
#include <memory>
#include <string>

#include "runtime/graph/draft_bytes.h"
#include "runtime/graph/net.h"
#include "runtime/import/onnx/proto.h"

namespace aneref::onnx {

class ExternalData {
 public:
  // `max_bytes` bounds the sum of all files (0: no limit).
  ExternalData(const std::string& model_path, uint64_t max_bytes);

  // The bytes that the tensor's external_data entries name. `needed` is what
  // the tensor's type and dims ask for.
  Expected<DraftBytes> Find(const TensorProto& tensor, uint64_t needed);

 private:
  Expected<std::shared_ptr<const File>> Open(const std::string& location);

  std::string folder_;
  uint64_t max_bytes_;
  uint64_t opened_bytes_ = 0;
  std::map<std::string, std::shared_ptr<const File>> files_;
};

}  // namespace aneref::onnx

#endif  // ANEREF_RUNTIME_IMPORT_ONNX_EXTERNAL_DATA_H_
