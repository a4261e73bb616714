// Ops of the planar engine that have no datapath of their own here (pooling,
// interpolation, running sums, comparisons, powers …): operands are the
// engine's values (N5), the family computes in binary32, as under fp32
// numerics, and the result is rounded once (N23, N24). Modelled.
#ifndef ANEREF_OPS_DEVICE_FLOAT_H_
#define ANEREF_OPS_DEVICE_FLOAT_H_

#include "ops/device.h"

namespace aneref {

Status LowerThroughFloat(const OpView& op, TaskBuilder* builder);
Status ReferenceThroughFloat(const OpView& op, const RefTensors& tensors);

}  // namespace aneref

#endif  // ANEREF_OPS_DEVICE_FLOAT_H_
