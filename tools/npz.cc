// libzip does the archive; sizes it reports are claims of the file and are
// checked before memory is taken.
#include "tools/npz.h"

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>

namespace aneref::tool {
namespace {

constexpr std::string_view kSuffix = ".npy";
constexpr uint16_t kDosEpoch = (1 << 5) | 1;  // 1980-01-01, as numpy writes

struct Closer {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

std::string OpenError(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

}  // namespace

struct NpzReader::Archive {
  zip_t* zip = nullptr;
  ~Archive() {
    if (zip != nullptr) zip_discard(zip);
  }
};

Expected<NpzReader> NpzReader::Open(const std::string& path,
                                    uint64_t max_bytes) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) {
    return IoError(path + ": is a directory");
  }
  NpzReader reader;
  reader.path_ = path;
  reader.max_bytes_ = max_bytes;
  reader.archive_ = std::make_shared<Archive>();
  int code = 0;
  reader.archive_->zip = zip_open(path.c_str(), ZIP_RDONLY, &code);
  if (reader.archive_->zip == nullptr) {
    if (code == ZIP_ER_OPEN || code == ZIP_ER_NOENT || code == ZIP_ER_READ) {
      return IoError(path + ": cannot open: " + OpenError(code));
    }
    return InvalidFile("", path + ": is no .npz archive: " + OpenError(code));
  }
  const zip_int64_t count = zip_get_num_entries(reader.archive_->zip, 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    const char* raw = zip_get_name(
        reader.archive_->zip, static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW);
    std::string name = raw ? raw : "";
    if (name.ends_with(kSuffix)) name.resize(name.size() - kSuffix.size());
    reader.names_.push_back(std::move(name));
  }
  return reader;
}

bool NpzReader::Has(const std::string& name) const {
  return std::find(names_.begin(), names_.end(), name) != names_.end();
}

Expected<Array> NpzReader::Read(const std::string& name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  if (found == names_.end()) {
    return InvalidArgument(path_ + ": no array '" + name + "'");
  }
  const std::string shown = path_ + ":" + name;
  const auto index = static_cast<zip_uint64_t>(found - names_.begin());
  zip_stat_t info;
  zip_stat_init(&info);
  if (zip_stat_index(archive_->zip, index, 0, &info) != 0 ||
      (info.valid & ZIP_STAT_SIZE) == 0) {
    return InvalidFile("", shown + ": " + zip_strerror(archive_->zip));
  }
  if (max_bytes_ != 0 && info.size > max_bytes_ + kMaxNpyHeader) {
    return LimitError(shown + ": " + std::to_string(info.size) +
                      " bytes are over the limit of " +
                      std::to_string(max_bytes_));
  }
  std::unique_ptr<zip_file_t, Closer> file(
      zip_fopen_index(archive_->zip, index, 0));
  if (!file) {
    return InvalidFile("", shown + ": " + zip_strerror(archive_->zip));
  }
  // Grows with what is really there: the stated size may be a lie.
  constexpr size_t kChunk = size_t{1} << 20;
  std::vector<std::byte> bytes;
  while (true) {
    const size_t have = bytes.size();
    bytes.resize(have + kChunk);
    const zip_int64_t got = zip_fread(file.get(), bytes.data() + have, kChunk);
    if (got < 0) {
      return InvalidFile("", shown + ": " + zip_file_strerror(file.get()));
    }
    bytes.resize(have + static_cast<size_t>(got));
    if (got == 0) break;
    if (bytes.size() > info.size) break;  // ParseNpy says what is wrong
    if (have == 0) {
      // A header that promises another size than the entry's ends it here.
      const size_t head = std::min(bytes.size(), kMaxNpyHeader);
      ANEREF_ASSIGN(const NpyHeader header,
                    ParseNpyHeader(std::span(bytes).first(head), shown));
      if (header.size + DenseBytes(header.type) != info.size) {
        return InvalidFile("", shown + ": " + std::to_string(info.size) +
                                   " bytes do not fit " +
                                   header.type.ToString());
      }
    }
  }
  return ParseNpy(bytes, shown);
}

Status NpzWriter::Add(const std::string& name, Array array) {
  for (const Entry& entry : entries_) {
    if (entry.name == name) {
      return InvalidArgument("two arrays are called '" + name + "'");
    }
  }
  std::vector<std::byte> header = MakeNpyHeader(array.type);
  entries_.push_back({name, std::move(header), std::move(array)});
  return Status();
}

Status NpzWriter::Write(const AtomicFile& file,
                        const std::string& shown) const {
  int code = 0;
  zip_t* zip =
      zip_open(file.temporary_path().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (zip == nullptr) {
    return IoError(shown + ": cannot write: " + OpenError(code));
  }
  const auto fail = [&](const std::string& what) {
    const Status status =
        IoError(shown + ": cannot write" + what + ": " + zip_strerror(zip));
    zip_discard(zip);
    return status;
  };
  for (const Entry& entry : entries_) {
    const zip_buffer_fragment_t fragments[2] = {
        {reinterpret_cast<zip_uint8_t*>(
             const_cast<std::byte*>(entry.header.data())),
         entry.header.size()},
        {reinterpret_cast<zip_uint8_t*>(
             const_cast<std::byte*>(entry.array.bytes.data())),
         entry.array.bytes.size()}};
    // A fragment without bytes is refused by libzip: leave it out.
    const zip_uint64_t count = entry.array.bytes.empty() ? 1 : 2;
    zip_source_t* source = zip_source_buffer_fragment(zip, fragments, count, 0);
    if (source == nullptr) return fail(" '" + entry.name + "'");
    const std::string name = entry.name + std::string(kSuffix);
    const zip_int64_t index =
        zip_file_add(zip, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      return fail(" '" + entry.name + "'");
    }
    const auto at = static_cast<zip_uint64_t>(index);
    if (zip_set_file_compression(zip, at, ZIP_CM_STORE, 0) != 0 ||
        zip_file_set_dostime(zip, at, 0, kDosEpoch, 0) != 0) {
      return fail(" '" + entry.name + "'");
    }
  }
  if (zip_close(zip) != 0) return fail("");
  return Status();
}

}  // namespace aneref::tool
