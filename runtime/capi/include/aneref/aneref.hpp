// The C interface for C++17: handles that destroy themselves, results that hold
// a value or an error, tensors of vectors. Header-only; nothing here throws of
// its own accord, every error is an aneref::Error in a Result. The conventions
// of aneref.h (A rules) hold: a Model and a Plan may be shared between threads,
// a Session serves one call at a time.
#ifndef ANEREF_ANEREF_HPP_
#define ANEREF_ANEREF_HPP_

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "aneref/aneref.h"

// Not aneref itself: programs that link the static library must not meet the
// names of its inside.
namespace aneref::api {

class Error {
 public:
  Error() : record_(aneref_error_init()) {}
  aneref_status code() const { return record_.code; }
  const char* name() const { return aneref_status_name(record_.code); }
  const char* rule() const { return record_.rule; }
  const char* message() const { return record_.message; }
  aneref_error* record() { return &record_; }

 private:
  aneref_error record_;
};

// A value or the error that prevented it. Asking for the wrong one ends the
// program with std::terminate.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT
  Result(Error error) : state_(std::move(error)) {}  // NOLINT
  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  T& value() & noexcept { return std::get<0>(state_); }
  const T& value() const& noexcept { return std::get<0>(state_); }
  T value() && noexcept { return std::get<0>(std::move(state_)); }
  T& operator*() & noexcept { return value(); }
  T operator*() && noexcept { return std::move(*this).value(); }
  T* operator->() noexcept { return &value(); }
  const Error& error() const noexcept { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};
using Status = Result<std::monostate>;

namespace internal {

template <class T>
struct TypeOf;
#define ANEREF_TYPE_OF(type, code)              \
  template <>                                   \
  struct TypeOf<type> {                         \
    static constexpr aneref_dtype value = code; \
  };
ANEREF_TYPE_OF(float, ANEREF_FLOAT32)
ANEREF_TYPE_OF(double, ANEREF_FLOAT64)
ANEREF_TYPE_OF(int8_t, ANEREF_INT8)
ANEREF_TYPE_OF(uint8_t, ANEREF_UINT8)
ANEREF_TYPE_OF(int16_t, ANEREF_INT16)
ANEREF_TYPE_OF(uint16_t, ANEREF_UINT16)
ANEREF_TYPE_OF(int32_t, ANEREF_INT32)
ANEREF_TYPE_OF(uint32_t, ANEREF_UINT32)
ANEREF_TYPE_OF(int64_t, ANEREF_INT64)
ANEREF_TYPE_OF(uint64_t, ANEREF_UINT64)
ANEREF_TYPE_OF(bool, ANEREF_BOOL)
#undef ANEREF_TYPE_OF

// Calls f(error record); a failure becomes the Result's error.
template <class Call>
Status Try(Call call) {
  Error error;
  const aneref_status status = call(error.record());
  if (status == ANEREF_OK) return std::monostate();
  error.record()->code = status;
  return error;
}

template <class Handle, aneref_status (*Destroy)(Handle*)>
class Owner {
 public:
  Owner() = default;
  explicit Owner(Handle* handle) noexcept : handle_(handle) {}
  Owner(Owner&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)) {}
  Owner& operator=(Owner&& other) noexcept {
    if (this != &other) {
      Destroy(handle_);
      handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
  }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;
  ~Owner() { Destroy(handle_); }
  Handle* get() const noexcept { return handle_; }

 private:
  Handle* handle_ = nullptr;
};

// Makes a handle with f(Handle**, error record) and wraps it.
template <class Wrapper, class Handle, class Call>
Result<Wrapper> Make(Call call) {
  Handle* handle = nullptr;
  Status status =
      Try([&](aneref_error* error) { return call(&handle, error); });
  if (!status.ok()) return status.error();
  return Wrapper(handle);
}

template <class Call>
Result<std::string> Text(Call call) {
  aneref_string* string = nullptr;
  Status status =
      Try([&](aneref_error* error) { return call(&string, error); });
  if (!status.ok()) return status.error();
  const Owner<aneref_string, aneref_string_destroy> owner(string);
  const char* text = "";
  size_t length = 0;
  aneref_string_get(string, &text, &length, nullptr);
  return std::string(text, length);
}

}  // namespace internal

// Elements of the caller with a shape: a span of several axes. Borrows. For
// fp16 give the bits as uint16_t and dtype ANEREF_FLOAT16.
class Tensor {
 public:
  template <class T>
  Tensor(T* data, size_t count, const std::vector<int64_t>& shape,
         aneref_dtype dtype =
             internal::TypeOf<std::remove_const_t<T>>::value) noexcept
      : raw_(aneref_dense(const_cast<std::remove_const_t<T>*>(data),
                          count * sizeof(T), dtype,
                          static_cast<int32_t>(shape.size()), shape.data())) {}
  // Of anything contiguous: std::vector, std::array, std::span.
  template <class Container>
  Tensor(Container& values, const std::vector<int64_t>& shape) noexcept
      : Tensor(values.data(), values.size(), shape) {}
  explicit Tensor(const aneref_tensor& raw) noexcept : raw_(raw) {}

