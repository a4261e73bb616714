// What stands behind aneref_session: a Session, the caller's buffers bound to
// it, and who may use it when (A5).
#ifndef ANEREF_RUNTIME_CAPI_SESSION_OBJECT_H_
#define ANEREF_RUNTIME_CAPI_SESSION_OBJECT_H_

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "runtime/capi/boundary.h"
#include "runtime/capi/model_object.h"
#include "runtime/capi/run_control.h"
#include "runtime/capi/tensors.h"
#include "runtime/exec/session.h"

namespace aneref::capi {

// An intermediate value of the last run; both point into the session.
struct KeptValue {
  const char* name = "";
  TensorView view;
};

class SessionObject : public std::enable_shared_from_this<SessionObject> {
 public:
  SessionObject(std::shared_ptr<const PlanObject> plan,
                std::unique_ptr<Session> session);

  const PlanObject& plan() const { return *plan_; }

  // The one use of the session at a time. Ends when it is destroyed.
  class Use {
   public:
    explicit Use(SessionObject* object) : object_(object) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() { object_->EndUse(); }

   private:
    SessionObject* object_;
  };
  // ANEREF_BUSY, ANEREF_INVALID_HANDLE (closed meanwhile).
  Result Begin(std::optional<Use>* use);

  // The following while the session is in use by the caller.
  Result Bind(aneref_port_kind kind, size_t index, const aneref_tensor* tensor,
              int32_t* is_direct);
  Result SetInput(size_t index, const aneref_tensor* tensor);
  // ANEREF_INVALID_STATE: no values were kept, or no run has finished.
  Result KeptValues(const std::vector<KeptValue>** values);
  bool has_run() const { return has_run_; }
  uint64_t num_runs() const { return num_runs_; }
  Session& session() { return *session_; }

  Result Run(const aneref_run_options& options);
  Result RunAsync(const aneref_run_options& options,
                  aneref_completion completion, void* user);
  Result Wait(uint64_t timeout_ns);
  void Cancel();
  // Whether the calling thread is inside a run of this session.
  bool IsMine();
  // Cancels, waits, ends the session's thread.
  void Close();

 private:
  struct Binding {
    bool is_bound = false;
    bool is_direct = false;
    StridedView view;
  };
  // A run that was asked for and has not begun.
  struct Job {
    RunControl control;
    aneref_completion completion = nullptr;
    void* user = nullptr;
  };

  Result Acquire(bool runs);
  void EndUse();
  Result RunBound(RunControl* control);
  Result CheckOverlap(aneref_port_kind kind, size_t index,
                      const StridedView& view) const;
  void Work();
  void Complete(const Result& result, aneref_completion completion, void* user);

  const std::shared_ptr<const PlanObject> plan_;
  const std::unique_ptr<Session> session_;
  std::vector<Binding> bindings_[2];  // inputs, outputs
  bool has_run_ = false;
  uint64_t num_runs_ = 0;
  OpReporter reporter_;
  std::vector<KeptValue> kept_;  // of run number kept_run_
  uint64_t kept_run_ = 0;

  std::mutex mutex_;  // of all below
  std::condition_variable changed_;
  bool in_use_ = false;
  bool is_running_ = false;
  bool is_closed_ = false;
  std::thread::id runner_;
  std::atomic<bool> is_cancelled_ = false;
  std::unique_ptr<Job> job_;
  int num_outstanding_ =
      0;  // asynchronous runs whose callback has not returned
  std::thread worker_;
};

// Runs `body` with a session that may be in use.
template <class Body>
aneref_status WithBusySession(const aneref_session* session,
                              aneref_error* error, Body body) {
  return Guard(error, [&]() -> Result {
    const std::shared_ptr<SessionObject> object = FindObject(session);
    if (object == nullptr) return BadHandle("session");
    return body(*object);
  });
}

// Runs `body` as the one call that uses the session.
template <class Body>
aneref_status WithSession(const aneref_session* session, aneref_error* error,
                          Body body) {
  return WithBusySession(session, error, [&](SessionObject& object) -> Result {
    std::optional<SessionObject::Use> use;
    ANEREF_CAPI_TRY(object.Begin(&use));
    return body(object);
  });
}

}  // namespace aneref::capi

#endif  // ANEREF_RUNTIME_CAPI_SESSION_OBJECT_H_
