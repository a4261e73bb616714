// aneref_session_*: sessions as C functions.
#include "runtime/capi/session_object.h"

namespace aneref::capi {
namespace {

Result CreateSession(const aneref_plan* plan,
                     const aneref_session_options* given,
                     aneref_session** session) {
  const auto object = FindObject(plan);
  if (object == nullptr) return BadHandle("plan");
  ANEREF_CAPI_TRY(NeedPointer(session, "session"));
  aneref_session_options options;
  ANEREF_CAPI_TRY(ReadStruct(given, "options", &options));
  constexpr int32_t kMostThreads = 256;
  if (options.threads < 0 || options.threads > kMostThreads) {
    return {ANEREF_INVALID_ARGUMENT,
            "threads is " + std::to_string(options.threads) +
                ", allowed are 0 to " + std::to_string(kMostThreads)};
  }
  SessionResources resources;
  resources.threads = options.threads;
  resources.max_memory = options.max_memory;
  ANEREF_CAPI_TRY(ReadAllocator(options.allocator, &resources.source));
  if (options.executor != nullptr) {
    aneref_executor executor;
    ANEREF_CAPI_TRY(ReadStruct(options.executor, "executor", &executor));
    if (executor.run == nullptr || executor.num_threads < 1 ||
        executor.num_threads > kMostThreads) {
      return {ANEREF_INVALID_ARGUMENT,
              "executor: it needs run, and num_threads from 1 to " +
                  std::to_string(kMostThreads)};
    }
    resources.threads = executor.num_threads;
    resources.parallel = {executor.user, executor.run};
  }
  Expected<std::unique_ptr<Session>> made =
      Session::Create(object->prepared(), resources);
  if (!made.ok()) return made.status();
  *session = MakeHandle<aneref_session>(
      std::make_shared<SessionObject>(object, std::move(made).value()));
  return Result();
}

const std::vector<PortInfo>& PortsOf(const Session& session,
                                     aneref_port_kind kind) {
  if (kind == ANEREF_INPUT) return session.inputs();
  return kind == ANEREF_OUTPUT ? session.outputs() : session.states();
}

// Output `index` of the last run.
Result FinishedOutput(SessionObject& object, size_t index, TensorView* output) {
  ANEREF_CAPI_TRY(
      CheckIndex(index, object.session().outputs().size(), "output"));
  if (!object.has_run()) return {ANEREF_INVALID_STATE, "no run has finished"};
  *output = object.session().Output(index);
  return Result();
}

bool AreApart(const TensorView& view, const StridedView& other) {
  const StridedView mine = ToStrided(view);
  return mine.data + SpanOf(mine) <= other.data ||
         other.data + SpanOf(other) <= mine.data;
}

// Copies a value of ours into the caller's tensor of its shape.
Result CopyTo(const TensorView& value, const aneref_tensor* tensor) {
  StridedView to;
  ANEREF_CAPI_TRY(ReadTensor(tensor, "tensor", Access::kWrite, &to));
  if (!(to.shape == value.shape)) {
    return {ANEREF_INVALID_ARGUMENT, "the value has shape " +
                                         value.shape.ToString() +
                                         ", the tensor " + to.shape.ToString()};
  }
  if (value.shape.NumElements() > 0 && !AreApart(value, to))
    return {ANEREF_INVALID_ARGUMENT, "the tensor overlaps the value"};
  CopyOut(value, to);
  return Result();
}

}  // namespace
}  // namespace aneref::capi

using namespace aneref;        // NOLINT: the C functions below are global
using namespace aneref::capi;  // NOLINT

aneref_status aneref_session_create(const aneref_plan* plan,
                                    const aneref_session_options* options,
                                    aneref_session** session,
                                    aneref_error* error) {
  return Guard(error, [&] { return CreateSession(plan, options, session); });
}

