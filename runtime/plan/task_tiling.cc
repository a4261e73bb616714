// See task_tiling.h.
#include "runtime/plan/task_tiling.h"

#include <algorithm>

#include "runtime/core/layout.h"
#include "runtime/plan/engine/kernel_memory.h"
#include "runtime/plan/engine/op_mapping.h"
#include "runtime/plan/engine/tiling.h"

namespace aneref {
namespace {

using engine::ConvGeometry;
using engine::EngineModel;

std::string FactorText(const engine::Factors& factors) {
  if (factors.rest > 1)
    return "1, subsampled by " + std::to_string(factors.rest);
  if (factors.second == 1) return "";
  return std::to_string(factors.first) + " * " + std::to_string(factors.second);
}

std::string DilationText(const EngineModel& model, const ConvGeometry& conv) {
  if (!conv.dilated()) return "";
  const int64_t dilation = std::max(conv.dilation.h, conv.dilation.w);
  const int64_t kernel = std::max(conv.kernel.h, conv.kernel.w);
  const engine::DilationPlan plan =
      engine::PlanDilation(model, kernel, dilation);
  switch (plan.kind) {
    case engine::DilationPlan::Kind::kNone:
      return "";
    case engine::DilationPlan::Kind::kSpaceToBatch:
      return "space to batch by " + std::to_string(dilation);
    case engine::DilationPlan::Kind::kExpandedKernel:
      return "kernel stored with zeros, extent " +
             std::to_string(plan.expanded_kernel);
  }
  return "";
}

// E12-E16, E25-E27, E30.
void SpreadConv(const EngineModel& model, const StoredWeights& weights,
                MacPlan* mac) {
  ConvGeometry& conv = *mac->conv;
  conv.sparse = weights.format == engine::WeightFormat::kSparse;
  mac->weight_format = weights.format;
  mac->streams_compressed =
      weights.format != engine::WeightFormat::kDense &&
      engine::WeightsStreamable(
          model, conv, {weights.format, weights.vector_palette, false, true}) &&
      engine::StreamsCompressed(model, weights.format);
  mac->winograd = engine::UsesWinograd(
      model, conv, {engine::OcgOfBook(model, conv), 0, true, false, false});
  mac->ocg = engine::OutputChannelGroup(model, conv, mac->winograd);
  mac->passes = engine::Passes(model, conv.cout, mac->ocg);
  mac->lanes_register = engine::ActiveLanesRegister(model, conv.cout);
  mac->cores = engine::WorkingLanes(model, conv.cout);
  mac->accumulator_demand = engine::AccumulatorDemand(model, conv, mac->ocg);
  mac->buffering = engine::AccumulatorBuffering(model, mac->accumulator_demand);
  mac->source_mode = engine::SourceModeOf(model, conv.in);
  const engine::WideKernel wide = engine::RewriteWideKernel(model, conv);
  mac->wide_kernel_width = wide.width;
  const engine::KernelSplit split =
      engine::SplitKernel(model, conv,
                          {mac->winograd, mac->ocg, mac->streams_compressed,
                           wide.width > 0 ? wide.bytes_per_channel : 0});
  mac->descriptor_channels = split.channels;
  mac->cin_parts = split.cin_parts;
  mac->weight_bytes_per_core = engine::KernelBytesPerCore(model, conv);
  mac->weight_passes = engine::WeightPasses(model, mac->weight_bytes_per_core);
  mac->stride_factors = FactorText(
      engine::FactorStride(model, std::max(conv.stride.h, conv.stride.w)));
  mac->dilation = DilationText(model, conv);
}

// The window of any task as the geometry that the tile rules read.
ConvGeometry RowGeometry(const EngineWork& work, const SurfaceExtents& in,
                         const SurfaceExtents& out) {
  if (work.conv.has_value()) return *work.conv;
  ConvGeometry window;
  window.cin = in.channels;
  window.cout = out.channels;
  window.kernel.h = work.rows.kernel;
  window.stride.h = work.rows.stride;
  window.dilation.h = work.rows.dilation;
  window.in.h = in.rows;
  window.out.h = out.rows;
  return window;
}

void CutGrid(const EngineModel& model, const TilingInput& input,
             PlanTask* task) {
  const SurfaceExtents out = ExtentsOf(input.output);
  const SurfaceExtents in =
      input.inputs.empty() ? out : ExtentsOf(input.inputs[0]);
  WorkGrid& grid = task->grid;
  grid.planes = out.planes;
  grid.channels = out.channels;
  grid.rows = out.rows;
  grid.columns = out.columns;
  if (task->mac.has_value() && task->mac->conv.has_value()) {
    const ConvGeometry& conv = *task->mac->conv;
    grid.planes = conv.batch * conv.out.d;
    grid.channels = conv.cout;
    grid.rows = conv.out.h;
    grid.columns = conv.out.w;
  }
  engine::RowBytes bytes;
  for (const Shape& shape : input.inputs) {
    const SurfaceExtents extents = ExtentsOf(shape);
    bytes.input += RowBytesOf(extents) * extents.channels;
  }
  bytes.output = RowBytesOf(out) * out.channels;
  grid.tile_rows = std::min(
      grid.rows,
      engine::TileHeight(model, RowGeometry(*input.work, in, out), bytes));
  grid.patch_columns =
      std::min(grid.columns, engine::PatchWidth(model, grid.columns));
  grid.channels_per_core = grid.channels;
  grid.cores = 1;
  if (task->mac.has_value()) {
    grid.channels_per_core = task->mac->ocg;
    grid.cores = task->mac->cores;
  }
}

void SizeOperands(const EngineModel& model, const TilingInput& input,
                  PlanTask* task) {
  const int64_t weight_bytes = 2 * input.work->weight_elements;
  engine::OperandBytes bytes;
  bytes.weights = weight_bytes;
  bytes.output = EngineBytes(input.output);
  int64_t inputs = 0;
  for (const Shape& shape : input.inputs) {
    bytes.input = std::max(bytes.input, EngineBytes(shape));
    inputs += EngineBytes(shape);
  }
  task->resident = engine::IsResident(model, bytes);
  task->working_set_bytes = inputs + weight_bytes + bytes.output;
  task->traffic.inputs = static_cast<double>(inputs);
  task->traffic.outputs = static_cast<double>(bytes.output);
  engine::Payload payload;
  payload.format = input.weights.format;
  payload.count = input.work->weight_elements;
  payload.channels = task->mac.has_value() && task->mac->conv.has_value()
                         ? task->mac->conv->cout
                         : 0;
  payload.nonzeros = static_cast<int64_t>(input.weights.density *
                                          static_cast<double>(payload.count));
  task->traffic.weights = engine::WeightTraffic(model, payload);
  const int64_t largest = std::max(bytes.input, bytes.output);
  if (largest >= model.working_set_bytes) {
    const SurfaceExtents out = ExtentsOf(input.output);
    task->blocks =
        engine::CutBlocks(model, {out.channels, out.rows, out.columns},
                          engine::NumBlocks(model, largest, 1));
  }
}

}  // namespace

SurfaceExtents ExtentsOf(const Shape& shape) {
  SurfaceExtents extents;
  const size_t rank = shape.rank();
  if (rank == 1) extents.columns = shape[0];
  if (rank < 2) return extents;
  extents.planes = shape[0];
  extents.channels = shape[1];
  if (rank >= 3) extents.columns = shape[rank - 1];
  if (rank >= 4) extents.rows = shape[rank - 2];
  for (size_t axis = 2; axis + 2 < rank; ++axis) extents.planes *= shape[axis];
  return extents;
}

int64_t RowBytesOf(const SurfaceExtents& extents) {
  return static_cast<int64_t>(
      SurfaceRowPitch({DataType::kFloat16, {extents.columns}}));
}

int64_t EngineBytes(const Shape& shape) { return 2 * shape.NumElements(); }

void TileTask(const EngineModel& model, const TilingInput& input,
              PlanTask* task) {
  const EngineWork& work = *input.work;
  if (task->engine == engine::EngineKind::kMac) {
    task->mac.emplace();
    task->mac->conv = work.conv;
    task->mac->matmul = work.matmul;
    if (work.conv.has_value() && work.matmul.has_value()) {
      const bool as_conv =
          engine::RouteMatmul(model, true, 2 * work.weight_elements) ==
          engine::MatmulRoute::kConvolution;
      as_conv ? task->mac->matmul.reset() : task->mac->conv.reset();
    }
    if (task->mac->conv.has_value()) {
      SpreadConv(model, input.weights, &*task->mac);
    } else {  // a tiled product: columns are the channels (L3)
      const int64_t channels = ExtentsOf(input.output).channels;
      task->mac->lanes_register = engine::ActiveLanesRegister(model, channels);
      task->mac->cores = engine::WorkingLanes(model, channels);
      task->mac->ocg =
          std::min(engine::kMaxOcg,
                   (channels + task->mac->cores - 1) / task->mac->cores);
      task->mac->passes = engine::Passes(model, channels, task->mac->ocg);
    }
  }
  CutGrid(model, input, task);
  SizeOperands(model, input, task);
  const bool is_mac = task->mac.has_value();
  task->through_transpose =
      work.reduced_extent > 0 &&
      engine::ReducesThroughTranspose(model, work.reduced_extent);
  task->task_descriptors = std::max<int64_t>(
      is_mac ? static_cast<int64_t>(task->mac->descriptor_channels.size()) : 1,
      engine::TasksOfTensorCount(static_cast<int64_t>(input.inputs.size()), 1));
}

}  // namespace aneref
