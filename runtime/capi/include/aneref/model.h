/* Network files, and plans: a network made ready for one chip, one arithmetic
   and one set of shapes. Part of aneref.h, whose conventions (A rules) hold
   here. Models and plans are immutable and may be shared between threads (A5).
 */
#ifndef ANEREF_MODEL_H_
#define ANEREF_MODEL_H_

#include "aneref/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- models ---- */

typedef struct aneref_model aneref_model;

typedef int32_t aneref_precision;
enum {
  ANEREF_PRECISION_DEFAULT = 0, /* source for ML Programs, else fp16 */
  ANEREF_PRECISION_FP16 = 1,    /* every floating tensor is fp16 */
  ANEREF_PRECISION_SOURCE = 2   /* the types that the file declares */
};

typedef struct aneref_model_options {
  size_t struct_size;
  const char* name;           /* leads error messages; null: the path */
  uint64_t max_memory;        /* bytes a file may need; 0: no limit */
  aneref_precision precision; /* on import of a foreign format */
  int32_t no_fold;            /* on import: not 0 keeps the graph as it is */
  const char* function;       /* on import: which one of an ML Program */
  /* For aneref_model_load_memory: when set, the bytes are not copied; they must
     stay unchanged until this is called, once, from any thread. It is called on
     failure, too. Addresses that are no multiple of 64 are copied all the same.
   */
  void (*release)(void* user, const void* bytes, size_t size);
  void* release_user;
} aneref_model_options;
ANEREF_DEFINE_INIT(aneref_model_options)

/* Reads a file, or the folder of a Core ML package. An .anem file is mapped and
   must not change while the model lives. ANEREF_NO_IMPORTER: another format,
   and aneref_import_enable (import.h) was not called. `options` may be null. */
ANEREF_API aneref_status
aneref_model_load_file(const char* path, const aneref_model_options* options,
                       aneref_model** model, aneref_error* error);
ANEREF_API aneref_status aneref_model_load_memory(
    const void* bytes, size_t size, const aneref_model_options* options,
    aneref_model** model, aneref_error* error);
ANEREF_API aneref_status aneref_model_destroy(aneref_model* model);

typedef int32_t aneref_image;
enum {
  ANEREF_IMAGE_NONE = 0,
  ANEREF_IMAGE_RGB = 1,
  ANEREF_IMAGE_BGR = 2,
  ANEREF_IMAGE_GRAYSCALE = 3
};

/* An input, output or state. Filled in by queries; set struct_size first (use
   aneref_port_init). Strings belong to the object that was asked. */
typedef struct aneref_port {
  size_t struct_size;
  const char* name;
  aneref_dtype dtype;             /* in memory, under the plan's arithmetic */
  aneref_dtype declared;          /* as the source file declares it */
  int32_t rank;                   /* -1: not known before a run */
  int64_t shape[ANEREF_MAX_RANK]; /* -1: not settled */
  const char* extent_names[ANEREF_MAX_RANK]; /* "batch" ...; "" without */
  /* The engine's layout of it (see aneref_surface_layout); 0 while the shape is
     not settled. */
  int64_t surface_strides[ANEREF_MAX_RANK];
  size_t surface_bytes;
  aneref_image image; /* what it means as a picture */
  int32_t num_labels; /* of a classifier's output */
  const char* description;
} aneref_port;
ANEREF_DEFINE_INIT(aneref_port)

typedef int32_t aneref_port_kind;
enum { ANEREF_INPUT = 0, ANEREF_OUTPUT = 1, ANEREF_STATE = 2 };

/* The ports as the file declares them. ANEREF_INVALID_ARGUMENT: no such port.
 */
ANEREF_API aneref_status aneref_model_num_ports(const aneref_model* model,
                                                aneref_port_kind kind,
                                                size_t* count,
                                                aneref_error* error);
ANEREF_API aneref_status aneref_model_port(const aneref_model* model,
                                           aneref_port_kind kind, size_t index,
                                           aneref_port* port,
                                           aneref_error* error);
