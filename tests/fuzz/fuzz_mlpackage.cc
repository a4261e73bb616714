// Fuzz target: an .mlpackage. The first byte says how: 0 gives the rest as a
// zip archive; else the rest is a manifest, a model and a weight file, each
// behind its length (three bytes, lowest first), in a folder.
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "runtime/graph/net.h"
#include "runtime/import/importer.h"

namespace {

// One scratch folder per process.
const std::string& ScratchFolder() {
  static const std::string path = [] {
    char name[] = "/tmp/aneref-fuzz-XXXXXX";
    const char* made = mkdtemp(name);
    if (made == nullptr) std::abort();
    const std::string folder = made;
    std::filesystem::create_directories(folder +
                                        "/p/Data/com.apple.CoreML/weights");
    std::atexit([] {
      std::error_code error;
      std::filesystem::remove_all(ScratchFolder(), error);
    });
    return folder;
  }();
  return path;
}

void Write(const std::string& path, const uint8_t* data, size_t size) {
  FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return;
  std::fwrite(data, 1, size, file);
  std::fclose(file);
}

void Import(const std::string& path) {
  aneref::ImportOptions options;
  options.max_memory = 16 << 20;
  aneref::ImportSummary summary;
  auto bytes = aneref::ImportModel(path, options, &summary);
  if (!bytes.ok()) return;
  const auto net =
      aneref::Net::Parse(aneref::File::FromBuffer(std::move(*bytes)), "fuzz");
  if (!net.ok()) std::abort();  // what the importer writes must be readable
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const bool is_archive = data[0] == 0;
  ++data;
  --size;
  if (is_archive) {
    const std::string path = ScratchFolder() + "/a.zip";
    Write(path, data, size);
    Import(path);
    return 0;
  }
  const std::string root = ScratchFolder() + "/p";
  const std::string names[] = {"/Manifest.json",
                               "/Data/com.apple.CoreML/model.mlmodel",
                               "/Data/com.apple.CoreML/weights/weight.bin"};
  for (const std::string& name : names) {
    size_t length = 0;
    for (size_t i = 0; i < 3 && i < size; ++i)
      length |= static_cast<size_t>(data[i]) << (8 * i);
    const size_t head = std::min<size_t>(3, size);
    length = std::min(length, size - head);
    Write(root + name, data + head, length);
    data += head + length;
    size -= head + length;
  }
  Import(root);
  return 0;
}
