/* The C interface as a C11 program sees it: every type and a whole run without
   C++. Returns the line of the first thing that is wrong, 0 when all is well.
 */
#include "aneref/aneref.h"
#include "aneref/import.h"

#define NEED(condition)                \
  do {                                 \
    if (!(condition)) return __LINE__; \
  } while (0)

int RunFromC(const void* bytes, size_t size);

int RunFromC(const void* bytes, size_t size) {
  aneref_error error = aneref_error_init();
  aneref_model* model = NULL;
  aneref_plan* plan = NULL;
  aneref_session* session = NULL;
  float x[16], y[16];
  const int64_t shape[4] = {1, 2, 2, 4};
  aneref_tensor in = aneref_dense(x, sizeof(x), ANEREF_FLOAT32, 4, shape);
  aneref_tensor out = aneref_dense(y, sizeof(y), ANEREF_FLOAT32, 4, shape);
  int i;

  NEED(aneref_check_abi(ANEREF_ABI_VERSION, &error) == ANEREF_OK);
  NEED(aneref_model_load_memory(bytes, size, NULL, &model, &error) ==
       ANEREF_OK);
  NEED(aneref_plan_create(model, NULL, &plan, &error) == ANEREF_OK);
  NEED(aneref_session_create(plan, NULL, &session, &error) == ANEREF_OK);
  NEED(aneref_session_bind_input(session, 0, &in, NULL, &error) == ANEREF_OK);
  NEED(aneref_session_bind_output(session, 0, &out, NULL, &error) == ANEREF_OK);
  for (i = 0; i < 16; ++i) x[i] = (float)(i - 8);
  NEED(aneref_session_run(session, NULL, &error) == ANEREF_OK);
  for (i = 0; i < 16; ++i) NEED(y[i] == (i < 8 ? 1.0f : (float)(i - 7)));
  NEED(aneref_session_run(NULL, NULL, &error) == ANEREF_INVALID_HANDLE);
  NEED(error.code == ANEREF_INVALID_HANDLE);
  NEED(aneref_model_destroy(model) == ANEREF_OK);
  NEED(aneref_plan_destroy(plan) == ANEREF_OK);
  NEED(aneref_session_destroy(session) == ANEREF_OK);
  return 0;
}
