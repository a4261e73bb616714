// The plan: everything that is decided before a network runs on a chip, as
// plain data. Tasks in the order in which they run, how each is cut over tiles
// and cores, where every tensor lies, what it should cost. The executor runs
// it, explain, plan and trace print it; nobody derives a decision again. Same
// net, chip and options: same plan. Predictions, never measurements of this
// machine.
#ifndef ANEREF_RUNTIME_PLAN_PLAN_H_
#define ANEREF_RUNTIME_PLAN_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/chip.h"
#include "runtime/plan/arena.h"
#include "runtime/plan/engine/cost.h"
#include "runtime/plan/engine/engine_model.h"
#include "runtime/plan/engine/ocg.h"
#include "runtime/plan/layers.h"
#include "runtime/plan/specialize.h"
#include "runtime/plan/work_grid.h"

namespace aneref {

// One run-time value. Index = index in Program::values.
struct PlanTensor {
  bool used = false;  // false: known before the run, or never needed
  std::string name;
  TensorType type;           // in memory; surfaces (L10)
  int64_t row_stride = 0;    // bytes
  int64_t plane_stride = 0;  // bytes
  int64_t bytes = 0;         // of the surface
  int64_t engine_bytes = 0;  // dense fp16 bytes: what the E rules count
  bool is_input = false;     // of the graph
  bool is_output = false;
  int32_t producer = -1;           // task; -1: a graph input
  std::vector<int32_t> consumers;  // tasks, ascending, each once
  bool is_inner = false;  // made and used within one task: never leaves it

  ArenaPlace place;  // in this runtime's arena

  // On the chip (E43).
  engine::AllocationState state = engine::AllocationState::kStreamed;
  int64_t chip_address = -1;  // byte of on-chip memory; -1: not there
  int64_t chip_bytes = 0;     // with the bank-friendly stride (L62)
  int64_t chip_row_stride = 0;
};

// What the multiply-accumulate engine is told (MAC tasks with known weights, or
// a tiled product).
struct MacPlan {
  std::optional<engine::ConvGeometry> conv;
  std::optional<engine::MatmulGeometry> matmul;
  engine::WeightFormat weight_format = engine::WeightFormat::kDense;
  bool streams_compressed = false;  // E27
  bool winograd = false;            // E30; arithmetic is the same
  int64_t ocg = 1;                  // E12
  int64_t passes = 1;               // E13
  int64_t lanes_register = 1;       // E14
  int64_t cores = 1;                // E14: at work
  int64_t accumulator_demand = 1;   // E15
  engine::Buffering buffering = engine::Buffering::kDouble;
  engine::SourceMode source_mode = engine::SourceMode::kDefault;
  std::vector<int64_t> descriptor_channels;  // E25
  int64_t cin_parts = 1;                     // E25
  int64_t weight_bytes_per_core = 0;         // E25
  int64_t weight_passes = 1;                 // L64
  int64_t wide_kernel_width = 0;             // E10: rewritten; 0: native
  std::string stride_factors;                // E10: "2 * 3"; empty: native
  std::string dilation;                      // E10: how it is done
};

struct PlanTask {
  std::string name;  // of the main node, as the source calls it
  std::string op;    // OpName of the main node
  std::vector<LayerNode> nodes;
  int32_t main = -1;  // node in Program::nodes
  bool on_engine = false;
  engine::EngineKind engine = engine::EngineKind::kDma;
  engine::Unit unit = engine::Unit::kMacBypass;
  std::vector<int32_t> inputs;      // run-time values read from outside
  std::vector<int32_t> outputs;     // values made here that are used outside
  std::vector<int32_t> depends_on;  // tasks, ascending

  std::optional<MacPlan> mac;
  WorkGrid grid;                   // tiles, patches, passes, cores
  engine::BlockPlan blocks;        // E22, when an operand exceeds the limit
  bool resident = false;           // E20
  int64_t working_set_bytes = 0;   // inputs, weights and outputs together
  int64_t task_descriptors = 1;    // E25, E32
  bool through_transpose = false;  // E28
  int32_t partition = -1;          // E41; -1: the host's

  // Predicted (C rules).
  double flops = 0;
  engine::Traffic traffic;  // C2: what the operands hold
  double dram_bytes = 0;    // of it, what crosses DRAM (C5)
  int64_t cycles = 0;       // C8
  double compute_us = 0;
  double transfer_us = 0;
  double predicted_us = 0;  // without the dispatch floor
  engine::Bound bound = engine::Bound::kCompute;
  double start_us = 0;  // in the predicted timeline of the engine
};

// E41: tasks [first, last] share the on-chip memory.
struct PlanPartition {
  int32_t first = 0;
  int32_t last = 0;
  int64_t peak_bytes = 0;   // on-chip
  int64_t live_across = 0;  // tensors alive when it ends
};

// A run of tasks on one processor.
struct PlanSegment {
  bool on_engine = false;
  int32_t first = 0;  // tasks
  int32_t last = 0;
  double bytes_in = 0;  // dense fp16, what crosses the border
  double bytes_out = 0;
  double predicted_us = 0;  // with one dispatch floor (C5); 0 on the host
};

struct PlanWarning {
  std::string rule;
  std::string text;
};

struct PlanTotals {
  double flops = 0;
  double dram_bytes = 0;
  double predicted_us = 0;  // engine segments, floors included (C5)
  engine::Bound bound = engine::Bound::kDispatch;
  std::optional<double> energy_mj;  // C30; where watts are published
  int64_t dispatches = 0;
  int64_t crossings = 0;  // changes of processor
  int64_t task_descriptors = 0;
  std::string provenance;  // of the cost anchors (C4)
};

struct Plan {
  std::string chip;
  engine::EngineModel model;
  engine::CostAnchors anchors;
  std::vector<PlanTensor> tensors;
  std::vector<PlanTask> tasks;
  std::vector<PlanPartition> partitions;
  std::vector<PlanSegment> segments;
  std::vector<PlanWarning> warnings;
  ArenaSizes arena;
  // Per node of the program: its result is in place already, nothing runs.
  std::vector<uint8_t> node_is_free;
  PlanTotals totals;
};

struct PlanOptions {
  const Chip* chip = nullptr;
  // "ocg=…", "coissue=…", "overlap=…", "segmenter=…" (engine/engine_model.h).
  std::vector<std::string> engine_options;
  // One flag per node of the program that placement gave to the host; empty:
  // the host does only what no datapath does.
  std::vector<uint8_t> on_host;
  bool keep_intermediates = false;  // no memory is used twice
};

// kUnsupported: a chip without an engine, or without cost anchors.
// kInvalidArgument: an unknown option. kLimit: tensors too large to place.
Expected<Plan> BuildPlan(const Net& net, const Program& program,
                         const PlanOptions& options);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_PLAN_H_
