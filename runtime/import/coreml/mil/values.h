// Values of an ML Program as the file holds them, immediate or in the weight
// file, and their dense constants. Compressed forms are made elsewhere.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_MIL_VALUES_H_
#define ANEREF_RUNTIME_IMPORT_COREML_MIL_VALUES_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/import/coreml/package.h"
#include "runtime/import/coreml/proto.h"
#include "runtime/import/draft.h"

namespace aneref::coreml::mil {

// MIL data types by number.
inline constexpr int32_t kTypeBool = 1, kTypeString = 2, kTypeFp16 = 10,
                         kTypeFp32 = 11, kTypeFp64 = 12, kTypeBf16 = 13,
                         kTypeInt8 = 21, kTypeInt16 = 22, kTypeInt32 = 23,
                         kTypeInt64 = 24, kTypeInt4 = 25, kTypeUint8 = 31,
                         kTypeUint16 = 32, kTypeUint32 = 33, kTypeUint64 = 34,
                         kTypeUint4 = 35, kTypeUint2 = 36, kTypeUint1 = 37,
                         kTypeUint6 = 38, kTypeUint3 = 39, kTypeFp8E4m3 = 40,
                         kTypeFp8E5m2 = 41;

std::string TypeName(int32_t type);  // "fp16"; "type 99" for unknown ones
int BitsOf(int32_t type);            // 0 for strings and unknown types
bool IsSignedInteger(int32_t type);
// The type that holds every value exactly: bf16 becomes float32, the 8-bit
// floats float16, integers below 8 bits 8-bit ones. kUnsupported: strings.
Expected<DataType> ElementType(int32_t type);

// Elements in the file's own form, little endian, sub-byte ones packed lowest
// bits first.
struct RawValue {
  int32_t type = 0;
  Shape shape;
  std::span<const std::byte> bytes;
  std::vector<std::string> strings;                     // type string
  std::shared_ptr<const std::vector<std::byte>> owner;  // of bytes, or null
};

// Tensors, and lists of strings or numbers (as vectors). The package and the
// message must outlive the result.
Expected<RawValue> ReadValue(const Value& value, Package* package);

Expected<DraftConstant> ToDense(const RawValue& value);

}  // namespace aneref::coreml::mil

#endif  // ANEREF_RUNTIME_IMPORT_COREML_MIL_VALUES_H_
