// Errors as values: Status (null when OK) and Expected<T>.
// Every error carries a code, the id of the rule that was broken (or an empty
// string) and one sentence with the actual and the allowed value. Nothing here
// throws; see docs/architecture.md, "Errors".
#ifndef ANEREF_RUNTIME_CORE_STATUS_H_
#define ANEREF_RUNTIME_CORE_STATUS_H_

#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace aneref {

enum class StatusCode {
  kOk,
  kInvalidFile,      // the bytes of a file break an F rule or the source format
  kInvalidArgument,  // a caller's name, shape, type or option is wrong
  kUnsupported,      // well formed, but this runtime has no meaning for it
  kLimit,            // over a limit (memory, rank, size)
  kShape,            // shapes or types of an op do not fit together
  kIo,               // the operating system refused a read or write
  kOutOfMemory,
  kInternal,  // a broken invariant of ours
};

// One pointer, null when OK. Cheap to pass and return by value.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string rule, std::string message)
      : error_(std::make_shared<const Error>(
            Error{code, std::move(rule), std::move(message)})) {}

  bool ok() const { return error_ == nullptr; }
  StatusCode code() const { return error_ ? error_->code : StatusCode::kOk; }
  const std::string& rule() const { return error_ ? error_->rule : Empty(); }
  const std::string& message() const {
    return error_ ? error_->message : Empty();
  }

  // The same error, its message led by `context` and ": " (a file, an op).
  Status WithContext(const std::string& context) const {
    return ok() ? *this
                : Status(error_->code, error_->rule,
                         context + ": " + error_->message);
  }
  // Message and, in brackets, the rule id: what a user reads.
  std::string ToString() const {
    if (ok()) return "ok";
    return error_->rule.empty() ? error_->message
                                : error_->message + " [" + error_->rule + "]";
  }

 private:
  struct Error {
    StatusCode code;
    std::string rule;
    std::string message;
  };
  static const std::string& Empty() {
    static const std::string empty;
    return empty;
  }
  std::shared_ptr<const Error> error_;
};

inline Status InvalidFile(std::string rule, std::string message) {
  return Status(StatusCode::kInvalidFile, std::move(rule), std::move(message));
}
inline Status InvalidArgument(std::string message) {
  return Status(StatusCode::kInvalidArgument, "", std::move(message));
}
inline Status Unsupported(std::string message) {
  return Status(StatusCode::kUnsupported, "", std::move(message));
}
inline Status ShapeError(std::string message) {
  return Status(StatusCode::kShape, "", std::move(message));
}
inline Status LimitError(std::string message) {
  return Status(StatusCode::kLimit, "", std::move(message));
}
inline Status IoError(std::string message) {
  return Status(StatusCode::kIo, "", std::move(message));
}
inline Status InternalError(std::string message) {
  return Status(StatusCode::kInternal, "", std::move(message));
}

// A value or the error that prevented it.
template <class T>
class [[nodiscard]] Expected {
 public:
  Expected(T value)
      : state_(std::move(value)) {}  // NOLINT(google-explicit-constructor)
  Expected(Status status)
      : state_(std::move(status)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return std::holds_alternative<T>(state_); }
  Status status() const { return ok() ? Status() : std::get<Status>(state_); }
  const T& value() const& { return std::get<T>(state_); }
  T& value() & { return std::get<T>(state_); }
  T&& value() && { return std::get<T>(std::move(state_)); }
  const T& operator*() const& { return value(); }
  T& operator*() & { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  const T* operator->() const { return &value(); }
  T* operator->() { return &value(); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace aneref

// Returns the error of `expr` (a Status) from the enclosing function.
#define ANEREF_TRY(expr)                           \
  do {                                             \
    ::aneref::Status aneref_status = (expr);       \
    if (!aneref_status.ok()) return aneref_status; \
  } while (false)

#define ANEREF_CONCAT_INNER(a, b) a##b
#define ANEREF_CONCAT(a, b) ANEREF_CONCAT_INNER(a, b)
// ANEREF_ASSIGN(auto x, f()): x is the value of the Expected that f() returns,
// or its error is returned.
#define ANEREF_ASSIGN(declaration, expr)                                      \
  ANEREF_ASSIGN_INNER(ANEREF_CONCAT(aneref_expected_, __LINE__), declaration, \
                      expr)
#define ANEREF_ASSIGN_INNER(name, declaration, expr) \
  auto name = (expr);                                \
  if (!name.ok()) return name.status();              \
  declaration = std::move(name).value()

// A broken invariant of ours: prints and aborts. Never used on user input.
[[noreturn]] void AnerefCheckFailed(const char* condition, const char* file,
                                    int line);
#define ANEREF_CHECK(condition)       \
  ((condition) ? static_cast<void>(0) \
               : ::AnerefCheckFailed(#condition, __FILE__, __LINE__))

#endif  // ANEREF_RUNTIME_CORE_STATUS_H_
