// See session_object.h.
#include "runtime/capi/session_object.h"

#include <algorithm>

#include "runtime/core/layout.h"

namespace aneref::capi {
namespace {

// Whether a caller's buffer is a surface of ours: same type, L10 strides, an
// address that suits, and room for the padding of the last row.
bool IsSurface(const StridedView& view, size_t data_bytes,
               const TensorType& type) {
  if (view.dtype != type.dtype) return false;
  if (reinterpret_cast<uintptr_t>(view.data) % kSurfaceRowAlignment != 0)
    return false;
  const Expected<size_t> bytes = SurfaceBytes(type);
  if (!bytes.ok() || data_bytes < *bytes) return false;
  const TensorView surface = SurfaceView(type, view.data);
  for (size_t axis = 0; axis < type.shape.rank(); ++axis) {
    if (type.shape[axis] > 1 &&
        view.strides[axis] != static_cast<int64_t>(surface.Stride(axis)))
      return false;
  }
  return true;
}

}  // namespace

SessionObject::SessionObject(std::shared_ptr<const PlanObject> plan,
                             std::unique_ptr<Session> session)
    : plan_(std::move(plan)), session_(std::move(session)) {
  bindings_[ANEREF_INPUT].resize(session_->inputs().size());
  bindings_[ANEREF_OUTPUT].resize(session_->outputs().size());
}

// ---- who may use it ----

Result SessionObject::Acquire(bool runs) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (is_closed_) return BadHandle("session");
  if (in_use_) return {ANEREF_BUSY, "another call is using the session"};
  in_use_ = true;
  is_running_ = runs;
  runner_ = std::this_thread::get_id();
  is_cancelled_.store(false, std::memory_order_relaxed);
  return Result();
}

Result SessionObject::Begin(std::optional<Use>* use) {
  ANEREF_CAPI_TRY(Acquire(false));
  use->emplace(this);
  return Result();
}

void SessionObject::EndUse() {
  const std::lock_guard<std::mutex> lock(mutex_);
  in_use_ = false;
  is_running_ = false;
  runner_ = {};
  changed_.notify_all();
}

bool SessionObject::IsMine() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return in_use_ && runner_ == std::this_thread::get_id();
}

void SessionObject::Cancel() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (is_running_) is_cancelled_.store(true, std::memory_order_relaxed);
}

Result SessionObject::Wait(uint64_t timeout_ns) {
  std::unique_lock<std::mutex> lock(mutex_);
  const std::thread::id me = std::this_thread::get_id();
  if ((in_use_ && runner_ == me) || worker_.get_id() == me) {
    return {ANEREF_INVALID_STATE,
            "a callback of the session cannot wait for it"};
  }
  const auto idle = [&] { return !in_use_ && num_outstanding_ == 0; };
  constexpr uint64_t kLongest = uint64_t{100} * 365 * 86400 * 1000000000;
  if (timeout_ns == 0 || timeout_ns > kLongest) {
    changed_.wait(lock, idle);
  } else if (!changed_.wait_for(lock, std::chrono::nanoseconds(timeout_ns),
                                idle)) {
    return {ANEREF_DEADLINE, "the session is still running"};
  }
  return Result();
}

void SessionObject::Close() {
  std::unique_lock<std::mutex> lock(mutex_);
  is_closed_ = true;
  is_cancelled_.store(true, std::memory_order_relaxed);
  const bool from_completion = worker_.get_id() == std::this_thread::get_id();
  if (from_completion && job_ != nullptr) {
    // The callback asked for another run, which nobody is left to do.
    const std::unique_ptr<Job> job = std::move(job_);
    in_use_ = is_running_ = false;
    --num_outstanding_;
    lock.unlock();
    Complete({ANEREF_CANCELLED, "the session was destroyed"}, job->completion,
             job->user);
    lock.lock();
  }
  changed_.wait(lock, [&] {
    return !in_use_ && (num_outstanding_ == 0 || from_completion);
  });
  changed_.notify_all();
  if (!worker_.joinable()) return;
  if (from_completion) {
    worker_.detach();  // it ends when this callback returns
    return;
  }
  lock.unlock();
  worker_.join();
}

// ---- buffers ----

Result SessionObject::CheckOverlap(aneref_port_kind kind, size_t index,
                                   const StridedView& view) const {
  const std::byte* begin = view.data;
  const std::byte* end = begin + SpanOf(view);
  for (const aneref_port_kind other : {ANEREF_INPUT, ANEREF_OUTPUT}) {
    // Two inputs may share memory.
    if (kind == ANEREF_INPUT && other == ANEREF_INPUT) continue;
    for (size_t i = 0; i < bindings_[other].size(); ++i) {
      const Binding& binding = bindings_[other][i];
      if (!binding.is_bound || (other == kind && i == index)) continue;
      const std::byte* data = binding.view.data;
      if (begin < data + SpanOf(binding.view) && data < end) {
        return {ANEREF_INVALID_ARGUMENT,
                std::string("tensor: it overlaps bound ") +
                    (other == ANEREF_INPUT ? "input " : "output ") +
                    std::to_string(i)};
      }
    }
  }
  return Result();
}

