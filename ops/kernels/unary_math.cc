// The meaning of every function of one operand, in double (P7), and the fp16
// tables made of them. Compound functions are written so that no digits cancel
// where fp16 or fp32 could see it.
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <mutex>
#include <tuple>

#include "ops/kernels/unary.h"
#include "runtime/core/elementary.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

using Kind = fbs::ActivationKind;
namespace el = elementary;

constexpr double kSqrtHalf = 0x1.6a09e667f3bcdp-1;
constexpr double kInverseSqrtPi = 0x1.20dd750429b6dp-1;

// max, then min, as P8: NaN passes.
double Clamp(double x, double low, double high) {
  const double raised = low > x ? low : x;
  return high < raised ? high : raised;
}

// x times a factor that tends to 0 faster than x grows.
double Gate(double x, double factor) {
  return factor == 0.0 ? std::copysign(0.0, x) : x * factor;
}

// erfc(z) for z >= 2: exp(-z^2) / (sqrt(pi) (z + (1/2) / (z + (2/2) / (z +
// (3/2) / (z + ...))))).
double ErfcTail(double z) {
  double fraction = z;
  for (int n = 64; n > 0; --n) fraction = z + 0.5 * n / fraction;
  return el::Exp(-z * z) * kInverseSqrtPi / fraction;
}

// x Phi(x), where 1 + erf would cancel for negative x.
double Gelu(double x) {
  const double z = x * kSqrtHalf;
  return Gate(x, 0.5 * (z < -2.0 ? ErfcTail(-z) : 1.0 + el::Erf(z)));
}

// 0.5 x (1 + tanh(u)) = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
double GeluTanh(double x) {
  const double cubic = x * (1.0 + kGeluCubic * (x * x));
  return Gate(x, el::Sigmoid(kTwoSqrtTwoOverPi * cubic));
}

double Silu(double x, double alpha) {
  return Gate(x, alpha == 0.0 ? 0.5 : el::Sigmoid(alpha * x));
}

double Elu(double x, double alpha) {
  return x > 0.0 ? x : alpha * el::Expm1(x);
}

// max(0, x) + min(0, alpha (exp(x / alpha) - 1)), whatever the sign of alpha.
double Celu(double x, double alpha) {
  return x > 0.0 ? x : alpha * el::Expm1(x / alpha);
}

double Shrink(double x, double threshold, double bias) {
  if (x < -threshold) return x + bias;
  return x > threshold ? x - bias : 0.0;
}

double Softsign(double x) {
  return std::isinf(x) ? std::copysign(1.0, x) : x / (1.0 + std::fabs(x));
}

double HardSwish(double x) {
  const double factor = Clamp(x + 3.0, 0.0, 6.0);
  return factor == 0.0 ? std::copysign(0.0, x) : x * factor / 6.0;
}

// Without an epsilon -0 stays what it is.
double PlusEpsilon(double x, double epsilon) {
  return epsilon == 0.0 ? x : x + epsilon;
}

// Half to even whatever the rounding mode.
double RoundEven(double x) {
  const double magnitude = std::fabs(x);
  if (magnitude >= 0x1p52) return x;
  return std::copysign((magnitude + 0x1p52) - 0x1p52, x);
}

// The functions that curve.
double Curve(Kind kind, double x) {
  switch (kind) {
    case Kind::gelu:
      return Gelu(x);
    case Kind::gelu_tanh:
      return GeluTanh(x);
    case Kind::sigmoid:
      return el::Sigmoid(x);
    case Kind::tanh:
      return el::Tanh(x);
    case Kind::softplus:
      return el::Softplus(x);
    case Kind::softsign:
      return Softsign(x);
    case Kind::mish:
      return Gate(x, el::Tanh(el::Softplus(x)));
    case Kind::erf:
      return el::Erf(x);
    case Kind::exp:
      return el::Exp(x);
    case Kind::exp2:
      return el::Pow(2.0, x);
    case Kind::sin:
      return el::Sin(x);
    case Kind::cos:
      return el::Cos(x);
    case Kind::tan:
      return el::Tan(x);
    case Kind::asin:
      return el::Asin(x);
    case Kind::acos:
      return el::Acos(x);
    case Kind::atan:
      return el::Atan(x);
    case Kind::sinh:
      return el::Sinh(x);
    case Kind::cosh:
      return el::Cosh(x);
    case Kind::asinh:
      return el::Asinh(x);
    case Kind::acosh:
      return el::Acosh(x);
    case Kind::atanh:
      return el::Atanh(x);
    default:
      return x;
  }
}

