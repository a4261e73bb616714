// The JSON reader: recursive descent, one function per production.
#include "runtime/core/json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace aneref {
namespace {

void AppendUtf8(uint32_t code, std::string* out) {
  const auto put = [out](uint32_t byte) {
    out->push_back(static_cast<char>(byte));
  };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

class Reader {
 public:
  Reader(std::string_view text, const std::string& name)
      : text_(text), name_(name) {}

  Expected<JsonValue> Document() {
    ANEREF_ASSIGN(JsonValue value, Value(0));
    SkipSpace();
    if (at_ != text_.size()) return Error("text after the value");
    return value;
  }

 private:
  Status Error(const std::string& what) const {
    const std::string_view read = text_.substr(0, at_);
    const auto line = 1 + std::count(read.begin(), read.end(), '\n');
    const size_t newline = read.rfind('\n');
    const size_t column =
        newline == std::string_view::npos ? at_ + 1 : at_ - newline;
    return InvalidFile("", name_ + ":" + std::to_string(line) + ":" +
                               std::to_string(column) + ": " + what);
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void SkipSpace() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) !=
                                     std::string_view::npos) {
      ++at_;
    }
  }
  bool TakeWord(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  Expected<JsonValue> Value(int depth) {
    SkipSpace();
    if (depth > kMaxJsonDepth) {
      return Error("nested deeper than " + std::to_string(kMaxJsonDepth));
    }
    switch (Peek()) {
      case '{':
        return Object(depth);
      case '[':
        return Array(depth);
      case '"': {
        ANEREF_ASSIGN(std::string text, String());
        return JsonValue(std::move(text));
      }
      default:
        break;
    }
    if (TakeWord("true")) return JsonValue(true);
    if (TakeWord("false")) return JsonValue(false);
    if (TakeWord("null")) return JsonValue();
    return Number();
  }

  Expected<JsonValue> Array(int depth) {
    JsonValue::Array items;
    Take('[');
    SkipSpace();
    if (Take(']')) return JsonValue(std::move(items));
    while (true) {
      ANEREF_ASSIGN(JsonValue item, Value(depth + 1));
      items.push_back(std::move(item));
      SkipSpace();
      if (Take(']')) return JsonValue(std::move(items));
      if (!Take(',')) return Error("expected ',' or ']'");
    }
  }

  Expected<JsonValue> Object(int depth) {
    JsonValue::Object members;
    Take('{');
    SkipSpace();
    if (Take('}')) return JsonValue(std::move(members));
    while (true) {
      SkipSpace();
      ANEREF_ASSIGN(std::string key, String());
      const auto same = [&](const auto& member) { return member.first == key; };
      if (std::any_of(members.begin(), members.end(), same)) {
        return Error("key '" + key + "' occurs twice");
      }
      SkipSpace();
      if (!Take(':')) return Error("expected ':'");
      ANEREF_ASSIGN(JsonValue value, Value(depth + 1));
      members.emplace_back(std::move(key), std::move(value));
      SkipSpace();
      if (Take('}')) return JsonValue(std::move(members));
      if (!Take(',')) return Error("expected ',' or '}'");
    }
  }

  bool TakeDigits() {
    const size_t start = at_;
    while (Peek() >= '0' && Peek() <= '9') ++at_;
    return at_ > start;
  }

  Expected<JsonValue> Number() {
    const size_t start = at_;
    Take('-');
    if (!Take('0') && !TakeDigits()) return Error("expected a value");
    if (Take('.') && !TakeDigits()) return Error("expected a digit");
    if (Take('e') || Take('E')) {
      if (!Take('+')) Take('-');
      if (!TakeDigits()) return Error("expected a digit");
    }
    double value = 0;
    const auto read =
        std::from_chars(text_.data() + start, text_.data() + at_, value);
    if (read.ec != std::errc() || !std::isfinite(value)) {
      return Error("number out of range");
    }
    return JsonValue(value);
  }

  Expected<uint32_t> Hex4() {
    uint32_t code = 0;
    const std::string_view digits = text_.substr(at_, 4);
    const auto read =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 4 || read.ec != std::errc() ||
        read.ptr != digits.data() + 4) {
      return Error("expected four hexadecimal digits");
    }
    at_ += 4;
    return code;
  }

  Status UnicodeEscape(std::string* out) {
    ANEREF_ASSIGN(uint32_t code, Hex4());
    if (code >= 0xDC00 && code < 0xE000) return Error("lone surrogate");
    if (code >= 0xD800 && code < 0xDC00) {
      if (!TakeWord("\\u")) return Error("lone surrogate");
      ANEREF_ASSIGN(const uint32_t low, Hex4());
      if (low < 0xDC00 || low >= 0xE000) return Error("lone surrogate");
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    AppendUtf8(code, out);
    return Status();
  }

  Status Escape(std::string* out) {
    static constexpr std::string_view kFrom = "\"\\/bfnrt";
    static constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
    const char c = Peek();
    ++at_;
    if (c == 'u') return UnicodeEscape(out);
    const size_t index = c == '\0' ? std::string_view::npos : kFrom.find(c);
    if (index == std::string_view::npos) return Error("unknown escape");
    out->push_back(kTo[index]);
    return Status();
  }

  Expected<std::string> String() {
    if (!Take('"')) return Error("expected a string");
    std::string out;
    while (true) {
      if (at_ >= text_.size()) return Error("unfinished string");
      const char c = text_[at_];
      if (static_cast<unsigned char>(c) < 0x20) {
        return Error("control character in a string");
      }
      ++at_;
      if (c == '"') return out;
      if (c == '\\') {
        ANEREF_TRY(Escape(&out));
      } else {
        out.push_back(c);
      }
    }
  }

  std::string_view text_;
  const std::string& name_;
  size_t at_ = 0;
};

}  // namespace

const JsonValue* JsonValue::Find(std::string_view key) const {
  const Object* object = AsObject();
  if (object == nullptr) return nullptr;
  for (const auto& [name, value] : *object) {
    if (name == key) return &value;
  }
  return nullptr;
}

std::string TextMember(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.Find(key);
  const std::string* text = value == nullptr ? nullptr : value->AsString();
  return text == nullptr ? std::string() : *text;
}

std::vector<std::string> TextsMember(const JsonValue& object,
                                     std::string_view key) {
  std::vector<std::string> texts;
  const JsonValue* value = object.Find(key);
  if (value == nullptr || value->AsArray() == nullptr) return texts;
  for (const JsonValue& item : *value->AsArray()) {
    if (item.AsString() != nullptr) texts.push_back(*item.AsString());
  }
  return texts;
}

Expected<std::string> RequiredText(const JsonValue& object,
                                   std::string_view key) {
  const JsonValue* value = object.Find(key);
  if (value == nullptr || value->AsString() == nullptr) {
    return InvalidFile("", "'" + std::string(key) + "' is missing or no text");
  }
  return *value->AsString();
}

Expected<JsonValue> ParseJson(std::string_view text, const std::string& name) {
  return Reader(text, name).Document();
}

}  // namespace aneref
