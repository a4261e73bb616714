// The chip table: the embedded one and files of users.
#include "runtime/core/chip.h"

#include <doctest/doctest.h>

namespace aneref {
namespace {

std::string NameOf(std::string_view name) {
  const Expected<const Chip*> chip = ChipTable::Embedded().Find(name);
  return chip.ok() ? (*chip)->name : "?";
}

TEST_CASE("chips: names and labels and aliases find a chip") {
  CHECK(NameOf("m1") == "m1");
  CHECK(NameOf("M1") == "m1");
  CHECK(NameOf("h13") == "m1");
  CHECK(NameOf("T8103") == "m1");
  CHECK(NameOf("M1 Pro") == "m1-pro");
  CHECK(NameOf("m1pro") == "m1-pro");
  CHECK(NameOf("a17") == "a17-pro");
  CHECK(NameOf("h18g") == "m6");
}

TEST_CASE("chips: the M1 is an H13 with 16 cores and 11 TOPS") {
  const Chip& chip = **ChipTable::Embedded().Find("m1");
  CHECK(chip.label == "M1");
  CHECK(chip.arch == "H13");
  CHECK(chip.cores == 16);
  CHECK(chip.tops == 11);
  CHECK(chip.family == "A13");
  CHECK(chip.numerics_profile == "h13");
  REQUIRE(chip.data->Find("limits") != nullptr);
  CHECK(
      *chip.data->Find("limits")->Find("kernel_w_max_large_fp16")->AsNumber() ==
      13);
}

TEST_CASE("chips: all 39 are there") {
  CHECK(ChipTable::Embedded().chips().size() == 39);
}

TEST_CASE("chips: an unknown name is answered with near ones") {
  const Status status = ChipTable::Embedded().Find("m1-pr").status();
  CHECK(status.code() == StatusCode::kInvalidArgument);
  CHECK(status.message().find("m1-pro") != std::string::npos);
}

TEST_CASE("chips: a chip out of Core ML's reach is refused") {
  CHECK(ChipTable::Embedded().Find("a11").status().code() ==
        StatusCode::kUnsupported);
}

TEST_CASE("chips: files of users are checked") {
  const auto parse = [](const char* text) {
    return ChipTable::Parse(text, "my.json");
  };
  const auto good = parse(
      R"({"chips": [{"name": "x9", "aliases": ["h99"], "coreml": true}]})");
  REQUIRE(good.ok());
  CHECK((*good->Find("H99"))->name == "x9");
  CHECK_FALSE(parse("{}").ok());
  CHECK_FALSE(parse(R"({"chips": {}})").ok());
  CHECK_FALSE(parse(R"({"chips": [{"label": "x"}]})").ok());
  CHECK_FALSE(
      parse(R"({"chips": [{"name": "x"}, {"name": "y", "aliases": ["X"]}]})")
          .ok());
}

TEST_CASE("chips: a hypothetical chip inherits from a known one") {
  const auto table = ChipTable::Parse(
      R"({"chips": [{"name": "m9", "like": "m4",
                     "limits": {"kernel_h_max_large": 64}}]})",
      "my.json");
  REQUIRE_MESSAGE(table.ok(), table.status().ToString());
  const Chip& chip = **table->Find("m9");
  CHECK(chip.arch == "H16");
  CHECK(chip.label == "m9");
  CHECK(chip.aliases.empty());
  CHECK(chip.target != nullptr);
  const JsonValue& limits = *chip.data->Find("limits");
  CHECK(*limits.Find("kernel_h_max_large")->AsNumber() == 64);
  CHECK(*limits.Find("kernel_w_max_large_fp16")->AsNumber() == 16);
  CHECK_FALSE(
      ChipTable::Parse(R"({"chips": [{"name": "x", "like": "m77"}]})", "x")
          .ok());
}

}  // namespace
}  // namespace aneref
