// Placement: may an op run on the engine of a chip, and if not, why? A pure
// function of the op's facts and the chip: every V rule that fails, with the
// actual and the allowed value, the evidence, and the smallest change that
// would put the op on the engine. Which ops really go there is decided over the
// whole network: placement/segments.h (E60).
#ifndef ANEREF_RUNTIME_PLAN_PLACEMENT_H_
#define ANEREF_RUNTIME_PLAN_PLACEMENT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/chip.h"
#include "runtime/core/op_table.h"
#include "runtime/core/status.h"
#include "runtime/plan/engine/engine_model.h"
#include "runtime/plan/placement/facts.h"

namespace aneref::placement {

// V00: two authorities accept and refuse, and disagree at the edges.
enum class Route : uint8_t { kCoreMl, kDirect };

enum class Severity : uint8_t {
  kReject,    // does not run on the engine
  kFallback,  // runs there, as several engine operations or on the host's side
  kWarn,      // legal, slow or risky
};
const char* SeverityName(Severity severity);  // "reject", "fallback", "warn"

// V99: the layer that decides.
enum class Layer : uint8_t {
  kFrontend,
  kValidator,
  kLegalisation,
  kCodeGeneration,
  kPlacement,
};
const char* LayerName(Layer layer);

struct Reason {
  std::string rule;  // "V20"
  Severity severity = Severity::kReject;
  Layer layer = Layer::kValidator;
  std::string text;     // one sentence; the compiler's words where known
  std::string actual;   // "kernel width 14"
  std::string allowed;  // "1 to 13"
  std::string provenance;
  std::string fix;  // smallest change that would satisfy the rule; or empty
};

struct OpPlacement {
  bool accepted = true;         // no reason rejects
  std::vector<Reason> reasons;  // rejects first, in rule order
};

// The numbers of one chip that the rules read, fetched once.
struct PlacementChip {
  std::string name;    // "m1"
  std::string label;   // "M1"
  std::string arch;    // "H13"; of watches the compiler target
  int family = 0;      // compiler family index; 2 = H13
  int generation = 0;  // 11..19 of H11..H19; watches by their nearest tier
  OpColumn column = kH13;

  int64_t tensor_max[5] = {};  // N, D, C, H, W
  int64_t rank_max = 5;
  int64_t kernel_w_fp16 = 0, kernel_w_narrow = 0, kernel_h = 0;
  int64_t kernel_w_small_fp16 = 0, kernel_w_small_narrow = 0;
  int64_t kernel_h_small = 0;
  int64_t kernel_d_large = 0, kernel_d_small = 0;
  int64_t coreml_kernel_w = 0, coreml_kernel_h = 0;  // 0: not measured
  std::vector<int64_t> max_pool_widths;              // empty: no such rule
  int64_t matmul_inner_max = 0;                      // 0: no such rule
  int64_t arg_axis_max = 0;
  int64_t pool_window_max = 0;
  int64_t kernel_memory_bytes = 0;
  int64_t operand_limit_bytes = 0;
  int64_t transpose_max = 0;  // 0: no native transpose
  bool texture_engine = false;
  // Capability bytes of the compiler's table (V99).
  bool has_dropout = false, has_global_arg = false, has_fp8 = false;
  bool has_softmax = false, has_instance_norm = false, has_lrn = false;
  bool has_square_reduction = false;
  engine::EngineModel model;
};
// Errors as ReadEngineModel.
Expected<PlacementChip> ReadPlacementChip(const Chip& chip);

struct PlacementOptions {
  Route route = Route::kCoreMl;
  // NeuralNetwork files: tell what the developers' notes of their time say.
  bool legacy = false;
};

OpPlacement PlaceOp(const OpFacts& facts, const PlacementChip& chip,
                    const PlacementOptions& options);

// ---- the rules as data ----

// What one check found; the rest of a Reason comes from the rule's row.
struct Finding {
  std::string text;
  std::string actual;
  std::string allowed;
  std::string fix;
};
struct RuleContext {
  const OpFacts& op;
  const PlacementChip& chip;
  const PlacementOptions& options;
};

struct PlacementRule {
  const char* id;
  Severity severity;
  Layer layer;
  // Evidence: the label of limits.md, the generations on which it was measured
  // ("H13 H17"; empty: on none), and the source.
  const char* measured_on;
  const char* label;  // "decompiled", "community", "modelled"
  // True and a finding when the rule fails for this op on this chip.
  bool (*fails)(const RuleContext& context, Finding* finding);
};
using RuleTable = std::vector<PlacementRule>;
// One table per area; placement.cc walks them in this order.
const RuleTable& TensorRules();       // V01-V14: rules_tensor.cc
const RuleTable& OpTableRules();      // V09, V53, V70, V99: rules_op_table.cc
const RuleTable& ConvRules();         // V20-V31
const RuleTable& MatmulRules();       // V35-V40
const RuleTable& ElementwiseRules();  // V45-V54
const RuleTable& ReductionRules();    // V55-V57
const RuleTable& MovementRules();     // V60-V72
const RuleTable& WeightRules();       // V75-V81, V95
const RuleTable& LegacyRules();       // folklore of NeuralNetwork files

// "measured on M1", "decompiled", "measured on M1, a prediction for M3".
std::string ProvenanceText(const PlacementRule& rule,
                           const PlacementChip& chip);

}  // namespace aneref::placement

#endif  // ANEREF_RUNTIME_PLAN_PLACEMENT_H_