/* The index of a name; the error names the ones there are. */
ANEREF_API aneref_status aneref_model_find_port(const aneref_model* model,
                                                aneref_port_kind kind,
                                                const char* name, size_t* index,
                                                aneref_error* error);
/* A class label of output `index`. */
ANEREF_API aneref_status aneref_model_label(const aneref_model* model,
                                            size_t index, size_t label,
                                            const char** text,
                                            aneref_error* error);

/* ---- plans ---- */

typedef struct aneref_plan aneref_plan;

/* The extents of one input. */
typedef struct aneref_input_shape {
  size_t struct_size;
  const char* name;
  int32_t rank;
  int64_t shape[ANEREF_MAX_RANK];
} aneref_input_shape;
ANEREF_DEFINE_INIT(aneref_input_shape)

typedef struct aneref_plan_options {
  size_t struct_size;
  const char* target; /* a chip of aneref_targets; null: "m1" */
  /* "portable" (null), "fp32", "fast", "device", "device:NAME=VALUE,...": see
     docs/cli.md. */
  const char* numerics;
  /* Needed for inputs whose extents the file leaves open. */
  const aneref_input_shape* input_shapes;
  size_t num_input_shapes;
  uint64_t max_memory; /* bytes of weights and constants; 0: no limit */
  /* Not 0: no memory is used twice, so that every tensor stays readable after a
     run (aneref_session_value). */
  int32_t keep_intermediates;
  const aneref_allocator* allocator; /* null: the C heap; for weights */
} aneref_plan_options;
ANEREF_DEFINE_INIT(aneref_plan_options)

/* Settles shapes, plans memory, packs weights: the costly step, done once for
   any number of sessions. `options` may be null. Networks whose shapes depend
   on data get a plan, too; their sessions work node by node. */
ANEREF_API aneref_status aneref_plan_create(const aneref_model* model,
                                            const aneref_plan_options* options,
                                            aneref_plan** plan,
                                            aneref_error* error);
ANEREF_API aneref_status aneref_plan_destroy(aneref_plan* plan);

/* As aneref_model_num_ports and so on, with the shapes of the plan. */
ANEREF_API aneref_status aneref_plan_num_ports(const aneref_plan* plan,
                                               aneref_port_kind kind,
                                               size_t* count,
                                               aneref_error* error);
ANEREF_API aneref_status aneref_plan_port(const aneref_plan* plan,
                                          aneref_port_kind kind, size_t index,
                                          aneref_port* port,
                                          aneref_error* error);

/* What a plan is and holds. */
typedef struct aneref_plan_info {
  size_t struct_size;
  const char* target;      /* the chip's name */
  const char* numerics;    /* as it was asked for */
  int32_t is_static;       /* 0: shapes depend on data; the rest is 0 then */
  uint64_t constant_bytes; /* with packed weights; shared by all sessions */
  uint64_t arena_bytes;    /* of each session's tensors */
  uint64_t num_ops;        /* observer and progress calls of one run */
  double predicted_us;     /* on the chip's engine; a prediction */
} aneref_plan_info;
ANEREF_DEFINE_INIT(aneref_plan_info)
ANEREF_API aneref_status aneref_plan_get_info(const aneref_plan* plan,
                                              aneref_plan_info* info,
                                              aneref_error* error);

/* ---- importers ---- */

/* Turns a foreign file into .anem bytes. `path` is a file or folder, or null
   when `bytes` are given. The options are complete. On success `*anem` points
   to `*size` bytes, aligned to 64, which `release` frees. */
typedef struct aneref_importer {
  size_t struct_size;
  void* user;
  aneref_status (*convert)(void* user, const char* path, const void* bytes,
                           size_t num_bytes,
                           const aneref_model_options* options,
                           const void** anem, size_t* size,
                           aneref_error* error);
  void (*release)(void* user, const void* anem, size_t size);
} aneref_importer;
ANEREF_DEFINE_INIT(aneref_importer)

/* Registers the importer for this process, or removes it (null). The struct is
   copied; `user` and the functions must stay. Models in the making keep the one
   they started with. */
ANEREF_API aneref_status aneref_set_importer(const aneref_importer* importer,
                                             aneref_error* error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* ANEREF_MODEL_H_ */
