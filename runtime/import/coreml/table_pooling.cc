// Pooling in two and three dimensions, windows and whole maps.
#include "runtime/import/coreml/table.h"

namespace aneref::coreml {
namespace {

using Case = NeuralNetworkLayer;

constexpr int32_t kMaxPool = 0, kAveragePool = 1, kL2Pool = 2;

fbs::PoolKind KindOf(Layer& layer, int32_t type) {
  switch (type) {
    case kMaxPool:
      return fbs::PoolKind::max;
    case kAveragePool:
      return fbs::PoolKind::average;
    case kL2Pool:
      return fbs::PoolKind::lp;
    default:
      layer.Refuse("with pooling type " + std::to_string(type));
      return fbs::PoolKind::max;
  }
}

void Emit(Layer& layer, fbs::PoolT pool, size_t tail) {
  const int32_t x = layer.In(0);
  const int32_t y = layer.EmitTemp(std::move(pool), {layer.ToBatch(x, tail)});
  layer.SetOutFromBatch(y, x, tail);
}

template <class List>
std::vector<int32_t> PairOf(Layer& layer, const List& list, int32_t otherwise,
                            const char* what) {
  std::vector<int32_t> sizes;
  for (uint64_t value : list) sizes.push_back(layer.Small(value, what));
  if (sizes.empty()) sizes = {otherwise, otherwise};
  if (sizes.size() != 2)
    layer.Fail(InvalidFile("", std::string(what) + " has " +
                                   std::to_string(sizes.size()) +
                                   " entries, needs 2"));
  return sizes;
}

std::vector<int32_t> BorderPads(Layer& layer, const BorderAmounts& amounts) {
  if (amounts.borderamounts_size() != 2) return {0, 0, 0, 0};
  return layer.EdgePads(amounts);
}

void Pooling(Layer& layer) {
  const PoolingLayer& source = layer.proto().pooling();
  fbs::PoolT pool;
  pool.kind = KindOf(layer, source.type());
  if (source.globalpooling()) return Emit(layer, std::move(pool), 3);
  pool.kernel = PairOf(layer, source.kernelsize(), 3, "kernel size");
  pool.strides = PairOf(layer, source.stride(), 1, "stride");
  pool.count_include_pad = !source.avgpoolexcludepadding();
  if (source.has_same()) {
    pool.pad_mode = source.same().asymmetrymode() == 0
                        ? fbs::PadMode::same_upper
                        : fbs::PadMode::same_lower;
  } else if (source.has_includelastpixel()) {
    const std::vector<int32_t> pads =
        PairOf(layer, source.includelastpixel().paddingamounts(), 0, "padding");
    pool.pads = {pads.front(), pads.back(), pads.front(), pads.back()};
    pool.ceil_mode = true;
  } else {
    pool.pads = BorderPads(layer, source.valid().paddingamounts());
  }
  Emit(layer, std::move(pool), 3);
}

void Pooling3d(Layer& layer) {
  const Pooling3dLayer& source = layer.proto().pooling3d();
  constexpr int32_t kCustom = 0, kSame = 2;
  const auto or_one = [](int32_t value) { return value == 0 ? 1 : value; };
  fbs::PoolT pool;
  pool.kind = KindOf(layer, source.type());
  pool.kernel = {source.kerneldepth(), source.kernelheight(),
                 source.kernelwidth()};
  pool.strides = {or_one(source.stridedepth()), or_one(source.strideheight()),
                  or_one(source.stridewidth())};
  pool.count_include_pad = !source.countexcludepadding();
  if (source.paddingtype() == kSame) {
    pool.pad_mode = fbs::PadMode::same_upper;
  } else if (source.paddingtype() == kCustom) {
    pool.pads = {source.custompaddingfront(),  source.custompaddingtop(),
                 source.custompaddingleft(),   source.custompaddingback(),
                 source.custompaddingbottom(), source.custompaddingright()};
  }
  Emit(layer, std::move(pool), 4);
}

void GlobalPooling3d(Layer& layer) {
  fbs::PoolT pool;
  pool.kind = KindOf(layer, layer.proto().globalpooling3d().mode());
  Emit(layer, std::move(pool), 4);
}

constexpr LayerRow kRows[] = {
    {Case::kPooling, "pooling", Pooling},
    {Case::kPooling3D, "pooling3d", Pooling3d},
    {Case::kGlobalPooling3D, "globalPooling3d", GlobalPooling3d},
};

}  // namespace

std::span<const LayerRow> PoolingLayers() { return kRows; }

}  // namespace aneref::coreml
