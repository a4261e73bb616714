// Sampling at computed places: resample, affine, crop_resize. Coordinates are
// computed in fp32 and handed on in the form that a grid has: -1 .. 1.
#include <algorithm>
#include <cmath>

#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

using EK = fbs::ElementwiseKind;
constexpr DataType kWide = DataType::kFloat32;

// How coordinates of an operation become those of a grid: per axis a factor
// and an offset.
struct AxisMap {
  double factor = 1, offset = 0;
};

// From the operation's coordinates to pixels.
AxisMap ToPixels(const std::string& mode, bool align, double extent) {
  if (mode == "unnormalized") return {1, 0};
  if (mode == "normalized_zero_to_one")
    return align ? AxisMap{extent - 1, 0} : AxisMap{extent, -0.5};
  return align ? AxisMap{(extent - 1) / 2, (extent - 1) / 2}
               : AxisMap{extent / 2, (extent - 1) / 2};
}

// From pixels to -1 .. 1, either at the centres of the outer pixels or at
// their edges.
AxisMap FromPixels(bool centres, double extent) {
  if (!centres) return {2 / extent, 1 / extent - 1};
  return extent > 1 ? AxisMap{2 / (extent - 1), -1} : AxisMap{0, 0};
}

AxisMap Compose(const AxisMap& first, const AxisMap& then) {
  return {first.factor * then.factor, first.offset * then.factor + then.offset};
}

bool IsIdentity(const AxisMap& map) {
  return map.factor == 1 && map.offset == 0;
}

// points [.., 2] (x, y) scaled and shifted per axis.
int32_t MapPoints(Lowering& node, int32_t points, const AxisMap& x,
                  const AxisMap& y) {
  if (IsIdentity(x) && IsIdentity(y)) return points;
  const auto pair = [&](double first, double second) {
    return node.ConstantFloats(
        kWide, Shape{2},
        {static_cast<float>(first), static_cast<float>(second)});
  };
  const int32_t scaled = node.Op(EK::mul, points, pair(x.factor, y.factor));
  return node.Op(EK::add, scaled, pair(x.offset, y.offset));
}

struct SamplingOptions {
  std::string coordinates;
  bool align = false;
  double fill = 0;
  fbs::SamplingT table;
  bool centres = true;
};

SamplingOptions ReadOptions(Lowering& node) {
  SamplingOptions options;
  options.coordinates =
      node.String("coordinates_mode", "normalized_minus_one_to_one");
  options.align = node.Bool("align_corners", false);
  const std::string mode = node.String("sampling_mode", "bilinear");
  const std::string border = node.String("padding_mode", "constant");
  options.table.mode = mode == "nearest" ? fbs::ResampleMode::nearest
                                         : fbs::ResampleMode::linear;
  if (mode != "nearest" && mode != "bilinear")
    node.Refuse("with sampling_mode \"" + mode + "\"");
  if (options.coordinates != "unnormalized" &&
      options.coordinates != "normalized_zero_to_one" &&
      options.coordinates != "normalized_minus_one_to_one")
    node.Refuse("with coordinates_mode \"" + options.coordinates + "\"");
  if (border == "constant") {
    options.fill = static_cast<double>(node.Float("padding_value", 0));
    options.centres = options.align;
  } else if (border == "border") {
    options.table.border = fbs::BorderMode::border;
    options.centres = options.align;
  } else if (border == "reflection" || border == "symmetric") {
    options.table.border = fbs::BorderMode::reflection;
    options.centres = border == "reflection";
  } else {
    node.Refuse("with padding_mode \"" + border + "\"");
  }
  options.table.align_corners = options.centres;
  return options;
}

// Samples x at points in the operation's own coordinates, fp32.
void EmitSampling(Lowering& node, const SamplingOptions& options, int32_t x,
                  int32_t points) {
  const Shape shape = node.NeedStatic(x);
  if (!node.status().ok()) return;
  if (shape.rank() != 4)
    return node.Fail(InvalidFile("", "x is " + shape.ToString()));
  const auto map = [&](int64_t extent) {
    const auto size = static_cast<double>(extent);
    const bool same = options.coordinates == "normalized_minus_one_to_one" &&
                      options.align == options.centres;
    return same ? AxisMap()
                : Compose(ToPixels(options.coordinates, options.align, size),
                          FromPixels(options.centres, size));
  };
  const int32_t grid = MapPoints(node, points, map(shape[3]), map(shape[2]));
  if (options.fill == 0) return node.EmitOut(options.table, {x, grid});
  // Zeros outside of x - fill are fill outside of x.
  const int32_t fill = node.ScalarLike(x, options.fill);
  const int32_t sampled =
      node.EmitTemp(options.table, {node.Op(EK::sub, x, fill), grid});
  node.EmitOut(Binary(EK::add), {sampled, fill});
}

