// How one task's output is cut over the engine (E12-E14, E23, E24, L42): tiles
// of rows, patches of columns, passes over output channels, channels of a core.
// The executor cuts its own work units at the same borders. Every output
// element belongs to exactly one unit; reductions are never cut.
#ifndef ANEREF_RUNTIME_PLAN_WORK_GRID_H_
#define ANEREF_RUNTIME_PLAN_WORK_GRID_H_

#include <algorithm>
#include <cstdint>

namespace aneref {

struct WorkGrid {
  // The output as the engine sees it: [planes, channels, rows, columns];
  // planes are batches, and depth.
  int64_t planes = 1;
  int64_t channels = 1;
  int64_t rows = 1;
  int64_t columns = 1;

  int64_t tile_rows = 1;          // E24
  int64_t patch_columns = 1;      // E23
  int64_t channels_per_core = 1;  // E12: per pass
  int64_t cores = 1;              // E14

  int64_t Tiles() const { return Cut(rows, tile_rows); }
  int64_t Patches() const { return Cut(columns, patch_columns); }
  int64_t ChannelsPerPass() const { return channels_per_core * cores; }
  int64_t Passes() const { return Cut(channels, ChannelsPerPass()); }
  int64_t NumUnits() const {
    return planes * Tiles() * Patches() * Passes() * cores;
  }
  static int64_t Cut(int64_t extent, int64_t part) {
    return (extent + part - 1) / part;
  }
};

// Half-open ranges; channels are first_channel, first_channel + channel_step …
// (round robin over the cores, L42), num_channels of them, perhaps none.
struct WorkUnit {
  int64_t plane = 0;
  int64_t row_begin = 0, row_end = 0;
  int64_t column_begin = 0, column_end = 0;
  int64_t pass = 0;
  int64_t core = 0;
  int64_t first_channel = 0;
  int64_t channel_step = 1;
  int64_t num_channels = 0;
};

// Unit `index` of [0, NumUnits()): planes outermost, then passes, tiles,
// patches, cores.
inline WorkUnit WorkUnitOf(const WorkGrid& grid, int64_t index) {
  WorkUnit unit;
  unit.core = index % grid.cores;
  index /= grid.cores;
  const int64_t patch = index % grid.Patches();
  index /= grid.Patches();
  const int64_t tile = index % grid.Tiles();
  index /= grid.Tiles();
  unit.pass = index % grid.Passes();
  unit.plane = index / grid.Passes();
  unit.row_begin = tile * grid.tile_rows;
  unit.row_end = std::min(grid.rows, unit.row_begin + grid.tile_rows);
  unit.column_begin = patch * grid.patch_columns;
  unit.column_end =
      std::min(grid.columns, unit.column_begin + grid.patch_columns);
  unit.channel_step = grid.cores;
  unit.first_channel = unit.pass * grid.ChannelsPerPass() + unit.core;
  const int64_t end =
      std::min(grid.channels, (unit.pass + 1) * grid.ChannelsPerPass());
  if (unit.first_channel < end)
    unit.num_channels = WorkGrid::Cut(end - unit.first_channel, grid.cores);
  return unit;
}

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_WORK_GRID_H_