aneref_status aneref_session_destroy(aneref_session* session) {
  return Guard(nullptr, [&]() -> Result {
    if (session == nullptr) return Result();
    const std::shared_ptr<SessionObject> object = FindObject(session);
    if (object == nullptr) return BadHandle("session");
    if (object->IsMine()) {
      return {ANEREF_INVALID_STATE,
              "a callback of a run cannot destroy its session"};
    }
    if (RemoveObject(session) == nullptr) return BadHandle("session");
    object->Close();
    return Result();
  });
}

aneref_status aneref_session_num_ports(const aneref_session* session,
                                       aneref_port_kind kind, size_t* count,
                                       aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    ANEREF_CAPI_TRY(CheckKind(kind));
    ANEREF_CAPI_TRY(NeedPointer(count, "count"));
    *count = PortsOf(object.session(), kind).size();
    return Result();
  });
}

aneref_status aneref_session_port(const aneref_session* session,
                                  aneref_port_kind kind, size_t index,
                                  aneref_port* port, aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    ANEREF_CAPI_TRY(CheckKind(kind));
    const std::vector<PortInfo>& ports = PortsOf(object.session(), kind);
    ANEREF_CAPI_TRY(CheckIndex(index, ports.size(), "port"));
    const bool settled = kind != ANEREF_OUTPUT ||
                         object.session().plan() != nullptr || object.has_run();
    return WritePort(object.plan().model().ports(kind)[index],
                     settled ? &ports[index].type : nullptr, port);
  });
}

aneref_status aneref_session_find_port(const aneref_session* session,
                                       aneref_port_kind kind, const char* name,
                                       size_t* index, aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    ANEREF_CAPI_TRY(CheckKind(kind));
    return FindPort(object.plan().model().ports(kind), name, index);
  });
}

aneref_status aneref_session_set_input(aneref_session* session, size_t index,
                                       const aneref_tensor* tensor,
                                       aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) {
    return object.SetInput(index, tensor);
  });
}

aneref_status aneref_session_get_output(const aneref_session* session,
                                        size_t index,
                                        const aneref_tensor* tensor,
                                        aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    TensorView output;
    ANEREF_CAPI_TRY(FinishedOutput(object, index, &output));
    return CopyTo(output, tensor);
  });
}

aneref_status aneref_session_view_output(const aneref_session* session,
                                         size_t index, aneref_tensor* view,
                                         aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    TensorView output;
    ANEREF_CAPI_TRY(FinishedOutput(object, index, &output));
    return WriteStruct(ToTensor(output), "view", view);
  });
}

aneref_status aneref_session_bind_input(aneref_session* session, size_t index,
                                        const aneref_tensor* tensor,
                                        int32_t* is_direct,
                                        aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) {
    return object.Bind(ANEREF_INPUT, index, tensor, is_direct);
  });
}

aneref_status aneref_session_bind_output(aneref_session* session, size_t index,
                                         const aneref_tensor* tensor,
                                         int32_t* is_direct,
                                         aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) {
    return object.Bind(ANEREF_OUTPUT, index, tensor, is_direct);
  });
}

aneref_status aneref_session_set_state(aneref_session* session, size_t index,
                                       const aneref_tensor* tensor,
                                       aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    ANEREF_CAPI_TRY(
        CheckIndex(index, object.session().states().size(), "state"));
    StridedView view;
    ANEREF_CAPI_TRY(ReadTensor(tensor, "tensor", Access::kRead, &view));
    return object.session().SetState(index, view);
  });
}

aneref_status aneref_session_get_state(const aneref_session* session,
                                       size_t index,
                                       const aneref_tensor* tensor,
                                       aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    ANEREF_CAPI_TRY(
        CheckIndex(index, object.session().states().size(), "state"));
    return CopyTo(object.session().State(index), tensor);
  });
}

aneref_status aneref_session_reset_states(aneref_session* session,
                                          aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) {
    return Result(object.session().ResetStates());
  });
}

