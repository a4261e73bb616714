// Two operands element by element: every kind by hand-worked values, the type
// matrix, broadcasting, bad nodes. Agreement of reference, scalar and SIMD
// kernels is checked by RunOp on every call.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "runtime/core/half.h"
#include "tests/support/op_runner.h"

namespace aneref::test {
namespace {

using Kind = fbs::ElementwiseKind;
using Values = std::vector<double>;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

RunResult Run(Kind kind, const TestTensor& x, const TestTensor& y) {
  fbs::ElementwiseT attributes;
  attributes.kind = kind;
  return RunOp(elementwise_op, attributes, {x, y});
}

// Results of rank-1 operands; doubles that compare as bits, NaN as NaN.
void CheckValues(Kind kind, DataType type, const Values& x, const Values& y,
                 const Values& expected) {
  INFO(std::string(fbs::EnumNameElementwiseKind(kind))
       << " of " << std::string(DataTypeName(type)));
  const Shape shape = {static_cast<int64_t>(x.size())};
  const RunResult result =
      Run(kind, Make(type, shape, x), Make(type, shape, y));
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  const Values values = result.outputs[0].Values();
  REQUIRE(values.size() == expected.size());
  for (size_t i = 0; i < values.size(); ++i) {
    INFO("element " << i);
    if (std::isnan(expected[i])) {
      CHECK(std::isnan(values[i]));
    } else {
      CHECK(values[i] == expected[i]);
      CHECK(std::signbit(values[i]) == std::signbit(expected[i]));
    }
  }
}

constexpr DataType kFloats[] = {DataType::kFloat16, DataType::kFloat32,
                                DataType::kFloat64};
constexpr DataType kSigned[] = {DataType::kInt8, DataType::kInt16,
                                DataType::kInt32, DataType::kInt64};
constexpr DataType kUnsigned[] = {DataType::kUint8, DataType::kUint16,
                                  DataType::kUint32, DataType::kUint64};

TEST_CASE("P8: fp16 arithmetic rounds once to nearest even") {
  const auto bits = [](Kind kind, double x, double y) {
    return Run(kind, Half({1}, {x}), Half({1}, {y})).outputs[0].Bits()[0];
  };
  CHECK(bits(Kind::add, 2048, 1) == 0x6800);  // 2049 is a tie
  CHECK(bits(Kind::add, 2050, 1) == 0x6802);  // 2051 is a tie: 2052
  CHECK(bits(Kind::div, 1, 3) == 0x3555);
  CHECK(bits(Kind::mul, 300, 300) == 0x7BFF);    // P2: saturates
  CHECK(bits(Kind::sub, 65504, -16) == 0x7BFF);  // 65520
  CHECK(bits(Kind::add, HUGE_VAL, 1) == 0x7C00);
  CHECK(bits(Kind::sub, 65504, -15.9) == 0x7BFF);
  CHECK(bits(Kind::mul, 0x1p-24, 0.5) == 0x0000);  // a tie to even
  CHECK(bits(Kind::mul, 0x1p-24, 0.75) == 0x0001);
  CHECK(bits(Kind::mul, 1.0009765625, 1.0009765625) ==
        0x3C02);  // 1 + 2^-9 + 2^-20
}

TEST_CASE("P8: arithmetic of floating types") {
  for (const DataType type : kFloats) {
    CheckValues(Kind::add, type, {1, -0.0, kInf, kInf, kNan},
                {2, -0.0, 1, -kInf, 1}, {3, -0.0, kInf, kNan, kNan});
    CheckValues(Kind::sub, type, {1, 0.0, kInf}, {2, 0.0, kInf},
                {-1, 0.0, kNan});
    CheckValues(Kind::mul, type, {3, -0.0, 0, -2}, {-2, 5, kInf, kInf},
                {-6, -0.0, kNan, -kInf});
    CheckValues(Kind::div, type, {7, 1, -1, 0, kInf}, {2, 0, 0, 0, kInf},
                {3.5, kInf, -kInf, kNan, kNan});
    CheckValues(Kind::prelu, type, {2, -2, -0.0, -kInf, kNan},
                {10, 10, 10, 0, 10}, {2, -20, -0.0, kNan, kNan});
  }
}

TEST_CASE(
    "P8: minimum and maximum propagate NaN and keep the first of two zeros") {
  for (const DataType type : kFloats) {
    CheckValues(Kind::maximum, type, {1, kNan, 1, -0.0, 0.0, -kInf},
                {2, 1, kNan, 0.0, -0.0, -5}, {2, kNan, kNan, -0.0, 0.0, -5});
    CheckValues(Kind::minimum, type, {1, kNan, 1, -0.0, 0.0, -kInf},
                {2, 1, kNan, 0.0, -0.0, -5}, {1, kNan, kNan, -0.0, 0.0, -kInf});
  }
  CheckValues(Kind::maximum, DataType::kInt64, {-3, 4}, {2, -9}, {2, 4});
  CheckValues(Kind::minimum, DataType::kBool, {1, 0}, {1, 1}, {1, 0});
}

TEST_CASE("P15: a NaN result in fp16 is stored as 7E00") {
  const TestTensor x = HalfBits({4}, {0xFE01, 0x7C01, 0x7C00, 0xFC00});
  const TestTensor y = HalfBits({4}, {0x3C00, 0x3C00, 0xFC00, 0x7C00});
  for (const Kind kind : {Kind::add, Kind::mul}) {
    const RunResult result = Run(kind, x, y);
    CHECK(result.outputs[0].Bits()[0] == 0x7E00);
    CHECK(result.outputs[0].Bits()[1] == 0x7E00);
  }
  CHECK(Run(Kind::add, x, y).outputs[0].Bits()[2] == 0x7E00);
  CHECK(Run(Kind::maximum, x, y).outputs[0].Bits()[0] == 0x7E00);
  CHECK(Run(Kind::fmod, x, y).outputs[0].Bits()[3] == 0x7E00);
}

TEST_CASE(
    "elementwise: mod has the sign of the divisor and fmod that of the "
    "dividend") {
  const Values x = {7, -7, 7, -7, 6, -6};
  const Values y = {3, 3, -3, -3, 3, -3};
  for (const DataType type : kFloats) {
    CheckValues(Kind::mod, type, x, y, {1, 2, -2, -1, 0, -0.0});
    CheckValues(Kind::fmod, type, x, y, {1, -1, 1, -1, 0, -0.0});
    CheckValues(Kind::fmod, type, {5, kInf, 5}, {0, 2, kInf}, {kNan, kNan, 5});
    CheckValues(Kind::mod, type, {5.5, -0.5}, {2, 2}, {1.5, 1.5});
  }
  for (const DataType type : kSigned) {
    CheckValues(Kind::mod, type, x, y, {1, 2, -2, -1, 0, 0});
    CheckValues(Kind::fmod, type, x, y, {1, -1, 1, -1, 0, 0});
    CheckValues(Kind::mod, type, {5, -5}, {0, 0}, {0, 0});
  }
  for (const DataType type : kUnsigned)
    CheckValues(Kind::mod, type, {7, 200, 5}, {3, 7, 0}, {1, 4, 0});
}

TEST_CASE("P13: integers wrap around and divide toward zero") {
  CheckValues(Kind::add, DataType::kInt8, {100, -100}, {100, -100}, {-56, 56});
  CheckValues(Kind::add, DataType::kUint8, {200, 255}, {100, 1}, {44, 0});
  CheckValues(Kind::sub, DataType::kUint16, {0}, {1}, {65535});
  CheckValues(Kind::mul, DataType::kInt32, {65536, 46341}, {65536, 46341},
              {0, -2147479015.0});
  CheckValues(Kind::mul, DataType::kUint16, {65535}, {65535}, {1});
  for (const DataType type : kSigned) {
    CheckValues(Kind::div, type, {7, -7, 7, -7, 5, 0}, {2, 2, -2, -2, 0, 0},
                {3, -3, -3, 3, 0, 0});
    CheckValues(Kind::prelu, type, {5, -5, 0}, {2, 2, 2}, {5, -10, 0});
  }
  for (const DataType type : kUnsigned)
    CheckValues(Kind::div, type, {200, 7, 5}, {3, 2, 0}, {66, 3, 0});
  CheckValues(Kind::div, DataType::kInt8, {-128}, {-1}, {-128});
  CheckValues(Kind::div, DataType::kInt32, {-2147483648.0}, {-1},
              {-2147483648.0});
  CheckValues(Kind::div, DataType::kInt64, {-0x1p63}, {-1}, {-0x1p63});
  CheckValues(Kind::fmod, DataType::kInt64, {-0x1p63}, {-1}, {0});
}

TEST_CASE("elementwise: comparisons give bool and treat NaN as unordered") {
  const Values x = {1, 2, 2, kNan, kNan, -0.0, kInf};
  const Values y = {2, 2, 1, 1, kNan, 0.0, kInf};
  for (const DataType type : kFloats) {
    CheckValues(Kind::equal, type, x, y, {0, 1, 0, 0, 0, 1, 1});
    CheckValues(Kind::not_equal, type, x, y, {1, 0, 1, 1, 1, 0, 0});
    CheckValues(Kind::less, type, x, y, {1, 0, 0, 0, 0, 0, 0});
    CheckValues(Kind::less_equal, type, x, y, {1, 1, 0, 0, 0, 1, 1});
    CheckValues(Kind::greater, type, x, y, {0, 0, 1, 0, 0, 0, 0});
    CheckValues(Kind::greater_equal, type, x, y, {0, 1, 1, 0, 0, 1, 1});
  }
  CheckValues(Kind::less, DataType::kInt8, {-1, 1}, {1, -1}, {1, 0});
  CheckValues(Kind::less, DataType::kUint8, {255, 1}, {1, 255}, {0, 1});
  CheckValues(Kind::equal, DataType::kBool, {0, 1, 1}, {0, 1, 0}, {1, 1, 0});
  const RunResult result =
      Run(Kind::less, Half({2}, {1, 2}), Half({2}, {2, 1}));
  CHECK(result.outputs[0].type.dtype == DataType::kBool);
}

TEST_CASE("elementwise: logic on bool") {
  const Values x = {0, 0, 1, 1};
  const Values y = {0, 1, 0, 1};
  CheckValues(Kind::logical_and, DataType::kBool, x, y, {0, 0, 0, 1});
  CheckValues(Kind::logical_or, DataType::kBool, x, y, {0, 1, 1, 1});
  CheckValues(Kind::logical_xor, DataType::kBool, x, y, {0, 1, 1, 0});
}

TEST_CASE("elementwise: bits and shifts of integers") {
  for (const DataType type : {DataType::kInt8, DataType::kUint8,
                              DataType::kInt32, DataType::kUint64}) {
    CheckValues(Kind::bitwise_and, type, {12}, {10}, {8});
    CheckValues(Kind::bitwise_or, type, {12}, {10}, {14});
    CheckValues(Kind::bitwise_xor, type, {12}, {10}, {6});
    CheckValues(Kind::shift_left, type, {3, 3, 3}, {2, 0, 64}, {12, 3, 0});
    CheckValues(Kind::shift_right, type, {12, 12, 12}, {2, 0, 64}, {3, 12, 0});
  }
  CheckValues(Kind::bitwise_xor, DataType::kBool, {1, 1}, {1, 0}, {0, 1});
  CheckValues(Kind::shift_left, DataType::kUint8, {129, 1, 1}, {1, 7, 8},
              {2, 128, 0});
  CheckValues(Kind::shift_right, DataType::kInt8, {-8, -8, 8}, {1, 100, -1},
              {-4, -1, 0});
}

TEST_CASE("elementwise: pow has the type of the base") {
  for (const DataType type : kFloats) {
    CheckValues(Kind::pow, type, {2, 4, -2, -2, 0, -0.0, kNan, 9},
                {3, 0.5, 3, 0.5, -1, -3, 0, -0.5},
                {8, 2, -8, kNan, kInf, -kInf, 1,
                 type == DataType::kFloat16   ? 0.333251953125
                 : type == DataType::kFloat32 ? 0.3333333432674407958984375
                                              : 1.0 / 3});
  }
  CheckValues(Kind::pow, DataType::kInt32, {2, -3, 0, 0, 1, -1, -1, 2, 2},
              {10, 3, 0, -1, -5, -5, -4, -1, 32},
              {1024, -27, 1, 0, 1, -1, 1, 0, 0});
  CheckValues(Kind::pow, DataType::kUint64, {3}, {40},
              {12157665459056928801.0});
  const RunResult mixed =
      Run(Kind::pow, Half({3}, {1.5, 3, -2}), Ints({3}, {2, 4, 5}));
  CHECK(mixed.outputs[0].Values() == Values{2.25, 81, -32});
  CHECK(mixed.outputs[0].type.dtype == DataType::kFloat16);
  const RunResult integer_base =
      Run(Kind::pow, Make(DataType::kInt8, {4}, {2, 9, 2, 2}),
          Float({4}, {3, 0.5, 10, -1}));
  CHECK(integer_base.outputs[0].Values() ==
        Values{8, 3, 127, 0});  // P14: truncates and saturates
}

TEST_CASE("P8: a square by pow is the rounded product for every fp16 operand") {
  std::vector<uint16_t> bits(65536);
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint16_t>(i);
  const RunResult result =
      Run(Kind::pow, HalfBits({64, 1024}, bits), Half({}, {2}));
  REQUIRE(result.status.ok());
  size_t wrong = 0;
  for (size_t i = 0; i < bits.size(); ++i) {
    const float x = HalfToFloat(bits[i]);
    const bool saturates = std::isfinite(x) && x * x >= 65520.0f;  // P2
    const uint16_t expected = std::isnan(x) ? 0x7E00
                              : saturates   ? 0x7BFF
                                            : FloatToHalf(x * x);
    wrong += result.outputs[0].Bits()[i] != expected;
  }
  CHECK(wrong == 0);
}

TEST_CASE("elementwise: broadcasting by hand") {
  const RunResult row = Run(Kind::add, Float({2, 3}, {1, 2, 3, 4, 5, 6}),
                            Float({3}, {10, 20, 30}));
  CHECK(row.outputs[0].Values() == Values{11, 22, 33, 14, 25, 36});
  const RunResult column =
      Run(Kind::sub, Float({2, 1}, {10, 20}), Float({1, 3}, {1, 2, 3}));
  CHECK(column.outputs[0].type.shape == Shape{2, 3});
  CHECK(column.outputs[0].Values() == Values{9, 8, 7, 19, 18, 17});
  const RunResult scalar =
      Run(Kind::div, Half({}, {12}), Half({2, 2}, {1, 2, 3, 4}));
  CHECK(scalar.outputs[0].Values() == Values{12, 6, 4, 3});
  const RunResult rank0 = Run(Kind::mul, Half({}, {3}), Half({}, {4}));
  CHECK(rank0.outputs[0].type.shape == Shape{});
  CHECK(rank0.outputs[0].Values() == Values{12});
  const RunResult channel =
      Run(Kind::mul, Half({1, 2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8}),
          Half({2, 1, 1}, {10, 100}));
  CHECK(channel.outputs[0].Values() ==
        Values{10, 20, 30, 40, 500, 600, 700, 800});
  const RunResult middle =
      Run(Kind::add, Half({2, 1, 2}, {1, 2, 3, 4}), Half({2, 1}, {10, 20}));
  CHECK(middle.outputs[0].Values() == Values{11, 12, 21, 22, 13, 14, 23, 24});
}

TEST_CASE("elementwise: zero-sized extents") {
  for (const Kind kind : {Kind::add, Kind::less, Kind::pow}) {
    CHECK(Run(kind, Half({0}, {}), Half({}, {1})).outputs[0].type.shape ==
          Shape{0});
    CHECK(Run(kind, Half({2, 0, 3}, {}), Half({1, 3}, {1, 2, 3}))
              .outputs[0]
              .type.shape == Shape{2, 0, 3});
    CHECK(
        Run(kind, Half({0, 3}, {}), Half({1, 1}, {1})).outputs[0].type.shape ==
        Shape{0, 3});
  }
}

// All pairs of these shapes broadcast; rungs and targets are compared by RunOp.
TEST_CASE(
    "elementwise: rungs agree on every broadcast pattern and ragged width") {
  const Shape shapes[] = {{},
                          {33},
                          {1},
                          {5, 1},
                          {5, 33},
                          {1, 33},
                          {3, 1, 1},
                          {3, 5, 33},
                          {2, 1, 5, 1},
                          {2, 3, 1, 33},
                          {2, 2, 1, 5, 33},
                          {2, 1, 1, 1, 1, 1}};
  uint32_t seed = 1;
  for (const Shape& x : shapes) {
    for (const Shape& y : shapes) {
      const Kind kind = static_cast<Kind>(seed % 7 == 4 ? 0 : seed % 7);
      const DataType type =
          seed % 2 == 0 ? DataType::kFloat16 : DataType::kFloat32;
      CHECK(Run(kind, Random(type, x, seed, true),
                Random(type, y, seed + 1, true))
                .status.ok());
      ++seed;
    }
  }
  for (const int64_t width : {1, 7, 15, 16, 17, 31, 32, 33, 64, 65, 127}) {
    for (int kind = 0; kind <= static_cast<int>(Kind::MAX); ++kind) {
      for (const DataType type : {DataType::kFloat16, DataType::kFloat32}) {
        const TestTensor x = Random(type, {3, width}, seed++, true);
        const TestTensor y = Random(type, {3, width}, seed++, true);
        static_cast<void>(Run(static_cast<Kind>(kind), x, y));
        static_cast<void>(Run(static_cast<Kind>(kind), x,
                              Random(type, {3, 1}, seed++, true)));
        static_cast<void>(
            Run(static_cast<Kind>(kind), Random(type, {1}, seed++, true), y));
      }
    }
  }
}

TEST_CASE("elementwise: several work units and rows longer than a unit") {
  for (const Shape& shape :
       {Shape{300000}, Shape{7, 5, 3000}, Shape{4000, 7}}) {
    CHECK(Run(Kind::add, Random(DataType::kFloat16, shape, 1),
              Random(DataType::kFloat16, shape, 2))
              .status.ok());
    CHECK(Run(Kind::mul, Random(DataType::kFloat32, shape, 3),
              Random(DataType::kFloat32, {1}, 4))
              .status.ok());
  }
}

TEST_CASE("elementwise: specials against specials on every target") {
  const std::vector<uint16_t> specials = {
      0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3BFF,
      0x3C00, 0xBC00, 0x3C01, 0x3555, 0x6800, 0x7BFF, 0xFBFF,
      0x7C00, 0xFC00, 0x7E00, 0xFE01, 0x7C01, 0x1400};
  const auto count = static_cast<int64_t>(specials.size());
  for (int kind = 0; kind <= static_cast<int>(Kind::MAX); ++kind) {
    const TestTensor x = HalfBits({count, 1}, specials);
    const TestTensor y = HalfBits({count}, specials);
    static_cast<void>(Run(static_cast<Kind>(kind), x, y));
    static_cast<void>(Run(static_cast<Kind>(kind),
                          Float({count, 1}, x.Values()),
                          Float({count}, y.Values())));
  }
}

TEST_CASE("elementwise: the output may take the memory of the first input") {
  fbs::ElementwiseT attributes;
  attributes.kind = Kind::add;
  fbs::NodeT node;
  node.op.Set(fbs::ElementwiseT(attributes));
  node.inputs = {0, 1};
  node.outputs = {2};
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fbs::Node::Pack(builder, &node));
  std::vector<uint16_t> x(65, 0x3C00);
  std::vector<uint16_t> y = {0x4000};
  const TensorType type = {DataType::kFloat16, {65}};
  const OpView::Input inputs[] = {{true, type, {}},
                                  {true, {DataType::kFloat16, {1}}, {}}};
  const TensorType outputs[] = {type};
  TaskBuilder tasks;
  REQUIRE(elementwise_op
              .lower(OpView(*flatbuffers::GetRoot<fbs::Node>(
                                builder.GetBufferPointer()),
                            inputs, outputs),
                     &tasks)
              .ok());
  const TaskSpec& task = tasks.tasks()[0];
  CHECK(task.in_place);
  const TensorView in[] = {DenseView(type, x.data()),
                           DenseView(inputs[1].type, y.data())};
  const TensorView out[] = {DenseView(type, x.data())};
  REQUIRE(task.kernel->simd({in, out, task.args.get(), nullptr}, 0).ok());
  CHECK(x == std::vector<uint16_t>(65, 0x4200));
}

TEST_CASE("elementwise: hostile nodes are refused with the actual values") {
  const auto message = [](Kind kind, const std::vector<TestTensor>& inputs) {
    fbs::ElementwiseT attributes;
    attributes.kind = kind;
    const RunResult result = RunOp(elementwise_op, attributes, inputs);
    REQUIRE_FALSE(result.status.ok());
    return result.status.message();
  };
  const TestTensor half = Half({2}, {1, 2});
  CHECK(message(Kind::add, {half}) == "input 1 is missing");
  CHECK(message(Kind::add, {half, half, half}) ==
        "has 3 inputs, at most 2 are allowed");
  CHECK(message(Kind::add, {half, Absent()}) == "input 1 is missing");
  CHECK(message(static_cast<Kind>(24), {half, half}) ==
        "elementwise kind 24 is unknown");
  CHECK(message(static_cast<Kind>(255), {half, half}) ==
        "elementwise kind 255 is unknown");
  CHECK(message(Kind::add, {half, Float({2}, {1, 2})}) ==
        "add needs two operands of one type, not float16 and float32");
  CHECK(message(Kind::add, {Make(DataType::kBool, {1}, {1}),
                            Make(DataType::kBool, {1}, {1})}) ==
        "add does not take bool");
  CHECK(message(Kind::logical_and, {half, half}) ==
        "logical_and does not take float16");
  CHECK(message(Kind::bitwise_or, {half, half}) ==
        "bitwise_or does not take float16");
  CHECK(message(Kind::shift_left, {Make(DataType::kBool, {1}, {1}),
                                   Make(DataType::kBool, {1}, {1})}) ==
        "shift_left does not take bool");
  CHECK(message(Kind::add, {half, Half({3}, {1, 2, 3})}) ==
        "shapes [2] and [3] do not broadcast");
}

}  // namespace
}  // namespace aneref::test
