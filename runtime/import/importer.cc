// See importer.h. Which format a file has is read off its first bytes; names do
// not matter.
#include "runtime/import/importer.h"

#include "runtime/graph/format.h"
#include "runtime/graph/net.h"
#include "runtime/import/coreml/import.h"
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

// What every format does behind its draft.
Expected<std::vector<std::byte>> Finish(Expected<NetDraft> imported,
                                        const std::string& path,
                                        const ImportOptions& options,
                                        ImportSummary* summary) {
  if (!imported.ok()) return imported.status().WithContext(path);
  NetDraft draft = std::move(imported).value();
  RunPasses(&draft, options.fold);
  draft.net.producer = "aneref";
  summary->notes = draft.net.import_notes;
  Expected<std::vector<std::byte>> written = WriteNet(std::move(draft));
  if (!written.ok()) return written.status().WithContext(path);
  ANEREF_TRY(CheckMemory(path, written->size(), options));
  ANEREF_TRY(Net::Parse(File::Borrow(*written), path).status());
  return written;
}

Expected<std::vector<std::byte>> ImportOnnx(
    const std::shared_ptr<const File>& file, const std::string& path,
    ImportOptions options, ImportSummary* summary) {
  summary->format = "onnx";
  if (options.precision == Precision::kDefault)
    options.precision = Precision::kFp16;
  return Finish(onnx::ImportFile(file, path, options), path, options, summary);
}

Expected<std::vector<std::byte>> ImportCoreml(
    std::unique_ptr<coreml::Package> package, const std::string& path,
    const ImportOptions& options, ImportSummary* summary) {
  summary->format = "coreml";
  return Finish(coreml::ImportPackage(package.get(), options), path, options,
                summary);
}

Expected<std::vector<std::byte>> ImportFile(
    const std::shared_ptr<const File>& file, const std::string& path,
    const ImportOptions& options, ImportSummary* summary) {
  const std::span<const std::byte> bytes = file->bytes();
  ANEREF_TRY(CheckMemory(path, bytes.size(), options));
  if (format::HasMagic(bytes)) {
    summary->format = "anem";
    ANEREF_TRY(Net::Parse(file, path).status());
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }
  if (coreml::LooksLikeModel(bytes))
    return ImportCoreml(coreml::SingleFile(file, path), path, options, summary);
  if (onnx::LooksLikeModel(bytes))
    return ImportOnnx(file, path, options, summary);
  return InvalidFile("", path + ": is no .anem, ONNX or Core ML file");
}

}  // namespace

Expected<std::vector<std::byte>> ImportModel(const std::string& path,
                                             const ImportOptions& options,
                                             ImportSummary* summary) {
  ImportSummary unused;
  if (summary == nullptr) summary = &unused;
  if (coreml::IsPackage(path)) {
    Expected<std::unique_ptr<coreml::Package>> package =
        coreml::OpenPackage(path, options.max_memory);
    if (!package.ok()) return package.status().WithContext(path);
    return ImportCoreml(std::move(package).value(), path, options, summary);
  }
  ANEREF_ASSIGN(const std::shared_ptr<const File> file, File::Map(path));
  return ImportFile(file, path, options, summary);
}

Expected<std::vector<std::byte>> ImportBytes(std::span<const std::byte> bytes,
                                             const std::string& name,
                                             const ImportOptions& options,
                                             ImportSummary* summary) {
  ImportSummary unused;
  return ImportFile(File::FromBuffer({bytes.begin(), bytes.end()}), name,
                    options, summary != nullptr ? summary : &unused);
}

}  // namespace aneref
