// Fuzz target: any bytes as what somebody dumped from a device. The content
// chooses the reader, as it does for users: archives, arrays, manifests beside
// a raw buffer, safetensors and tensor protos. Each gives tensors or a Status.
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "tests/fuzz/import_file.h"
#include "tools/dump.h"

namespace {

namespace fs = std::filesystem;
using aneref::fuzz::WriteScratch;

constexpr uint64_t kMostBytes = 1 << 20;

// A folder of this process, with a raw buffer for manifests to point into. The
// name is never destroyed: what removes the folder runs at exit.
const std::string& Folder() {
  static const std::string& folder = *new std::string([] {
    std::string name = "/tmp/aneref-fuzz-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    uint8_t raw[256];
    for (size_t i = 0; i < sizeof raw; ++i) raw[i] = static_cast<uint8_t>(i);
    WriteScratch(name + "/s.bin", raw, sizeof raw);
    std::atexit([] {
      std::error_code error;
      fs::remove_all(Folder(), error);
    });
    return name;
  }());
  return folder;
}

bool IsManifest(std::string_view text) {
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) return c == '{';
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.starts_with("PK") || text.starts_with("\x93NUMPY") ||
      IsManifest(text)) {
    const std::string path = Folder() + "/dump.json";
    if (WriteScratch(path, data, size)) {
      (void)aneref::tool::ReadDump(path, kMostBytes).ok();
    }
    return 0;
  }
  (void)aneref::tool::ParseSafetensors(bytes, "fuzz").ok();
  (void)aneref::tool::ParseTensorProto(bytes, "fuzz").ok();
  return 0;
}
