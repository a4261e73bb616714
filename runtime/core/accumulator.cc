// N10-N22 and N65 in wide integers. Products of two operands are integers in
// units of 2^-48 (the smallest exponents are -14 each, with 10 fraction bits
// each) below 2^82, so a Wide holds every product and every sum exactly.
#include "runtime/core/accumulator.h"

#include <bit>
#include <cmath>

namespace aneref {
namespace {

constexpr int kProductUnit = -48;
constexpr Wide kOne = 1;
constexpr Wide kPortCeiling = kOne << (15 - kProductUnit);  // 32768 (N20)

Wide Magnitude(Wide v) { return v < 0 ? -v : v; }

// floor(log2 |v|) of a non-zero v, in units of its last bit.
int Exponent(Wide v) {
  const Wide magnitude = Magnitude(v);
  const auto high = static_cast<uint64_t>(magnitude >> 64);
  const auto low = static_cast<uint64_t>(magnitude);
  return high != 0 ? 127 - std::countl_zero(high) : 63 - std::countl_zero(low);
}

// N4: exact.
Wide Product(MacOperand x, MacOperand w) {
  const int shift = x.exponent + w.exponent - 20 - kProductUnit;
  return static_cast<Wide>(x.significand) * w.significand * (kOne << shift);
}

// v to a multiple of 2^bits.
Wide Cut(Wide v, int bits, WindowCut cut) {
  if (bits <= 0) return v;
  const Wide unit = kOne << bits;
  const Wide magnitude = Magnitude(v);
  const Wide rest = magnitude & (unit - 1);
  Wide kept = magnitude - rest;
  const bool odd = (kept & unit) != 0;
  if (cut == WindowCut::kNearestEven) {
    if (rest * 2 > unit || (rest * 2 == unit && odd)) kept += unit;
  } else if (cut == WindowCut::kFloor && v < 0 && rest != 0) {
    kept += unit;
  }
  return v < 0 ? -kept : kept;
}

// N10: a window of 12 significant bits, placed by the larger operand.
Wide WindowAdd(Wide a, Wide b, WindowCut cut) {
  if (a == 0 && b == 0) return 0;
  int e = a == 0 ? Exponent(b) : Exponent(a);
  if (b != 0 && Exponent(b) > e) e = Exponent(b);
  const Wide sum = Cut(a, e - 11, cut) + Cut(b, e - 11, cut);
  if (sum == 0 || Exponent(sum) <= e) return sum;
  return Cut(sum, e - 10, WindowCut::kNearestEven);
}

int SignOf(bool negative) { return negative ? -1 : 1; }

// RHA(v * 2^-shift) (N16).
Wide RoundAway(Wide v, int shift) {
  const Wide half = kOne << (shift - 1);
  const Wide rounded = (Magnitude(v) + half) >> shift;
  return v < 0 ? -rounded : rounded;
}

uint16_t Overflowed(int sign) {
  return sign < 0 ? uint16_t{0xFC00} : kHalfInfinity;
}

// Integer nearest to `bias` / 2^unit, half away from zero, saturated far
// beyond every ceiling. NaN counts as the number it is in fp16 (N5).
Wide BiasUnits(double bias, int unit) {
  if (bias != bias) bias = 98304.0;
  const double limit = 0x1p20;
  const double clamped = std::fmin(std::fmax(bias, -limit), limit);
  // round() is half away from zero and exact.
  return static_cast<Wide>(std::round(std::ldexp(clamped, -unit)));
}

}  // namespace

MacOperand DecodeOperand(uint16_t bits) {
  const int field = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  const int magnitude = field == 0 ? fraction : fraction + 1024;
  return {(bits & kHalfSignBit) != 0 ? -magnitude : magnitude,
          field == 0 ? -14 : field - 15};
}

MacOperand OperandOf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto exponent = static_cast<int32_t>((bits >> 23) & 255u) - 127;
  if (exponent < -14)
    return {static_cast<int32_t>(value * 0x1p24f), -14};  // exact
  const auto magnitude =
      static_cast<int32_t>(((bits & 0x7FFFFFu) | 0x800000u) >> 13);
  return {(bits >> 31) != 0 ? -magnitude : magnitude, exponent};
}

bool PreloadsBias(const Profile& profile, const MacEpilogue& epilogue) {
  const bool scales = epilogue.has_scale && epilogue.scale != 0x3C00;
  return epilogue.has_bias && profile.bias_preload && !scales;  // N21, N22
}

void Radix4Accumulator::Start(const Profile& profile, bool has_ceiling,
                              double bias) {
  *this = Radix4Accumulator();
  cut_ = profile.window_cut;
  block_ = profile.group_lanes == GroupLanes::kStrided16 ? 16 : 4;
  has_ceiling_ = has_ceiling;
  sum_ = static_cast<float>(
      EngineHalfToDouble(StoreEngine(Rounding::kNearestEven, bias)));
  Check(std::fabs(sum_) >= 32768.0f, sum_ < 0.0f);
}

void Radix4Accumulator::Check(bool over, bool negative) {
  if (has_ceiling_ && overflow_ == 0 && over) overflow_ = SignOf(negative);
}

void Radix4Accumulator::Add(MacOperand x, MacOperand w) {
  // N13: denormal operands count as +0.
  const bool flushed =
      std::abs(x.significand) < 1024 || std::abs(w.significand) < 1024;
  pending_[num_pending_++] = flushed ? Wide{0} : Product(x, w);
  if (num_pending_ == block_) Flush();
}

