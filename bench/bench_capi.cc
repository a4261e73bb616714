// What embedding costs, through the C interface as an app sees it: the time
// from a file to the first result, the spread of the latency, and memory over
// many runs.   Usage: bench_capi MODEL.anem [RUNS [THREADS]]
#include <algorithm>
#include <aneref/aneref.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

namespace {

using aneref::api::Model;
using aneref::api::Plan;
using aneref::api::Session;
using aneref::api::Surface;
using Clock = std::chrono::steady_clock;

double MillisecondsSince(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start)
      .count();
}

// Resident KiB of this process.
long Resident() {
  std::ifstream file("/proc/self/statm");
  long total = 0, resident = 0;
  file >> total >> resident;
  return resident * 4;
}

int Fail(const aneref::api::Error& error) {
  std::fprintf(stderr, "%s [%s]\n", error.message(), error.name());
  return 1;
}

void PrintSpread(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<size_t>(share *
                                     static_cast<double>(times.size() - 1))];
  };
  std::printf("p50 %.3f ms  p90 %.3f ms  p99 %.3f ms  p99/p50 %.3f\n", at(0.5),
              at(0.9), at(0.99), at(0.99) / at(0.5));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s MODEL.anem [RUNS [THREADS]]\n", argv[0]);
    return 2;
  }
  const int num_runs = argc > 2 ? std::max(100, std::atoi(argv[2])) : 500;
  aneref_session_options options = aneref_session_options_init();
  options.threads = argc > 3 ? std::atoi(argv[3]) : 0;
  const Clock::time_point start = Clock::now();
  auto model = Model::Load(argv[1]);
  if (!model) return Fail(model.error());
  auto plan = Plan::Create(*model);
  if (!plan) return Fail(plan.error());
  const double planned = MillisecondsSince(start);
  auto session = Session::Create(*plan, &options);
  if (!session) return Fail(session.error());
  auto in = plan->Port(ANEREF_INPUT, 0), out = plan->Port(ANEREF_OUTPUT, 0);
  if (!in || !out) return 1;
  auto x = Surface::For(*in), y = Surface::For(*out);
  if (!x || !y) return 1;
  const auto x_bound = session->BindInput(0, *x);
  const auto y_bound = session->BindOutput(0, *y);
  if (!x_bound.ok() || !y_bound.ok()) return 1;
  auto status = session->Run();
  if (!status) return Fail(status.error());
  std::printf("load and plan %.1f ms, first result after %.1f ms\n", planned,
              MillisecondsSince(start));
  for (int i = 0; i < 30 && status; ++i) status = session->Run();
  const long before = Resident();
  std::vector<double> times;
  times.reserve(static_cast<size_t>(num_runs));
  for (int i = 0; i < num_runs && status; ++i) {
    const Clock::time_point begin = Clock::now();
    status = session->Run();
    times.push_back(MillisecondsSince(begin));
  }
  if (!status) return Fail(status.error());
  PrintSpread(times);
  std::printf("resident %ld KiB before %d runs, %ld KiB after\n", before,
              num_runs, Resident());
  return 0;
}
