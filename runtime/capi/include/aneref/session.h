/* Sessions: the memory and state of one run at a time. Part of aneref.h, whose
   conventions (A rules) hold here. A session serves one call at a time (A5). */
#ifndef ANEREF_SESSION_H_
#define ANEREF_SESSION_H_

#include "aneref/model.h"
#include "aneref/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aneref_session aneref_session;

/* The caller's own threads. `run` calls part(context, i) once for every i in
   [0, count), on any threads, in any order, and returns when all have returned.
   count is at most num_threads. It must not allocate if runs shall not. */
typedef struct aneref_executor {
  size_t struct_size;
  void* user;
  int32_t num_threads; /* at least 1 */
  void (*run)(void* user, int32_t count,
              void (*part)(void* context, int32_t index), void* context);
} aneref_executor;
ANEREF_DEFINE_INIT(aneref_executor)

typedef struct aneref_session_options {
  size_t struct_size;
  int32_t threads;     /* 0: all cores; results do not depend on it */
  uint64_t max_memory; /* bytes of the plan and this session; 0: no limit */
  const aneref_allocator* allocator; /* null: the C heap; copied */
  const aneref_executor* executor;   /* null: the library's threads; copied */
} aneref_session_options;
ANEREF_DEFINE_INIT(aneref_session_options)

/* Any number of sessions may share a plan. `options` may be null. */
ANEREF_API aneref_status aneref_session_create(
    const aneref_plan* plan, const aneref_session_options* options,
    aneref_session** session, aneref_error* error);
/* Cancels a run in flight and waits for its end; afterwards no callback comes
   and no bound buffer is touched. From a callback of a run in flight:
   ANEREF_INVALID_STATE, and the session stays; from its completion callback it
   is allowed. */
ANEREF_API aneref_status aneref_session_destroy(aneref_session* session);

/* As for the plan; outputs whose shapes depend on data have the shape of the
   last run. */
ANEREF_API aneref_status aneref_session_num_ports(const aneref_session* session,
                                                  aneref_port_kind kind,
                                                  size_t* count,
                                                  aneref_error* error);
ANEREF_API aneref_status aneref_session_port(const aneref_session* session,
                                             aneref_port_kind kind,
                                             size_t index, aneref_port* port,
                                             aneref_error* error);
ANEREF_API aneref_status aneref_session_find_port(const aneref_session* session,
                                                  aneref_port_kind kind,
                                                  const char* name,
                                                  size_t* index,
                                                  aneref_error* error);

/* ---- values: copied in and out ---- */

/* Copies a tensor of the input's shape in; any numeric type converts (floats
   round once, integers must fit). It stays for all runs that follow. */
ANEREF_API aneref_status aneref_session_set_input(aneref_session* session,
                                                  size_t index,
                                                  const aneref_tensor* tensor,
                                                  aneref_error* error);
/* Copies an output of the last run into a tensor of its shape, in any numeric
   type. ANEREF_INVALID_STATE: no run has finished. */
ANEREF_API aneref_status
aneref_session_get_output(const aneref_session* session, size_t index,
                          const aneref_tensor* tensor, aneref_error* error);
/* The output where it lies, for reading; until the next call that runs, binds
   or destroys. */
ANEREF_API aneref_status
aneref_session_view_output(const aneref_session* session, size_t index,
                           aneref_tensor* view, aneref_error* error);

/* ---- values: bound ---- */

/* The input is read from, or the output is written to, the caller's memory at
   every run from now on; it must stay valid until it is bound elsewhere or the
   session is destroyed. A buffer in the engine's layout (aneref_surface_layout)
   with the port's dtype, its address a multiple of 64, is used in place, its
   row padding may be overwritten where it is an output; any other strides or
   dtype cost one pass over the data. `is_direct` (may be null) says which. A
   null tensor unbinds. Bound outputs must not overlap other bound buffers.
   Not for sessions whose shapes depend on data: ANEREF_UNSUPPORTED. */
ANEREF_API aneref_status aneref_session_bind_input(aneref_session* session,
                                                   size_t index,
                                                   const aneref_tensor* tensor,
                                                   int32_t* is_direct,
                                                   aneref_error* error);
ANEREF_API aneref_status aneref_session_bind_output(aneref_session* session,
                                                    size_t index,
                                                    const aneref_tensor* tensor,
                                                    int32_t* is_direct,
                                                    aneref_error* error);

/* ---- states: values that outlive a run ---- */

/* Zero at first, replaced at the end of each run that succeeds. */
ANEREF_API aneref_status aneref_session_set_state(aneref_session* session,
                                                  size_t index,
                                                  const aneref_tensor* tensor,
                                                  aneref_error* error);
