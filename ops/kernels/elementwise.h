// The kernels of two operands element by element: all kinds of the elementwise
// family under broadcasting. Operands are rows; kElementwiseKernel takes in =
// {x, y}, out = {z}; types come from the views (P8).
#ifndef ANEREF_OPS_KERNELS_ELEMENTWISE_H_
#define ANEREF_OPS_KERNELS_ELEMENTWISE_H_

#include "ops/kernels/elementwise_broadcast.h"
#include "ops/kernels/kernel.h"
#include "schema/net_generated.h"

namespace aneref {

struct ElementwiseArgs {
  fbs::ElementwiseKind kind = fbs::ElementwiseKind::add;
  BroadcastPlan plan;  // operands x, y
};

// Every kind but pow: x and y have one type.
extern const Kernel kElementwiseKernel;
// Power: the exponent's type may differ, the result has the base's.
extern const Kernel kPowerKernel;

// The same stretch of several rows. A repeated operand is one element per row.
// `out` may equal `x` or `y`.
struct ElementwiseBlock {
  const std::byte* x = nullptr;
  const std::byte* y = nullptr;
  std::byte* out = nullptr;
  size_t count = 0;  // elements per row
  bool x_repeats = false;
  bool y_repeats = false;
  size_t rows = 1;
  size_t x_pitch = 0;  // bytes from row to row
  size_t y_pitch = 0;
  size_t out_pitch = 0;
};
using ElementwiseFunction = void (*)(const ElementwiseBlock& block);

// Scalar twin; never null for the types that a kind accepts. Not for pow.
ElementwiseFunction ScalarElementwise(fbs::ElementwiseKind kind, DataType type);
// Highway twin for this machine, or null where the scalar one is all there is.
ElementwiseFunction SimdElementwise(fbs::ElementwiseKind kind, DataType type);

// Powers of one row, out[i] = x[i] ^ y[i] in the type `base`. Floating bases
// and exponents: elementary::Pow in double, rounded once. Integers: repeated
// multiplication with wrap around; a negative exponent gives the truncated
// quotient (0 for |x| > 1, and 0 for x = 0, P13). An integer to a floating
// power truncates and saturates (P14).
struct PowerTypes {
  DataType base = DataType::kFloat16;
  DataType exponent = DataType::kFloat16;
};
void PowerElements(const PowerTypes& types, const ElementwiseBlock& row);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_ELEMENTWISE_H_
