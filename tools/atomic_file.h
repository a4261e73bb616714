// Files in and out. Reading is bounded; writing goes to a temporary name beside
// the target that is renamed into place, so a target is whole or untouched.
#ifndef ANEREF_TOOLS_ATOMIC_FILE_H_
#define ANEREF_TOOLS_ATOMIC_FILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/status.h"

namespace aneref::tool {

// All bytes of a file or pipe. kIo: missing, a directory, unreadable; kLimit:
// more than `max_bytes` (0: no limit).
Expected<std::vector<std::byte>> ReadFile(const std::string& path,
                                          uint64_t max_bytes = 0);

// A file under construction; removed by the destructor unless committed.
// A target that is neither a regular file nor absent (a pipe, /dev/null) is not
// replaced: Commit copies into it. A symbolic link is followed.
class AtomicFile {
 public:
  // kIo: no such folder, not writable, the target is a directory.
  static Expected<AtomicFile> Create(const std::string& target);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  // An empty file that exists; other libraries may write to it by name.
  const std::string& temporary_path() const { return temporary_; }
  Status Write(std::span<const std::byte> bytes);  // appends
  Status Commit();                                 // once, after all writes

 private:
  AtomicFile() = default;
  Status CopyToTarget();
  std::string shown_;      // as the user named the target
  std::string target_;     // links resolved
  std::string temporary_;  // empty once committed
  int fd_ = -1;
  bool special_ = false;
};

// Fails as AtomicFile::Create would, leaving nothing behind: for checks before
// long work. An empty path is fine.
Status CheckWritable(const std::string& target);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_ATOMIC_FILE_H_
