// Blocking of the convolution kernels: which dimension lies in the lanes, what
// a work unit is, and the scratch it needs. Depends on shapes and, where two
// ways are equal, on the processor; changes no bit of a result.
#include <algorithm>
#include <utility>

#include "ops/kernels/conv.h"
#include "ops/kernels/conv_units.h"
#include "ops/kernels/host_processor.h"

namespace aneref {
namespace {

// A unit of about this many flops takes 20 to 40 microseconds: long against
// the cost of handing it to a thread, short enough to cut small layers in two.
constexpr double kUnitFlops = 2.5e6;
// Packed input of one unit: half of a 1 MiB L2.
constexpr int64_t kPanelBudget = int64_t{512} << 10;
// Floats of the lines of one depthwise unit, and the most that any unit gets.
constexpr double kLineBudget = 65536;
constexpr double kMaxLineFloats = 0x1p26;
// Lines of all channels that a unit may keep between blocks of k: 512 KiB.
constexpr double kKeptFloats = 131072;
// Units that a layer is cut into when it has too few pixels for threads.
constexpr int64_t kWantedUnits = 4;
// Floats of a tile of pixels with channels in the lanes: 384 KiB; 512 KiB where
// panels are widened, whose processors have the larger L2. More than
// kMostTileFloats under one row of output takes the other kernel.
constexpr double kTileFloats = 98304, kWideTileFloats = 131072;
constexpr double kMostTileFloats = 1 << 20;
// Planes of so many bytes together are not in a near cache.
constexpr double kFarBytes = 786432;
// Fewest grid rows of such a unit that is cut for threads, and fewest pixels
// with one tap.
constexpr int64_t kLeastRows = 4;
constexpr int64_t kLeastPixels = 24;

// Least and greatest offsets of all taps.
std::pair<PlaneStep, PlaneStep> TapBounds(const ConvArgs& a) {
  PlaneStep least = a.taps[0], most = a.taps[0];
  for (const PlaneStep& tap : a.taps) {
    least = {std::min(least.row, tap.row), std::min(least.column, tap.column)};
    most = {std::max(most.row, tap.row), std::max(most.column, tap.column)};
  }
  return {least, most};
}

// Units of about kUnitFlops that `flops` are.
int64_t PartsOf(double flops) {
  return std::max<int64_t>(
      1, static_cast<int64_t>(std::min(flops / kUnitFlops, 1e6)));
}
// Where there are several, two threads share an even number of them well.
int64_t EvenParts(int64_t parts) {
  return parts > 1 ? RoundUp(parts, 2) : parts;
}

}  // namespace

int64_t PartsPerUnit(double flops_per_part, int64_t parts) {
  const double wanted = kUnitFlops / std::max(flops_per_part, 1.0);
  return std::clamp<int64_t>(static_cast<int64_t>(std::min(wanted, 1e9)), 1,
                             std::max<int64_t>(parts, 1));
}
int64_t Balance(int64_t total, int64_t per_unit) {
  const int64_t units =
      EvenParts(std::max<int64_t>(1, DivideUp(total, per_unit)));
  return std::max<int64_t>(1, DivideUp(total, units));
}

void FollowTiles(ConvArgs* a) {
  const int64_t tile = a->tile_rows * a->grid_width;
  if (tile > 0 && a->pixels_per_unit > tile && a->pixels_per_unit < a->Pixels())
    a->pixels_per_unit = a->pixels_per_unit / tile * tile;
}

namespace {

// Makes `wanted` a number of whole `parts`, or one that divides a part evenly.
int64_t FollowCut(int64_t wanted, int64_t part) {
  if (part <= 0) return wanted;
  return wanted >= part ? wanted / part * part : Balance(part, wanted);
}

// Units of one tap then have as many pixels as leave four units, so that they
// read and write long pieces of each plane.
bool WantsLongRuns(const ConvArgs& a) {
  if (a.taps.size() != 1 || !ThisProcessor().far_planes_want_runs) return false;
  const double plane_bytes = static_cast<double>(a.grid_height) *
                             static_cast<double>(RoundUp(2 * a.grid_width, 64));
  const int64_t most_channels = std::max(a.in_channels, a.out_channels);
  return plane_bytes * static_cast<double>(most_channels) >= kFarBytes;
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
  // Two panels at least share the conversion of the weights. Units of several
  // taps share rows of their input, which each makes lines of: four times as
  // large.
  const int64_t least =
      WantsLongRuns(*a) ? std::max<int64_t>(2, DivideUp(panels, kWantedUnits))
                        : 2;
  const double share = a->taps.size() > 1 ? 4 : 1;
  const int64_t wanted =
      std::max<int64_t>(PartsPerUnit(panel_flops / share, panels), least);
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

// Units of `pixels` of the grid that begin anywhere in a row: the pixels of all
// rows that one may touch, or of a part of one.
int64_t PixelsTouched(const ConvArgs& a, int64_t pixels) {
  const int64_t width = a.grid_width;
  if (width % pixels == 0) return pixels;
  int64_t rows = (pixels + width - 2) / width + 1;
  if (pixels % width == 0) rows = pixels / width;
  rows = std::min(rows, a.grid_height);
  return rows == 1 ? std::min(width, pixels) : rows * width;
}

// The tile of a unit of `pixels`, channels in the lanes, fits its budget.
bool TileFits(const ConvArgs& a, int64_t pixels) {
  ConvUnit unit = {};
  unit.pixel_end = PixelsTouched(a, pixels);
  return ConvTileOf(a, unit).NumFloats() <=
         (PrefersWidePanels() ? kWideTileFloats : kTileFloats);
}

// Most blocks of channels: each makes the tile again, which costs as much as
// about ten channels of one tap, and less than widening panels for few pixels.
int64_t MostChannelBlocks(const ConvArgs& a) {
  const auto taps = static_cast<int64_t>(a.taps.size());
  const int64_t least = taps == 1 && PrefersWidePanels() ? 128 : 256;
  return std::max<int64_t>(1, a.out_channels * taps / least);
}

// Parts of the pixels under one tap, where `blocks` units are wanted. A part
// reads all weights again, a block of channels transposes all pixels again;
// measured, in multiply-adds: 3 for each weight, 10 for each pixel's channel;
// and a third of all where a part has too few pixels to share widened panels.
int64_t PixelParts(const ConvArgs& a, int64_t blocks) {
  const int64_t most = std::max<int64_t>(1, a.Pixels() / kLeastPixels);
  const auto pixels = static_cast<double>(a.Pixels());
  const auto channels = static_cast<double>(a.out_channels);
  BestCut best(1);
  for (int64_t parts = 1; parts <= std::min(blocks, most); parts *= 2) {
    const int64_t channel_blocks =
        std::min(DivideUp(blocks, parts), MostChannelBlocks(a));
    const bool is_narrow =
        PrefersWidePanels() && DivideUp(a.Pixels(), parts) < kFewestWideRows;
    const double cost = 3.0 * static_cast<double>(parts) * channels +
                        10.0 * static_cast<double>(channel_blocks) * pixels +
                        (is_narrow ? channels * pixels / 3.0 : 0.0);
    best.Offer(parts, parts * channel_blocks, cost);
  }
  return best.parts();
}

// Cuts the pixels for channels in the lanes into parts whose tiles fit, where
// `blocks` units are wanted; returns the number of parts.
int64_t CutPixels(int64_t blocks, ConvArgs* a) {
  const int64_t width = a->grid_width, height = a->grid_height;
  // One tap: units share no pixels, so they may begin anywhere.
  if (a->taps.size() == 1) {
    int64_t parts = PixelParts(*a, blocks);
    while (parts < height && !TileFits(*a, DivideUp(a->Pixels(), parts)))
      parts = EvenParts(parts + 1);
    a->pixels_per_unit = DivideUp(a->Pixels(), parts);
    if (TileFits(*a, a->pixels_per_unit)) return parts;
  }
  // Whole rows, an even number of parts where the height allows it.
  int64_t parts =
      std::min(blocks, std::max<int64_t>(1, height / kLeastRows)) / 2 * 2;
  parts = std::max<int64_t>(parts, 1);
  int64_t rows = DivideUp(height, parts);
  while (rows > 1 && !TileFits(*a, rows * width)) {
    parts = EvenParts(parts + 1);
    rows = DivideUp(height, parts);
  }
  a->pixels_per_unit = rows * width;
  if (rows > 1) return parts;
  // Parts of a row, equal ones where there is a row below it.
  const bool only_row = height == 1;
  parts = only_row ? std::min(blocks, std::max<int64_t>(1, width / 64)) : 1;
  const auto fits = [&] {
    return (only_row || width % parts == 0) &&
           TileFits(*a, DivideUp(width, parts));
  };
  while (parts < width && !fits()) ++parts;
  a->pixels_per_unit = DivideUp(width, parts);
  return height * parts;
}

// With channels in the lanes: blocks of pixels, and blocks of whole panels
// where these are too few.
void PlanChannelUnits(ConvArgs* a) {
  a->groups_per_unit = 1;
  a->channels_per_unit = a->out_channels;
  const double flops = 2.0 * static_cast<double>(a->Pixels()) *
                       static_cast<double>(a->Depth()) *
                       static_cast<double>(a->out_channels);
  int64_t blocks = 1;
  if (static_cast<double>(a->batch * a->groups) < kWantedUnits)
    blocks = std::min<int64_t>(kWantedUnits, EvenParts(PartsOf(flops)));
  const int64_t pixel_blocks = CutPixels(blocks, a);
  FollowTiles(a);
  const int64_t channel_blocks =
      std::min(DivideUp(blocks, pixel_blocks), MostChannelBlocks(*a));
  if (channel_blocks == 1) return;
  const int64_t granule = a->out_channels >= channel_blocks * 64 ? 64 : 16;
  const int64_t per_block =
      RoundUp(DivideUp(a->out_channels, channel_blocks), granule);
  const int64_t cut = FollowCut(per_block, a->pass_channels);
  if (cut % 16 == 0) a->channels_per_unit = cut;
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

}  // namespace

ConvUnit LargestUnit(const ConvArgs& a) {
  ConvUnit worst = ConvUnitOf(a, 0);
  worst.pixel_begin = 0;
  worst.pixel_end = PixelsTouched(a, a.pixels_per_unit);
  return worst;
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
  const auto [least, most] = TapBounds(a);
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

ConvTile ConvTileOf(const ConvArgs& a, const ConvUnit& u) {
  ConvTile tile;
  if (u.pixel_begin >= u.pixel_end || a.taps.empty()) return tile;
  tile.grid_row = u.pixel_begin / a.grid_width;
  const int64_t rows = (u.pixel_end - 1) / a.grid_width + 1 - tile.grid_row;
  int64_t columns = a.grid_width;
  if (rows == 1) {
    tile.grid_column = u.pixel_begin % a.grid_width;
    columns = u.pixel_end - u.pixel_begin;
  }
  const auto [least, most] = TapBounds(a);
  tile.tap_row = least.row;
  tile.tap_column = least.column;
  // Taps that are whole steps apart read only pixels that are.
  tile.row_step = a.in_step.row;
  tile.column_step = a.in_step.column;
  for (const PlaneStep& tap : a.taps) {
    if ((tap.row - least.row) % a.in_step.row != 0) tile.row_step = 1;
    if ((tap.column - least.column) % a.in_step.column != 0)
      tile.column_step = 1;
  }
  const auto extent = [](int64_t count, int64_t in_step, int64_t step,
                         int64_t span) {
    return (count - 1) * (in_step / step) + span / step + 1;
  };
  tile.num_rows =
      extent(rows, a.in_step.row, tile.row_step, most.row - least.row);
  tile.num_columns = extent(columns, a.in_step.column, tile.column_step,
                            most.column - least.column);
  // Rows that are a multiple of 1 KiB apart would meet in the same L1 sets.
  tile.pixel_pitch = RoundUp(a.in_channels, 16);
  if (tile.pixel_pitch % 256 == 0) tile.pixel_pitch += 16;
  return tile;
}

ConvTileScratch ConvTileScratchOf(const ConvArgs& a, const ConvTile& tile) {
  ConvTileScratch scratch;
  scratch.tile = static_cast<size_t>(tile.NumFloats());
  scratch.taps = (a.taps.size() + 15) / 16 * 16;
  scratch.wide =
      static_cast<size_t>(std::min(a.Depth(), kWideDepth) * kPanelWidth);
  if (a.Depth() > kWideDepth)
    scratch.sums = static_cast<size_t>(a.pixels_per_unit * kSumsStride);
  return scratch;
}

void SetConvLanes(DataType type, ConvArgs* args) {
  ConvArgs& a = *args;
  a.channels_in_lanes = false;
  if (type != DataType::kFloat16 || a.out_step.column != 1 || a.taps.empty())
    return;
  if (a.in_step.row > kMaxConvStep || a.in_step.column > kMaxConvStep) return;
  ConvUnit row = {};
  row.pixel_end = a.grid_height == 1 ? 1 : a.grid_width;
  if (a.Pixels() == 0 || ConvTileOf(a, row).NumFloats() > kMostTileFloats)
    return;
  // Measured: with one tap the transposes pay where few pixels would leave
  // lanes empty or many channels share them; several taps share them always.
  const int64_t pixels = a.Pixels();
  const int64_t least = a.taps.size() > 1 ? 16
                        : pixels <= 16    ? 8
                        : pixels <= 256   ? 32
                        : pixels <= 784   ? 64
                                          : INT64_MAX;
  a.channels_in_lanes = std::min(a.in_channels, a.out_channels) >= least;
}

ConvGemmScratch ConvGemmScratchOf(const ConvArgs& a, size_t line_floats) {
  ConvGemmScratch scratch;
  scratch.num_panels = DivideUp(a.pixels_per_unit, kPanelWidth);
  // A panel row is written in whole vectors: up to 16 floats too many.
  scratch.panels =
      static_cast<size_t>(scratch.num_panels) * PanelBytes(a.Depth()) + 64;
  // 64 bytes more than the pixels, so that rows use different L1 sets.
  scratch.stride = scratch.num_panels * kPanelWidth + 32;
  const auto row_bytes = static_cast<size_t>(scratch.stride) * sizeof(float);
  if (a.Depth() > kBlockDepth)
    scratch.sums = static_cast<size_t>(a.channels_per_unit) * row_bytes;
  scratch.strip =
      static_cast<size_t>(kMaxTileRows * kGemmStripStride) * sizeof(float);
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
  if (a.channels_in_lanes) {
    PlanChannelUnits(args);
    a.widens_panels =
        a.pixels_per_unit >= kFewestWideRows && PrefersWidePanels();
    // Tiles read it in whole vectors.
    if (!a.bias.empty())
      a.bias.resize(
          static_cast<size_t>(a.groups * a.out_channels + kPanelWidth));
    const ConvTile tile = ConvTileOf(a, LargestUnit(a));
    return {&conv_channels_kernel, ConvTileScratchOf(a, tile).TotalBytes()};
  }
  if (depthwise) {
    PlanDepthwiseUnits(args);
  } else if (ConvPlan direct; PlanDirect(args, &direct)) {
    return direct;
  } else {
    PlanGemmUnits(args);
  }
  const ConvUnit worst = LargestUnit(a);
  const double floats = ConvLinesOf(a, worst).NumFloats();
  if (floats > kMaxLineFloats) return {};
  const auto line_floats = static_cast<size_t>(floats);
  a.keeps_lines = a.Depth() > kBlockDepth && a.taps.size() > 1 &&
                  floats * static_cast<double>(a.in_channels) <= kKeptFloats;
  if (depthwise) {
    return {&conv_depthwise_kernel,
            (line_floats + 2 * (a.taps.size() + 32) + 16) * sizeof(float)};
  }
  return {&conv_gemm_kernel, ConvGemmScratchOf(a, line_floats).Total()};
}

}  // namespace aneref
