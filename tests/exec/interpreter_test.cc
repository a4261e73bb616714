// Runs node by node: what they keep for the next run, and their memory.
#include "runtime/exec/interpreter.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "runtime/exec/session.h"
#include "tests/support/draft.h"

namespace aneref {
namespace {

using test::DraftBuilder;

struct Heap {
  int live = 0;
  int made = 0;
  BlockSource Source() {
    return {this,
            [](void* user, size_t bytes, size_t alignment) -> void* {
              auto* heap = static_cast<Heap*>(user);
              ++heap->live;
              ++heap->made;
              return std::aligned_alloc(alignment, bytes);
            },
            [](void* user, void* memory, size_t, size_t) {
              --static_cast<Heap*>(user)->live;
              std::free(memory);
            }};
  }
};

// conv 3x3 of x, 8 channels of 6x6, to 16; then a shape that is fed.
DraftBuilder ConvThenReshape(bool with_reshape) {
  DraftBuilder draft;
  const int x = draft.Input("x", {1, 8, 6, 6});
  fbs::ConvT conv;
  conv.pads = {1, 1, 1, 1};
  std::vector<double> weights(16 * 8 * 9);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = static_cast<double>(i % 13) / 16 - 0.375;
  const int y = draft.Node(conv, {x, draft.Constant({16, 8, 3, 3}, weights)});
  if (!with_reshape) {
    draft.Output(y);
    return draft;
  }
  const int shape = draft.Input("shape", {2}, fbs::DataType::int64);
  draft.Output(draft.Node(fbs::ReshapeT(), {y, shape}));
  return draft;
}

std::vector<float> Ramp(size_t count) {
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(i % 31) / 8 - 1.5F;
  return values;
}

HostValues Inputs(const Interpreter& interpreter, std::vector<float> values,
                  std::vector<int64_t> extents) {
  HostValues inputs;
  const auto add = [&](DataType declared, const TensorView& dense) {
    auto value = MakeHostValue({declared, dense.shape}, dense,
                               Numerics::kPortable, interpreter.memory());
    REQUIRE_MESSAGE(value.ok(), value.status().ToString());
    inputs.push_back(std::move(*value));
  };
  add(DataType::kFloat16,
      DenseView({DataType::kFloat32, {1, 8, 6, 6}}, values.data()));
  const auto rank = static_cast<int64_t>(extents.size());
  add(DataType::kInt64, DenseView({DataType::kInt64, {rank}}, extents.data()));
  return inputs;
}

}  // namespace

TEST_CASE("P21: weights are packed once, in the source's memory") {
  DraftBuilder draft = ConvThenReshape(true);
  const std::shared_ptr<const Net> net = draft.Parse();
  const std::vector<float> values = Ramp(8 * 36);
  DraftBuilder planned = ConvThenReshape(false);
  auto session = Session::Create(planned.Parse(), {});
  REQUIRE(session.ok());
  std::vector<float> copy = values;
  REQUIRE((*session)
              ->SetInput(
                  0, DenseView({DataType::kFloat32, {1, 8, 6, 6}}, copy.data()))
              .ok());
  REQUIRE((*session)->Run().ok());
  const std::vector<float> expected = LoadFloats((*session)->Output(0));

  Heap heap;
  InterpreterOptions options;
  options.source = heap.Source();
  {
    Interpreter interpreter(*net, options, 1);
    int made_by_first = 0, live_after_first = 0;
    uint64_t used_after_first = 0;
    for (int run = 0; run < 4; ++run) {
      const int before = heap.made;
      {
        const HostValues in =
            Inputs(interpreter, values,
                   run % 2 == 0 ? std::vector<int64_t>{16, 36}
                                : std::vector<int64_t>{4, 144});
        auto out = interpreter.Run(in, nullptr);
        REQUIRE_MESSAGE(out.ok(), out.status().ToString());
        CHECK((*out)[0].view.shape ==
              (run % 2 == 0 ? Shape{16, 36} : Shape{4, 144}));
        CHECK(LoadFloats((*out)[0].view) == expected);
      }
      if (run == 0) {
        made_by_first = heap.made - before;
        live_after_first = heap.live;
        used_after_first = interpreter.memory().used();
        // 16 x 8 x 9 weights of two bytes at least.
        CHECK(used_after_first >= 2304);
      } else {
        // Weights and scratch stay; values go.
        CHECK(heap.made - before < made_by_first);
        CHECK(heap.live == live_after_first);
        CHECK(interpreter.memory().used() == used_after_first);
      }
    }
  }
  CHECK(heap.live == 0);
}

TEST_CASE("P21: packed weights over the limit are refused") {
  DraftBuilder draft = ConvThenReshape(true);
  const std::shared_ptr<const Net> net = draft.Parse();
  InterpreterOptions options;
  options.max_memory = 2500;  // the input takes 2 x 288, padded more
  Interpreter interpreter(*net, options, 1);
  auto value = NewValue({DataType::kFloat16, {1, 8, 6, 6}},
                        {DataType::kFloat16, {1, 8, 6, 6}});
  auto shape = NewValue({DataType::kInt64, {2}}, {DataType::kInt64, {2}});
  REQUIRE((value.ok() && shape.ok()));
  const auto out = interpreter.Run({*value, *shape}, nullptr);
  CHECK(out.status().code() == StatusCode::kLimit);
  CHECK(out.status().message().find("2500 are allowed (--max-memory)") !=
        std::string::npos);
}

TEST_CASE("P21: runs without a plan are profiled, too") {
  DraftBuilder draft = ConvThenReshape(true);
  auto session = Session::Create(draft.Parse(), {});
  REQUIRE(session.ok());
  std::vector<float> values = Ramp(8 * 36);
  std::vector<int64_t> extents = {16, 36};
  REQUIRE((*session)
              ->SetInput(0, DenseView({DataType::kFloat32, {1, 8, 6, 6}},
                                      values.data()))
              .ok());
  REQUIRE((*session)
              ->SetInput(1, DenseView({DataType::kInt64, {2}}, extents.data()))
              .ok());
  REQUIRE((*session)->Run().ok());
  CHECK((*session)->profile().empty());
  (*session)->EnableProfile(true);
  for (int run = 0; run < 2; ++run) {
    REQUIRE((*session)->Run().ok());
    const std::vector<TaskProfile>& profile = (*session)->profile();
    REQUIRE(profile.size() == 2);
    CHECK(profile[0].op == "conv");
    CHECK(profile[0].output.shape == Shape{1, 16, 6, 6});
    CHECK(profile[0].flops == 2.0 * 8 * 9 * 16 * 36);
    CHECK(profile[0].seconds > 0);
    CHECK(profile[1].op == "reshape");
    CHECK(profile[1].output.shape == Shape{16, 36});
  }
  CHECK((*session)->weight_bytes() >= 2304);
}

TEST_CASE("P21: values that nobody reads any more make room") {
  DraftBuilder draft;
  const int x = draft.Input("x", {64, 32});  // surfaces of 4096 bytes
  const int shape = draft.Input("shape", {2}, fbs::DataType::int64);
  int y = x;
  for (int i = 0; i < 10; ++i) y = draft.Unary(fbs::ActivationKind::relu, y);
  draft.Output(draft.Node(fbs::ReshapeT(), {y, shape}));
  const std::shared_ptr<const Net> net = draft.Parse();
  InterpreterOptions options;
  options.max_memory = 3 * 4096 + 128;
  for (const bool enough : {true, false}) {
    if (!enough) options.max_memory = 2 * 4096;
    Interpreter interpreter(*net, options, 1);
    auto in = NewValue({DataType::kFloat16, {64, 32}},
                       {DataType::kFloat16, {64, 32}}, interpreter.memory());
    std::vector<int64_t> extents = {32, 64};
    auto fed = MakeHostValue({DataType::kInt64, {2}},
                             DenseView({DataType::kInt64, {2}}, extents.data()),
                             Numerics::kPortable, interpreter.memory());
    REQUIRE((in.ok() && fed.ok()));
    const auto out = interpreter.Run({*in, *fed}, nullptr);
    CHECK(out.status().code() ==
          (enough ? StatusCode::kOk : StatusCode::kLimit));
  }
}

}  // namespace aneref
