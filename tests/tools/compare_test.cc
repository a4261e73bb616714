// aneref compare as users call it.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/tools/run_tool.h"

namespace aneref::test {
namespace {

using Json = nlohmann::json;

const std::string kModel =
    std::string(ANEREF_SOURCE_DIR) + "/examples/digits/digits.onnx";
const std::string kPicture =
    std::string(ANEREF_SOURCE_DIR) + "/examples/digits/samples/digit_7.png";

// A folder with y.npy: two halves.
void WriteArray(const TempFolder& folder, const std::string& name,
                const std::string& elements) {
  WriteText(folder / name, Npy("<f2", "(1, 2)", elements));
}
const std::string kOneTwo("\x00\x3C\x00\x40", 4);
const std::string kOneTwoAndAUnit("\x00\x3C\x01\x40", 4);

std::string Dumped(const TempFolder& folder, const std::string& numerics) {
  const std::string path = folder / ("dump_" + numerics + ".npz");
  const Outcome run = RunTool({"run", kModel, "--input", kPicture, "--dump",
                               path, "--numerics", numerics});
  REQUIRE_MESSAGE(run.status == 0, run.err);
  return path;
}

}  // namespace

TEST_CASE("compare: equal sets pass and a unit fails") {
  const TempFolder folder;
  WriteArray(folder, "a.npy", kOneTwo);
  WriteArray(folder, "b.npy", kOneTwoAndAUnit);
  CHECK(RunTool({"compare", folder / "a.npy", folder / "a.npy"}).status == 0);
  const Outcome differs =
      RunTool({"compare", folder / "a.npy", folder / "b.npy", "--json"});
  CHECK(differs.status == 1);
  const Json json = Json::parse(differs.out);
  CHECK(json["pass"] == false);
  CHECK(json["first_divergent"] == "a");
  CHECK(json["tensors"][0]["max_ulp"] == 1);
  CHECK(json["tensors"][0]["max_abs"] == 0.001953125);
  CHECK(json["tensors"][0]["ulp_histogram"]["1"] == 1);
  CHECK(json["tensors"][0]["worst"]["bits_b"] == "4001");
  CHECK(
      RunTool({"compare", folder / "a.npy", folder / "b.npy", "--max-ulp", "1"})
          .status == 0);
  CHECK(
      RunTool({"compare", folder / "a.npy", folder / "b.npy", "--rtol", "1e-4"})
          .status == 1);
  CHECK(
      RunTool({"compare", folder / "a.npy", folder / "b.npy", "--rtol", "1e-3"})
          .status == 0);
  CHECK(RunTool({"compare", folder / "a.npy", folder / "b.npy", "--mode",
                 "a=decision"})
            .status == 0);
}

TEST_CASE("compare: wrong usage is refused in one line") {
  const TempFolder folder;
  WriteArray(folder, "a.npy", kOneTwo);
  CheckRefused(RunTool({"compare", folder / "a.npy"}), "two sets");
  CheckRefused(RunTool({"compare", folder / "a.npy", folder / "none.npz"}),
               "none.npz");
  CheckRefused(
      RunTool({"compare", folder / "a.npy", folder / "a.npy", "--bisect"}),
      "--bisect needs the network");
  CheckRefused(
      RunTool({"compare", folder / "a.npy", folder / "a.npy", "--mode", "x"}),
      "--mode");
  CheckRefused(RunTool({"compare", folder / "a.npy", folder / "a.npy", "--html",
                        folder / "no/such/page.html"}),
               "page.html");
  WriteText(folder / "c.npy", Npy("<f2", "(1, 9)", std::string(18, '\0')));
  CheckRefused(RunTool({"compare", folder / "a.npy", folder / "c.npy"}),
               "no tensor of the one matches");
}

TEST_CASE("compare: a run against its own dump") {
  const TempFolder folder;
  const std::string dump = Dumped(folder, "portable");
  const Outcome same = RunTool(
      {"compare", kModel, "--input", kPicture, "--device", dump, "--json"});
  CHECK_MESSAGE(same.status == 0, same.err);
  const Json json = Json::parse(same.out);
  CHECK(json["pass"] == true);
  CHECK(json["first_divergent"].is_null());
  CHECK(json["suspects"].empty());
  CHECK(json["bisection"]["same_arithmetic"] == true);
}

TEST_CASE("compare: reports are whole files") {
  const TempFolder folder;
  const std::string dump = Dumped(folder, "fp32");
  const Outcome run =
      RunTool({"compare", kModel, "--input", kPicture, "--device", dump,
               "--html", folder / "page.html", "--sarif", folder / "r.sarif",
               "--junit", folder / "r.xml"});
  CHECK_MESSAGE(run.status == 0, run.out);
  const std::string page = ReadText(folder / "page.html");
  CHECK(page.starts_with("<!doctype html>"));
  CHECK(page.find("</html>") != std::string::npos);
  CHECK(page.find("src=\"http") == std::string::npos);  // self-contained
  CHECK(Json::parse(ReadText(folder / "r.sarif"))["version"] == "2.1.0");
  CHECK(ReadText(folder / "r.xml").find("<testsuite") != std::string::npos);
}

TEST_CASE("compare: outputs alone rank the arithmetics") {
  const TempFolder folder;
  const std::string output = folder / "out.npz";
  REQUIRE(RunTool({"run", kModel, "--input", kPicture, "--output", output,
                   "--numerics", "fp32", "--precision", "source"})
              .status == 0);
  const Outcome run = RunTool({"compare", kModel, "--input", kPicture,
                               "--device", output, "--bisect", "--json"});
  const Json json = Json::parse(run.out);
  REQUIRE(json["ranking"].size() >= 5);
  CHECK(json["ranking"][0]["arithmetic"] == "fp32 (all on the CPU)");
}

}  // namespace aneref::test
