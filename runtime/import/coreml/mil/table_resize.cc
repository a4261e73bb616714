// Resizing of the last two axes (resize: of the last ones) to fixed sampling
// points.
#include <algorithm>
#include <cmath>

#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

using CM = fbs::CoordinateMode;

CM ModeOf(Lowering& node) {
  const std::string mode = node.String("sampling_mode", "DEFAULT");
  if (mode == "STRICT_ALIGN_CORNERS") return CM::align_corners;
  if (mode == "ALIGN_CORNERS") return CM::align_corners_or_middle;
  if (mode == "DEFAULT") return CM::coreml_upsample;
  if (mode == "UNALIGN_CORNERS") return CM::half_pixel;
  if (mode == "OFFSET_CORNERS") return CM::coreml_offset_corners;
  node.Refuse("with sampling_mode \"" + mode + "\"");
  return CM::half_pixel;
}

// Nearest neighbours by Core ML's rule floor(i X / N).
fbs::ResampleT NearestTable() {
  fbs::ResampleT table;
  table.mode = fbs::ResampleMode::nearest;
  table.coordinate_mode = CM::asymmetric;
  table.nearest_mode = fbs::NearestMode::floor;
  return table;
}

// floor(extent * factor) of the last two axes, or the factors themselves where
// extents are not known.
void SetFactors(Lowering& node, int32_t x, fbs::ResampleT* table) {
  const float factors[] = {node.Float("scale_factor_height", 1),
                           node.Float("scale_factor_width", 1)};
  const fbs::TensorT& tensor = TensorAt(node.draft(), std::max(x, 0));
  const size_t rank = tensor.has_shape ? tensor.shape.size() : 0;
  if (rank < 2) return node.Refuse("where the rank is not known");
  table->axes = {-2, -1};
  const bool known = tensor.shape[rank - 2] >= 0 && tensor.shape[rank - 1] >= 0;
  for (size_t i = 0; i < 2; ++i) {
    const double size =
        std::floor(static_cast<double>(tensor.shape[rank - 2 + i]) *
                   static_cast<double>(factors[i]));
    if (!known) {
      table->scales.push_back(factors[i]);
    } else if (size >= 1 && size <= 1e9) {
      table->sizes.push_back(static_cast<int64_t>(size));
    } else {
      node.Fail(
          InvalidFile("", "a scale factor of " + std::to_string(factors[i])));
    }
  }
}

void UpsampleNearest(Lowering& node) {
  const int32_t x = node.Need("x");
  fbs::ResampleT table = NearestTable();
  SetFactors(node, x, &table);
  node.EmitOut(table, {x});
}

void UpsampleBilinear(Lowering& node) {
  const int32_t x = node.Need("x");
  fbs::ResampleT table;
  table.mode = fbs::ResampleMode::linear;
  const bool align = node.Bool("align_corners", true);
  const bool half_pixel = node.Bool("half_pixel_centers", !align);
  table.coordinate_mode = align        ? CM::align_corners
                          : half_pixel ? CM::half_pixel
                                       : CM::coreml_upsample;
  SetFactors(node, x, &table);
  node.EmitOut(table, {x});
}

void SetTargets(Lowering& node, fbs::ResampleT* table) {
  table->axes = {-2, -1};
  table->sizes = {node.Int("target_size_height", 1),
                  node.Int("target_size_width", 1)};
}

void ResizeNearest(Lowering& node) {
  fbs::ResampleT table = NearestTable();
  SetTargets(node, &table);
  node.EmitOut(table, {node.Need("x")});
}

void ResizeBilinear(Lowering& node) {
  fbs::ResampleT table;
  table.mode = fbs::ResampleMode::linear;
  table.coordinate_mode = ModeOf(node);
  SetTargets(node, &table);
  node.EmitOut(table, {node.Need("x")});
}

// The last `resized_dims` axes get the last entries of `shape`, 0 keeps.
void Resize(Lowering& node) {
  const int32_t x = node.Need("x");
  const std::vector<int64_t> shape = node.Ints("shape");
  const int64_t count = node.Int("resized_dims", 0);
  const std::string mode = node.String("interpolation_mode", "LINEAR");
  if (mode != "LINEAR" && mode != "NEAREST_NEIGHBOR")
    return node.Refuse("with interpolation_mode \"" + mode + "\"");
  const size_t rank = node.NeedRank(x);
  if (count < 0 || static_cast<size_t>(count) > std::min(shape.size(), rank))
    return node.Fail(
        InvalidFile("", "operand 'resized_dims' is " + std::to_string(count)));
  fbs::ResampleT table = NearestTable();
  if (mode == "LINEAR") {
    table.mode = fbs::ResampleMode::linear;
    table.coordinate_mode = ModeOf(node);
  } else if (node.String("sampling_mode", "DEFAULT") != "DEFAULT") {
    table.coordinate_mode = ModeOf(node);
    table.nearest_mode = fbs::NearestMode::round_prefer_floor;
  }
  for (int64_t i = -count; i < 0; ++i) {
    const int64_t size =
        shape[static_cast<size_t>(static_cast<int64_t>(shape.size()) + i)];
    if (size == 0) continue;
    table.axes.push_back(static_cast<int32_t>(i));
    table.sizes.push_back(size);
  }
  if (table.axes.empty()) return node.Copy(x);
  node.EmitOut(table, {x});
}

constexpr OperationRow kRows[] = {
    {"resize", Resize},
    {"resize_bilinear", ResizeBilinear},
    {"resize_nearest_neighbor", ResizeNearest},
    {"upsample_bilinear", UpsampleBilinear},
    {"upsample_nearest_neighbor", UpsampleNearest},
};

}  // namespace

std::span<const OperationRow> ResizeRows() { return kRows; }

}  // namespace aneref::coreml::mil
