// Clamps and residual sums that are computed in the registers of the
// convolution or product before them: the bits of the ops one by one, on every
// target, and who still sees single ops.
#include "runtime/exec/fused_steps.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "runtime/core/half.h"
#include "runtime/exec/run_hooks.h"
#include "runtime/exec/session.h"
#include "tests/support/draft.h"
#include "tests/support/each_target.h"
#include "tests/support/sessions.h"

namespace aneref {
namespace {

using fbs::ActivationKind;
using test::BitsOf;
using test::DraftBuilder;
using test::MakeSession;

// Every producer computes 0.25 * x0 + 2 * x1 of ten pairs that repeat, in all
// of its channels. By hand, with N = 7E00 (P15):
//   4/4 = 1; -4/4 = -1; -2^-24/4 rounds to -0; NaN; inf; -inf; 80000 and -80000
//   saturate (P2); 7; -1.5
const std::vector<uint16_t> kX0 = {0x4400, 0xC400, 0x8001, 0x7E00, 0x7C00,
                                   0xFC00, 0,      0,      0,      0};
const std::vector<uint16_t> kX1 = {0, 0,      0,      0,      0,
                                   0, 0x78E2, 0xF8E2, 0x4300, 0xBA00};
const std::vector<uint16_t> kPlain = {0x3C00, 0xBC00, 0x8000, 0x7E00, 0x7C00,
                                      0xFC00, 0x7BFF, 0xFBFF, 0x4700, 0xBE00};
// P8: -0 and NaN stay, other negative numbers become +0.
const std::vector<uint16_t> kReluBits = {0x3C00, 0,      0x8000, 0x7E00, 0x7C00,
                                         0,      0x7BFF, 0,      0x4700, 0};
const std::vector<uint16_t> kRelu6Bits = {0x3C00, 0, 0x8000, 0x7E00, 0x4600, 0,
                                          0x4600, 0, 0x4600, 0};
// Between -1.25 (BD00) and 5 (4500).
const std::vector<uint16_t> kClipBits = {0x3C00, 0xBC00, 0x8000, 0x7E00,
                                         0x4500, 0xBD00, 0x4500, 0xBD00,
                                         0x4500, 0xBD00};
// A residual, and the sums: 1 + 2^-11 is a tie to 1; -1 + 1 = +0; -0 + -0 = -0;
// NaN; inf - inf = NaN; -inf; 65504 twice saturates; -65504 (not -80000) +
// 65504 = +0; 7 - 0; -1.5 + 0.5 = -1.
const std::vector<uint16_t> kAddend = {0x1000, 0x3C00, 0x8000, 0x3C00, 0xFC00,
                                       0x3C00, 0x7BFF, 0x7BFF, 0x8000, 0x3800};
const std::vector<uint16_t> kSum = {0x3C00, 0,      0x8000, 0x7E00, 0x7E00,
                                    0xFC00, 0x7BFF, 0,      0x4700, 0xBC00};
const std::vector<uint16_t> kSumRelu = {0x3C00, 0,      0x8000, 0x7E00, 0x7E00,
                                        0,      0x7BFF, 0,      0x4700, 0};
// relu first: the sum of kReluBits and the residual. 0 + 1 = 1 for the second
// and the sixth, 0 + 65504, 0 + 0.5.
const std::vector<uint16_t> kReluSum = {0x3C00, 0x3C00, 0x8000, 0x7E00, 0x7E00,
                                        0x3C00, 0x7BFF, 0x7BFF, 0x4700, 0x3800};

// What follows the producer.
enum class Tail : uint8_t { kRelu, kRelu6, kClip, kAdd, kAddRelu, kReluAdd };
const std::vector<uint16_t>& ExpectedBits(Tail tail) {
  switch (tail) {
    case Tail::kRelu:
      return kReluBits;
    case Tail::kRelu6:
      return kRelu6Bits;
    case Tail::kClip:
      return kClipBits;
    case Tail::kAdd:
      return kSum;
    case Tail::kAddRelu:
      return kSumRelu;
    case Tail::kReluAdd:
      break;
  }
  return kReluSum;
}

int Clip(DraftBuilder* net, int x, double low, double high) {
  fbs::ActivationT clip;
  clip.kind = ActivationKind::clip;
  clip.alpha = low;
  clip.beta = high;
  return net->Node(clip, {x});
}

int AddTail(DraftBuilder* net, Tail tail, int value, int addend) {
  const auto add = [&](int x) {
    return net->Binary(fbs::ElementwiseKind::add, x, addend);
  };
  switch (tail) {
    case Tail::kRelu:
      return net->Unary(ActivationKind::relu, value);
    case Tail::kRelu6:
      return net->Unary(ActivationKind::relu6, value);
    case Tail::kClip:
      return Clip(net, value, -1.25, 5);
    case Tail::kAdd:
      return add(value);
    case Tail::kAddRelu:
      return net->Unary(ActivationKind::relu, add(value));
    case Tail::kReluAdd:
      break;
  }
  return add(net->Unary(ActivationKind::relu, value));
}

// 1x1 convolutions: pixels in the lanes for few channels, channels in the lanes
// for many; products have pixels as rows.
struct Case {
  bool is_product;
  int64_t channels, height, width;

