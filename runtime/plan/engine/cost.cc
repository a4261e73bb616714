// C1-C8 and C33: see the header. Reading the chip's published numbers is in
// cost_data.cc.
#include "runtime/plan/engine/cost.h"

#include <algorithm>
#include <cmath>

namespace aneref::engine {
namespace {

constexpr double kSoftmaxFlopsPerElement = 5;  // C1 [O]
constexpr double kHalfBytes = 2;
constexpr int64_t kCyclesPerLayer = 44;     // C8
constexpr int64_t kMaxLayerCycles = 65535;  // C8: a 16-bit field

double Product(const Axes3& axes) {
  return static_cast<double>(axes.d) * static_cast<double>(axes.h) *
         static_cast<double>(axes.w);
}

TimeEstimate Combine(const CostAnchors& anchors, double compute_s,
                     double transfer_s, bool overlap) {
  TimeEstimate estimate;
  estimate.compute_s = compute_s;
  estimate.transfer_s = transfer_s;
  const double work =
      overlap ? std::max(compute_s, transfer_s) : compute_s + transfer_s;
  estimate.seconds = work + anchors.floor_s;
  if (work < anchors.floor_s) {
    estimate.bound = Bound::kDispatch;
  } else {
    estimate.bound =
        compute_s >= transfer_s ? Bound::kCompute : Bound::kBandwidth;
  }
  return estimate;
}

bool Exceeds(const EngineModel& model, double bytes) {
  return bytes >= static_cast<double>(model.working_set_bytes);
}

}  // namespace

double ConvFlops(const ConvGeometry& conv) {
  return 2 * Product(conv.kernel) * static_cast<double>(conv.cin_per_group()) *
         static_cast<double>(conv.cout) * Product(conv.out) *
         static_cast<double>(conv.batch);
}

double MatmulFlops(const MatmulGeometry& matmul) {
  return 2 * static_cast<double>(matmul.batch) *
         static_cast<double>(matmul.rows) *
         static_cast<double>(matmul.columns) *
         static_cast<double>(matmul.inner);
}

double ElementwiseFlops(double elements) { return elements; }

double PoolFlops(double outputs, int64_t window) {
  return outputs * static_cast<double>(window);
}

double SoftmaxFlops(double elements) {
  return elements * kSoftmaxFlopsPerElement;
}

Traffic ConvTraffic(const ConvGeometry& conv) {
  Traffic traffic;
  traffic.weights = static_cast<double>(conv.cout) *
                    static_cast<double>(conv.cin_per_group()) *
                    Product(conv.kernel) * kHalfBytes;
  const double batch = static_cast<double>(conv.batch) * kHalfBytes;
  traffic.inputs = batch * static_cast<double>(conv.cin) * Product(conv.in);
  traffic.outputs = batch * static_cast<double>(conv.cout) * Product(conv.out);
  return traffic;
}

const char* BoundName(Bound bound) {
  switch (bound) {
    case Bound::kCompute:
      return "compute";
    case Bound::kBandwidth:
      return "bandwidth";
    case Bound::kDispatch:
      break;
  }
  return "dispatch";
}

TimeEstimate PredictTime(const CostAnchors& anchors, double flops,
                         double bytes) {
  return Combine(anchors, flops / anchors.peak_flops, bytes / anchors.bandwidth,
                 true);
}

TimeEstimate PredictFused(const EngineModel& model, const CostAnchors& anchors,
                          const std::vector<LayerCost>& layers) {
  double flops = 0;
  double bytes = 0;
  for (const LayerCost& layer : layers) {
    flops += layer.flops;
    bytes += layer.traffic.weights;
    if (!layer.input_is_intermediate || Exceeds(model, layer.traffic.inputs))
      bytes += layer.traffic.inputs;
    if (!layer.output_is_intermediate || Exceeds(model, layer.traffic.outputs))
      bytes += layer.traffic.outputs;
  }
  return PredictTime(anchors, flops, bytes);
}

double PredictSeparate(const CostAnchors& anchors,
                       const std::vector<LayerCost>& layers) {
  double seconds = 0;
  for (const LayerCost& layer : layers)
    seconds += PredictTime(anchors, layer.flops, layer.traffic.total()).seconds;
  return seconds;
}

TimeEstimate PredictLayer(const EngineModel& model, const CostAnchors& anchors,
                          const LayerCost& layer) {
  const bool overlap =
      model.overlap == StreamOverlap::kAlways ||
      !Exceeds(model, std::max(layer.traffic.inputs, layer.traffic.outputs));
  return Combine(anchors, layer.flops / anchors.peak_flops,
                 layer.traffic.total() / anchors.bandwidth, overlap);
}

int64_t LayerCycles(const CycleCounts& counts) {
  const double core = static_cast<double>(counts.input_passes) *
                      static_cast<double>(counts.kernel_volume) *
                      static_cast<double>(counts.output_extent) /
                      std::max(1.0, static_cast<double>(counts.active_units)) *
                      (1 - counts.zero_fraction);
  const double work =
      std::max(std::ceil(core), static_cast<double>(counts.transfer_cycles));
  const double total = work + static_cast<double>(counts.stall_cycles) +
                       static_cast<double>(kCyclesPerLayer);
  return static_cast<int64_t>(
      std::min(total, static_cast<double>(kMaxLayerCycles)));
}

double Roofline::AttainableFlops(double intensity) const {
  return std::min(peak_flops, intensity * bandwidth);
}

double DescriptorSeconds(const EngineModel& model, const CompilerRates& rates,
                         const DescriptorWork& work) {
  const double macs_per_second =
      static_cast<double>(model.lanes * MacsPerCoreCycle(model, work.int8)) *
      rates.core_hz;
  const double busy = std::max(work.macs / macs_per_second,
                               work.weight_bytes / rates.weight_bandwidth);
  if (work.work_units > 1) return busy;  // the DMA hides behind the units
  return busy + work.streamed_input_bytes / rates.input_bandwidth +
         work.streamed_output_bytes / rates.output_bandwidth;
}

}  // namespace aneref::engine
