// See executor.h. Static equal partition: thread t of n runs one contiguous
// range of work units; nothing depends on n but who computes what.
#include "runtime/exec/executor.h"

#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cfenv>
#include <chrono>
#include <mutex>

namespace aneref {
namespace {

// Sets the default floating-point environment for a scope: rounding to nearest,
// no flush to zero.
class DefaultFloatEnvironment {
 public:
  DefaultFloatEnvironment() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatEnvironment() { std::fesetenv(&saved_); }
  DefaultFloatEnvironment(const DefaultFloatEnvironment&) = delete;
  DefaultFloatEnvironment& operator=(const DefaultFloatEnvironment&) = delete;

 private:
  std::fenv_t saved_;
};

constexpr size_t kScratchAlignment = 64;

double Now() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

struct Executor::Impl {
  Impl(int num_threads, size_t bytes)
      : threads(num_threads),
        scratch_stride((bytes + kScratchAlignment - 1) / kScratchAlignment *
                       kScratchAlignment),
        parts(static_cast<size_t>(num_threads)),
        storage(
            new std::byte[scratch_stride * static_cast<size_t>(num_threads) +
                          kScratchAlignment]),
        arena(num_threads) {
    const auto address = reinterpret_cast<uintptr_t>(storage.get());
    scratch =
        storage.get() +
        (kScratchAlignment - address % kScratchAlignment) % kScratchAlignment;
  }

  std::byte* ScratchOf(int part) const {
    return scratch + static_cast<size_t>(part) * scratch_stride;
  }

  // Units [begin, end) of a task on the calling thread.
  static Status RunRange(const BoundTask& task, std::byte* part_scratch,
                         int64_t begin, int64_t end, int64_t* failed_unit) {
    const DefaultFloatEnvironment environment;
    const KernelCall call{task.in, task.out, task.args.get(), part_scratch};
    for (int64_t unit = begin; unit < end; ++unit) {
      Status status = task.function(call, unit);
      if (!status.ok()) {
        *failed_unit = unit;
        return status;
      }
    }
    return Status();
  }

  // Units of part `part` of `count`.
  Status RunPart(const BoundTask& task, int part, int count,
                 int64_t* failed_unit) {
    const int64_t begin = task.num_units * part / count,
                  end = task.num_units * (part + 1) / count;
    if (!tracing)
      return RunRange(task, ScratchOf(part), begin, end, failed_unit);
    const double start = Now();
    Status status = RunRange(task, ScratchOf(part), begin, end, failed_unit);
    parts[static_cast<size_t>(part)] = {part, begin, end, start, Now()};
    return status;
  }

  Status RunParallel(const BoundTask& task, int count) {
    std::mutex mutex;
    Status first_error;
    int64_t first_failed = INT64_MAX;
    auto run_part = [&](int part) {
      int64_t failed = INT64_MAX;
      const Status status = RunPart(task, part, count, &failed);
      if (status.ok()) return;
      const std::lock_guard<std::mutex> lock(mutex);
      if (failed < first_failed) {
        first_failed = failed;
        first_error = status;
      }
    };
    arena.execute([&] {
      tbb::parallel_for(0, count, run_part, tbb::static_partitioner());
    });
    return first_error;
  }

  int threads;
  size_t scratch_stride;
  bool tracing = false;
  int num_parts = 0;  // of the last run
  std::vector<PartTiming> parts;
  std::unique_ptr<std::byte[]> storage;
  std::byte* scratch;
  tbb::task_arena arena;
};

Executor::Executor(int threads, size_t scratch_bytes)
    : impl_(std::make_unique<Impl>(threads, scratch_bytes)) {}
Executor::~Executor() = default;
int Executor::threads() const { return impl_->threads; }

void Executor::EnableTrace(bool on) { impl_->tracing = on; }
std::span<const PartTiming> Executor::parts() const {
  return {impl_->parts.data(), static_cast<size_t>(impl_->num_parts)};
}

Status Executor::Run(const BoundTask& task) {
  impl_->num_parts =
      static_cast<int>(std::min<int64_t>(impl_->threads, task.num_units));
  int64_t failed_unit = 0;
  if (impl_->num_parts <= 1) {
    impl_->num_parts = 1;
    return impl_->RunPart(task, 0, 1, &failed_unit);
  }
  return impl_->RunParallel(task, impl_->num_parts);
}

}  // namespace aneref
