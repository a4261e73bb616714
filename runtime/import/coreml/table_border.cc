// Padding and cropping.
#include <algorithm>

#include "runtime/import/coreml/table.h"

namespace aneref::coreml {
namespace {

using EK = fbs::ElementwiseKind;
using Case = NeuralNetworkLayer;

struct Borders {
  int32_t top = 0, bottom = 0, left = 0, right = 0;
};

Borders ReadBorders(Layer& layer, const BorderAmounts& amounts) {
  Borders borders;
  if (amounts.borderamounts_size() == 0) return borders;
  if (amounts.borderamounts_size() != 2) {
    layer.Fail(InvalidFile(
        "", "has amounts for " + std::to_string(amounts.borderamounts_size()) +
                " axes, needs 2"));
    return borders;
  }
  const EdgeSizes& h = amounts.borderamounts(0);
  const EdgeSizes& w = amounts.borderamounts(1);
  borders.top = layer.Small(h.startedgesize(), "amount");
  borders.bottom = layer.Small(h.endedgesize(), "amount");
  borders.left = layer.Small(w.startedgesize(), "amount");
  borders.right = layer.Small(w.endedgesize(), "amount");
  return borders;
}

void Padding(Layer& layer) {
  const PaddingLayer& source = layer.proto().padding();
  const Borders borders = ReadBorders(layer, source.paddingamounts());
  const int32_t x = layer.In(0);
  fbs::PadT pad;
  pad.axes = {layer.Axis(-2, x), layer.Axis(-1, x)};
  pad.pads = {borders.top, borders.left, borders.bottom, borders.right};
  if (source.has_reflection()) {
    pad.fill = fbs::PadFill::reflect;
  } else if (source.has_replication()) {
    pad.fill = fbs::PadFill::edge;
  } else {
    pad.value = source.constant().alpha();
  }
  layer.SetOut(0, layer.EmitTemp(std::move(pad), {x}));
}

// Amounts before and after each axis; in the other mode a number that is not 0
// is the wanted size, and the deficit goes to its side.
void ConstantPad(Layer& layer) {
  const ConstantPadLayer& source = layer.proto().constantpad();
  if (!layer.NeedInputs(1, 2)) return;
  const int32_t x = layer.In(0);
  const size_t rank = layer.RankOf(x);
  std::vector<int64_t> amounts;
  for (uint64_t amount : source.padamounts())
    amounts.push_back(layer.Small(amount, "amount"));
  if (layer.HasIn(1)) {
    const auto known = layer.KnownInts(layer.Index(1));
    if (!known.has_value())
      return layer.Refuse("with amounts that are computed");
    amounts = *known;
  }
  if (amounts.size() != 2 * rank)
    return layer.Fail(InvalidFile("", "has " + std::to_string(amounts.size()) +
                                          " amounts, needs " +
                                          std::to_string(2 * rank)));
  fbs::PadT pad;
  pad.value = source.value();
  pad.pads.resize(2 * rank);
  for (size_t axis = 0; axis < rank; ++axis) {
    for (size_t side = 0; side < 2; ++side) {
      int64_t amount = amounts[2 * axis + side];
      if (source.padtogivenoutputsizemode() && amount != 0) {
        const int64_t extent = layer.Extent(x, static_cast<int64_t>(axis));
        if (extent < 0) return layer.Refuse("to a size, of an open extent");
        amount = std::max<int64_t>(amount - extent, 0);
      }
      pad.pads[side * rank + axis] = amount;
    }
  }
  layer.SetOut(0, layer.EmitTemp(std::move(pad), {x}));
}

// The extents of a second blob, from an offset.
void CropLike(Layer& layer, const CropLayer& source) {
  std::vector<int64_t> offset;
  for (uint64_t value : source.offset())
    offset.push_back(layer.Small(value, "offset"));
  if (offset.empty()) offset = {0, 0};
  if (offset.size() != 2)
    return layer.Fail(InvalidFile("", "needs an offset of two numbers"));
  const int32_t x = layer.In(0);
  const int32_t starts = layer.ConstantInts(offset);
  const int32_t sizes = layer.Extents(layer.Raw(1), -2);
  const int32_t ends = layer.Apply(EK::add, starts, sizes);
  fbs::SliceT slice;
  const int32_t axes =
      layer.ConstantInts({layer.Axis(-2, x), layer.Axis(-1, x)});
  layer.SetOut(0, layer.EmitTemp(std::move(slice), {x, starts, ends, axes}));
}

void Crop(Layer& layer) {
  const CropLayer& source = layer.proto().crop();
  if (!layer.NeedInputs(1, 2)) return;
  if (layer.HasIn(1)) return CropLike(layer, source);
  const Borders borders = ReadBorders(layer, source.cropamounts());
  const int32_t x = layer.In(0);
  fbs::PadT pad;  // negative amounts crop
  pad.axes = {layer.Axis(-2, x), layer.Axis(-1, x)};
  pad.pads = {-borders.top, -borders.left, -borders.bottom, -borders.right};
  layer.SetOut(0, layer.EmitTemp(std::move(pad), {x}));
}

constexpr LayerRow kRows[] = {
    {Case::kPadding, "padding", Padding},
    {Case::kConstantPad, "constantPad", ConstantPad},
    {Case::kCrop, "crop", Crop},
};

}  // namespace

std::span<const LayerRow> BorderLayers() { return kRows; }

}  // namespace aneref::coreml
