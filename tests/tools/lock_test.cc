// aneref lock and verify as users call them: the same bits on every target and
// in every build, and what a new conversion changes.
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
const std::string kGolden =
    std::string(ANEREF_SOURCE_DIR) + "/tests/golden/lock-digits/";

}  // namespace

TEST_CASE("lock: verify finds the same bits and names what changed") {
  const TempFolder folder;
  const std::string lock = folder / "digits.lock";
  const Outcome locked =
      RunTool({"lock", kModel, "--input", kPicture, "-o", lock});
  CHECK_MESSAGE(locked.status == 0, locked.err);
  const Outcome same = RunTool({"verify", lock, "--json"});
  CHECK_MESSAGE(same.status == 0, same.err);
  CHECK(Json::parse(same.out)["pass"] == true);
  CHECK(RunTool({"verify", lock, "--threads", "3"}).status == 0);
  // One digest altered: that tensor changed.
  Json file = Json::parse(ReadText(lock));
  const std::string name = file["tensors"][2]["name"];
  file["tensors"][2]["digest"] = "0000000000000000";
  file["tensors"].push_back(
      {{"name", "gone"}, {"type", "float16[1]"}, {"digest", "0"}});
  WriteText(lock, file.dump());
  const Outcome changed = RunTool({"verify", lock, "--json"});
  CHECK(changed.status == 1);
  const Json json = Json::parse(changed.out);
  CHECK(json["first_changed"] == name);
  CHECK(json["missing"] == Json::array({"gone"}));
}

TEST_CASE("lock: one lock on every SIMD target") {
  const TempFolder folder;
  const std::string lock = folder / "digits.lock";
  REQUIRE(RunTool({"lock", kModel, "--input", kPicture, "-o", lock,
                   "--numerics", "device", "--target", "m1"})
              .status == 0);
  CHECK(RunTool({"verify", lock, "--simd", "SCALAR"}).status == 0);
  for (const char* target : {"SSE4", "AVX2", "AVX3", "NEON"}) {
    const Outcome run = RunTool({"verify", lock, "--simd", target});
    // A target that this machine lacks is refused (2), never different (1).
    CHECK_MESSAGE(run.status != 1, target << run.out);
  }
}

TEST_CASE("lock: files that are no locks are refused") {
  const TempFolder folder;
  WriteText(folder / "a", "{}");
  CheckRefused(RunTool({"verify", folder / "a"}), "format");
  WriteText(folder / "a", "not json");
  CheckRefused(RunTool({"verify", folder / "a"}), "a");
  CheckRefused(RunTool({"verify", folder / "none"}), "none");
}

// tests/golden/lock-digits/why.md: written by another build than this one.
TEST_CASE("lock: every build finds the digests that another one wrote") {
  for (const char* name : {"portable", "fp32", "m1", "m4"}) {
    for (const char* target : {"", "SCALAR"}) {
      std::vector<std::string> args = {"verify", kGolden + name + ".lock",
                                       "--json"};
      if (*target != '\0') args.insert(args.end(), {"--simd", target});
      const Outcome run = RunTool(args);
      REQUIRE_MESSAGE(run.status == 0, name << run.out << run.err);
      CHECK(Json::parse(run.out)["same"] == 15);
    }
  }
}

TEST_CASE("lock: a new conversion changes what is behind its change alone") {
  const TempFolder folder;
  const std::string lock = folder / "digits.lock";
  REQUIRE(RunTool({"lock", kModel, "--input", kPicture, "-o", lock}).status ==
          0);
  // The bias of the third convolution begins with 1 in place of -0.024.
  std::string model = ReadText(kModel);
  const std::string head("conv3_biasJ\x80\x02", 13);
  const size_t bias = model.find(head);
  REQUIRE(bias != std::string::npos);
  model.replace(bias + head.size(), 4, std::string("\x00\x00\x80\x3F", 4));
  WriteText(folder / "new.onnx", model);
  const Outcome run =
      RunTool({"verify", lock, "--model", folder / "new.onnx", "--json"});
  CHECK(run.status == 1);
  const Json json = Json::parse(run.out);
  CHECK(json["first_changed"] == "conv3");
  for (const char* behind : {"relu3", "pool3", "features", "logits"}) {
    CHECK(std::count(json["changed"].begin(), json["changed"].end(), behind) ==
          1);
  }
  for (const char* before : {"conv1", "relu1", "conv2", "pool2"}) {
    CHECK(std::count(json["changed"].begin(), json["changed"].end(), before) ==
          0);
  }
  CHECK(json["missing"].empty());
  CHECK(json["added"].empty());
}

}  // namespace aneref::test
