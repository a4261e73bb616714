// Turns foreign model files into .anem bytes in memory. A library of its own
// (aneref_import): protobuf stays out of the core.
#ifndef ANEREF_RUNTIME_IMPORT_IMPORTER_H_
#define ANEREF_RUNTIME_IMPORT_IMPORTER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/status.h"
#include "runtime/graph/net_writer.h"

namespace aneref {

enum class Precision : uint8_t { kFp16, kSource };

struct ImportOptions {
  Precision precision = Precision::kFp16;
  bool fold =
      true;  // the passes of import/passes.h; constant folding always happens
  uint64_t max_memory = 0;  // 0: no limit
};

struct ImportSummary {
  std::string format;  // "onnx", "anem"
  std::vector<std::string>
      notes;  // what was folded or joined, with source names
};

// Reads `path` (any supported format; .anem files are returned as they are) and
// gives verified .anem bytes. Errors: kIo, kInvalidFile, kUnsupported (op,
// node, domain, opset named), kLimit.
Expected<std::vector<std::byte>> ImportModel(const std::string& path,
                                             const ImportOptions& options,
                                             ImportSummary* summary);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_IMPORT_IMPORTER_H_
