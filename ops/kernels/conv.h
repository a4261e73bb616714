// Convolution kernels: what a task is told. A convolution is a list of taps
// over a grid of output pixels; dense, grouped, depthwise and (phase by phase)
// transposed convolutions are all of this form. Rules P2, P3, P4, P12.
#ifndef ANEREF_OPS_KERNELS_CONV_H_
#define ANEREF_OPS_KERNELS_CONV_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/kernels/epilogue.h"
#include "ops/kernels/gemm.h"
#include "ops/kernels/kernel.h"

namespace aneref {

struct PlaneStep {
  int64_t row = 0;
  int64_t column = 0;
};

// Output pixel (y, x) of the grid is element out_begin + (y, x) * out_step of
// its plane, and sums over taps t and input channels c (in this order)
//   weight[t][c] * input[c][(y, x) * in_step + taps[t]],
// skipping elements outside the input. 1-D tensors have height 1.
// Operands: in[0] x [batch, groups * in_channels, (in_height,) in_width],
// out[0] [batch, groups * out_channels, (height,) width], one element type.
struct ConvArgs {
  int64_t batch = 0;
  int64_t groups = 1;
  int64_t in_channels = 0;   // per group
  int64_t out_channels = 0;  // per group
  int64_t in_height = 1;
  int64_t in_width = 1;
  int64_t out_height = 1;  // of the output's plane, not of the grid
  int64_t grid_height = 1;
  int64_t grid_width = 1;
  PlaneStep in_step = {1, 1};
  PlaneStep out_step = {1, 1};
  PlaneStep out_begin = {0, 0};
  std::vector<PlaneStep> taps;

  // Which dimension of the output lies in the lanes (SetConvLanes).
  bool channels_in_lanes = false;

  // Element type of the tensors; k: taps outer, input channels inner. With
  // pixels in the lanes blocks of kBlockDepth k, each
  // [groups * out_channels][stride]: a unit reads a block's rows one behind the
  // other. With channels in the lanes panels [k][64 channels] of each group,
  // zeros behind its last channel.
  AlignedBytes weights;
  std::vector<float> bias;  // [groups * out_channels], or empty
  Epilogue epilogue;        // of fp16 results

  // Work units: blocks of groups, of output channels within a group (only when
  // a unit has one group) and of grid pixels in row-major order.
  // A unit lies inside one tile of the plan, or is made of whole tiles.
  int64_t groups_per_unit = 1;
  int64_t channels_per_unit = 0;
  int64_t pixels_per_unit = 0;
  int64_t tile_rows = 0;      // grid rows of the plan's tile; 0: no tiles
  int64_t pass_channels = 0;  // output channels of the plan's pass; 0: any
  // conv_direct: one tap on every pixel needs no lines.
  bool reads_rows = false;
  // conv_direct: vectors of sixteen lanes where there are such.
  bool wide_vectors = false;
  // Channels in the lanes: a unit widens a block of a panel once for all its
  // pixels.
  bool widens_panels = false;
  // The lines of all input channels stay from one block of k to the next.
  bool keeps_lines = false;