Result SessionObject::Bind(aneref_port_kind kind, size_t index,
                           const aneref_tensor* tensor, int32_t* is_direct) {
  const bool is_input = kind == ANEREF_INPUT;
  const std::vector<PortInfo>& ports =
      is_input ? session_->inputs() : session_->outputs();
  ANEREF_CAPI_TRY(
      CheckIndex(index, ports.size(), is_input ? "input" : "output"));
  if (session_->plan() == nullptr) {
    return {ANEREF_UNSUPPORTED,
            "shapes depend on data: buffers cannot be bound"};
  }
  Binding binding;
  const auto place = [&](std::byte* data) {
    return is_input ? session_->PlaceInput(index, data)
                    : session_->PlaceOutput(index, data);
  };
  if (tensor != nullptr) {
    ANEREF_CAPI_TRY(ReadTensor(tensor, "tensor",
                               is_input ? Access::kRead : Access::kWrite,
                               &binding.view));
    const PortInfo& port = ports[index];
    if (!(binding.view.shape == port.type.shape)) {
      return {ANEREF_INVALID_ARGUMENT,
              "'" + port.name + "' has shape " + port.type.shape.ToString() +
                  ", the tensor " + binding.view.shape.ToString()};
    }
    if (is_input && !IsFloating(port.type.dtype) &&
        IsFloating(binding.view.dtype)) {
      return {ANEREF_INVALID_ARGUMENT,
              "'" + port.name + "' takes " + DataTypeName(port.type.dtype) +
                  ", the tensor has " + DataTypeName(binding.view.dtype)};
    }
    ANEREF_CAPI_TRY(CheckOverlap(kind, index, binding.view));
    binding.is_bound = true;
    binding.is_direct =
        IsSurface(binding.view, tensor->data_bytes, port.type) &&
        place(binding.view.data);
  }
  if (!binding.is_direct && bindings_[kind][index].is_direct) place(nullptr);
  bindings_[kind][index] = binding;
  if (!is_input) has_run_ = false;  // its last values may lie elsewhere
  if (is_direct != nullptr) *is_direct = binding.is_direct ? 1 : 0;
  return Result();
}

Result SessionObject::SetInput(size_t index, const aneref_tensor* tensor) {
  ANEREF_CAPI_TRY(CheckIndex(index, session_->inputs().size(), "input"));
  StridedView view;
  ANEREF_CAPI_TRY(ReadTensor(tensor, "tensor", Access::kRead, &view));
  Binding& binding = bindings_[ANEREF_INPUT][index];
  if (binding.is_direct) session_->PlaceInput(index, nullptr);
  binding = {};
  return session_->SetInput(index, view);
}

Result SessionObject::KeptValues(const std::vector<KeptValue>** values) {
  if (!plan_->keeps_intermediates() || !has_run_) {
    return {ANEREF_INVALID_STATE, !has_run_
                                      ? "no run has finished"
                                      : "the plan keeps no intermediates"};
  }
  if (kept_run_ != num_runs_) {
    kept_.clear();
    ANEREF_CAPI_TRY(session_->ForEachValue(
        [&](const std::string& name, const TensorView& view) {
          kept_.push_back({name.c_str(), view});
          return Status();
        }));
    kept_run_ = num_runs_;
  }
  *values = &kept_;
  return Result();
}

// ---- runs ----

Result SessionObject::RunBound(RunControl* control) {
  has_run_ = false;
  for (size_t i = 0; i < bindings_[ANEREF_INPUT].size(); ++i) {
    const Binding& binding = bindings_[ANEREF_INPUT][i];
    if (!binding.is_bound || binding.is_direct) continue;
    ANEREF_CAPI_TRY(session_->SetInput(i, binding.view));
  }
  const Status status = session_->Run(control);
  if (!status.ok()) {
    if (control->reason() != ANEREF_OK)
      return {control->reason(), status.message()};
    return status;
  }
  for (size_t i = 0; i < bindings_[ANEREF_OUTPUT].size(); ++i) {
    const Binding& binding = bindings_[ANEREF_OUTPUT][i];
    if (binding.is_bound && !binding.is_direct)
      CopyOut(session_->Output(i), binding.view);
  }
  has_run_ = true;
  ++num_runs_;
  return Result();
}

Result SessionObject::Run(const aneref_run_options& options) {
  ANEREF_CAPI_TRY(Acquire(true));
  const Use use(this);
  RunControl control(options, &is_cancelled_, &reporter_);
  return RunBound(&control);
}

Result SessionObject::RunAsync(const aneref_run_options& options,
                               aneref_completion completion, void* user) {
  auto job = std::make_unique<Job>(
      Job{RunControl(options, &is_cancelled_, &reporter_), completion, user});
  ANEREF_CAPI_TRY(Acquire(true));
  try {
    const std::lock_guard<std::mutex> lock(mutex_);
    runner_ = {};
    if (!worker_.joinable()) {
      worker_ =
          std::thread([self = shared_from_this()]() mutable { self->Work(); });
    }
    job_ = std::move(job);
    ++num_outstanding_;
    changed_.notify_all();
  } catch (const std::system_error&) {
    EndUse();
    return {ANEREF_OUT_OF_MEMORY, "no thread could be started"};
  }
  return Result();
}

void SessionObject::Complete(const Result& result, aneref_completion completion,
                             void* user) {
  if (completion == nullptr) return;
  aneref_error error = aneref_error_init();
  const aneref_status code = Finish(result, &error);
  completion(user, code, code == ANEREF_OK ? nullptr : &error);
}

void SessionObject::Work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return job_ != nullptr || is_closed_; });
    if (job_ == nullptr) return;
    const std::unique_ptr<Job> job = std::move(job_);
    runner_ = std::this_thread::get_id();
    lock.unlock();
    Result result;
    try {
      result = RunBound(&job->control);
    } catch (const std::bad_alloc&) {
      result.code = ANEREF_OUT_OF_MEMORY;
    } catch (...) {
      result.code = ANEREF_INTERNAL;
    }
    EndUse();
    Complete(result, job->completion, job->user);
    lock.lock();
    --num_outstanding_;
    changed_.notify_all();
  }
}

}  // namespace aneref::capi
