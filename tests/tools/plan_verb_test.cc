// aneref plan and trace on the demo network: what they print and write.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/tools/run_tool.h"

namespace aneref::test {
namespace {

using Json = nlohmann::json;

std::string Digits() {
  return std::string(ANEREF_SOURCE_DIR) + "/examples/digits/digits.anem";
}

}  // namespace

TEST_CASE("plan: JSON has the keys that scripts rely on") {
  const auto result = RunTool({"plan", Digits(), "--json"});
  REQUIRE_EQ(result.status, 0);
  const Json plan = Json::parse(result.out);
  CHECK_EQ(plan["target"], "m1");
  CHECK_EQ(plan["bound"], "dispatch");
  CHECK(plan["memory"]["arena_bytes"] >= plan["memory"]["lower_bound_bytes"]);
  REQUIRE(plan["tasks"].size() > 3);
  for (const Json& task : plan["tasks"]) {
    for (const char* key : {"name", "op", "engine", "nodes", "inputs",
                            "outputs", "predicted_us", "bytes", "cycles"})
      CHECK_MESSAGE(task.contains(key), key);
    for (const Json& output : task["outputs"]) {
      CHECK_EQ(output["address"].get<int64_t>() % 64, 0);     // L10
      CHECK_EQ(output["row_stride"].get<int64_t>() % 64, 0);  // L10
    }
  }
}

TEST_CASE("plan: two chips differ and one chip does not") {
  const auto two = RunTool({"plan", Digits(), "--diff", "m1", "m4", "--json"});
  REQUIRE_EQ(two.status, 0);
  CHECK(Json::parse(two.out)["differences"].size() > 0);
  const auto one = RunTool({"plan", Digits(), "--diff", "m1", "m1", "--json"});
  REQUIRE_EQ(one.status, 0);
  CHECK_EQ(Json::parse(one.out)["differences"].size(), 0);
}

TEST_CASE("plan: unknown chips and options are one clear line") {
  for (const std::vector<std::string>& args :
       {std::vector<std::string>{"plan", Digits(), "--target", "m99"},
        {"plan", Digits(), "--engine", "ocg=other"},
        {"plan", Digits(), "--diff", "m1", "nothing"}}) {
    const auto result = RunTool(args);
    CHECK_EQ(result.status, 2);
    CHECK(result.out.empty());
    CHECK_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
  }
}

TEST_CASE("trace: complete events of both processes in time") {
  const TempFolder folder;
  const std::string file = folder / "trace.json";
  REQUIRE_EQ(RunTool({"trace", Digits(), "--threads", "2", "-o", file}).status,
             0);
  const Json trace = Json::parse(ReadText(file));
  std::map<int, int> complete;  // events per process
  std::set<std::string> lanes;
  for (const Json& event : trace["traceEvents"]) {
    const std::string phase = event["ph"];
    REQUIRE(event["pid"].is_number_integer());
    REQUIRE(event["tid"].is_number_integer());
    if (phase == "M") {
      if (event["name"] == "thread_name")
        lanes.insert(event["args"]["name"].get<std::string>());
      continue;
    }
    CHECK((phase == "X" || phase == "C"));
    CHECK(event["ts"].get<double>() >= 0);
    if (phase != "X") continue;
    CHECK(event["dur"].get<double>() >= 0);
    ++complete[event["pid"].get<int>()];
  }
  CHECK(complete[1] > 5);
  CHECK(complete[2] > 3);
  CHECK_EQ(lanes.count("MAC"), 1);
  CHECK_EQ(lanes.count("thread 0"), 1);
}

}  // namespace aneref::test
