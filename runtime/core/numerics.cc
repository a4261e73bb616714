// Scalar arithmetic of the planar engine: N5-N8 decoding and zeros, N23-N25,
// N28, N30. Doubles hold every sum, difference and product of two halves
// exactly; a quotient in double is never a false midpoint of fp16.
#include "runtime/core/numerics.h"

#include <cmath>

#include "runtime/core/activation_table.h"

namespace aneref {
namespace {

int BitWidth(Wide magnitude) {
  const auto high = static_cast<uint64_t>(magnitude >> 64);
  const auto low = static_cast<uint64_t>(magnitude);
  return high != 0 ? 128 - std::countl_zero(high) : 64 - std::countl_zero(low);
}

// magnitude / 2^shift, rounded to an integer.
uint32_t RoundShift(Wide magnitude, int shift, Rounding rounding) {
  if (shift <= 0) return static_cast<uint32_t>(magnitude << -shift);
  if (shift > 125) return 0;  // below half of the unit: magnitudes are < 2^120
  const Wide quotient = magnitude >> shift;
  const Wide rest = magnitude - (quotient << shift);
  const Wide half = Wide{1} << (shift - 1);
  const bool up = rounding == Rounding::kHalfAway
                      ? rest >= half
                      : rest > half || (rest == half && (quotient & 1) != 0);
  return static_cast<uint32_t>(quotient) + (up ? 1u : 0u);
}

bool HasExponent31(uint16_t bits) { return (bits & 0x7C00u) == 0x7C00u; }

double Quotient(uint16_t a, uint16_t b) {
  const double x = EngineHalfToDouble(a);
  const double y = EngineHalfToDouble(b);
  if (x == 0.0 || HasExponent31(b)) return 0.0;  // N34: 1 / inf = 0
  // N7: the sign of a zero is dropped, so x / -0 has the sign of x.
  if (y == 0.0) return x > 0.0 ? 0x1p16 : -0x1p16;
  return x / y;
}

}  // namespace

uint16_t RoundWide(Wide value, int unit_exponent, Rounding rounding) {
  if (value == 0) return 0;  // N7
  const uint32_t sign = value < 0 ? kHalfSignBit : 0u;
  const Wide magnitude = value < 0 ? -value : value;
  const int exponent = BitWidth(magnitude) - 1 + unit_exponent;
  if (exponent > 15) return static_cast<uint16_t>(sign | kHalfInfinity);
  const int floor_exponent = exponent < -14 ? -14 : exponent;
  const uint32_t significand =
      RoundShift(magnitude, floor_exponent - 10 - unit_exponent, rounding);
  // The leading one of a normal significand adds 1 to the exponent field, and
  // so does a carry out of the rounding.
  const uint32_t bits =
      (static_cast<uint32_t>(floor_exponent + 14) << 10) + significand;
  if (bits == 0) return 0;
  return static_cast<uint16_t>(
      sign | (bits > kHalfInfinity ? uint32_t{kHalfInfinity} : bits));
}

uint16_t StoreEngine(Rounding rounding, double value) {
  // N6: indeterminate forms give +0. Only parameters of ops can make one here.
  if (value != value) return 0;
  const uint16_t bits = rounding == Rounding::kNearestEven
                            ? DoubleToHalf(value)
                            : DoubleToHalfAway(value);
  return bits == kHalfSignBit ? uint16_t{0} : bits;  // N7
}

uint16_t Planar(const Profile& profile, PlanarOp op, uint16_t a, uint16_t b) {
  const double x = EngineHalfToDouble(a);
  const double y = EngineHalfToDouble(b);
  double result = 0.0;
  switch (op) {
    case PlanarOp::kAdd:
      result = x + y;
      break;
    case PlanarOp::kSub:
      result = x - y;
      break;
    case PlanarOp::kMul:
      result = x * y;
      break;
    case PlanarOp::kDiv:
      result = Quotient(a, b);
      break;
    case PlanarOp::kMax:
      result = x > y ? x : y;
      break;
    case PlanarOp::kMin:
      result = x < y ? x : y;
      break;
  }
  return StoreEngine(profile.rounding, result);
}

uint16_t FloorDivideByConstant(const Profile& profile, uint16_t a, uint16_t b) {
  const uint16_t reciprocal =
      StoreEngine(Rounding::kNearestEven, Quotient(0x3C00, b));
  const double product = EngineHalfToDouble(a) * EngineHalfToDouble(reciprocal);
  return StoreEngine(profile.rounding, std::floor(product));
}

float WideSum(HalfRun run) {
  float sum = 0.0f;
  for (size_t i = 0; i < run.count; ++i)
    sum += static_cast<float>(EngineHalfToDouble(run.data[i * run.stride]));
  return sum;
}

uint16_t ReduceSum(const Profile& profile, HalfRun run) {
  return StoreEngine(profile.rounding, static_cast<double>(WideSum(run)));
}

uint16_t ReduceMean(const Profile& profile, HalfRun run) {
  if (run.count == 0) return 0;
  return StoreEngine(profile.rounding, static_cast<double>(WideSum(run)) /
                                           static_cast<double>(run.count));
}

uint16_t ReduceMax(const Profile& profile, HalfRun run) {
  if (run.count == 0) return 0;
  double best = EngineHalfToDouble(run.data[0]);
  for (size_t i = 1; i < run.count; ++i)
    best = std::fmax(best, EngineHalfToDouble(run.data[i * run.stride]));
  return StoreEngine(profile.rounding, best);
}

uint16_t ReduceMin(const Profile& profile, HalfRun run) {
  if (run.count == 0) return 0;
  double best = EngineHalfToDouble(run.data[0]);
  for (size_t i = 1; i < run.count; ++i)
    best = std::fmin(best, EngineHalfToDouble(run.data[i * run.stride]));
  return StoreEngine(profile.rounding, best);
}

uint16_t SquareOfSum(const Profile& profile, HalfRun run) {
  const uint16_t sum = ReduceSum(profile, run);
  return Planar(profile, PlanarOp::kMul, sum, sum);
}

uint16_t ReduceSumSquare(const Profile& profile, HalfRun run) {
  float sum = 0.0f;
  for (size_t i = 0; i < run.count; ++i) {
    const uint16_t x = run.data[i * run.stride];
    sum += static_cast<float>(
        EngineHalfToDouble(Planar(profile, PlanarOp::kMul, x, x)));
  }
  return StoreEngine(profile.rounding, static_cast<double>(sum));
}

uint16_t WidthSlice(const Profile& profile, uint16_t x) {
  const uint32_t magnitude = x & 0x7FFFu;
  if (!profile.width_slice_x16 || magnitude < 0x6C00u) return x;  // 4096
  return static_cast<uint16_t>((x & kHalfSignBit) | kHalfInfinity);
}

void SoftmaxRow(const Profile& profile, const uint16_t* exp_table,
                const uint16_t* in, uint16_t* out, size_t count) {
  if (count == 0) return;
  double largest = EngineHalfToDouble(in[0]);
  for (size_t i = 1; i < count; ++i)
    largest = std::fmax(largest, EngineHalfToDouble(in[i]));
  const Activation exp{ActivationFunction::kExp};
  float sum = 0.0f;
  for (size_t i = 0; i < count; ++i) {
    const uint16_t difference =
        StoreEngine(profile.rounding, EngineHalfToDouble(in[i]) - largest);
    out[i] = exp_table != nullptr
                 ? exp_table[difference]
                 : EvaluateActivation(profile, exp, difference);
    sum += static_cast<float>(EngineHalfToDouble(out[i]));
  }
  const double inverse = InverseOf(profile, static_cast<double>(sum));
  for (size_t i = 0; i < count; ++i)
    out[i] =
        StoreEngine(profile.rounding, EngineHalfToDouble(out[i]) * inverse);
}

}  // namespace aneref
