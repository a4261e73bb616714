// The layers of neural networks: one row and one function each, grouped in
// table_*.cc. A layer without a row is refused by name.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_TABLE_H_
#define ANEREF_RUNTIME_IMPORT_COREML_TABLE_H_

#include <span>

#include "runtime/import/coreml/layer.h"

namespace aneref::coreml {

struct LayerRow {
  NeuralNetworkLayer::LayerCase kind;
  const char* name;  // the format's own
  void (*lower)(Layer&);
};

// A layer that is refused, with the reason.
struct RefusedLayer {
  NeuralNetworkLayer::LayerCase kind;
  const char* name;
  const char* reason;
};

// Null when the layer is unknown or refused. Control flow (branch, loop) has no
// row: network.cc knows it.
const LayerRow* FindLayer(NeuralNetworkLayer::LayerCase kind);
const RefusedLayer* FindRefused(NeuralNetworkLayer::LayerCase kind);
// "convolution"; "unknown" for a number that the format does not have.
const char* LayerName(NeuralNetworkLayer::LayerCase kind);

std::span<const std::span<const LayerRow>> AllLayers();
std::span<const RefusedLayer> RefusedLayers();

std::span<const LayerRow> ActivationLayers();
std::span<const LayerRow> ArithmeticLayers();
std::span<const LayerRow> ConvolutionLayers();
std::span<const LayerRow> PoolingLayers();
std::span<const LayerRow> NormLayers();
std::span<const LayerRow> MatrixLayers();
std::span<const LayerRow> ResampleLayers();
std::span<const LayerRow> BorderLayers();
std::span<const LayerRow> OldShapeLayers();
std::span<const LayerRow> ShapeLayers();
std::span<const LayerRow> SliceLayers();
std::span<const LayerRow> ReduceLayers();
std::span<const LayerRow> IndexLayers();
std::span<const LayerRow> SelectionLayers();
std::span<const LayerRow> FillLayers();
std::span<const LayerRow> RecurrentLayers();

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_TABLE_H_
