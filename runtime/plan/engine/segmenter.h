// Which processor gets an op: E60 (the cheapest path over all ops of a
// program) and C34 (the estimates it compares). Estimates are inputs of the
// placement, not latencies; predicted latencies are in cost.h.
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_SEGMENTER_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_SEGMENTER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "runtime/core/status.h"
#include "runtime/plan/engine/engine_model.h"

namespace aneref::engine {

// Backends by index. macos27: engine, bnns, classic CPU; macos26: engine, GPU,
// CPU.
inline constexpr int kNumBackends = 3;
inline constexpr int kEngineBackend = 0;
const char* BackendName(SegmenterKind kind, int backend);

// Milliseconds per backend; nullopt: the backend cannot run the op.
using BackendEstimates = std::array<std::optional<double>, kNumBackends>;

// E60: what a path pays beside the estimates, in the estimates' unit.
struct SegmenterCosts {
  double launch[kNumBackends];       // each time a segment is entered
  double transfer_to[kNumBackends];  // each time the backend changes
  double engine_output;              // when the last op is on the engine
};
const SegmenterCosts& SegmenterCostsOf(SegmenterKind kind);

struct Placement {
  std::vector<int> backends;  // one per op
  double cost = 0;
  bool tied = false;  // another backend of the last op costs the same
};
// The cheapest path. Ties: an op stays with the lowest backend as long as
// possible, the last op takes the highest ([M:M4], one published case).
// kInvalidArgument: an op that no backend runs.
Expected<Placement> PlaceOps(SegmenterKind kind,
                             const std::vector<BackendEstimates>& ops);

// C34: what an op is to the estimator.
enum class EstimateKind : uint8_t {
  kConv,  // also depthwise and grouped
  kConvTranspose,
  kLinear,  // constant weights
  kMatmul,  // two runtime operands
  kAdd,     // binary element-wise
  kRelu,
  kMemoryBound,  // other activations, softmax, norms, pools, reductions,
                 // attention
  kTranspose,
  kConcat,
  kUpsample,
};
struct EstimateInput {
  EstimateKind kind = EstimateKind::kMemoryBound;
  double flops = 0;        // C1
  double input_bytes = 0;  // activations only, dense fp16
  double output_bytes = 0;
};
// Estimates of all backends. macos27: fitted to the rows of C34; macos26:
// max(flops / P, bytes / B) with the constants of E60.
BackendEstimates EstimateOp(SegmenterKind kind, const EstimateInput& input);

// E61: learned leaves, nanoseconds; for plausibility only.
struct LeafRange {
  const char* op;
  double lowest_ns;
  double highest_ns;
};
// nullptr: the op has no tree.
const LeafRange* FindLeaf(const char* op);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_SEGMENTER_H_
