// Units, blocking and the scalar twin of the convolution kernels. The vector
// twins are conv_gemm.cc and conv_depthwise.cc.
#include "ops/kernels/conv.h"

#include <algorithm>
#include <utility>

namespace aneref {
namespace {

// A unit of about this many flops takes 50 to 100 microseconds: long against
// the cost of scheduling it, short enough to keep several threads busy.
constexpr double kUnitFlops = 6e6;
// Packed input of one unit: half of a 1 MiB L2.
constexpr int64_t kPanelBudget = int64_t{512} << 10;
// Floats of the lines of one depthwise unit, and the most that any unit gets.
constexpr double kLineBudget = 65536;
constexpr double kMaxLineFloats = 0x1p26;
// Lines of all channels that a unit may keep between blocks of k: 512 KiB.
constexpr double kKeptFloats = 131072;
// Units that a layer is cut into when it has too few pixels for threads.
constexpr int64_t kWantedUnits = 4;

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

// How many of `parts` make a unit of about kUnitFlops.
int64_t PartsPerUnit(double flops_per_part, int64_t parts) {
  const double wanted = kUnitFlops / std::max(flops_per_part, 1.0);
  return std::clamp<int64_t>(static_cast<int64_t>(std::min(wanted, 1e9)), 1,
                             std::max<int64_t>(parts, 1));
}
// The part that gives equal units and no more of them.
int64_t Balance(int64_t total, int64_t per_unit) {
  return std::max<int64_t>(
      1, DivideUp(total, std::max<int64_t>(1, DivideUp(total, per_unit))));
}

// Makes `wanted` a number of whole `parts`, or one that divides a part evenly.
int64_t FollowCut(int64_t wanted, int64_t part) {
  if (part <= 0) return wanted;
  return wanted >= part ? wanted / part * part : Balance(part, wanted);
}

// Units of rows that follow the plan's tiles: a unit that is longer than a tile
// takes whole ones.
void FollowTiles(ConvArgs* a) {
  const int64_t tile = a->tile_rows * a->grid_width;
  if (tile > 0 && a->pixels_per_unit > tile && a->pixels_per_unit < a->Pixels())
    a->pixels_per_unit = a->pixels_per_unit / tile * tile;
}

void PlanGemmUnits(ConvArgs* a) {
  const int64_t panels =
      std::max<int64_t>(1, DivideUp(a->Pixels(), kPanelWidth));
  const double panel_flops = 2.0 * static_cast<double>(kPanelWidth) *
                             static_cast<double>(a->Depth()) *
                             static_cast<double>(a->out_channels);
  const int64_t fitting = std::max<int64_t>(
      1, kPanelBudget /
             static_cast<int64_t>(std::max<size_t>(PanelBytes(a->Depth()), 1)));
  // Two panels at least share the conversion of the weights.
  const int64_t wanted =
      std::max<int64_t>(PartsPerUnit(panel_flops, panels), 2);
  const int64_t per_unit =
      Balance(panels, std::min({wanted, fitting, panels, int64_t{32}}));
  a->pixels_per_unit = per_unit * kPanelWidth;
  FollowTiles(a);
  a->groups_per_unit = 1;

  const int64_t units = a->batch * a->groups * DivideUp(panels, per_unit);
  const double unit_flops = panel_flops * static_cast<double>(per_unit);
  int64_t blocks = 1;
  if (units < kWantedUnits && unit_flops > 2 * kUnitFlops) {
    blocks = std::min({DivideUp(kWantedUnits, std::max<int64_t>(units, 1)),
                       static_cast<int64_t>(unit_flops / kUnitFlops),
                       std::max<int64_t>(1, a->out_channels / 64)});
  }
  // Partial sums of one unit stay in the cache.
  blocks = std::max(blocks, DivideUp(a->out_channels, 1024));
  a->channels_per_unit = Balance(
      a->out_channels, DivideUp(a->out_channels, std::max<int64_t>(blocks, 1)));
  if (a->channels_per_unit < a->out_channels) {
    a->channels_per_unit = FollowCut(a->channels_per_unit, a->pass_channels);
  }
}

void PlanDepthwiseUnits(ConvArgs* a) {
  a->channels_per_unit = std::max<int64_t>(1, a->out_channels);
  // Whole planes, or bands of eight rows and more when lines get long.
  a->groups_per_unit = 1;
  a->pixels_per_unit = std::max<int64_t>(1, a->Pixels());
  const ConvLines all = ConvLinesOf(*a, ConvUnitOf(*a, 0));
  const double wanted = std::min(all.NumFloats() / kLineBudget, 1e9);
  const int64_t bands =
      std::clamp<int64_t>(static_cast<int64_t>(wanted), 1,
                          std::max<int64_t>(1, a->grid_height / 8));
  const int64_t rows =
      DivideUp(DivideUp(std::max<int64_t>(1, a->grid_height), bands), 8) * 8;
  a->pixels_per_unit = std::max<int64_t>(1, rows * a->grid_width);
  FollowTiles(a);
  if (a->pixels_per_unit < a->Pixels()) return;
  // A depthwise flop takes about three times as long as one of a GEMM.
  const double plane_flops = 6.0 * static_cast<double>(a->Pixels()) *
                             static_cast<double>(a->Depth()) *
                             static_cast<double>(a->out_channels);
  a->groups_per_unit = Balance(a->groups, PartsPerUnit(plane_flops, a->groups));
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
        StoreElement(sum,
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

ConvLines ConvLinesOf(const ConvArgs& a, const ConvUnit& u) {
  ConvLines lines;
  if (u.pixel_begin >= u.pixel_end) return lines;
  lines.grid_row = u.pixel_begin / a.grid_width;
  lines.num_grid_rows = (u.pixel_end - 1) / a.grid_width + 1 - lines.grid_row;
  lines.num_grid_columns = a.grid_width;
  if (lines.num_grid_rows == 1) {
    lines.grid_column = u.pixel_begin % a.grid_width;
    lines.num_grid_columns = u.pixel_end - u.pixel_begin;
  }
  if (a.taps.empty()) return lines;
  PlaneStep least = a.taps[0], most = a.taps[0];
  for (const PlaneStep& tap : a.taps) {
    least = {std::min(least.row, tap.row), std::min(least.column, tap.column)};
    most = {std::max(most.row, tap.row), std::max(most.column, tap.column)};
  }
  lines.tap_row = least.row;
  lines.tap_column = least.column;
  lines.one_row_in_step = most.row == least.row;
  lines.num_rows =
      (lines.num_grid_rows - 1) * a.in_step.row + most.row - least.row + 1;
  lines.phase_pitch =
      DivideUp(lines.num_grid_columns +
                   (most.column - least.column) / a.in_step.column,
               16) *
      16;
  lines.row_pitch = lines.phase_pitch * a.in_step.column;
  return lines;
}

ConvGemmScratch ConvGemmScratchOf(const ConvArgs& a, size_t line_floats) {
  ConvGemmScratch scratch;
  scratch.num_panels = DivideUp(a.pixels_per_unit, kPanelWidth);
  scratch.panels =
      static_cast<size_t>(scratch.num_panels) * PanelBytes(a.Depth());
  // 64 bytes more than the pixels, so that rows use different L1 sets.
  scratch.sums_stride = scratch.num_panels * kPanelWidth + 16;
  const int64_t rows =
      a.Depth() > kBlockDepth ? a.channels_per_unit : kMaxTileRows;
  scratch.sums =
      static_cast<size_t>(rows * scratch.sums_stride) * sizeof(float);
  scratch.line_floats = (line_floats + 15) / 16 * 16;
  scratch.offsets = (a.taps.size() + 15) / 16 * 64;
  scratch.lines = scratch.line_floats * sizeof(float) *
                  (a.keeps_lines ? static_cast<size_t>(a.in_channels) : 1);
  return scratch;
}

ConvPlan PlanConv(ConvArgs* args) {
  ConvArgs& a = *args;
  if (a.in_step.row > kMaxConvStep || a.in_step.column > kMaxConvStep)
    return {};
  const bool depthwise = a.in_channels == 1 && a.out_channels <= 4 &&
                         a.out_step.column == 1 && a.Depth() <= kBlockDepth;
  if (depthwise) {
    PlanDepthwiseUnits(args);
  } else {
    PlanGemmUnits(args);
  }
  // The longest lines are those of a unit that begins anywhere in a row.
  ConvUnit worst = ConvUnitOf(a, 0);
  const int64_t rows = std::min(
      a.grid_height, (a.pixels_per_unit + a.grid_width - 2) / a.grid_width + 1);
  worst.pixel_begin = 0;
  worst.pixel_end = rows * a.grid_width;
  if (rows == 1) worst.pixel_end = std::min(a.grid_width, a.pixels_per_unit);
  const double floats = ConvLinesOf(a, worst).NumFloats();
  if (floats > kMaxLineFloats) return {};
  const auto line_floats = static_cast<size_t>(floats);
  a.keeps_lines = a.Depth() > kBlockDepth && a.taps.size() > 1 &&
                  floats * static_cast<double>(a.in_channels) <= kKeptFloats;
  if (depthwise) {
    return {&conv_depthwise_kernel,
            (line_floats + 2 * a.taps.size() + 16) * sizeof(float)};
  }
  return {&conv_gemm_kernel, ConvGemmScratchOf(a, line_floats).Total()};
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
