// Shapes for reports of networks whose extents nobody settles.
#include "runtime/plan/open_extents.h"

#include <doctest/doctest.h>

#include "tests/support/draft.h"

namespace aneref {
namespace {

PortSpec Port(const std::string& name, std::vector<int64_t> dims,
              std::vector<std::string> names, Shape usual = {}) {
  PortSpec port;
  port.name = name;
  port.has_shape = true;
  port.dims = std::move(dims);
  port.dim_names = std::move(names);
  port.usual = usual;
  return port;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("F15: open extents are the usual ones and else 1") {
  std::map<std::string, Shape> shapes;
  const Texts assumed = AssumeExtents({Port("x", {-1, 3, -1}, {"", "", ""}),
                                       Port("y", {-1, 3}, {"", ""}, {8, 3})},
                                      &shapes);
  CHECK(shapes.at("x") == Shape{1, 3, 1});
  CHECK(shapes.at("y") == Shape{8, 3});
  CHECK(assumed == Texts{"extent 0 of 'x' taken as 1",
                         "extent 2 of 'x' taken as 1",
                         "extent 0 of 'y' taken as 8"});
}

TEST_CASE("open extents: stated ones stay and give others of their name") {
  std::map<std::string, Shape> shapes = {{"x", {5, 7}}};
  PortSpec any = Port("any", {}, {});
  any.has_shape = false;
  const Texts assumed =
      AssumeExtents({Port("x", {-1, -1}, {"batch", "length"}),
                     Port("y", {2, -1}, {"", "length"}, {2, 9}), any},
                    &shapes);
  CHECK(shapes.at("x") == Shape{5, 7});
  CHECK(shapes.at("y") == Shape{2, 7});
  CHECK_EQ(shapes.count("any"), 0u);
  CHECK(assumed.empty());
}

TEST_CASE("open extents: a stated shape of another rank names nothing") {
  std::map<std::string, Shape> shapes = {{"x", {5}}};
  const Texts assumed = AssumeExtents(
      {Port("x", {-1, -1}, {"n", "n"}), Port("y", {-1}, {"n"})}, &shapes);
  CHECK(shapes.at("y") == Shape{1});
  CHECK(assumed == Texts{"extent 0 of 'y' taken as 1"});
}

TEST_CASE("V05: a network that cannot be settled keeps its ops open") {
  test::DraftBuilder draft;
  draft.Output(
      draft.Unary(fbs::ActivationKind::relu, draft.Input("x", {-1, 3})));
  const std::shared_ptr<const Net> net = draft.Parse();
  const Status why = Unsupported("no shape");
  const Expected<Program> open = SpecializeOpen(*net, {}, why);
  REQUIRE(open.ok());
  CHECK_EQ(open->nodes.size(), 1u);
  SpecializeOptions wrong;
  wrong.input_shapes["x"] = {1, 2, 3};
  const Expected<Program> refused = SpecializeOpen(*net, wrong, why);
  REQUIRE(!refused.ok());
  CHECK_EQ(refused.status().message(), "no shape");
}

}  // namespace aneref
