// One run's deadline, cancellation and callbacks, as hooks of a session.
#ifndef ANEREF_RUNTIME_CAPI_RUN_CONTROL_H_
#define ANEREF_RUNTIME_CAPI_RUN_CONTROL_H_

#include <atomic>
#include <chrono>
#include <optional>
#include <vector>

#include "aneref/aneref.h"
#include "runtime/exec/run_hooks.h"

namespace aneref::capi {

// Room for the tensors of one op_event, kept from run to run.
struct OpReporter {
  std::vector<const char*> names;
  std::vector<aneref_tensor> tensors;
};

class RunControl : public RunHooks {
 public:
  using Clock = std::chrono::steady_clock;

  // The time runs from here on. Borrows both.
  RunControl(const aneref_run_options& options,
             const std::atomic<bool>* is_cancelled, OpReporter* reporter);

  // ANEREF_CANCELLED or ANEREF_DEADLINE when this ended the run.
  aneref_status reason() const { return reason_; }

  bool SeesOps() const override {
    return options_.observe != nullptr || options_.progress != nullptr;
  }
  Status BeforeCall() override;
  Status AfterOp(const OpDone& op) override;

 private:
  Status Stop(aneref_status reason, const char* why);

  aneref_run_options options_;
  const std::atomic<bool>* is_cancelled_;
  OpReporter* reporter_;
  std::optional<Clock::time_point> deadline_;
  aneref_status reason_ = ANEREF_OK;
};

}  // namespace aneref::capi

#endif  // ANEREF_RUNTIME_CAPI_RUN_CONTROL_H_
