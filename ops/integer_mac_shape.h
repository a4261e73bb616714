// Integer products, read from a node: where the operands stand, and the
// geometry of convolutions and matrix products (P18). Not their arithmetic,
// which is in integer_mac.cc and its kernel.
#ifndef ANEREF_OPS_INTEGER_MAC_SHAPE_H_
#define ANEREF_OPS_INTEGER_MAC_SHAPE_H_

#include <vector>

#include "ops/kernels/integer_mac.h"
#include "ops/op.h"

namespace aneref {

// Positions of the inputs.
struct IntegerPorts {
  bool is_conv = false;
  bool is_quantized = false;  // scales, and an 8-bit result
  size_t x = 0, x_zero = 2, w = 1, w_zero = 3;
  size_t x_scale = 1, w_scale = 4, y_scale = 6, y_zero = 7, bias = 8;
};
Expected<IntegerPorts> IntegerPortsOf(const OpView& op);

Expected<IntegerConvShape> IntegerConvOf(const OpView& op,
                                         const IntegerPorts& ports);
Expected<IntegerMatmulShape> IntegerMatmulOf(const OpView& op,
                                             const IntegerPorts& ports);

// OpDef::infer of the family.
Expected<std::vector<TensorType>> InferIntegerMac(const OpView& op);

}  // namespace aneref

#endif  // ANEREF_OPS_INTEGER_MAC_SHAPE_H_
