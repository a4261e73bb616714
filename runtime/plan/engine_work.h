// What a node is to the engine: which datapath does it, as which unit, with
// what geometry and how much work, and what it is to a layer in front of it
// (E10, E11, E49, C1). One function over all families, as the planner sees
// them; whether a chip accepts the node is placement's question.
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_WORK_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_WORK_H_

#include <cstdint>
#include <optional>

#include "ops/op.h"
#include "runtime/plan/engine/cost.h"
#include "runtime/plan/engine/dispatch.h"
#include "runtime/plan/engine/epilogue.h"
#include "runtime/plan/engine/geometry.h"
#include "runtime/plan/engine/schedule.h"
#include "runtime/plan/engine/working_set.h"

namespace aneref {

struct EngineWork {
  // False: no datapath of the engine does this; the host computes it.
  bool on_engine = false;
  engine::EngineKind engine = engine::EngineKind::kDma;
  engine::Unit unit = engine::Unit::kMacBypass;
  // A convolution, or a product with known weights (E10); MAC only.
  std::optional<engine::ConvGeometry> conv;
  // A matrix product; with `conv` also set the chip decides by size (E10).
  std::optional<engine::MatmulGeometry> matmul;
  engine::RowWindow rows;       // output rows to input rows, for tile heights
  double flops = 0;             // C1
  int64_t weight_elements = 0;  // known operands that are no epilogue
  int64_t reduced_extent = 0;   // of a reduction (E28)
  // The axis that lies in C: where gains and offsets are per channel.
  size_t channel_axis = 1;
  bool moves_only = false;  // no arithmetic: shapes, copies, views
};

// `op` carries declared input and output types. The node has been inferred.
EngineWork DescribeWork(const OpView& op);

// What `op` is behind a layer whose channels lie on `channel_axis`, when its
// operand `data_input` is the layer's result (E11).
engine::FusionKind FollowerKind(const OpView& op, size_t data_input,
                                size_t channel_axis);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_WORK_H_
