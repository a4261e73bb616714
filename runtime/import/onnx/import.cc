// See import.h.
#include "runtime/import/onnx/import.h"

#include "runtime/import/onnx/converter.h"
#include "runtime/import/onnx/model_file.h"

namespace aneref::onnx {
bool LooksLikeModel(std::span<const std::byte> bytes) {
  if (bytes.empty()) return false;
  const auto tag = std::to_integer<unsigned>(bytes[0]);
  const unsigned field = tag >> 3, wire = tag & 7;
  if (field == 1 || field == 5) return wire == 0;
  return (field >= 2 && field <= 8 && wire == 2) || (field == 14 && wire == 2);
}

Expected<NetDraft> ImportFile(const std::shared_ptr<const File>& file,
                              const std::string& path,
                              const ImportOptions& options) {
  ANEREF_ASSIGN(ModelFile read, ReadModel(file));
  ExternalData external(path, options.max_memory);
  NetDraft draft;
  ANEREF_TRY(Converter(&read, options, &external, &draft).Run());
  return draft;
}

}  // namespace aneref::onnx
