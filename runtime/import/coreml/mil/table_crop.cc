// crop_resize: boxes of the image, resized. Positions are computed in fp32 and
// sampled as a grid of -1 .. 1.
#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

using EK = fbs::ElementwiseKind;
constexpr DataType kWide = DataType::kFloat32;

// Sampling points of a box side: start + u_i * extent + v_i.
struct Side {
  std::vector<float> u, v;
  bool at_least_one = false;  // the extent counts as 1 when it is below
};

Side SideOf(Lowering& node, const std::string& mode, int64_t count) {
  Side side;
  const auto n = static_cast<double>(count);
  for (int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<double>(i);
    double u = 0, v = 0;
    if (mode == "STRICT_ALIGN_CORNERS") {
      u = count > 1 ? at / (n - 1) : 0;
    } else if (mode == "ALIGN_CORNERS") {
      u = count > 1 ? at / (n - 1) : 0.5;
    } else if (mode == "DEFAULT") {
      u = v = at / n;
    } else if (mode == "UNALIGN_CORNERS") {
      u = (at + 0.5) / n;
      v = u - 0.5;
    } else if (mode == "OFFSET_CORNERS") {
      u = (at + 0.5) / n;
      side.at_least_one = true;
    } else {
      node.Refuse("with sampling_mode \"" + mode + "\"");
      return side;
    }
    side.u.push_back(static_cast<float>(u));
    side.v.push_back(static_cast<float>(v));
  }
  return side;
}

struct Crop {
  Shape x;
  int64_t num_boxes = 0;
  int64_t images_per_box = 1;
  int64_t height = 1, width = 1;
  int32_t boxes = -1;    // [R, 4], fp32
  int32_t indices = -1;  // int64 [R * images_per_box]
  bool is_old = false;   // rois of rank 5
};

int32_t Column(Lowering& node, int32_t table, int64_t first, int64_t count) {
  fbs::SliceT cut;
  cut.axes = {1};
  cut.starts = {first};
  cut.ends = {first + count};
  return node.EmitTemp(cut, {table});
}

bool ReadBoxes(Lowering& node, Crop* crop) {
  crop->is_old = node.Has("roi");
  const int32_t given = node.Need(crop->is_old ? "roi" : "boxes");
  const Shape shape = node.NeedStatic(given);
  crop->x = node.NeedStatic(node.Need("x"));
  crop->height = node.Int("target_height", 1);
  crop->width = node.Int("target_width", 1);
  if (!node.status().ok()) return false;
  const int64_t columns = shape.rank() == (crop->is_old ? 5u : 2u)
                              ? shape[crop->is_old ? 2 : 1]
                              : 0;
  const bool fits =
      crop->x.rank() == 4 && crop->height >= 1 && crop->width >= 1 &&
      shape[0] >= 1 && crop->height <= (1 << 14) && crop->width <= (1 << 14) &&
      shape[0] <= (1 << 20) && crop->x[0] <= (1 << 20) / shape[0] &&
      (columns == 4 || (crop->is_old && columns == 5));
  if (!fits) {
    node.Fail(InvalidFile("", "x " + crop->x.ToString() + " and boxes " +
                                  shape.ToString() + " do not fit"));
    return false;
  }
  crop->num_boxes = shape[0];
  int32_t table =
      node.Cast(node.ReshapeTo(given, {crop->num_boxes, columns}), kWide);
  const int64_t count = crop->num_boxes;
  if (columns == 5) {
    crop->indices = node.Cast(
        node.ReshapeTo(Column(node, table, 0, 1), {count}), DataType::kInt64);
    table = Column(node, table, 1, 4);
  } else if (node.Has("box_indices")) {
    crop->indices = node.Cast(node.In("box_indices"), DataType::kInt64);
  } else if (crop->is_old) {
    crop->images_per_box = crop->x[0];
    std::vector<int64_t> indices;
    for (int64_t i = 0; i < count * crop->x[0]; ++i)
      indices.push_back(i % crop->x[0]);
    crop->indices = node.ConstantInts(indices);
  } else {
    crop->indices =
        node.ConstantInts(std::vector<int64_t>(static_cast<size_t>(count), 0));
  }
  crop->boxes = table;
  return node.status().ok();
}

int32_t Scaled(Lowering& node, const Crop& crop, int64_t column, double scale) {
  const int32_t value = Column(node, crop.boxes, column, 1);
  return scale == 1 ? value
                    : node.EmitTemp(Unary(fbs::ActivationKind::linear, scale),
                                    {value});
}

struct Corners {
  int32_t first = -1, last = -1;  // [R, 1]
};

// Start and end of a side in pixels. `at` and `other` are columns of the box.
Corners CornersOf(Lowering& node, const Crop& crop, int64_t at, int64_t other,
                  bool is_centre, double scale) {
  const int32_t a = Scaled(node, crop, at, scale),
                b = Scaled(node, crop, other, scale);
  if (!is_centre) return {a, b};
  const int32_t half =
      node.EmitTemp(Unary(fbs::ActivationKind::linear, 0.5), {b});
  return {node.Op(EK::sub, a, half), node.Op(EK::add, a, half)};
}

