// Rules about whole networks, on programs made by hand.
#include <doctest/doctest.h>

#include <algorithm>

#include "runtime/plan/placement/network.h"
#include "tests/plan/placement_support.h"

namespace aneref::placement {
namespace {

// The project's demo network: a verified net to hang programs on.
std::shared_ptr<const Net> AnyNet() {
  auto file = File::Map(ANEREF_SOURCE_DIR "/examples/digits/digits.anem");
  REQUIRE(file.ok());
  auto net = Net::Parse(*file, "digits.anem");
  REQUIRE(net.ok());
  return *net;
}

ProgramValue Value(const char* name, const Shape& shape) {
  ProgramValue value;
  value.name = name;
  value.declared = value.memory = {DataType::kFloat16, shape};
  value.defined = true;
  return value;
}

// `inputs` values that one node reads; the node's op is the net's first.
struct Joined {
  Program program;
  std::vector<OpFacts> facts;
};
Joined Join(const Net& net, int inputs, const Shape& shape) {
  Joined joined;
  ProgramNode node;
  node.node = net.main_graph().nodes()->Get(0);
  for (int i = 0; i < inputs; ++i) {
    joined.program.values.push_back(Value("x", shape));
    joined.program.inputs.push_back(i);
    node.inputs.push_back(i);
  }
  joined.program.values.push_back(Value("y", shape));
  node.outputs = {inputs};
  joined.program.outputs = {inputs};
  joined.program.nodes = {node};
  joined.facts = {Op("concat", shape)};
  return joined;
}

bool Has(const std::vector<Reason>& reasons, const std::string& rule) {
  return std::any_of(reasons.begin(), reasons.end(),
                     [&](const Reason& reason) { return reason.rule == rule; });
}

std::vector<Reason> ReasonsOf(const Net& net, const Joined& joined,
                              Route route = Route::kCoreMl) {
  PlacementOptions options;
  options.route = route;
  return NetworkReasons(net, joined.program, joined.facts, ChipNamed("m1"),
                        options);
}

TEST_CASE("V92: twelve branches into one op are named") {
  const auto net = AnyNet();
  CHECK_FALSE(Has(ReasonsOf(*net, Join(*net, 11, {1, 64})), "V92"));
  CHECK(Has(ReasonsOf(*net, Join(*net, 12, {1, 64})), "V92"));
}

TEST_CASE("V93: small surfaces are named on the direct route only") {
  const auto net = AnyNet();
  const Joined small = Join(*net, 1, {1, 24575});
  CHECK(Has(ReasonsOf(*net, small, Route::kDirect), "V93"));
  CHECK_FALSE(Has(ReasonsOf(*net, small), "V93"));
  CHECK_FALSE(
      Has(ReasonsOf(*net, Join(*net, 1, {1, 24576}), Route::kDirect), "V93"));
}

TEST_CASE("V97: networks of fewer than 64 elements are named") {
  const auto net = AnyNet();
  CHECK(Has(ReasonsOf(*net, Join(*net, 1, {1, 63})), "V97"));
  CHECK_FALSE(Has(ReasonsOf(*net, Join(*net, 1, {1, 64})), "V97"));
}

TEST_CASE("V14: two ops of one name collide") {
  const auto net = AnyNet();
  Joined joined = Join(*net, 1, {1, 64});
  CHECK_FALSE(Has(ReasonsOf(*net, joined), "V14"));
  joined.program.nodes.push_back(joined.program.nodes[0]);
  joined.facts.push_back(joined.facts[0]);
  CHECK(Has(ReasonsOf(*net, joined), "V14"));
}

TEST_CASE("V95: narrow rows waste memory") {
  const auto net = AnyNet();
  CHECK(Has(ReasonsOf(*net, Join(*net, 1, {1, 64, 8, 8})), "V95"));
  CHECK_FALSE(Has(ReasonsOf(*net, Join(*net, 1, {1, 64, 8, 32})), "V95"));
}

}  // namespace
}  // namespace aneref::placement
