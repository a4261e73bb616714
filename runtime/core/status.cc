// The one place where a broken invariant ends the process.
#include "runtime/core/status.h"

#include <cstdio>
#include <cstdlib>

void AnerefCheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "aneref: internal error: %s at %s:%d\n", condition, file,
               line);
  std::abort();
}