  // Byte strides, outermost first.
  Tensor& Strides(const std::vector<int64_t>& strides) noexcept {
    for (size_t i = 0; i < strides.size() && i < ANEREF_MAX_RANK; ++i)
      raw_.byte_strides[i] = strides[i];
    return *this;
  }
  const aneref_tensor* raw() const noexcept { return &raw_; }
  template <class T>
  T* data() const noexcept {
    return static_cast<T*>(raw_.data);
  }

 private:
  aneref_tensor raw_;
};

// A buffer in the engine's layout, which sessions use in place.
class Surface {
 public:
  // For a port of a plan or session whose shape is settled.
  static Result<Surface> For(const aneref_port& port) {
    Surface surface;
    aneref_tensor& raw = surface.raw_;
    raw = aneref_tensor_init();
    raw.dtype = port.dtype;
    raw.rank = port.rank;
    for (int i = 0; i < ANEREF_MAX_RANK; ++i) raw.shape[i] = port.shape[i];
    Status status = internal::Try([&](aneref_error* error) {
      return aneref_surface_layout(&raw, error);
    });
    if (!status.ok()) return status.error();
    const size_t room = (raw.data_bytes + 63) / 64 * 64;
    surface.memory_.reset(std::aligned_alloc(64, room));
    raw.data = surface.memory_.get();
    if (raw.data == nullptr) {
      Error error;
      error.record()->code = ANEREF_OUT_OF_MEMORY;
      return error;
    }
    std::memset(raw.data, 0, room);
    return surface;
  }
  const aneref_tensor* raw() const noexcept { return &raw_; }
  // The row of `width` elements that begins at the given byte.
  template <class T>
  T* At(size_t byte) const noexcept {
    return reinterpret_cast<T*>(static_cast<char*>(raw_.data) + byte);
  }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  Surface() = default;
  std::unique_ptr<void, Free> memory_;
  aneref_tensor raw_{};
};

class Model {
 public:
  static Result<Model> Load(const std::string& path,
                            const aneref_model_options* options = nullptr) {
    return internal::Make<Model, aneref_model>(
        [&](aneref_model** model, aneref_error* error) {
          return aneref_model_load_file(path.c_str(), options, model, error);
        });
  }
  static Result<Model> Load(const void* bytes, size_t size,
                            const aneref_model_options* options = nullptr) {
    return internal::Make<Model, aneref_model>(
        [&](aneref_model** model, aneref_error* error) {
          return aneref_model_load_memory(bytes, size, options, model, error);
        });
  }
  explicit Model(aneref_model* handle) noexcept : handle_(handle) {}
  aneref_model* handle() const noexcept { return handle_.get(); }

  Result<aneref_port> Port(aneref_port_kind kind, size_t index) const {
    aneref_port port = aneref_port_init();
    Status status = internal::Try([&](aneref_error* error) {
      return aneref_model_port(handle(), kind, index, &port, error);
    });
    if (!status.ok()) return status.error();
    return port;
  }
  Result<std::string> Explain(
      const aneref_report_options* options = nullptr) const {
    return internal::Text([&](aneref_string** text, aneref_error* error) {
      return aneref_explain(handle(), options, text, error);
    });
  }

 private:
  internal::Owner<aneref_model, aneref_model_destroy> handle_;
};

class Plan {
 public:
  static Result<Plan> Create(const Model& model,
                             const aneref_plan_options* options = nullptr) {
    return internal::Make<Plan, aneref_plan>(
        [&](aneref_plan** plan, aneref_error* error) {
          return aneref_plan_create(model.handle(), options, plan, error);
        });
  }
  explicit Plan(aneref_plan* handle) noexcept : handle_(handle) {}
  aneref_plan* handle() const noexcept { return handle_.get(); }

