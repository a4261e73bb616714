// Elementary functions with the same bits on every IEEE machine (P7) and the
// fp32 exponential of softmax (P9). Made of + - * / sqrt, comparisons and
// integer bit operations; no libm, no FMA (build with -ffp-contract=off). Not
// the engine's table lookups (N40 and following): those live with the numerics
// profiles.
#ifndef ANEREF_RUNTIME_CORE_ELEMENTARY_H_
#define ANEREF_RUNTIME_CORE_ELEMENTARY_H_

#include <bit>
#include <cstdint>

namespace aneref {
namespace elementary {

// Of e^x, shared with its vector twin (ops/kernels/elementary-inl.h).
inline constexpr double kLog2E = 0x1.71547652b82fep+0;
inline constexpr double kLn2Hi =
    0x1.62e42fefa38p-1;  // 42 bits: times an exponent it is exact
inline constexpr double kLn2Lo = 0x1.ef35793c7673p-45;

// 1/2!, 1/3!, ... 1/14!.
inline constexpr double kInverseFactorials[] = {
    1.0 / 2,          1.0 / 6,        1.0 / 24,        1.0 / 120,
    1.0 / 720,        1.0 / 5040,     1.0 / 40320,     1.0 / 362880,
    1.0 / 3628800,    1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800,
    1.0 / 87178291200};

// Relative error at most 2^-45 over the normal range, special cases as in C99
// Annex F (NaN results are quiet).
double Exp(double x);
double Expm1(double x);
double Log(double x);
double Log1p(double x);
// Absolute error at most 2^-60 near the zeros; any finite |x| is reduced
// exactly enough (three-part pi/2 below 2^20, 1200 bits of 2/pi above).
double Sin(double x);
double Cos(double x);
double Tan(double x);
double Asin(double x);
double Acos(double x);
double Atan(double x);
double Sinh(double x);
double Cosh(double x);
double Tanh(double x);
double Asinh(double x);
double Acosh(double x);
double Atanh(double x);
double Erf(double x);
double Pow(double x, double y);
double Sigmoid(double x);   // 1 / (1 + e^-x)
double Softplus(double x);  // log(1 + e^x)

}  // namespace elementary

// P9: constants of ExpFloat, shared with its vector twin.
inline constexpr float kExpMin = -104.0f;  // e^-104 < 2^-150 rounds to +0
inline constexpr float kExpMax = 89.0f;    // e^89 > 2^128 rounds to +infinity
inline constexpr float kExpLog2E = 0x1.715476p+0f;
inline constexpr float kExpMagic =
    0x1.8p+23f;  // adding, then subtracting it rounds |v| < 2^22 to an integer
                 // (RNE)
inline constexpr float kExpLn2Hi =
    0x1.62e4p-1f;  // 15 significant bits: n * kExpLn2Hi is exact for |n| <= 511
inline constexpr float kExpLn2Lo = 0x1.7f7d1cp-20f;
// e^r = 1 + r + r^2 * (kExpPoly[0] + kExpPoly[1] * r + ... + kExpPoly[4] *
// r^4), |r| <= ln(2) / 2, to 2^-28.
inline constexpr int kExpNumPoly = 5;
inline constexpr float kExpPoly[kExpNumPoly] = {0x1.fffffcp-2f, 0x1.555492p-3f,
                                                0x1.5558f4p-5f, 0x1.123a20p-7f,
                                                0x1.6a23c2p-10f};

// e^x within 2 ulp, by the exact sequence of P9. NaN gives a quiet NaN.
float ExpFloat(float x);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_ELEMENTARY_H_