// The functions with parameters, and the exact ones.
double Evaluate(const UnaryFunction& f, double x) {
  switch (f.kind) {
    case Kind::relu:
      return 0.0 > x ? 0.0 : x;  // P8: -0 stays
    case Kind::relu6:
      return Clamp(x, 0.0, 6.0);
    case Kind::clip:
      return Clamp(x, f.alpha, f.beta);
    case Kind::leaky_relu:
      return x < 0.0 ? f.alpha * x : x;
    case Kind::thresholded_relu:
      return x > f.alpha ? x : 0.0;
    case Kind::elu:
      return Elu(x, f.alpha);
    case Kind::selu:
      return f.beta * Elu(x, f.alpha);
    case Kind::celu:
      return Celu(x, f.alpha);
    case Kind::hard_sigmoid:
      return Clamp(f.alpha * x + f.beta, 0.0, 1.0);
    case Kind::hard_swish:
      return HardSwish(x);
    case Kind::silu:
      return Silu(x, f.alpha);
    case Kind::shrink:
      return Shrink(x, f.alpha, f.beta);
    case Kind::linear:
      return f.alpha * x + f.beta;
    case Kind::scaled_tanh:
      return f.alpha * el::Tanh(f.beta * x);
    case Kind::parametric_softplus:
      return f.alpha * el::Softplus(f.beta * x);
    case Kind::sqrt:
      return std::sqrt(x);
    case Kind::rsqrt:
      return 1.0 / std::sqrt(PlusEpsilon(x, f.alpha));
    case Kind::inverse:
      return 1.0 / PlusEpsilon(x, f.alpha);
    case Kind::log:
      return el::Log(PlusEpsilon(x, f.alpha));
    case Kind::square:
      return x * x;
    case Kind::abs:
      return std::fabs(x);
    case Kind::neg:
      return -x;
    case Kind::sign:
      return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : 0.0);
    case Kind::floor:
      return std::floor(x);
    case Kind::ceil:
      return std::ceil(x);
    case Kind::round:
      return RoundEven(x);
    default:
      return Curve(f.kind, x);
  }
}

// Bits, so that parameters compare exactly.
using TableKey = std::tuple<Kind, uint64_t, uint64_t>;
struct TableCache {
  std::mutex mutex;
  std::map<TableKey, std::weak_ptr<const UnaryTable>> tables;
};

}  // namespace

UnaryClass ClassOf(Kind kind) {
  switch (kind) {
    case Kind::identity:
      return UnaryClass::kIdentity;
    case Kind::relu:
    case Kind::relu6:
    case Kind::clip:
    case Kind::abs:
    case Kind::neg:
    case Kind::sign:
    case Kind::square:
      return UnaryClass::kNumeric;
    case Kind::is_nan:
    case Kind::is_inf:
      return UnaryClass::kTest;
    case Kind::logical_not:
      return UnaryClass::kLogic;
    case Kind::bitwise_not:
      return UnaryClass::kBitwise;
    default:
      return UnaryClass::kReal;
  }
}

double EvaluateUnary(const UnaryFunction& function, double x) {
  const double value = x != x ? x : Evaluate(function, x);
  return value != value ? std::numeric_limits<double>::quiet_NaN() : value;
}

namespace {

// Kinds that are infinite at a finite operand. Any other infinity of a finite
// operand is a value beyond double's range (P2: it saturates).
bool HasPole(Kind kind) {
  return kind == Kind::log || kind == Kind::inverse || kind == Kind::rsqrt ||
         kind == Kind::atanh;
}

}  // namespace

uint16_t EvaluateUnaryHalf(const UnaryFunction& function, uint16_t bits) {
  if (function.kind == Kind::identity) return bits;
  const auto x = static_cast<double>(HalfToFloat(bits));
  const double value = EvaluateUnary(function, x);
  const uint16_t half = StoreHalfFromDouble(value);
  const bool beyond_double =
      std::isinf(value) && std::isfinite(x) && !HasPole(function.kind);
  return beyond_double ? static_cast<uint16_t>(half - 1u) : half;
}

uint16_t UnaryTable::Fill(uint16_t bits) const {
  const auto entry = static_cast<uint16_t>(~EvaluateUnaryHalf(function_, bits));
  entries_[bits].store(entry, std::memory_order_relaxed);
  return entry;
}

void UnaryTable::Apply(const uint16_t* x, size_t count, uint16_t* out) const {
  const std::atomic<uint16_t>* entries = entries_.data();
  size_t i = 0;
  // Four at a time: one load, one test, one store.
  for (; i + 4 <= count; i += 4) {
    uint64_t bits = 0;
    std::memcpy(&bits, x + i, sizeof(bits));
    const auto entry = [&](int shift) -> uint32_t {
      return entries[static_cast<uint16_t>(bits >> shift)].load(
          std::memory_order_relaxed);
    };
    const uint32_t a = entry(0), b = entry(16), c = entry(32), d = entry(48);
    // One less than 0 is FFFFFFFF.
    const uint32_t missing = (a - 1) | (b - 1) | (c - 1) | (d - 1);
    uint64_t results = a | b << 16 | uint64_t{c | d << 16} << 32;
    if (missing > 0xFFFF) {
      results = 0;
      for (int shift = 0; shift < 64; shift += 16) {
        results |= uint64_t{Fill(static_cast<uint16_t>(bits >> shift))}
                   << shift;
      }
    }
    results = ~results;
    std::memcpy(out + i, &results, sizeof(results));
  }
  for (; i < count; ++i) {
    const uint16_t entry = entries[x[i]].load(std::memory_order_relaxed);
    out[i] = static_cast<uint16_t>(~(entry != 0 ? entry : Fill(x[i])));
  }
}

std::shared_ptr<const UnaryTable> SharedUnaryTable(
    const UnaryFunction& function) {
  // The only mutable static: memos of a pure function, so nobody can observe
  // it but by time and memory.
  static TableCache cache;
  const TableKey key = {function.kind, std::bit_cast<uint64_t>(function.alpha),
                        std::bit_cast<uint64_t>(function.beta)};
  const std::lock_guard<std::mutex> lock(cache.mutex);
  if (auto table = cache.tables[key].lock()) return table;
  auto table = std::make_shared<const UnaryTable>(function);
  std::erase_if(cache.tables,
                [](const auto& entry) { return entry.second.expired(); });
  cache.tables[key] = table;
  return table;
}

}  // namespace aneref
