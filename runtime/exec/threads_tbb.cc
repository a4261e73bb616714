// See threads.h. The only file that includes oneTBB.
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>

#include <thread>

#include "runtime/exec/threads.h"

namespace aneref {

struct Threads::Impl {
  explicit Impl(int count) : arena(count) {}
  tbb::task_arena arena;
};

int Threads::Available() {
  return static_cast<int>(std::thread::hardware_concurrency());
}

Threads::Threads(int count) : impl_(std::make_unique<Impl>(count)) {}
Threads::~Threads() = default;

void Threads::Run(int count, void (*part)(void* context, int32_t index),
                  void* context) {
  impl_->arena.execute([&] {
    tbb::parallel_for(
        0, count, [&](int i) { part(context, i); }, tbb::static_partitioner());
  });
}

}  // namespace aneref
