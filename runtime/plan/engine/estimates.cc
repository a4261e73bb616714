// C34: placement estimates fitted to the published rows, and the older
// roofline constants of E60. E61: learned leaves.
#include <algorithm>
#include <cstring>

#include "runtime/plan/engine/segmenter.h"

namespace aneref::engine {
namespace {

constexpr double kMilliseconds = 1e3;
constexpr double kClassicFactor =
    1.15022;  // classic CPU over bnns, computed ops
constexpr double kBnnsMemoryFactor = 1.2;
constexpr double kMemoryRate = 73.0144e9;  // bytes per second

// Rates of one kind; the row with the largest threshold <= flops counts.
struct FlopRates {
  double threshold;
  double engine;
  double bnns;
};
constexpr FlopRates kConvRates[] = {{32e6, 16.1517e12, 754.493e9},
                                    {4e6, 7.16083e12, 388.061e9},
                                    {0, 0.471181e12, 27.0852e9}};
constexpr FlopRates kLinearRates[] = {{16e6, 10.5813e12, 335.506e9},
                                      {0, 0.580433e12, 22.5438e9}};
// [O]: one published row each.
constexpr FlopRates kConvTransposeRates[] = {{0, 3.80126e12, 15.7857e9}};
constexpr FlopRates kUpsampleRates[] = {{0, 79.3142e9, 0.524671e9}};

template <size_t kCount>
BackendEstimates FromFlops(const FlopRates (&rates)[kCount], double flops) {
  for (const FlopRates& rate : rates) {
    if (flops < rate.threshold) continue;
    const double bnns = flops / rate.bnns * kMilliseconds;
    return {flops / rate.engine * kMilliseconds, bnns, bnns * kClassicFactor};
  }
  return {};
}

BackendEstimates FromBytes(double bytes, double engine_rate, double bnns_rate) {
  const double bnns = bytes / bnns_rate * kMilliseconds;
  return {bytes / engine_rate * kMilliseconds, bnns, bnns * kClassicFactor};
}

BackendEstimates MemoryBound(double bytes) {
  const double engine = bytes / kMemoryRate * kMilliseconds;
  const double bnns = engine * kBnnsMemoryFactor;
  return {engine, bnns, bnns};
}

BackendEstimates Matmul(double flops, double bytes) {
  BackendEstimates estimates = MemoryBound(bytes);
  const double computed = flops / kConvRates[0].bnns * kMilliseconds;
  if (computed > *estimates[1]) {
    estimates[1] = computed;
    estimates[2] = computed * kClassicFactor;
  }
  return estimates;
}

BackendEstimates Macos27(const EstimateInput& input) {
  const double bytes = input.input_bytes + input.output_bytes;
  switch (input.kind) {
    case EstimateKind::kConv:
      return FromFlops(kConvRates, input.flops);
    case EstimateKind::kConvTranspose:
      return FromFlops(kConvTransposeRates, input.flops);
    case EstimateKind::kLinear:
      return FromFlops(kLinearRates, input.flops);
    case EstimateKind::kUpsample:
      return FromFlops(kUpsampleRates, input.output_bytes / 2);
    case EstimateKind::kMatmul:
      return Matmul(input.flops, bytes);
    case EstimateKind::kAdd:
      return FromBytes(bytes, 53.9708e9, 31.6833e9);
    case EstimateKind::kTranspose:
      return FromBytes(bytes, 68.8705e9, 87.4810e9);
    case EstimateKind::kConcat:
      return FromBytes(input.output_bytes, 100e9, 11.5022e9);
    case EstimateKind::kRelu: {
      const double all = bytes / 100e9 * kMilliseconds;
      return {all, all, all};
    }
    case EstimateKind::kMemoryBound:
      break;
  }
  return MemoryBound(bytes);
}

double Slower(double flops, double peak, double bytes, double bandwidth) {
  return std::max(flops / peak, bytes / bandwidth) * kMilliseconds;
}

// E60, older constants: engine, GPU, CPU.
BackendEstimates Macos26(const EstimateInput& input) {
  const double bytes = input.input_bytes + input.output_bytes;
  return {Slower(input.flops, 800e9, bytes, 50e9),
          Slower(input.flops, 120e9, bytes, 40e9),
          Slower(input.flops, 20e9, bytes, 10e9)};
}

constexpr LeafRange kLeaves[] = {
    {"relu", 50, 50},
    {"add", 26.5, 36},
    {"mul", 40, 80},
    {"reduce_sum", 22, 22},
    {"max_pool", 26, 29},
    {"conv", 417.7, 8609.6},
    {"matmul", 116.9, 66408.3},
    {"linear", 67, 14700},
    {"conv_transpose", 3500, 37800},
};

}  // namespace

BackendEstimates EstimateOp(SegmenterKind kind, const EstimateInput& input) {
  return kind == SegmenterKind::kMacos27 ? Macos27(input) : Macos26(input);
}

const LeafRange* FindLeaf(const char* op) {
  for (const LeafRange& leaf : kLeaves) {
    if (std::strcmp(leaf.op, op) == 0) return &leaf;
  }
  return nullptr;
}

}  // namespace aneref::engine
