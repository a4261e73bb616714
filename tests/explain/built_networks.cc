// Networks of two or three ops for faults that no network of the corpora has a
// place for. See faults.h.
#define DOCTEST_CONFIG_IMPLEMENT  // its checks, for the builder
#include "tests/explain/faults.h"
#include "tests/support/draft.h"

namespace aneref::test {
namespace {

std::vector<double> Ramp(int count, double from, double step) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(from + step * i);
  return values;
}

// Sums of products on both sides of 32768 (N20).
BuiltNetwork LargeSums() {
  DraftBuilder net;
  const int x = net.Input("x", {2, 4});
  const int sum = net.Node(fbs::MatmulT(),
                           {x, net.Constant(Shape{4, 8}, Ramp(32, -60, 5))});
  net.Output(net.Unary(fbs::ActivationKind::relu, sum));
  return {"large_sums", net.Parse(), {2, 4}, Ramp(8, 40, 30)};
}

// Scores of attention under the mask that exporters write.
BuiltNetwork MaskedScores() {
  constexpr double kLowest = -3.4028234663852886e38;
  DraftBuilder net;
  const int x = net.Input("x", {1, 2, 4, 4});
  std::vector<double> mask(16, 0.0);
  for (size_t row = 0; row < 4; ++row) {
    for (size_t column = row + 1; column < 4; ++column) {
      mask[row * 4 + column] = kLowest;
    }
  }
  const int masked = net.Binary(fbs::ElementwiseKind::add, x,
                                net.Constant(Shape{1, 1, 4, 4}, mask));
  net.Output(net.Node(fbs::SoftmaxT(), {masked}));
  return {"masked_scores", net.Parse(), {1, 2, 4, 4}, Ramp(32, -3, 0.25)};
}

// Depth to space with two channels left, so that its order matters.
BuiltNetwork PixelShuffle() {
  DraftBuilder net;
  const int x = net.Input("x", {1, 8, 4, 4});
  fbs::DepthSpaceT shuffle;
  shuffle.block = 2;
  const int wide = net.Node(shuffle, {x});
  net.Output(net.Unary(fbs::ActivationKind::relu, wide));
  return {"pixel_shuffle", net.Parse(), {1, 8, 4, 4}, Ramp(128, -16, 0.375)};
}

}  // namespace

std::vector<BuiltNetwork> BuiltNetworks() {
  doctest::Context context;
  context.setAsDefaultForAssertsOutOfTestCases();
  return {LargeSums(), MaskedScores(), PixelShuffle()};
}

}  // namespace aneref::test
