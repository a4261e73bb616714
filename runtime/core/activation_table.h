// The engine's activation functions (N40-N57): piecewise-linear tables with the
// knots of the hardware, their tails, clamps and argument reductions, and the
// functions that need no table (N56). Everything maps fp16 bits to fp16 bits,
// so a session turns each (function, profile) into 65,536 entries once.
#ifndef ANEREF_RUNTIME_CORE_ACTIVATION_TABLE_H_
#define ANEREF_RUNTIME_CORE_ACTIVATION_TABLE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/core/profile.h"

namespace aneref {

enum class ActivationFunction : uint8_t {
  // Tables: N43-N53, N55.
  kSigmoid,
  kTanh,
  kErf,
  kSin,
  kCos,
  kExp,
  kExp2,
  kLog,
  kLog2,
  kInverse,
  kSqrt,
  kRsqrt,
  kGelu,  // EXACT and TANH_APPROXIMATION are one table (N52)
  kSilu,
  kAtan,
  // N56: exact in wider precision, one rounding.
  kRelu,
  kRelu6,
  kLeakyRelu,        // x < 0: alpha * x
  kElu,              // x < 0: alpha * (e^x - 1)
  kSoftplus,         // alpha * log(1 + e^(beta * x))
  kSoftsign,         // x / (1 + |x|)
  kScaledTanh,       // alpha * tanh(beta * x)
  kHardSigmoid,      // min(max(alpha * x + beta, 0), 1)
  kClampedRelu,      // min(x < 0 ? alpha * x : x, beta)
  kThresholdedRelu,  // x < alpha: 0
  kLinear,           // alpha * x + beta
  kClip,             // min(max(x, alpha), beta)
  kRound,            // ties to even
  kCeil,
  kFloor,
  kSign,
  kAbs,
  kSquare,
  kTan,
  kAsin,
  kAcos,
  kSinh,
  kCosh,
  kAsinh,
  kAcosh,
  kAtanh,
};
inline constexpr size_t kNumActivationFunctions = 41;

struct Activation {
  ActivationFunction function;
  double alpha = 1.0;
  double beta = 1.0;
  // N34: fp16 bits added to the operand first, with the planar engine's
  // rounding (inverse, rsqrt, log). 0: nothing is added.
  uint16_t epsilon = 0;
};

// One lookup.
uint16_t EvaluateActivation(const Profile& profile,
                            const Activation& activation, uint16_t x);

// All 65,536 results, indexed by the operand's bits.
std::vector<uint16_t> BuildActivationTable(const Profile& profile,
                                           const Activation& activation);

// The knots a table function stores (fp16 bits): 33, or 25 for sqrt and rsqrt.
// kCos shares kSin's, kExp kExp2's, kLog kLog2's. Empty for N56 functions.
std::span<const uint16_t> KnotsOf(ActivationFunction function);

// N50 before its rounding: the piecewise-linear 1/value of a positive sum, 0
// when `value` overflows fp16, 2^16 for 0. Softmax (N30) uses it.
double InverseOf(const Profile& profile, double value);

// N51 before its rounding, of a variance of any size (N35): the
// piecewise-linear 1/sqrt(value), 2^16 for 0.
double RsqrtOf(const Profile& profile, double value);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_ACTIVATION_TABLE_H_
