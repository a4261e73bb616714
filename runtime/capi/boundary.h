// What every C function does at the border: read structs of any age (A3), run
// the body with exceptions caught (A7), fill in the caller's error record (A2).
#ifndef ANEREF_RUNTIME_CAPI_BOUNDARY_H_
#define ANEREF_RUNTIME_CAPI_BOUNDARY_H_

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>

#include "aneref/aneref.h"
#include "runtime/capi/handles.h"
#include "runtime/core/status.h"

namespace aneref::capi {

// The code that callers see, and the error behind it.
struct Result {
  Result() = default;
  Result(Status error);  // NOLINT(google-explicit-constructor)
  Result(aneref_status with, std::string message)
      : code(with),
        status(StatusCode::kInvalidArgument, "", std::move(message)) {}
  Result(aneref_status with, std::string rule, std::string message)
      : code(with),
        status(StatusCode::kInvalidArgument, std::move(rule),
               std::move(message)) {}
  bool ok() const { return code == ANEREF_OK; }

  aneref_status code = ANEREF_OK;
  Status status;
};

Result BadHandle(const char* what);

// Returns the failed Result or Status of `expr` from the enclosing function.
#define ANEREF_CAPI_TRY(expr)                      \
  do {                                             \
    ::aneref::capi::Result aneref_result = (expr); \
    if (!aneref_result.ok()) return aneref_result; \
  } while (false)

// Writes the record and gives the code.
aneref_status Finish(const Result& result, aneref_error* error);
// For what has no Result: a message that needs no memory.
aneref_status FinishWith(aneref_status code, const char* message,
                         aneref_error* error);

template <class Body>
aneref_status Guard(aneref_error* error, Body&& body) noexcept {
  try {
    return Finish(body(), error);
  } catch (const std::bad_alloc&) {
    return FinishWith(ANEREF_OUT_OF_MEMORY, "out of memory", error);
  } catch (const std::length_error&) {
    return FinishWith(ANEREF_LIMIT, "a size is beyond the address space",
                      error);
  } catch (const std::exception& problem) {
    return FinishWith(ANEREF_INTERNAL, problem.what(), error);
  } catch (...) {
    return FinishWith(ANEREF_INTERNAL, "an unknown exception", error);
  }
}

// Structs larger than this are no structs of ours.
inline constexpr size_t kLargestStruct = 4096;

// Whether a struct of `size` bytes, of which we know `known`, can be read.
Result CheckStruct(const void* given, size_t known, const char* name);

// The fields that caller and library both know, the others 0. Null gives the
// defaults.
template <class T>
Result ReadStruct(const T* given, const char* name, T* out) {
  std::memset(static_cast<void*>(out), 0, sizeof(T));
  out->struct_size = sizeof(T);
  if (given == nullptr) return Result();
  ANEREF_CAPI_TRY(CheckStruct(given, sizeof(T), name));
  std::memcpy(static_cast<void*>(out), given,
              std::min(given->struct_size, sizeof(T)));
  out->struct_size = sizeof(T);
  return Result();
}

// The opposite, for queries: as many fields as the caller has room for.
template <class T>
Result WriteStruct(const T& value, const char* name, T* out) {
  if (out == nullptr)
    return {ANEREF_INVALID_ARGUMENT, std::string(name) + " is null"};
  const size_t size = out->struct_size;
  if (size < sizeof(size_t) || size > kLargestStruct) {
    return {ANEREF_INVALID_ARGUMENT,
            std::string(name) + "'s struct_size is " + std::to_string(size)};
  }
  std::memcpy(static_cast<void*>(out), &value, std::min(size, sizeof(T)));
  out->struct_size = size;
  return Result();
}

// Element `index` of an array of structs that may be older or newer than ours.
template <class T>
Result ReadElement(const T* array, size_t index, const char* name, T* out) {
  if (array == nullptr)
    return {ANEREF_INVALID_ARGUMENT, std::string(name) + " are null"};
  ANEREF_CAPI_TRY(CheckStruct(array, sizeof(T), name));
  const auto* bytes = reinterpret_cast<const char*>(array);
  return ReadStruct(
      reinterpret_cast<const T*>(bytes + index * array->struct_size), name,
      out);
}

inline Result NeedPointer(const void* pointer, const char* name) {
  if (pointer != nullptr) return Result();
  return {ANEREF_INVALID_ARGUMENT, std::string(name) + " is null"};
}

}  // namespace aneref::capi

#endif  // ANEREF_RUNTIME_CAPI_BOUNDARY_H_
