// Which steps can be computed band by band of rows (kernels/row_chain.h), and
// as what task. Knows kernels, their arguments and the shapes of their
// operands; where operands lie is runtime/exec/fused_steps.h's concern.
#ifndef ANEREF_OPS_ROW_CHAIN_H_
#define ANEREF_OPS_ROW_CHAIN_H_

#include <optional>
#include <span>
#include <vector>

#include "ops/op.h"

namespace aneref {

// One step, whose operand `chained` is the result of the step before it.
struct ChainedStep {
  const TaskSpec* spec = nullptr;
  std::vector<Shape> in;
  size_t chained = 0;
};

// Whether a step that gives `result` can be the first, or between two products.
bool MayBeginRowChain(const TaskSpec& spec);
bool MayContinueRowChain(const TaskSpec& spec);

// The task that does what `steps` do: a product, steps that rewrite its result
// (`result`, the same type after each), and a product of that. Its operands: x
// and y of the first product, y of the last, then the other operands of those
// between, in their order. Nothing when no kernel does it, or it would not pay.
std::optional<TaskSpec> MakeRowChain(const TensorType& result,
                                     std::span<const ChainedStep> steps);

}  // namespace aneref

#endif  // ANEREF_OPS_ROW_CHAIN_H_
