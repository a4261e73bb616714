// Memory across the C interface: bound runs touch no heap, failed allocations
// are errors. malloc itself is counted, whoever calls it; not under sanitizers,
// which own malloc.
#include <atomic>
#include <cstdlib>
#include <fstream>

#include "tests/capi/nets.h"

#if defined(__has_feature)  // Clang's name for what GCC defines
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
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
