// The weight file of an ML Program: 64-byte records that say where values lie.
// Everything is checked before it is read. Knows no values and no programs.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_MIL_BLOB_FILE_H_
#define ANEREF_RUNTIME_IMPORT_COREML_MIL_BLOB_FILE_H_

#include <cstdint>
#include <span>

#include "runtime/core/status.h"

namespace aneref::coreml::mil {

// The bytes of the value whose record is at `offset`: `count` elements of the
// MIL type `type`. kInvalidFile: no record there, another element type, another
// size, out of the file.
Expected<std::span<const std::byte>> ReadBlob(std::span<const std::byte> file,
                                              uint64_t offset, int32_t type,
                                              uint64_t count);

}  // namespace aneref::coreml::mil

#endif  // ANEREF_RUNTIME_IMPORT_COREML_MIL_BLOB_FILE_H_
