// Files as bytes: a read-only mapping, or a buffer somebody made.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/graph/net.h"

namespace aneref {
namespace {

class MappedFile : public File {
 public:
  MappedFile(void* data, size_t size) : data_(data), size_(size) {}
  ~MappedFile() override { munmap(data_, size_); }
  std::span<const std::byte> bytes() const override {
    return {static_cast<const std::byte*>(data_), size_};
  }
  void DropPages(std::span<const std::byte> range) const override {
    const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<uintptr_t>(range.data());
    const uintptr_t first = (begin + page - 1) / page * page;
    const uintptr_t last = (begin + range.size()) / page * page;
    if (first < last)
      madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
  }

 private:
  void* data_;
  size_t size_;
};

class BufferFile : public File {
 public:
  explicit BufferFile(std::vector<std::byte> bytes)
      : bytes_(std::move(bytes)) {}
  std::span<const std::byte> bytes() const override { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

class BorrowedFile : public File {
 public:
  explicit BorrowedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes() const override { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

Status OsError(const std::string& path, const char* what) {
  return IoError(path + ": " + what + ": " + std::strerror(errno));
}

}  // namespace

Expected<std::shared_ptr<const File>> File::Map(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return OsError(path, "cannot open");
  struct stat info {};
  Status status;
  void* data = MAP_FAILED;
  if (fstat(descriptor, &info) != 0) {
    status = OsError(path, "cannot read its size");
  } else if (S_ISDIR(info.st_mode)) {
    status = IoError(path + ": is a directory, not a file");
  } else if (!S_ISREG(info.st_mode)) {
    status = IoError(path + ": is not a regular file");
  } else if (info.st_size == 0) {
    status = InvalidFile("F1", path + ": the file is empty");
  } else {
    data = mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ,
                MAP_PRIVATE, descriptor, 0);
    if (data == MAP_FAILED) status = OsError(path, "cannot map");
  }
  close(descriptor);
  if (!status.ok()) return status;
  return std::shared_ptr<const File>(
      std::make_shared<MappedFile>(data, static_cast<size_t>(info.st_size)));
}

std::shared_ptr<const File> File::FromBuffer(std::vector<std::byte> bytes) {
  return std::make_shared<BufferFile>(std::move(bytes));
}

std::shared_ptr<const File> File::Borrow(std::span<const std::byte> bytes) {
  return std::make_shared<BorrowedFile>(bytes);
}

}  // namespace aneref
