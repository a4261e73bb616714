// The table of published measurements; times given as rates are converted.
#include "runtime/plan/engine/reference_points.h"

#include <iterator>

namespace aneref::engine {
namespace {

constexpr double kHalf = 2;  // bytes

// A square convolution with as many output as input channels; `layers` of them
// in a chain move only the first input and the last output.
struct Square {
  double kernel;
  double channels;
  double in;  // columns and rows
  double out;
  double layers = 1;
};

constexpr ReferencePoint Conv(const char* rule, const char* chip,
                              const char* what, const Square& conv,
                              double measured_us, double claimed = 0) {
  const double weights =
      conv.kernel * conv.kernel * conv.channels * conv.channels;
  return {rule,
          chip,
          what,
          Timed::kCall,
          weights * conv.out * conv.out * conv.layers,
          weights * kHalf * conv.layers,
          conv.channels * conv.in * conv.in * kHalf,
          conv.channels * conv.out * conv.out * kHalf,
          measured_us,
          claimed};
}

// M rows times a K x N weight, `layers` times with K = N.
constexpr ReferencePoint Gemm(const char* rule, const char* chip,
                              const char* what, double m, double k, double n,
                              double measured_us, double layers = 1) {
  return {rule,
          chip,
          what,
          Timed::kCall,
          m * k * n * layers,
          k * n * kHalf * layers,
          m * k * kHalf,
          m * n * kHalf,
          measured_us,
          0};
}

// One 1x1 layer of a chain over `width` columns.
constexpr ReferencePoint Line(const char* rule, const char* chip,
                              const char* what, Timed timed, double channels,
                              double width, double measured_us,
                              double claimed) {
  return {rule,
          chip,
          what,
          timed,
          channels * channels * width,
          channels * channels * kHalf,
          channels * width * kHalf,
          timed == Timed::kLayer ? channels * width * kHalf : 0,
          measured_us,
          claimed};
}

// Microseconds of so many operations at a measured rate.
constexpr double AtRate(double flops, double flops_per_second) {
  return flops / flops_per_second * 1e6;
}

constexpr double kMac1024 = 1024.0 * 1024.0 * 1024.0;
constexpr double kLayer512 = 2 * 512.0 * 512.0 * 1024.0;  // 512 ch 32x32

constexpr ReferencePoint kPoints[] = {
    Conv("C10", "m1", "conv 3x3 256 ch 28x28 pad 1", {3, 256, 28, 28}, 507,
         0.17),
    Conv("C10", "m1", "conv 1x1 512 ch 32x32", {1, 512, 32, 32}, 444, 0.17),
    Conv("C10", "m1", "conv 1x1 1024 ch 16x16", {1, 1024, 16, 16}, 686, 0.17),
    Conv("C10", "m1", "conv 1x1 2048 ch 8x8", {1, 2048, 8, 8}, 1047, 0.17),
    Conv("C24", "m1", "conv 1x1 8 ch 8x8 (tiny call)", {1, 8, 8, 8}, 230),
    Conv("C25", "m1", "conv 3x3 64 ch 16x16 pad 0", {3, 64, 16, 14}, 231),
    Conv("C25", "m1", "conv 3x3 64 ch 32x32 pad 0", {3, 64, 32, 30}, 248),
    Conv("C25", "m1", "conv 3x3 64 ch 64x64 pad 0", {3, 64, 64, 62}, 395),
    Conv("C25", "m1", "conv 3x3 64 ch 128x128 pad 0", {3, 64, 128, 126}, 1062),
    Conv("C25", "m1", "conv 3x3 64 ch 256x256 pad 0", {3, 64, 256, 254}, 3814),
    Gemm("C26", "m1", "gemm 64x256x256", 64, 256, 256,
         AtRate(2 * 64.0 * 256 * 256, 51e9)),
    Gemm("C26", "m1", "gemm 128x1024x1024", 128, 1024, 1024,
         AtRate(2 * 128.0 * 1024 * 1024, 662e9)),
    Gemm("C26", "m1", "gemm 256x4096x4096", 256, 4096, 4096,
         AtRate(2 * 256.0 * 4096 * 4096, 3588e9)),
    Conv("C26", "m1", "conv 3x3 64 ch 32x32", {3, 64, 32, 32},
         AtRate(2 * 9.0 * 64 * 64 * 1024, 99e9)),
    Conv("C26", "m1", "16 convs 3x3 256 ch 32x32", {3, 256, 32, 32, 16},
         AtRate(16 * 2 * 9.0 * 256 * 256 * 1024, 9602e9)),
    Line("C27", "m4", "1x1 2048 ch 32 columns, per layer", Timed::kLayer, 2048,
         32, 124.9, 0),
    Line("C27", "m6", "1x1 2048 ch 32 columns, per layer", Timed::kLayer, 2048,
         32, 55.5, 0),
    Gemm("C31", "m1", "8 matmuls 1024x1024", 1024, 1024, 1024, 2109.6, 8),
    Line("C35", "m6", "1x1 240 ch 128 columns", Timed::kDescriptor, 240, 128,
         0.97, 0.35),
    Line("C35", "m6", "1x1 256 ch 128 columns", Timed::kDescriptor, 256, 128,
         1.09, 0.35),
    Line("C35", "m6", "1x1 272 ch 128 columns", Timed::kDescriptor, 272, 128,
         1.45, 0.35),
    Line("C35", "m6", "1x1 352 ch 128 columns", Timed::kDescriptor, 352, 128,
         1.82, 0.35),
    Line("C35", "m6", "1x1 512 ch 128 columns", Timed::kDescriptor, 512, 128,
         4.69, 0.35),
    Line("C35", "m6", "1x1 528 ch 128 columns", Timed::kDescriptor, 528, 128,
         5.26, 0.35),
    Line("C35", "m6", "1x1 768 ch 128 columns", Timed::kDescriptor, 768, 128,
         9.09, 0.35),
    Line("C35", "m6", "1x1 784 ch 128 columns", Timed::kDescriptor, 784, 128,
         9.57, 0.35),
    Line("C35", "m6", "1x1 1024 ch 128 columns", Timed::kDescriptor, 1024, 128,
         14.10, 0.35),
    Line("C27", "m6", "1x1 2048 ch 32 columns", Timed::kDescriptor, 2048, 32,
         55.5, 0.10),
    Conv("C35", "m6", "1 conv 1x1 512 ch 32x32", {1, 512, 32, 32, 1}, 192),
    Conv("C35", "m6", "4 convs 1x1 512 ch 32x32", {1, 512, 32, 32, 4}, 242),
    Conv("C35", "m6", "8 convs 1x1 512 ch 32x32", {1, 512, 32, 32, 8}, 340),
    Conv("C35", "m6", "16 convs 1x1 512 ch 32x32", {1, 512, 32, 32, 16}, 410),
    Conv("C35", "m6", "32 convs 1x1 512 ch 32x32", {1, 512, 32, 32, 32}, 900),
    Conv("C35", "m6", "48 convs 1x1 512 ch 32x32", {1, 512, 32, 32, 48}, 1005),
    Conv("C36", "m4", "1 conv 1x1 512 ch 32x32", {1, 512, 32, 32, 1},
         AtRate(kLayer512, 5.4e12)),
    Conv("C36", "m4", "8 convs 1x1 512 ch 32x32", {1, 512, 32, 32, 8},
         AtRate(8 * kLayer512, 12.3e12)),
    Conv("C36", "m4", "32 convs 1x1 512 ch 32x32", {1, 512, 32, 32, 32},
         AtRate(32 * kLayer512, 16.1e12)),
    Conv("C36", "m4", "64 convs 1x1 512 ch 128x128", {1, 512, 128, 128, 64},
         AtRate(64 * 16 * kLayer512, 18.77e12)),
    Gemm("C36", "m4", "matmul 1024x1024", 1024, 1024, 1024,
         AtRate(2 * kMac1024, 5.2e12)),
    Gemm("C36", "m4", "matmul 2048x2048", 2048, 2048, 2048,
         AtRate(16 * kMac1024, 5.7e12)),
    Gemm("C36", "m4", "matmul 4096x4096", 4096, 4096, 4096,
         AtRate(128 * kMac1024, 4.0e12)),
};

}  // namespace

ReferenceTable ReferencePoints() { return {kPoints, std::size(kPoints)}; }

Expected<double> PredictReference(const Chip& chip, const EngineModel& model,
                                  const ReferencePoint& point) {
  if (point.timed == Timed::kDescriptor) {
    const std::optional<CompilerRates> rates = ReadCompilerRates(chip);
    if (!rates)
      return Unsupported("chip '" + chip.name + "' has no compiler rates");
    DescriptorWork work;
    work.macs = point.macs;
    work.weight_bytes = point.weight_bytes;
    work.streamed_input_bytes = point.input_bytes;
    return DescriptorSeconds(model, *rates, work) * 1e6;
  }
  ANEREF_ASSIGN(const CostAnchors anchors, ReadCostAnchors(chip));
  LayerCost layer;
  layer.flops = 2 * point.macs;
  layer.traffic = {point.weight_bytes, point.input_bytes, point.output_bytes};
  const double seconds = PredictLayer(model, anchors, layer).seconds;
  return (point.timed == Timed::kLayer ? seconds - anchors.floor_s : seconds) *
         1e6;
}

}  // namespace aneref::engine
