// See executor.h. Static equal partition: thread t of n runs one contiguous
// range of work units; nothing depends on n but who computes what.
#include "runtime/exec/executor.h"

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <mutex>

#include "runtime/exec/run_hooks.h"
#include "runtime/exec/threads.h"
#include "runtime/plan/memory.h"

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

}  // namespace

struct Executor::Impl {
  Impl(const ExecutorOptions& options, MemoryBlock block)
      : threads(options.threads),
        parallel(options.parallel),
        scratch_stride(AlignUp(options.scratch_bytes)),
        parts(static_cast<size_t>(options.threads)),
        scratch(std::move(block)),
        own_threads(options.threads) {}

  std::byte* ScratchOf(int part) const {
    return scratch.get() + static_cast<size_t>(part) * scratch_stride;
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
    const double start = SteadySeconds();
    Status status = RunRange(task, ScratchOf(part), begin, end, failed_unit);
    parts[static_cast<size_t>(part)] = {part, begin, end, start,
                                        SteadySeconds()};
    return status;
  }

  // What the parts of one task share.
  struct Parallel {
    Impl* impl;
    const BoundTask* task;
    int count;
    std::mutex mutex = {};
    Status first_error = {};
    int64_t first_failed = INT64_MAX;
    std::atomic<int> num_done = 0;

    void RunPart(int part) {
      num_done.fetch_add(1, std::memory_order_relaxed);
      int64_t failed = INT64_MAX;
      const Status status = impl->RunPart(*task, part, count, &failed);
      if (status.ok()) return;
      const std::lock_guard<std::mutex> lock(mutex);
      if (failed < first_failed) {
        first_failed = failed;
        first_error = status;
      }
    }
  };

  Status RunParallel(const BoundTask& task, int count) {
    Parallel all{this, &task, count};
    const auto part = [](void* context, int32_t index) {
      auto* shared = static_cast<Parallel*>(context);
      if (index >= 0 && index < shared->count) shared->RunPart(index);
    };
    if (parallel.run == nullptr) {
      own_threads.Run(count, part, &all);
      return all.first_error;
    }
    parallel.run(parallel.user, count, part, &all);
    const int done = all.num_done.load();
    if (done != count) {
      return InvalidArgument("the executor ran " + std::to_string(done) +
                             " parts of " + std::to_string(count));
    }
    return all.first_error;
  }

  int threads;
  ParallelFor parallel;
  size_t scratch_stride;
  bool tracing = false;
  int num_parts = 0;  // of the last run
  std::vector<PartTiming> parts;
  MemoryBlock scratch;
  Threads own_threads;
};

Expected<std::unique_ptr<Executor>> Executor::Create(
    const ExecutorOptions& options) {
  const size_t stride = AlignUp(options.scratch_bytes);
  const auto threads = static_cast<size_t>(options.threads);
  if (stride > PTRDIFF_MAX / threads)
    return LimitError("scratch is too large for the address space");
  ANEREF_ASSIGN(MemoryBlock block,
                AllocateBlock(stride * threads, options.source));
  return std::unique_ptr<Executor>(
      new Executor(std::make_unique<Impl>(options, std::move(block))));
}

Executor::Executor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
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
