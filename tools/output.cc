// All files of a folder are written under temporary names first.
#include "tools/output.h"

#include <cstdio>
#include <filesystem>
#include <map>

namespace aneref::tool {

void PrintJson(const Json& document) {
  const std::string text =
      document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
}

Json ShapeToJson(const Shape& shape) {
  Json dims = Json::array();
  for (const int64_t dim : shape) dims.push_back(dim);
  return dims;
}

std::string SafeFileName(const std::string& name) {
  constexpr size_t kMaxName = 200;  // most file systems take 255 bytes
  std::string out;
  for (const char c : name.substr(0, kMaxName)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7F || c == '/' || c == '\\' ? '_' : c;
  }
  if (out.empty() || out.front() == '.') out.insert(0, "_");
  return out;
}

Status WriteFolder(
    const std::string& folder,
    const std::vector<std::pair<std::string, const Array*>>& arrays,
    const std::vector<Picture>& pictures) {
  namespace fs = std::filesystem;
  std::map<std::string, std::string> names;  // file name to tensor name
  std::vector<std::string> outputs;
  for (const auto& [name, array] : arrays) outputs.push_back(name);
  for (const Picture& picture : pictures) outputs.push_back(picture.name);
  for (const std::string& name : outputs) {
    const auto [at, is_new] = names.emplace(SafeFileName(name), name);
    if (is_new) continue;
    return InvalidArgument("outputs '" + at->second + "' and '" + name +
                           "' would both be " + folder + "/" + at->first +
                           ".npy");
  }
  std::error_code error;
  const bool made = fs::create_directory(folder, error);
  if (error) return IoError(folder + ": cannot make: " + error.message());
  const auto write_all = [&]() -> Status {
    std::vector<AtomicFile> files;
    for (const auto& [name, array] : arrays) {
      const fs::path path = fs::path(folder) / (SafeFileName(name) + ".npy");
      ANEREF_ASSIGN(AtomicFile file, AtomicFile::Create(path.string()));
      ANEREF_TRY(file.Write(MakeNpyHeader(array->type)));
      ANEREF_TRY(file.Write(array->bytes));
      files.push_back(std::move(file));
    }
    for (const Picture& picture : pictures) {
      const fs::path path =
          fs::path(folder) / (SafeFileName(picture.name) + ".png");
      ANEREF_ASSIGN(AtomicFile file, AtomicFile::Create(path.string()));
      ANEREF_TRY(file.Write(picture.png));
      files.push_back(std::move(file));
    }
    for (AtomicFile& file : files) ANEREF_TRY(file.Commit());
    return Status();
  };
  const Status status = write_all();
  if (!status.ok() && made) fs::remove(folder, error);  // only when empty
  return status;
}

Status WriteText(const std::string& path, const std::string& text) {
  if (path.empty()) return Status();
  ANEREF_ASSIGN(AtomicFile file, AtomicFile::Create(path));
  ANEREF_TRY(file.Write(std::as_bytes(std::span(text.data(), text.size()))));
  return file.Commit();
}

}  // namespace aneref::tool