  int64_t Pixels() const { return height * width; }
  int64_t Depth() const { return is_product ? 2 : channels; }
  Shape In() const {
    return is_product ? Shape{Pixels(), Depth()}
                      : Shape{1, Depth(), height, width};
  }
  Shape Out() const {
    return is_product ? Shape{Pixels(), channels}
                      : Shape{1, channels, height, width};
  }
  // Of a dense tensor whose rows are pixels, or planes.
  size_t Index(int64_t channel, int64_t pixel, int64_t num_channels) const {
    return static_cast<size_t>(is_product ? pixel * num_channels + channel
                                          : channel * Pixels() + pixel);
  }
};

const Case kCases[] = {{false, 3, 3, 50}, {false, 5, 1, 10}, {false, 20, 1, 10},
                       {false, 20, 2, 5}, {false, 16, 4, 4}, {false, 70, 5, 3},
                       {true, 3, 1, 10},  {true, 64, 2, 10}, {true, 83, 3, 7}};
const Tail kTails[] = {Tail::kRelu, Tail::kRelu6,   Tail::kClip,
                       Tail::kAdd,  Tail::kAddRelu, Tail::kReluAdd};

std::vector<double> WeightsOf(const Case& c) {
  std::vector<double> weights(static_cast<size_t>(c.channels * c.Depth()));
  for (int64_t m = 0; m < c.channels; ++m) {
    for (int64_t k = 0; k < 2; ++k) {
      const int64_t at = c.is_product ? k * c.channels + m : m * c.Depth() + k;
      weights[static_cast<size_t>(at)] = k == 0 ? 0.25 : 2.0;
    }
  }
  return weights;
}

// Inputs: x and the addend.
void Build(const Case& c, Tail tail, DraftBuilder* net) {
  const int x = net->Input("x", c.In().ToVector());
  const int addend = net->Input("addend", c.Out().ToVector());
  if (c.is_product) {
    const int y = net->Constant({c.Depth(), c.channels}, WeightsOf(c));
    net->Output(AddTail(net, tail, net->Node(fbs::MatmulT(), {x, y}), addend));
  } else {
    const int y = net->Constant({c.channels, c.Depth(), 1, 1}, WeightsOf(c));
    net->Output(AddTail(net, tail, net->Node(fbs::ConvT(), {x, y}), addend));
  }
}

void Feed(const Case& c, Session* session) {
  std::vector<uint16_t> x(static_cast<size_t>(c.In().NumElements()));
  std::vector<uint16_t> addend(static_cast<size_t>(c.Out().NumElements()));
  for (int64_t p = 0; p < c.Pixels(); ++p) {
    const auto i = static_cast<size_t>(p % 10);
    x[c.Index(0, p, c.Depth())] = kX0[i];
    x[c.Index(1, p, c.Depth())] = kX1[i];
    for (int64_t m = 0; m < c.channels; ++m)
      addend[c.Index(m, p, c.channels)] = kAddend[i];
  }
  const auto set = [&](size_t port, const Shape& shape,
                       std::vector<uint16_t>& bits) {
    REQUIRE(session
                ->SetInput(port,
                           DenseView({DataType::kFloat16, shape}, bits.data()))
                .ok());
  };
  set(0, c.In(), x);
  set(1, c.Out(), addend);
}

// Runs and compares all channels with `expected`.
void CheckRun(const Case& c, const std::vector<uint16_t>& expected,
              Session* session, RunHooks* hooks = nullptr) {
  const Status status = session->Run(hooks);
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  const std::vector<uint16_t> bits = BitsOf(session->Output(0));
  bool equal = true;
  for (int64_t p = 0; p < c.Pixels(); ++p) {
    for (int64_t m = 0; m < c.channels; ++m) {
      equal &= bits[c.Index(m, p, c.channels)] ==
               expected[static_cast<size_t>(p % 10)];
    }
  }
  CHECK(equal);
}

class Observer : public RunHooks {
 public:
  explicit Observer(bool sees_ops) : sees_ops_(sees_ops) {}
  bool SeesOps() const override { return sees_ops_; }
  Status BeforeCall() override {
    ++calls;
    return Status();
  }
  Status AfterOp(const OpDone& op) override {
    results.push_back(BitsOf(op.outputs[0].view));
    return Status();
  }
  int calls = 0;
  std::vector<std::vector<uint16_t>> results;

