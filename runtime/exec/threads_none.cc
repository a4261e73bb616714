// See threads.h: a build without threads of its own. An embedding program may
// still bring some (aneref_executor).
#include "runtime/exec/threads.h"

namespace aneref {

struct Threads::Impl {};

int Threads::Available() { return 1; }
Threads::Threads(int /*count*/) {}
Threads::~Threads() = default;

void Threads::With(void (*body)(void* context),
                   void (* /*member*/)(void* context, int i), void* context) {
  body(context);
}

}  // namespace aneref