void Radix4Accumulator::Flush() {
  for (size_t i = num_pending_; i < block_; ++i) pending_[i] = 0;
  num_pending_ = 0;
  if (block_ == 4)
    return AddGroup({pending_[0], pending_[1], pending_[2], pending_[3]});
  for (size_t j = 0; j < 4; ++j)
    AddGroup({pending_[j], pending_[j + 4], pending_[j + 8], pending_[j + 12]});
}

// N11.
void Radix4Accumulator::AddGroup(const std::array<Wide, 4>& products) {
  Wide group = 0;
  for (const Wide product : products) {
    group = WindowAdd(group, product, cut_);
    Check(Magnitude(group) >= kPortCeiling, group < 0);  // N20
  }
  sum_ += static_cast<float>(group) * 0x1p-48f;  // at most 12 bits: exact
  Check(std::fabs(sum_) >= 32768.0f, sum_ < 0.0f);
}

MacSum Radix4Accumulator::Finish() {
  if (num_pending_ != 0) Flush();
  const uint16_t port =
      StoreEngine(Rounding::kNearestEven, static_cast<double>(sum_));  // N12
  Check((port & 0x7FFFu) >= 0x7800u, (port & kHalfSignBit) != 0);
  const MacOperand value = DecodeOperand(port);
  MacSum sum{value.significand, value.exponent - 10, overflow_};
  if ((port & 0x7C00u) == 0x7C00u && overflow_ == 0)
    sum.overflow = SignOf((port & kHalfSignBit) != 0);
  return sum;
}

void FixedAccumulator::Start(const Profile& profile, bool has_ceiling,
                             double bias) {
  *this = FixedAccumulator();
  keep_denormals_ = profile.keep_denormals;
  has_ceiling_ = has_ceiling;
  sum_ = BiasUnits(bias, keep_denormals_ ? kProductUnit : -16);  // N17
  Check();
}

void FixedAccumulator::Check() {
  const Wide limit = kOne << (keep_denormals_ ? 15 - kProductUnit : 31);
  if (has_ceiling_ && overflow_ == 0 && Magnitude(sum_) >= limit)
    overflow_ = SignOf(sum_ < 0);
}

void FixedAccumulator::Add(MacOperand x, MacOperand w) {
  // N16: dropped by the exponents alone, whatever the product is worth.
  if (!keep_denormals_ && x.exponent + w.exponent <= -17) return;
  const Wide product = Product(x, w);
  sum_ += keep_denormals_ ? product : RoundAway(product, -16 - kProductUnit);
  Check();  // N18
}

MacSum FixedAccumulator::Finish() const {
  return {sum_, keep_denormals_ ? kProductUnit : -16, overflow_};
}

void Accumulator::Start(const MacEpilogue& epilogue) {
  epilogue_ = epilogue;
  const double bias = PreloadsBias(profile_, epilogue) ? epilogue.bias : 0.0;
  if (profile_.mac == MacAccumulator::kRadix4W12)
    radix4_.Start(profile_, has_ceiling_, bias);
  else
    fixed_.Start(profile_, has_ceiling_, bias);
}

void Accumulator::Add(MacOperand x, MacOperand w) {
  if (profile_.mac == MacAccumulator::kRadix4W12)
    radix4_.Add(x, w);
  else
    fixed_.Add(x, w);
}

uint16_t Accumulator::Finish() {
  return FinishMac(profile_, epilogue_,
                   profile_.mac == MacAccumulator::kRadix4W12
                       ? radix4_.Finish()
                       : fixed_.Finish());
}

uint16_t FinishMac(const Profile& profile, const MacEpilogue& epilogue,
                   const MacSum& sum) {
  const MacOperand scale =
      DecodeOperand(epilogue.has_scale ? epilogue.scale : uint16_t{0x3C00});
  if (sum.overflow != 0)
    return Overflowed(scale.significand < 0 ? -sum.overflow : sum.overflow);
  const bool is_fixed = profile.mac == MacAccumulator::kQ15_16;
  // N22: with the scale in one rounding; for radix4_w12 the sum is fp16.
  const uint16_t scaled =
      RoundWide(sum.significand * scale.significand,
                sum.unit_exponent + scale.exponent - 10,
                is_fixed ? Rounding::kHalfAway : profile.rounding);
  if (!epilogue.has_bias || PreloadsBias(profile, epilogue)) return scaled;
  if ((scaled & 0x7C00u) == 0x7C00u) return scaled;
  // N21: on H13 and H14 a bias is rounded to fp16 first.
  const double bias = is_fixed ? epilogue.bias
                               : EngineHalfToDouble(StoreEngine(
                                     Rounding::kNearestEven, epilogue.bias));
  return StoreEngine(profile.rounding, EngineHalfToDouble(scaled) + bias);
}

void Int8Accumulator::Add(int32_t x, int32_t w) { AddRepeated(x, w, 1); }

void Int8Accumulator::AddRepeated(int32_t x, int32_t w, int64_t count) {
  constexpr int64_t kLimit = int64_t{1} << 31;
  const int64_t product = int64_t{x} * w;
  if (overflow_ != 0 || product == 0 || count <= 0) return;
  const int64_t room = product > 0 ? kLimit - 1 - sum_ : kLimit - 1 + sum_;
  const int64_t fits = room / (product > 0 ? product : -product);
  if (count > fits)
    overflow_ = product > 0 ? 1 : -1;
  else
    sum_ += product * count;
}

uint16_t Int8Accumulator::Finish(const Profile& profile, double scale) const {
  if (overflow_ != 0) return Overflowed(scale < 0.0 ? -overflow_ : overflow_);
  return StoreEngine(profile.rounding, static_cast<double>(sum_) * scale);
}

}  // namespace aneref
