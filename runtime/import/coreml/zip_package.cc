// See zip_package.h. Sizes that the archive states are claims: they are checked
// before memory is taken, and reading stops where they prove wrong.
#include "runtime/import/coreml/zip_package.h"

#include <zip.h>

#include <cstdio>
#include <cstring>
#include <map>

#include "runtime/import/coreml/manifest.h"

namespace aneref::coreml {
namespace {

constexpr zip_int64_t kMaxEntries = 10000;
// An entry that grows more than this, and beyond the size, is a bomb: weights
// do not compress like that.
constexpr uint64_t kMaxRatio = 200, kHarmlessBytes = uint64_t{16} << 20;
constexpr uint32_t kFileTypeMask = 0170000, kLinkType = 0120000;

struct CloseZip {
  void operator()(zip_t* zip) const { zip_discard(zip); }
};
struct CloseFile {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

class ZipPackage : public Package {
 public:
  ZipPackage(zip_t* zip, uint64_t max_bytes)
      : zip_(zip), max_bytes_(max_bytes) {}

  Status Init() {
    if (zip_get_num_entries(zip_.get(), 0) > kMaxEntries)
      return LimitError("the archive has over " + std::to_string(kMaxEntries) +
                        " entries");
    ANEREF_TRY(FindPrefix());
    std::string location = kUsualModelPath;
    if (Has(prefix_ + kManifestName)) {
      ANEREF_ASSIGN(const std::span<const std::byte> manifest,
                    Read(prefix_ + kManifestName));
      ANEREF_ASSIGN(location, ModelPathOf(manifest));
    }
    ANEREF_ASSIGN(model_, Read(prefix_ + location));
    folder_ = prefix_ + location.substr(0, location.rfind('/') + 1);
    return Status();
  }

  std::span<const std::byte> model() const override { return model_; }
  uint64_t bytes_held() const override { return held_; }

  Expected<std::span<const std::byte>> Open(const std::string& name) override {
    ANEREF_ASSIGN(const std::string location, ModelPathLocation(name));
    if (!Has(folder_ + location))
      return IoError("weight file missing: '" + name + "'");
    return Read(folder_ + location);
  }

 private:
  bool Has(const std::string& name) const {
    return files_.contains(name) ||
           zip_name_locate(zip_.get(), name.c_str(), ZIP_FL_ENC_RAW) >= 0;
  }

  // The folder of the outermost manifest or model file.
  Status FindPrefix() {
    bool found = false;
    const zip_int64_t count = zip_get_num_entries(zip_.get(), 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      const char* raw = zip_get_name(zip_.get(), static_cast<zip_uint64_t>(i),
                                     ZIP_FL_ENC_RAW);
      const std::string name = raw == nullptr ? "" : raw;
      for (const std::string tail : {kManifestName, kUsualModelPath}) {
        if (!name.ends_with(tail) || name.starts_with("__MACOSX/")) continue;
        const std::string prefix = name.substr(0, name.size() - tail.size());
        if (!prefix.empty() && prefix.find('/') + 1 != prefix.size()) continue;
        if (found && prefix.size() >= prefix_.size()) continue;
        prefix_ = prefix;
        found = true;
      }
    }
    if (found) return Status();
    return InvalidFile(
        "", "the archive is no Core ML package: it has neither " +
                std::string(kManifestName) + " nor " + kUsualModelPath);
  }

  Status CheckEntry(zip_uint64_t index, const std::string& name,
                    zip_stat_t* info) {
    zip_stat_init(info);
    const zip_uint64_t needed =
        ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_ENCRYPTION_METHOD;
    if (zip_stat_index(zip_.get(), index, 0, info) != 0 ||
        (info->valid & needed) != needed)
      return InvalidFile("", name + ": " + zip_strerror(zip_.get()));
    if (info->encryption_method != ZIP_EM_NONE)
      return Unsupported(name + ": is encrypted");
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    if (zip_file_get_external_attributes(zip_.get(), index, 0, &system,
                                         &attributes) == 0 &&
        system == ZIP_OPSYS_UNIX &&
        ((attributes >> 16) & kFileTypeMask) == kLinkType)
      return InvalidFile("", name + ": is a symbolic link");
    if (info->size > max_bytes_ - held_)
      return LimitError(name + ": " + std::to_string(info->size) +
                        " bytes are over the limit of " +
                        std::to_string(max_bytes_) + " bytes");
    if (info->size > kHarmlessBytes && info->size / kMaxRatio > info->comp_size)
      return LimitError(name + ": " + std::to_string(info->comp_size) +
                        " bytes would unpack to " + std::to_string(info->size));
    return Status();
  }

  Expected<std::span<const std::byte>> Read(const std::string& name) {
    const auto found = files_.find(name);
    if (found != files_.end()) return found->second->bytes();
    const zip_int64_t at =
        zip_name_locate(zip_.get(), name.c_str(), ZIP_FL_ENC_RAW);
    if (at < 0) return InvalidFile("", "the archive has no file " + name);
    const auto index = static_cast<zip_uint64_t>(at);
    zip_stat_t info;
    ANEREF_TRY(CheckEntry(index, name, &info));
    const std::unique_ptr<zip_file_t, CloseFile> file(
        zip_fopen_index(zip_.get(), index, 0));
    if (!file) return InvalidFile("", name + ": " + zip_strerror(zip_.get()));
    std::vector<std::byte> bytes;
    ANEREF_TRY(ReadAll(file.get(), info.size, name, &bytes));
    held_ += bytes.size();
    const auto kept = File::FromBuffer(std::move(bytes));
    files_[name] = kept;
    return kept->bytes();
  }

  // Grows with what is really there.
  static Status ReadAll(zip_file_t* file, uint64_t size,
                        const std::string& name,
                        std::vector<std::byte>* bytes) {
    constexpr uint64_t kChunk = uint64_t{4} << 20;
    while (bytes->size() < size) {
      const size_t have = bytes->size();
      const auto want = static_cast<size_t>(std::min(kChunk, size - have));
      bytes->resize(have + want);
      const zip_int64_t got = zip_fread(file, bytes->data() + have, want);
      if (got <= 0) return InvalidFile("", name + ": is damaged or cut off");
      bytes->resize(have + static_cast<size_t>(got));
    }
    std::byte more;  // the end checks the sum
    if (zip_fread(file, &more, 1) != 0)
      return InvalidFile("", name + ": is damaged, or longer than it says");
    return Status();
  }

  std::unique_ptr<zip_t, CloseZip> zip_;
  uint64_t max_bytes_;
  uint64_t held_ = 0;
  std::string prefix_;  // of the package in the archive, "" or "X.mlpackage/"
  std::string folder_;  // of the model file
  std::span<const std::byte> model_;
  std::map<std::string, std::shared_ptr<const File>> files_;
};

}  // namespace

bool IsZip(const std::string& path) {
  constexpr char kMagic[] = {'P', 'K', 3, 4};
  char head[sizeof kMagic] = {};
  FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  const size_t got = std::fread(head, 1, sizeof head, file);
  std::fclose(file);
  return got == sizeof head && std::memcmp(head, kMagic, sizeof head) == 0;
}

Expected<std::unique_ptr<Package>> OpenZip(const std::string& path,
                                           uint64_t max_bytes) {
  int code = 0;
  zip_t* zip = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
  if (zip == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    return InvalidFile("", "is no sound zip archive: " + text);
  }
  auto package = std::make_unique<ZipPackage>(zip, max_bytes);
  ANEREF_TRY(package->Init());
  return std::unique_ptr<Package>(std::move(package));
}

}  // namespace aneref::coreml
