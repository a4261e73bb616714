// Sampling at computed places. Coordinates are computed in fp32 and handed on
// in the form that a grid has: -1 .. 1.
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
  if (rows < 1 || columns < 1 || rows > (1 << 22) / columns ||
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

void ReverseSequence(Lowering& node) {
  fbs::SamplingT table;
  table.kind = fbs::SamplingKind::reverse_sequence;
  table.time_axis = node.Int32("seq_axis", 0);
  table.batch_axis = node.Int32("batch_axis", 0);
  node.EmitOut(table, {node.Need("x"), node.Need("lengths")});
}

constexpr OperationRow kRows[] = {
    {"affine", Affine},
    {"resample", Resample},
    {"reverse_sequence", ReverseSequence},
};

}  // namespace

std::span<const OperationRow> SamplingRows() { return kRows; }

}  // namespace aneref::coreml::mil
