// Rotary embedding: quarter turns and literal pairs in both layouts, caches by
// position and by step, hostile nodes.
#include <doctest/doctest.h>

#include "tests/support/op_runner.h"

namespace aneref {
namespace {

using test::Float;
using test::Half;
using test::Ints;
using test::RunOp;
using test::TestTensor;
using List = std::vector<double>;

List Rotate(const fbs::RotaryEmbeddingT& attributes,
            const std::vector<TestTensor>& inputs) {
  const auto result = RunOp(rotary_embedding_op, attributes, inputs);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Values();
}

TEST_CASE("rotary_embedding: halves pair by default") {
  // Pairs (1, 3) and (2, 4) with cos 2, 3 and sin 5, 7:
  // 2-15, 6-28, 5+6, 14+12.
  CHECK_EQ(Rotate({}, {Float({1, 1, 1, 4}, {1, 2, 3, 4}),
                       Float({1, 1, 2}, {2, 3}), Float({1, 1, 2}, {5, 7})}),
           List{-13, -22, 11, 26});
}

TEST_CASE("rotary_embedding: interleaved pairs are neighbours") {
  fbs::RotaryEmbeddingT attributes;
  attributes.interleaved = true;
  // (1, 2): 2-10, 5+4; (3, 4): 9-28, 21+12.
  CHECK_EQ(
      Rotate(attributes, {Float({1, 1, 1, 4}, {1, 2, 3, 4}),
                          Float({1, 1, 2}, {2, 3}), Float({1, 1, 2}, {5, 7})}),
      List{-8, 9, -19, 33});
}

TEST_CASE("rotary_embedding: features behind the rotated ones pass") {
  fbs::RotaryEmbeddingT attributes;
  attributes.rotary_dim = 2;
  CHECK_EQ(Rotate(attributes, {Half({1, 1, 1, 4}, {1, 2, 3, 4}),
                               Half({1, 1, 1}, {0}), Half({1, 1, 1}, {1})}),
           List{-2, 1, 3, 4});
}

TEST_CASE("rotary_embedding: positions choose rows of the caches") {
  // Two heads and two steps; position 0 keeps, position 1 is a quarter turn.
  const TestTensor cosine = Float({2, 1}, {1, 0}), sine = Float({2, 1}, {0, 1});
  const TestTensor positions = Ints({1, 2}, {1, 0});
  CHECK_EQ(Rotate({}, {Float({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), cosine,
                       sine, positions}),
           List{-2, 1, 3, 4, -6, 5, 7, 8});
  // Rank 3: step 0 holds 1 2 and 3 4, step 1 holds 5 6 and 7 8.
  fbs::RotaryEmbeddingT attributes;
  attributes.heads = 2;
  CHECK_EQ(Rotate(attributes, {Float({1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}),
                               cosine, sine, positions}),
           List{-2, 1, -4, 3, 5, 6, 7, 8});
}

TEST_CASE("rotary_embedding: hostile nodes and positions are refused") {
  const TestTensor x = Float({1, 1, 1, 2}, {1, 2});
  const TestTensor cache = Float({2, 1}, {1, 0});
  const auto status = [&](const fbs::RotaryEmbeddingT& attributes,
                          const std::vector<TestTensor>& inputs) {
    return RunOp(rotary_embedding_op, attributes, inputs).status;
  };
  CHECK(status({}, {x, cache, cache, Ints({1, 1}, {1})}).ok());
  for (const double position : {-1.0, 2.0}) {
    CHECK_EQ(status({}, {x, cache, cache, Ints({1, 1}, {position})}).code(),
             StatusCode::kInvalidArgument);
  }
  CHECK_FALSE(status({}, {x, cache}).ok());
  CHECK_FALSE(status({}, {x, cache, cache}).ok());
  CHECK_FALSE(status({}, {x, cache, cache, Ints({1, 2}, {0, 0})}).ok());
  CHECK_FALSE(status({}, {x, cache, cache, Float({1, 1}, {0})}).ok());
  CHECK_FALSE(
      status({}, {Float({1, 1, 2}, {1, 2}), cache, cache, Ints({1, 1}, {0})})
          .ok());
  for (const int rotated : {-2, 1, 4}) {
    fbs::RotaryEmbeddingT attributes;
    attributes.rotary_dim = rotated;
    CHECK_FALSE(status(attributes, {x, cache, cache, Ints({1, 1}, {0})}).ok());
  }
}

}  // namespace
}  // namespace aneref
