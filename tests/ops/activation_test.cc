// One operand element by element: every kind over all 65,536 fp16 operands
// against long double libm, rounded once here; fp32 and integers by hand; the
// type matrix; bad nodes.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "tests/support/op_runner.h"

namespace aneref::test {
namespace {

using Kind = fbs::ActivationKind;
using Values = std::vector<double>;
using Wide = long double;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

RunResult Run(Kind kind, const TestTensor& x, double alpha = 0,
              double beta = 0) {
  fbs::ActivationT attributes;
  attributes.kind = kind;
  attributes.alpha = alpha;
  attributes.beta = beta;
  return RunOp(activation_op, attributes, {x});
}

// ---- the oracle: independent of core/ ----

Wide WidenBits(uint16_t bits) {
  const Wide sign = (bits & 0x8000) != 0 ? -1 : 1;
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  if (exponent == 31)
    return fraction != 0 ? std::numeric_limits<Wide>::quiet_NaN() : sign * kInf;
  if (exponent == 0) return sign * std::ldexp(static_cast<Wide>(fraction), -24);
  return sign * std::ldexp(static_cast<Wide>(fraction + 1024), exponent - 25);
}

uint16_t RoundBits(Wide value) {
  if (std::isnan(value)) return 0x7E00;
  const uint32_t sign = std::signbit(value) ? 0x8000u : 0u;
  const Wide magnitude = std::fabs(value);
  if (std::isinf(magnitude)) return static_cast<uint16_t>(sign | 0x7C00u);
  if (magnitude >= 65520) return static_cast<uint16_t>(sign | 0x7BFFu);  // P2
  int exponent = magnitude == 0 ? -14 : std::max(std::ilogb(magnitude), -14);
  const Wide units =
      std::nearbyint(std::ldexp(magnitude, 10 - exponent));  // to even
  auto integer = static_cast<uint32_t>(units);               // 0 ... 2048
  if (integer == 2048) {
    integer = 1024;
    ++exponent;
  }
  if (integer < 1024) return static_cast<uint16_t>(sign | integer);
  return static_cast<uint16_t>(
      sign | (static_cast<uint32_t>(exponent + 15) << 10) | (integer - 1024));
}

Wide SigmoidOf(Wide x) {
  return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}
Wide SoftplusOf(Wide x) {
  return std::fmax(x, Wide{0}) + std::log1p(std::exp(-std::fabs(x)));
}
// x f with the limit at -infinity.
Wide Gated(Wide x, Wide factor) {
  return factor == 0 ? std::copysign(Wide{0}, x) : x * factor;
}
Wide Bounded(Wide x, Wide low, Wide high) {
  const Wide raised = x < low ? low : x;
  return raised > high ? high : raised;
}

Wide Parametric(Kind kind, Wide x, Wide alpha, Wide beta) {
  switch (kind) {
    case Kind::leaky_relu:
      return x < 0 ? alpha * x : x;
    case Kind::elu:
      return x > 0 ? x : alpha * std::expm1(x);
    case Kind::selu:
      return beta * (x > 0 ? x : alpha * std::expm1(x));
    case Kind::celu:
      return x > 0 ? x : alpha * std::expm1(x / alpha);
    case Kind::hard_sigmoid:
      return Bounded(alpha * x + beta, 0, 1);
    case Kind::thresholded_relu:
      return x > alpha ? x : 0;
    case Kind::silu:
      return Gated(x, SigmoidOf(alpha * x));
    case Kind::clip:
      return Bounded(x, alpha, beta);
    case Kind::shrink:
      return x < -alpha ? x + beta : (x > alpha ? x - beta : 0);
    case Kind::linear:
      return alpha * x + beta;
    case Kind::scaled_tanh:
      return alpha * std::tanh(beta * x);
    case Kind::parametric_softplus:
      return alpha * SoftplusOf(beta * x);
    default:
      FAIL("no oracle");
      return 0;
  }
}

Wide Oracle(Kind kind, Wide x, Wide alpha, Wide beta) {
  constexpr Wide kPi = std::numbers::pi_v<Wide>;
  switch (kind) {
    case Kind::identity:
      return x;
    case Kind::relu:
      return x < 0 ? 0 : x;
    case Kind::relu6:
      return Bounded(x, 0, 6);
    case Kind::gelu:
      return Gated(x, std::erfc(-x / std::sqrt(Wide{2})) / 2);
    case Kind::gelu_tanh:
      return Gated(x, SigmoidOf(2 * std::sqrt(2 / kPi) *
                                (x + Wide{0.044715L} * x * x * x)));
    case Kind::sigmoid:
      return SigmoidOf(x);
    case Kind::tanh:
      return std::tanh(x);
    case Kind::softplus:
      return SoftplusOf(x);
    case Kind::softsign:
      return std::isinf(x) ? std::copysign(Wide{1}, x) : x / (1 + std::fabs(x));
    case Kind::hard_swish:
      return Gated(x, Bounded(x + 3, 0, 6) / 6);
    case Kind::mish:
      return Gated(x, std::tanh(SoftplusOf(x)));
    case Kind::erf:
      return std::erf(x);
    case Kind::exp:
      return std::exp(x);
    case Kind::exp2:
      return std::exp2(x);
    case Kind::log:
      return std::log(x);
    case Kind::sqrt:
      return std::sqrt(x);
    case Kind::rsqrt:
      return 1 / std::sqrt(x);
    case Kind::inverse:
      return 1 / x;
    case Kind::square:
      return x * x;
    case Kind::abs:
      return std::fabs(x);
    case Kind::neg:
      return -x;
    case Kind::sign:
      return x > 0 ? 1 : (x < 0 ? -1 : 0);
    case Kind::floor:
      return std::floor(x);
    case Kind::ceil:
      return std::ceil(x);
    case Kind::round:
      return std::nearbyint(x);
    case Kind::sin:
      return std::sin(x);
    case Kind::cos:
      return std::cos(x);
    case Kind::tan:
      return std::tan(x);
    case Kind::asin:
      return std::asin(x);
    case Kind::acos:
      return std::acos(x);
    case Kind::atan:
      return std::atan(x);
    case Kind::sinh:
      return std::sinh(x);
    case Kind::cosh:
      return std::cosh(x);
    case Kind::asinh:
      return std::asinh(x);
    case Kind::acosh:
      return std::acosh(x);
    case Kind::atanh:
      return std::atanh(x);
    default:
      return Parametric(kind, x, alpha, beta);
  }
}

struct Case {
  Kind kind;
  double alpha = 0;
  double beta = 0;
};
constexpr Case kRealCases[] = {
    {Kind::relu},
    {Kind::relu6},
    {Kind::leaky_relu, 0.01f},
    {Kind::leaky_relu, 0.1f},
    {Kind::leaky_relu, -2},
    {Kind::elu, 1},
    {Kind::elu, 0.3},
    {Kind::selu, 1.67326319217681884765625, 1.05070102214813232421875},
    {Kind::celu, 1},
    {Kind::celu, 2.5},
    {Kind::gelu},
    {Kind::gelu_tanh},
    {Kind::sigmoid},
    {Kind::hard_sigmoid, 0.2f, 0.5},
    {Kind::hard_sigmoid, 1.0f / 6, 0.5},
    {Kind::tanh},
    {Kind::softplus},
    {Kind::softsign},
    {Kind::thresholded_relu, 1},
    {Kind::silu, 1},
    {Kind::silu, 1.702},
    {Kind::silu, -1},
    {Kind::hard_swish},
    {Kind::mish},
    {Kind::clip, -1.3, 2.7},
    {Kind::clip, -kInf, 3.4028235e38},
    {Kind::clip, 0, kInf},
    {Kind::clip, 2, 1},
    {Kind::shrink, 0.5, 0},
    {Kind::shrink, 1.5, 1.4f},
    {Kind::linear, 0.1f, 0.7f},
    {Kind::linear, -3.7f, 1000.1f},
    {Kind::erf},
    {Kind::exp},
    {Kind::exp2},
    {Kind::log},
    {Kind::sqrt},
    {Kind::rsqrt},
    {Kind::inverse},
    {Kind::square},
    {Kind::abs},
    {Kind::neg},
    {Kind::sign},
    {Kind::floor},
    {Kind::ceil},
    {Kind::round},
    {Kind::sin},
    {Kind::cos},
    {Kind::tan},
    {Kind::asin},
    {Kind::acos},
    {Kind::atan},
    {Kind::sinh},
    {Kind::cosh},
    {Kind::asinh},
    {Kind::acosh},
    {Kind::atanh},
    {Kind::scaled_tanh, 1.7159, 2.0 / 3},
    {Kind::parametric_softplus, 1.5, 0.7f},
};

std::vector<uint16_t> AllBits() {
  std::vector<uint16_t> bits(65536);
  for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint16_t>(i);
  return bits;
}

TEST_CASE(
    "P7: every function of every fp16 operand is the exact value rounded "
    "once") {
  const std::vector<uint16_t> all = AllBits();
  for (const Case& c : kRealCases) {
    const RunResult result =
        Run(c.kind, HalfBits({64, 1024}, all), c.alpha, c.beta);
    REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
    const std::vector<uint16_t> bits = result.outputs[0].Bits();
    size_t wrong = 0;
    for (size_t i = all.size(); i-- > 0;) {
      const Wide x = WidenBits(all[i]);
      Wide value = Oracle(c.kind, x, c.alpha, c.beta);
      // exp and its kin are finite for finite operands, beyond any Wide.
      const bool grows = c.kind == Kind::exp || c.kind == Kind::exp2 ||
                         c.kind == Kind::sinh || c.kind == Kind::cosh;
      if (grows && std::isinf(value) && std::isfinite(x))
        value = std::copysign(Wide{1e30}, value);
      const uint16_t expected = std::isnan(x) ? 0x7E00 : RoundBits(value);
      if (bits[i] == expected) continue;
      ++wrong;
      CAPTURE(static_cast<double>(x));
      CAPTURE(bits[i]);
      CAPTURE(expected);
      if (wrong <= 2)
        FAIL_CHECK(std::string(fbs::EnumNameActivationKind(c.kind))
                   << " alpha " << c.alpha << " beta " << c.beta);
    }
    INFO(std::string(fbs::EnumNameActivationKind(c.kind))
         << " alpha " << c.alpha << " beta " << c.beta);
    CHECK(wrong == 0);
  }
}

TEST_CASE("P7: small tensors take no table and give the same bits") {
  const std::vector<uint16_t> all = AllBits();
  for (const Kind kind : {Kind::sigmoid, Kind::gelu, Kind::sin, Kind::mish}) {
    const std::vector<uint16_t> whole =
        Run(kind, HalfBits({65536}, all)).outputs[0].Bits();
    for (const size_t first : {size_t{0x3800}, size_t{0xB000}}) {
      const std::vector<uint16_t> part(
          all.begin() + static_cast<ptrdiff_t>(first),
          all.begin() + static_cast<ptrdiff_t>(first) + 4000);
      const std::vector<uint16_t> bits =
          Run(kind, HalfBits({4000}, part)).outputs[0].Bits();
      CHECK(std::equal(bits.begin(), bits.end(),
                       whole.begin() + static_cast<ptrdiff_t>(first)));
    }
  }
}

TEST_CASE(
    "P7: fp32 functions are within half a unit and a little of the exact "
    "value") {
  const Values operands = {-30.5, -9.25, -5, -3,   -2.1, -1, -0.7,  -1e-3, 1e-6,
                           0.3,   0.99,  1,  1.01, 2.5,  7,  19.75, 40};
  for (const Case& c : kRealCases) {
    const RunResult result =
        Run(c.kind, Float({17}, operands), c.alpha, c.beta);
    REQUIRE(result.status.ok());
    const Values values = result.outputs[0].Values();
    for (size_t i = 0; i < operands.size(); ++i) {
      const Wide x = static_cast<float>(operands[i]);
      const auto exact =
          static_cast<double>(Oracle(c.kind, x, c.alpha, c.beta));
      INFO(std::string(fbs::EnumNameActivationKind(c.kind))
           << " of " << operands[i]);
      if (std::isnan(exact)) {
        CHECK(std::isnan(values[i]));
      } else if (std::isinf(static_cast<float>(exact))) {
        CHECK(values[i] == static_cast<float>(exact));
      } else {
        const double unit = std::max(std::fabs(exact) * 0x1p-23, 0x1p-149);
        CHECK(std::fabs(values[i] - exact) <= 0.501 * unit);
      }
    }
  }
}

void CheckValues(const Case& c, DataType type, const Values& x,
                 const Values& expected) {
  INFO(std::string(fbs::EnumNameActivationKind(c.kind))
       << " of " << std::string(DataTypeName(type)));
  const RunResult result = Run(
      c.kind, Make(type, {static_cast<int64_t>(x.size())}, x), c.alpha, c.beta);
  REQUIRE_MESSAGE(result.status.ok(), result.status.ToString());
  const Values values = result.outputs[0].Values();
  for (size_t i = 0; i < expected.size(); ++i) {
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

TEST_CASE("P7: values by hand in every floating type") {
  for (const DataType type : kFloats) {
    CheckValues({Kind::relu}, type, {-1, -0.0, 0, 2, -kInf, kNan},
                {0, -0.0, 0, 2, 0, kNan});
    CheckValues({Kind::leaky_relu, 0.5}, type, {-4, -0.0, 4, -kInf},
                {-2, -0.0, 4, -kInf});
    CheckValues({Kind::clip, -1, 2}, type, {-5, 0.5, 5, kNan, kInf},
                {-1, 0.5, 2, kNan, 2});
    CheckValues({Kind::clip, 2, 1}, type, {-5, 1.5, 5},
                {1, 1, 1});  // min > max: max everywhere
    CheckValues({Kind::hard_sigmoid, 0.25, 0.5}, type, {-3, -1, 0, 1, 3},
                {0, 0.25, 0.5, 0.75, 1});
    CheckValues({Kind::hard_swish}, type, {-4, -3, 0, 3, 4, -kInf, kInf},
                {-0.0, -0.0, 0, 3, 4, -0.0, kInf});
    CheckValues({Kind::thresholded_relu, 1}, type, {0.5, 1, 1.5}, {0, 0, 1.5});
    CheckValues({Kind::shrink, 0.5, 0.25}, type, {-1, -0.5, 0, 0.5, 1},
                {-0.75, 0, 0, 0, 0.75});
    CheckValues({Kind::softsign}, type, {1, -3, kInf, -kInf},
                {0.5, -0.75, 1, -1});
    CheckValues({Kind::round}, type, {0.5, 1.5, 2.5, -0.5, -1.5, -0.2},
                {0, 2, 2, -0.0, -2, -0.0});
    CheckValues({Kind::floor}, type, {-0.5, 1.5, -0.0}, {-1, 1, -0.0});
    CheckValues({Kind::ceil}, type, {-0.5, 1.5, kInf}, {-0.0, 2, kInf});
    CheckValues({Kind::sign}, type, {-3, -0.0, 0, 3, kNan},
                {-1, 0, 0, 1, kNan});
    CheckValues({Kind::neg}, type, {0, -0.0, 3, -kInf}, {-0.0, 0, -3, kInf});
    CheckValues({Kind::abs}, type, {-0.0, -3, -kInf}, {0, 3, kInf});
    CheckValues({Kind::sqrt}, type, {4, -1, -0.0, kInf}, {2, kNan, -0.0, kInf});
    CheckValues({Kind::rsqrt}, type, {4, 0, -0.0, kInf, -1},
                {0.5, kInf, -kInf, 0, kNan});
    CheckValues({Kind::inverse}, type, {4, 0, -0.0, -kInf},
                {0.25, kInf, -kInf, -0.0});
    CheckValues({Kind::exp}, type, {0, -kInf, kInf}, {1, 0, kInf});
    CheckValues({Kind::exp2}, type, {3, -2, 0}, {8, 0.25, 1});
    CheckValues({Kind::log}, type, {1, 0, -1, kInf}, {0, -kInf, kNan, kInf});
    CheckValues({Kind::sigmoid}, type, {0, -kInf, kInf}, {0.5, 0, 1});
    CheckValues({Kind::silu, 1}, type, {0, -kInf, kInf}, {0, -0.0, kInf});
    CheckValues({Kind::gelu}, type, {0, -kInf, kInf}, {0, -0.0, kInf});
    CheckValues({Kind::mish}, type, {0, -kInf, kInf}, {0, -0.0, kInf});
    CheckValues({Kind::elu, 2}, type, {3, -kInf, -0.0}, {3, -2, -0.0});
    CheckValues({Kind::linear, 2, 1}, type, {3, -0.5, kInf}, {7, 0, kInf});
    CheckValues({Kind::acosh}, type, {1, 0.5}, {0, kNan});
    CheckValues({Kind::atanh}, type, {1, -1, 2}, {kInf, -kInf, kNan});
    CheckValues({Kind::square}, type, {-3, 0.5}, {9, 0.25});
    CheckValues({Kind::relu6}, type, {-1, 3, 7}, {0, 3, 6});
  }
  CHECK(Run(Kind::exp, Half({1}, {1})).outputs[0].Bits()[0] == 0x4170);
  CHECK(Run(Kind::tanh, Half({1}, {-0.0})).outputs[0].Bits()[0] == 0x8000);
}

TEST_CASE("activation: tests and logic give bool") {
  for (const DataType type : kFloats) {
    CheckValues({Kind::is_nan}, type, {kNan, kInf, 1}, {1, 0, 0});
    CheckValues({Kind::is_inf, 1, 1}, type, {kNan, kInf, -kInf, 1},
                {0, 1, 1, 0});
    CheckValues({Kind::is_inf, 1, 0}, type, {kInf, -kInf}, {0, 1});
    CheckValues({Kind::is_inf, 0, 1}, type, {kInf, -kInf}, {1, 0});
  }
  CHECK(Run(Kind::is_nan, Half({1}, {1})).outputs[0].type.dtype ==
        DataType::kBool);
  CheckValues({Kind::logical_not}, DataType::kBool, {0, 1}, {1, 0});
  CheckValues({Kind::bitwise_not}, DataType::kBool, {0, 1}, {1, 0});
}

TEST_CASE("P13: functions of integers") {
  CheckValues({Kind::abs}, DataType::kInt8, {-5, 5, -128}, {5, 5, -128});
  CheckValues({Kind::neg}, DataType::kInt32, {5, -5, -2147483648.0},
              {-5, 5, -2147483648.0});
  CheckValues({Kind::neg}, DataType::kUint8, {1}, {255});
  CheckValues({Kind::sign}, DataType::kInt64, {-7, 0, 7}, {-1, 0, 1});
  CheckValues({Kind::sign}, DataType::kUint8, {0, 200}, {0, 1});
  CheckValues({Kind::relu}, DataType::kInt16, {-7, 7}, {0, 7});
  CheckValues({Kind::square}, DataType::kInt8, {11, 16}, {121, 0});
  CheckValues({Kind::bitwise_not}, DataType::kInt8, {5, -1}, {-6, 0});
  CheckValues({Kind::bitwise_not}, DataType::kUint16, {1}, {65534});
  CheckValues({Kind::clip, -2.7, 3.9}, DataType::kInt8, {-9, 0, 9}, {-2, 0, 3});
  CheckValues({Kind::clip, -kInf, kInf}, DataType::kInt64, {-0x1p62, 5},
              {-0x1p62, 5});
  CheckValues({Kind::clip, -5, 1000}, DataType::kUint8, {0, 255}, {0, 255});
  CheckValues({Kind::relu6}, DataType::kUint64, {3, 9}, {3, 6});
  for (int type = 0; type < kNumDataTypes; ++type) {
    CheckValues({Kind::identity}, static_cast<DataType>(type), {0, 1}, {0, 1});
  }
}

TEST_CASE("P15: identity keeps NaN bits and neg and abs do not") {
  const TestTensor x = HalfBits({2}, {0xFE01, 0x7C01});
  CHECK(Run(Kind::identity, x).outputs[0].Bits() ==
        std::vector<uint16_t>{0xFE01, 0x7C01});
  for (const Kind kind :
       {Kind::neg, Kind::abs, Kind::relu, Kind::clip, Kind::sigmoid}) {
    CHECK(Run(kind, x, -1, 1).outputs[0].Bits() ==
          std::vector<uint16_t>{0x7E00, 0x7E00});
  }
}

TEST_CASE("activation: rungs agree on ragged widths and ranks") {
  uint32_t seed = 1;
  for (const Case& c : kRealCases) {
    for (const int64_t width : {1, 7, 15, 16, 17, 33, 65}) {
      for (const DataType type : {DataType::kFloat16, DataType::kFloat32}) {
        CHECK(Run(c.kind, Random(type, {2, 3, width}, seed++, true), c.alpha,
                  c.beta)
                  .status.ok());
      }
    }
  }
  CHECK(Run(Kind::relu, Random(DataType::kFloat16, {}, 1)).status.ok());
  CHECK(
      Run(Kind::sigmoid, Random(DataType::kFloat16, {200000}, 1)).status.ok());
  CHECK(Run(Kind::relu, Random(DataType::kFloat16, {2, 1, 3, 5, 70, 90}, 1))
            .status.ok());
  for (const Shape& shape : {Shape{0}, Shape{3, 0}, Shape{0, 3}}) {
    CHECK(Run(Kind::sigmoid, Half(shape, {})).outputs[0].type.shape == shape);
  }
}

TEST_CASE("activation: hostile nodes are refused with the actual values") {
  const auto message = [](const Case& c,
                          const std::vector<TestTensor>& inputs) {
    fbs::ActivationT attributes;
    attributes.kind = c.kind;
    attributes.alpha = c.alpha;
    attributes.beta = c.beta;
    const RunResult result = RunOp(activation_op, attributes, inputs);
    REQUIRE_FALSE(result.status.ok());
    return result.status.message();
  };
  const TestTensor half = Half({1}, {1});
  CHECK(message({Kind::relu}, {}) == "input 0 is missing");
  CHECK(message({Kind::relu}, {half, half}) ==
        "has 2 inputs, at most 1 are allowed");
  CHECK(message({static_cast<Kind>(52)}, {half}) ==
        "activation kind 52 is unknown");
  CHECK(message({Kind::sigmoid}, {Ints({1}, {1})}) ==
        "sigmoid does not take int64");
  CHECK(message({Kind::is_nan}, {Ints({1}, {1})}) ==
        "is_nan does not take int64");
  CHECK(message({Kind::relu}, {Make(DataType::kBool, {1}, {1})}) ==
        "relu does not take bool");
  CHECK(message({Kind::logical_not}, {half}) ==
        "logical_not does not take float16");
  CHECK(message({Kind::bitwise_not}, {half}) ==
        "bitwise_not does not take float16");
  CHECK(message({Kind::celu, 0}, {half}) ==
        "celu divides by alpha, which is 0");
  CHECK(message({Kind::clip, kNan, 1}, {half}) ==
        "clip has a parameter that is NaN");
}

}  // namespace
}  // namespace aneref::test
