// Names, versions, strings.
#include "runtime/capi/strings.h"

using namespace aneref;        // NOLINT: the C functions below are global
using namespace aneref::capi;  // NOLINT

const char* aneref_status_name(aneref_status status) {
  static constexpr const char* kNames[] = {"ok",
                                           "invalid_file",
                                           "invalid_argument",
                                           "unsupported",
                                           "limit",
                                           "shape",
                                           "io",
                                           "out_of_memory",
                                           "internal",
                                           "invalid_handle",
                                           "busy",
                                           "invalid_state",
                                           "cancelled",
                                           "deadline",
                                           "no_importer"};
  constexpr auto kCount = static_cast<aneref_status>(std::size(kNames));
  return status >= 0 && status < kCount ? kNames[status] : "unknown";
}

const char* aneref_version(void) { return ANEREF_VERSION; }

uint32_t aneref_abi_version(void) { return ANEREF_ABI_VERSION; }

aneref_status aneref_check_abi(uint32_t abi_version, aneref_error* error) {
  return Guard(error, [&]() -> Result {
    if (abi_version == ANEREF_ABI_VERSION) return Result();
    return {ANEREF_UNSUPPORTED,
            "the caller was compiled against ABI version " +
                std::to_string(abi_version) + ", libaneref " + ANEREF_VERSION +
                " has version " + std::to_string(ANEREF_ABI_VERSION)};
  });
}

size_t aneref_dtype_size(aneref_dtype dtype) {
  if (dtype < 0 || dtype >= kNumDataTypes) return 0;
  return ElementSize(static_cast<DataType>(dtype));
}

const char* aneref_dtype_name(aneref_dtype dtype) {
  if (dtype < 0 || dtype >= kNumDataTypes) return "unknown";
  return DataTypeName(static_cast<DataType>(dtype));
}

aneref_status aneref_string_get(const aneref_string* string, const char** text,
                                size_t* length, aneref_error* error) {
  return Guard(error, [&]() -> Result {
    const auto object = FindObject(string);
    if (object == nullptr) return BadHandle("string");
    ANEREF_CAPI_TRY(NeedPointer(text, "text"));
    *text = object->text().c_str();
    if (length != nullptr) *length = object->text().size();
    return Result();
  });
}

aneref_status aneref_string_destroy(aneref_string* string) {
  return Guard(nullptr, [&]() -> Result {
    if (string == nullptr || RemoveObject(string) != nullptr) return Result();
    return BadHandle("string");
  });
}
