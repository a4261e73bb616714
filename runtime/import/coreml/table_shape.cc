// N-d layers that rearrange axes and shapes.
#include <algorithm>

#include "runtime/import/coreml/table.h"

namespace aneref::coreml {
namespace {

using Case = NeuralNetworkLayer;

template <class List>
std::vector<int32_t> Axes(Layer& layer, const List& list, int64_t rank) {
  std::vector<int32_t> axes;
  for (const auto value : list) {
    const auto axis = static_cast<int64_t>(value);
    if (axis < -rank || axis >= rank) {
      layer.Fail(ShapeError("axis " + std::to_string(axis) + " is outside of " +
                            std::to_string(rank) + " axes"));
      return {};
    }
    axes.push_back(static_cast<int32_t>(axis < 0 ? axis + rank : axis));
  }
  return axes;
}

void Transpose(Layer& layer) {
  const int32_t x = layer.Raw(0);
  const auto rank = static_cast<int64_t>(layer.RankOf(x));
  const auto axes = Axes(layer, layer.proto().transpose().sizes(), rank);
  if (layer.status().ok()) layer.SetOut(0, layer.Transpose(x, axes));
}

// A result without axes becomes [1].
void Squeeze(Layer& layer) {
  const AxesLayer& source = layer.proto().squeeze();
  const int32_t x = layer.Raw(0);
  const auto rank = static_cast<int64_t>(layer.RankOf(x));
  std::vector<int32_t> axes = Axes(layer, source.axes(), rank);
  if (source.all()) {
    axes.clear();
    for (int64_t axis = 0; axis < rank; ++axis) {
      const int64_t extent = layer.Extent(x, axis);
      if (extent < 0) return layer.Refuse("of all ones of an open shape");
      if (extent == 1) axes.push_back(static_cast<int32_t>(axis));
    }
  }
  if (!layer.status().ok()) return;
  if (static_cast<int64_t>(axes.size()) == rank)
    return layer.SetOut(0, layer.Reshape(x, {1}));
  if (axes.empty())
    return layer.SetOut(
        0, layer.EmitTemp(Unary(fbs::ActivationKind::identity), {x}));
  layer.SetOut(0, layer.Squeeze(x, axes));
}

void ExpandDims(Layer& layer) {
  const auto& list = layer.proto().expanddims().axes();
  const int32_t x = layer.Raw(0);
  const auto rank = static_cast<int64_t>(layer.RankOf(x)) + list.size();
  const std::vector<int32_t> axes = Axes(layer, list, rank);
  if (layer.status().ok()) layer.SetOut(0, layer.Unsqueeze(x, axes));
}

void FlattenTo2d(Layer& layer) {
  const int32_t x = layer.Raw(0);
  const auto rank = static_cast<int64_t>(layer.RankOf(x));
  const int64_t axis = layer.proto().flattento2d().axis();
  fbs::ReshapeT reshape;
  reshape.kind = fbs::ReshapeKind::flatten;
  reshape.axis =
      axis == rank ? static_cast<int32_t>(rank) : layer.Axis(axis, x);
  layer.SetOut(0, layer.EmitTemp(std::move(reshape), {x}));
}

void ReshapeStatic(Layer& layer) {
  const auto& shape = layer.proto().reshapestatic().axes();
  fbs::ReshapeT reshape;
  reshape.shape.assign(shape.begin(), shape.end());
  reshape.allow_zero = true;
  layer.SetOut(0, layer.EmitTemp(std::move(reshape), {layer.Raw(0)}));
}

void RankPreservingReshape(Layer& layer) {
  const auto& shape = layer.proto().rankpreservingreshape().axes();
  layer.SetOut(0, layer.Reshape(layer.Raw(0), {shape.begin(), shape.end()}));
}

void ReshapeDynamic(Layer& layer) {
  if (!layer.NeedInputs(2, 2)) return;
  layer.SetOut(0, layer.ReshapeTo(layer.Raw(0), {layer.Index(1)}));
}

void ReshapeLike(Layer& layer) {
  if (!layer.NeedInputs(2, 2)) return;
  layer.SetOut(0,
               layer.ReshapeTo(layer.Raw(0), {layer.Extents(layer.Raw(1), 0)}));
}

void GetShape(Layer& layer) { layer.SetOut(0, layer.Extents(layer.Raw(0), 0)); }

int32_t Expand(Layer& layer, int32_t x, int32_t shape) {
  fbs::TileT expand;
  expand.kind = fbs::TileKind::expand;
  return layer.EmitTemp(std::move(expand), {x, shape});
}

void BroadcastToLike(Layer& layer) {
  if (!layer.NeedInputs(2, 2)) return;
  layer.SetOut(0, Expand(layer, layer.Raw(0), layer.Extents(layer.Raw(1), 0)));
}
void BroadcastToStatic(Layer& layer) {
  const Shape shape =
      layer.CheckedShape(layer.proto().broadcasttostatic().sizes());
  layer.SetOut(
      0, Expand(layer, layer.Raw(0), layer.ConstantInts(shape.ToVector())));
}
void BroadcastToDynamic(Layer& layer) {
  if (!layer.NeedInputs(2, 2)) return;
  layer.SetOut(0, Expand(layer, layer.Raw(0), layer.Index(1)));
}

void Tile(Layer& layer) {
  const int32_t x = layer.Raw(0);
  fbs::TileT tile;
  if (layer.HasIn(1))
    return layer.SetOut(0,
                        layer.EmitTemp(std::move(tile), {x, layer.Index(1)}));
  for (uint64_t times : layer.proto().tile().sizes())
    tile.repeats.push_back(layer.Small(times, "repetitions"));
  if (tile.repeats.size() != layer.RankOf(x))
    return layer.Fail(InvalidFile("", "needs one number per axis"));
  layer.SetOut(0, layer.EmitTemp(std::move(tile), {x}));
}

void Stack(Layer& layer) {
  const std::vector<int32_t> inputs = layer.AllIn();
  if (inputs.empty()) return;
  const auto rank = static_cast<int64_t>(layer.RankOf(inputs[0])) + 1;
  int64_t axis = layer.proto().stack().axis();
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank)
    return layer.Fail(ShapeError("axis " + std::to_string(axis) +
                                 " is outside of the result"));
  const auto at = static_cast<int32_t>(axis);
  std::vector<int32_t> parts;
  for (int32_t input : inputs) parts.push_back(layer.Unsqueeze(input, {at}));
  layer.SetOut(0, layer.Concat(parts, at));
}

// Elements of the inputs take turns along the axis: stacked behind it, then
// merged with it.
int32_t Interleave(Layer& layer, const std::vector<int32_t>& inputs,
                   int32_t axis) {
  std::vector<int32_t> parts;
  for (int32_t input : inputs)
    parts.push_back(layer.Unsqueeze(input, {axis + 1}));
  const int32_t stacked = layer.Concat(parts, axis + 1);
  const auto rank = static_cast<int32_t>(layer.RankOf(inputs[0]));
  std::vector<int32_t> shape;
  if (axis > 0) shape.push_back(layer.Extents(inputs[0], 0, axis));
  shape.push_back(layer.ConstantInts({-1}));
  if (axis + 1 < rank) shape.push_back(layer.Extents(inputs[0], axis + 1));
  return layer.ReshapeTo(stacked, shape);
}

void ConcatNd(Layer& layer) {
  const AxisLayer& source = layer.proto().concatnd();
  const std::vector<int32_t> inputs = layer.AllIn();
  if (inputs.empty()) return;
  const int32_t axis = layer.Axis(source.axis(), inputs[0]);
  if (!layer.status().ok()) return;
  layer.SetOut(0, source.option() != 0 ? Interleave(layer, inputs, axis)
                                       : layer.Concat(inputs, axis));
}

void SplitNd(Layer& layer) {
  const SplitNdLayer& source = layer.proto().splitnd();
  const int32_t x = layer.Raw(0);
  fbs::SplitT split;
  split.axis = layer.Axis(source.axis(), x);
  for (uint64_t size : source.splitsizes())
    split.sizes.push_back(layer.Small(size, "size"));
  std::vector<int32_t> outputs;
  for (size_t i = 0; i < layer.num_outputs(); ++i)
    outputs.push_back(layer.NewTensor());
  layer.Emit(std::move(split), {x}, outputs);
  for (size_t i = 0; i < outputs.size(); ++i) layer.SetOut(i, outputs[i]);
}

constexpr LayerRow kRows[] = {
    {Case::kTranspose, "transpose", Transpose},
    {Case::kSqueeze, "squeeze", Squeeze},
    {Case::kExpandDims, "expandDims", ExpandDims},
    {Case::kFlattenTo2D, "flattenTo2D", FlattenTo2d},
    {Case::kReshapeStatic, "reshapeStatic", ReshapeStatic},
    {Case::kReshapeDynamic, "reshapeDynamic", ReshapeDynamic},
    {Case::kReshapeLike, "reshapeLike", ReshapeLike},
    {Case::kRankPreservingReshape, "rankPreservingReshape",
     RankPreservingReshape},
    {Case::kGetShape, "getShape", GetShape},
    {Case::kBroadcastToLike, "broadcastToLike", BroadcastToLike},
    {Case::kBroadcastToStatic, "broadcastToStatic", BroadcastToStatic},
    {Case::kBroadcastToDynamic, "broadcastToDynamic", BroadcastToDynamic},
    {Case::kTile, "tile", Tile},
    {Case::kStack, "stack", Stack},
    {Case::kConcatND, "concatND", ConcatNd},
    {Case::kSplitND, "splitND", SplitNd},
};

}  // namespace

std::span<const LayerRow> ShapeLayers() { return kRows; }

}  // namespace aneref::coreml