  int64_t Depth() const {
    return static_cast<int64_t>(taps.size()) * in_channels;
  }
  int64_t Pixels() const { return grid_height * grid_width; }
  // One tap on every pixel, no step and no padding: outputs lie as their
  // inputs.
  bool IsPlain() const {
    return taps.size() == 1 && in_step.column == 1 && in_step.row == 1 &&
           taps[0].row == 0 && taps[0].column == 0 && grid_width <= in_width &&
           grid_height <= in_height;
  }
  // Of the whole convolution; a multiply-add counts twice.
  double Flops() const {
    return 2.0 * static_cast<double>(batch * groups) *
           static_cast<double>(out_channels * Pixels()) *
           static_cast<double>(Depth());
  }
  int64_t PanelsPerGroup() const { return DivideUp(out_channels, kPanelWidth); }
  // The weight of k for a channel of all groups; its block's row goes on there.
  int64_t WeightIndex(int64_t channel, int64_t k) const {
    if (channels_in_lanes) {
      const int64_t m = channel % out_channels;
      const int64_t panel =
          channel / out_channels * PanelsPerGroup() + m / kPanelWidth;
      return (panel * Depth() + k) * kPanelWidth + m % kPanelWidth;
    }
    const int64_t begin = k / kBlockDepth * kBlockDepth;
    const int64_t left = Depth() - begin;
    const int64_t stride =
        left < kBlockDepth ? DivideUp(left, 32) * 32 : kBlockDepth;
    return groups * out_channels * begin + channel * stride + k - begin;
  }
  // Elements of `weights`; rows begin at a cache line in either type.
  int64_t NumWeights() const {
    if (channels_in_lanes)
      return groups * PanelsPerGroup() * Depth() * kPanelWidth;
    return groups * out_channels * DivideUp(Depth(), 32) * 32;
  }
  int64_t NumUnits() const;
};

// One work unit: half-open ranges.
struct ConvUnit {
  int64_t image;
  int64_t group_begin, group_end;
  int64_t channel_begin, channel_end;  // within each group
  int64_t pixel_begin, pixel_end;
};
ConvUnit ConvUnitOf(const ConvArgs& args, int64_t unit);

// One input channel as the vector kernels see it: the rows under a unit's
// pixels as zero-padded fp32 lines, columns split by their phase modulo the
// stride, so that each tap reads consecutive elements.
struct ConvLines {
  int64_t grid_row = 0, num_grid_rows = 0;  // of the unit
  int64_t grid_column = 0, num_grid_columns = 0;
  int64_t tap_row = 0, tap_column = 0;  // least offsets of all taps
  int64_t num_rows = 0;
  bool one_row_in_step = false;  // all taps in one row: the others stay unset
  int64_t phase_pitch = 0;       // floats; a row has in_step.column phases
  int64_t row_pitch = 0;

  // Where grid pixel (grid_row, grid_column) reads its element under `tap`.
  int64_t TapOffset(const ConvArgs& args, const PlaneStep& tap) const {
    const int64_t column = tap.column - tap_column;
    return (tap.row - tap_row) * row_pitch +
           column % args.in_step.column * phase_pitch +
           column / args.in_step.column;
  }
  // Floats of the tile and of the line that is split, with room for whole
  // vectors behind each.
  double NumFloats() const {
    return static_cast<double>(num_rows + 2) * static_cast<double>(row_pitch) +
           64;
  }
};
ConvLines ConvLinesOf(const ConvArgs& args, const ConvUnit& unit);

// Steps over more columns than this have no kernel.
inline constexpr int64_t kMaxConvStep = 4096;

// Sets args->channels_in_lanes: before the weights are packed. `type` is that
// of the tensors. Depends on shapes only, and changes no bit of a result.
void SetConvLanes(DataType type, ConvArgs* args);

// Chooses a kernel, sets the blocking and the scratch a unit needs; depends on
// shapes only, but for widens_panels, wide_vectors and the units of one tap,
// which follow the processor. No kernel (null) when a unit's lines would be
// absurdly long: only hostile dilations and pads are.
struct ConvPlan {
  const Kernel* kernel = nullptr;
  size_t scratch_bytes = 0;
};
ConvPlan PlanConv(ConvArgs* args);

// The twin of both kernels.
Status ConvScalar(const KernelCall& call, int64_t unit);

// Panels of a GEMM unit that are computed before their results go to the
// planes, so that what is between stays in L1; a line more from row to row, for
// other L1 sets.
inline constexpr int64_t kGemmStripPanels = 4;
inline constexpr int64_t kGemmStripStride = kGemmStripPanels * kPanelWidth + 32;

// Parts of a GEMM unit's scratch, each a multiple of 64 bytes.
struct ConvGemmScratch {
  size_t panels = 0;       // after a tile of A
  size_t sums = 0;         // partial ones
  size_t strip = 0;        // results of some panels
  size_t lines = 0;        // of all kept channels
  size_t line_floats = 0;  // of one channel
  size_t offsets = 0;      // int32_t for each tap
  int64_t num_panels = 0;
  int64_t stride = 0;  // elements from row to row of sums

