/* What the program aneref tells about networks and runs, as texts: the JSON
   documents are those of docs/cli.md. Part of aneref.h, whose conventions (A
   rules) hold here. Nothing here runs a network but aneref_compare_model. */
#ifndef ANEREF_REPORT_H_
#define ANEREF_REPORT_H_

#include "aneref/model.h"
#include "aneref/session.h"
#include "aneref/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t aneref_format;
enum {
  ANEREF_JSON = 0,
  ANEREF_TEXT = 1,
  ANEREF_HTML = 2, /* one self-contained page */
  ANEREF_SARIF = 3,
  ANEREF_JUNIT = 4
};

typedef struct aneref_report_options {
  size_t struct_size;
  aneref_format format;
  /* A chip; null: "m1"; "all": every one in one table (JSON and text). */
  const char* target;
  /* Open extents that are not given are those of the port's usual shape, or 1.
   */
  const aneref_input_shape* input_shapes;
  size_t num_input_shapes;
  uint64_t max_memory; /* 0: no limit */
} aneref_report_options;
ANEREF_DEFINE_INIT(aneref_report_options)

/* Which op runs where on a chip, why, and what to change. */
ANEREF_API aneref_status aneref_explain(const aneref_model* model,
                                        const aneref_report_options* options,
                                        aneref_string** report,
                                        aneref_error* error);
/* What a user should look at, worst first: {"target", "findings": [{"rule",
   "severity", "text", "actual", "allowed", "fix", "provenance", "ops"}]}.
   JSON, text and SARIF. */
ANEREF_API aneref_status aneref_lint(const aneref_model* model,
                                     const aneref_report_options* options,
                                     aneref_string** report,
                                     aneref_error* error);
/* Tasks, tiles, addresses and predicted cost (JSON). ANEREF_UNSUPPORTED: shapes
   depend on data. */
ANEREF_API aneref_status aneref_plan_describe(const aneref_plan* plan,
                                              aneref_string** report,
                                              aneref_error* error);
/* Ports, ops, parameters, metadata and import notes of a file (JSON, the keys
   of `info --json`). */
ANEREF_API aneref_status aneref_model_describe(const aneref_model* model,
                                               aneref_string** report,
                                               aneref_error* error);
/* Every chip (JSON, the document of `targets --json`). */
ANEREF_API aneref_status aneref_targets(aneref_string** report,
                                        aneref_error* error);

/* From the next run on each thread's work is recorded. */
ANEREF_API aneref_status aneref_session_enable_trace(aneref_session* session,
                                                     int32_t on,
                                                     aneref_error* error);
/* The last run beside the predicted timeline, for Perfetto or chrome://tracing.
   ANEREF_INVALID_STATE: nothing was recorded. */
ANEREF_API aneref_status aneref_session_trace(const aneref_session* session,
                                              aneref_string** report,
                                              aneref_error* error);

/* ---- comparisons ---- */

typedef struct aneref_named_tensor {
  size_t struct_size;
  const char* name;
  aneref_tensor tensor;
} aneref_named_tensor;
ANEREF_DEFINE_INIT(aneref_named_tensor)

typedef struct aneref_compare_options {
  size_t struct_size;
  aneref_format format; /* JSON, HTML, SARIF, JUnit */
  /* Tolerances; what is 0 does not count. Without any, sets must be equal, and
     a model's own bounds of rounding decide. */
  double rtol;
  double atol;
  int64_t max_ulp;
  double min_psnr;
  int32_t bisect; /* not 0: search the first op that differs, and why */
} aneref_compare_options;
ANEREF_DEFINE_INIT(aneref_compare_options)

/* Two sets of tensors, matched by name. `passed` (may be null) gets 1 or 0. */
ANEREF_API aneref_status aneref_compare_tensors(
    const aneref_named_tensor* a, size_t num_a, const aneref_named_tensor* b,
    size_t num_b, const aneref_compare_options* options, int32_t* passed,
    aneref_string** report, aneref_error* error);
/* Runs a network on `inputs` (one tensor per input, in order) as `how` says and
   compares every value that `dump`, recorded elsewhere, has. */
ANEREF_API aneref_status
aneref_compare_model(const aneref_model* model, const aneref_plan_options* how,
                     const aneref_tensor* inputs, size_t num_inputs,
                     const aneref_named_tensor* dump, size_t num_dump,
                     const aneref_compare_options* options, int32_t* passed,
                     aneref_string** report, aneref_error* error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* ANEREF_REPORT_H_ */
