// See threads.h: a build without threads of its own. An embedding program may
// still bring some (aneref_executor).
#include "runtime/exec/threads.h"

namespace aneref {

struct Threads::Impl {};

int Threads::Available() { return 1; }
Threads::Threads(int /*count*/) {}
Threads::~Threads() = default;

void Threads::Run(int count, void (*part)(void* context, int32_t index),
                  void* context) {
  for (int i = 0; i < count; ++i) part(context, i);
}

}  // namespace aneref