ANEREF_API aneref_status aneref_session_get_state(const aneref_session* session,
                                                  size_t index,
                                                  const aneref_tensor* tensor,
                                                  aneref_error* error);
ANEREF_API aneref_status aneref_session_reset_states(aneref_session* session,
                                                     aneref_error* error);

/* ---- runs ---- */

/* One op that has just been computed. All pointers until the callback returns.
 */
typedef struct aneref_op_event {
  size_t struct_size;
  const char* name; /* the source's */
  const char* op;   /* "conv" ... */
  uint64_t index;   /* in the order of the run */
  double seconds;   /* 0 where nothing had to be computed (views) */
  size_t num_outputs;
  const char* const* output_names;
  const aneref_tensor* outputs;
} aneref_op_event;
ANEREF_DEFINE_INIT(aneref_op_event)

/* All callbacks come on the thread that runs. Their session is busy. */
typedef struct aneref_run_options {
  size_t struct_size;
  uint64_t timeout_ns; /* from the call on; 0: none. ANEREF_DEADLINE */
  void* user;          /* handed to both callbacks */
  /* After each op. A result that is not 0 cancels. May be null. */
  int32_t (*progress)(void* user, uint64_t done, uint64_t total);
  /* After each op, with its results. May be null. */
  void (*observe)(void* user, const aneref_op_event* event);
} aneref_run_options;
ANEREF_DEFINE_INIT(aneref_run_options)

/* Runs once. Deadline and cancellation are looked at between kernel calls; a
   run that ends early leaves states as they were and outputs undefined, and the
   session may run again. `options` may be null. */
ANEREF_API aneref_status aneref_session_run(aneref_session* session,
                                            const aneref_run_options* options,
                                            aneref_error* error);

/* `error` is null when `status` is ANEREF_OK, and the callback's for its time.
   The session is idle again: the callback may run it anew or destroy it. */
typedef void (*aneref_completion)(void* user, aneref_status status,
                                  const aneref_error* error);
/* As aneref_session_run on a thread of the session, at once. `options` are
   copied. `completion` (may be null) gets `completion_user`, on that thread. */
ANEREF_API aneref_status aneref_session_run_async(
    aneref_session* session, const aneref_run_options* options,
    aneref_completion completion, void* completion_user, aneref_error* error);
/* Until no run is in flight and its completion callback has returned.
   `timeout_ns` 0 waits for ever. ANEREF_DEADLINE: still running.
   ANEREF_INVALID_STATE: called from a callback of this session. */
ANEREF_API aneref_status aneref_session_wait(aneref_session* session,
                                             uint64_t timeout_ns,
                                             aneref_error* error);
/* Ends the run in flight with ANEREF_CANCELLED, soon; without one it does
   nothing. From any thread. */
ANEREF_API aneref_status aneref_session_cancel(aneref_session* session,
                                               aneref_error* error);

/* ---- what the last run did ---- */

/* With keep_intermediates: the number of values, and each of them in the order
   of the run. Name and view until the next run. */
ANEREF_API aneref_status aneref_session_num_values(
    const aneref_session* session, size_t* count, aneref_error* error);
ANEREF_API aneref_status aneref_session_value(const aneref_session* session,
                                              size_t index, const char** name,
                                              aneref_tensor* view,
                                              aneref_error* error);

typedef struct aneref_profile_row {
  size_t struct_size;
  const char* name; /* of the op, as the source calls it */
  const char* op;
  const char* kernel;
  double seconds; /* of the last run */
  double flops;
  int32_t on_engine; /* where the plan puts it */
} aneref_profile_row;
ANEREF_DEFINE_INIT(aneref_profile_row)

/* From the next run on the clock is read around each kernel call. Sessions
   whose shapes depend on data have no rows. */
ANEREF_API aneref_status aneref_session_enable_profile(aneref_session* session,
                                                       int32_t on,
                                                       aneref_error* error);
ANEREF_API aneref_status aneref_session_num_profile_rows(
    const aneref_session* session, size_t* count, aneref_error* error);
ANEREF_API aneref_status
aneref_session_profile_row(const aneref_session* session, size_t index,
                           aneref_profile_row* row, aneref_error* error);

typedef struct aneref_session_info {
  size_t struct_size;
  int32_t threads;
  uint64_t arena_bytes;    /* this session's tensors */
  uint64_t scratch_bytes;  /* of all its threads */
  uint64_t constant_bytes; /* shared with other sessions of the plan */
  uint64_t num_runs;       /* that succeeded */
} aneref_session_info;
ANEREF_DEFINE_INIT(aneref_session_info)
ANEREF_API aneref_status aneref_session_get_info(const aneref_session* session,
                                                 aneref_session_info* info,
                                                 aneref_error* error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* ANEREF_SESSION_H_ */
