// POSIX files: every short read, short write and close error is looked at.
#include "tools/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace aneref::tool {
namespace {

Status SystemError(const std::string& path, const char* what, int error) {
  return IoError(path + ": " + what + ": " + std::strerror(error));
}

// Closes on every way out.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Up to `size` bytes; 0 at the end, -1 with errno on errors.
ssize_t ReadSome(int fd, std::byte* data, size_t size) {
  ssize_t got = -1;
  do {
    got = ::read(fd, data, size);
  } while (got < 0 && errno == EINTR);
  return got;
}

// errno of the failed write, 0 when all went out.
int WriteAll(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return put < 0 ? errno : EIO;
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return 0;
}

// A new file beside `target`; no other process gets the same name.
int OpenTemporary(const std::filesystem::path& target, std::string* path) {
  static int counter = 0;
  constexpr int kAttempts = 100;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    // The target's own name may be as long as names can be: leave it out.
    const std::string name = ".aneref-" + std::to_string(::getpid()) + "-" +
                             std::to_string(counter++) + ".tmp";
    *path = (target.parent_path() / name).string();
    const int fd =
        ::open(path->c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

}  // namespace

Expected<std::vector<std::byte>> ReadFile(const std::string& path,
                                          uint64_t max_bytes) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return SystemError(path, "cannot open", errno);
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) {
    return SystemError(path, "cannot read", errno);
  }
  if (S_ISDIR(info.st_mode)) return IoError(path + ": is a directory");
  constexpr size_t kChunk = size_t{1} << 20;
  std::vector<std::byte> bytes;
  if (S_ISREG(info.st_mode) && info.st_size > 0 &&
      (max_bytes == 0 || static_cast<uint64_t>(info.st_size) <= max_bytes)) {
    bytes.reserve(static_cast<size_t>(info.st_size) + 1);
  }
  while (true) {
    const size_t have = bytes.size();
    const size_t room = bytes.capacity() - have;
    bytes.resize(have + (room > 0 && room < kChunk ? room : kChunk));
    const ssize_t got =
        ReadSome(file.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0) return SystemError(path, "cannot read", errno);
    bytes.resize(have + static_cast<size_t>(got));
    if (got == 0) return bytes;
    if (max_bytes != 0 && bytes.size() > max_bytes) {
      return LimitError(path + ": larger than the limit of " +
                        std::to_string(max_bytes) + " bytes");
    }
  }
}

Expected<AtomicFile> AtomicFile::Create(const std::string& target) {
  AtomicFile file;
  file.shown_ = target;
  if (target.empty()) return InvalidArgument("the name of an output is empty");
  std::error_code error;
  std::filesystem::path path(target);
  const auto status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) {
    return IoError(target + ": is a directory");
  }
  const bool exists = std::filesystem::exists(status);
  if (exists) path = std::filesystem::canonical(path, error);
  if (error && exists) return IoError(target + ": " + error.message());
  file.special_ = exists && !std::filesystem::is_regular_file(status);
  file.target_ = path.string();
  if (exists && ::access(file.target_.c_str(), W_OK) != 0) {
    return SystemError(target, "cannot write", errno);
  }
  if (file.special_) path = std::filesystem::temp_directory_path(error) / "x";
  std::string temporary;
  file.fd_ = OpenTemporary(path, &temporary);
  if (file.fd_ < 0) return SystemError(target, "cannot write", errno);
  file.temporary_ = std::move(temporary);
  struct stat info = {};
  if (exists && !file.special_ && ::stat(file.target_.c_str(), &info) == 0) {
    // A replaced file keeps its permissions; failing to is no error.
    if (::fchmod(file.fd_, info.st_mode & 0777) != 0) errno = 0;
  }
  return file;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : shown_(std::move(other.shown_)),
      target_(std::move(other.target_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::exchange(other.fd_, -1)),
      special_(other.special_) {}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Status AtomicFile::Write(std::span<const std::byte> bytes) {
  const int error = WriteAll(fd_, bytes);
  return error == 0 ? Status() : SystemError(shown_, "cannot write", error);
}

Status AtomicFile::CopyToTarget() {
  // By name: another library may have replaced the file behind fd_.
  const Descriptor from(::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC));
  Descriptor to(::open(target_.c_str(), O_WRONLY | O_CLOEXEC));
  if (from.get() < 0 || to.get() < 0) {
    return SystemError(shown_, "cannot write", errno);
  }
  std::vector<std::byte> chunk(size_t{1} << 16);
  while (true) {
    const ssize_t got = ReadSome(from.get(), chunk.data(), chunk.size());
    if (got < 0) return SystemError(shown_, "cannot read back", errno);
    if (got == 0) break;
    const int error =
        WriteAll(to.get(), std::span(chunk).first(static_cast<size_t>(got)));
    if (error != 0) return SystemError(shown_, "cannot write", error);
  }
  if (::close(to.Release()) != 0) {
    return SystemError(shown_, "cannot write", errno);
  }
  return Status();
}

Status AtomicFile::Commit() {
  if (::close(std::exchange(fd_, -1)) != 0) {
    return SystemError(shown_, "cannot write", errno);
  }
  if (special_) return CopyToTarget();
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    return SystemError(shown_, "cannot rename into place", errno);
  }
  temporary_.clear();
  return Status();
}

Status CheckWritable(const std::string& target) {
  if (target.empty()) return Status();
  return AtomicFile::Create(target).status();
}

}  // namespace aneref::tool
