// See package.h. Folders and bare files; archives are in zip_package.cc.
#include "runtime/import/coreml/package.h"

#include <filesystem>
#include <map>

#include "runtime/import/beside.h"
#include "runtime/import/coreml/manifest.h"
#include "runtime/import/coreml/zip_package.h"

namespace aneref::coreml {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kDefaultLimit = uint64_t{4} << 30;

// A model file and what lies beside it, mapped.
class FilePackage : public Package {
 public:
  FilePackage(std::shared_ptr<const File> model, std::string folder)
      : model_(std::move(model)), folder_(std::move(folder)) {}

  std::span<const std::byte> model() const override { return model_->bytes(); }

  Expected<std::span<const std::byte>> Open(const std::string& name) override {
    ANEREF_ASSIGN(const std::string location, ModelPathLocation(name));
    const auto found = files_.find(location);
    if (found != files_.end()) return found->second->bytes();
    Expected<std::shared_ptr<const File>> file =
        OpenInside(folder_, location, "weight file '" + name + "'");
    if (!file.ok() && file.status().code() == StatusCode::kIo)
      return IoError("weight file missing: '" + name + "'");
    if (!file.ok()) return file.status();
    files_[location] = *file;
    return (*file)->bytes();
  }

 private:
  std::shared_ptr<const File> model_;
  std::string folder_;
  std::map<std::string, std::shared_ptr<const File>> files_;
};

bool IsFolder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// The model's path inside the package, by the manifest or the usual place.
Expected<std::string> FindModel(const std::string& root) {
  std::error_code error;
  if (!fs::exists(fs::path(root) / kManifestName, error))
    return std::string(kUsualModelPath);
  ANEREF_ASSIGN(const std::shared_ptr<const File> manifest,
                OpenInside(root, kManifestName, kManifestName));
  return ModelPathOf(manifest->bytes());
}

Expected<std::unique_ptr<Package>> OpenFolder(const std::string& path) {
  std::error_code error;
  const std::string root = fs::canonical(path, error).string();
  if (error) return IoError(error.message());
  ANEREF_ASSIGN(const std::string location, FindModel(root));
  ANEREF_ASSIGN(std::shared_ptr<const File> model,
                OpenInside(root, location, "model file '" + location + "'"));
  const std::string folder = (fs::path(root) / location).parent_path().string();
  return std::unique_ptr<Package>(
      std::make_unique<FilePackage>(std::move(model), folder));
}

}  // namespace

bool IsPackage(const std::string& path) {
  return IsFolder(path) || IsZip(path);
}

Expected<std::unique_ptr<Package>> OpenPackage(const std::string& path,
                                               uint64_t max_memory) {
  if (IsFolder(path)) return OpenFolder(path);
  if (IsZip(path))
    return OpenZip(path, max_memory == 0 ? kDefaultLimit : max_memory);
  ANEREF_ASSIGN(std::shared_ptr<const File> file, File::Map(path));
  return SingleFile(std::move(file), path);
}

std::unique_ptr<Package> SingleFile(std::shared_ptr<const File> file,
                                    const std::string& path) {
  return std::make_unique<FilePackage>(std::move(file), FolderOf(path));
}

}  // namespace aneref::coreml
