// The strict JSON reader: what RFC 8259 allows, and nothing else.
#include "runtime/core/json.h"

#include <doctest/doctest.h>

namespace aneref {
namespace {

bool Reads(const std::string& text) { return ParseJson(text, "x").ok(); }

TEST_CASE("json: values of every kind") {
  const auto json = ParseJson(
      R"( {"a": [1, -2.5e2, 0], "b": {"c": null}, "d": true, "e": "x\n\u00e4\ud83d\ude00"} )",
      "x");
  REQUIRE_MESSAGE(json.ok(), json.status().ToString());
  const JsonValue::Array& a = *json->Find("a")->AsArray();
  CHECK(a.size() == 3);
  CHECK(*a[1].AsNumber() == -250);
  CHECK(json->Find("b")->Find("c")->IsNull());
  CHECK(*json->Find("d")->AsBool());
  CHECK(*json->Find("e")->AsString() == "x\n\xC3\xA4\xF0\x9F\x98\x80");
  CHECK(json->Find("f") == nullptr);
  CHECK(json->AsObject()->front().first == "a");
}

TEST_CASE("json: what is no JSON is refused") {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[",
                           "[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "'x'",
                           "01",
                           "1.",
                           ".5",
                           "+1",
                           "1e",
                           "--1",
                           "nul",
                           "truex",
                           "1 2",
                           "\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\ud800\"",
                           "\"\\udc00x\"",
                           "\"\\ud800\\u0041\"",
                           "\"a\nb\"",
                           "{\"a\":1,\"a\":2}",
                           "// x\n1",
                           "1e999",
                           "NaN",
                           "\"\\"}) {
    CHECK_MESSAGE(!Reads(text), text);
  }
}

TEST_CASE("json: depth is bounded") {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(Reads(nested(64)));
  CHECK_FALSE(Reads(nested(66)));
  CHECK_FALSE(Reads(std::string(1000000, '[')));
}

TEST_CASE("json: errors name line and column") {
  const auto json = ParseJson("{\n  \"a\": ?}", "x.json");
  REQUIRE_FALSE(json.ok());
  CHECK(json.status().message() == "x.json:2:8: expected a value");
}

}  // namespace
}  // namespace aneref
