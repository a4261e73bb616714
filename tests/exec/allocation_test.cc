// A session that has run once never touches the heap again: malloc itself is
// counted, whoever calls it. Not under sanitizers, which own malloc.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>

#include "runtime/exec/session.h"
#include "tests/support/draft.h"

#if defined(__has_feature)  // Clang's name for what GCC defines
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
namespace {
std::atomic<long> num_allocations{0};
}  // namespace

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void* malloc(size_t size) {
  num_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  num_allocations.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}
}

namespace aneref {
namespace {

std::shared_ptr<const Net> SmallNet() {
  test::DraftBuilder draft;
  int x = draft.Input("x", {1, 16, 32, 32});
  for (int i = 0; i < 3; ++i) {
    fbs::ConvT conv;
    conv.pads = {1, 1, 1, 1};
    const int weight =
        draft.Constant({16, 16, 3, 3}, std::vector<double>(16 * 16 * 9, 0.01));
    const int y = draft.Node(conv, {x, weight});
    x = draft.Binary(fbs::ElementwiseKind::add,
                     draft.Unary(fbs::ActivationKind::silu, y), x);
  }
  fbs::PoolT pool;
  pool.kind = fbs::PoolKind::average;
  x = draft.Node(pool, {x});
  fbs::SoftmaxT softmax;
  softmax.axis = 1;
  draft.Output(draft.Node(softmax, {x}));
  return draft.Parse();
}

}  // namespace

TEST_CASE("session: runs after the first allocate nothing") {
  const std::vector<float> values(16 * 32 * 32, 0.5f);
  for (int threads : {1, 2}) {
    SessionOptions options;
    options.threads = threads;
    auto session = Session::Create(SmallNet(), options);
    REQUIRE(session.ok());
    const TensorView input = DenseView({DataType::kFloat32, {1, 16, 32, 32}},
                                       const_cast<float*>(values.data()));
    REQUIRE((*session)->SetInput(0, input).ok());
    for (int i = 0; i < 20; ++i) REQUIRE((*session)->Run().ok());
    const long before = num_allocations.load();
    bool all_ok = true;
    for (int i = 0; i < 100; ++i) all_ok &= (*session)->Run().ok();
    const long after = num_allocations.load();
    CHECK(all_ok);
    CHECK_MESSAGE(after - before == 0, threads << " threads");
  }
  CHECK(num_allocations.load() > 100);  // the counter works
}

}  // namespace aneref
#endif
