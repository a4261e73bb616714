// Which kernel calls can be computed in the registers of the call before them,
// and how: a clamp or a sum of two tensors becomes the epilogue of a
// convolution or a product of fp16. Knows kernels and their arguments only;
// where operands lie is runtime/exec/fused_steps.h's concern.
#ifndef ANEREF_OPS_FUSE_H_
#define ANEREF_OPS_FUSE_H_

#include "ops/kernels/epilogue.h"
#include "ops/op.h"

namespace aneref {

// Adds what `next` does to results as they come from `epilogue`; a sum's other
// operand must have the result's type. False, and nothing has changed: it is no
// such op, or the epilogue has no room for it.
bool AppendToEpilogue(const TaskSpec& next, Epilogue* epilogue);

// `task` with an epilogue; packed weights are shared with the one without. An
// addend is its last operand, which the caller appends. False: its kernel has
// no such epilogue.
bool SetEpilogue(const Epilogue& epilogue, TaskSpec* task);

}  // namespace aneref

#endif  // ANEREF_OPS_FUSE_H_
