// Units and the scalar twin of the convolution kernels. Their blocking is
// conv_plan.cc, the vector twins are conv_gemm.cc, conv_channels.cc and
// conv_depthwise.cc. Rules P2, P3, P4.
#include "ops/kernels/conv.h"

#include <algorithm>
#include <utility>

namespace aneref {
namespace {

int64_t NumChannelBlocks(const ConvArgs& a) {
  return DivideUp(a.out_channels, a.channels_per_unit);
}
// Pixels that units may not straddle: of one tile, or of all.
int64_t TilePixels(const ConvArgs& a) {
  const int64_t pixels = std::max<int64_t>(1, a.Pixels());
  if (a.tile_rows == 0 || a.pixels_per_unit >= pixels) return pixels;
  // FollowTiles: a unit is a part of a tile, or whole ones.
  return std::max(a.tile_rows * a.grid_width, a.pixels_per_unit);
}
int64_t NumPixelBlocks(const ConvArgs& a) {
  const int64_t tile = TilePixels(a), whole = a.Pixels() / tile;
  return whole * DivideUp(tile, a.pixels_per_unit) +
         DivideUp(a.Pixels() % tile, a.pixels_per_unit);
}
// First pixel of a block, and one past its last.
std::pair<int64_t, int64_t> PixelBlock(const ConvArgs& a, int64_t block) {
  const int64_t tile = TilePixels(a);
  const int64_t per_tile = DivideUp(tile, a.pixels_per_unit);
  const int64_t first = block / per_tile * tile;
  const int64_t begin = first + block % per_tile * a.pixels_per_unit;
  const int64_t end = std::min(
      {begin + a.pixels_per_unit, first + tile, std::max(begin, a.Pixels())});
  return {begin, end};
}
int64_t NumGroupBlocks(const ConvArgs& a) {
  return DivideUp(a.groups, a.groups_per_unit);
}

// The formula of ConvArgs, element by element.
template <class T>
float ScalarPixel(const ConvArgs& a, const TensorView& x, int64_t channel,
                  int64_t first_plane, const PlaneStep& at) {
  float sum = 0.0f;
  int64_t k = 0;
  for (const PlaneStep& tap : a.taps) {
    const int64_t row = at.row * a.in_step.row + tap.row;
    const int64_t column = at.column * a.in_step.column + tap.column;
    const bool inside =
        row >= 0 && row < a.in_height && column >= 0 && column < a.in_width;
    for (int64_t c = 0; c < a.in_channels; ++c, ++k) {
      if (!inside) continue;
      const T* line = x.Row<T>((first_plane + c) * a.in_height + row);
      const T* weight = a.weights.as<T>() + a.WeightIndex(channel, k);
      const float product = LoadElement(weight) * LoadElement(line + column);
      sum += product;
    }
  }
  return sum;
}

template <class T>
void ScalarUnit(const ConvArgs& a, const KernelCall& call, const ConvUnit& u) {
  const TensorView& x = call.in[0];
  const TensorView& out = call.out[0];
  for (int64_t g = u.group_begin; g < u.group_end; ++g) {
    const int64_t in_plane = (u.image * a.groups + g) * a.in_channels;
    for (int64_t m = u.channel_begin; m < u.channel_end; ++m) {
      const int64_t channel = g * a.out_channels + m;
      const int64_t out_plane = u.image * a.groups * a.out_channels + channel;
      for (int64_t p = u.pixel_begin; p < u.pixel_end; ++p) {
        const int64_t y = p / a.grid_width, column = p % a.grid_width;
        float sum = ScalarPixel<T>(a, x, channel, in_plane, {y, column});
        if (!a.bias.empty()) sum += a.bias[static_cast<size_t>(channel)];
        T* line = out.Row<T>(out_plane * a.out_height + a.out_begin.row +
                             y * a.out_step.row);
        StoreResult(sum, a.epilogue, call,
                    line + a.out_begin.column + column * a.out_step.column);
      }
    }
  }
}

}  // namespace

int64_t ConvArgs::NumUnits() const {
  if (out_channels == 0 || groups == 0 || Pixels() == 0) return 0;
  return batch * NumGroupBlocks(*this) * NumChannelBlocks(*this) *
         NumPixelBlocks(*this);
}

// Channel blocks change fastest: neighbours in time share the input in L3.
ConvUnit ConvUnitOf(const ConvArgs& a, int64_t unit) {
  const int64_t channel = unit % NumChannelBlocks(a) * a.channels_per_unit;
  unit /= NumChannelBlocks(a);
  const auto [pixel_begin, pixel_end] = PixelBlock(a, unit % NumPixelBlocks(a));
  unit /= NumPixelBlocks(a);
  const int64_t group = unit % NumGroupBlocks(a) * a.groups_per_unit;
  ConvUnit u;
  u.image = unit / NumGroupBlocks(a);
  u.group_begin = group;
  u.group_end = std::min(group + a.groups_per_unit, a.groups);
  u.channel_begin = channel;
  u.channel_end = std::min(channel + a.channels_per_unit, a.out_channels);
  u.pixel_begin = pixel_begin;
  u.pixel_end = pixel_end;
  return u;
}

Status ConvScalar(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const ConvArgs*>(call.args);
  const ConvUnit u = ConvUnitOf(args, unit);
  if (call.out[0].dtype == DataType::kFloat16) {
    ScalarUnit<uint16_t>(args, call, u);
  } else {
    ScalarUnit<float>(args, call, u);
  }
  return Status();
}

}  // namespace aneref
