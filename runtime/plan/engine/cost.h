// Predicted time and energy: C1 (operations), C2 (bytes), C3-C5 (time of a
// layer and of a program), C8 (cycles), C20 and C21 (roofs), C30 (energy) and
// C33 (the compiler's estimate per task descriptor). Placement estimates:
// segmenter.h. Predictions, not measurements: docs/cost.md compares them.
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_COST_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_COST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/chip.h"
#include "runtime/plan/engine/engine_model.h"
#include "runtime/plan/engine/geometry.h"
#include "runtime/plan/engine/weights_layout.h"

namespace aneref::engine {

// C1, operations; a multiply-add counts two.
double ConvFlops(const ConvGeometry& conv);
struct MatmulGeometry {
  int64_t batch = 1;
  int64_t rows = 1;     // M
  int64_t columns = 1;  // N
  int64_t inner = 1;    // K
};
double MatmulFlops(const MatmulGeometry& matmul);
double ElementwiseFlops(double elements);
double PoolFlops(double outputs, int64_t window);
double SoftmaxFlops(double elements);

// C2: bytes that a layer or program moves, no reuse counted.
struct Traffic {
  double weights = 0;
  double inputs = 0;
  double outputs = 0;
  double total() const { return weights + inputs + outputs; }
};
Traffic ConvTraffic(const ConvGeometry& conv);  // fp16, dense weights, no bias
// C2 with E27: what the weights cost in their stored form.
double WeightTraffic(const EngineModel& model, const Payload& payload);

// C4: the constants of C3 for one chip.
struct CostAnchors {
  double peak_flops = 0;
  double bandwidth = 0;  // bytes per second
  double floor_s = 0;    // one dispatch
  std::string provenance;
};
// The chip's own fit, else its prediction, else that of its architecture.
// kUnsupported: none of them.
Expected<CostAnchors> ReadCostAnchors(const Chip& chip);

enum class Bound { kCompute, kBandwidth, kDispatch };
const char* BoundName(Bound bound);  // "compute", "bandwidth", "dispatch"
struct TimeEstimate {
  double seconds = 0;  // with the floor
  double compute_s = 0;
  double transfer_s = 0;
  Bound bound = Bound::kDispatch;
};
// C3.
TimeEstimate PredictTime(const CostAnchors& anchors, double flops,
                         double bytes);

// C5: one program of several layers. Intermediates that stay resident cost
// nothing; others are written and read once.
struct LayerCost {
  double flops = 0;
  Traffic traffic;
  bool input_is_intermediate = false;   // made by a layer of this program
  bool output_is_intermediate = false;  // used by a layer of this program
};
TimeEstimate PredictFused(const EngineModel& model, const CostAnchors& anchors,
                          const std::vector<LayerCost>& layers);
// C5: the same layers, each in a call of its own.
double PredictSeparate(const CostAnchors& anchors,
                       const std::vector<LayerCost>& layers);
// C3 with overlap=resident ([O], fits C25): transfer and compute add up when
// an activation of the layer is not resident (E20).
TimeEstimate PredictLayer(const EngineModel& model, const CostAnchors& anchors,
                          const LayerCost& layer);

// C8.
struct CycleCounts {
  int64_t input_passes = 1;
  int64_t kernel_volume = 1;
  int64_t output_extent = 1;
  int64_t active_units = 1;
  double zero_fraction = 0;
  int64_t transfer_cycles = 0;  // DMA or on-chip memory
  int64_t stall_cycles = 0;
};
int64_t LayerCycles(const CycleCounts& counts);
// C8: 0.8 * the highest clock * the chip's efficiency; nullopt: no clock known.
std::optional<double> CostClockHz(const Chip& chip);

// C20: sustained peaks of the chip; nullopt where none was published.
struct Roofline {
  double peak_flops = 0;
  double bandwidth = 0;
  double ridge() const { return peak_flops / bandwidth; }
  double AttainableFlops(double intensity) const;  // FLOP per byte
};
std::optional<Roofline> ReadRoofline(const Chip& chip);

// C21: MACs per core and cycle, and the peak of all engines.
int64_t MacsPerCoreCycle(const EngineModel& model, bool int8);
std::optional<double> TheoreticalPeak(const Chip& chip,
                                      const EngineModel& model, bool int8);

// C30: watts of the regime that fits the bound; nullopt: not published.
std::optional<double> PowerWatts(const Chip& chip, Bound bound);
std::optional<double> EnergyJoules(const Chip& chip,
                                   const TimeEstimate& estimate);

// C33: only chips whose compiler table is known.
struct CompilerRates {
  double core_hz = 0;
  double planar_hz = 0;
  double weight_bandwidth = 0;
  double input_bandwidth = 0;
  double output_bandwidth = 0;
};
std::optional<CompilerRates> ReadCompilerRates(const Chip& chip);
struct DescriptorWork {
  double macs = 0;
  double weight_bytes = 0;
  double streamed_input_bytes = 0;   // from DRAM
  double streamed_output_bytes = 0;  // to DRAM
  int64_t work_units = 1;
  bool int8 = false;
};
// C35: one planar task with a single input, per engine; nullopt: not measured
// on this chip.
std::optional<double> PlanarTaskSeconds(const Chip& chip, double elements);
double DescriptorSeconds(const EngineModel& model, const CompilerRates& rates,
                         const DescriptorWork& work);

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_COST_H_
