// Profiles, planar arithmetic, reductions, width slice and softmax against the
// numbers of docs/spec/numerics.md.
#include "runtime/core/numerics.h"

#include <doctest/doctest.h>

#include <vector>

#include "runtime/core/activation_table.h"
#include "runtime/core/chip.h"

namespace aneref {
namespace {

using Halves = std::vector<uint16_t>;

const Profile kH13 = NamedProfile("h13").value();
const Profile kH16 = NamedProfile("h16").value();

uint16_t Add(const Profile& p, uint16_t a, uint16_t b) {
  return Planar(p, PlanarOp::kAdd, a, b);
}
uint16_t Sub(const Profile& p, uint16_t a, uint16_t b) {
  return Planar(p, PlanarOp::kSub, a, b);
}
uint16_t Mul(const Profile& p, uint16_t a, uint16_t b) {
  return Planar(p, PlanarOp::kMul, a, b);
}
uint16_t Div(const Profile& p, uint16_t a, uint16_t b) {
  return Planar(p, PlanarOp::kDiv, a, b);
}
HalfRun Run(const Halves& halves) { return {halves.data(), halves.size()}; }

TEST_CASE("N1: fp16 is the working format and inputs round to nearest even") {
  CHECK_EQ(EngineHalfToDouble(0x7BFF), 65504.0);
  CHECK_EQ(EngineHalfToDouble(0x0400), 0x1p-14);
  CHECK_EQ(EngineHalfToDouble(0x0001), 0x1p-24);
  CHECK_EQ(FloatToHalf(2049.0f), 0x6800);
  CHECK_EQ(FloatToHalf(2051.0f), 0x6802);
}

TEST_CASE("N5: exponent 31 is an ordinary exponent") {
  CHECK_EQ(EngineHalfToDouble(0x7C00), 65536.0);
  CHECK_EQ(EngineHalfToDouble(0x7E00), 98304.0);
  CHECK_EQ(EngineHalfToDouble(0x7FFF), 131008.0);
  CHECK_EQ(EngineHalfToDouble(0xFC00), -65536.0);
  // Decoded as a number, not coerced to infinity: 98304 - 65536.
  CHECK_EQ(Sub(kH13, 0x7E00, 0x7C00), 0x7800);
}

TEST_CASE("N6: NaN and infinity are large numbers and no output is a NaN") {
  for (const Profile& p : {kH13, kH16}) {
    CHECK_EQ(Add(p, 0x7E00, 0x0000), 0x7C00);
    CHECK_EQ(Sub(p, 0x7E00, 0x3C00), 0x7C00);
    CHECK_EQ(Mul(p, 0x7E00, 0x3C00), 0x7C00);
    CHECK_EQ(Add(p, 0xFE00, 0x0000), 0xFC00);
    CHECK_EQ(Add(p, 0x7C00, 0x3C00), 0x7C00);
    CHECK_EQ(Sub(p, 0x7C00, 0x7C00), 0x0000);
    CHECK_EQ(Mul(p, 0x0000, 0x7C00), 0x0000);
    CHECK_EQ(Planar(p, PlanarOp::kMax, 0x7E00, 0x3C00), 0x7C00);
    CHECK_EQ(Planar(p, PlanarOp::kMin, 0x7E00, 0x3C00), 0x3C00);
    CHECK_EQ(EvaluateActivation(p, {ActivationFunction::kRelu}, 0x7E00),
             0x7C00);
  }
}

TEST_CASE("N7: the sign of a zero is dropped") {
  CHECK_EQ(Add(kH13, 0x8000, 0x0000), 0x0000);
  CHECK_EQ(Add(kH13, 0x8000, 0x8000), 0x0000);
  CHECK_EQ(Mul(kH13, 0x8000, 0x3C00), 0x0000);
  CHECK_EQ(Div(kH13, 0x3C00, 0x8000), 0x7C00);
  CHECK_EQ(StoreEngine(Rounding::kHalfAway, -0x1p-30), 0x0000);
}

TEST_CASE("N8: denormals are kept outside the MAC") {
  for (const Profile& p : {kH13, kH16}) {
    for (uint32_t bits = 1; bits < 0x0400; ++bits) {
      const auto half = static_cast<uint16_t>(bits);
      CHECK_EQ(Add(p, half, 0x0000), half);
      CHECK_EQ(Mul(p, half, 0x3C00), half);
    }
    CHECK_EQ(Mul(p, 0x0C00, 0x0C00), 0x0001);  // 2^-12 * 2^-12 = 2^-24
  }
}

TEST_CASE("N23: planar arithmetic is exact and rounds once") {
  CHECK_EQ(Add(kH16, 0x6800, 0x3C00), 0x6801);  // 2050
  CHECK_EQ(Add(kH13, 0x6800, 0x3C00), 0x6800);  // 2048
  CHECK_EQ(Add(kH16, 0xE800, 0xBC00), 0xE801);
  CHECK_EQ(Add(kH16, 0x6C00, 0x4000), 0x6C01);  // 4100
  CHECK_EQ(Add(kH16, 0x3C00, 0x1000), 0x3C01);  // 1 + 2^-11
  CHECK_EQ(Add(kH13, 0x3C00, 0x1000), 0x3C00);
  CHECK_EQ(Add(kH16, 0x77FF, 0x4C00), 0x7800);  // 32752 + 16
  CHECK_EQ(Add(kH16, 0x7400, 0x7400), 0x7800);
  CHECK_EQ(Add(kH16, 0x7BFF, 0x0000), 0x7BFF);
  CHECK_EQ(Sub(kH16, 0x6800, 0x3C00), 0x67FF);  // 2047
  CHECK_EQ(Mul(kH16, 0x5C00, 0x5C00), 0x7C00);  // 256 * 256
  CHECK_EQ(Mul(kH16, 0x5BF8, 0x5C00), 0x7BF8);  // 255 * 256 = 65280
  CHECK_EQ(Mul(kH16, 0x5A40, 0x5A40), 0x78E2);  // 200 * 200 = 40000
  CHECK_EQ(Mul(kH16, 0x2000, 0x1400), 0x0080);  // 2^-7 * 2^-10 = 2^-17
  CHECK_EQ(Div(kH13, 0x4600, 0x4200), 0x4000);  // native division
  CHECK_EQ(FloorDivideByConstant(kH13, 0x4600, 0x4200), 0x3C00);
}

TEST_CASE("N24: reductions add in binary32 and round once") {
  CHECK_EQ(ReduceSum(kH13, Run({0x7800, 0x77FE})), 0x7BFF);  // 65504
  CHECK_EQ(ReduceSum(kH13, Run({0x7BFF, 0x7BFF})), 0x7C00);
  CHECK_EQ(ReduceMean(kH13, Run({0x7BFF, 0x7BFF})), 0x7BFF);
  CHECK_EQ(ReduceMean(kH13, Run({0x3C00, 0x4000, 0x4400})), 0x40AB);  // 7/3
  CHECK_EQ(ReduceSum(kH13, Run({0x6800, 0x3C00})), 0x6800);
  CHECK_EQ(ReduceSum(kH16, Run({0x6800, 0x3C00})), 0x6801);
  CHECK_EQ(ReduceMax(kH13, Run({0xC000, 0x3C00, 0xFE00})), 0x3C00);
  CHECK_EQ(ReduceMin(kH13, Run({0xC000, 0x3C00, 0xFE00})), 0xFC00);
  const Halves strided = {0x3C00, 0x7BFF, 0x4000, 0x7BFF};
  CHECK_EQ(ReduceSum(kH13, {strided.data(), 2, 2}), 0x4200);
  CHECK_EQ(ReduceSum(kH13, {nullptr, 0}), 0x0000);
}

TEST_CASE("N25: the square of a sum sees the rounded sum") {
  CHECK_EQ(SquareOfSum(kH13, Run({0x5400, 0x2800})), 0x6C00);  // 64.03125
  CHECK_EQ(ReduceSumSquare(kH13, Run({0x3E00, 0x4000})), 0x4640);
  CHECK_EQ(ReduceSumSquare(kH13, Run({0x5C00, 0x3C00})), 0x7C00);
}

TEST_CASE("N28: a width slice overflows from 4096 on H13 and not on H16") {
  CHECK_EQ(WidthSlice(kH13, 0x6BFF), 0x6BFF);  // 4094
  CHECK_EQ(WidthSlice(kH13, 0x6C00), 0x7C00);
  CHECK_EQ(WidthSlice(kH13, 0xEC00), 0xFC00);
  CHECK_EQ(WidthSlice(kH13, 0x2E66), 0x2E66);
  CHECK_EQ(WidthSlice(kH13, 0x0001), 0x0001);
  CHECK_EQ(WidthSlice(kH16, 0x7B53), 0x7B53);
}

TEST_CASE("N30: softmax subtracts the maximum and multiplies by the inverse") {
  const auto softmax = [](const Profile& p, Halves row) {
    SoftmaxRow(p, nullptr, row.data(), row.data(), row.size());
    return row;
  };
  for (const Profile& p : {kH13, kH16}) {
    CHECK_EQ(softmax(p, {0x63D0, 0x3C00, 0x4000, 0x4200}),
             Halves{0x3C00, 0, 0, 0});
    CHECK_EQ(softmax(p, {0x4500, 0x4500, 0x4500, 0x4500}),
             Halves{0x3400, 0x3400, 0x3400, 0x3400});
    CHECK_EQ(softmax(p, {0x7BFF, 0xFBFF}), Halves{0x3C00, 0});
    // N6: one NaN takes the row.
    CHECK_EQ(softmax(p, {0x7E00, 0x3C00, 0x4000, 0x4200}),
             Halves{0x3C00, 0, 0, 0});
  }
  // With the exponential's table the bits are the same.
  const Halves exp = BuildActivationTable(kH13, {ActivationFunction::kExp});
  Halves row = {0x3C00, 0x4000, 0x3800, 0xBC00}, out(4);
  SoftmaxRow(kH13, exp.data(), row.data(), out.data(), 4);
  CHECK_EQ(out, softmax(kH13, row));
}

TEST_CASE("N14: profiles come from the chip table and by name") {
  const auto of_chip = [](const char* name) {
    return ProfileOf(*ChipTable::Embedded().Find(name).value()->data->Find(
                         "numerics"))
        .value();
  };
  const Profile m1 = of_chip("m1");
  CHECK_EQ(m1.mac, MacAccumulator::kRadix4W12);
  CHECK_EQ(m1.rounding, Rounding::kNearestEven);
  CHECK(m1.width_slice_x16);
  CHECK(m1.single_tap_exempt);
  CHECK_FALSE(m1.bias_preload);
  const Profile m5 = of_chip("m5");
  CHECK_EQ(m5.mac, MacAccumulator::kQ15_16);
  CHECK_EQ(m5.rounding, Rounding::kHalfAway);
  CHECK(m5.bias_preload);
  CHECK(m5.int8_accumulator);
  CHECK_FALSE(m5.keep_denormals);
  CHECK_FALSE(NamedProfile("h99").ok());
  CHECK_FALSE(ProfileOf(JsonValue()).ok());
  CHECK_FALSE(ProfileOf(JsonValue(JsonValue::Object{})).ok());
}

TEST_CASE("N14: every option sets and reports each of its values") {
  for (size_t i = 0; i < ProfileOptions().size(); ++i) {
    const ProfileOption& option = ProfileOptions()[i];
    for (const char* value : option.values) {
      Profile profile = kH13;
      CHECK(ApplyOption(&profile, std::string(option.name) + "=" + value).ok());
      CHECK_EQ(std::string(OptionValue(profile, i)), value);
    }
    Profile profile = kH13;
    CHECK_FALSE(ApplyOption(&profile, std::string(option.name) + "=x").ok());
  }
  Profile profile = kH13;
  CHECK(ApplyOption(&profile, "profile=h16").ok());
  CHECK_EQ(profile.mac, MacAccumulator::kQ15_16);
  CHECK_FALSE(ApplyOption(&profile, "nonsense=1").ok());
  CHECK_FALSE(ApplyOption(&profile, "mac").ok());
}

}  // namespace
}  // namespace aneref
