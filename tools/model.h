// Options that several verbs share, and the way from them to a network and a
// session's options.
#ifndef ANEREF_TOOLS_MODEL_H_
#define ANEREF_TOOLS_MODEL_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/core/chip.h"
#include "runtime/core/profile.h"
#include "runtime/core/status.h"
#include "runtime/exec/session.h"
#include "runtime/graph/net.h"
#include "runtime/graph/port_spec.h"
#include "runtime/import/importer.h"

namespace aneref::tool {

// MODEL, --precision, --no-fold, --max-memory.
struct ModelArgs {
  std::string path;
  std::string precision;  // empty: the format's default
  bool no_fold = false;
  std::string function;    // of a Core ML program; empty: the default
  std::string max_memory;  // "512M"; empty: no limit

  void Declare(CLI::App* app);
  Expected<uint64_t> MaxMemory() const;
  Expected<ImportOptions> ToImportOptions() const;
};

struct Model {
  std::shared_ptr<const Net> net;
  std::string format;              // "anem", "onnx"
  std::vector<std::string> notes;  // what the importer folded or joined
};
// Maps a native file, imports any other in memory.
Expected<Model> LoadModel(const ModelArgs& args);

// `status` led by the model's path, unless it is already.
Status AboutModel(const ModelArgs& args, const Status& status);

// --target, --numerics, --threads; hidden: --rung, --simd.
struct EngineArgs {
  std::string target = "m1";
  std::string numerics = "portable";
  int threads = 0;
  std::string rung = "simd";
  std::string simd;

  void Declare(CLI::App* app);
  // Validates all and applies --simd to the process.
  Expected<SessionOptions> ToSessionOptions(uint64_t max_memory) const;
  Expected<const Chip*> FindTarget() const;
  bool IsDevice() const;
  // The target's arithmetic with the options after "device:".
  Expected<Profile> DeviceProfile() const;
};

// "1536", "64K", "512M", "4G" (powers of 1024).
Expected<uint64_t> ParseByteCount(const std::string& text);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_MODEL_H_
