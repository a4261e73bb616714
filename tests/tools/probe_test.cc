// aneref probe: the published probes and files of a user's.
#include <doctest/doctest.h>

#include <string>

#include "tests/tools/run_tool.h"

namespace aneref::test {
namespace {

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string WriteProbes(const TempFolder& folder, const std::string& probes) {
  const std::string path = folder.path() + "/probes.json";
  WriteText(path, "{\"probes\": [" + probes + "]}");
  return path;
}

TEST_CASE("N14: all 715 published probes have an answer or a reason") {
  const Outcome run = RunTool({"probe", "--json"});
  CHECK_EQ(run.status, 0);
  CHECK(Contains(run.out, "\"pass\": 696"));
  CHECK(Contains(run.out, "\"differs\": 5"));
  CHECK(Contains(run.out, "\"not applicable\": 14"));
}

TEST_CASE("probe: one chip answers its own probes") {
  const Outcome run = RunTool({"probe", "--target", "m1"});
  CHECK_EQ(run.status, 0);
  CHECK(Contains(run.out, "n.lut.maxerr.gelu.M1"));
  CHECK(Contains(run.out, "measured on M6"));
  CheckRefused(RunTool({"probe", "--target", "m99"}), "m99");
}

TEST_CASE("probe: a file of the user's is replayed and never trusted") {
  const TempFolder folder;
  const std::string path =
      WriteProbes(folder,
                  R"({"id": "n.a", "chip": ["M4"], "op": "matmul_with_ones",
          "inputs": {"values": [2048, 1]},
          "expect": {"kind": "bits16", "value": "6801"}},
         {"id": "n.b", "chip": ["M4"], "op": "matmul_with_ones",
          "inputs": {"repeat": [1, "zz"], "times": 1e30},
          "expect": {"kind": "values"}},
         {"id": "v.c", "chip": ["M4"], "op": "conv", "inputs": {},
          "expect": {"kind": "accept"}})");
  const Outcome run = RunTool({"probe", "--file", path, "--json"});
  CHECK_EQ(run.status, 0);
  CHECK(Contains(run.out, "\"pass\": 1"));
  CHECK(Contains(run.out, "\"not applicable\": 2"));
  CheckRefused(
      RunTool({"probe", "--file", WriteProbes(folder, R"({"id": "n.a"})")}),
      "n.a");
}

}  // namespace
}  // namespace aneref::test
