// Whether the ops of a dump that differ from ours all follow one engine's
// arithmetic, bit for bit. Then that is what each of them is judged against,
// and a fault stands out from the engine's own roundings.
#ifndef ANEREF_RUNTIME_EXPLAIN_BISECT_ENGINE_H_
#define ANEREF_RUNTIME_EXPLAIN_BISECT_ENGINE_H_

#include <span>
#include <string>

#include "runtime/explain/quirks.h"
#include "runtime/explain/replay.h"
#include "runtime/explain/tensor_set.h"

namespace aneref {

// One result of the other side and the operands that it was made of.
struct OpSample {
  const fbs::Node* node = nullptr;
  const HostValues* in = nullptr;
  size_t output = 0;
  const OwnedTensor* theirs = nullptr;
};

// The index of the engine that reproduces most of the samples, at least more
// than half of them and `fewest`; -1: none does.
int FollowedEngine(NodeEvaluator* evaluator, std::span<const OpSample> samples,
                   std::span<const Arithmetic> engines, size_t fewest);

// The rule that stands for the engine's arithmetic of an op (sums, tables);
// null: none has a name.
const Quirk* EngineRule(const std::string& op, const DeviceContext& engine);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_BISECT_ENGINE_H_
