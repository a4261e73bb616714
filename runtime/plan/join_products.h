// Joins a product and the sum over one axis that alone reads it, where the chip
// runs them as one multiply-accumulate (N24). Changes a program before it is
// planned; the net stays.
#ifndef ANEREF_RUNTIME_PLAN_JOIN_PRODUCTS_H_
#define ANEREF_RUNTIME_PLAN_JOIN_PRODUCTS_H_

#include "ops/device.h"
#include "runtime/plan/specialize.h"

namespace aneref {

void JoinProducts(const DeviceContext& device, Program* program);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_JOIN_PRODUCTS_H_
