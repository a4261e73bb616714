// See table.h.
#include "runtime/import/coreml/table.h"

namespace aneref::coreml {
namespace {

using Case = NeuralNetworkLayer;

constexpr RefusedLayer kRefused[] = {
    {Case::kCustom, "custom", "the code of a custom layer is not in the file"},
    {Case::kLoopBreak, "loopBreak",
     "leaving a loop in the middle of its body is not supported"},
    {Case::kLoopContinue, "loopContinue",
     "leaving a loop in the middle of its body is not supported"},
    {Case::kCropResize, "cropResize",
     "cutting regions at computed coordinates is not supported"},
    {Case::kNonMaximumSuppression, "NonMaximumSuppression",
     "its padded list of boxes is not supported"},
    {Case::kCategoricalDistribution, "categoricalDistribution",
     "its draws depend on values that are computed"},
};

}  // namespace

std::span<const RefusedLayer> RefusedLayers() { return kRefused; }

std::span<const std::span<const LayerRow>> AllLayers() {
  static const std::span<const LayerRow> kTables[] = {
      ActivationLayers(), ArithmeticLayers(), ConvolutionLayers(),
      PoolingLayers(),    NormLayers(),       MatrixLayers(),
      ResampleLayers(),   BorderLayers(),     OldShapeLayers(),
      ShapeLayers(),      SliceLayers(),      ReduceLayers(),
      IndexLayers(),      SelectionLayers(),  FillLayers(),
      RecurrentLayers()};
  return kTables;
}

const LayerRow* FindLayer(NeuralNetworkLayer::LayerCase kind) {
  for (const std::span<const LayerRow>& table : AllLayers()) {
    for (const LayerRow& row : table) {
      if (row.kind == kind) return &row;
    }
  }
  return nullptr;
}

const RefusedLayer* FindRefused(NeuralNetworkLayer::LayerCase kind) {
  for (const RefusedLayer& row : kRefused) {
    if (row.kind == kind) return &row;
  }
  return nullptr;
}

const char* LayerName(NeuralNetworkLayer::LayerCase kind) {
  if (kind == Case::kBranch) return "branch";
  if (kind == Case::kLoop) return "loop";
  const LayerRow* row = FindLayer(kind);
  if (row != nullptr) return row->name;
  const RefusedLayer* refused = FindRefused(kind);
  return refused == nullptr ? "unknown" : refused->name;
}

}  // namespace aneref::coreml
