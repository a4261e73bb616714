// The JSON writer: literal documents, and that the reader reads them back.
#include "runtime/core/json_writer.h"

#include <doctest/doctest.h>

#include <limits>

#include "runtime/core/json.h"

namespace aneref {
namespace {

TEST_CASE("json writer: one line without indent") {
  JsonWriter json(0);
  json.BeginObject();
  json.Member("a", 1);
  json.Member("b", std::vector<int64_t>{1, -2});
  json.Key("c");
  json.BeginObject();
  json.EndObject();
  json.Member("d", 0.1);
  json.Member("e", std::optional<double>());
  json.Member("f", true);
  json.EndObject();
  CHECK_EQ(json.text(),
           R"({"a":1,"b":[1,-2],"c":{},"d":0.1,"e":null,"f":true})");
}

TEST_CASE("json writer: indentation and nesting") {
  JsonWriter json(2);
  json.BeginArray();
  json.BeginObject();
  json.Member("k", "v");
  json.EndObject();
  json.Value(2);
  json.EndArray();
  CHECK_EQ(json.text(), "[\n  {\n    \"k\": \"v\"\n  },\n  2\n]");
}

TEST_CASE("json writer: what strings and numbers need is escaped") {
  JsonWriter json(0);
  json.BeginArray();
  json.Value("a\"b\\c\n\x01\xC3\xA9");
  json.Value(std::numeric_limits<double>::infinity());
  json.Value(1e300);
  json.EndArray();
  CHECK_EQ(json.text(), "[\"a\\\"b\\\\c\\n\\u0001\xC3\xA9\",null,1e+300]");
  const auto read = ParseJson(json.text(), "written");
  REQUIRE(read.ok());
  CHECK_EQ(*(*read.value().AsArray())[0].AsString(), "a\"b\\c\n\x01\xC3\xA9");
}

}  // namespace
}  // namespace aneref
