// Memory across the C interface: bound runs touch no heap, failed allocations
// are errors, and the caller's allocator gets everything back. malloc itself is
// counted, whoever calls it; not under sanitizers, which own malloc.
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>

#include "tests/capi/nets.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
namespace {
std::atomic<long> num_allocations{0};
std::atomic<long> fail_after{-1};  // -1: never

bool Fails() {
  num_allocations.fetch_add(1, std::memory_order_relaxed);
  return fail_after.load(std::memory_order_relaxed) >= 0 &&
         fail_after.fetch_sub(1, std::memory_order_relaxed) == 0;
}
}  // namespace

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void* malloc(size_t size) { return Fails() ? nullptr : __libc_malloc(size); }
void* aligned_alloc(size_t alignment, size_t size) {
  return Fails() ? nullptr : __libc_memalign(alignment, size);
}
}

namespace aneref {
namespace {

using test::ChainNet;
using test::Dense;
using test::Handles;

const std::vector<int64_t> kShape = {1, 16, 16, 16};

// Resident bytes of this process.
long Resident() {
  std::ifstream file("/proc/self/statm");
  long total = 0, resident = 0;
  file >> total >> resident;
  return resident * 4096;
}

}  // namespace

TEST_CASE("A9: bound runs allocate nothing") {
  const test::Bytes net = ChainNet(3);
  for (const int32_t threads : {1, 2}) {
    Handles handles(net, nullptr, threads);
    std::vector<float> x(4096, 1), y(4096);
    std::vector<uint16_t> half(4096);
    const aneref_tensor in = Dense(x, ANEREF_FLOAT32, kShape);
    const aneref_tensor out = Dense(y, ANEREF_FLOAT32, kShape);
    handles.Need(
        aneref_session_bind_input(handles.session, 0, &in, nullptr, nullptr));
    handles.Need(
        aneref_session_bind_output(handles.session, 0, &out, nullptr, nullptr));
    for (int i = 0; i < 20; ++i)
      handles.Need(aneref_session_run(handles.session, nullptr, nullptr));
    const long before = num_allocations.load();
    aneref_status worst = ANEREF_OK;
    for (int i = 0; i < 200; ++i) {
      const aneref_status status =
          aneref_session_run(handles.session, nullptr, nullptr);
      if (status != ANEREF_OK) worst = status;
    }
    const long after = num_allocations.load();
    CHECK_EQ(worst, ANEREF_OK);
    CHECK_MESSAGE(after - before == 0, threads << " threads");
  }
  CHECK(num_allocations.load() > 100);  // the counter works
}

TEST_CASE("A9: frames that are bound by turns allocate nothing") {
  Handles handles(ChainNet(1));
  std::vector<float> front(4096, 1), back(4096, 2), y(4096);
  const aneref_tensor frames[] = {Dense(front, ANEREF_FLOAT32, kShape),
                                  Dense(back, ANEREF_FLOAT32, kShape)};
  const aneref_tensor out = Dense(y, ANEREF_FLOAT32, kShape);
  long before = 0;
  for (int i = 0; i < 40; ++i) {
    if (i == 10) before = num_allocations.load();
    handles.Need(aneref_session_bind_input(handles.session, 0, &frames[i % 2],
                                           nullptr, nullptr));
    handles.Need(aneref_session_run(handles.session, nullptr, nullptr));
    handles.Need(aneref_session_get_output(handles.session, 0, &out, nullptr));
  }
  CHECK_EQ(num_allocations.load() - before, 0);
}

TEST_CASE("A9: runs with states and with callbacks allocate nothing") {
  Handles handles(test::SumNet());
  aneref_run_options options = aneref_run_options_init();
  options.timeout_ns = 1000000000000;
  options.observe = [](void*, const aneref_op_event*) {};
  options.progress = [](void*, uint64_t, uint64_t) -> int32_t { return 0; };
  for (int i = 0; i < 5; ++i)
    handles.Need(aneref_session_run(handles.session, &options, nullptr));
  const long before = num_allocations.load();
  for (int i = 0; i < 50; ++i)
    handles.Need(aneref_session_run(handles.session, &options, nullptr));
  CHECK_EQ(num_allocations.load() - before, 0);
}

TEST_CASE("A7: allocations that fail are errors") {
  const test::Bytes net = ChainNet(2);
  const auto attempt = [&]() -> aneref_status {
    aneref_model* model = nullptr;
    aneref_plan* plan = nullptr;
    aneref_session* session = nullptr;
    aneref_session_options options = aneref_session_options_init();
    options.threads = 1;
    aneref_status status = aneref_model_load_memory(net.data(), net.size(),
                                                    nullptr, &model, nullptr);
    if (status == ANEREF_OK)
      status = aneref_plan_create(model, nullptr, &plan, nullptr);
    if (status == ANEREF_OK)
      status = aneref_session_create(plan, &options, &session, nullptr);
    if (status == ANEREF_OK)
      status = aneref_session_run(session, nullptr, nullptr);
    aneref_session_destroy(session);
    aneref_plan_destroy(plan);
    aneref_model_destroy(model);
    return status;
  };
  REQUIRE_EQ(attempt(),
             ANEREF_OK);  // what lives as long as the process is made
  const long before = num_allocations.load();
  REQUIRE_EQ(attempt(), ANEREF_OK);
  const long total = num_allocations.load() - before;
  REQUIRE(total > 50);
  int failures = 0;
  for (long at = 0; at < total; ++at) {
    fail_after = at;
    const aneref_status status = attempt();
    fail_after = -1;
    const bool expected = status == ANEREF_OUT_OF_MEMORY || status == ANEREF_OK;
    CHECK_MESSAGE(expected,
                  "allocation " << at << ": " << aneref_status_name(status));
    failures += status == ANEREF_OUT_OF_MEMORY ? 1 : 0;
  }
  CHECK(failures > total / 2);
  CHECK_EQ(attempt(), ANEREF_OK);
}

TEST_CASE("capi: the caller's allocator serves tensors and gets all back") {
  struct Pool {
    std::map<void*, size_t> blocks;
    int count = 0, wrong = 0;
    bool empty = false;
    size_t shift = 0;
  } pool;
  aneref_allocator allocator = aneref_allocator_init();
  allocator.user = &pool;
  allocator.allocate = [](void* user, size_t bytes, size_t alignment) -> void* {
    auto* from = static_cast<Pool*>(user);
    if (from->empty) return nullptr;
    if (alignment != 64 || bytes % 64 != 0) ++from->wrong;
    void* memory = std::aligned_alloc(alignment, bytes + 64);
    from->blocks[static_cast<char*>(memory) + from->shift] = bytes;
    ++from->count;
    return static_cast<char*>(memory) + from->shift;
  };
  allocator.release = [](void* user, void* memory, size_t bytes, size_t) {
    auto* to = static_cast<Pool*>(user);
    const auto found = to->blocks.find(memory);
    if (found == to->blocks.end() || found->second != bytes) {
      ++to->wrong;
      return;
    }
    to->blocks.erase(found);
    std::free(static_cast<char*>(memory) - to->shift);
  };
  const test::Bytes net = ChainNet(2);
  {
    Handles handles(net);
    aneref_session_options options = aneref_session_options_init();
    options.allocator = &allocator;
    aneref_session* session = nullptr;
    handles.Need(aneref_session_create(handles.plan, &options, &session,
                                       &handles.error));
    CHECK_EQ(pool.count, 2);  // tensors, scratch
    handles.Need(aneref_session_run(session, nullptr, &handles.error));
    CHECK_EQ(pool.count, 2);
    CHECK_EQ(aneref_session_destroy(session), ANEREF_OK);
    CHECK(pool.blocks.empty());
    pool.shift = 8;  // an address that does not suit
    CHECK_EQ(aneref_session_create(handles.plan, &options, &session, nullptr),
             ANEREF_INVALID_ARGUMENT);
    CHECK(pool.blocks.empty());
    pool.shift = 0;
    pool.empty = true;
    CHECK_EQ(aneref_session_create(handles.plan, &options, &session, nullptr),
             ANEREF_OUT_OF_MEMORY);
  }
  CHECK_EQ(pool.wrong, 0);
}

TEST_CASE("capi: two thousand sessions and runs leave memory as it was") {
  const test::Bytes net = ChainNet(1);
  Handles handles(net);
  const auto work = [&](int count) {
    for (int i = 0; i < count; ++i) {
      aneref_session* session = nullptr;
      aneref_session_options options = aneref_session_options_init();
      options.threads = 1;
      handles.Need(
          aneref_session_create(handles.plan, &options, &session, nullptr));
      handles.Need(aneref_session_run(session, nullptr, nullptr));
      handles.Need(aneref_session_destroy(session));
    }
  };
  work(500);
  const long before = Resident();
  work(2000);
  CHECK(Resident() - before < (1 << 20));
}

}  // namespace aneref
#endif
