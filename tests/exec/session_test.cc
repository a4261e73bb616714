// Sessions over hand-built nets: numerics, folding, dynamic extents, inputs,
// limits, determinism.
#include "runtime/exec/session.h"

#include <doctest/doctest.h>

#include <cfenv>
#include <cmath>
#include <limits>

#include "runtime/core/half.h"
#include "runtime/graph/net_writer.h"
#include "tests/support/draft.h"

namespace aneref {
namespace {

using test::DraftBuilder;

std::unique_ptr<Session> MakeSession(DraftBuilder& builder,
                                     SessionOptions options = {}) {
  options.threads = options.threads == 0 ? 1 : options.threads;
  auto session = Session::Create(builder.Parse(), options);
  REQUIRE_MESSAGE(session.ok(), session.status().ToString());
  return std::move(*session);
}

// Feeds float values to input 0, runs, and returns output 0 widened.
std::vector<float> RunFloats(Session& session, std::vector<float> values,
                             const Shape& shape) {
  REQUIRE(
      session.SetInput(0, DenseView({DataType::kFloat32, shape}, values.data()))
          .ok());
  const Status status = session.Run();
  REQUIRE_MESSAGE(status.ok(), status.ToString());
  return LoadFloats(session.Output(0));
}

}  // namespace

TEST_CASE(
    "P1: portable keeps fp16 between ops and fp32 numerics keep float32") {
  // (x + 2048) - 2048 with x = 1: fp16 has no 2049, float32 has.
  DraftBuilder net;
  const int x = net.Input("x", {1});
  const int c = net.Constant({1}, {2048});
  net.Output(net.Binary(fbs::ElementwiseKind::sub,
                        net.Binary(fbs::ElementwiseKind::add, x, c), c));
  SessionOptions fp32;
  fp32.numerics = Numerics::kFp32;
  CHECK(RunFloats(*MakeSession(net), {1}, {1}) == std::vector<float>{0});
  CHECK(RunFloats(*MakeSession(net, fp32), {1}, {1}) == std::vector<float>{1});
  CHECK(MakeSession(net)->Output(0).dtype == DataType::kFloat16);
  CHECK(MakeSession(net, fp32)->Output(0).dtype == DataType::kFloat32);
}

TEST_CASE(
    "P2: every op of a chain rounds once whether or not memory is shared") {
  // 1 + 2^-11 is a tie and rounds to even 1 at each step; without a rounding
  // per op the sum would be 1 + 2^-10.
  DraftBuilder net;
  const int x = net.Input("x", {1});
  const int c = net.Constant({1}, {0x1p-11});
  int sum = x;
  for (int i = 0; i < 2; ++i)
    sum = net.Binary(fbs::ElementwiseKind::add, sum, c);
  net.Output(sum);
  CHECK(RunFloats(*MakeSession(net), {1}, {1}) == std::vector<float>{1});
  SessionOptions keep;
  keep.keep_intermediates = true;
  CHECK(RunFloats(*MakeSession(net, keep), {1}, {1}) == std::vector<float>{1});
}

TEST_CASE("P2: the caller's rounding mode does not reach the kernels") {
  DraftBuilder net;
  const int x = net.Input("x", {1});
  net.Output(
      net.Binary(fbs::ElementwiseKind::add, x, net.Constant({1}, {0x1p-12})));
  auto session = MakeSession(net);
  std::fesetround(FE_UPWARD);
  const std::vector<float> result = RunFloats(*session, {1}, {1});
  const int mode = std::fegetround();
  std::fesetround(FE_TONEAREST);
  CHECK(result == std::vector<float>{1});
  CHECK(mode == FE_UPWARD);
}

TEST_CASE(
    "P12: a mask constant beyond fp16 saturates so that 0 times it is 0") {
  DraftBuilder net;
  const int x = net.Input("x", {2});
  net.Output(
      net.Binary(fbs::ElementwiseKind::mul, x, net.Constant({1}, {-3.4e38})));
  const std::vector<float> result = RunFloats(*MakeSession(net), {0, 1}, {2});
  CHECK(result[0] == 0);
  CHECK(result[1] == -65504);
}

TEST_CASE("P12: an epsilon under a logarithm keeps it finite") {
  DraftBuilder net;
  const int x = net.Input("x", {2});
  net.Output(net.Unary(fbs::ActivationKind::log,
                       net.Binary(fbs::ElementwiseKind::maximum, x,
                                  net.Constant({1}, {1e-10F}))));
  const std::vector<float> result = RunFloats(*MakeSession(net), {0, 1}, {2});
  CHECK(result[0] == -16.640625F);  // log(2^-24) = -16.6355, fp16 steps 2^-6
  CHECK(result[1] == 0);
}

TEST_CASE("P12: a large kernel of one value is rounded, in fp32 it is not") {
  DraftBuilder net;
  const int x = net.Input("x", {1, 512});
  const int weight =
      net.Constant({512, 512}, std::vector<double>(512 * 512, 0.1));
  net.Output(net.Node(fbs::MatmulT(), {x, weight}));
  const std::vector<float> ones(512, 1.0F);
  // 0.1 is 0.0999755859375 in fp16, and 512 of these are an fp16 number.
  for (float value : RunFloats(*MakeSession(net), ones, {1, 512}))
    REQUIRE(value == 51.1875F);
  SessionOptions fp32;
  fp32.numerics = Numerics::kFp32;
  const std::vector<float> exact =
      RunFloats(*MakeSession(net, fp32), ones, {1, 512});
  CHECK(std::fabs(exact[0] - 51.2F) < 1e-3F);
}

TEST_CASE(
    "N1: inputs of other floating types round to nearest even and overflow to "
    "infinity") {
  DraftBuilder net;
  net.Output(net.Unary(fbs::ActivationKind::identity, net.Input("x", {4})));
  const std::vector<float> result =
      RunFloats(*MakeSession(net), {2049, 2051, 65519, 65520}, {4});
  CHECK(result == std::vector<float>{2048, 2052, 65504,
                                     std::numeric_limits<float>::infinity()});
}

TEST_CASE(
    "session: values that depend on constants and shapes only are folded") {
  // y = x + size(x): the size is known once the shape is.
  DraftBuilder net;
  const int x = net.Input("x", {-1, 3});
  fbs::GenerateT size;
  size.kind = fbs::GenerateKind::size;
  fbs::CastT cast;
  cast.to = fbs::DataType::float16;
  net.Output(net.Binary(fbs::ElementwiseKind::add, x,
                        net.Node(cast, {net.Node(size, {x})})));
  SessionOptions options;
  options.input_shapes["x"] = Shape{2, 3};
  auto session = MakeSession(net, options);
  CHECK(session->profile().size() == 1);
  CHECK(RunFloats(*session, {0, 1, 2, 3, 4, 5}, {2, 3}) ==
        std::vector<float>{6, 7, 8, 9, 10, 11});
}

TEST_CASE("P21: a shape that is fed decides the shape of each run") {
  DraftBuilder net;
  const int x = net.Input("x", {4});
  const int shape = net.Input("shape", {2}, fbs::DataType::int64);
  net.Output(net.Node(fbs::ReshapeT(), {x, shape}));
  const std::unique_ptr<Session> session = MakeSession(net);
  const auto run = [&](std::vector<int64_t> extents) {
    REQUIRE(
        session->SetInput(1, DenseView({DataType::kInt64, {2}}, extents.data()))
            .ok());
    CHECK(RunFloats(*session, {1, 2, 3, 4}, {4}) ==
          std::vector<float>{1, 2, 3, 4});
    return session->Output(0).shape;
  };
  CHECK(run({2, -1}) == Shape{2, 2});
  CHECK(run({1, 4}) == Shape{1, 4});
  std::vector<int64_t> wrong = {3, 3};
  REQUIRE(session->SetInput(1, DenseView({DataType::kInt64, {2}}, wrong.data()))
              .ok());
  CHECK(session->Run().code() == StatusCode::kShape);
}

TEST_CASE("P22: fast numerics round as portable outside convolutions") {
  // (x + 2048) - 2048 with x = 1, as under P1; there is no reference to run.
  DraftBuilder net;
  const int x = net.Input("x", {1});
  const int c = net.Constant({1}, {2048});
  net.Output(net.Binary(fbs::ElementwiseKind::sub,
                        net.Binary(fbs::ElementwiseKind::add, x, c), c));
  SessionOptions fast;
  fast.numerics = Numerics::kFast;
  CHECK(RunFloats(*MakeSession(net, fast), {1}, {1}) == std::vector<float>{0});
  fast.rung = Rung::kReference;
  const auto refused = Session::Create(net.Parse(), fast);
  CHECK(refused.status().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("session: a dynamic extent that nobody gave is named") {
  DraftBuilder net;
  net.Output(net.Unary(fbs::ActivationKind::relu, net.Input("x", {-1, 3})));
  const auto session = Session::Create(net.Parse(), {});
  CHECK(session.status().code() == StatusCode::kInvalidArgument);
  CHECK(
      session.status().message() ==
      "test: input 'x': extent 0 is dynamic; give the input or --shape x=...");
}

TEST_CASE("session: shapes that contradict the net are refused") {
  DraftBuilder net;
  net.Output(net.Unary(fbs::ActivationKind::relu, net.Input("x", {2, 3})));
  SessionOptions options;
  options.input_shapes["x"] = Shape{2, 4};
  CHECK(Session::Create(net.Parse(), options).status().message() ==
        "test: input 'x': extent 1 must be 3, not 4");
  options.input_shapes["x"] = Shape{6};
  CHECK(Session::Create(net.Parse(), options).status().message() ==
        "test: input 'x': rank must be 2, not 1 ([6])");
  options.input_shapes = {{"z", Shape{1}}};
  CHECK(Session::Create(net.Parse(), options).status().message() ==
        "test: there is no input 'z'");
}

TEST_CASE("session: inputs are checked by shape and value") {
  DraftBuilder net;
  net.Output(net.Unary(fbs::ActivationKind::abs,
                       net.Input("i", {2}, fbs::DataType::int32)));
  auto session = MakeSession(net);
  std::vector<int64_t> values = {-5, int64_t{1} << 40};
  const TensorView wide =
      DenseView({DataType::kInt64, Shape{2}}, values.data());
  CHECK(session->SetInput(0, wide).message() ==
        "input 'i': value 1099511627776 at element 1 does not fit int32");
  values[1] = 7;
  CHECK(session->SetInput(0, wide).ok());
  REQUIRE(session->Run().ok());
  CHECK(LoadInts(session->Output(0)) == std::vector<int64_t>{5, 7});
  std::vector<float> floats = {1, 2};
  CHECK(session
            ->SetInput(0,
                       DenseView({DataType::kFloat32, Shape{2}}, floats.data()))
            .code() == StatusCode::kInvalidArgument);
  CHECK(
      session
          ->SetInput(0, DenseView({DataType::kInt64, Shape{1}}, values.data()))
          .message() == "input 'i' has shape [2], the given array [1]");
}

TEST_CASE(
    "session: a second run sees the same inputs although memory is reused") {
  DraftBuilder net;
  const int x = net.Input("x", {1, 100});
  int value = x;
  for (int i = 0; i < 5; ++i)
    value = net.Unary(fbs::ActivationKind::relu, value);
  net.Output(net.Binary(fbs::ElementwiseKind::add, value, x));
  auto session = MakeSession(net);
  const std::vector<float> first =
      RunFloats(*session, std::vector<float>(100, 3), {1, 100});
  REQUIRE(session->Run().ok());
  CHECK(LoadFloats(session->Output(0)) == first);
  CHECK(first[99] == 6);
}

TEST_CASE("session: graph outputs may be inputs, constants and shared values") {
  DraftBuilder net;
  const int x = net.Input("x", {2});
  const int y = net.Unary(fbs::ActivationKind::neg, x);
  net.Output(y);
  net.Output(x);
  net.Output(net.Constant({2}, {0.5, 0.25}));
  auto session = MakeSession(net);
  CHECK(RunFloats(*session, {1, 2}, {2}) == std::vector<float>{-1, -2});
  CHECK(LoadFloats(session->Output(1)) == std::vector<float>{1, 2});
  CHECK(LoadFloats(session->Output(2)) == std::vector<float>{0.5, 0.25});
}

TEST_CASE("session: memory over the limit is refused before it is taken") {
  DraftBuilder net;
  net.Output(
      net.Unary(fbs::ActivationKind::relu, net.Input("x", {1 << 20, 1 << 18})));
  SessionOptions options;
  options.max_memory = 1 << 20;
  const auto session = Session::Create(net.Parse(), options);
  CHECK(session.status().code() == StatusCode::kLimit);
}

// A small window over a plane of any size.
DraftBuilder PooledNet(const std::vector<int64_t>& dims) {
  fbs::PoolT pool;
  pool.kind = fbs::PoolKind::average;
  pool.kernel = {2, 2};
  DraftBuilder net;
  net.Output(net.Node(pool, {net.Input("x", dims)}));
  return net;
}

TEST_CASE("session: extents beyond any memory are refused before lowering") {
  DraftBuilder net = PooledNet({1, 2, int64_t{1} << 36, 6});
  CHECK(Session::Create(net.Parse(), {}).status().code() ==
        StatusCode::kOutOfMemory);
}

TEST_CASE("session: an empty result costs nothing whatever its other extents") {
  DraftBuilder net = PooledNet({0, 2, int64_t{1} << 36, 6});
  auto session = MakeSession(net);
  REQUIRE(session->Run().ok());
  CHECK(session->Output(0).shape == Shape({0, 2, (int64_t{1} << 36) - 1, 5}));
}

TEST_CASE("N9: thread counts and rungs give the same bytes") {
  DraftBuilder net;
  const int x = net.Input("x", {1, 8, 33, 47});
  std::vector<double> weights(8 * 8 * 9);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = static_cast<double>(i % 23) / 64 - 0.17;
  fbs::ConvT conv;
  conv.pads = {1, 1, 1, 1};
  const int y = net.Node(conv, {x, net.Constant({8, 8, 3, 3}, weights)});
  fbs::SoftmaxT softmax;
  net.Output(net.Node(softmax, {net.Unary(fbs::ActivationKind::sigmoid, y)}));
  std::vector<float> input(8 * 33 * 47);
  for (size_t i = 0; i < input.size(); ++i)
    input[i] = static_cast<float>(i % 101) / 32 - 1.5F;
  std::vector<float> expected;
  for (Rung rung : {Rung::kReference, Rung::kScalar, Rung::kSimd}) {
    for (int threads : {1, 2, 3, 8}) {
      SessionOptions options;
      options.rung = rung;
      options.threads = threads;
      const std::vector<float> result =
          RunFloats(*MakeSession(net, options), input, {1, 8, 33, 47});
      if (expected.empty()) expected = result;
      CHECK(std::memcmp(result.data(), expected.data(),
                        expected.size() * sizeof(float)) == 0);
    }
  }
}

SessionOptions OnEngine(const std::string& profile,
                        const std::string& option = "") {
  SessionOptions options;
  options.numerics = Numerics::kDevice;
  Profile chosen = NamedProfile(profile).value();
  if (!option.empty()) REQUIRE(ApplyOption(&chosen, option).ok());
  options.device = std::make_shared<const DeviceContext>(chosen);
  return options;
}

TEST_CASE("N24: a product and the sum that alone reads it are one MAC on H13") {
  // Sixteen times B, -B, 1 with B = 4096: the window of 12 bits leaves 4 (N14),
  // binary32 gives 16.
  DraftBuilder net;
  const int x = net.Input("x", {1, 48});
  const int ones = net.Constant({1, 48}, std::vector<double>(48, 1.0));
  const int product = net.Binary(fbs::ElementwiseKind::mul, x, ones);
  fbs::ReduceT sum;
  sum.axes = {1};
  net.Output(net.Node(sum, {product}));
  std::vector<float> list;
  for (int i = 0; i < 16; ++i)
    for (const float value : {4096.0f, -4096.0f, 1.0f}) list.push_back(value);
  for (Rung rung : {Rung::kReference, Rung::kScalar, Rung::kSimd}) {
    const auto result = [&](SessionOptions options) {
      options.rung = rung;
      return RunFloats(*MakeSession(net, options), list, {1, 48})[0];
    };
    CHECK(result(OnEngine("h13")) == 4.0f);
    CHECK(result(OnEngine("h13", "mul_reduce_as_mac=false")) == 16.0f);
    CHECK(result(OnEngine("h16")) == 16.0f);
    CHECK(result({}) == 16.0f);
  }
}

TEST_CASE("N24: a product that another op reads stays one of its own") {
  DraftBuilder net;
  const int x = net.Input("x", {1, 3});
  const int ones = net.Constant({1, 3}, {1, 1, 1});
  const int product = net.Binary(fbs::ElementwiseKind::mul, x, ones);
  fbs::ReduceT sum;
  sum.axes = {1};
  net.Output(net.Node(sum, {product}));
  net.Output(product);
  const auto session = MakeSession(net, OnEngine("h13"));
  // 4096 + 1 - 4096 in the window is 0 (N10), in binary32 1.
  CHECK(RunFloats(*session, {4096, 1, -4096}, {1, 3})[0] == 1.0f);
  CHECK(LoadFloats(session->Output(1)) == std::vector<float>{4096, 1, -4096});
}

// y = x * w, w = 0.1f * 127 stored as a scaled integer.
std::shared_ptr<const Net> ScaledIntegerNet() {
  NetDraft draft;
  auto graph = std::make_unique<fbs::GraphT>();
  for (const char* name : {"x", "w", "y"}) {
    auto tensor = std::make_unique<fbs::TensorT>();
    tensor->name = name;
    tensor->shape = {1};
    tensor->has_shape = true;
    graph->tensors.push_back(std::move(tensor));
  }
  graph->tensors[1]->constant = 0;
  auto parts = std::make_shared<CompressedConstant>();
  parts->parts.encoding = fbs::Encoding::affine;
  parts->parts.stored = fbs::DataType::float32;
  parts->parts.bits = 8;
  parts->data = {std::byte{127}};
  const float scale = 0.1f;
  parts->scales.resize(sizeof scale);
  std::memcpy(parts->scales.data(), &scale, sizeof scale);
  draft.constants.push_back({DataType::kFloat32, Shape{1}, {}, parts});
  auto node = std::make_unique<fbs::NodeT>();
  fbs::ElementwiseT mul;
  mul.kind = fbs::ElementwiseKind::mul;
  node->op.Set(std::move(mul));
  node->inputs = {0, 1};
  node->outputs = {2};
  graph->nodes.push_back(std::move(node));
  for (int i : {0, 2}) {
    auto port = std::make_unique<fbs::PortT>();
    port->tensor = i;
    (i == 0 ? graph->inputs : graph->outputs).push_back(std::move(port));
  }
  draft.net.graphs.push_back(std::move(graph));
  return Net::Parse(File::FromBuffer(WriteNet(std::move(draft)).value()), "net")
      .value();
}

TEST_CASE("N60: the engine reads the scale of an integer weight as fp16") {
  const auto result = [](const SessionOptions& options) {
    auto session = Session::Create(ScaledIntegerNet(), options).value();
    RunFloats(*session, {1}, {1});
    return *session->Output(0).Row<uint16_t>(0);
  };
  CHECK(result({}) == 0x4A5A);               // RN16(12.7)
  CHECK(result(OnEngine("h13")) == 0x4A59);  // RN16(127 * 0.0999755859375)
}

}  // namespace aneref
