// See plan_pictures.h.
#include "runtime/explain/plan_pictures.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "runtime/explain/roofline.h"
#include "runtime/explain/svg.h"

namespace aneref {
namespace {

using svg::ByteText;
using svg::kHeight;
using svg::kLeft;
using svg::kPlotHeight;
using svg::kPlotWidth;
using svg::kRight;
using svg::kTop;
using svg::kWidth;
using svg::Svg;

// Distinct hues for neighbours: steps of the golden angle.
std::string Hue(int32_t index) {
  const int hue = static_cast<int>(std::fmod(index * 137.508, 360.0));
  return "hsl(" + std::to_string(hue) + ",55%,58%)";
}

// Boxes over (task, byte), with axes.
struct MemoryAxes {
  double tasks = 1;
  double bytes = 1;
  double X(double task) const { return kLeft + task / tasks * kPlotWidth; }
  double Y(double byte) const {
    return kTop + kPlotHeight - byte / bytes * kPlotHeight;
  }
  void Draw(Svg* svg) const {
    svg->Line(kLeft, kTop, kLeft, kTop + kPlotHeight);
    svg->Line(kLeft, kTop + kPlotHeight, kWidth - kRight, kTop + kPlotHeight);
    for (int i = 0; i <= 4; ++i) {
      const double part = i / 4.0;
      svg->Text(kLeft - 6, Y(part * bytes) + 4, ByteText(part * bytes), "end");
      svg->Text(X(part * tasks), kHeight - 18,
                std::to_string(static_cast<int64_t>(part * tasks)), "middle");
    }
    svg->Text(kLeft + kPlotWidth / 2, kHeight - 3, "task", "middle");
  }
};

MemoryAxes AxesOf(const Plan& plan, double bytes) {
  return {std::max(1.0, static_cast<double>(plan.tasks.size())),
          std::max(1.0, bytes)};
}

// Tasks [first, last] during which a tensor's memory is its own.
std::pair<int32_t, int32_t> AliveIn(const Plan& plan,
                                    const PlanTensor& tensor) {
  const auto end = static_cast<int32_t>(plan.tasks.size());
  const int32_t first = std::max(tensor.producer, 0);
  int32_t last = tensor.consumers.empty() ? first : tensor.consumers.back();
  if (tensor.is_input || tensor.is_output) last = end - 1;
  return {tensor.is_input ? 0 : first, std::max(first, last)};
}

}  // namespace

std::string ArenaPicture(const Plan& plan) {
  Svg svg("Arena over the run: " +
          ByteText(static_cast<double>(plan.arena.arena_bytes)) +
          ", lower bound " +
          ByteText(static_cast<double>(plan.arena.lower_bound)) + ", tensors " +
          ByteText(static_cast<double>(plan.arena.sum_of_tensors)));
  const MemoryAxes axes =
      AxesOf(plan, static_cast<double>(plan.arena.arena_bytes));
  for (const PlanTensor& tensor : plan.tensors) {
    if (!tensor.used || tensor.place.sharing == Sharing::kView) continue;
    const auto [first, last] = AliveIn(plan, tensor);
    const auto begin = static_cast<double>(tensor.place.offset);
    const auto bytes = static_cast<double>(tensor.bytes);
    svg.Box(axes.X(first), axes.Y(begin + bytes),
            axes.X(last + 1) - axes.X(first),
            axes.Y(begin) - axes.Y(begin + bytes), Hue(tensor.place.storage),
            tensor.name + " " + tensor.type.ToString() + ", " +
                ByteText(bytes) + " at " + std::to_string(tensor.place.offset) +
                ", " + SharingName(tensor.place.sharing) + ", tasks " +
                std::to_string(first) + " to " + std::to_string(last));
  }
  axes.Draw(&svg);
  return svg.Finish();
}

std::string ChipMemoryPicture(const Plan& plan) {
  const auto pool = static_cast<double>(plan.model.working_set_bytes);
  Svg svg("On-chip memory of " + plan.chip + " over the tasks (" +
          ByteText(pool) + ", " + std::to_string(plan.partitions.size()) +
          " partitions)");
  const MemoryAxes axes = AxesOf(plan, pool);
  for (size_t i = 0; i < plan.tensors.size(); ++i) {
    const PlanTensor& tensor = plan.tensors[i];
    if (!tensor.used || tensor.chip_address < 0) continue;
    const auto [first, last] = AliveIn(plan, tensor);
    const auto begin = static_cast<double>(tensor.chip_address);
    const auto bytes = static_cast<double>(tensor.chip_bytes);
    svg.Box(axes.X(first), axes.Y(begin + bytes),
            axes.X(last + 1) - axes.X(first),
            axes.Y(begin) - axes.Y(begin + bytes), Hue(static_cast<int32_t>(i)),
            tensor.name + " " + tensor.type.ToString() + ", " +
                engine::AllocationStateName(tensor.state) + ", row stride " +
                std::to_string(tensor.chip_row_stride));
  }
  for (const PlanPartition& partition : plan.partitions) {
    svg.Line(axes.X(partition.first), kTop, axes.X(partition.first),
             kTop + kPlotHeight,
             "stroke=\"#808a96\" stroke-dasharray=\"2 3\" "
             "stroke-opacity=\"0.6\"");
  }
  axes.Draw(&svg);
  return svg.Finish();
}

std::string RooflinePicture(const Plan& plan, const Chip& chip) {
  const std::optional<engine::Roofline> published = engine::ReadRoofline(chip);
  engine::Roofline roof{plan.anchors.peak_flops, plan.anchors.bandwidth};
  if (published.has_value()) roof = *published;
  RooflineChart chart;
  chart.title = "Roofline of " + plan.chip + ": " +
                svg::Number(roof.peak_flops / 1e12) + " TFLOP/s, " +
                svg::Number(roof.bandwidth / 1e9) + " GB/s" +
                (published.has_value() ? " (published sustained peaks)"
                                       : " (anchors of C4)");
  chart.roof = {roof.peak_flops, roof.bandwidth};
  for (size_t t = 0; t < plan.tasks.size(); ++t) {
    const PlanTask& task = plan.tasks[t];
    if (!task.on_engine || task.flops <= 0 || task.predicted_us <= 0) continue;
    chart.points.push_back(
        {task.flops, task.dram_bytes, task.predicted_us * 1e-6,
         task.bound == engine::Bound::kCompute,
         std::to_string(t) + " " + task.op + " " + task.name + ": " +
             svg::Number(task.flops / 1e6) + " MFLOP, " +
             svg::ByteText(task.dram_bytes) + ", " +
             svg::Number(task.predicted_us) + " us, " +
             engine::BoundName(task.bound)});
  }
  return DrawRoofline(chart);
}

std::string TilePicture(const Plan& plan, int32_t index) {
  const PlanTask& task = plan.tasks[static_cast<size_t>(index)];
  const WorkGrid& grid = task.grid;
  Svg svg("Task " + std::to_string(index) + " " + task.op + " " + task.name +
          ": " + std::to_string(grid.NumUnits()) + " work units");
  // Left: one plane of the output. Right: channels by pass and core.
  const double side = kPlotHeight;
  const double scale = side / static_cast<double>(std::max<int64_t>(
                                  1, std::max(grid.rows, grid.columns)));
  for (int64_t tile = 0; tile < std::min<int64_t>(grid.Tiles(), 256); ++tile) {
    for (int64_t patch = 0; patch < grid.Patches(); ++patch) {
      const int64_t row = tile * grid.tile_rows;
      const int64_t column = patch * grid.patch_columns;
      const int64_t rows = std::min(grid.tile_rows, grid.rows - row);
      const int64_t columns =
          std::min(grid.patch_columns, grid.columns - column);
      svg.Box(kLeft + static_cast<double>(column) * scale,
              kTop + static_cast<double>(row) * scale,
              static_cast<double>(columns) * scale,
              static_cast<double>(rows) * scale,
              Hue(static_cast<int32_t>(tile * grid.Patches() + patch)),
              "tile " + std::to_string(tile) + ", rows " + std::to_string(row) +
                  " to " + std::to_string(row + rows - 1) + ", columns " +
                  std::to_string(column) + " to " +
                  std::to_string(column + columns - 1));
    }
  }
  const double left = kLeft + side + 60;
  const int64_t passes = std::min<int64_t>(grid.Passes(), 64);
  const double cell_width =
      (kWidth - kRight - left) /
      static_cast<double>(std::max<int64_t>(1, grid.cores));
  const double cell_height = side / static_cast<double>(passes);
  for (int64_t pass = 0; pass < passes; ++pass) {
    for (int64_t core = 0; core < grid.cores; ++core) {
      const int64_t first = pass * grid.ChannelsPerPass() + core;
      if (first >= grid.channels) continue;
      const int64_t end =
          std::min(grid.channels, (pass + 1) * grid.ChannelsPerPass());
      std::string channels;
      for (int64_t c = first; c < end && channels.size() < 120; c += grid.cores)
        channels += (channels.empty() ? "" : ", ") + std::to_string(c);
      svg.Box(left + static_cast<double>(core) * cell_width,
              kTop + static_cast<double>(pass) * cell_height, cell_width - 1,
              cell_height - 1, Hue(static_cast<int32_t>(core)),
              "pass " + std::to_string(pass) + ", core " +
                  std::to_string(core) + ": channels " + channels);
    }
  }
  svg.Text(kLeft, kHeight - 14,
           std::to_string(grid.rows) + " x " + std::to_string(grid.columns) +
               " in tiles of " + std::to_string(grid.tile_rows) +
               " rows, patches of " + std::to_string(grid.patch_columns));
  svg.Text(left, kHeight - 14,
           std::to_string(grid.channels) +
               " channels: " + std::to_string(grid.Passes()) + " passes x " +
               std::to_string(grid.cores) + " cores x " +
               std::to_string(grid.channels_per_core));
  return svg.Finish();
}

}  // namespace aneref
