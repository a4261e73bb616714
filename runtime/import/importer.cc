// See importer.h. Which format a file has is read off its first bytes; names do
// not matter.
#include "runtime/import/importer.h"

#include "runtime/graph/format.h"
#include "runtime/graph/net.h"
#include "runtime/import/onnx/import.h"
#include "runtime/import/passes.h"

namespace aneref {
namespace {

Status CheckMemory(const std::string& path, uint64_t bytes,
                   const ImportOptions& options) {
  if (options.max_memory == 0 || bytes <= options.max_memory) return Status();
  return LimitError(path + ": needs " + std::to_string(bytes) +
                    " bytes, over the limit of " +
                    std::to_string(options.max_memory) + " bytes");
}

Expected<std::vector<std::byte>> ImportOnnx(std::span<const std::byte> bytes,
                                            const std::string& path,
                                            const ImportOptions& options,
                                            ImportSummary* summary) {
  Expected<NetDraft> imported = onnx::ImportFile(bytes, path, options);
  if (!imported.ok()) return imported.status().WithContext(path);
  NetDraft draft = std::move(imported).value();
  RunPasses(&draft, options.fold);
  draft.net.producer = "aneref";
  summary->format = "onnx";
  summary->notes = draft.net.import_notes;
  Expected<std::vector<std::byte>> written = WriteNet(std::move(draft));
  if (!written.ok()) return written.status().WithContext(path);
  return written;
}

}  // namespace

Expected<std::vector<std::byte>> ImportModel(const std::string& path,
                                             const ImportOptions& options,
                                             ImportSummary* summary) {
  ImportSummary unused;
  if (summary == nullptr) summary = &unused;
  ANEREF_ASSIGN(const std::shared_ptr<const File> file, File::Map(path));
  const std::span<const std::byte> bytes = file->bytes();
  ANEREF_TRY(CheckMemory(path, bytes.size(), options));
  std::vector<std::byte> result;
  if (format::HasMagic(bytes)) {
    summary->format = "anem";
    ANEREF_TRY(Net::Parse(file, path).status());
    result.assign(bytes.begin(), bytes.end());
    return result;
  } else if (onnx::LooksLikeModel(bytes)) {
    ANEREF_ASSIGN(result, ImportOnnx(bytes, path, options, summary));
    ANEREF_TRY(CheckMemory(path, result.size(), options));
  } else {
    return InvalidFile("", path + ": is neither an .anem nor an ONNX file");
  }
  ANEREF_TRY(Net::Parse(File::FromBuffer(result), path).status());
  return result;
}

}  // namespace aneref
