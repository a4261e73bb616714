// See threads.h. The only file that includes oneTBB.
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <thread>

#include "runtime/exec/threads.h"

namespace aneref {

struct Threads::Impl {
  explicit Impl(int threads) : count(threads), arena(threads) {}
  int count;
  tbb::task_arena arena;
};

int Threads::Available() {
  return static_cast<int>(std::thread::hardware_concurrency());
}

Threads::Threads(int count) : impl_(std::make_unique<Impl>(count)) {}
Threads::~Threads() = default;

void Threads::With(void (*body)(void* context),
                   void (*member)(void* context, int i), void* context) {
  impl_->arena.execute([&] {
    tbb::task_group group;
    for (int i = 1; i < impl_->count; ++i)
      group.run([=] { member(context, i); });
    body(context);
    group.wait();
  });
}

}  // namespace aneref
