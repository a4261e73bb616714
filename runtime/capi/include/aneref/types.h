/* Status codes, the error record, tensors, versions, strings. Part of aneref.h,
   whose conventions (A rules) hold here. */
#ifndef ANEREF_TYPES_H_
#define ANEREF_TYPES_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ANEREF_API __attribute__((visibility("default")))
#else
#define ANEREF_API
#endif

/* Defines T_init(): a T of zeros with its size set. */
#define ANEREF_DEFINE_INIT(T)          \
  static inline T T##_init(void) {     \
    T value;                           \
    memset(&value, 0, sizeof(value));  \
    value.struct_size = sizeof(value); \
    return value;                      \
  }

/* ---- status and error ---- */

typedef int32_t aneref_status;
enum {
  ANEREF_OK = 0,
  ANEREF_INVALID_FILE = 1,     /* the bytes of a file break its format */
  ANEREF_INVALID_ARGUMENT = 2, /* a name, shape, type, pointer or option */
  ANEREF_UNSUPPORTED = 3,      /* well formed, but without a meaning here */
  ANEREF_LIMIT = 4,            /* over a limit (memory, rank, size) */
  ANEREF_SHAPE = 5,            /* shapes or types of an op do not fit */
  ANEREF_IO = 6,               /* the operating system refused */
  ANEREF_OUT_OF_MEMORY = 7,
  ANEREF_INTERNAL = 8,       /* an error of the library */
  ANEREF_INVALID_HANDLE = 9, /* null, destroyed, or of another kind */
  ANEREF_BUSY = 10,          /* another call is using the session */
  ANEREF_INVALID_STATE = 11, /* not now: nothing has run yet, ... */
  ANEREF_CANCELLED = 12,
  ANEREF_DEADLINE = 13,   /* the run took longer than it was given */
  ANEREF_NO_IMPORTER = 14 /* a foreign format, and no importer is registered */
};

/* The caller's. On failure `code` is the returned status, `rule` the id of the
   broken rule or "", `message` one sentence. On success it is left alone.
   Longer messages are cut at a character. */
typedef struct aneref_error {
  size_t struct_size;
  aneref_status code;
  char rule[12];
  char message[512];
} aneref_error;
ANEREF_DEFINE_INIT(aneref_error)

/* "ok", "invalid_file" ...; "unknown" for other numbers. Never null; static. */
ANEREF_API const char* aneref_status_name(aneref_status status);

/* ---- version ---- */

#define ANEREF_VERSION_MAJOR 0
#define ANEREF_VERSION_MINOR 1
#define ANEREF_VERSION_PATCH 0
/* Grows when something that a compiled caller relies on changes. Additions keep
   it: struct_size tells them apart. */
#define ANEREF_ABI_VERSION 1

/* "0.1.0", of the library that is loaded. Static. */
ANEREF_API const char* aneref_version(void);
ANEREF_API uint32_t aneref_abi_version(void);
/* Whether the loaded library serves callers compiled against `abi_version`:
   call it first, with ANEREF_ABI_VERSION. ANEREF_UNSUPPORTED: it does not. */
ANEREF_API aneref_status aneref_check_abi(uint32_t abi_version,
                                          aneref_error* error);

/* ---- tensors ---- */

#define ANEREF_MAX_RANK 8

typedef int32_t aneref_dtype;
enum {
  ANEREF_FLOAT16 = 0, /* IEEE binary16 bits */
  ANEREF_FLOAT32 = 1,
  ANEREF_FLOAT64 = 2,
  ANEREF_INT8 = 3,
  ANEREF_UINT8 = 4,
  ANEREF_INT16 = 5,
  ANEREF_UINT16 = 6,
  ANEREF_INT32 = 7,
  ANEREF_UINT32 = 8,
  ANEREF_INT64 = 9,
  ANEREF_UINT64 = 10,
  ANEREF_BOOL = 11 /* one byte, 0 or 1 */
};
/* Bytes of one element; 0 for unknown types. */
ANEREF_API size_t aneref_dtype_size(aneref_dtype dtype);
/* numpy's name: "float16"; "unknown" otherwise. Static. */
ANEREF_API const char* aneref_dtype_name(aneref_dtype dtype);

/* Elements in the caller's (or a session's) memory. Element (i, j, ...) lies at
   data + i * byte_strides[0] + j * byte_strides[1] + ...; strides are >= 0.
   All strides 0: dense, the last axis innermost. A stride of 0 repeats elements
   and is for reading only. Nothing outside [data, data + data_bytes) is
   touched. Rank 0 is one element. */
typedef struct aneref_tensor {
  size_t struct_size;
  void* data;
  size_t data_bytes;
  aneref_dtype dtype;
  int32_t rank;
  int64_t shape[ANEREF_MAX_RANK];
  int64_t byte_strides[ANEREF_MAX_RANK];
} aneref_tensor;
ANEREF_DEFINE_INIT(aneref_tensor)

/* A dense tensor of `rank` extents (at most ANEREF_MAX_RANK are taken). */
static inline aneref_tensor aneref_dense(void* data, size_t data_bytes,
                                         aneref_dtype dtype, int32_t rank,
                                         const int64_t* shape) {
  aneref_tensor tensor = aneref_tensor_init();
  tensor.data = data;
  tensor.data_bytes = data_bytes;
  tensor.dtype = dtype;
  tensor.rank = rank;
  for (int32_t i = 0; i < rank && i < ANEREF_MAX_RANK; ++i) {
    tensor.shape[i] = shape[i];
  }
  return tensor;
}

/* The engine's own layout (docs/spec/layout.md, L10): rows of the last axis
   padded to 64 bytes. Buffers laid out so, at an address that is a multiple of
   64, are used in place when bound. `tensor` gives dtype, rank and shape; its
   strides and data_bytes (what to allocate) are filled in. ANEREF_LIMIT: too
   large. */
ANEREF_API aneref_status aneref_surface_layout(aneref_tensor* tensor,
                                               aneref_error* error);

/* ---- strings ---- */

/* A text made by the library. */
typedef struct aneref_string aneref_string;
/* `text` ends with 0, `length` (may be null) does not count it; both until the
   string is destroyed. */
ANEREF_API aneref_status aneref_string_get(const aneref_string* string,
                                           const char** text, size_t* length,
                                           aneref_error* error);
ANEREF_API aneref_status aneref_string_destroy(aneref_string* string);

/* ---- memory ---- */

/* Where packed weights and constants of a plan, tensors and scratch of a
   session come from. Both functions may be called from any thread, never during
   a bound run. `allocate` gives null when it has nothing. Small objects (names,
   kernel tables) stay on the C++ heap. */
typedef struct aneref_allocator {
  size_t struct_size;
  void* user;
  void* (*allocate)(void* user, size_t bytes, size_t alignment);
  void (*release)(void* user, void* memory, size_t bytes, size_t alignment);
} aneref_allocator;
ANEREF_DEFINE_INIT(aneref_allocator)

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* ANEREF_TYPES_H_ */
