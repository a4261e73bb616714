/* The smallest use of aneref from C: load a network, run it once, print the
   likeliest class.   Usage: digits_c MODEL.anem */
#include <aneref/aneref.h>
#include <stdio.h>
#include <stdlib.h>

enum { kSide = 28, kClasses = 10 };

/* A black stroke on white paper: a one, drawn by hand. */
static void DrawOne(float* image) {
  for (int i = 0; i < kSide * kSide; ++i) image[i] = 255.0f;
  for (int y = 5; y < 23; ++y) {
    for (int x = 13; x < 16; ++x) image[y * kSide + x] = 0.0f;
  }
}

static int Fail(const char* what, const aneref_error* error) {
  fprintf(stderr, "%s: %s [%s]\n", what, error->message,
          aneref_status_name(error->code));
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s MODEL.anem\n", argv[0]);
    return 2;
  }
  aneref_error error = aneref_error_init();
  if (aneref_check_abi(ANEREF_ABI_VERSION, &error) != ANEREF_OK)
    return Fail("library", &error);

  aneref_model* model = NULL;
  aneref_plan* plan = NULL;
  aneref_session* session = NULL;
  if (aneref_model_load_file(argv[1], NULL, &model, &error) != ANEREF_OK)
    return Fail("load", &error);
  if (aneref_plan_create(model, NULL, &plan, &error) != ANEREF_OK)
    return Fail("plan", &error);
  if (aneref_session_create(plan, NULL, &session, &error) != ANEREF_OK)
    return Fail("session", &error);

  static float image[kSide * kSide];
  float scores[kClasses];
  DrawOne(image);
  const int64_t in_shape[4] = {1, 1, kSide, kSide};
  const int64_t out_shape[2] = {1, kClasses};
  const aneref_tensor in =
      aneref_dense(image, sizeof(image), ANEREF_FLOAT32, 4, in_shape);
  const aneref_tensor out =
      aneref_dense(scores, sizeof(scores), ANEREF_FLOAT32, 2, out_shape);
  if (aneref_session_set_input(session, 0, &in, &error) != ANEREF_OK ||
      aneref_session_run(session, NULL, &error) != ANEREF_OK ||
      aneref_session_get_output(session, 0, &out, &error) != ANEREF_OK)
    return Fail("run", &error);

  int best = 0;
  for (int i = 1; i < kClasses; ++i) best = scores[i] > scores[best] ? i : best;
  printf("digit %d, score %.4f\n", best, (double)scores[best]);

  aneref_session_destroy(session);
  aneref_plan_destroy(plan);
  aneref_model_destroy(model);
  return 0;
}
