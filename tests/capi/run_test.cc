// Runs of the C interface that are watched, ended early, asynchronous, or at
// once in many threads.
#include <atomic>
#include <thread>

#include "tests/capi/nets.h"

namespace aneref {
namespace {

using test::AddNet;
using test::ChainNet;
using test::Dense;
using test::Handles;

// A run whose first op waits for the test before it goes on.
struct Gate {
  std::atomic<bool> reached{false};
  std::atomic<bool> opened{false};

  aneref_run_options Options() {
    aneref_run_options options = aneref_run_options_init();
    options.user = this;
    options.observe = [](void* user, const aneref_op_event*) {
      auto* gate = static_cast<Gate*>(user);
      gate->reached = true;
      while (!gate->opened) std::this_thread::yield();
    };
    return options;
  }
  void WaitUntilReached() const {
    while (!reached) std::this_thread::yield();
  }
};

struct Completion {
  std::atomic<int> count{0};
  std::atomic<aneref_status> status{-1};
  aneref_session* session = nullptr;
};
void Complete(void* user, aneref_status status, const aneref_error* error) {
  auto* completion = static_cast<Completion*>(user);
  CHECK_EQ(error == nullptr, status == ANEREF_OK);
  completion->status = status;
  ++completion->count;
}

}  // namespace

TEST_CASE("capi: observers see every op with its values") {
  Handles handles(AddNet());
  std::vector<float> x(16, 4);
  const aneref_tensor in = Dense(x, ANEREF_FLOAT32, {1, 2, 2, 4});
  handles.Need(aneref_session_set_input(handles.session, 0, &in, nullptr));
  struct Seen {
    std::vector<std::string> ops;
    std::vector<uint16_t> values;
    std::vector<uint64_t> done, total;
  } seen;
  aneref_run_options options = aneref_run_options_init();
  options.user = &seen;
  options.observe = [](void* user, const aneref_op_event* event) {
    auto* to = static_cast<Seen*>(user);
    to->ops.push_back(event->op);
    REQUIRE_EQ(event->num_outputs, 1);
    to->values.push_back(static_cast<uint16_t*>(event->outputs[0].data)[0]);
    CHECK_EQ(event->index + 1, to->ops.size());
    CHECK(event->seconds > 0);
  };
  options.progress = [](void* user, uint64_t done, uint64_t total) -> int32_t {
    static_cast<Seen*>(user)->done.push_back(done);
    static_cast<Seen*>(user)->total.push_back(total);
    return 0;
  };
  handles.Need(aneref_session_run(handles.session, &options, nullptr));
  CHECK(seen.ops == std::vector<std::string>({"relu", "add"}));
  CHECK(seen.values == std::vector<uint16_t>({0x4400, 0x4500}));  // 4, 5
  CHECK(seen.done == std::vector<uint64_t>({1, 2}));
  CHECK(seen.total == std::vector<uint64_t>({2, 2}));
}

TEST_CASE("capi: a progress callback cancels") {
  Handles handles(ChainNet(4));
  aneref_run_options options = aneref_run_options_init();
  int calls = 0;
  options.user = &calls;
  options.progress = [](void* user, uint64_t done, uint64_t) -> int32_t {
    ++*static_cast<int*>(user);
    return done == 2 ? 1 : 0;
  };
  aneref_error error = aneref_error_init();
  CHECK_EQ(aneref_session_run(handles.session, &options, &error),
           ANEREF_CANCELLED);
  CHECK_EQ(calls, 2);
  CHECK_EQ(error.code, ANEREF_CANCELLED);
  aneref_tensor view = aneref_tensor_init();
  CHECK_EQ(aneref_session_view_output(handles.session, 0, &view, nullptr),
           ANEREF_INVALID_STATE);
  CHECK_EQ(aneref_session_run(handles.session, nullptr, &error), ANEREF_OK);
  CHECK_EQ(aneref_session_view_output(handles.session, 0, &view, nullptr),
           ANEREF_OK);
}

TEST_CASE("capi: a deadline ends a run and states stay") {
  Handles handles(test::SumNet());
  std::vector<float> x = {1, 1, 1, 1}, total(4, 7);
  const aneref_tensor in = Dense(x, ANEREF_FLOAT32, {4});
  const aneref_tensor state = Dense(total, ANEREF_FLOAT32, {4});
  handles.Need(aneref_session_set_input(handles.session, 0, &in, nullptr));
  handles.Need(aneref_session_set_state(handles.session, 0, &state, nullptr));
  aneref_run_options options = aneref_run_options_init();
  options.timeout_ns = 1;
  CHECK_EQ(aneref_session_run(handles.session, &options, nullptr),
           ANEREF_DEADLINE);
  handles.Need(aneref_session_get_state(handles.session, 0, &state, nullptr));
  CHECK(total == std::vector<float>({7, 7, 7, 7}));
  options.timeout_ns = UINT64_MAX;
  CHECK_EQ(aneref_session_run(handles.session, &options, nullptr), ANEREF_OK);
  handles.Need(aneref_session_get_state(handles.session, 0, &state, nullptr));
  CHECK(total == std::vector<float>({8, 8, 8, 8}));
}

TEST_CASE("A5: a session in use refuses other calls and cancels from outside") {
  Handles handles(ChainNet(3));
  Gate gate;
  const aneref_run_options options = gate.Options();
  aneref_status status = ANEREF_OK;
  std::thread runner(
      [&] { status = aneref_session_run(handles.session, &options, nullptr); });
  gate.WaitUntilReached();
  aneref_tensor view = aneref_tensor_init();
  size_t count = 0;
  CHECK_EQ(aneref_session_run(handles.session, nullptr, nullptr), ANEREF_BUSY);
  CHECK_EQ(aneref_session_view_output(handles.session, 0, &view, nullptr),
           ANEREF_BUSY);
  CHECK_EQ(
      aneref_session_num_ports(handles.session, ANEREF_INPUT, &count, nullptr),
      ANEREF_BUSY);
  CHECK_EQ(
      aneref_session_bind_input(handles.session, 0, nullptr, nullptr, nullptr),
      ANEREF_BUSY);
  CHECK_EQ(aneref_session_run_async(handles.session, nullptr, nullptr, nullptr,
                                    nullptr),
           ANEREF_BUSY);
  CHECK_EQ(aneref_session_wait(handles.session, 1000, nullptr),
           ANEREF_DEADLINE);
  CHECK_EQ(aneref_session_cancel(handles.session, nullptr), ANEREF_OK);
  gate.opened = true;
  runner.join();
  CHECK_EQ(status, ANEREF_CANCELLED);
  CHECK_EQ(aneref_session_wait(handles.session, 0, nullptr), ANEREF_OK);
  // A cancel without a run has no effect on the next one.
  CHECK_EQ(aneref_session_cancel(handles.session, nullptr), ANEREF_OK);
  CHECK_EQ(aneref_session_run(handles.session, nullptr, nullptr), ANEREF_OK);
}

TEST_CASE("capi: callbacks of a run cannot wait for it or destroy it") {
  Handles handles(AddNet());
  aneref_run_options options = aneref_run_options_init();
  options.user = handles.session;
  options.progress = [](void* user, uint64_t, uint64_t) -> int32_t {
    auto* session = static_cast<aneref_session*>(user);
    CHECK_EQ(aneref_session_destroy(session), ANEREF_INVALID_STATE);
    CHECK_EQ(aneref_session_wait(session, 0, nullptr), ANEREF_INVALID_STATE);
    CHECK_EQ(aneref_session_run(session, nullptr, nullptr), ANEREF_BUSY);
    return 0;
  };
  CHECK_EQ(aneref_session_run(handles.session, &options, nullptr), ANEREF_OK);
}

TEST_CASE("capi: asynchronous runs complete once and can be waited for") {
  Handles handles(AddNet());
  std::vector<float> x(16, 4), y(16);
  const aneref_tensor in = Dense(x, ANEREF_FLOAT32, {1, 2, 2, 4});
  const aneref_tensor out = Dense(y, ANEREF_FLOAT32, {1, 2, 2, 4});
  handles.Need(aneref_session_set_input(handles.session, 0, &in, nullptr));
  Completion completion;
  for (int i = 1; i <= 50; ++i) {
    handles.Need(aneref_session_run_async(handles.session, nullptr, Complete,
                                          &completion, nullptr));
    handles.Need(aneref_session_wait(handles.session, 0, nullptr));
    CHECK_EQ(completion.count, i);
    CHECK_EQ(completion.status, ANEREF_OK);
  }
  handles.Need(aneref_session_get_output(handles.session, 0, &out, nullptr));
  CHECK(y == std::vector<float>(16, 5));
  // Without a callback.
  handles.Need(aneref_session_run_async(handles.session, nullptr, nullptr,
                                        nullptr, nullptr));
  handles.Need(aneref_session_wait(handles.session, 0, nullptr));
  // A deadline counts from the call.
  aneref_run_options options = aneref_run_options_init();
  options.timeout_ns = 1;
  handles.Need(aneref_session_run_async(handles.session, &options, Complete,
                                        &completion, nullptr));
  handles.Need(aneref_session_wait(handles.session, 0, nullptr));
  CHECK_EQ(completion.status, ANEREF_DEADLINE);
}

TEST_CASE("capi: completion callbacks may run again or destroy") {
  const test::Bytes net = AddNet();
  struct Chain {
    aneref_session* session = nullptr;
    std::atomic<int> count{0};
    std::atomic<bool> destroyed{false};
  } chain;
  Handles handles(net);
  handles.Need(
      aneref_session_create(handles.plan, nullptr, &chain.session, nullptr));
  static const aneref_completion next = [](void* user, aneref_status status,
                                           const aneref_error*) {
    auto* to = static_cast<Chain*>(user);
    if (status == ANEREF_CANCELLED) {
      to->destroyed = true;
      return;
    }
    CHECK_EQ(status, ANEREF_OK);
    CHECK_EQ(
        aneref_session_run_async(to->session, nullptr, next, user, nullptr),
        ANEREF_OK);
    // Destroyed with a run that waits its turn: that one is cancelled.
    if (++to->count == 5)
      CHECK_EQ(aneref_session_destroy(to->session), ANEREF_OK);
  };
  handles.Need(
      aneref_session_run_async(chain.session, nullptr, next, &chain, nullptr));
  while (!chain.destroyed) std::this_thread::yield();
  CHECK_EQ(chain.count, 5);
  CHECK_EQ(aneref_session_wait(chain.session, 0, nullptr),
           ANEREF_INVALID_HANDLE);
}

TEST_CASE("A6: destroying a session ends its run") {
  const test::Bytes net = ChainNet(3);
  for (const bool async : {false, true}) {
    Handles handles(net);
    Gate gate;
    const aneref_run_options options = gate.Options();
    Completion completion;
    aneref_status status = ANEREF_OK;
    std::thread runner;
    if (async) {
      handles.Need(aneref_session_run_async(handles.session, &options, Complete,
                                            &completion, nullptr));
    } else {
      runner = std::thread([&] {
        status = aneref_session_run(handles.session, &options, nullptr);
      });
    }
    gate.WaitUntilReached();
    std::thread opener([&] {
      // Once the handle is gone, the run may go on.
      while (aneref_session_cancel(handles.session, nullptr) !=
             ANEREF_INVALID_HANDLE)
        std::this_thread::yield();
      gate.opened = true;
    });
    CHECK_EQ(aneref_session_destroy(handles.session), ANEREF_OK);
    if (async) {
      CHECK_EQ(completion.count, 1);
      CHECK_EQ(completion.status, ANEREF_CANCELLED);
    } else {
      runner.join();
      CHECK_EQ(status, ANEREF_CANCELLED);
    }
    opener.join();
  }
}

TEST_CASE("A5: eight threads of sessions share a plan") {
  const test::Bytes net = ChainNet(2);
  Handles handles(net);
  const std::vector<int64_t> shape = {1, 16, 16, 16};
  std::atomic<int> wrong{0}, cancelled{0};
  const auto work = [&](int thread) {
    std::vector<float> x(4096, static_cast<float>(thread + 1)), first(4096),
        y(4096);
    const aneref_tensor in = Dense(x, ANEREF_FLOAT32, shape);
    const aneref_tensor out = Dense(y, ANEREF_FLOAT32, shape);
    for (int round = 0; round < 5; ++round) {
      aneref_session* session = nullptr;
      aneref_session_options options = aneref_session_options_init();
      options.threads = 1 + thread % 2;
      if (aneref_session_create(handles.plan, &options, &session, nullptr) !=
          ANEREF_OK) {
        ++wrong;
        return;
      }
      aneref_session_bind_input(session, 0, &in, nullptr, nullptr);
      aneref_session_bind_output(session, 0, &out, nullptr, nullptr);
      for (int run = 0; run < 20; ++run) {
        const aneref_status status =
            aneref_session_run(session, nullptr, nullptr);
        if (status != ANEREF_OK) ++wrong;
        if (round == 0 && run == 0) first = y;
        if (y != first) ++wrong;
      }
      // In flight: cancelled by another thread, then destroyed.
      Completion completion;
      aneref_session_run_async(session, nullptr, Complete, &completion,
                               nullptr);
      std::thread other([&] { aneref_session_cancel(session, nullptr); });
      if (round % 2 == 0) aneref_session_wait(session, 0, nullptr);
      if (aneref_session_destroy(session) != ANEREF_OK) ++wrong;
      other.join();
      if (completion.count != 1) ++wrong;
      if (completion.status == ANEREF_CANCELLED) ++cancelled;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(wrong, 0);
  CHECK(cancelled <= 40);
}

TEST_CASE("A6: a plan and its model are destroyed while eight sessions run") {
  const test::Bytes net = ChainNet(2);
  Handles handles(net);
  std::atomic<int> running{0}, wrong{0};
  std::atomic<bool> destroyed{false};
  const auto work = [&](int thread) {
    std::vector<float> x(4096, static_cast<float>(thread + 1)), first(4096),
        y(4096);
    const aneref_tensor in = Dense(x, ANEREF_FLOAT32, {1, 16, 16, 16});
    const aneref_tensor out = Dense(y, ANEREF_FLOAT32, {1, 16, 16, 16});
    aneref_session_options options = aneref_session_options_init();
    options.threads = 1 + thread % 3;
    aneref_session* session = nullptr;
    aneref_session_create(handles.plan, &options, &session, nullptr);
    aneref_session_set_input(session, 0, &in, nullptr);
    // Some runs before the others lose their handles, and some after.
    for (int after = 0; after < 5; after += destroyed ? 1 : 0) {
      if (aneref_session_run(session, nullptr, nullptr) != ANEREF_OK) ++wrong;
      aneref_session_get_output(session, 0, &out, nullptr);
      if (first[0] == 0) {
        first = y;
        ++running;
      }
      if (y != first) ++wrong;
    }
    if (aneref_session_destroy(session) != ANEREF_OK) ++wrong;
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back(work, i);
  while (running != 8) std::this_thread::yield();
  CHECK_EQ(aneref_plan_destroy(handles.plan), ANEREF_OK);
  CHECK_EQ(aneref_model_destroy(handles.model), ANEREF_OK);
  destroyed = true;
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(wrong, 0);
}

}  // namespace aneref
