// Fuzz target: an .mlpackage. The first byte says how: 0 gives the rest as a
// zip archive; else the rest is a manifest, a model and a weight file, each
// behind its length (three bytes, lowest first), in a folder.
#include <algorithm>
#include <filesystem>

#include "tests/fuzz/import_file.h"

namespace {

// One scratch folder per process. Its name outlives what runs at exit.
const std::string& ScratchFolder() {
  static const std::string& path = *new std::string([] {
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
  }());
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const bool is_archive = data[0] == 0;
  ++data;
  --size;
  if (is_archive) {
    const std::string path = ScratchFolder() + "/a.zip";
    aneref::fuzz::WriteScratch(path, data, size);
    (void)aneref::fuzz::Import(path);
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
    aneref::fuzz::WriteScratch(root + name, data + head, length);
    data += head + length;
    size -= head + length;
  }
  (void)aneref::fuzz::Import(root);
  return 0;
}
