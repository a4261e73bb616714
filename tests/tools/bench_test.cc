// aneref bench on the demo network: what it prints and draws. Times are never
// judged here.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/tools/run_tool.h"

namespace aneref::test {
namespace {

using Json = nlohmann::json;

std::string Digits() {
  return std::string(ANEREF_SOURCE_DIR) + "/examples/digits/digits.anem";
}

}  // namespace

TEST_CASE("bench: JSON tells what each op reaches of the machine") {
  const auto result =
      RunTool({"bench", Digits(), "--runs", "2", "--warmup", "0", "--json"});
  REQUIRE_EQ(result.status, 0);
  const Json bench = Json::parse(result.out);
  const double peak = bench["machine"]["peak_gflops"];
  CHECK(peak > 0);
  CHECK(bench["machine"]["read_gbytes_per_s"].get<double>() > 0);
  CHECK_FALSE(bench["machine"]["simd"].get<std::string>().empty());
  double flops = 0;
  for (const Json& op : bench["ops"]) {
    for (const char* key : {"name", "op", "median_ms", "gflops", "placement",
                            "kernel", "bytes", "gbytes_per_s"})
      CHECK_MESSAGE(op.contains(key), key);
    CHECK(op["bytes"].get<double>() > 0);
    CHECK(op["percent_of_peak"].get<double>() ==
          doctest::Approx(100 * op["gflops"].get<double>() / peak));
    flops += op["gflops"].get<double>() * op["median_ms"].get<double>();
  }
  CHECK(flops > 0);
  CHECK_FALSE(bench.contains("error_against_portable"));
}

TEST_CASE("P22: bench tells how far fast numerics are from portable") {
  const auto result = RunTool(
      {"bench", Digits(), "--runs", "1", "--numerics", "fast", "--json"});
  REQUIRE_EQ(result.status, 0);
  const Json bench = Json::parse(result.out);
  REQUIRE_EQ(bench["error_against_portable"].size(), 1);
  const Json& error = bench["error_against_portable"][0];
  CHECK(error["largest"].get<double>() > 0);
  CHECK(error["max_abs"].get<double>() <=
        0.01 * error["largest"].get<double>());
}

TEST_CASE("bench: the roofline has a point for every op with arithmetic") {
  const TempFolder folder;
  const std::string file = folder / "roof.svg";
  const auto result =
      RunTool({"bench", Digits(), "--runs", "2", "--json", "--roofline", file});
  REQUIRE_EQ(result.status, 0);
  size_t with_arithmetic = 0;
  const Json bench = Json::parse(result.out);
  for (const Json& op : bench["ops"])
    if (op["gflops"].get<double>() > 0) ++with_arithmetic;
  const std::string svg = ReadText(file);
  size_t points = 0;
  for (size_t at = svg.find("<circle"); at != std::string::npos;
       at = svg.find("<circle", at + 1)) {
    ++points;
  }
  CHECK(with_arithmetic > 0);
  CHECK_EQ(points, with_arithmetic);
  CHECK_EQ(RunTool({"bench", Digits(), "--runs", "1", "--roofline",
                    folder / "no" + "/roof.svg"})
               .status,
           2);
}

}  // namespace aneref::test
