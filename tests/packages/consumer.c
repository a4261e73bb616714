/* What a program of somebody else's does first: runs a file's network once on
   a blank picture and prints its outputs. With WITH_IMPORT it reads foreign
   formats, too. Judges how aneref is installed, not what it computes. */
#include <aneref/aneref.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef WITH_IMPORT
#include <aneref/import.h>
#endif

static aneref_error error;

static void Check(aneref_status status) {
  if (status == ANEREF_OK) return;
  fprintf(stderr, "consumer: %s\n", error.message);
  exit(1);
}

/* Feeds every input ones, runs once. */
static void Run(aneref_session* session) {
  size_t count = 0;
  Check(aneref_session_num_ports(session, ANEREF_INPUT, &count, &error));
  for (size_t i = 0; i < count; ++i) {
    aneref_port port = aneref_port_init();
    Check(aneref_session_port(session, ANEREF_INPUT, i, &port, &error));
    size_t elements = 1;
    for (int32_t axis = 0; axis < port.rank; ++axis)
      elements *= (size_t)port.shape[axis];
    float* values = malloc(elements * sizeof(float));
    if (values == NULL) exit(1);
    for (size_t k = 0; k < elements; ++k) values[k] = 1.0f;
    const aneref_tensor tensor =
        aneref_dense(values, elements * sizeof(float), ANEREF_FLOAT32,
                     port.rank, port.shape);
    Check(aneref_session_set_input(session, i, &tensor, &error));
    free(values);
  }
  Check(aneref_session_run(session, NULL, &error));
}

int main(int argc, char** argv) {
  error = aneref_error_init();
  if (argc != 2) return 2;
  Check(aneref_check_abi(ANEREF_ABI_VERSION, &error));
#ifdef WITH_IMPORT
  Check(aneref_import_enable(&error));
#endif
  aneref_model* model = NULL;
  aneref_plan* plan = NULL;
  aneref_session* session = NULL;
  Check(aneref_model_load_file(argv[1], NULL, &model, &error));
  Check(aneref_plan_create(model, NULL, &plan, &error));
  Check(aneref_session_create(plan, NULL, &session, &error));
  Run(session);
  aneref_port port = aneref_port_init();
  Check(aneref_session_port(session, ANEREF_OUTPUT, 0, &port, &error));
  aneref_tensor view = aneref_tensor_init();
  Check(aneref_session_view_output(session, 0, &view, &error));
  printf("aneref %s: %s of %s, %zu bytes\n", aneref_version(), port.name,
         aneref_dtype_name(view.dtype), view.data_bytes);
  aneref_session_destroy(session);
  aneref_plan_destroy(plan);
  aneref_model_destroy(model);
  return 0;
}
