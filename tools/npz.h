// .npz archives: zip files with one NAME.npy per array, as numpy.savez writes
// and numpy.load reads them. Output is stored uncompressed and the same bytes
// for the same arrays. Input is untrusted.
#ifndef ANEREF_TOOLS_NPZ_H_
#define ANEREF_TOOLS_NPZ_H_

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "runtime/core/status.h"
#include "tools/atomic_file.h"
#include "tools/npy.h"

namespace aneref::tool {

class NpzReader {
 public:
  // kIo, kInvalidFile. max_bytes bounds one array (0: none).
  static Expected<NpzReader> Open(const std::string& path,
                                  uint64_t max_bytes = 0);
  // Entries in file order without ".npy".
  const std::vector<std::string>& names() const { return names_; }
  bool Has(const std::string& name) const;
  // kInvalidArgument: no such entry; else as ParseNpy.
  Expected<Array> Read(const std::string& name) const;

 private:
  struct Archive;
  NpzReader() = default;
  std::shared_ptr<Archive> archive_;
  std::string path_;
  std::vector<std::string> names_;
  uint64_t max_bytes_ = 0;
};

// Collects arrays, then writes them in the order of Add.
class NpzWriter {
 public:
  // kInvalidArgument: that name exists.
  Status Add(const std::string& name, Array array);
  // Writes to file.temporary_path(); the caller commits. kIo.
  Status Write(const AtomicFile& file, const std::string& shown) const;

 private:
  struct Entry {
    std::string name;
    std::vector<std::byte> header;
    Array array;
  };
  std::deque<Entry> entries_;
};

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_NPZ_H_
