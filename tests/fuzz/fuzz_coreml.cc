// Fuzz target: any bytes as an .mlmodel file. The importer gives bytes that the
// .anem reader accepts, or a Status.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "runtime/exec/session.h"
#include "runtime/graph/net.h"
#include "runtime/import/importer.h"

namespace aneref {
namespace {

// The importer reads paths (weights lie beside the model): one scratch file per
// process.
const std::string& ScratchPath() {
  static const std::string path = [] {
    char name[] = "/tmp/aneref-fuzz-XXXXXX.mlmodel";
    const int descriptor = mkstemps(name, 8);
    if (descriptor >= 0) close(descriptor);
    std::atexit([] { unlink(ScratchPath().c_str()); });
    return std::string(name);
  }();
  return path;
}

}  // namespace
}  // namespace aneref

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FILE* file = std::fopen(aneref::ScratchPath().c_str(), "wb");
  if (file == nullptr) return 0;
  std::fwrite(data, 1, size, file);
  std::fclose(file);
  aneref::ImportOptions options;
  options.max_memory = 16 << 20;
  aneref::ImportSummary summary;
  auto bytes = aneref::ImportModel(aneref::ScratchPath(), options, &summary);
  if (!bytes.ok()) return 0;
  const auto net =
      aneref::Net::Parse(aneref::File::FromBuffer(std::move(*bytes)), "fuzz");
  if (!net.ok()) std::abort();  // what the importer writes must be readable
  aneref::SessionOptions session_options;
  session_options.threads = 1;
  session_options.max_memory = 8 << 20;
  (void)aneref::Session::Create(*net, session_options).ok();
  return 0;
}
