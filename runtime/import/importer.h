// Turns foreign model files into .anem bytes in memory. A library of its own
// (aneref_import): protobuf stays out of the core.
#ifndef ANEREF_RUNTIME_IMPORT_IMPORTER_H_
#define ANEREF_RUNTIME_IMPORT_IMPORTER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/status.h"
#include "runtime/graph/net_writer.h"

namespace aneref {

// kDefault: kSource for ML Programs, kFp16 for everything else.
enum class Precision : uint8_t { kFp16, kSource, kDefault };

struct ImportOptions {
  Precision precision = Precision::kDefault;
  bool fold =
      true;  // the passes of import/passes.h; constant folding always happens
  uint64_t max_memory = 0;  // 0: no limit
  std::string function;     // ML Programs: which one; empty: the default
};

struct ImportSummary {
  std::string format;  // "onnx", "coreml", "anem"
  std::vector<std::string>
      notes;  // what was folded or joined, with source names
};

// Reads `path` (any supported format, also the folder of a Core ML package;
// .anem files are returned as they are) and gives verified .anem bytes. Errors:
// kIo, kInvalidFile, kUnsupported (op, node, domain, opset named), kLimit.
Expected<std::vector<std::byte>> ImportModel(const std::string& path,
                                             const ImportOptions& options,
                                             ImportSummary* summary);

// The same of a file in memory. `name` leads errors, and weights in files of
// their own are looked for beside it. Packages, which are folders, cannot be
// read this way.
Expected<std::vector<std::byte>> ImportBytes(std::span<const std::byte> bytes,
                                             const std::string& name,
                                             const ImportOptions& options,
                                             ImportSummary* summary);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_IMPORT_IMPORTER_H_
