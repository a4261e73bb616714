/* Runs a classifier's .anem file on a blank picture and prints the largest
   output: as little of the library as a program can do with. */
#include <aneref/aneref.h>
#include <stdio.h>
#include <stdlib.h>

static aneref_error error;

static int Fail(void) {
  fprintf(stderr, "minimal_runner: %s\n", error.message);
  return 1;
}

static size_t NumElements(const aneref_port* port) {
  size_t count = 1;
  for (int32_t axis = 0; axis < port->rank; ++axis)
    count *= (size_t)port->shape[axis];
  return count;
}

/* Index of the largest element of output 0. */
static int PrintBest(aneref_session* session) {
  aneref_port port = aneref_port_init();
  if (aneref_session_port(session, ANEREF_OUTPUT, 0, &port, &error))
    return Fail();
  const size_t count = NumElements(&port), bytes = count * sizeof(float);
  float* values = malloc(bytes);
  if (values == NULL) return 1;
  const aneref_tensor tensor =
      aneref_dense(values, bytes, ANEREF_FLOAT32, port.rank, port.shape);
  int result = 0;
  if (aneref_session_get_output(session, 0, &tensor, &error)) {
    result = Fail();
  } else {
    size_t best = 0;
    for (size_t i = 1; i < count; ++i) {
      if (values[i] > values[best]) best = i;
    }
    printf("%s: element %zu is %g\n", port.name, best, (double)values[best]);
  }
  free(values);
  return result;
}

static int Run(aneref_session* session) {
  aneref_port port = aneref_port_init();
  if (aneref_session_port(session, ANEREF_INPUT, 0, &port, &error))
    return Fail();
  const size_t bytes = NumElements(&port) * sizeof(float);
  float* blank = calloc(1, bytes);
  if (blank == NULL) return 1;
  const aneref_tensor tensor =
      aneref_dense(blank, bytes, ANEREF_FLOAT32, port.rank, port.shape);
  const int failed = aneref_session_set_input(session, 0, &tensor, &error) ||
                     aneref_session_run(session, NULL, &error);
  free(blank);
  return failed ? Fail() : PrintBest(session);
}

int main(int argc, char** argv) {
  error = aneref_error_init();
  aneref_model* model = NULL;
  aneref_plan* plan = NULL;
  aneref_session* session = NULL;
  if (argc != 2) {
    fprintf(stderr, "usage: minimal_runner MODEL.anem\n");
    return 2;
  }
  const int failed = aneref_model_load_file(argv[1], NULL, &model, &error) ||
                     aneref_plan_create(model, NULL, &plan, &error) ||
                     aneref_session_create(plan, NULL, &session, &error);
  const int result = failed ? Fail() : Run(session);
  aneref_session_destroy(session);
  aneref_plan_destroy(plan);
  aneref_model_destroy(model);
  return result;
}
