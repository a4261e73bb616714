// Layers that change the size of the last two axes by interpolation.
#include <cmath>

#include "runtime/import/coreml/table.h"

namespace aneref::coreml {
namespace {

using CM = fbs::CoordinateMode;
using Case = NeuralNetworkLayer;

constexpr int32_t kBilinear = 1;

void EmitResample(Layer& layer, fbs::ResampleT resample) {
  const int32_t x = layer.In(0);
  const auto rank = static_cast<int32_t>(layer.RankOf(x));
  if (!layer.status().ok()) return;
  if (rank < 2) return layer.Fail(ShapeError("needs at least two axes"));
  resample.axes = {rank - 2, rank - 1};
  layer.SetOut(0, layer.EmitTemp(std::move(resample), {x}));
}

// [H, W] factors, whole or fractional; both 1 when absent.
std::vector<float> Factors(Layer& layer, const UpsampleLayer& source) {
  std::vector<float> factors;
  for (float factor : source.fractionalscalingfactor())
    factors.push_back(factor);
  if (factors.empty()) {
    for (uint64_t factor : source.scalingfactor())
      factors.push_back(
          static_cast<float>(layer.Small(factor, "scaling factor")));
  }
  if (factors.empty()) factors = {1.0f, 1.0f};
  bool fits = factors.size() == 2;
  for (float factor : factors)
    fits = fits && std::isfinite(factor) && factor > 0.0f;
  if (!fits) layer.Fail(InvalidFile("", "needs two positive scaling factors"));
  return factors;
}

void Upsample(Layer& layer) {
  const UpsampleLayer& source = layer.proto().upsample();
  fbs::ResampleT resample;
  resample.scales = Factors(layer, source);
  resample.mode = source.mode() == kBilinear ? fbs::ResampleMode::linear
                                             : fbs::ResampleMode::nearest;
  resample.nearest_mode = fbs::NearestMode::floor;
  resample.coordinate_mode = CM::asymmetric;
  if (source.mode() == kBilinear) {
    constexpr CM kModes[] = {CM::coreml_upsample, CM::align_corners,
                             CM::half_pixel};
    const int32_t mode = source.linearupsamplemode();
    if (mode < 0 || mode > 2)
      return layer.Refuse("in interpolation mode " + std::to_string(mode));
    resample.coordinate_mode = kModes[mode];
  }
  EmitResample(layer, std::move(resample));
}

CM SamplingMode(Layer& layer, int32_t mode) {
  constexpr CM kModes[] = {CM::align_corners, CM::align_corners_or_middle,
                           CM::coreml_upsample, CM::coreml_offset_corners};
  if (mode >= 0 && mode < 4) return kModes[mode];
  layer.Refuse("in sampling mode " + std::to_string(mode));
  return kModes[0];
}

void ResizeBilinear(Layer& layer) {
  const ResizeBilinearLayer& source = layer.proto().resizebilinear();
  fbs::ResampleT resample;
  resample.mode = fbs::ResampleMode::linear;
  for (uint64_t size : source.targetsize())
    resample.sizes.push_back(layer.Small(size, "target size"));
  if (resample.sizes.empty()) resample.sizes = {1, 1};
  if (resample.sizes.size() != 2)
    return layer.Fail(InvalidFile("", "needs a target size of two numbers"));
  resample.coordinate_mode = SamplingMode(layer, source.mode().mode());
  EmitResample(layer, std::move(resample));
}

constexpr LayerRow kRows[] = {
    {Case::kUpsample, "upsample", Upsample},
    {Case::kResizeBilinear, "resizeBilinear", ResizeBilinear},
};

}  // namespace

std::span<const LayerRow> ResampleLayers() { return kRows; }

}  // namespace aneref::coreml
