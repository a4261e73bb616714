// See executor.h. Nothing depends on the number of threads but who computes
// what.
#include "runtime/exec/executor.h"

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <mutex>

#include "runtime/exec/crew.h"
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
      : parallel(options.parallel),
        scratch_stride(AlignUp(options.scratch_bytes)),
        parts(static_cast<size_t>(options.threads)),
        scratch(std::move(block)),
        own_threads(options.threads),
        crew(options.threads) {}

  // What the threads of one task share.
  struct Shared {
    Impl* impl;
    const BoundTask* task;
    std::mutex mutex = {};
    Status first_error = {};
    int64_t first_failed = INT64_MAX;
    std::atomic<int> num_done = 0;

    // Units [begin, end) up to the first that fails.
    void RunUnits(int thread, int64_t begin, int64_t end) {
      std::byte* const own = impl->scratch.get() +
                             static_cast<size_t>(thread) * impl->scratch_stride;
      const KernelCall call{task->in, task->out, task->args.get(), own};
      const double start = impl->tracing ? SteadySeconds() : 0;
      for (int64_t unit = begin; unit < end; ++unit) {
        Status status = task->function(call, unit);
        if (status.ok()) continue;
        Fail(unit, std::move(status));
        break;
      }
      const auto index =
          static_cast<size_t>(num_done.fetch_add(1, std::memory_order_relaxed));
      if (!impl->tracing || index >= impl->parts.size()) return;
      impl->parts[index] = {thread, begin, end, start, SteadySeconds()};
    }

    void Fail(int64_t unit, Status status) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (unit >= first_failed) return;
      first_failed = unit;
      first_error = std::move(status);
    }
  };

  Status RunTask(const BoundTask& task) {
    Shared shared{this, &task};
    const int count =
        static_cast<int>(std::min<int64_t>(crew.size(), task.num_units));
    if (count <= 1) {
      const DefaultFloatEnvironment environment;
      shared.RunUnits(0, 0, task.num_units);
    } else if (parallel.run != nullptr) {
      ANEREF_TRY(RunElsewhere(&shared, count));
    } else {
      const DefaultFloatEnvironment environment;
      crew.Run({[](void* context, int thread, int64_t begin, int64_t end) {
                  static_cast<Shared*>(context)->RunUnits(thread, begin, end);
                },
                &shared, task.num_units, tracing});
    }
    if (tracing) SortParts(shared.num_done.load());
    return shared.first_error;
  }

  // On the threads of the embedding program: one share each.
  Status RunElsewhere(Shared* shared, int count) {
    struct Call {
      Shared* shared;
      int count;
    } call{shared, count};
    const auto part = [](void* context, int32_t index) {
      const auto& [all, wanted] = *static_cast<Call*>(context);
      if (index < 0 || index >= wanted) return;
      const DefaultFloatEnvironment environment;
      const int64_t units = all->task->num_units;
      all->RunUnits(index, units * index / wanted,
                    units * (index + 1) / wanted);
    };
    parallel.run(parallel.user, count, part, &call);
    const int done = shared->num_done.load();
    if (done == count) return Status();
    return InvalidArgument("the executor ran " + std::to_string(done) +
                           " parts of " + std::to_string(count));
  }

  void SortParts(int count) {
    num_parts = count;
    std::sort(parts.begin(), parts.begin() + count,
              [](const PartTiming& a, const PartTiming& b) {
                return a.unit_begin < b.unit_begin;
              });
  }

  ParallelFor parallel;
  size_t scratch_stride;
  bool tracing = false;
  bool assembled = false;
  int num_parts = 0;  // of the last run that was traced
  std::vector<PartTiming> parts;
  MemoryBlock scratch;
  Threads own_threads;
  Crew crew;
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
int Executor::threads() const { return impl_->crew.size(); }

void Executor::EnableTrace(bool on) { impl_->tracing = on; }
std::span<const PartTiming> Executor::parts() const {
  return {impl_->parts.data(), static_cast<size_t>(impl_->num_parts)};
}

void Executor::Assemble(void (*body)(void* context), void* context) {
  if (impl_->crew.size() == 1 || impl_->parallel.run != nullptr ||
      impl_->assembled) {
    body(context);
    return;
  }
  struct Call {
    Impl* impl;
    void (*body)(void* context);
    void* context;
  } call{impl_.get(), body, context};
  impl_->assembled = true;
  impl_->crew.Assemble();
  impl_->own_threads.With(
      [](void* c) {
        const auto& [impl, call_body, call_context] = *static_cast<Call*>(c);
        call_body(call_context);
        impl->crew.Dismiss();
      },
      [](void* c, int member) {
        const DefaultFloatEnvironment environment;
        static_cast<Call*>(c)->impl->crew.Member(member);
      },
      &call);
  impl_->assembled = false;
}

Status Executor::Run(const BoundTask& task) {
  if (task.num_units <= 1) return impl_->RunTask(task);
  return WithThreads([&] { return impl_->RunTask(task); });
}

}  // namespace aneref
