// Activation tables against the published knots, tails, clamps and header
// values, and functions without a table against hand-worked bits.
#include "runtime/core/activation_table.h"

#include <doctest/doctest.h>

#include "runtime/core/half.h"
#include "runtime/core/numerics.h"

namespace aneref {
namespace {

using Function = ActivationFunction;
using Halves = std::vector<uint16_t>;

const Profile kH13 = NamedProfile("h13").value();
const Profile kH16 = NamedProfile("h16").value();

uint16_t At(Function function, uint16_t x, const Profile& profile = kH13) {
  return EvaluateActivation(profile, {function}, x);
}
Halves Knots(Function function) {
  const auto knots = KnotsOf(function);
  return {knots.begin(), knots.end()};
}

TEST_CASE("N40: tables have 33 knots and the roots 25") {
  for (int i = 0; i <= static_cast<int>(Function::kAtan); ++i) {
    const auto function = static_cast<Function>(i);
    const bool is_root =
        function == Function::kSqrt || function == Function::kRsqrt;
    CHECK_EQ(KnotsOf(function).size(), is_root ? 25 : 33);
  }
  CHECK(KnotsOf(Function::kRelu).empty());
}

TEST_CASE("N41: interpolation is exact and rounds once") {
  CHECK_EQ(At(Function::kSigmoid, 0x3000), 0x383F);  // 0.5 + 0.25 * 0.122559
  CHECK_EQ(At(Function::kSigmoid, 0x4080), 0x3B38);  // tie to even ...
  CHECK_EQ(At(Function::kSigmoid, 0x4080, kH16), 0x3B39);  // ... and away
  Profile steps = kH13;
  REQUIRE(ApplyOption(&steps, "table_rounding=steps").ok());
  CHECK_EQ(At(Function::kSigmoid, 0x3000, steps), 0x383F);
  size_t differing = 0;
  for (uint32_t bits = 0; bits < 65536; ++bits)
    differing += At(Function::kTanh, static_cast<uint16_t>(bits)) !=
                 At(Function::kTanh, static_cast<uint16_t>(bits), steps);
  CHECK_GT(differing, 0);
}

TEST_CASE("N42: sigmoid has straight tails and then constants") {
  CHECK_EQ(At(Function::kSigmoid, 0xC880), 0x0952);  // -9
  CHECK_EQ(At(Function::kSigmoid, 0xC8F8), 0x0000);  // -9.9375
  CHECK_EQ(At(Function::kSigmoid, 0xFBFF), 0x0000);
  CHECK_EQ(At(Function::kSigmoid, 0x4829), 0x3C00);  // 8.3203125
  CHECK_EQ(At(Function::kSigmoid, 0x7BFF), 0x3C00);
}

TEST_CASE("N43: sigmoid knots are exact samples") {
  CHECK_EQ(Knots(Function::kSigmoid),
           Halves{0x0D7F, 0x1087, 0x1377, 0x1626, 0x1910, 0x1C2B, 0x1EDA,
                  0x21A0, 0x249B, 0x2781, 0x2A12, 0x2CDB, 0x2FA1, 0x31D6,
                  0x344E, 0x360A, 0x3800, 0x38FB, 0x39D9, 0x3A8A, 0x3B0C,
                  0x3B65, 0x3B9F, 0x3BC4, 0x3BDB, 0x3BE9, 0x3BF2, 0x3BF8,
                  0x3BFB, 0x3BFD, 0x3BFE, 0x3BFF, 0x3BFF});
  CHECK_EQ(At(Function::kSigmoid, 0xC800), 0x0D7F);
  CHECK_EQ(At(Function::kSigmoid, 0x0000), 0x3800);
  CHECK_EQ(At(Function::kSigmoid, 0x4800), 0x3BFF);
}

TEST_CASE("N44: tanh is odd and jumps to 1 beyond 4") {
  CHECK_EQ(Knots(Function::kTanh),
           Halves{0x0000, 0x2FF5, 0x33D6, 0x35BC, 0x3765, 0x3870, 0x3915,
                  0x39A2, 0x3A18, 0x3A79, 0x3AC9, 0x3B0A, 0x3B3E, 0x3B67,
                  0x3B88, 0x3BA2, 0x3BB6, 0x3BC6, 0x3BD3, 0x3BDD, 0x3BE5,
                  0x3BEB, 0x3BEF, 0x3BF3, 0x3BF6, 0x3BF8, 0x3BFA, 0x3BFB,
                  0x3BFC, 0x3BFD, 0x3BFE, 0x3BFE, 0x3BFF});
  CHECK_EQ(At(Function::kTanh, 0x4400), 0x3BFF);
  CHECK_EQ(At(Function::kTanh, 0x4401), 0x3C00);
  CHECK_EQ(At(Function::kTanh, 0xC400), 0xBBFF);
  CHECK_EQ(At(Function::kTanh, 0x8000), 0x0000);
}

TEST_CASE("N45: erf continues with a line to 1") {
  CHECK_EQ(Knots(Function::kErf),
           Halves{0x0000, 0x2C82, 0x307D, 0x32B1, 0x346C, 0x3577, 0x3677,
                  0x376C, 0x382A, 0x3897, 0x38FC, 0x395A, 0x39B0, 0x39FF,
                  0x3A46, 0x3A85, 0x3ABE, 0x3AF0, 0x3B1B, 0x3B41, 0x3B62,
                  0x3B7E, 0x3B96, 0x3BAA, 0x3BBB, 0x3BC8, 0x3BD4, 0x3BDD,
                  0x3BE5, 0x3BEB, 0x3BF0, 0x3BF3, 0x3BF6});
  CHECK_EQ(At(Function::kErf, 0x4000), 0x3BF6);
  CHECK_EQ(At(Function::kErf, 0x4080), 0x3BFD);  // 2.25
  CHECK_EQ(At(Function::kErf, 0x4100), 0x3C00);  // 2.5
  CHECK_EQ(At(Function::kErf, 0xC100), 0xBC00);
}

TEST_CASE("N46: sin interpolates a quarter turn") {
  CHECK_EQ(KnotsOf(Function::kSin)[16], 0x39A8);  // sin(pi/4)
  CHECK_EQ(KnotsOf(Function::kSin)[32], 0x3C00);
  CHECK_EQ(At(Function::kSin, 0x3800), 0x37AC);
  CHECK_EQ(At(Function::kSin, 0xB800), 0xB7AC);
  CHECK_EQ(At(Function::kSin, 0x3E48), 0x3C00);  // 1.5703125
  CHECK_EQ(At(Function::kSin, 0x0000), 0x0000);
}

TEST_CASE("N47: cos is the sine a quarter turn on") {
  CHECK_EQ(At(Function::kCos, 0x0000), 0x3C00);
  CHECK_EQ(At(Function::kCos, 0x4248), 0xBC00);  // 3.140625
}

TEST_CASE("N48: exp is a power of two of the rounded exponent") {
  CHECK_EQ(Knots(Function::kExp2),
           Halves{0x3C00, 0x3C16, 0x3C2D, 0x3C45, 0x3C5D, 0x3C75, 0x3C8E,
                  0x3CA8, 0x3CC2, 0x3CDC, 0x3CF8, 0x3D14, 0x3D30, 0x3D4D,
                  0x3D6B, 0x3D89, 0x3DA8, 0x3DC8, 0x3DE8, 0x3E09, 0x3E2B,
                  0x3E4E, 0x3E71, 0x3E95, 0x3EBA, 0x3EE0, 0x3F06, 0x3F2E,
                  0x3F56, 0x3F7F, 0x3FA9, 0x3FD4, 0x4000});
  CHECK_EQ(At(Function::kExp, 0x0000), 0x3C00);
  CHECK_EQ(At(Function::kExp, 0x3C00), 0x4170);  // 2.71875
  CHECK_EQ(At(Function::kExp2, 0x3800), 0x3DA8);
  CHECK_EQ(At(Function::kExp2, 0xBC00), 0x3800);
  CHECK_EQ(At(Function::kExp2, 0x4C00), 0x7C00);  // 2^16
  CHECK_EQ(At(Function::kExp, 0xFC00), 0x0000);
}

TEST_CASE("N30: a bare exponential overflows at 11.09375") {
  CHECK_EQ(At(Function::kExp, 0x498C), 0x7C00);
  CHECK_LT(At(Function::kExp, 0x498B), 0x7C00);
}

TEST_CASE("N49: log reduces to a mantissa in [0.5 1)") {
  CHECK_EQ(Knots(Function::kLog2),
           Halves{0xBC00, 0xBBA5, 0xBB4D, 0xBAF7, 0xBAA4, 0xBA53, 0xBA04,
                  0xB9B7, 0xB96D, 0xB924, 0xB8DD, 0xB897, 0xB853, 0xB811,
                  0xB79F, 0xB720, 0xB6A4, 0xB62A, 0xB5B3, 0xB53E, 0xB4CB,
                  0xB45A, 0xB3D8, 0xB2FF, 0xB22A, 0xB159, 0xB08B, 0xAF83,
                  0xADF6, 0xAC6F, 0xA9DD, 0xA5D1, 0x0000});
  CHECK_EQ(At(Function::kLog, 0x3C00), 0x0000);
  CHECK_EQ(At(Function::kLog, 0x4000), 0x398C);
  CHECK_EQ(At(Function::kLog2, 0x4800), 0x4200);
  CHECK_EQ(At(Function::kLog2, 0x0001), 0xCE00);  // -24
  CHECK_EQ(At(Function::kLog2, 0x0000), 0xFC00);
  CHECK_EQ(At(Function::kLog2, 0x7C00), 0x7C00);
  CHECK_EQ(At(Function::kLog, 0xBC00), 0x0000);
}

TEST_CASE("N32: log of zero is -45440") {
  CHECK_EQ(At(Function::kLog, 0x0000), 0xF98C);
  CHECK_EQ(At(Function::kLog, 0x8000), 0xF98C);
  CHECK_EQ(At(Function::kLog, 0x0000, kH16), 0xF98C);
}

TEST_CASE("N50: inverse interpolates 1/m and is odd") {
  CHECK_EQ(At(Function::kInverse, 0x4000), 0x3800);
  CHECK_EQ(At(Function::kInverse, 0x4200), 0x3555);
  CHECK_EQ(At(Function::kInverse, 0xC400), 0xB400);
  CHECK_EQ(At(Function::kInverse, 0x0001), 0x7C00);
}

TEST_CASE("N34: reciprocals of zero and infinity and their epsilon") {
  CHECK_EQ(At(Function::kInverse, 0x0000), 0x7C00);
  CHECK_EQ(At(Function::kInverse, 0x8000), 0x7C00);
  CHECK_EQ(At(Function::kInverse, 0x7C00), 0x0000);
  CHECK_EQ(At(Function::kRsqrt, 0x0000), 0x7C00);
  CHECK_EQ(At(Function::kRsqrt, 0x8000), 0x7C00);
  CHECK_EQ(Planar(kH13, PlanarOp::kDiv, 0x3C00, 0x7C00), 0x0000);
  // 0 + 1 with epsilon 1
  CHECK_EQ(EvaluateActivation(kH13, {Function::kInverse, 1.0, 1.0, 0x3C00}, 0),
           0x3C00);
}

TEST_CASE("N51: roots reduce by powers of four") {
  CHECK_EQ(Knots(Function::kSqrt),
           Halves{0x39A8, 0x3A00, 0x3A53, 0x3AA2, 0x3AEE, 0x3B36, 0x3B7C,
                  0x3BBF, 0x3C00, 0x3C20, 0x3C3E, 0x3C5C, 0x3C79, 0x3C95,
                  0x3CB1, 0x3CCC, 0x3CE6, 0x3D00, 0x3D19, 0x3D32, 0x3D4B,
                  0x3D63, 0x3D7A, 0x3D91, 0x3DA8});
  CHECK_EQ(At(Function::kSqrt, 0x4400), 0x4000);
  CHECK_EQ(At(Function::kSqrt, 0x4000), 0x3DA8);
  CHECK_EQ(At(Function::kRsqrt, 0x4400), 0x3800);
  CHECK_EQ(At(Function::kSqrt, 0xBC00), 0x0000);
  CHECK_EQ(At(Function::kRsqrt, 0xBC00), 0x0000);
  CHECK_EQ(At(Function::kSqrt, 0x8000), 0x0000);
  CHECK_EQ(At(Function::kSqrt, 0x7C00), 0x7C00);
  CHECK_EQ(At(Function::kRsqrt, 0x7C00), 0x0000);
}

TEST_CASE("N52: gelu keeps its bias at the origin and is x beyond 4") {
  CHECK_EQ(At(Function::kGelu, 0x0000), 0x9073);
  CHECK_EQ(At(Function::kGelu, 0x3400), 0x3098);
  CHECK_EQ(At(Function::kGelu, 0xC400), 0x874E);
  CHECK_EQ(At(Function::kGelu, 0xC401), 0x0000);
  CHECK_EQ(At(Function::kGelu, 0x4500), 0x4500);
}

TEST_CASE("N53: silu keeps its bias at the origin and is x beyond 8") {
  CHECK_EQ(At(Function::kSilu, 0x0000), 0x9528);
  CHECK_EQ(At(Function::kSilu, 0x3800), 0x34BE);
  CHECK_EQ(At(Function::kSilu, 0x4800), 0x47FF);
  CHECK_EQ(At(Function::kSilu, 0xC880), 0x0000);
  CHECK_EQ(At(Function::kSilu, 0x4880), 0x4880);
}

TEST_CASE("N55: atan is odd and complements reciprocals") {
  CHECK_EQ(At(Function::kAtan, 0x3C00), 0x3A48);  // pi/4
  CHECK_EQ(At(Function::kAtan, 0xBC00), 0xBA48);
  CHECK_EQ(At(Function::kAtan, 0x7C00), 0x3E48);  // pi/2
}

TEST_CASE("N56: functions without a table are exact and round once") {
  CHECK_EQ(At(Function::kSoftsign, 0x3C00), 0x3800);
  CHECK_EQ(At(Function::kElu, 0xBC00), 0xB90F);  // 1/e - 1
  CHECK_EQ(At(Function::kFloor, 0xBE00), 0xC000);
  CHECK_EQ(At(Function::kCeil, 0xB800), 0x0000);   // N7: not -0
  CHECK_EQ(At(Function::kRound, 0x4100), 0x4000);  // 2.5 -> 2
  CHECK_EQ(At(Function::kSign, 0x8001), 0xBC00);
  CHECK_EQ(At(Function::kRelu6, 0x4800), 0x4600);
  CHECK_EQ(EvaluateActivation(kH13, {Function::kLeakyRelu, 0.25}, 0xC400),
           0xBC00);
  CHECK_EQ(
      EvaluateActivation(kH13, {Function::kHardSigmoid, 0.25, 0.5}, 0x3C00),
      0x3A00);
  CHECK_EQ(At(Function::kSquare, 0x5C00), 0x7C00);
  CHECK_EQ(At(Function::kTan, 0x0000), 0x0000);
}

TEST_CASE("N33: softplus and softsign of infinity are zero") {
  CHECK_EQ(At(Function::kSoftplus, 0x7C00), 0x0000);
  CHECK_EQ(At(Function::kSoftsign, 0x7C00), 0x0000);
  CHECK_EQ(At(Function::kSoftplus, 0x7BFF), 0x7BFF);
}

TEST_CASE("N57: NaN and infinity lie beyond the clamps") {
  for (const Profile& p : {kH13, kH16}) {
    CHECK_EQ(At(Function::kSigmoid, 0x7E00, p), 0x3C00);
    CHECK_EQ(At(Function::kTanh, 0x7E00, p), 0x3C00);
    CHECK_EQ(At(Function::kErf, 0x7E00, p), 0x3C00);
    CHECK_EQ(At(Function::kExp, 0x7E00, p), 0x7C00);
    CHECK_EQ(At(Function::kTanh, 0xFE00, p), 0xBC00);
  }
}

TEST_CASE("N6: no function of any operand gives a NaN encoding") {
  for (int i = 0; i < static_cast<int>(kNumActivationFunctions); ++i) {
    for (const Profile& p : {kH13, kH16}) {
      size_t num_nans = 0, num_negative_zeros = 0;
      for (const uint16_t y :
           BuildActivationTable(p, {static_cast<Function>(i)})) {
        num_nans += (y & 0x7FFFu) > 0x7C00u;
        num_negative_zeros += y == 0x8000;
      }
      CHECK_EQ(num_nans, 0);
      CHECK_EQ(num_negative_zeros, 0);
    }
  }
}

TEST_CASE("N58: linear and relu pieces build |x| exactly") {
  size_t differing = 0;
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto x = static_cast<uint16_t>(bits);
    if ((x & 0x7C00u) == 0x7C00u) continue;
    const uint16_t minus = Planar(kH13, PlanarOp::kMul, x, 0xBC00);
    const uint16_t sum = Planar(kH13, PlanarOp::kAdd, At(Function::kRelu, x),
                                At(Function::kRelu, minus));
    differing += sum != (x & 0x7FFFu);
  }
  CHECK_EQ(differing, 0);
}

}  // namespace
}  // namespace aneref
