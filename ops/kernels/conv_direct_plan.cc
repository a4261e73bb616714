// Units and scratch of conv_direct. Depends on shapes and, for the width
// of vectors, on the processor; changes no bit of a result.
#include <algorithm>

#include "ops/kernels/conv.h"
#include "ops/kernels/conv_units.h"
#include "ops/kernels/host_processor.h"

namespace aneref {
namespace {

// Most channels that conv_direct pays for, floats of its lines (1 MiB), and
// fewest rows that may share the rows around them.
constexpr int64_t kMostDirectChannels = 16;
constexpr double kDirectFloats = 262144;
constexpr int64_t kLeastDirectRows = 4;
// The same with one tap on every pixel.
constexpr int64_t kMostRowChannels = 16;
// Longest sum, whose weights a unit keeps: 512 KiB of kDirectRows channels.
constexpr int64_t kMostDepth = 16384;

// Whole rows of all output channels, where the lines of all input channels
// under them fit; false where they do not, or where packing pays.
bool PlanUnits(ConvArgs* a) {
  const int64_t height = a->grid_height;
  // Rows that no tile leaves.
  const bool reads_rows = a->IsPlain() && a->grid_width >= kDirectPixels;
  const int64_t most = reads_rows            ? kMostRowChannels
                       : a->taps.size() >= 4 ? kMostDirectChannels
                                             : 0;
  if (a->out_channels > most || a->Depth() > kMostDepth ||
      height < 2 * kLeastDirectRows || a->out_step.row != 1 ||
      a->out_step.column != 1)
    return false;
  ConvUnit unit = {};
  const auto fits = [&](int64_t rows) {
    unit.pixel_end = rows * a->grid_width;
    const double floats = ConvLinesOf(*a, unit).NumFloats();
    return reads_rows ||
           floats * static_cast<double>(a->in_channels) <= kDirectFloats;
  };
  if (!fits(kLeastDirectRows)) return false;
  const double row_flops = 2.0 * static_cast<double>(a->grid_width) *
                           static_cast<double>(a->Depth()) *
                           static_cast<double>(a->out_channels);
  // Units share the rows between them, which each makes lines of. What reads
  // rows is bound by memory.
  int64_t rows =
      std::max(PartsPerUnit(reads_rows ? row_flops * 4 : row_flops / 4, height),
               kLeastDirectRows);
  while (!fits(rows)) rows = std::max(rows * 7 / 8, kLeastDirectRows);
  a->reads_rows = reads_rows;
  a->groups_per_unit = 1;
  a->channels_per_unit = a->out_channels;
  a->pixels_per_unit = Balance(height, rows) * a->grid_width;
  FollowTiles(a);
  return true;
}

}  // namespace

ConvDirectScratch ConvDirectScratchOf(const ConvArgs& a) {
  ConvDirectScratch scratch;
  scratch.depth = static_cast<size_t>(RoundUp(a.Depth(), 16));
  scratch.taps = (a.taps.size() + 15) / 16 * 16;
  // Tiles read whole vectors behind a line's last column. A tile reads a few
  // cache lines of every channel: channels lie 9 lines apart modulo the 64 sets
  // of an L1.
  constexpr int64_t kBehind = 128, kLine = 16, kSets = 64, kApart = 9;
  if (a.reads_rows) return scratch;
  const auto floats =
      static_cast<int64_t>(ConvLinesOf(a, LargestUnit(a)).NumFloats());
  const int64_t cache_lines = DivideUp(floats + kBehind, kLine);
  scratch.line_floats = static_cast<size_t>(
      kLine * (RoundUp(cache_lines - kApart, kSets) + kApart));
  return scratch;
}

bool PlanDirect(ConvArgs* args, ConvPlan* plan) {
  if (!PlanUnits(args)) return false;
  args->wide_vectors = ThisProcessor().wide_loads_pay;
  plan->kernel = &conv_direct_kernel;
  plan->scratch_bytes =
      static_cast<size_t>(ConvDirectScratchOf(*args).TotalBytes(*args));
  return true;
}

}  // namespace aneref
