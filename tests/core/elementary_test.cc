// elementary.h against long double libm: all fp16 inputs, dense grids, and
// special values as literals (P7, P9).
#include "runtime/core/elementary.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <vector>

#include "runtime/core/half.h"

namespace aneref {
namespace {

using elementary::Pow;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Function {
  const char* name;
  double (*subject)(double);
  long double (*oracle)(long double);
  double min;  // grid for the relative error
  double max;
};

long double SigmoidOracle(long double x) {
  return 1.0L / (1.0L + std::exp(-x));
}
long double SoftplusOracle(long double x) {
  return std::fmax(x, 0.0L) + std::log1p(std::exp(-std::fabs(x)));
}

using Oracle = long double (*)(long double);
const Function kFunctions[] = {
    {"Exp", elementary::Exp, static_cast<Oracle>(std::exp), -708, 709},
    {"Expm1", elementary::Expm1, static_cast<Oracle>(std::expm1), -50, 709},
    {"Log", elementary::Log, static_cast<Oracle>(std::log), 1e-300, 1e300},
    {"Log1p", elementary::Log1p, static_cast<Oracle>(std::log1p), -0.9999,
     1e300},
    {"Sin", elementary::Sin, static_cast<Oracle>(std::sin), -1e6, 1e6},
    {"Cos", elementary::Cos, static_cast<Oracle>(std::cos), -1e6, 1e6},
    {"Tan", elementary::Tan, static_cast<Oracle>(std::tan), -1e6, 1e6},
    {"Asin", elementary::Asin, static_cast<Oracle>(std::asin), -1, 1},
    {"Acos", elementary::Acos, static_cast<Oracle>(std::acos), -1, 1},
    {"Atan", elementary::Atan, static_cast<Oracle>(std::atan), -1e300, 1e300},
    {"Sinh", elementary::Sinh, static_cast<Oracle>(std::sinh), -710, 710},
    {"Cosh", elementary::Cosh, static_cast<Oracle>(std::cosh), -710, 710},
    {"Tanh", elementary::Tanh, static_cast<Oracle>(std::tanh), -30, 30},
    {"Asinh", elementary::Asinh, static_cast<Oracle>(std::asinh), -1e300,
     1e300},
    {"Acosh", elementary::Acosh, static_cast<Oracle>(std::acosh), 1, 1e300},
    {"Atanh", elementary::Atanh, static_cast<Oracle>(std::atanh), -1, 1},
    {"Erf", elementary::Erf, static_cast<Oracle>(std::erf), -7, 7},
    {"Sigmoid", elementary::Sigmoid, SigmoidOracle, -700, 40},
    {"Softplus", elementary::Softplus, SoftplusOracle, -700, 700},
};

// RNE16 of a long double: of a candidate and its two neighbours the nearest,
// the even one of a tie.
uint32_t RoundOracle(long double value) {
  if (std::isnan(value)) return 0x7E00;
  const uint32_t sign = std::signbit(value) ? 0x8000 : 0;
  const long double magnitude = std::fabs(value);
  if (magnitude >= 65520.0L) return sign | 0x7C00;
  const uint32_t middle =
      DoubleToHalf(static_cast<double>(magnitude)) & 0x7FFFu;
  uint32_t best = middle;
  for (uint32_t candidate = middle == 0 ? 0 : middle - 1;
       candidate <= middle + 1 && candidate < 0x7C00u; ++candidate) {
    const long double distance =
        std::fabs(magnitude - static_cast<long double>(HalfToFloat(
                                  static_cast<uint16_t>(candidate))));
    const long double best_distance =
        best >= 0x7C00u
            ? 1e9L
            : std::fabs(magnitude - static_cast<long double>(HalfToFloat(
                                        static_cast<uint16_t>(best))));
    if (distance < best_distance ||
        (distance == best_distance && (candidate & 1u) == 0))
      best = candidate;
  }
  return sign | best;
}

TEST_CASE("P7: every unary function of every half is correctly rounded") {
  for (const Function& function : kFunctions) {
    CAPTURE(function.name);
    int num_wrong = 0;
    uint32_t first_wrong = 0;
    for (uint32_t bits = 0; bits < 65536; ++bits) {
      const float x = HalfToFloat(static_cast<uint16_t>(bits));
      const uint32_t expected =
          RoundOracle(function.oracle(static_cast<long double>(x)));
      if (DoubleToHalf(function.subject(static_cast<double>(x))) != expected &&
          num_wrong++ == 0)
        first_wrong = bits;
    }
    CAPTURE(first_wrong);
    CHECK_EQ(num_wrong, 0);
  }
}

// The larger of `error` and the relative error at x, where the true value is a
// normal double.
double Worse(const Function& function, double x, double error) {
  const long double expected = function.oracle(static_cast<long double>(x));
  const auto magnitude = static_cast<double>(std::fabs(expected));
  if (!(magnitude >= DBL_MIN && magnitude < DBL_MAX)) return error;
  const long double difference =
      static_cast<long double>(function.subject(x)) - expected;
  return std::fmax(error,
                   static_cast<double>(std::fabs(difference / expected)));
}

TEST_CASE("P7: the relative error is below 2^-48 on dense grids") {
  for (const Function& function : kFunctions) {
    CAPTURE(function.name);
    double error = 0;
    for (int i = 0; i <= 50000; ++i) {  // linear
      error = Worse(
          function,
          function.min + (function.max - function.min) * (i / 50000.0), error);
    }
    for (double x = 0x1p-1000; x < function.max; x *= 1.0137)
      error = Worse(function, x, error);
    for (double x = -0x1p-1000; x > function.min; x *= 1.0137)
      error = Worse(function, x, error);
    for (int i = -40000; i <= 40000; ++i) {  // where most of the branches meet
      const double x = i / 4001.0;
      if (x >= function.min && x <= function.max)
        error = Worse(function, x, error);
    }
    CHECK_LT(error, 0x1p-48);
  }
}

// Same value, and same sign where zero.
bool Same(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b && std::signbit(a) == std::signbit(b);
}

TEST_CASE("P7: NaN goes through every unary function") {
  for (const Function& function : kFunctions)
    CHECK(std::isnan(function.subject(kNan)));
}

TEST_CASE("P7: odd functions keep the sign of zero and tiny arguments") {
  for (double (*f)(double) :
       {elementary::Expm1, elementary::Log1p, elementary::Sin, elementary::Tan,
        elementary::Asin, elementary::Atan, elementary::Sinh, elementary::Tanh,
        elementary::Asinh, elementary::Atanh, elementary::Erf}) {
    CHECK(Same(f(0.0), 0.0));
    CHECK(Same(f(-0.0), -0.0));
    if (f == elementary::Erf) continue;  // slope 1.128
    CHECK_EQ(f(0x1p-1074), 0x1p-1074);
    CHECK_EQ(f(-0x1p-400), -0x1p-400);
  }
}

TEST_CASE("P7: special values are those of C99 Annex F") {
  struct Case {
    double (*function)(double);
    double x;
    double expected;
  };
  const Case cases[] = {
      {elementary::Exp, -0.0, 1.0},
      {elementary::Exp, kInfinity, kInfinity},
      {elementary::Exp, -kInfinity, 0.0},
      {elementary::Exp, 709.79, kInfinity},
      {elementary::Exp, -745.2, 0.0},
      {elementary::Exp, -745.13, 0x1p-1074},
      {elementary::Expm1, kInfinity, kInfinity},
      {elementary::Expm1, -kInfinity, -1.0},
      {elementary::Log, 1.0, 0.0},
      {elementary::Log, 0.0, -kInfinity},
      {elementary::Log, -0.0, -kInfinity},
      {elementary::Log, -1.0, kNan},
      {elementary::Log, kInfinity, kInfinity},
      {elementary::Log, -kInfinity, kNan},
      {elementary::Log, 0x1p-1074, -0x1.74385446d71c3p+9},  // -1074 ln 2
      {elementary::Log1p, -1.0, -kInfinity},
      {elementary::Log1p, -1.5, kNan},
      {elementary::Log1p, kInfinity, kInfinity},
      {elementary::Sin, kInfinity, kNan},
      {elementary::Cos, -kInfinity, kNan},
      {elementary::Cos, 0.0, 1.0},
      {elementary::Tan, kInfinity, kNan},
      {elementary::Asin, 1.0, 0x1.921fb54442d18p+0},
      {elementary::Asin, -1.0, -0x1.921fb54442d18p+0},
      {elementary::Asin, 1.5, kNan},
      {elementary::Acos, 1.0, 0.0},
      {elementary::Acos, -1.0, 0x1.921fb54442d18p+1},
      {elementary::Acos, -1.5, kNan},
      {elementary::Atan, kInfinity, 0x1.921fb54442d18p+0},
      {elementary::Atan, -kInfinity, -0x1.921fb54442d18p+0},
      {elementary::Sinh, -kInfinity, -kInfinity},
      {elementary::Sinh, 711.0, kInfinity},
      {elementary::Cosh, -kInfinity, kInfinity},
      {elementary::Cosh, 0.0, 1.0},
      {elementary::Tanh, kInfinity, 1.0},
      {elementary::Tanh, -kInfinity, -1.0},
      {elementary::Asinh, -kInfinity, -kInfinity},
      {elementary::Acosh, 1.0, 0.0},
      {elementary::Acosh, 0.5, kNan},
      {elementary::Acosh, -kInfinity, kNan},
      {elementary::Acosh, kInfinity, kInfinity},
      {elementary::Atanh, 1.0, kInfinity},
      {elementary::Atanh, -1.0, -kInfinity},
      {elementary::Atanh, 1.5, kNan},
      {elementary::Erf, kInfinity, 1.0},
      {elementary::Erf, -kInfinity, -1.0},
      {elementary::Sigmoid, kInfinity, 1.0},
      {elementary::Sigmoid, -kInfinity, 0.0},
      {elementary::Sigmoid, 0.0, 0.5},
      {elementary::Softplus, kInfinity, kInfinity},
      {elementary::Softplus, -kInfinity, 0.0},
      {elementary::Softplus, 0.0, 0x1.62e42fefa39efp-1},
  };
  for (const Case& example : cases) {
    const auto index = &example - cases;
    CAPTURE(index);
    CAPTURE(example.x);
    CHECK(Same(example.function(example.x), example.expected));
  }
}

TEST_CASE("P7: huge arguments of sine and cosine are reduced exactly enough") {
  // Published values of sin and cos of 10^22; the third is the double nearest
  // to a multiple of pi/2.
  CHECK_EQ(elementary::Sin(1e22),
           doctest::Approx(-0.8522008497671888).epsilon(1e-15));
  CHECK_EQ(elementary::Cos(1e22),
           doctest::Approx(0.5232147853951389).epsilon(1e-15));
  const double hard = std::ldexp(6381956970095103.0, 797);
  CHECK_EQ(std::fabs(elementary::Cos(hard)),
           doctest::Approx(4.687165924254624e-19).epsilon(1e-14));
  for (double x = 0x1p20; x < 0x1p1023; x *= 1.37) {
    const auto wide = static_cast<long double>(x);
    CHECK_LT(
        std::fabs(elementary::Sin(x) - static_cast<double>(std::sin(wide))),
        0x1p-52);
    CHECK_LT(
        std::fabs(elementary::Cos(-x) - static_cast<double>(std::cos(wide))),
        0x1p-52);
  }
}

TEST_CASE("P7: powers with special operands are those of C99 Annex F") {
  struct Case {
    double x;
    double y;
    double expected;
  };
  const Case cases[] = {
      {kNan, 0.0, 1.0},
      {kNan, -0.0, 1.0},
      {1.0, kNan, 1.0},
      {-1.0, kInfinity, 1.0},
      {-1.0, -kInfinity, 1.0},
      {kNan, 1.0, kNan},
      {2.0, kNan, kNan},
      {0.0, -3.0, kInfinity},
      {-0.0, -3.0, -kInfinity},
      {-0.0, -2.0, kInfinity},
      {-0.0, -2.5, kInfinity},
      {0.0, -kInfinity, kInfinity},
      {-0.0, 3.0, -0.0},
      {0.0, 3.0, 0.0},
      {-0.0, 2.0, 0.0},
      {-0.0, 0.5, 0.0},
      {-2.0, 0.5, kNan},
      {-2.0, 3.0, -8.0},
      {-2.0, 2.0, 4.0},
      {0.5, -kInfinity, kInfinity},
      {2.0, -kInfinity, 0.0},
      {0.5, kInfinity, 0.0},
      {-2.0, kInfinity, kInfinity},
      {-kInfinity, -3.0, -0.0},
      {-kInfinity, -2.0, 0.0},
      {-kInfinity, -0.5, 0.0},
      {-kInfinity, 3.0, -kInfinity},
      {-kInfinity, 2.0, kInfinity},
      {-kInfinity, 2.5, kInfinity},
      {kInfinity, -1.0, 0.0},
      {kInfinity, 0.25, kInfinity},
      {2.0, 1e300, kInfinity},
      {2.0, -1e300, 0.0},
      {-2.0, 1e300, kInfinity},
      {-3.0, 1001.0, -kInfinity},
      {2.0, 1024.0, kInfinity},
      {2.0, -1074.0, 0x1p-1074},
      {2.0, -1100.0, 0.0},
      {3.0, 1e-30, 1.0},
  };
  for (const Case& example : cases) {
    CAPTURE(example.x);
    CAPTURE(example.y);
    CHECK(Same(Pow(example.x, example.y), example.expected));
  }
}

TEST_CASE("P7: exact powers of short numbers are exact") {
  CHECK_EQ(Pow(47.0, 2.0), 2209.0);  // a tie of fp16
  CHECK_EQ(Pow(13.0, 3.0), 2197.0);
  CHECK_EQ(Pow(-13.0, 3.0), -2197.0);
  CHECK_EQ(Pow(2.0, 1023.0), 0x1p1023);
  CHECK_EQ(Pow(2.0, -1022.0), 0x1p-1022);
  CHECK_EQ(Pow(5.0, 11.0), 48828125.0);
  CHECK_EQ(Pow(6.25, 0.5), 2.5);
  CHECK_EQ(Pow(0.125, -1.0), 8.0);
  CHECK_EQ(Pow(4.0, 2.5), 32.0);
  CHECK_EQ(Pow(1.0 + 0x1p-52, 1.0), 1.0 + 0x1p-52);
  int num_wrong = 0;
  for (int x = 1; x < 8192; ++x) {
    const double square = static_cast<double>(x) * x;  // at most 26 bits
    if (Pow(x, 2.0) != square || Pow(square, 0.5) != x ||
        Pow(-x, 2.0) != square)
      ++num_wrong;
  }
  CHECK_EQ(num_wrong, 0);
}

TEST_CASE("P7: the relative error of powers is below 2^-47") {
  double error = 0;
  for (double x = 0x1p-1000; x < 0x1p1000; x *= 1.0917) {
    for (double y = -690.3; y < 690.0; y += 3.77) {
      const double exponent = y / std::log(x);
      const long double expected = std::pow(static_cast<long double>(x),
                                            static_cast<long double>(exponent));
      const long double difference =
          static_cast<long double>(Pow(x, exponent)) - expected;
      error = std::fmax(error,
                        static_cast<double>(std::fabs(difference / expected)));
    }
  }
  CHECK_LT(error, 0x1p-47);
}

TEST_CASE("P9: ExpFloat gives the bits of the written steps") {
  // Computed with numpy's float32 from the text of P9.
  struct Case {
    float x;
    uint32_t bits;
  };
  const Case cases[] = {
      {0.0f, 0x3F800000u},    {-0.0f, 0x3F800000u},    {1.0f, 0x402DF854u},
      {-1.0f, 0x3EBC5AB2u},   {-0.5f, 0x3F1B4598u},    {0.1f, 0x3F8D763Eu},
      {-3.75f, 0x3CC0A84Au},  {-10.0f, 0x383E6BCEu},   {-20.25f, 0x30DC9EF1u},
      {-87.0f, 0x00B33687u},  {-87.5f, 0x006CB2BCu},   {-95.0f, 0x00000F64u},
      {-103.0f, 0x00000001u}, {-103.97f, 0x00000001u}, {-104.0f, 0x00000000u},
      {88.0f, 0x7EF882B7u},   {88.7f, 0x7F7A37FCu},    {88.72f, 0x7F7F4648u},
      {88.73f, 0x7F800000u},  {10.5f, 0x470DDB81u},    {-0.001f, 0x3F7FBE7Fu},
  };
  for (const Case& example : cases) {
    CAPTURE(example.x);
    CHECK_EQ(std::bit_cast<uint32_t>(ExpFloat(example.x)), example.bits);
  }
}

TEST_CASE("P9: ExpFloat ends in 0 and infinity and passes NaN") {
  constexpr float kFloatInfinity = std::numeric_limits<float>::infinity();
  CHECK_EQ(ExpFloat(0.0f), 1.0f);
  CHECK_EQ(ExpFloat(-0.0f), 1.0f);
  CHECK_EQ(std::bit_cast<uint32_t>(ExpFloat(-kFloatInfinity)), 0u);
  CHECK_EQ(ExpFloat(kFloatInfinity), kFloatInfinity);
  CHECK_EQ(ExpFloat(FLT_MAX), kFloatInfinity);
  CHECK_EQ(std::bit_cast<uint32_t>(ExpFloat(-FLT_MAX)), 0u);
  CHECK(std::isnan(ExpFloat(std::numeric_limits<float>::quiet_NaN())));
  CHECK(std::isnan(ExpFloat(-std::numeric_limits<float>::quiet_NaN())));
}

TEST_CASE("P9: ExpFloat is within 1 ulp; 0.75 for subnormals") {
  double error = 0;
  double subnormal_error = 0;
  for (const uint32_t sign : {0u, 0x80000000u}) {
    for (uint32_t bits = 0x30000000u; bits < 0x42D20000u; bits += 211) {
      const float x = std::bit_cast<float>(bits | sign);
      const auto expected =
          static_cast<double>(std::exp(static_cast<long double>(x)));
      if (expected > static_cast<double>(FLT_MAX)) continue;
      int exponent = 0;
      std::frexp(expected, &exponent);
      const double unit = std::ldexp(1.0, std::max(exponent, -125) - 24);
      double& worst =
          expected < static_cast<double>(FLT_MIN) ? subnormal_error : error;
      worst = std::fmax(
          worst, std::fabs(static_cast<double>(ExpFloat(x)) - expected) / unit);
    }
  }
  CHECK_LT(error, 1.0);
  CHECK_LT(subnormal_error, 0.75);
}

}  // namespace
}  // namespace aneref
