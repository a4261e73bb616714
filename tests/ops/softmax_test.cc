// Softmax, log-softmax and hardmax (P10): values by hand, the order of the sum,
// every walk against the others, bad nodes.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/support/op_runner.h"

namespace aneref::test {
namespace {

using Values = std::vector<double>;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Options {
  int axis = -1;
  bool to_end = false;
  bool log = false;
  bool hard = false;
};

RunResult Run(const TestTensor& x, const Options& options = {}) {
  fbs::SoftmaxT attributes;
  attributes.axis = options.axis;
  attributes.to_end = options.to_end;
  attributes.log = options.log;
  attributes.hard = options.hard;
  return RunOp(softmax_op, attributes, {x});
}

Values Result(const TestTensor& x, const Options& options = {}) {
  const RunResult result = Run(x, options);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  return result.outputs[0].Values();
}

bool AllNan(const Values& values) {
  for (const double value : values) {
    if (!std::isnan(value)) return false;
  }
  return true;
}

TEST_CASE("P10: equal values share the sum") {
  CHECK(Run(Half({1, 4}, {5, 5, 5, 5})).outputs[0].Bits() ==
        std::vector<uint16_t>(4, 0x3400));
  CHECK(Result(Half({3, 1}, {5, -7, 65504})) == Values{1, 1, 1});
  CHECK(Result(Half({2, 2}, {1, 1, -9, -9})) == Values{0.5, 0.5, 0.5, 0.5});
  for (const double width : {7, 15, 16, 17, 33, 65}) {
    const auto count = static_cast<size_t>(width);
    const Values y =
        Result(Float({static_cast<int64_t>(count)}, Values(count, -3)));
    CHECK(y ==
          Values(count, static_cast<double>(1.0f / static_cast<float>(width))));
  }
}

TEST_CASE("P10: exponentials are those of P9") {
  // ExpFloat(-1) = 3EBC5AB2 = 0.3678794503211975; the sum 1.36787939 rounds
  // to 1.3678794 (fp32).
  const float e = 0x1.78b564p-2f;
  const float sum = 1.0f + e;
  const Values y = Result(Float({2}, {1, 0}));
  CHECK(y[0] == static_cast<double>(1.0f / sum));
  CHECK(y[1] == static_cast<double>(e / sum));
  CHECK(Run(Half({2}, {1, 0})).outputs[0].Bits() ==
        std::vector<uint16_t>{0x39D9, 0x344E});  // 0.73106, 0.26894
}

// One exponential of 1 and many of ExpFloat(-17) = 4.13993803e-8 =
// 0x1.639e32p-25: added to 1 one by one each is lost (half a unit of 1 is
// 2^-24), but partial sums collect them.
TEST_CASE("P10: the sum has 16 partial sums") {
  Values x(33, -17);
  x[0] = 0;
  const float tiny = 0x1.639e32p-25f;
  // Partial 0: 1 + e(16) + e(32) = 1. Partials 1 ... 15: e + e.
  const float pair = tiny + tiny;
  const float four = pair + pair;
  const float eight = four + four;
  // l+8: partial 0 = 1 + pair; 1 ... 7 = four. l+4: 0 = that + four, 1 ... 3 =
  // eight. l+2: + eight, 1 = sixteen. l+1.
  const float sum = (((1.0f + pair) + four) + eight) + (eight + eight);
  CHECK(sum > 1.0f);
  CHECK(Result(Float({33}, x))[0] == static_cast<double>(1.0f / sum));
  Values transposed_x;
  for (const double value : x)
    transposed_x.insert(transposed_x.end(), {value, value});
  CHECK(Result(Float({33, 2}, transposed_x), {.axis = 0})[1] ==
        static_cast<double>(1.0f / sum));
}

// ExpFloat(-17) is lost beside 1, but two of a later block of 4,096 elements
// make 0x1.639e32p-24, more than half a unit: the sum is 1 + 2^-23, and 1 / sum
// rounds to 1 - 2^-23.
TEST_CASE("P10: sums of more than 4096 elements add block by block") {
  Values x(8200, -kInf);
  x[0] = 0;
  x[4096] = x[4112] = -17;
  CHECK(Result(Float({8200}, x))[0] == 0x1.fffffcp-1);
  CHECK(Result(Float({8200, 1}, x), {.axis = 0})[0] == 0x1.fffffcp-1);
  Values columns;
  for (const double value : x) columns.insert(columns.end(), {value, value});
  CHECK(Result(Float({8200, 2}, columns), {.axis = 0})[1] == 0x1.fffffcp-1);
  x[4112] = -kInf;
  x[16] = -17;
  CHECK(Result(Float({8200}, x))[0] == 1.0);
}

TEST_CASE("P10: infinities and NaN") {
  CHECK(Result(Half({3}, {-kInf, 0, -kInf})) == Values{0, 1, 0});
  CHECK(AllNan(Result(Half({3}, {-kInf, -kInf, -kInf}))));
  CHECK(AllNan(Result(Half({3}, {kInf, 0, 1}))));
  CHECK(AllNan(Result(Half({3}, {kNan, 0, 1}))));
  CHECK(AllNan(Result(Float({17}, Values(17, -kInf)))));
  CHECK(AllNan(Result(Half({3, 1}, {0, kNan, 1}), {.axis = 0})));
  CHECK(AllNan(Result(Half({2}, {-kInf, -kInf}), {.log = true})));
  CHECK(Run(Half({1}, {kNan})).outputs[0].Bits()[0] == 0x7E00);
  CHECK(Result(Half({2}, {65504, -65504})) == Values{1, 0});
}

TEST_CASE("P10: log-softmax") {
  // log 4 = 1.3862943611 -> fp32 1.386294365 -> fp16 1.38671875.
  CHECK(Result(Half({4}, {3, 3, 3, 3}), {.log = true}) ==
        Values(4, -1.38671875));
  CHECK(Result(Float({4}, {3, 3, 3, 3}), {.log = true}) ==
        Values(4, -1.38629436492919921875));
  CHECK(Result(Float({1}, {7}), {.log = true}) == Values{0});
  CHECK(Result(Half({3}, {0, -kInf, -200}), {.log = true}) ==
        Values{0, -kInf, -200});
  CHECK(Result(Float({4, 2}, {3, 0, 3, 0, 3, 0, 3, 0}),
               {.axis = 0, .log = true}) == Values(8, -1.38629436492919921875));
}

TEST_CASE("P10: hardmax marks the first maximum") {
  CHECK(Result(Half({2, 3}, {1, 5, 5, 3, 2, 1}), {.hard = true}) ==
        Values{0, 1, 0, 1, 0, 0});
  CHECK(Result(Half({2, 3}, {1, 5, 5, 3, 2, 9}), {.axis = 0, .hard = true}) ==
        Values{0, 1, 0, 1, 0, 1});
  CHECK(Result(Half({2, 3}, {1, 5, 5, 3, 2, 9}),
               {.axis = 0, .to_end = true, .hard = true}) ==
        Values{0, 0, 0, 0, 0, 1});
  CHECK(Result(Half({3}, {-kInf, -kInf, -kInf}), {.hard = true}) ==
        Values{1, 0, 0});
  CHECK(Result(Half({3}, {1, kNan, kInf}), {.hard = true}) == Values{0, 1, 0});
  CHECK(Result(Make(DataType::kFloat64, {2}, {1, 2}), {.hard = true}) ==
        Values{0, 1});
}

TEST_CASE("P10: to_end normalises jointly") {
  CHECK(Result(Half({2, 2, 2}, {1, 1, 1, 1, 9, 9, 9, 9}),
               {.axis = 1, .to_end = true}) == Values(8, 0.25));
  CHECK(Result(Half({2, 2, 2}, {0, 0, 0, 0, 0, 0, 0, 0}),
               {.axis = 0, .to_end = true}) == Values(8, 0.125));
  CHECK(Result(Half({2, 2, 2}, {0, 0, 0, 0, 0, 0, 0, 0}),
               {.axis = -1, .to_end = true}) == Values(8, 0.5));
}

// The same groups in three layouts must give the same bits.
TEST_CASE("P10: an axis gives the same bits wherever it stands") {
  uint32_t seed = 1;
  for (const int64_t extent : {1, 2, 7, 15, 16, 17, 21, 33, 100}) {
    for (const int64_t others : {1, 7, 16, 65, 70}) {
      for (const bool log : {false, true}) {
        const TestTensor last =
            Random(DataType::kFloat16, {others, extent}, seed++);
        const Values x = last.Values();
        Values moved(x.size());
        for (int64_t o = 0; o < others; ++o) {
          for (int64_t k = 0; k < extent; ++k) {
            moved[static_cast<size_t>(k * others + o)] =
                x[static_cast<size_t>(o * extent + k)];
          }
        }
        const Values y = Result(last, {.log = log});
        const Values z =
            Result(Half({extent, others}, moved), {.axis = 0, .log = log});
        const Values middle = Result(Half({1, extent, others, 1}, moved),
                                     {.axis = 1, .log = log});
        const Values joint = Result(Half({others, 1, extent}, x),
                                    {.axis = 1, .to_end = true, .log = log});
        CHECK(joint == y);
        CHECK(middle == z);
        bool same = true;
        for (int64_t o = 0; o < others; ++o) {
          for (int64_t k = 0; k < extent; ++k) {
            same = same && z[static_cast<size_t>(k * others + o)] ==
                               y[static_cast<size_t>(o * extent + k)];
          }
        }
        CHECK(same);
      }
    }
  }
}

TEST_CASE("P10: rungs agree on many shapes with special values") {
  uint32_t seed = 1;
  for (const Shape& shape :
       {Shape{5}, Shape{3, 1000}, Shape{2, 3, 5, 7}, Shape{2, 21, 13, 17},
        Shape{1, 2, 3, 4, 5, 33}, Shape{40, 40, 65}, Shape{0}, Shape{3, 0},
        Shape{0, 3}, Shape{2, 0, 3}}) {
    for (int axis = 0; axis < static_cast<int>(shape.rank()); ++axis) {
      for (const int mode : {0, 1, 2, 3}) {
        const DataType type =
            seed % 2 == 0 ? DataType::kFloat16 : DataType::kFloat32;
        const Options options = {axis, (mode & 1) != 0, (mode & 2) != 0, false};
        const RunResult result =
            Run(Random(type, shape, seed, seed % 3 == 0), options);
        CHECK(result.status.ok());
        ++seed;
      }
      CHECK(Run(Random(DataType::kFloat16, shape, seed++, true),
                {.axis = axis, .hard = true})
                .status.ok());
      CHECK(Run(Random(DataType::kFloat64, shape, seed++), {.axis = axis})
                .status.ok());
    }
  }
}

// The Highway twin has no division for each element; the scalar one does.
TEST_CASE("P10: quotients of many sums are rounded as divisions are") {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    const auto width = static_cast<int64_t>(16 + seed % 24);
    CHECK(Run(Random(DataType::kFloat16, {1000, width}, seed)).status.ok());
  }
}

TEST_CASE("softmax: hostile nodes are refused with the actual values") {
  const auto message = [](const TestTensor& x, const Options& options) {
    const RunResult result = Run(x, options);
    REQUIRE_FALSE(result.status.ok());
    return result.status.message();
  };
  const TestTensor half = Half({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(message(half, {.axis = 2}) == "axis 2 is outside rank 2");
  CHECK(message(half, {.axis = -3}) == "axis -3 is outside rank 2");
  CHECK(message(half, {.axis = std::numeric_limits<int>::min()}) ==
        "axis -2147483648 is outside rank 2");
  CHECK(message(Half({}, {1}), {}) == "axis -1 is outside rank 0");
  CHECK(message(Ints({2}, {1, 2}), {}) == "softmax does not take int64");
  CHECK(message(half, {.log = true, .hard = true}) ==
        "softmax is either log or hard, not both");
  CHECK(RunOp(softmax_op, fbs::SoftmaxT(), {half, half}).status.message() ==
        "has 2 inputs, at most 1 are allowed");
  CHECK(RunOp(softmax_op, fbs::SoftmaxT(), {}).status.message() ==
        "input 0 is missing");
}

}  // namespace
}  // namespace aneref::test
