// A small strict JSON reader (RFC 8259) for the project's own data and for chip
// files of users: bounded depth, no comments, no duplicate keys, no trailing
// text. It is not a writer and keeps no positions.
#ifndef ANEREF_RUNTIME_CORE_JSON_H_
#define ANEREF_RUNTIME_CORE_JSON_H_

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "runtime/core/status.h"

namespace aneref {

inline constexpr int kMaxJsonDepth = 64;  // bounds the recursion of the reader

class JsonValue {
 public:
  using Array = std::vector<JsonValue>;
  using Object = std::vector<std::pair<std::string, JsonValue>>;  // file order

  JsonValue() = default;  // null
  explicit JsonValue(bool value) : value_(value) {}
  explicit JsonValue(double value) : value_(value) {}
  explicit JsonValue(std::string value) : value_(std::move(value)) {}
  explicit JsonValue(Array value) : value_(std::move(value)) {}
  explicit JsonValue(Object value) : value_(std::move(value)) {}

  bool IsNull() const { return std::holds_alternative<std::monostate>(value_); }
  // The value as that kind, or null when it is of another kind.
  const bool* AsBool() const { return std::get_if<bool>(&value_); }
  const double* AsNumber() const { return std::get_if<double>(&value_); }
  const std::string* AsString() const {
    return std::get_if<std::string>(&value_);
  }
  const Array* AsArray() const { return std::get_if<Array>(&value_); }
  const Object* AsObject() const { return std::get_if<Object>(&value_); }
  // The member `key`; null when this is no object or has no such member.
  const JsonValue* Find(std::string_view key) const;

 private:
  std::variant<std::monostate, bool, double, std::string, Array, Object> value_;
};

// For optional keys: the text of member `key`; empty when it is absent or no
// text.
std::string TextMember(const JsonValue& object, std::string_view key);
// The texts of the list `key`; what is no text is passed over.
std::vector<std::string> TextsMember(const JsonValue& object,
                                     std::string_view key);
// kInvalidFile names a key that is missing or no text.
Expected<std::string> RequiredText(const JsonValue& object,
                                   std::string_view key);

// kInvalidFile with line and column; `name` leads the message.
Expected<JsonValue> ParseJson(std::string_view text, const std::string& name);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_JSON_H_
