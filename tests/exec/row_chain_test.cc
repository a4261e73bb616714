// Attention computed band by band of rows (ops/row_chain.h): results by hand,
// on every target and for every number of threads, the bits of the ops one by
// one, and what is left to those.
#include "ops/row_chain.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "runtime/core/half.h"
#include "runtime/exec/run_hooks.h"
#include "runtime/exec/session.h"
#include "tests/support/draft.h"
#include "tests/support/each_target.h"
#include "tests/support/sessions.h"

namespace aneref {
namespace {

using fbs::ElementwiseKind;
using test::BitsOf;
using test::DraftBuilder;
using test::MakeSession;

// What stands between the first product and the softmax.
enum class Between : uint8_t {
  kNothing,
  kTimes,        // scores * 0.5
  kDivided,      // scores / 2
  kMaskOfKeys,   // + [J]
  kMaskOfRows,   // [1, 1, M, J] +
  kMaskOfHeads,  // + [1, H, 1, J]
};

// q [B, H, M, D], k [B, H, J, D], v [B, H, J, N].
struct Case {
  int64_t batch, heads, queries, keys, depth, width;
  Between between = Between::kNothing;
  bool transposed_keys = false;  // k is [B, H, D, J] already

  Shape Queries() const { return {batch, heads, queries, depth}; }
  Shape Keys() const {
    return transposed_keys ? Shape{batch, heads, depth, keys}
                           : Shape{batch, heads, keys, depth};
  }
  Shape Values() const { return {batch, heads, keys, width}; }
  Shape Mask() const {
    if (between == Between::kMaskOfKeys) return {keys};
    if (between == Between::kMaskOfRows) return {1, 1, queries, keys};
    return {1, heads, 1, keys};
  }
  bool IsMasked() const { return between >= Between::kMaskOfKeys; }
};

// Bands end in the middle of tiles, matrices share units and do not, one unit
// has several bands.
const Case kCases[] = {
    {1, 3, 197, 64, 64, 64, Between::kTimes},
    {2, 2, 300, 32, 16, 40, Between::kDivided, true},
    {1, 1, 1500, 128, 64, 5, Between::kMaskOfKeys},
    {1, 2, 611, 64, 32, 70, Between::kMaskOfRows},
    {3, 2, 120, 64, 8, 33, Between::kMaskOfHeads, true},
    {1, 1, 113, 1024, 4, 64, Between::kNothing},
    {1, 6, 1030, 256, 16, 16, Between::kMaskOfRows},
};

int64_t Matrices(const Case& c) { return c.batch * c.heads; }

// Query m asks for keys that are like m modulo D: their scores are 64 or more,
// all others 0, whose exponentials vanish beside them (e^-32 is 0 in fp16, and
// in the sum).
std::vector<float> QueriesOf(const Case& c) {
  std::vector<float> q;
  for (int64_t i = 0; i < Matrices(c) * c.queries; ++i) {
    for (int64_t d = 0; d < c.depth; ++d)
      q.push_back(i % c.queries % c.depth == d ? 16 : 0);
  }
  return q;
}
std::vector<float> KeysOf(const Case& c) {
  std::vector<float> k;
  const int64_t inner = c.transposed_keys ? c.keys : c.depth;
  for (int64_t i = 0; i < Matrices(c) * c.keys * c.depth; ++i) {
    const int64_t row = i / inner % (c.keys * c.depth / inner);
    const int64_t j = c.transposed_keys ? i % inner : row;
    const int64_t d = c.transposed_keys ? row : i % inner;
    k.push_back(j % c.depth == d ? 8 : 0);
  }
  return k;
}
float ValueAt(const Case& c, int64_t matrix, int64_t j, int64_t n) {
  return static_cast<float>(
      (40 * matrix + j / c.depth + 3 * (j % c.depth) + n) % 509);
}
std::vector<float> ValuesOf(const Case& c) {
  std::vector<float> v;
  for (int64_t m = 0; m < Matrices(c); ++m) {
    for (int64_t j = 0; j < c.keys; ++j) {
      for (int64_t n = 0; n < c.width; ++n) v.push_back(ValueAt(c, m, j, n));
    }
  }
  return v;
}
// Masks leave one of the keys of a residue: which, by row and head.
int64_t KeptKey(const Case& c, int64_t row, int64_t head) {
  const int64_t choices = c.keys / c.depth;
  if (c.between == Between::kMaskOfRows) return row % choices;
  return c.between == Between::kMaskOfHeads ? head % choices : 1;
}
std::vector<float> MaskOf(const Case& c) {
  std::vector<float> mask;
  const Shape shape = c.Mask();
  for (int64_t i = 0; i < shape.NumElements(); ++i) {
    const int64_t j = i % c.keys, index = i / c.keys;
    const bool keeps = j / c.depth == KeptKey(c, index, index);
    mask.push_back(keeps ? 0 : -65504);
  }
  return mask;
}

// The value that is kept, or the mean of those of all keys of the residue: sums
// of up to 256 values below 512 are exact, and so is their part of a power of
// two, until the result is rounded.
std::vector<uint16_t> ExpectedBits(const Case& c) {
  std::vector<uint16_t> bits;
  const int64_t choices = c.keys / c.depth;
  for (int64_t m = 0; m < Matrices(c); ++m) {
    for (int64_t row = 0; row < c.queries; ++row) {
      const int64_t residue = row % c.depth;
      for (int64_t n = 0; n < c.width; ++n) {
        float sum = 0;
        for (int64_t i = 0; i < choices; ++i)
          sum += ValueAt(c, m, residue + i * c.depth, n);
        const int64_t kept = KeptKey(c, row, m % c.heads);
        bits.push_back(FloatToHalf(
            c.IsMasked() ? ValueAt(c, m, residue + kept * c.depth, n)
                         : sum / static_cast<float>(choices)));
      }
    }
  }
  return bits;
}

int AddBetween(const Case& c, int scores, DraftBuilder* net) {
  switch (c.between) {
    case Between::kNothing:
      return scores;
    case Between::kTimes:
      return net->Binary(ElementwiseKind::mul, scores,
                         net->Constant({}, {0.5}));
    case Between::kDivided:
      return net->Binary(ElementwiseKind::div, scores, net->Constant({1}, {2}));
    default:
      break;
  }
  const int mask = net->Input("mask", c.Mask().ToVector());
  return c.between == Between::kMaskOfRows
             ? net->Binary(ElementwiseKind::add, mask, scores)
             : net->Binary(ElementwiseKind::add, scores, mask);
}

// Queries, keys and values are computed, so that their memory is free for
// others behind their last use; values only when the scores are there. The
// first output is the result; returns the weights of the values.
int Build(const Case& c, DraftBuilder* net) {
  const auto input = [&](const char* name, const Shape& shape) {
    return net->Unary(fbs::ActivationKind::neg,
                      net->Input(name, shape.ToVector()));
  };
  const int q = input("q", c.Queries());
  const int k = input("k", c.Keys());
  fbs::MatmulT product;
  product.transpose_y = !c.transposed_keys;
  const int scores = AddBetween(c, net->Node(product, {q, k}), net);
  const int v = input("v", c.Values());
  const int weights = net->Node(fbs::SoftmaxT(), {scores});
  net->Output(net->Node(fbs::MatmulT(), {weights, v}));
  return weights;
}

void Set(Session* session, const char* name, const Shape& shape,
         std::vector<float> values) {
  for (size_t port = 0; port < session->inputs().size(); ++port) {
    if (session->inputs()[port].name != name) continue;
    const TensorType type = {DataType::kFloat32, shape};
    REQUIRE(session->SetInput(port, DenseView(type, values.data())).ok());
    return;
  }
  FAIL("no input ", name);
}

void Feed(const Case& c, Session* session) {
  const auto negative = [](std::vector<float> values) {
    for (float& value : values) value = -value;
    return values;
  };
  Set(session, "q", c.Queries(), negative(QueriesOf(c)));
  Set(session, "k", c.Keys(), negative(KeysOf(c)));
  Set(session, "v", c.Values(), negative(ValuesOf(c)));
  if (c.IsMasked()) Set(session, "mask", c.Mask(), MaskOf(c));
}

// Calls that another one computed.
int64_t CountWithin(const Session& session) {
  return std::count_if(session.profile().begin(), session.profile().end(),
                       [](const TaskProfile& row) { return row.within >= 0; });
}

class Observer : public RunHooks {
 public:
  bool SeesOps() const override { return true; }
  Status BeforeCall() override { return Status(); }
  Status AfterOp(const OpDone& op) override {
    static_cast<void>(op);
    ++num_ops;
    return Status();
  }
  int num_ops = 0;
};

}  // namespace

TEST_CASE("P10: attention in bands of rows, by hand") {
  for (const Case& c : kCases) {
    CAPTURE(c.queries);
    CAPTURE(c.keys);
    CAPTURE(static_cast<int>(c.between));
    DraftBuilder net;
    Build(c, &net);
    const std::vector<uint16_t> expected = ExpectedBits(c);
    auto session = MakeSession(net);
    Feed(c, session.get());
    test::ForEachTarget([&] {
      REQUIRE(session->Run().ok());
      CHECK(BitsOf(session->Output(0)) == expected);
    });
    // The first product has computed what follows, whose scores nobody wrote.
    CHECK(CountWithin(*session) == (c.between == Between::kNothing ? 2 : 3));
    CHECK(std::any_of(session->profile().begin(), session->profile().end(),
                      [](const TaskProfile& row) {
                        return row.kernel == "row_chain" && row.flops > 0;
                      }));
    for (const int threads : {1, 3, 8}) {
      CAPTURE(threads);
      SessionOptions options;
      options.threads = threads;
      options.rung = threads == 3 ? Rung::kScalar : Rung::kSimd;
      auto other = MakeSession(net, options);
      Feed(c, other.get());
      REQUIRE(other->Run().ok());
      CHECK(BitsOf(other->Output(0)) == expected);
      CHECK(CountWithin(*other) > 0);
    }
  }
}

TEST_CASE("attention in bands: who looks sees every op and the same bits") {
  const Case& c = kCases[3];
  DraftBuilder net;
  Build(c, &net);
  auto session = MakeSession(net);
  Feed(c, session.get());
  Observer observer;
  REQUIRE(session->Run(&observer).ok());
  CHECK(observer.num_ops == 7);
  CHECK(CountWithin(*session) == 0);
  for (const TaskProfile& row : session->profile())
    CHECK(row.kernel != "row_chain");
  CHECK(BitsOf(session->Output(0)) == ExpectedBits(c));
}

// Scores of all sizes: the sums of the ops one by one, whose bits the tests of
// the ops know.
TEST_CASE("P3, P10: bands have the bits of whole tensors") {
  for (const Numerics numerics : {Numerics::kPortable, Numerics::kFp32}) {
    for (Case c : {Case{1, 3, 197, 197, 64, 64, Between::kTimes},
                   Case{1, 2, 700, 333, 24, 17, Between::kMaskOfRows, true}}) {
      CAPTURE(static_cast<int>(numerics));
      CAPTURE(c.queries);
      DraftBuilder net;
      Build(c, &net);
      SessionOptions options;
      options.numerics = numerics;
      auto session = MakeSession(net, options);
      uint32_t state = 1;
      const auto fill = [&](const char* name, const Shape& shape) {
        std::vector<float> values(static_cast<size_t>(shape.NumElements()));
        for (float& value : values) {
          state = state * 1664525u + 1013904223u;
          value = static_cast<float>(state >> 8) * 0x1p-22f - 2.0f;
        }
        Set(session.get(), name, shape, values);
      };
      fill("q", c.Queries());
      fill("k", c.Keys());
      fill("v", c.Values());
      if (c.IsMasked()) fill("mask", c.Mask());
      Observer observer;
      REQUIRE(session->Run(&observer).ok());
      const std::vector<std::byte> one_by_one =
          test::RowsOf<std::byte>(session->Output(0));
      test::ForEachTarget([&] {
        REQUIRE(session->Run().ok());
        CHECK(CountWithin(*session) == 3);
        CHECK(test::RowsOf<std::byte>(session->Output(0)) == one_by_one);
      });
    }
  }
}

TEST_CASE("attention in bands: what others read, and few rows, run alone") {
  Case c = kCases[0];
  const auto count = [](DraftBuilder& net, const Case& shapes) {
    auto session = MakeSession(net);
    Feed(shapes, session.get());
    REQUIRE(session->Run().ok());
    CHECK(BitsOf(session->Output(0)) == ExpectedBits(shapes));
    return CountWithin(*session);
  };
  c.queries = 20;
  DraftBuilder few;
  Build(c, &few);
  CHECK(count(few, c) == 0);

  c = kCases[0];
  DraftBuilder shared;
  shared.Output(Build(c, &shared));
  CHECK(count(shared, c) == 0);
}

}  // namespace aneref
