// What a caller hears of a run, and how it ends one early. A run without hooks
// looks at none of this.
#ifndef ANEREF_RUNTIME_EXEC_RUN_HOOKS_H_
#define ANEREF_RUNTIME_EXEC_RUN_HOOKS_H_

#include <chrono>
#include <cstddef>
#include <span>

#include "runtime/core/status.h"
#include "runtime/core/tensor.h"

namespace aneref {

struct NamedView {
  const char* name = "";
  TensorView view;
};

// An op whose results are in memory now (its temporaries and operands may be
// gone). Pointers hold until the hook returns.
struct OpDone {
  const char* name = "";  // the source's
  const char* op = "";    // OpName
  size_t index = 0;       // in the order of the run
  size_t total = 0;       // ops of the run
  double seconds = 0;     // 0: nothing had to be computed
  std::span<const NamedView> outputs;
};

class RunHooks {
 public:
  virtual ~RunHooks() = default;
  // Whether AfterOp is to be called: then every op runs by itself.
  virtual bool SeesOps() const { return true; }
  // Both on the thread that runs; a failure ends the run.
  // Before each kernel call:
  virtual Status BeforeCall() = 0;
  virtual Status AfterOp(const OpDone& op) = 0;
};

inline double SteadySeconds() {
  return std::chrono::duration<double>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_RUN_HOOKS_H_
