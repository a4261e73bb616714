// See threads.h. The only file that includes oneTBB.
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <thread>

#include "runtime/exec/threads.h"

// ThreadSanitizer does not see how a oneTBB that was built without it hands a
// task to another thread, and that it waits for it: this says so.
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define ANEREF_UNSEEN __attribute__((no_sanitize("thread")))
#define ANEREF_HANDS_OVER(address) __tsan_release(address)
#define ANEREF_TAKES_OVER(address) __tsan_acquire(address)
#else
#define ANEREF_UNSEEN
#define ANEREF_HANDS_OVER(address) static_cast<void>(address)
#define ANEREF_TAKES_OVER(address) static_cast<void>(address)
#endif

namespace aneref {
namespace {

// The task of one member; it lies in oneTBB's memory.
struct MemberTask {
  void (*member)(void* context, int i);
  void* context;
  int i;

  ANEREF_UNSEEN void operator()() const {
    ANEREF_TAKES_OVER(context);
    member(context, i);
    ANEREF_HANDS_OVER(context);
  }
};

}  // namespace

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
    ANEREF_HANDS_OVER(context);
    for (int i = 1; i < impl_->count; ++i)
      group.run(MemberTask{member, context, i});
    body(context);
    group.wait();
    ANEREF_TAKES_OVER(context);
  });
}

}  // namespace aneref
