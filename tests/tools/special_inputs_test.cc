// Inputs that may hold infinities because the network reads them as such.
#include "tools/special_inputs.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/support/draft.h"

namespace aneref::tool {
namespace {

using test::DraftBuilder;
constexpr float kInf = HUGE_VALF;

bool Expects(DraftBuilder& net, int tensor, std::vector<float> values) {
  const auto parsed = net.Parse();
  const Shape shape = {static_cast<int64_t>(values.size())};
  return ExpectsNonfinite(
      parsed->main_graph(), tensor,
      DenseView({DataType::kFloat32, shape}, values.data()));
}

TEST_CASE("special inputs: a mask that a softmax reads may hold -inf") {
  DraftBuilder net;
  const int x = net.Input("x", {2}), mask = net.Input("mask", {2});
  const int sum = net.Binary(fbs::ElementwiseKind::add, x, mask);
  net.Output(net.Node(fbs::SoftmaxT(), {sum}));
  CHECK(Expects(net, mask, {0, -kInf}));
  CHECK_FALSE(Expects(net, mask, {0, kInf}));
  CHECK_FALSE(Expects(net, mask, {0, NAN}));
}

TEST_CASE("special inputs: the mask of attention and nothing else of it") {
  DraftBuilder net;
  const int q = net.Input("q", {1, 1, 2, 1}), mask = net.Input("m", {2, 2});
  net.Output(net.Node(fbs::AttentionT(), {q, q, q, mask}));
  CHECK(Expects(net, mask, {0, -kInf, 0, 0}));
  CHECK_FALSE(Expects(net, q, {0, -kInf}));
}

TEST_CASE("special inputs: a sum that something else reads is no mask") {
  DraftBuilder net;
  const int x = net.Input("x", {2});
  const int sum = net.Binary(fbs::ElementwiseKind::add, x, x);
  net.Output(net.Node(fbs::SoftmaxT(), {sum}));
  net.Output(net.Unary(fbs::ActivationKind::exp, sum));
  CHECK_FALSE(Expects(net, x, {0, -kInf}));
}

TEST_CASE("special inputs: a mask that ends nowhere is none") {
  DraftBuilder net;
  const int x = net.Input("x", {2});
  net.Output(net.Binary(fbs::ElementwiseKind::add, x, x));
  CHECK_FALSE(Expects(net, x, {0, -kInf}));
}

TEST_CASE("special inputs: one test takes everything") {
  DraftBuilder net;
  const int x = net.Input("x", {2});
  net.Output(net.Unary(fbs::ActivationKind::is_nan, x));
  CHECK(Expects(net, x, {NAN, kInf}));
}

}  // namespace
}  // namespace aneref::tool
