// Runs bound tasks: the work units of one task in parallel, task after task.
// Its .cc is the only file that includes oneTBB.
#ifndef ANEREF_RUNTIME_EXEC_EXECUTOR_H_
#define ANEREF_RUNTIME_EXEC_EXECUTOR_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ops/op.h"

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

// One thread's share of the last task.
struct PartTiming {
  int thread = 0;
  int64_t unit_begin = 0;
  int64_t unit_end = 0;
  double begin_s = 0;  // of the steady clock
  double end_s = 0;
};

class Executor {
 public:
  // `threads` >= 1. Scratch of `scratch_bytes` per thread is allocated here,
  // once.
  Executor(int threads, size_t scratch_bytes);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // Runs all work units. The floating-point environment is the default one
  // (nearest, subnormals kept) in every thread while kernels run, whatever the
  // caller's is (P2). Of several failing units the lowest one's error is
  // returned.
  Status Run(const BoundTask& task);
  // Looks at the clock around every part of the runs that follow.
  void EnableTrace(bool on);
  // Of the last Run while tracing; ordered by thread.
  std::span<const PartTiming> parts() const;
  int threads() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_EXECUTOR_H_
