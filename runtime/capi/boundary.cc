// See boundary.h.
#include "runtime/capi/boundary.h"

namespace aneref::capi {
namespace {

aneref_status CodeOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return ANEREF_OK;
    case StatusCode::kInvalidFile:
      return ANEREF_INVALID_FILE;
    case StatusCode::kInvalidArgument:
      return ANEREF_INVALID_ARGUMENT;
    case StatusCode::kUnsupported:
      return ANEREF_UNSUPPORTED;
    case StatusCode::kLimit:
      return ANEREF_LIMIT;
    case StatusCode::kShape:
      return ANEREF_SHAPE;
    case StatusCode::kIo:
      return ANEREF_IO;
    case StatusCode::kOutOfMemory:
      return ANEREF_OUT_OF_MEMORY;
    case StatusCode::kInternal:
      break;
  }
  return ANEREF_INTERNAL;
}

// Copies as much as fits; a UTF-8 character that would be cut is left out.
void CopyText(const char* text, char* out, size_t room) {
  size_t length = std::strlen(text);
  if (length >= room) {
    length = room - 1;
    while (length > 0 &&
           (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) {
      --length;
    }
  }
  std::memcpy(out, text, length);
  out[length] = '\0';
}

aneref_status Write(aneref_status code, const char* rule, const char* message,
                    aneref_error* error) {
  if (code == ANEREF_OK || error == nullptr) return code;
  const size_t size = error->struct_size;
  if (size < sizeof(size_t) || size > kLargestStruct) return code;
  aneref_error full = aneref_error_init();
  full.code = code;
  CopyText(rule, full.rule, sizeof(full.rule));
  CopyText(message, full.message, sizeof(full.message));
  std::memcpy(static_cast<void*>(error), &full, std::min(size, sizeof(full)));
  error->struct_size = size;
  return code;
}

}  // namespace

Result::Result(Status error)
    : code(CodeOf(error.code())), status(std::move(error)) {}

Result BadHandle(const char* what) {
  return {ANEREF_INVALID_HANDLE,
          std::string("this is no ") + what + ", or no longer one"};
}

aneref_status Finish(const Result& result, aneref_error* error) {
  return Write(result.code, result.status.rule().c_str(),
               result.status.message().c_str(), error);
}

aneref_status FinishWith(aneref_status code, const char* message,
                         aneref_error* error) {
  return Write(code, "", message, error);
}

Result CheckStruct(const void* given, size_t known, const char* name) {
  size_t size = 0;
  std::memcpy(&size, given, sizeof(size));
  if (size < sizeof(size_t) || size > kLargestStruct) {
    return {ANEREF_INVALID_ARGUMENT, std::string(name) + "'s struct_size is " +
                                         std::to_string(size) +
                                         " (use its _init function)"};
  }
  const auto* bytes = static_cast<const unsigned char*>(given);
  for (size_t i = known; i < size; ++i) {
    if (bytes[i] == 0) continue;
    return {ANEREF_INVALID_ARGUMENT, std::string(name) +
                                         " uses fields that this library (" +
                                         aneref_version() + ") does not know"};
  }
  return Result();
}

}  // namespace aneref::capi
