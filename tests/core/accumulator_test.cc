// The accumulators against the numbers of docs/spec/numerics.md, worked out by
// hand or published from devices; bits are hexadecimal fp16.
#include "runtime/core/accumulator.h"

#include <doctest/doctest.h>

#include <vector>

namespace aneref {
namespace {

using Halves = std::vector<uint16_t>;

Profile Named(const char* name) { return NamedProfile(name).value(); }
Profile With(const char* name, const char* option) {
  Profile profile = Named(name);
  REQUIRE(ApplyOption(&profile, option).ok());
  return profile;
}
const Profile kH13 = Named("h13");
const Profile kH16 = Named("h16");

MacEpilogue Bias(double bias) {
  MacEpilogue epilogue;
  epilogue.has_bias = true;
  epilogue.bias = bias;
  return epilogue;
}
MacEpilogue Scale(uint16_t scale) {
  MacEpilogue epilogue;
  epilogue.has_scale = true;
  epilogue.scale = scale;
  return epilogue;
}

uint16_t Dot(const Profile& profile, const Halves& x, const Halves& w,
             const MacEpilogue& epilogue = {}) {
  Accumulator sum(profile);
  sum.Start(epilogue);
  for (size_t i = 0; i < x.size(); ++i) sum.Add(x[i], w[i]);
  return sum.Finish();
}
uint16_t Sum(const Profile& profile, const Halves& x,
             const MacEpilogue& epilogue = {}) {
  return Dot(profile, x, Halves(x.size(), 0x3C00), epilogue);
}
Halves Repeat(const Halves& pattern, int times) {
  Halves list;
  for (int i = 0; i < times; ++i)
    list.insert(list.end(), pattern.begin(), pattern.end());
  return list;
}
Halves Join(Halves a, const Halves& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST_CASE("N2: a bias may be stored as fp32 and H16 keeps its bits") {
  // 1 + 2^-12 is no fp16 number: 65552 units on H16; 1 on H13.
  CHECK_EQ(Sum(kH16, {0xBC00}, Bias(1.000244140625)), 0x0C00);  // 2^-12
  CHECK_EQ(Sum(kH13, {0xBC00}, Bias(1.000244140625)), 0x0000);
}

TEST_CASE("N3: nothing is rounded to fp16 between operand and result") {
  for (const Profile& profile : {kH13, kH16})  // 2048 + 1 - 2048
    CHECK_EQ(Sum(profile, {0x6800, 0x3C00, 0xE800}), 0x3C00);
}

TEST_CASE("N4: products are exact") {
  // (64 + 2^-4)^2 - 4104 = 2^-8; a product rounded to fp16 would leave 0.
  CHECK_EQ(Dot(kH16, {0x5401, 0xEC02}, {0x5401, 0x3C00}), 0x1C00);
}

TEST_CASE("N5: exponent 31 multiplies as an ordinary exponent") {
  for (const Profile& profile : {kH13, kH16}) {
    CHECK_EQ(Dot(profile, {0x7C00}, {0x0C00}), 0x4C00);  // 65536 / 4096 = 16
    CHECK_EQ(Dot(profile, {0x7E00}, {0x2C00}), 0x6E00);  // 98304 / 16 = 6144
    CHECK_EQ(Dot(profile, {0xFE00}, {0x2C00}), 0xEE00);
    CHECK_EQ(Dot(profile, {0x7FFF}, {0x0C00}), 0x4FFF);  // 31.984375
  }
  CHECK_EQ(OperandOf(98304.0f).significand, 1536);
  CHECK_EQ(OperandOf(98304.0f).exponent, 16);
}

TEST_CASE("N7: a MAC gives no negative zero") {
  for (const Profile& profile : {kH13, kH16}) {
    CHECK_EQ(Sum(profile, {0x8000}), 0x0000);
    CHECK_EQ(Dot(profile, {0x8400}, {0x0400}), 0x0000);  // -2^-28 vanishes
  }
}

TEST_CASE("N10: the smaller operand is cut to the window of the larger one") {
  CHECK_EQ(Sum(kH13, {0x3C00, 0xEC00}), 0xEC00);          // 1 - 4096 = -4096
  CHECK_EQ(Sum(kH13, {0x3C00, 0xEC00, 0x6C00}), 0x0000);  // the 1 is gone
  // 65 * 63 + 2 = 4097 rounds to 4096, + 4 = 4099 to 4100 (12 bits, even).
  CHECK_EQ(Dot(kH13, {0x5410, 0x4000, 0xEC00}, {0x53E0, 0x3C00, 0x3C00}),
           0x0000);
  CHECK_EQ(Dot(kH13, {0x5410, 0x4400, 0xEC00}, {0x53E0, 0x3C00, 0x3C00}),
           0x4400);
}

TEST_CASE("N11: groups of four join in binary32") {
  // 4096 keeps out of its group the three ones that follow it, but only those.
  CHECK_EQ(Sum(kH13, Join({0x6C00}, Repeat({0x3C00}, 1024))), 0x6CFF);  // 5116
  CHECK_EQ(Sum(kH13, Repeat({0x3C00}, 16000)), 0x73D0);
  CHECK_EQ(Sum(kH13, Join({0x7000}, Repeat({0x3C00}, 16))), 0x7002);  // 8208
}

TEST_CASE("N12: the sum leaves the MAC rounded to nearest even") {
  CHECK_EQ(Sum(kH13, {0x6800, 0x3C00}), 0x6800);  // 2049 -> 2048
  CHECK_EQ(Sum(kH13, {0x6800, 0x4200}), 0x6802);  // 2051 -> 2052
}

TEST_CASE("N13: denormal operands count as zero and denormal results stay") {
  CHECK_EQ(Sum(kH13, {0x0010, 0x0010}), 0x0000);
  CHECK_EQ(Dot(kH13, {0x03FF}, {0x6400}), 0x0000);
  CHECK_EQ(Dot(kH13, {0x0400}, {0x3000}), 0x0080);  // 2^-14 / 8 = 2^-17
}

TEST_CASE("N14: published cancellation sums and the rivals that miss them") {
  struct Row {
    uint16_t b, minus_b, h13, q15_16;
  };
  // B = 1024, 3000, 4000, 4090, 4096, 8000, 16000, 30000
  const std::vector<Row> rows = {
      {0x6400, 0xE400, 0x4C00, 0x4C00}, {0x69DC, 0xE9DC, 0x4C00, 0x4C00},
      {0x6BD0, 0xEBD0, 0x4C00, 0x4C00}, {0x6BFD, 0xEBFD, 0x4C00, 0x4C00},
      {0x6C00, 0xEC00, 0x4400, 0x4C00}, {0x6FD0, 0xEFD0, 0x4400, 0x4C00},
      {0x73D0, 0xF3D0, 0x4400, 0x4C00}, {0x7753, 0xF753, 0x4400, 0x4C00}};
  const Profile rival = With("h13", "mac=q15_16");
  for (const Row& row : rows) {
    const Halves last = Repeat({row.b, row.minus_b, 0x3C00}, 16);
    const Halves middle = Repeat({row.b, 0x3C00, row.minus_b}, 16);
    CHECK_EQ(Sum(kH13, last), row.h13);
    CHECK_EQ(Sum(kH13, middle), row.h13);
    CHECK_EQ(Sum(rival, last), row.q15_16);
    // The cut of the window and the strided groups fit the same rows.
    for (const char* option :
         {"h13_window_cut=truncate", "h13_window_cut=floor"})
      CHECK_EQ(Sum(With("h13", option), last), row.h13);
  }
  CHECK_EQ(Sum(rival, {0x6800, 0x3C00}), 0x6801);  // 2050
  CHECK_EQ(Sum(With("h13", "h13_group_lanes=strided16"),
               Join({0x6C00}, Repeat({0x3C00}, 1024))),
           0x6CFF);
}

TEST_CASE("N15: q15_16 counts in units of 2^-16 whatever the weights") {
  CHECK_EQ(Sum(kH16, {0x7400, 0x0100, 0xF400}), 0x0100);  // 16384 and 2^-16
  CHECK_EQ(Sum(kH16, {0x7400, 0x0040, 0xF400}), 0x0000);  // 2^-18
  CHECK_EQ(Dot(kH16, {0x2C00}, {0x0C00}), 0x0100);        // 2^-4 * 2^-12
  CHECK_EQ(Dot(kH16, {0x4800}, {0x6C00}), 0x7C00);        // 8 * 4096
}

TEST_CASE("N16: products are dropped by exponents and rounded half away") {
  CHECK_EQ(Dot(kH16, {0x2800}, {0x0C00}), 0x0000);  // 2^-17: exponents -17
  CHECK_EQ(Dot(kH16, {0x0080}, {0x3C00}), 0x0100);  // 2^-17 as a denormal
  CHECK_EQ(Dot(kH16, {0x07F6}, {0x33F6}), 0x0000);  // 1.98 units, dropped
  CHECK_EQ(Dot(kH16, {0x2E00}, {0x0C00}), 0x0200);  // 1.5 units -> 2
  CHECK_EQ(Dot(kH16, {0xAE00}, {0x0C00}), 0x8200);
  CHECK_EQ(Dot(kH16, {0x3100}, {0x0C00}), 0x0300);  // 2.5 units -> 3
  // Rival: small products count, and one rounding comes at the end.
  const Profile m5 = With("h16", "m5_keep_denormals=true");
  CHECK_EQ(Sum(m5, {0x0010}), 0x0010);
  CHECK_EQ(Dot(m5, {0x2800}, {0x0C00}), 0x0080);
}

TEST_CASE("N17: order matters only through overflow") {
  CHECK_EQ(Sum(kH16, {0x7400, 0xF400, 0x7400}), 0x7400);
  CHECK_EQ(Sum(kH16, {0x7400, 0x7400, 0xF400}), 0x7C00);
}

TEST_CASE("N18: q15_16 overflows at 32768 after any addition and for good") {
  CHECK_EQ(Sum(kH16, {0x77FF}), 0x77FF);
  CHECK_EQ(Sum(kH16, {0x7800}), 0x7C00);
  CHECK_EQ(Sum(kH16, {0xF7FF}), 0xF7FF);
  CHECK_EQ(Sum(kH16, {0xF800}), 0xFC00);
  CHECK_EQ(Sum(kH16, {0x7400, 0x73FE}), 0x77FF);
  CHECK_EQ(Sum(kH16, {0x7400, 0x73FF}), 0x7800);  // 32760 rounds to 32768
  CHECK_EQ(Sum(kH16, {0x7400, 0x7400}), 0x7C00);
  CHECK_EQ(Sum(kH16, {0x7400, 0x7400, 0xF400, 0xF400, 0x3C00}), 0x7C00);
  CHECK_EQ(Sum(kH16, {0x7753, 0x6960}), 0x77FF);  // 30000 + 2752
  CHECK_EQ(Sum(kH16, {0x7753, 0x6968}), 0x7C00);  // 30000 + 2768
  CHECK_EQ(Sum(kH16, {0xF400, 0x78E2}), 0x75C4);  // -16384 + 40000
}

TEST_CASE("N19: h16 rounds the sum half away from zero") {
  CHECK_EQ(Sum(kH16, {0x6800, 0x3C00}), 0x6801);  // 2050
  CHECK_EQ(Sum(kH16, {0xE800, 0xBC00}), 0xE801);
  CHECK_EQ(Sum(kH16, {0x6801, 0x3C00}), 0x6802);  // 2052
  CHECK_EQ(Sum(kH16, {0x6C00, 0x4000}), 0x6C01);  // 4100
  CHECK_EQ(Sum(kH16, {0x6C00, 0x4600}), 0x6C02);  // 4104
  CHECK_EQ(Sum(kH16, {0x3C00, 0x1000}), 0x3C01);  // 1 + 2^-11
  CHECK_EQ(Sum(kH16, {0x3C00, 0x0C00}), 0x3C00);
  CHECK_EQ(Sum(kH16, {0x3C00, 0x1000, 0x8800}), 0x3C00);  // - 2^-13
  CHECK_EQ(Sum(kH16, {0x0040}), 0x0000);                  // 2^-18
  CHECK_EQ(Sum(kH16, {0x0180}), 0x0200);  // 1.5 * 2^-16 -> 2^-15
  CHECK_EQ(Sum(kH16, {0x00C0}), 0x0100);  // 1.5 * 2^-17 -> 2^-16
}

TEST_CASE("N20: H13 saturates at 32768 unless a conv has a single tap") {
  CHECK_EQ(Sum(kH13, {0x77FF}), 0x77FF);
  CHECK_EQ(Sum(kH13, {0x7800}), 0x7C00);
  CHECK_EQ(Sum(kH13, {0x7400, 0x7400}), 0x7C00);
  CHECK_EQ(Sum(kH13, {0x7400, 0x73FF}), 0x7C00);  // 32760 rounds to 32768
  CHECK_EQ(Sum(kH13, {0x74E2, 0x74E2, 0xF4E2, 0xF4E2}), 0x7C00);  // interior
  // Across groups: the third group of ten thousands reaches the ceiling.
  const Halves pairs = Repeat({0x70E2, 0, 0, 0}, 4);
  CHECK_EQ(Sum(kH13, Join(pairs, Repeat({0xF0E2, 0, 0, 0}, 4))), 0x7C00);
  Accumulator single(kH13, true);
  single.Start();
  single.Add(0x7B53, 0x3C00);
  CHECK_EQ(single.Finish(), 0x7B53);  // 60000
  Accumulator newer(kH16, true);
  newer.Start();
  newer.Add(0x7B53, 0x3C00);
  CHECK_EQ(newer.Finish(), 0x7C00);
}

TEST_CASE("N21: H16 starts at the bias and H13 adds it in fp16 at the end") {
  CHECK_EQ(Sum(kH16, {0x7400, 0x7400}, Bias(-16384)), 0x7400);
  CHECK_EQ(Sum(kH16, {0x77FE}, Bias(32)), 0x7C00);  // 32736 + 32
  CHECK_EQ(Sum(kH16, {0x0000}, Bias(0x1p-20)), 0x0000);
  CHECK_EQ(Sum(kH16, {0x0000}, Bias(0x1p-17)), 0x0100);
  CHECK_EQ(Sum(kH16, {0x0080}, Bias(0x1p-17)), 0x0200);  // 2^-15
  CHECK_EQ(Sum(kH16, {0x3400}, Bias(1000.5)), 0x63D2);   // 1001
  CHECK_EQ(Sum(kH13, {0x7400, 0x7400}, Bias(-16384)), 0x7C00);
  CHECK_EQ(Sum(kH13, {0x77FE}, Bias(32)), 0x7800);   // 32768 is no ceiling
  CHECK_EQ(Sum(kH13, {0x6800}, Bias(1.0)), 0x6800);  // 2049, even
  const Profile preload = With("h13", "h13_bias_preload=true");
  CHECK_EQ(Sum(preload, {0x7400, 0x7400}, Bias(-16384)), 0x7C00);  // group
  CHECK_EQ(Sum(preload, {0x77FE}, Bias(32)), 0x7C00);
}

TEST_CASE("N22: the gain follows the sum and the offset the gain") {
  MacEpilogue both = Scale(0x3800);
  both.has_bias = true;
  both.bias = 1.0;
  CHECK_EQ(Sum(kH13, {0x4200}, both), 0x4100);  // 3 / 2 + 1
  CHECK_EQ(Sum(kH16, {0x4200}, both), 0x4100);
  // (2048 + 1) * 1.5: one rounding on H16, two on H13.
  CHECK_EQ(Sum(kH16, {0x6800, 0x3C00}, Scale(0x3E00)), 0x6A01);  // 3074
  CHECK_EQ(Sum(kH13, {0x6800, 0x3C00}, Scale(0x3E00)), 0x6A00);  // 3072
  MacEpilogue after = Scale(0x3E00);
  after.has_bias = true;
  after.bias = 1.0;
  CHECK_EQ(Sum(kH16, {0x6800, 0x3C00}, after), 0x6A02);  // 3075 -> 3076
  // An overflowed sum stays one; a negative gain turns its sign.
  CHECK_EQ(Sum(kH16, {0x7800}, Scale(0x2C00)), 0x7C00);
  CHECK_EQ(Sum(kH13, {0x7800}, Scale(0xAC00)), 0xFC00);
}

TEST_CASE("N65: int8 sums are exact below 2^31 and infinite from there on") {
  Int8Accumulator sum;
  sum.AddRepeated(-128, -128, 65536);
  CHECK_EQ(sum.Finish(kH16, 0x1p-16), 0x7400);  // 2^30 -> 16384
  sum.AddRepeated(-128, -128, 65535);
  sum.Add(-128, 127);
  CHECK_EQ(sum.Finish(kH16, 0x1p-16), 0x7800);  // below 2^31, rounds up
  sum.Start();
  sum.AddRepeated(-128, -128, 131072);
  CHECK_EQ(sum.Finish(kH16, 0x1p-16), 0x7C00);
  CHECK_EQ(sum.Finish(kH16, 0x1p-18), 0x7C00);
  sum.AddRepeated(-128, 127, 131072);
  CHECK_EQ(sum.Finish(kH16, 0x1p-18), 0x7C00);  // for good
  sum.Start();
  sum.AddRepeated(127, 127, 16384);
  CHECK_EQ(sum.Finish(kH16, 0x1p-12), 0x7BE0);  // 64512, above 32768
}

TEST_CASE("N70: a product with ones is the safe sum up to 32752") {
  CHECK_EQ(Sum(kH16, Repeat({0x3C00}, 16000)), 0x73D0);
  CHECK_EQ(Sum(kH13, Repeat({0x5000}, 1023)), 0x77FE);  // 1023 * 32 = 32736
  CHECK_EQ(Sum(kH13, Repeat({0x5000}, 1024)), 0x7C00);
}

}  // namespace
}  // namespace aneref
