// What embedding costs, through the C interface as an app sees it: the time
// from a file to the first result, the spread of the latency, and memory over
// many runs. Between runs a loop of arithmetic, as long as a run, shows what
// spread the machine has of its own.
// Usage: bench_capi MODEL.anem [RUNS [THREADS]]
#include <algorithm>
#include <aneref/aneref.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>
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

// Independent sums in L1 keep the core's multipliers and load ports busy, as
// kernels do: what makes this take longer is the machine (clock, interrupts,
// whoever shares the core).
double Spin(int64_t steps) {
  constexpr size_t kFloats = 2048, kSums = 32;
  static float x[kFloats] = {1};
  float sums[kSums] = {};
  for (int64_t step = 0; step < steps; ++step) {
    for (size_t i = 0; i < kFloats; i += kSums)
      for (size_t j = 0; j < kSums; ++j) sums[j] += 0.5F * x[i + j];
  }
  return std::accumulate(sums, sums + kSums, 0.0);
}

// Steps of Spin that take about `ms`.
int64_t StepsFor(double ms) {
  constexpr int64_t kTrial = 1000;
  double least = 1e9;
  volatile double sink = 0;
  for (int i = 0; i < 10; ++i) {
    const Clock::time_point begin = Clock::now();
    sink = sink + Spin(kTrial);
    least = std::min(least, MillisecondsSince(begin));
  }
  return static_cast<int64_t>(ms / least * static_cast<double>(kTrial));
}

void PrintSpread(const char* what, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<size_t>(share *
                                     static_cast<double>(times.size() - 1))];
  };
  std::printf("%-10s p50 %.3f ms  p90 %.3f ms  p99 %.3f ms  p99/p50 %.3f\n",
              what, at(0.5), at(0.9), at(0.99), at(0.99) / at(0.5));
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
  double least = 1e9;
  for (int i = 0; i < 30 && status; ++i) {
    const Clock::time_point begin = Clock::now();
    status = session->Run();
    least = std::min(least, MillisecondsSince(begin));
  }
  const int64_t steps = StepsFor(least);
  volatile double sink = 0;
  // Room that is resident before the runs: what grows is the library's.
  std::vector<double> times(static_cast<size_t>(num_runs)), loops = times;
  times.clear();
  loops.clear();
  const long before = Resident();
  for (int i = 0; i < num_runs && status; ++i) {
    const Clock::time_point begin = Clock::now();
    status = session->Run();
    times.push_back(MillisecondsSince(begin));
    const Clock::time_point alone = Clock::now();
    sink = sink + Spin(steps);
    loops.push_back(MillisecondsSince(alone));
  }
  const long after = Resident();
  if (!status) return Fail(status.error());
  PrintSpread("network", times);
  PrintSpread("plain loop", loops);
  std::printf("resident %ld KiB before %d runs, %ld KiB after\n", before,
              num_runs, after);
  return 0;
}
