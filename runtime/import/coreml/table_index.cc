// Gathers and scatters.
#include "runtime/import/coreml/table.h"

namespace aneref::coreml {
namespace {

using EK = fbs::ElementwiseKind;
using SR = fbs::ScatterReduction;
using Case = NeuralNetworkLayer;

void Gather(Layer& layer) {
  if (!layer.NeedInputs(2, 2)) return;
  fbs::GatherT gather;
  gather.axis = layer.Axis(layer.proto().gather().axis(), layer.Raw(0));
  layer.SetOut(0, layer.EmitTemp(gather, {layer.Raw(0), layer.Index(1)}));
}

void GatherAlongAxis(Layer& layer) {
  if (!layer.NeedInputs(2, 2)) return;
  fbs::GatherT gather;
  gather.kind = fbs::GatherKind::elements;
  gather.axis =
      layer.Axis(layer.proto().gatheralongaxis().axis(), layer.Raw(0));
  layer.SetOut(0, layer.EmitTemp(gather, {layer.Raw(0), layer.Index(1)}));
}

void GatherNd(Layer& layer) {
  if (!layer.NeedInputs(2, 2)) return;
  fbs::GatherT gather;
  gather.kind = fbs::GatherKind::nd;
  layer.SetOut(0, layer.EmitTemp(gather, {layer.Raw(0), layer.Index(1)}));
}

// What the mode does to the container's elements: sums take the negated
// updates for a difference, products their inverses for a quotient.
struct Mode {
  SR reduction;
  fbs::ActivationKind prepare = fbs::ActivationKind::identity;
};

Mode ModeOf(Layer& layer, int64_t mode) {
  constexpr Mode kModes[] = {{SR::none},
                             {SR::add},
                             {SR::add, fbs::ActivationKind::neg},
                             {SR::mul},
                             {SR::mul, fbs::ActivationKind::inverse},
                             {SR::max},
                             {SR::min}};
  if (mode >= 0 && mode < 7) return kModes[mode];
  layer.Refuse("in mode " + std::to_string(mode));
  return kModes[0];
}

void EmitScatter(Layer& layer, fbs::ScatterT scatter, const Mode& mode,
                 int32_t indices, int32_t updates) {
  scatter.reduction = mode.reduction;
  if (mode.prepare != fbs::ActivationKind::identity)
    updates = layer.Apply(mode.prepare, updates);
  layer.SetOut(0, layer.EmitTemp(scatter, {layer.In(0), indices, updates}));
}

void ScatterAlongAxis(Layer& layer) {
  const AxisLayer& source = layer.proto().scatteralongaxis();
  if (!layer.NeedInputs(3, 3)) return;
  fbs::ScatterT scatter;
  scatter.axis = layer.Axis(source.axis(), layer.Raw(0));
  EmitScatter(layer, scatter, ModeOf(layer, source.option()), layer.Index(1),
              layer.In(2));
}

void ScatterNd(Layer& layer) {
  if (!layer.NeedInputs(3, 3)) return;
  fbs::ScatterT scatter;
  scatter.kind = fbs::ScatterKind::nd;
  EmitScatter(layer, scatter, ModeOf(layer, layer.proto().scatternd().mode()),
              layer.Index(1), layer.In(2));
}

// Slices along an axis: the axis moves to the front, where a scatter of points
// with one index does it, and back.
void Scatter(Layer& layer) {
  const AxisLayer& source = layer.proto().scatter();
  if (!layer.NeedInputs(3, 3)) return;
  const int32_t x = layer.In(0), indices = layer.Index(1);
  const int32_t axis = layer.Axis(source.axis(), x);
  const auto rank = static_cast<int32_t>(layer.RankOf(x));
  const auto index_rank = static_cast<int32_t>(layer.RankOf(indices));
  if (!layer.status().ok()) return;
  const Mode mode = ModeOf(layer, source.option());
  int32_t updates = layer.In(2);
  if (mode.prepare != fbs::ActivationKind::identity)
    updates = layer.Apply(mode.prepare, updates);
  std::vector<int32_t> front = {axis}, back, updates_front;
  for (int32_t i = 0; i < rank; ++i) {
    if (i != axis) front.push_back(i);
    back.push_back(i < axis ? i + 1 : i == axis ? 0 : i);
  }
  // Updates are [before, index axes.., behind].
  for (int32_t i = 0; i < index_rank; ++i) updates_front.push_back(axis + i);
  for (int32_t i = 0; i < rank + index_rank - 1; ++i) {
    if (i < axis || i >= axis + index_rank) updates_front.push_back(i);
  }
  fbs::ScatterT scatter;
  scatter.kind = fbs::ScatterKind::nd;
  scatter.reduction = mode.reduction;
  const int32_t y =
      layer.EmitTemp(scatter, {layer.Transpose(x, front),
                               layer.Unsqueeze(indices, {index_rank}),
                               layer.Transpose(updates, updates_front)});
  layer.SetOut(0, layer.Transpose(y, back));
}

constexpr LayerRow kRows[] = {
    {Case::kGather, "gather", Gather},
    {Case::kGatherAlongAxis, "gatherAlongAxis", GatherAlongAxis},
    {Case::kGatherND, "gatherND", GatherNd},
    {Case::kScatter, "scatter", Scatter},
    {Case::kScatterAlongAxis, "scatterAlongAxis", ScatterAlongAxis},
    {Case::kScatterND, "scatterND", ScatterNd},
};

}  // namespace

std::span<const LayerRow> IndexLayers() { return kRows; }

}  // namespace aneref::coreml
