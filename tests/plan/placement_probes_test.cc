// Replays every accept and reject probe of the limits
// (tests/golden/probes.json) through the placement rules, and the e.place
// probes through the segmenter.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "runtime/core/json.h"
#include "runtime/plan/engine/segmenter.h"
#include "runtime/plan/placement.h"
#include "runtime/plan/placement/probe_facts.h"

namespace aneref::placement {
namespace {

JsonValue LoadProbes() {
  std::ifstream file(ANEREF_SOURCE_DIR "/tests/golden/probes.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto parsed = ParseJson(text, "probes.json");
  REQUIRE_MESSAGE(parsed.ok(), parsed.status().ToString());
  return std::move(parsed).value();
}

PlacementChip ChipOf(const std::string& name) {
  const auto chip = ChipTable::Embedded().Find(name == "*" ? "m1" : name);
  REQUIRE_MESSAGE(chip.ok(), name);
  return *ReadPlacementChip(**chip);
}

std::string Word(const JsonValue& inputs, const char* key) {
  const JsonValue* value = inputs.Find(key);
  return value == nullptr || value->AsString() == nullptr ? ""
                                                          : *value->AsString();
}

TEST_CASE("V00: every accept and reject probe of the limits replays") {
  const JsonValue root = LoadProbes();
  int replayed = 0;
  for (const JsonValue& probe : *root.Find("probes")->AsArray()) {
    const std::string id = *probe.Find("id")->AsString();
    if (!id.starts_with("v.")) continue;
    const std::string op = *probe.Find("op")->AsString();
    const JsonValue& expect = *probe.Find("expect");
    const std::string kind = *expect.Find("kind")->AsString();
    REQUIRE((kind == "accept" || kind == "reject"));
    PlacementOptions options;
    options.route = RouteOf(id, op);
    for (const JsonValue& chip : *probe.Find("chip")->AsArray()) {
      const std::string chip_name = *chip.AsString();
      const OpPlacement placement =
          PlaceOp(FactsOfProbe(id, op, *probe.Find("inputs")),
                  ChipOf(chip_name), options);
      ++replayed;
      INFO(id << " on " << chip_name);
      for (const Reason& reason : placement.reasons)
        INFO(reason.rule << ": " << reason.text);
      CHECK_MESSAGE(
          placement.accepted == (kind == "accept"),
          id << " on " << chip_name << ": "
             << (placement.reasons.empty() ? "no reason"
                                           : placement.reasons[0].text));
      const std::string message = Word(expect, "message");
      if (message.empty() || placement.accepted) continue;
      bool said = false;
      for (const Reason& reason : placement.reasons)
        said = said || reason.text.find(message) != std::string::npos;
      CHECK_MESSAGE(said, id << " says '" << placement.reasons[0].text
                             << "', not '" << message << "'");
    }
  }
  CHECK_EQ(replayed, 269);
}

TEST_CASE("E60: every placement probe replays through the segmenter") {
  const JsonValue root = LoadProbes();
  int replayed = 0;
  for (const JsonValue& probe : *root.Find("probes")->AsArray()) {
    const std::string id = *probe.Find("id")->AsString();
    if (!id.starts_with("e.place.")) continue;
    std::vector<engine::BackendEstimates> ops;
    for (const JsonValue& op :
         *probe.Find("inputs")->Find("estimates_ms")->AsArray()) {
      engine::BackendEstimates estimate;
      for (int backend = 0; backend < engine::kNumBackends; ++backend) {
        const JsonValue* value = op.Find(
            engine::BackendName(engine::SegmenterKind::kMacos27, backend));
        if (value != nullptr)
          estimate[static_cast<size_t>(backend)] = *value->AsNumber();
      }
      ops.push_back(estimate);
    }
    const auto placed = engine::PlaceOps(engine::SegmenterKind::kMacos27, ops);
    REQUIRE(placed.ok());
    const JsonValue& expect = *probe.Find("expect");
    const auto& selected = *expect.Find("selected")->AsArray();
    REQUIRE_EQ(selected.size(), placed->backends.size());
    for (size_t i = 0; i < selected.size(); ++i) {
      CHECK_MESSAGE(*selected[i].AsString() ==
                        engine::BackendName(engine::SegmenterKind::kMacos27,
                                            placed->backends[i]),
                    id << " op " << i);
    }
    CHECK_EQ(
        placed->cost,
        doctest::Approx(*expect.Find("cost_ms")->AsNumber()).epsilon(1e-4));
    ++replayed;
  }
  CHECK_EQ(replayed, 13);
}

}  // namespace
}  // namespace aneref::placement
