// What the importers' fuzz targets share: a scratch file per process (importers
// read paths, as weights lie beside the model), and one import.
#ifndef ANEREF_TESTS_FUZZ_IMPORT_FILE_H_
#define ANEREF_TESTS_FUZZ_IMPORT_FILE_H_

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "runtime/exec/session.h"
#include "runtime/graph/net.h"
#include "runtime/import/importer.h"

namespace aneref::fuzz {

inline bool WriteScratch(const std::string& path, const uint8_t* data,
                         size_t size) {
  FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  std::fwrite(data, 1, size, file);
  std::fclose(file);
  return true;
}

// Null where the importer refuses; what it accepts must be readable.
inline std::shared_ptr<const Net> Import(const std::string& path) {
  ImportOptions options;
  options.max_memory = 16 << 20;
  ImportSummary summary;
  auto bytes = ImportModel(path, options, &summary);
  if (!bytes.ok()) return nullptr;
  const auto net = Net::Parse(File::FromBuffer(std::move(*bytes)), "fuzz");
  if (!net.ok()) std::abort();
  return *net;
}

// The bytes as a file whose name ends in `extension` (the same in all calls of
// a process): imported, and prepared for a run.
inline void ImportBytes(const char* extension, const uint8_t* data,
                        size_t size) {
  static std::string path;
  if (path.empty()) {
    path = std::string("/tmp/aneref-fuzz-XXXXXX") + extension;
    const int descriptor =
        mkstemps(path.data(), static_cast<int>(std::string(extension).size()));
    if (descriptor >= 0) close(descriptor);
    std::atexit([] { unlink(path.c_str()); });
  }
  if (!WriteScratch(path, data, size)) return;
  const std::shared_ptr<const Net> net = Import(path);
  if (net == nullptr) return;
  SessionOptions options;
  options.threads = 1;
  options.max_memory = 8 << 20;
  (void)Session::Create(net, options).ok();
}

}  // namespace aneref::fuzz

#endif  // ANEREF_TESTS_FUZZ_IMPORT_FILE_H_
