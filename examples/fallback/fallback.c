/* The fallback pattern in C: the app asks the device's own runner first and
   goes on with aneref where there is none. Both are a Runner, so the rest of
   the app has one call. Which one it gets depends on availability, and on what
   explain says of the network: a network that the engine would not take anyway
   needs no device.   Usage: fallback_c MODEL.anem

   The device runner here is a stand-in that is never available; an app puts its
   framework's calls there. */
#include <aneref/aneref.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Runner Runner;
struct Runner {
  const char* name;
  int (*predict)(Runner* self, const float* in, float* out);
  void (*destroy)(Runner* self);
};

/* ---- the device ---- */

static int DeviceIsAvailable(void) { return 0; }
static Runner* OpenDevice(const char* path) {
  (void)path;
  return NULL;
}

/* ---- aneref ---- */

typedef struct {
  Runner base;
  aneref_session* session;
  aneref_tensor in, out;
} Fallback;

static int FallbackPredict(Runner* self, const float* in, float* out) {
  Fallback* fallback = (Fallback*)self;
  aneref_error error = aneref_error_init();
  fallback->in.data = (void*)in; /* only read */
  fallback->out.data = out;
  if (aneref_session_set_input(fallback->session, 0, &fallback->in, &error) ==
          ANEREF_OK &&
      aneref_session_run(fallback->session, NULL, &error) == ANEREF_OK &&
      aneref_session_get_output(fallback->session, 0, &fallback->out, &error) ==
          ANEREF_OK)
    return 1;
  fprintf(stderr, "aneref: %s\n", error.message);
  return 0;
}

static void FallbackDestroy(Runner* self) {
  aneref_session_destroy(((Fallback*)self)->session);
  free(self);
}

/* A dense float32 tensor of a port. */
static aneref_tensor FloatsOf(const aneref_port* port) {
  size_t count = 1;
  for (int32_t i = 0; i < port->rank; ++i) count *= (size_t)port->shape[i];
  return aneref_dense(NULL, count * sizeof(float), ANEREF_FLOAT32, port->rank,
                      port->shape);
}

static Runner* OpenFallback(const aneref_model* model) {
  aneref_error error = aneref_error_init();
  aneref_plan* plan = NULL;
  aneref_port in = aneref_port_init(), out = aneref_port_init();
  Fallback* fallback = calloc(1, sizeof(*fallback));
  if (fallback != NULL &&
      aneref_plan_create(model, NULL, &plan, &error) == ANEREF_OK &&
      aneref_plan_port(plan, ANEREF_INPUT, 0, &in, &error) == ANEREF_OK &&
      aneref_plan_port(plan, ANEREF_OUTPUT, 0, &out, &error) == ANEREF_OK &&
      aneref_session_create(plan, NULL, &fallback->session, &error) ==
          ANEREF_OK) {
    fallback->in = FloatsOf(&in);
    fallback->out = FloatsOf(&out);
    fallback->base.name = "aneref";
    fallback->base.predict = FallbackPredict;
    fallback->base.destroy = FallbackDestroy;
    aneref_plan_destroy(plan); /* the session keeps what it needs */
    return &fallback->base;
  }
  fprintf(stderr, "aneref: %s\n", error.message);
  aneref_plan_destroy(plan);
  free(fallback);
  return NULL;
}

/* ---- the app ---- */

/* Whether the engine takes every op: lint has no finding that rejects one. */
static int EngineTakesAll(const aneref_model* model) {
  aneref_string* report = NULL;
  const char* text = "";
  if (aneref_lint(model, NULL, &report, NULL) != ANEREF_OK) return 0;
  aneref_string_get(report, &text, NULL, NULL);
  const int takes_all = strstr(text, "\"severity\": \"reject\"") == NULL;
  aneref_string_destroy(report);
  return takes_all;
}

static Runner* Open(const char* path) {
  aneref_error error = aneref_error_init();
  aneref_model* model = NULL;
  Runner* runner = NULL;
  if (aneref_model_load_file(path, NULL, &model, &error) != ANEREF_OK) {
    fprintf(stderr, "%s\n", error.message);
    return NULL;
  }
  if (DeviceIsAvailable() && EngineTakesAll(model)) runner = OpenDevice(path);
  if (runner == NULL) runner = OpenFallback(model);
  aneref_model_destroy(model);
  return runner;
}

int main(int argc, char** argv) {
  enum { kPixels = 28 * 28, kClasses = 10 };
  if (argc != 2) {
    fprintf(stderr, "usage: %s MODEL.anem\n", argv[0]);
    return 2;
  }
  Runner* runner = Open(argv[1]);
  if (runner == NULL) return 1;
  static float image[kPixels];
  float scores[kClasses];
  for (int i = 0; i < kPixels; ++i) image[i] = 255.0f; /* white paper */
  for (int y = 5; y < 23; ++y) {
    for (int x = 13; x < 16; ++x) image[y * 28 + x] = 0.0f;
  }
  int best = 0;
  const int done = runner->predict(runner, image, scores);
  for (int i = 1; i < kClasses; ++i) best = scores[i] > scores[best] ? i : best;
  if (done) printf("%s: digit %d\n", runner->name, best);
  runner->destroy(runner);
  return done ? 0 : 1;
}
