// See run_control.h.
#include "runtime/capi/run_control.h"

#include <algorithm>

#include "runtime/capi/tensors.h"

namespace aneref::capi {

RunControl::RunControl(const aneref_run_options& options,
                       const std::atomic<bool>* is_cancelled,
                       OpReporter* reporter)
    : options_(options), is_cancelled_(is_cancelled), reporter_(reporter) {
  if (options.timeout_ns == 0) return;
  // A century is for ever, and fits the clock.
  constexpr uint64_t kLongest = uint64_t{100} * 365 * 86400 * 1000000000;
  deadline_ = Clock::now() +
              std::chrono::nanoseconds(std::min(options.timeout_ns, kLongest));
}

Status RunControl::Stop(aneref_status reason, const char* why) {
  reason_ = reason;
  return Status(StatusCode::kLimit, "", why);
}

Status RunControl::BeforeCall() {
  if (is_cancelled_->load(std::memory_order_relaxed))
    return Stop(ANEREF_CANCELLED, "the run was cancelled");
  if (deadline_ && Clock::now() >= *deadline_)
    return Stop(ANEREF_DEADLINE, "the run took longer than its timeout");
  return Status();
}

Status RunControl::AfterOp(const OpDone& op) {
  if (options_.observe != nullptr) {
    reporter_->names.clear();
    reporter_->tensors.clear();
    for (const NamedView& output : op.outputs) {
      reporter_->names.push_back(output.name);
      reporter_->tensors.push_back(ToTensor(output.view));
    }
    aneref_op_event event = aneref_op_event_init();
    event.name = op.name;
    event.op = op.op;
    event.index = op.index;
    event.seconds = op.seconds;
    event.num_outputs = op.outputs.size();
    event.output_names = reporter_->names.data();
    event.outputs = reporter_->tensors.data();
    options_.observe(options_.user, &event);
  }
  if (options_.progress != nullptr &&
      options_.progress(options_.user, op.index + 1, op.total) != 0) {
    return Stop(ANEREF_CANCELLED, "the progress callback cancelled the run");
  }
  return Status();
}

}  // namespace aneref::capi