 private:
  bool sees_ops_;
};

}  // namespace

TEST_CASE(
    "P2: clamps and sums in a producer's registers have the bits of the ops") {
  for (const Case& c : kCases) {
    for (const Tail tail : kTails) {
      CAPTURE(c.is_product);
      CAPTURE(c.channels);
      CAPTURE(c.width);
      CAPTURE(static_cast<int>(tail));
      DraftBuilder net;
      Build(c, tail, &net);
      auto session = MakeSession(net);
      Feed(c, session.get());
      test::ForEachTarget(
          [&] { CheckRun(c, ExpectedBits(tail), session.get()); });
      // The first call has computed all others.
      for (size_t i = 1; i < session->profile().size(); ++i)
        CHECK(session->profile()[i].within == 0);
      SessionOptions scalar;
      scalar.rung = Rung::kScalar;
      auto twin = MakeSession(net, scalar);
      Feed(c, twin.get());
      CheckRun(c, ExpectedBits(tail), twin.get());
      CHECK(twin->profile()[1].within == 0);
    }
  }
}

TEST_CASE("P8: a clamp in depthwise registers keeps -0 and NaN") {
  for (const int64_t width : {int64_t{7}, int64_t{10}, int64_t{50}}) {
    CAPTURE(width);
    DraftBuilder net;
    fbs::ConvT conv;
    conv.groups = 2;
    const Shape shape = {1, 2, 20, width};
    const int x = net.Input("x", shape.ToVector());
    const int y = net.Constant({2, 1, 1, 1}, {0.25, 2.0});
    net.Output(Clip(&net, net.Node(conv, {x, y}), -1.25, 5));
    auto session = MakeSession(net);
    std::vector<uint16_t> bits;
    for (int64_t i = 0; i < 40 * width; ++i)
      bits.push_back((i < 20 * width ? kX0 : kX1)[static_cast<size_t>(i % 10)]);
    REQUIRE(
        session
            ->SetInput(0, DenseView({DataType::kFloat16, shape}, bits.data()))
            .ok());
    // Half of the pairs are zero in each channel.
    std::vector<uint16_t> expected;
    for (int64_t i = 0; i < 40 * width; ++i) {
      const bool is_zero = (i < 20 * width) == (i % 10 >= 6);
      expected.push_back(is_zero ? uint16_t{0}
                                 : kClipBits[static_cast<size_t>(i % 10)]);
    }
    test::ForEachTarget([&] {
      REQUIRE(session->Run().ok());
      CHECK(BitsOf(session->Output(0)) == expected);
    });
    CHECK(session->profile()[1].within == 0);
  }
}

// Ones under 3x3 ones: 4 in the corners, 6 at the edges, 9 inside.
TEST_CASE("P8: tails behind few outputs of several taps") {
  constexpr int64_t kHeight = 10, kWidth = 21, kPixels = kHeight * kWidth;
  const Shape shape = {1, 2, kHeight, kWidth};
  for (const Tail tail : {Tail::kRelu6, Tail::kAdd, Tail::kReluAdd}) {
    CAPTURE(static_cast<int>(tail));
    DraftBuilder net;
    const int x = net.Input("x", {1, 1, kHeight, kWidth});
    const int addend = net.Input("addend", shape.ToVector());
    fbs::ConvT conv;
    conv.pads = {1, 1, 1, 1};
    const int w = net.Constant({2, 1, 3, 3}, std::vector<double>(18, 1.0));
    net.Output(AddTail(&net, tail, net.Node(conv, {x, w}), addend));
    auto session = MakeSession(net);
    std::vector<uint16_t> ones(kPixels, 0x3C00), halves(2 * kPixels, 0x3800);
    REQUIRE(session
                ->SetInput(
                    0, DenseView({DataType::kFloat16, {1, 1, kHeight, kWidth}},
                                 ones.data()))
                .ok());
    REQUIRE(
        session
            ->SetInput(1, DenseView({DataType::kFloat16, shape}, halves.data()))
            .ok());
    std::vector<uint16_t> expected;
    for (int64_t i = 0; i < 2 * kPixels; ++i) {
      const int64_t row = i % kPixels / kWidth, column = i % kWidth;
      const int edges = (row == 0 || row == kHeight - 1 ? 1 : 0) +
                        (column == 0 || column == kWidth - 1 ? 1 : 0);
      const float sum = edges == 0 ? 9 : edges == 1 ? 6 : 4;
      expected.push_back(
          FloatToHalf(tail == Tail::kRelu6 ? std::min(sum, 6.0F) : sum + 0.5F));
    }
    test::ForEachTarget([&] {
      REQUIRE(session->Run().ok());
      CHECK(BitsOf(session->Output(0)) == expected);
    });
    // The plan may put the lone sum where x was, which convolutions still read.
    if (tail != Tail::kAdd) CHECK(session->profile()[1].within == 0);
  }
}

TEST_CASE("fused steps: who looks sees every op and the same bits") {
  const Case c = kCases[2];
  DraftBuilder net;
  Build(c, Tail::kAddRelu, &net);
  auto session = MakeSession(net);
  Feed(c, session.get());
  Observer observer(true), deadline(false);
  CheckRun(c, kSumRelu, session.get(), &observer);
  REQUIRE(observer.results.size() == 3);
  CHECK(observer.results[0][1] == kPlain[1]);
  CHECK(observer.results[1][9] == kSum[9]);
  CHECK(observer.results[2][9] == kSumRelu[9]);
  CHECK(session->profile()[2].within == -1);
  CheckRun(c, kSumRelu, session.get(), &deadline);
  CHECK(deadline.calls == 1);
  CHECK(deadline.results.empty());
  CHECK(session->profile()[2].within == 0);

  SessionOptions options;
  options.keep_intermediates = true;
  auto keeps = MakeSession(net, options);
  Feed(c, keeps.get());
  CheckRun(c, kSumRelu, keeps.get());
  CHECK(keeps->profile()[1].within == -1);
}

TEST_CASE("fused steps: a result that others read is computed by itself") {
  // y = relu(conv(x)) beside z = conv(x): x = 3 and -3 times 1.
  DraftBuilder net;
  const int x = net.Input("x", {1, 1, 1, 2});
  const int sum = net.Node(fbs::ConvT(), {x, net.Constant({1, 1, 1, 1}, {1})});
  net.Output(net.Unary(ActivationKind::relu, sum));
  net.Output(sum);
  auto session = MakeSession(net);
  std::vector<uint16_t> bits = {0x4200, 0xC200};
  REQUIRE(session
              ->SetInput(
                  0, DenseView({DataType::kFloat16, {1, 1, 1, 2}}, bits.data()))
              .ok());
  REQUIRE(session->Run().ok());
  CHECK(BitsOf(session->Output(0)) == std::vector<uint16_t>{0x4200, 0});
  CHECK(BitsOf(session->Output(1)) == bits);
  CHECK(session->profile()[1].within == -1);
}

TEST_CASE("fused steps: a residual in the convolution's own input's place") {
  // a = |x| = 1 2 3 4 5; sums of three neighbours 3 6 9 12 9; a + sums.
  DraftBuilder net;
  const int x = net.Input("x", {1, 2, 1, 5});
  const int a = net.Unary(ActivationKind::abs, x);
  fbs::ConvT conv;
  conv.pads = {0, 1, 0, 1};
  const int weight =
      net.Constant({2, 2, 1, 3}, {1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1});
  net.Output(net.Unary(
      ActivationKind::neg,
      net.Binary(fbs::ElementwiseKind::add, a, net.Node(conv, {a, weight}))));
  auto session = MakeSession(net);
  std::vector<float> values = {-1, -2, -3, -4, -5, -1, -2, -3, -4, -5};
  REQUIRE(session
              ->SetInput(0, DenseView({DataType::kFloat32, {1, 2, 1, 5}},
                                      values.data()))
              .ok());
  REQUIRE(session->Run().ok());
  CHECK(LoadFloats(session->Output(0)) ==
        std::vector<float>{-4, -8, -12, -16, -14, -4, -8, -12, -16, -14});
}

TEST_CASE("fused steps: a sum in its addend's place, and a clamp of it") {
  // x = 1 2 3 4 5 -1 -2 -3 -4 -5; relu(3 - 2x).
  DraftBuilder net;
  const int x = net.Input("x", {1, 2, 1, 5});
  const int addend =
      net.Unary(ActivationKind::abs, net.Input("r", {1, 2, 1, 5}));
  const int product =
      net.Node(fbs::ConvT(), {x, net.Constant({2, 2, 1, 1}, {-2, 0, 0, -2})});
  const int sum = net.Binary(fbs::ElementwiseKind::add, addend, product);
  net.Output(
      net.Unary(ActivationKind::neg, net.Unary(ActivationKind::relu, sum)));
  auto session = MakeSession(net);
  std::vector<float> values = {1, 2, 3, 4, 5, -1, -2, -3, -4, -5};
  std::vector<float> threes(10, -3);
  const TensorType type = {DataType::kFloat32, {1, 2, 1, 5}};
  REQUIRE(session->SetInput(0, DenseView(type, values.data())).ok());
  REQUIRE(session->SetInput(1, DenseView(type, threes.data())).ok());
  REQUIRE(session->Run().ok());
  CHECK(LoadFloats(session->Output(0)) ==
        std::vector<float>{-1, 0, 0, 0, 0, -5, -7, -9, -11, -13});
  // The convolution has computed the sum and the clamp.
  CHECK(std::count_if(session->profile().begin(), session->profile().end(),
                      [](const TaskProfile& row) { return row.within >= 0; }) ==
        2);
}

}  // namespace aneref
