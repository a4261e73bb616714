// Which pairs of ops the engine runs as one multiply-accumulate (N24).
#ifndef ANEREF_OPS_DEVICE_JOIN_H_
#define ANEREF_OPS_DEVICE_JOIN_H_

#include "ops/op.h"

namespace aneref {

// A sum over one axis that takes in the product it reads, on this chip: its
// node then has the product's operands as inputs 0 and 2.
bool SumsProducts(const OpView& reduce);

}  // namespace aneref

#endif  // ANEREF_OPS_DEVICE_JOIN_H_