// Positions [R, count] along one side.
int32_t Positions(Lowering& node, const Corners& corners, const Side& side) {
  const auto count = static_cast<int64_t>(side.u.size());
  int32_t extent = node.Op(EK::sub, corners.last, corners.first);
  if (side.at_least_one)
    extent = node.Op(EK::maximum, extent, node.Scalar(kWide, 1));
  const int32_t u = node.ConstantFloats(kWide, Shape{1, count}, side.u),
                v = node.ConstantFloats(kWide, Shape{1, count}, side.v);
  const int32_t moved =
      node.Op(EK::add, corners.first, node.Op(EK::mul, extent, u));
  return node.Op(EK::add, moved, v);
}

// Which positions lie in the image.
int32_t Inside(Lowering& node, int32_t positions, int64_t extent) {
  const int32_t low =
      node.Op(EK::greater_equal, positions, node.Scalar(kWide, 0));
  const int32_t high =
      node.Op(EK::less_equal, positions,
              node.Scalar(kWide, static_cast<double>(extent - 1)));
  return node.Op(EK::logical_and, low, high);
}

// rows [R, h], columns [R, w] to a grid [R, h, w, 2] (x, y) of -1 .. 1.
int32_t GridOf(Lowering& node, const Crop& crop, int32_t rows,
               int32_t columns) {
  const auto spread = [&](int32_t values, int32_t axis, int64_t extent) {
    const auto last = static_cast<double>(extent - 1);
    const double factor = extent > 1 ? 2 / last : 0;
    const int32_t scaled = node.EmitTemp(
        Unary(fbs::ActivationKind::linear, factor, extent > 1 ? -1 : 0),
        {values});
    fbs::TileT tile;
    tile.kind = fbs::TileKind::expand;
    tile.repeats = {crop.num_boxes, crop.height, crop.width, 1};
    return node.EmitTemp(tile, {node.Unsqueeze(scaled, {axis, 3})});
  };
  fbs::ConcatT join;
  join.axis = 3;
  return node.EmitTemp(
      join, {spread(columns, 1, crop.x[3]), spread(rows, 2, crop.x[2])});
}

// Every box once per image.
int32_t RepeatBoxes(Lowering& node, const Crop& crop, int32_t tensor) {
  if (crop.images_per_box == 1) return tensor;
  std::vector<int64_t> order;
  for (int64_t i = 0; i < crop.num_boxes * crop.images_per_box; ++i)
    order.push_back(i / crop.images_per_box);
  return node.EmitTemp(fbs::GatherT(), {tensor, node.ConstantInts(order)});
}

void CropResize(Lowering& node) {
  Crop crop;
  if (!ReadBoxes(node, &crop)) return;
  const std::string mode =
      node.String("box_coordinate_mode", "CORNERS_HEIGHT_FIRST");
  const std::string sampling = node.String("sampling_mode", "DEFAULT");
  const bool corners = mode.starts_with("CORNERS_");
  const bool height_first = mode.ends_with("HEIGHT_FIRST");
  if (mode != "CORNERS_HEIGHT_FIRST" && mode != "CORNERS_WIDTH_FIRST" &&
      mode != "CENTER_SIZE_HEIGHT_FIRST" && mode != "CENTER_SIZE_WIDTH_FIRST")
    return node.Refuse("with box_coordinate_mode \"" + mode + "\"");
  const bool normalized = node.Bool("normalized_coordinates", false);
  const auto scale = static_cast<double>(node.Float("spatial_scale", 1));
  const auto side = [&](int64_t column, int64_t extent, int64_t count) {
    const double factor =
        scale * (normalized ? static_cast<double>(extent - 1) : 1.0);
    return Positions(
        node, CornersOf(node, crop, column, column + 2, !corners, factor),
        SideOf(node, sampling, count));
  };
  const int32_t rows = side(height_first ? 0 : 1, crop.x[2], crop.height),
                columns = side(height_first ? 1 : 0, crop.x[3], crop.width);
  if (!node.status().ok()) return;
  fbs::SamplingT table;
  table.border = fbs::BorderMode::border;
  table.align_corners = true;
  const int32_t images =
      node.EmitTemp(fbs::GatherT(), {node.In("x"), crop.indices});
  const int32_t grid =
      RepeatBoxes(node, crop, GridOf(node, crop, rows, columns));
  int32_t result = node.EmitTemp(table, {images, grid});
  // The first form knows no value for the outside: the border goes on.
  if (node.Has("pad_value") || !crop.is_old) {
    const int32_t inside = RepeatBoxes(
        node, crop,
        node.Op(EK::logical_and,
                node.Unsqueeze(Inside(node, rows, crop.x[2]), {1, 3}),
                node.Unsqueeze(Inside(node, columns, crop.x[3]), {1, 2})));
    const auto pad = static_cast<double>(node.Float("pad_value", 0));
    result = node.EmitTemp(fbs::SelectT(),
                           {inside, result, node.ScalarLike(result, pad)});
  }
  if (!crop.is_old) return node.Copy(result);
  fbs::ReshapeT reshape;
  reshape.shape = {crop.num_boxes, crop.images_per_box, crop.x[1], crop.height,
                   crop.width};
  node.EmitOut(reshape, {result});
}

constexpr OperationRow kRows[] = {
    {"crop_resize", CropResize},
};

}  // namespace

std::span<const OperationRow> CropRows() { return kRows; }

}  // namespace aneref::coreml::mil