aneref_status aneref_session_run(aneref_session* session,
                                 const aneref_run_options* options,
                                 aneref_error* error) {
  return WithBusySession(session, error, [&](SessionObject& object) -> Result {
    aneref_run_options read;
    ANEREF_CAPI_TRY(ReadStruct(options, "options", &read));
    return object.Run(read);
  });
}

aneref_status aneref_session_run_async(aneref_session* session,
                                       const aneref_run_options* options,
                                       aneref_completion completion,
                                       void* completion_user,
                                       aneref_error* error) {
  return WithBusySession(session, error, [&](SessionObject& object) -> Result {
    aneref_run_options read;
    ANEREF_CAPI_TRY(ReadStruct(options, "options", &read));
    return object.RunAsync(read, completion, completion_user);
  });
}

aneref_status aneref_session_wait(aneref_session* session, uint64_t timeout_ns,
                                  aneref_error* error) {
  return WithBusySession(session, error, [&](SessionObject& object) -> Result {
    return object.Wait(timeout_ns);
  });
}

aneref_status aneref_session_cancel(aneref_session* session,
                                    aneref_error* error) {
  return WithBusySession(session, error, [&](SessionObject& object) -> Result {
    object.Cancel();
    return Result();
  });
}

aneref_status aneref_session_num_values(const aneref_session* session,
                                        size_t* count, aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    ANEREF_CAPI_TRY(NeedPointer(count, "count"));
    const std::vector<KeptValue>* values = nullptr;
    ANEREF_CAPI_TRY(object.KeptValues(&values));
    *count = values->size();
    return Result();
  });
}

aneref_status aneref_session_value(const aneref_session* session, size_t index,
                                   const char** name, aneref_tensor* view,
                                   aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    ANEREF_CAPI_TRY(NeedPointer(name, "name"));
    const std::vector<KeptValue>* values = nullptr;
    ANEREF_CAPI_TRY(object.KeptValues(&values));
    ANEREF_CAPI_TRY(CheckIndex(index, values->size(), "value"));
    ANEREF_CAPI_TRY(WriteStruct(ToTensor((*values)[index].view), "view", view));
    *name = (*values)[index].name;
    return Result();
  });
}

aneref_status aneref_session_enable_profile(aneref_session* session, int32_t on,
                                            aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) {
    object.session().EnableProfile(on != 0);
    return Result();
  });
}

aneref_status aneref_session_num_profile_rows(const aneref_session* session,
                                              size_t* count,
                                              aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    ANEREF_CAPI_TRY(NeedPointer(count, "count"));
    *count = object.session().profile().size();
    return Result();
  });
}

aneref_status aneref_session_profile_row(const aneref_session* session,
                                         size_t index, aneref_profile_row* row,
                                         aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    const std::vector<TaskProfile>& rows = object.session().profile();
    ANEREF_CAPI_TRY(CheckIndex(index, rows.size(), "profile row"));
    aneref_profile_row full = aneref_profile_row_init();
    full.name = rows[index].name.c_str();
    full.op = rows[index].op.c_str();
    full.kernel = rows[index].kernel.c_str();
    full.seconds = rows[index].seconds;
    full.flops = rows[index].flops;
    full.on_engine = rows[index].on_engine ? 1 : 0;
    return WriteStruct(full, "row", row);
  });
}

aneref_status aneref_session_get_info(const aneref_session* session,
                                      aneref_session_info* info,
                                      aneref_error* error) {
  return WithSession(session, error, [&](SessionObject& object) -> Result {
    const Session& inner = object.session();
    aneref_session_info full = aneref_session_info_init();
    full.threads = inner.threads();
    full.arena_bytes = inner.arena_bytes();
    full.scratch_bytes = object.plan().prepared()->scratch_bytes() *
                         static_cast<uint64_t>(inner.threads());
    full.constant_bytes = inner.weight_bytes();
    full.num_runs = object.num_runs();
    return WriteStruct(full, "info", info);
  });
}
