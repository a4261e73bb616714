// Functions of one operand: their exact meaning in double, and the kernel over
// rows. fp16 gets the correctly rounded value (P7), so a function of fp16 is a
// table of 65,536 entries, filled on demand.
#ifndef ANEREF_OPS_KERNELS_UNARY_H_
#define ANEREF_OPS_KERNELS_UNARY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "ops/kernels/elementwise_broadcast.h"
#include "ops/kernels/kernel.h"
#include "schema/net_generated.h"

namespace aneref {

struct UnaryFunction {
  fbs::ActivationKind kind = fbs::ActivationKind::identity;
  double alpha = 0;
  double beta = 0;
};

// gelu_tanh: x sigmoid(kTwoSqrtTwoOverPi (x + kGeluCubic x^3)).
inline constexpr double kTwoSqrtTwoOverPi = 0x1.9884533d43651p+0;
inline constexpr double kGeluCubic = 0.044715;

// What `function` takes and gives.
enum class UnaryClass : uint8_t {
  kReal,      // floating types only
  kNumeric,   // floating types and integers, result of the same type: identity,
              // relu, relu6, clip, abs, neg, sign, square
  kTest,      // floating types, result bool: is_nan, is_inf
  kLogic,     // bool: logical_not
  kBitwise,   // integers and bool: bitwise_not
  kIdentity,  // everything
};
UnaryClass ClassOf(fbs::ActivationKind kind);

// The value in double, to about 2^-45, one more rounding to come. Kinds of
// class kReal, kNumeric and kIdentity. NaN gives NaN. Where the formula is
// infinity times zero or infinity by infinity, the limit is meant: silu(-inf),
// gelu(-inf), mish(-inf) and hard_swish(-inf) are -0, softsign(+-inf) is +-1.
// Linear pieces (leaky_relu, linear, hard_sigmoid, shrink) are one or two
// double operations: for parameters that are fp32 numbers the fp16 result is
// the correctly rounded one; for others, as 0.1 in double, it is that of the
// double. log, rsqrt and inverse take x + alpha, added in double.
double EvaluateUnary(const UnaryFunction& function, double x);
// The same for a stored fp16; identity keeps NaN bits (P15).
uint16_t EvaluateUnaryHalf(const UnaryFunction& function, uint16_t bits);

// EvaluateUnaryHalf, each operand evaluated when it first occurs. Threads that
// meet evaluate it twice, to the same bits.
class UnaryTable {
 public:
  explicit UnaryTable(const UnaryFunction& function)
      : function_(function), entries_(65536) {}
  // out[i] = f(x[i]); `out` may equal `x`.
  void Apply(const uint16_t* x, size_t count, uint16_t* out) const;

 private:
  uint16_t Fill(uint16_t bits) const;

  UnaryFunction function_;
  // Complements of results; 0 is none, as FFFF is no result: the one NaN is
  // 7E00 (P15).
  mutable std::vector<std::atomic<uint16_t>> entries_;
};
// Equal functions share one table as long as somebody holds it.
std::shared_ptr<const UnaryTable> SharedUnaryTable(
    const UnaryFunction& function);

struct UnaryArgs {
  UnaryFunction function;
  BroadcastPlan plan;  // operand x, same shape
  std::shared_ptr<const UnaryTable>
      table;  // fp16 only; null: evaluate each element
};

// in = {x}, out = {y}; the types come from the views.
extern const Kernel kUnaryKernel;

// The same stretch of several rows; `out` may equal `x`.
struct UnaryBlock {
  const std::byte* x = nullptr;
  std::byte* out = nullptr;
  size_t count = 0;  // elements per row
  size_t rows = 1;
  size_t x_pitch = 0;  // bytes from row to row
  size_t out_pitch = 0;
};
using UnaryBlockFunction = void (*)(const UnaryArgs& args,
                                    const UnaryBlock& block);

// One row of a block.
struct UnaryRow {
  const std::byte* x = nullptr;
  std::byte* out = nullptr;
  size_t count = 0;
};
inline UnaryRow RowOf(const UnaryBlock& block, size_t row) {
  return {block.x + row * block.x_pitch, block.out + row * block.out_pitch,
          block.count};
}

// Scalar twin for x of `type`; never null for the types that the kind accepts.
UnaryBlockFunction ScalarUnary(fbs::ActivationKind kind, DataType type);
// Highway twin for this machine, null where a table or the scalar twin serves.
UnaryBlockFunction SimdUnary(const UnaryFunction& function, DataType type);
// Its parts: functions made of lines, and those of fp32 that curve.
UnaryBlockFunction SimdPieces(const UnaryFunction& function, DataType type);
UnaryBlockFunction SimdCurve(const UnaryFunction& function);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_UNARY_H_
