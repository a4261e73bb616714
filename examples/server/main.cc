// A server's use: one plan with its packed weights, a session per thread, each
// with one compute thread, so that requests run side by side. Every request has
// a deadline.   Usage: server MODEL.anem [THREADS [REQUESTS]]
#include <algorithm>
#include <aneref/aneref.hpp>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <thread>
#include <vector>

namespace {

using aneref::api::Model;
using aneref::api::Plan;
using aneref::api::Session;
using aneref::api::Tensor;

struct Totals {
  std::atomic<int> next{0}, done{0}, late{0}, failed{0};
};

size_t Count(const aneref_port& port) {
  size_t count = 1;
  for (int32_t i = 0; i < port.rank; ++i)
    count *= static_cast<size_t>(port.shape[i]);
  return count;
}

// Takes requests until none is left.
void Serve(const Plan& plan, int num_requests, Totals* totals) {
  aneref_session_options options = aneref_session_options_init();
  options.threads = 1;
  auto session = Session::Create(plan, &options);
  auto in = plan.Port(ANEREF_INPUT, 0), out = plan.Port(ANEREF_OUTPUT, 0);
  if (!session || !in || !out) {
    ++totals->failed;
    return;
  }
  const std::vector<int64_t> in_shape(in->shape, in->shape + in->rank);
  const std::vector<int64_t> out_shape(out->shape, out->shape + out->rank);
  std::vector<float> question(Count(*in)), answer(Count(*out));
  aneref_run_options run = aneref_run_options_init();
  run.timeout_ns = 2000000000;  // two seconds
  for (int request; (request = totals->next++) < num_requests;) {
    std::fill(question.begin(), question.end(),
              static_cast<float>(request % 10) / 10);
    auto status = session->SetInput(0, Tensor(question, in_shape));
    if (status) status = session->Run(&run);
    if (status) status = session->GetOutput(0, Tensor(answer, out_shape));
    if (status) {
      ++totals->done;
    } else {
      ++(status.error().code() == ANEREF_DEADLINE ? totals->late
                                                  : totals->failed);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s MODEL.anem [THREADS [REQUESTS]]\n",
                 argv[0]);
    return 2;
  }
  const int num_threads = argc > 2 ? std::max(1, std::atoi(argv[2])) : 4;
  const int num_requests = argc > 3 ? std::max(1, std::atoi(argv[3])) : 400;
  auto model = Model::Load(argv[1]);
  if (!model) {
    std::fprintf(stderr, "%s\n", model.error().message());
    return 1;
  }
  const auto plan = Plan::Create(*model);
  if (!plan.ok()) {
    std::fprintf(stderr, "%s\n", plan.error().message());
    return 1;
  }
  Totals totals;
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < num_threads; ++i)
    threads.emplace_back(Serve, std::cref(plan.value()), num_requests, &totals);
  for (std::thread& thread : threads) thread.join();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  std::printf(
      "%d threads, one plan: %d answers, %d late, %d failed, %.0f per "
      "second\n",
      num_threads, totals.done.load(), totals.late.load(), totals.failed.load(),
      totals.done.load() / seconds);
  return totals.failed == 0 && totals.done + totals.late == num_requests ? 0
                                                                         : 1;
}
