// Writes JSON (RFC 8259) into a string: objects keep the order of the calls,
// numbers are the shortest that read back equal, so that equal data gives equal
// bytes. It does not read, and does not check that keys are unique.
#ifndef ANEREF_RUNTIME_CORE_JSON_WRITER_H_
#define ANEREF_RUNTIME_CORE_JSON_WRITER_H_

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aneref {

class JsonWriter {
 public:
  // `indent` blanks per level; 0 writes one line.
  explicit JsonWriter(int indent = 1) : indent_(indent) {}

  void BeginObject() { Open('{'); }
  void EndObject() { Close('}'); }
  void BeginArray() { Open('['); }
  void EndArray() { Close(']'); }
  // The name of the next value; inside an object only.
  void Key(std::string_view key);

  void Null() { Raw("null"); }
  void Value(bool value) { Raw(value ? "true" : "false"); }
  void Value(std::string_view text);
  void Value(const char* text) { Value(std::string_view(text)); }
  void Value(double number);  // null when it is not finite
  template <std::integral T>
  void Value(T number) {
    Raw(std::to_string(number));
  }
  template <class T>
  void Value(const std::optional<T>& value) {
    value ? Value(*value) : Null();
  }
  template <class T>
  void Value(const std::vector<T>& values) {
    BeginArray();
    for (const T& value : values) Value(value);
    EndArray();
  }
  template <class T>
  void Member(std::string_view key, const T& value) {
    Key(key);
    Value(value);
  }

  // The document so far; complete when every Begin has had its End.
  const std::string& text() const { return text_; }
  std::string Take() { return std::move(text_); }

 private:
  void Open(char bracket);
  void Close(char bracket);
  void Raw(std::string_view token);
  void BeforeValue();
  void NewLine();

  std::string text_;
  int indent_;
  std::vector<bool> has_items_;  // per open bracket
  bool after_key_ = false;
};

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_JSON_WRITER_H_