  Result<aneref_port> Port(aneref_port_kind kind, size_t index) const {
    aneref_port port = aneref_port_init();
    Status status = internal::Try([&](aneref_error* error) {
      return aneref_plan_port(handle(), kind, index, &port, error);
    });
    if (!status.ok()) return status.error();
    return port;
  }
  Result<std::string> Describe() const {
    return internal::Text([&](aneref_string** text, aneref_error* error) {
      return aneref_plan_describe(handle(), text, error);
    });
  }

 private:
  internal::Owner<aneref_plan, aneref_plan_destroy> handle_;
};

class Session {
 public:
  static Result<Session> Create(
      const Plan& plan, const aneref_session_options* options = nullptr) {
    return internal::Make<Session, aneref_session>(
        [&](aneref_session** session, aneref_error* error) {
          return aneref_session_create(plan.handle(), options, session, error);
        });
  }
  explicit Session(aneref_session* handle) noexcept : handle_(handle) {}
  aneref_session* handle() const noexcept { return handle_.get(); }

  Status SetInput(size_t index, const Tensor& tensor) {
    return internal::Try([&](aneref_error* error) {
      return aneref_session_set_input(handle(), index, tensor.raw(), error);
    });
  }
  Status GetOutput(size_t index, const Tensor& tensor) const {
    return internal::Try([&](aneref_error* error) {
      return aneref_session_get_output(handle(), index, tensor.raw(), error);
    });
  }
  // Until the session runs again, is bound or destroyed.
  Result<Tensor> ViewOutput(size_t index) const {
    aneref_tensor view = aneref_tensor_init();
    Status status = internal::Try([&](aneref_error* error) {
      return aneref_session_view_output(handle(), index, &view, error);
    });
    if (!status.ok()) return status.error();
    return Tensor(view);
  }
  // For a Tensor or a Surface; whether it is used in place. The memory must
  // outlive the binding.
  template <class Buffer>
  Result<bool> BindInput(size_t index, const Buffer& buffer) {
    return Bind(aneref_session_bind_input, index, buffer.raw());
  }
  template <class Buffer>
  Result<bool> BindOutput(size_t index, const Buffer& buffer) {
    return Bind(aneref_session_bind_output, index, buffer.raw());
  }

  Status Run(const aneref_run_options* options = nullptr) {
    return internal::Try([&](aneref_error* error) {
      return aneref_session_run(handle(), options, error);
    });
  }
  // `done` is called once, on a thread of the session, unless this fails. It
  // must not throw.
  Status RunAsync(std::function<void(Status)> done,
                  const aneref_run_options* options = nullptr) {
    auto call = std::make_unique<std::function<void(Status)>>(std::move(done));
    Status status = internal::Try([&](aneref_error* error) {
      return aneref_session_run_async(handle(), options, &Complete, call.get(),
                                      error);
    });
    if (status.ok()) static_cast<void>(call.release());  // Complete frees it
    return status;
  }
  Status Wait(uint64_t timeout_ns = 0) {
    return internal::Try([&](aneref_error* error) {
      return aneref_session_wait(handle(), timeout_ns, error);
    });
  }
  void Cancel() noexcept { aneref_session_cancel(handle(), nullptr); }
  Status ResetStates() {
    return internal::Try([&](aneref_error* error) {
      return aneref_session_reset_states(handle(), error);
    });
  }

 private:
  using BindFunction = aneref_status (*)(aneref_session*, size_t,
                                         const aneref_tensor*, int32_t*,
                                         aneref_error*);
  Result<bool> Bind(BindFunction bind, size_t index,
                    const aneref_tensor* tensor) {
    int32_t is_direct = 0;
    Status status = internal::Try([&](aneref_error* error) {
      return bind(handle(), index, tensor, &is_direct, error);
    });
    if (!status.ok()) return status.error();
    return is_direct != 0;
  }
  static void Complete(void* user, aneref_status status,
                       const aneref_error* error) {
    const std::unique_ptr<std::function<void(Status)>> call(
        static_cast<std::function<void(Status)>*>(user));
    if (status == ANEREF_OK) {
      (*call)(std::monostate());
      return;
    }
    Error copy;
    if (error != nullptr) *copy.record() = *error;
    copy.record()->code = status;
    (*call)(copy);
  }

  internal::Owner<aneref_session, aneref_session_destroy> handle_;
};

}  // namespace aneref::api

#endif  // ANEREF_ANEREF_HPP_
