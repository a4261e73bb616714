// A unit is one image, one group and a block of output pixels: their operands
// are decoded once into a panel [depth][pixels], and all output channels of the
// group run over it. The twins differ in decoding and in the tiles.
#include "ops/kernels/device_conv.h"

#include <algorithm>
#include <cstring>

#include "ops/kernels/mac_device.h"

namespace aneref {
namespace {

constexpr int64_t kPanelBytes = 768 * 1024;
constexpr int64_t kMostPixels = 1024;
constexpr int64_t kLeastPixels = 32;

struct Scratch {
  float* panel = nullptr;
  float* line = nullptr;    // one decoded input row
  uint16_t* out = nullptr;  // [out_channels][stride]
  float* mac = nullptr;
  int64_t stride = 0;  // of the panel and of out
};

struct Unit {
  int64_t image, group, begin, end;  // pixels of the grid
};

Scratch CutScratch(const DeviceConvArgs& args, std::byte* bytes) {
  Scratch s;
  s.stride = RoundUp(args.pixels_per_unit, kMacColumnGranule);
  s.panel = reinterpret_cast<float*>(bytes);
  s.line = s.panel + args.conv.Depth() * s.stride;
  s.mac = s.line + RoundUp(args.conv.in_width, 16);
  const size_t mac_floats =
      MacScratchFloats(static_cast<size_t>(args.conv.Depth()),
                       static_cast<size_t>(args.pixels_per_unit));
  s.out = reinterpret_cast<uint16_t*>(
      s.mac + RoundUp(static_cast<int64_t>(mac_floats), 16));
  return s;
}

// Grid columns [x, x_end) of one grid row under one tap: to[0 …].
template <bool kSimd>
void PackSegment(const DeviceConvArgs& args, const uint16_t* row, int64_t tap,
                 int64_t x, int64_t x_end, float* line, float* to) {
  const ConvArgs& c = args.conv;
  const int64_t step = c.in_step.column;
  // Columns whose element exists: 0 <= x * step + tap < in_width.
  const int64_t first =
      std::clamp(tap >= 0 ? int64_t{0} : DivideUp(-tap, step), x, x_end);
  const int64_t last = std::clamp(
      c.in_width <= tap ? int64_t{0} : DivideUp(c.in_width - tap, step), first,
      x_end);
  std::fill(to, to + (first - x), 0.0f);
  float* at = to + (first - x);
  if (last > first && step == 1) {
    DecodeOperands<kSimd>(*args.profile, row + first + tap, last - first, at);
  } else if (last > first) {
    const int64_t begin = first * step + tap;
    DecodeOperands<kSimd>(*args.profile, row + begin,
                          (last - first - 1) * step + 1, line);
    for (int64_t i = 0; i < last - first; ++i) at[i] = line[i * step];
  }
  std::fill(to + (last - x), to + (x_end - x), 0.0f);
}

// The list element of one tap and input channel for all pixels of the unit.
template <bool kSimd>
void PackRow(const DeviceConvArgs& args, const TensorView& in, const Unit& unit,
             int64_t k, const Scratch& s) {
  const ConvArgs& c = args.conv;
  const PlaneStep& tap = c.taps[static_cast<size_t>(k / c.in_channels)];
  const int64_t plane =
      (unit.image * c.groups + unit.group) * c.in_channels + k % c.in_channels;
  float* to = s.panel + k * s.stride;
  for (int64_t pixel = unit.begin; pixel < unit.end;) {
    const int64_t y = pixel / c.grid_width, x = pixel % c.grid_width;
    const int64_t x_end = std::min(c.grid_width, x + unit.end - pixel);
    const int64_t in_y = y * c.in_step.row + tap.row;
    if (in_y < 0 || in_y >= c.in_height)
      std::fill(to, to + (x_end - x), 0.0f);
    else
      PackSegment<kSimd>(args, in.Row<uint16_t>(plane * c.in_height + in_y),
                         tap.column, x, x_end, s.line, to);
    to += x_end - x;
    pixel += x_end - x;
  }
  std::fill(to, s.panel + (k + 1) * s.stride, 0.0f);
}

// The block's results to where they belong.
void Scatter(const DeviceConvArgs& args, const TensorView& out,
             const Unit& unit, const Scratch& s) {
  const ConvArgs& c = args.conv;
  for (int64_t m = 0; m < c.out_channels; ++m) {
    const int64_t plane =
        (unit.image * c.groups + unit.group) * c.out_channels + m;
    const uint16_t* from = s.out + m * s.stride;
    for (int64_t pixel = unit.begin; pixel < unit.end;) {
      const int64_t y = pixel / c.grid_width, x = pixel % c.grid_width;
      const int64_t count = std::min(c.grid_width - x, unit.end - pixel);
      uint16_t* to = out.Row<uint16_t>(plane * c.out_height + c.out_begin.row +
                                       y * c.out_step.row) +
                     c.out_begin.column + x * c.out_step.column;
      if (c.out_step.column == 1)
        std::memcpy(to, from, static_cast<size_t>(count) * sizeof(uint16_t));
      else
        for (int64_t i = 0; i < count; ++i) to[i * c.out_step.column] = from[i];
      from += count;
      pixel += count;
    }
  }
}

template <bool kSimd>
Status Run(const KernelCall& call, int64_t index) {
  const auto& args = *static_cast<const DeviceConvArgs*>(call.args);
  const ConvArgs& c = args.conv;
  Unit unit;
  unit.begin = index % args.blocks_per_plane * args.pixels_per_unit;
  unit.end = std::min(unit.begin + args.pixels_per_unit, c.Pixels());
  unit.group = index / args.blocks_per_plane % c.groups;
  unit.image = index / args.blocks_per_plane / c.groups;
  const Scratch s = CutScratch(args, call.scratch);
  for (int64_t k = 0; k < c.Depth(); ++k)
    PackRow<kSimd>(args, call.in[0], unit, k, s);
  MacTile tile;
  tile.profile = args.profile;
  tile.x = args.weights.as<float>() + unit.group * c.out_channels * c.Depth();
  tile.x_stride = static_cast<size_t>(c.Depth());
  tile.w = s.panel;
  tile.w_stride = static_cast<size_t>(s.stride);
  tile.rows = static_cast<size_t>(c.out_channels);
  tile.depth = static_cast<size_t>(c.Depth());
  tile.columns = static_cast<size_t>(unit.end - unit.begin);
  if (!c.bias.empty()) tile.bias = c.bias.data() + unit.group * c.out_channels;
  tile.channels_are_rows = true;
  tile.single_tap = args.single_tap;
  tile.out = s.out;
  tile.out_stride = static_cast<size_t>(s.stride);
  tile.scratch = s.mac;
  if constexpr (kSimd)
    MacTileSimd(tile);
  else
    MacTileScalar(tile);
  Scatter(args, call.out[0], unit, s);
  return Status();
}

}  // namespace

void PlanDeviceConv(DeviceConvArgs* args) {
  const int64_t pixels = std::max<int64_t>(args->conv.Pixels(), 1);
  const int64_t depth = std::max<int64_t>(args->conv.Depth(), 1);
  const int64_t fitting =
      std::clamp(kPanelBytes / 4 / depth, kLeastPixels, kMostPixels);
  // Blocks of equal size, in whole vectors.
  const int64_t blocks = DivideUp(pixels, fitting);
  args->pixels_per_unit =
      std::min(RoundUp(DivideUp(pixels, blocks), kMacColumnGranule), pixels);
  args->blocks_per_plane = DivideUp(pixels, args->pixels_per_unit);
}

size_t DeviceConvScratchBytes(const DeviceConvArgs& args) {
  const int64_t stride = RoundUp(args.pixels_per_unit, kMacColumnGranule);
  const auto mac = static_cast<int64_t>(
      MacScratchFloats(static_cast<size_t>(args.conv.Depth()),
                       static_cast<size_t>(args.pixels_per_unit)));
  const int64_t floats = args.conv.Depth() * stride +
                         RoundUp(args.conv.in_width, 16) + RoundUp(mac, 16);
  return static_cast<size_t>(floats) * sizeof(float) +
         static_cast<size_t>(args.conv.out_channels * stride) *
             sizeof(uint16_t);
}

const Kernel device_conv_kernel = {"device_conv", Run<false>, Run<true>};

}  // namespace aneref