void Resample(Lowering& node) {
  const SamplingOptions options = ReadOptions(node);
  EmitSampling(node, options, node.Need("x"),
               node.Cast(node.Need("coordinates"), kWide));
}

// The coordinate of output element i of `size`.
double OutputCoordinate(const SamplingOptions& options, int64_t i,
                        int64_t size) {
  const auto at = static_cast<double>(i), extent = static_cast<double>(size);
  if (options.coordinates == "unnormalized") return at;
  const double unit = options.align ? (size > 1 ? at / (extent - 1) : 0.0)
                                    : (at + 0.5) / extent;
  return options.coordinates == "normalized_zero_to_one" ? unit : 2 * unit - 1;
}

void Affine(Lowering& node) {
  const SamplingOptions options = ReadOptions(node);
  const int32_t x = node.Need("x"), matrix = node.Need("transform_matrix");
  const int64_t rows = node.Int("output_height", 0),
                columns = node.Int("output_width", 0);
  const Shape shape = node.NeedStatic(x), matrices = node.NeedStatic(matrix);
  if (!node.status().ok()) return;
  if (rows < 1 || columns < 1 || rows > (1 << 24) / columns ||
      matrices.rank() != 2 || matrices[1] != 6 || shape.rank() != 4)
    return node.Fail(InvalidFile("", "the sizes do not fit"));
  std::vector<float> base;
  for (int64_t y = 0; y < rows; ++y) {
    for (int64_t c = 0; c < columns; ++c) {
      base.push_back(static_cast<float>(OutputCoordinate(options, c, columns)));
      base.push_back(static_cast<float>(OutputCoordinate(options, y, rows)));
      base.push_back(1.0f);
    }
  }
  fbs::MatmulT product;
  product.transpose_y = true;
  const int32_t points = node.EmitTemp(
      product, {node.ConstantFloats(kWide, Shape{rows * columns, 3}, base),
                node.ReshapeTo(node.Cast(matrix, kWide), {matrices[0], 2, 3})});
  int32_t grid = node.ReshapeTo(points, {matrices[0], rows, columns, 2});
  if (matrices[0] != shape[0]) {
    fbs::TileT tile;
    tile.kind = fbs::TileKind::expand;
    tile.repeats = {shape[0], rows, columns, 2};
    grid = node.EmitTemp(tile, {grid});
  }
  EmitSampling(node, options, x, grid);
}

// ---- crop_resize ----

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
  const bool fits = crop->x.rank() == 4 && crop->height >= 1 &&
                    crop->width >= 1 && shape[0] >= 1 &&
                    crop->height <= (1 << 14) && crop->width <= (1 << 14) &&
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

struct Corners {
  int32_t first = -1, last = -1;  // [R, 1]
};

// Start and end of a side in pixels. `at` and `other` are columns of the box.
Corners CornersOf(Lowering& node, const Crop& crop, int64_t at, int64_t other,
                  bool is_centre, double scale) {
  const auto column = [&](int64_t i) {
    const int32_t value = Column(node, crop.boxes, i, 1);
    return scale == 1 ? value
                      : node.EmitTemp(Unary(fbs::ActivationKind::linear, scale),
                                      {value});
  };
  const int32_t a = column(at), b = column(other);
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
    const AxisMap map = FromPixels(true, static_cast<double>(extent));
    const int32_t scaled = node.EmitTemp(
        Unary(fbs::ActivationKind::linear, map.factor, map.offset), {values});
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

void ReverseSequence(Lowering& node) {
  fbs::SamplingT table;
  table.kind = fbs::SamplingKind::reverse_sequence;
  table.time_axis = node.Int32("seq_axis", 0);
  table.batch_axis = node.Int32("batch_axis", 0);
  node.EmitOut(table, {node.Need("x"), node.Need("lengths")});
}

constexpr OperationRow kRows[] = {
    {"affine", Affine},
    {"crop_resize", CropResize},
    {"resample", Resample},
    {"reverse_sequence", ReverseSequence},
};

}  // namespace

std::span<const OperationRow> SamplingRows() { return kRows; }

}  // namespace aneref::coreml::mil
