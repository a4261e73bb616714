// The layers of [Seq, B, C, H, W] networks that move elements: flatten,
// reshape, permute, reorganise, split, concat, repeat, slice, constants.
#include <algorithm>
#include <climits>

#include "runtime/import/coreml/table.h"

namespace aneref::coreml {
namespace {

using Case = NeuralNetworkLayer;

constexpr int64_t kChannelLast = 1;

// Moves C behind H and W, or back.
int32_t ChannelLast(Layer& layer, int32_t x, bool back) {
  const auto rank = static_cast<int32_t>(layer.RankOf(x));
  if (rank < 3) {
    layer.Fail(ShapeError("needs channels, rows and columns"));
    return x;
  }
  std::vector<int32_t> perm;
  for (int32_t axis = 0; axis < rank; ++axis) perm.push_back(axis);
  std::rotate(perm.end() - 3, back ? perm.end() - 1 : perm.end() - 2,
              perm.end());
  return layer.Transpose(x, perm);
}

// The axes in front of [C,H,W] stay.
int32_t ReshapePlane(Layer& layer, int32_t x, const std::vector<int64_t>& to) {
  if (layer.RankOf(x) < 4) return layer.Reshape(x, to);
  return layer.ReshapeTo(x, {layer.Extents(x, 0, -3), layer.ConstantInts(to)});
}

void Flatten(Layer& layer) {
  int32_t x = layer.Raw(0);
  if (layer.proto().flatten().axis() == kChannelLast)
    x = ChannelLast(layer, x, false);
  if (!layer.status().ok()) return;
  layer.SetOut(0, ReshapePlane(layer, x, {-1, 1, 1}));
}

// Seq changes, B stays where the network has it.
int32_t ReshapeSequence(Layer& layer, int32_t x,
                        const std::vector<int64_t>& to) {
  if (layer.RankOf(x) < 5) return layer.Reshape(x, to);
  return layer.ReshapeTo(x,
                         {layer.ConstantInts({to[0]}), layer.Extents(x, 1, 2),
                          layer.ConstantInts({to[1], to[2], to[3]})});
}

void Reshape(Layer& layer) {
  const ReshapeLayer& source = layer.proto().reshape();
  std::vector<int64_t> target(source.targetshape().begin(),
                              source.targetshape().end());
  const size_t size = target.size();
  if (size != 3 && size != 4)
    return layer.Fail(InvalidFile("", "has a target shape of " +
                                          std::to_string(size) +
                                          " numbers, needs 3 or 4"));
  const bool last = source.mode() == kChannelLast;
  int32_t x = layer.Raw(0);
  if (last) {
    x = ChannelLast(layer, x, false);
    std::rotate(target.end() - 3, target.end() - 2, target.end());
  }
  if (!layer.status().ok()) return;
  int32_t y = size == 3 ? ReshapePlane(layer, x, target)
                        : ReshapeSequence(layer, x, target);
  if (last) y = ChannelLast(layer, y, true);
  layer.SetOut(0, y);
}

// Four entries over [Seq, C, H, W]; B stays.
void Permute(Layer& layer) {
  const auto& axes = layer.proto().permute().sizes();
  const int32_t x = layer.Raw(0);
  const size_t rank = layer.RankOf(x);
  if (axes.size() != 4) return layer.Fail(InvalidFile("", "needs four axes"));
  const bool has_batch = rank == 5;
  if (layer.status().ok() && rank != 4 && !has_batch)
    return layer.Refuse("of a blob of rank " + std::to_string(rank));
  std::vector<int32_t> perm;
  for (uint64_t axis : axes) {
    const int32_t from = layer.Small(axis, "axis");
    perm.push_back(has_batch && from > 0 ? from + 1 : from);
  }
  if (has_batch) perm.insert(perm.begin() + 1, 1);
  layer.SetOut(0, layer.Transpose(x, perm));
}

void Reorganize(Layer& layer) {
  const ReorganizeLayer& source = layer.proto().reorganizedata();
  constexpr int32_t kSpaceToDepth = 0, kPixelShuffle = 2;
  fbs::DepthSpaceT reorganize;
  reorganize.kind = source.mode() == kSpaceToDepth
                        ? fbs::DepthSpaceKind::space_to_depth
                        : fbs::DepthSpaceKind::depth_to_space;
  reorganize.column_row_depth = source.mode() == kPixelShuffle;
  reorganize.block = layer.Small(source.blocksize(), "block size");
  if (source.mode() < 0 || source.mode() > kPixelShuffle)
    return layer.Refuse("in mode " + std::to_string(source.mode()));
  const int32_t x = layer.In(0);
  const int32_t y = layer.EmitTemp(reorganize, {layer.ToBatch(x, 3)});
  layer.SetOutFromBatch(y, x, 3);
}

void Concat(Layer& layer) {
  const std::vector<int32_t> inputs = layer.AllIn();
  if (inputs.empty()) return;
  const bool sequence = layer.proto().concat().sequenceconcat();
  const auto rank = static_cast<int64_t>(layer.RankOf(inputs[0]));
  const int64_t sequence_axis =
      -3 - static_cast<int64_t>(layer.network().leading);
  const int64_t axis = sequence ? std::max(sequence_axis, -rank) : -3;
  layer.SetOut(0, layer.Concat(inputs, layer.Axis(axis, inputs[0])));
}

void Split(Layer& layer) {
  const int32_t x = layer.Raw(0);
  fbs::SplitT split;
  split.axis = layer.Axis(-3, x);
  const auto parts = static_cast<size_t>(layer.proto().split().count());
  if (parts != layer.num_outputs() || parts == 0)
    return layer.Fail(
        InvalidFile("", "has " + std::to_string(layer.num_outputs()) +
                            " outputs, says " + std::to_string(parts)));
  const int64_t extent = layer.Extent(x, -3);
  if (extent >= 0 && extent % static_cast<int64_t>(parts) != 0)
    return layer.Fail(ShapeError(std::to_string(extent) +
                                 " channels do not split in " +
                                 std::to_string(parts) + " equal parts"));
  std::vector<int32_t> outputs;
  for (size_t i = 0; i < parts; ++i) outputs.push_back(layer.NewTensor());
  layer.Emit(std::move(split), {x}, outputs);
  for (size_t i = 0; i < parts; ++i) layer.SetOut(i, outputs[i]);
}

// Along Seq.
void SequenceRepeat(Layer& layer) {
  const int32_t x = layer.Raw(0);
  const auto rank = static_cast<int64_t>(layer.RankOf(x));
  const int32_t times =
      layer.Small(layer.proto().sequencerepeat().count(), "repetitions");
  if (!layer.status().ok()) return;
  const auto leading = static_cast<int64_t>(layer.network().leading);
  fbs::TileT tile;
  tile.repeats.assign(static_cast<size_t>(rank), 1);
  tile.repeats[static_cast<size_t>(
      layer.Axis(std::max(-3 - leading, -rank), x))] = times;
  layer.SetOut(0, layer.EmitTemp(std::move(tile), {x}));
}

void OldSlice(Layer& layer) {
  const SliceLayer& source = layer.proto().slice();
  const int32_t x = layer.Raw(0);
  if (source.axis() < 0 || source.axis() > 2)
    return layer.Refuse("along axis " + std::to_string(source.axis()));
  const int64_t end = source.endindex() == 0 ? INT64_MAX : source.endindex();
  const int32_t step = std::max(layer.Small(source.stride(), "stride"), 1);
  layer.SetOut(0, layer.Slice(x, layer.Axis(source.axis() - 3, x),
                              source.startindex(), end, step));
}

// [C,H,W] behind as many ones as the network's blobs have in front.
void LoadConstant(Layer& layer) {
  const DataLayer& source = layer.proto().loadconstant();
  const Shape shape = layer.CheckedShape(source.shape());
  if (shape.rank() != 3)
    return layer.Fail(InvalidFile("", "needs a shape of three numbers"));
  const size_t leading = layer.network().rank5 ? layer.network().leading : 2;
  Shape full = shape;
  for (size_t i = 0; i < leading; ++i) full.Insert(0, 1);
  layer.SetOut(0, layer.Weights(source.data(), "data", full, leading));
}

constexpr LayerRow kRows[] = {
    {Case::kFlatten, "flatten", Flatten},
    {Case::kReshape, "reshape", Reshape},
    {Case::kPermute, "permute", Permute},
    {Case::kReorganizeData, "reorganizeData", Reorganize},
    {Case::kConcat, "concat", Concat},
    {Case::kSplit, "split", Split},
    {Case::kSequenceRepeat, "sequenceRepeat", SequenceRepeat},
    {Case::kSlice, "slice", OldSlice},
    {Case::kLoadConstant, "loadConstant", LoadConstant},
};

}  // namespace

std::span<const LayerRow> OldShapeLayers() { return kRows; }

}  // namespace aneref::coreml
