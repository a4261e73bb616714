// See beside.h.
#include "runtime/import/beside.h"

#include <filesystem>

namespace aneref {

namespace fs = std::filesystem;

std::string FolderOf(const std::string& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  return (error ? fs::path(path) : real).parent_path().string();
}

bool StaysInside(const std::string& location) {
  const fs::path path(location);
  if (path.empty() || path.is_absolute() ||
      location.find('\0') != std::string::npos)
    return false;
  for (const fs::path& part : path) {
    if (part == "..") return false;
  }
  return true;
}

Expected<std::shared_ptr<const File>> OpenInside(const std::string& folder,
                                                 const std::string& location,
                                                 const std::string& what) {
  if (!StaysInside(location))
    return InvalidFile("", what + " must be a path inside the model's folder");
  std::error_code error;
  const fs::path real = fs::canonical(fs::path(folder) / location, error);
  if (error) return IoError(what + ": " + error.message());
  const fs::path relative = real.lexically_relative(
      folder.empty() ? fs::current_path(error) : fs::path(folder));
  if (!StaysInside(relative.string()))
    return InvalidFile("", what + " leads out of the model's folder");
  if (!fs::is_regular_file(real, error))
    return IoError(what + ": is no regular file");
  return File::Map(real.string());
}

}  // namespace aneref
