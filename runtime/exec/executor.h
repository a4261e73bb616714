// Runs bound tasks: the work units of one task in parallel, task after task, on
// oneTBB's threads or the embedding program's. threads.h has the
// former.
#ifndef ANEREF_RUNTIME_EXEC_EXECUTOR_H_
#define ANEREF_RUNTIME_EXEC_EXECUTOR_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ops/op.h"
#include "runtime/exec/memory_block.h"

namespace aneref {

// A task with its operands resolved to memory.
struct BoundTask {
  KernelFunction function = nullptr;
  std::vector<TensorView> in;
  std::vector<TensorView> out;
  std::shared_ptr<const void> args;
  int64_t num_units = 1;
  size_t scratch_bytes = 0;
};

// A share of the last task and the thread that took it.
struct PartTiming {
  int thread = 0;
  int64_t unit_begin = 0;
  int64_t unit_end = 0;
  double begin_s = 0;  // of the steady clock
  double end_s = 0;
};

// Threads of an embedding program: `run` calls part(context, i) once for each i
// of [0, count), in any order, and returns when all are done.
struct ParallelFor {
  void* user = nullptr;
  void (*run)(void* user, int32_t count,
              void (*part)(void* context, int32_t index),
              void* context) = nullptr;  // null: oneTBB
};

struct ExecutorOptions {
  int threads = 1;           // >= 1
  size_t scratch_bytes = 0;  // per thread
  ParallelFor parallel;
  BlockSource source;  // of scratch
};

class Executor {
 public:
  // Scratch is allocated here, once. kOutOfMemory.
  static Expected<std::unique_ptr<Executor>> Create(
      const ExecutorOptions& options);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Runs all work units. The floating-point environment is the default one
  // (nearest, subnormals kept) in every thread while kernels run, whatever the
  // caller's is (P2). Of several failing units the lowest one's error is
  // returned.
  Status Run(const BoundTask& task);

  // `body` with the threads at hand, so that each Run in it costs little; no
  // Run from elsewhere meanwhile.
  template <class Body>
  Status WithThreads(const Body& body) {
    struct Call {
      const Body& body;
      Status status;
    } call{body, Status()};
    Assemble(
        [](void* context) {
          auto* c = static_cast<Call*>(context);
          c->status = c->body();
        },
        &call);
    return call.status;
  }

  // Looks at the clock around every part of the runs that follow.
  void EnableTrace(bool on);
  // Of the last Run while tracing; ordered by units.
  std::span<const PartTiming> parts() const;
  int threads() const;

 private:
  struct Impl;
  explicit Executor(std::unique_ptr<Impl> impl);
  void Assemble(void (*body)(void* context), void* context);
  std::unique_ptr<Impl> impl_;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_EXECUTOR_H_
