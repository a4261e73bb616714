// See external_data.h.
#include "runtime/import/onnx/external_data.h"

#include <charconv>

#include "runtime/import/beside.h"

namespace aneref::onnx {
namespace {

Expected<uint64_t> ParseNumber(const std::string& key,
                               const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty())
    return InvalidFile(
        "", "external data: " + key + " '" + text + "' is not a number");
  return value;
}

}  // namespace

ExternalData::ExternalData(const std::string& model_path, uint64_t max_bytes)
    : folder_(FolderOf(model_path)), max_bytes_(max_bytes) {}

Expected<std::shared_ptr<const File>> ExternalData::Open(
    const std::string& location) {
  const auto found = files_.find(location);
  if (found != files_.end()) return found->second;
  const std::string what = "external data '" + location + "'";
  ANEREF_ASSIGN(const std::shared_ptr<const File> file,
                OpenInside(folder_, location, what));
  opened_bytes_ += file->bytes().size();
  if (max_bytes_ != 0 && opened_bytes_ > max_bytes_)
    return LimitError(
        what + ": external data of " + std::to_string(opened_bytes_) +
        " bytes is over the limit of " + std::to_string(max_bytes_) + " bytes");
  files_[location] = file;
  return file;
}

Expected<DraftBytes> ExternalData::Find(const TensorProto& tensor,
                                        uint64_t needed) {
  std::string location;
  uint64_t offset = 0;
  uint64_t length = needed;
  for (const StringStringEntryProto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") {
      ANEREF_ASSIGN(offset, ParseNumber("offset", entry.value()));
    }
    if (entry.key() == "length") {
      ANEREF_ASSIGN(length, ParseNumber("length", entry.value()));
    }
  }
  if (length != needed)
    return InvalidFile("", "external data has " + std::to_string(length) +
                               " bytes, needs " + std::to_string(needed));
  if (needed == 0) return DraftBytes();
  ANEREF_ASSIGN(const std::shared_ptr<const File> file, Open(location));
  const std::span<const std::byte> bytes = file->bytes();
  if (offset > bytes.size() || length > bytes.size() - offset) {
    return InvalidFile(
        "", "external data '" + location + "': " + std::to_string(length) +
                " bytes at offset " + std::to_string(offset) +
                " exceed the file's " + std::to_string(bytes.size()));
  }
  return DraftBytes(bytes.subspan(offset, length), file);
}

}  // namespace aneref::onnx