  size_t Total() const {
    return kTileBytes + panels + sums + strip + lines + offsets;
  }
};
ConvGemmScratch ConvGemmScratchOf(const ConvArgs& args, size_t line_floats);

// Most output channels that conv_direct computes together.
inline constexpr int64_t kDirectRows = 8;

// Most pixels of one of its tiles.
inline constexpr int64_t kDirectPixels = 32;

// Parts of its scratch, behind each other: weights of kDirectRows channels, the
// lines of all input channels, the offsets of taps (int32_t), a strip of
// results. In elements; each a multiple of 64 bytes.
struct ConvDirectScratch {
  size_t depth = 0;        // from channel to channel of the weights
  size_t line_floats = 0;  // of one input channel
  size_t taps = 0;

  double TotalBytes(const ConvArgs& args) const {
    return 4.0 * (static_cast<double>(kDirectRows) *
                      static_cast<double>(
                          depth + static_cast<size_t>(kGemmStripStride)) +
                  static_cast<double>(line_floats) *
                      static_cast<double>(args.in_channels) +
                  static_cast<double>(taps));
  }
};
ConvDirectScratch ConvDirectScratchOf(const ConvArgs& args);

// The fp32 tile of a unit with channels in the lanes: the input pixels under
// its output as rows [pixel][channel], zero-padded.
struct ConvTile {
  int64_t grid_row = 0, grid_column = 0;  // the first output of the tile
  int64_t num_rows = 0, num_columns = 0;  // of pixels
  int64_t row_step = 1, column_step = 1;  // from pixel to pixel, in the input
  int64_t tap_row = 0, tap_column = 0;    // least offsets of all taps
  int64_t pixel_pitch = 0;                // floats

  double NumFloats() const {
    return static_cast<double>(num_rows) * static_cast<double>(num_columns) *
           static_cast<double>(pixel_pitch);
  }
  // Where grid pixel (grid_row, grid_column) reads its element under `tap`.
  int64_t TapOffset(const PlaneStep& tap) const {
    return ((tap.row - tap_row) / row_step * num_columns +
            (tap.column - tap_column) / column_step) *
           pixel_pitch;
  }
};
ConvTile ConvTileOf(const ConvArgs& args, const ConvUnit& unit);

// Output pixels that are computed before they are stored, and the halves from
// one to the next: 64 channels, and a line, so that rows use different L1 sets.
inline constexpr int64_t kStripPixels = 64;
inline constexpr int64_t kStripStride = kPanelWidth + 16;

// Floats from pixel to pixel of partial sums.
inline constexpr int64_t kSumsStride = kPanelWidth + 16;

// Parts of its scratch, behind each other: a strip of halves, the offsets of
// taps (int32_t), the tile, a block of a widened panel and the partial sums of
// all pixels.
struct ConvTileScratch {
  size_t strip = static_cast<size_t>(kStripPixels * kStripStride);
  size_t taps = 0;
  size_t tile = 0;  // floats
  size_t wide = 0;
  size_t sums = 0;

  size_t TotalBytes() const {
    return strip * sizeof(uint16_t) + taps * sizeof(int32_t) +
           (tile + wide + sums) * sizeof(float);
  }
};
ConvTileScratch ConvTileScratchOf(const ConvArgs& args, const ConvTile& tile);

extern const Kernel conv_gemm_kernel;
extern const Kernel conv_channels_kernel;   // channels_in_lanes
extern const Kernel conv_direct_kernel;     // few outputs, whole rows
extern const Kernel conv_depthwise_kernel;  // in_channels is 1

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_CONV_H_
