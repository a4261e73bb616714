// Windows at fractional positions: pooling of regions, and convolution whose
// taps are displaced by data. Follows P17; the coordinates are ONNX's.
#include <cmath>

#include "ops/doubles.h"
#include "ops/kernels/move_gather.h"
#include "ops/movement.h"
#include "ops/sampling.h"
#include "ops/spatial.h"

namespace aneref {

double SampleBilinear(const double* map, int64_t height, int64_t width,
                      double y, double x) {
  if (!(y > -1 && x > -1 && y < static_cast<double>(height) &&
        x < static_cast<double>(width)))
    return 0;
  const auto top = static_cast<int64_t>(std::floor(y));
  const auto left = static_cast<int64_t>(std::floor(x));
  const double down = y - std::floor(y), right = x - std::floor(x);
  const auto at = [&](int64_t row, int64_t column) {
    return row < 0 || row >= height || column < 0 || column >= width
               ? 0.0
               : map[row * width + column];
  };
  return (1 - down) * (1 - right) * at(top, left) +
         (1 - down) * right * at(top, left + 1) +
         down * (1 - right) * at(top + 1, left) +
         down * right * at(top + 1, left + 1);
}

namespace {

// ---- roi_align ----

// More sample points per bin than this along one axis are an error of the run.
constexpr double kMaxRoiSamples = 4096;

Expected<std::vector<TensorType>> InferRoiAlign(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 3, 3));
  ANEREF_TRY(RequireFloating(op, 0, 4));
  ANEREF_TRY(RequireFloating(op, 1, 2));
  const auto& attributes = op.attributes<fbs::Sampling>();
  const Shape& x = op.In(0).shape;
  const Shape& rois = op.In(1).shape;
  if (rois[1] != 4 || !IsInteger(op.In(2).dtype) ||
      op.In(2).shape != Shape{rois[0]}) {
    return ShapeError("regions " + rois.ToString() + " and batch indices " +
                      op.In(2).ToString() + " do not fit [n, 4] and [n]");
  }
  if (x[2] == 0 || x[3] == 0)
    return ShapeError("there is nothing to sample in " + x.ToString());
  const std::vector<int64_t> size = ToInts(attributes.output_size());
  if (size.size() != 2 || size[0] < 1 || size[1] < 1)
    return ShapeError("output_size must be two positive extents");
  if (attributes.mode() != fbs::ResampleMode::linear &&
      attributes.mode() != fbs::ResampleMode::nearest)
    return Unsupported("unknown mode of roi_align");
  return OneOutput(op.In(0).dtype, {rois[0], x[1], size[0], size[1]});
}

// The sample points of a region along one axis.
struct RoiAxis {
  double start = 0;
  double bin = 0;       // extent of one bin
  int64_t per_bin = 0;  // sample points
  int64_t extent = 0;   // of the map

  double Point(int64_t bin_index, int64_t i) const {
    return start + static_cast<double>(bin_index) * bin +
           (static_cast<double>(i) + 0.5) * bin / static_cast<double>(per_bin);
  }
};

// Two neighbours of a point and the weight of the second; no neighbours (false)
// further than one element outside. Outside the border element repeats.
struct RoiTaps {
  int64_t element[2] = {0, 0};
  double weight[2] = {1, 0};
};
bool RoiTapsOf(double at, int64_t extent, RoiTaps* taps) {
  if (!(at >= -1 && at <= static_cast<double>(extent))) return false;
  at = std::max(at, 0.0);
  const auto low = std::min(static_cast<int64_t>(at), extent - 1);
  const auto high = std::min(low + 1, extent - 1);
  const double part = low == high ? 0 : at - static_cast<double>(low);
  *taps = {{low, high}, {1 - part, part}};
  return true;
}

Expected<RoiAxis> RoiAxisOf(double begin, double end, int64_t bins,
                            int64_t extent, const fbs::Sampling& attributes) {
  const double scale = static_cast<double>(attributes.spatial_scale());
  const double shift = attributes.half_pixel() ? 0.5 : 0;
  RoiAxis axis;
  axis.start = begin * scale - shift;
  axis.extent = extent;
  double size = end * scale - shift - axis.start;
  if (!attributes.half_pixel()) size = std::max(size, 1.0);
  axis.bin = size / static_cast<double>(bins);
  const double points = attributes.sampling_ratio() > 0
                            ? attributes.sampling_ratio()
                            : std::ceil(axis.bin);
  if (!(points <= kMaxRoiSamples) || !std::isfinite(axis.start)) {
    return InvalidArgument("a region from " + std::to_string(begin) + " to " +
                           std::to_string(end) +
                           " needs more than 4096 points "
                           "per bin");
  }
  axis.per_bin = std::max<int64_t>(static_cast<int64_t>(points), 0);
  return axis;
}

// One bin. The maximum is over the four weighted neighbours of every point, as
// ONNX has it, not over interpolated values.
double RoiBin(const double* map, const RoiAxis (&axes)[2], int64_t bin_y,
              int64_t bin_x, bool maximum) {
  double sum = 0, most = 0;
  bool first = true;
  for (int64_t i = 0; i < axes[0].per_bin; ++i) {
    for (int64_t j = 0; j < axes[1].per_bin; ++j) {
      RoiTaps y, x;
      const bool inside =
          RoiTapsOf(axes[0].Point(bin_y, i), axes[0].extent, &y) &&
          RoiTapsOf(axes[1].Point(bin_x, j), axes[1].extent, &x);
      for (int tap = 0; tap < 4; ++tap) {
        const int a = tap / 2, b = tap % 2;
        const double value =
            inside ? y.weight[a] * x.weight[b] *
                         map[y.element[a] * axes[1].extent + x.element[b]]
                   : 0;
        sum += value;
        most = first ? value : std::max(most, value);
        first = false;
      }
    }
  }
  if (maximum) return most;
  return sum / static_cast<double>(
                   std::max<int64_t>(axes[0].per_bin * axes[1].per_bin, 1));
}

Status ReferenceRoiAlign(const OpView& op, const RefTensors& tensors) {
  const auto& attributes = op.attributes<fbs::Sampling>();
  const bool maximum = attributes.mode() == fbs::ResampleMode::nearest;
  const Shape& x = tensors.in[0].shape;
  const Shape& out = tensors.out[0].shape;
  const std::vector<double> values = LoadDoubles(tensors.in[0]);
  const std::vector<double> rois = LoadDoubles(tensors.in[1]);
  std::vector<double> result;
  result.reserve(static_cast<size_t>(out.NumElements()));
  for (int64_t r = 0; r < out[0]; ++r) {
    ANEREF_ASSIGN(const int64_t batch, ReadIndex(tensors.in[2], r, x[0]));
    const double* roi = rois.data() + r * 4;  // x1, y1, x2, y2
    RoiAxis axes[2];
    ANEREF_ASSIGN(axes[0], RoiAxisOf(roi[1], roi[3], out[2], x[2], attributes));
    ANEREF_ASSIGN(axes[1], RoiAxisOf(roi[0], roi[2], out[3], x[3], attributes));
    for (int64_t c = 0; c < out[1]; ++c) {
      const double* map = values.data() + (batch * x[1] + c) * x[2] * x[3];
      for (int64_t i = 0; i < out[2]; ++i) {
        for (int64_t j = 0; j < out[3]; ++j)
          result.push_back(RoiBin(map, axes, i, j, maximum));
      }
    }
  }
  StoreDoubles(std::move(result), tensors.out[0]);
  return Status();
}

// ---- deform_conv ----

}  // namespace

Expected<DeformGeometry> DeformGeometryOf(const OpView& op, const Shape& x,
                                          const Shape& weight) {
  const auto& attributes = op.attributes<fbs::Sampling>();
  DeformGeometry geometry;
  geometry.groups = attributes.groups();
  geometry.offset_groups = attributes.offset_groups();
  const int64_t groups = geometry.groups, offsets = geometry.offset_groups;
  if (groups < 1 || offsets < 1 || x[1] % groups != 0 ||
      weight[0] % groups != 0 || x[1] % offsets != 0 ||
      weight[1] != x[1] / groups) {
    return ShapeError("weight " + weight.ToString() + " does not fit " +
                      x.ToString() + " in " + std::to_string(groups) +
                      " groups and " + std::to_string(offsets) +
                      " offset groups");
  }
  WindowSpec spec;
  spec.kernel = {weight[2], weight[3]};
  spec.strides = ToInts(attributes.strides());
  spec.dilations = ToInts(attributes.dilations());
  spec.pads = ToInts(attributes.pads());
  const int64_t input[] = {x[2], x[3]};
  ANEREF_ASSIGN(geometry.window, MakeWindow(input, spec));
  geometry.taps = weight[2] * weight[3];
  return geometry;
}

namespace {

Expected<std::vector<TensorType>> InferDeformConv(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 3, 5));
  if (op.In(0).shape.rank() != 4)
    return Unsupported("deform_conv has two spatial axes, not those of " +
                       op.In(0).ToString());
  for (size_t i = 0; i < op.num_inputs(); ++i) {
    if (op.HasInput(i)) ANEREF_TRY(RequireFloating(op, i, i == 3 ? 1 : 4));
  }
  const Shape& x = op.In(0).shape;
  const Shape& weight = op.In(1).shape;
  ANEREF_ASSIGN(const DeformGeometry geometry, DeformGeometryOf(op, x, weight));
  const int64_t height = geometry.window[0].out, width = geometry.window[1].out;
  const int64_t planes = geometry.offset_groups * geometry.taps;
  if (op.In(2).shape != Shape{x[0], 2 * planes, height, width} ||
      (op.HasInput(3) && op.In(3).shape != Shape{weight[0]}) ||
      (op.HasInput(4) &&
       op.In(4).shape != Shape{x[0], planes, height, width})) {
    return ShapeError(
        "offset " + op.In(2).ToString() + ", bias or mask do not fit " +
        std::to_string(geometry.offset_groups) + " groups of " +
        std::to_string(geometry.taps) + " taps at " + std::to_string(height) +
        " x " + std::to_string(width) + " positions");
  }
  return OneOutput(op.In(0).dtype, {x[0], weight[0], height, width});
}

}  // namespace

DeformColumn DeformColumnAt(const DeformGeometry& geometry,
                            const std::vector<double>& values,
                            const std::vector<double>& offset, const Shape& x,
                            const Shape& weight,
                            const std::array<int64_t, 3>& at) {
  const WindowAxis& rows = geometry.window[0];
  const WindowAxis& columns = geometry.window[1];
  const int64_t points = rows.out * columns.out;
  const int64_t point = at[1] * columns.out + at[2];
  DeformColumn column;
  for (int64_t c = 0; c < x[1]; ++c) {
    const int64_t group = c / (x[1] / geometry.offset_groups);
    for (int64_t tap = 0; tap < geometry.taps; ++tap) {
      const int64_t plane =
          (at[0] * geometry.offset_groups + group) * geometry.taps + tap;
      const auto shift = static_cast<size_t>(2 * plane * points + point);
      const int64_t row = at[1] * rows.stride - rows.pad_begin +
                          tap / weight[3] * rows.dilation;
      const int64_t col = at[2] * columns.stride - columns.pad_begin +
                          tap % weight[3] * columns.dilation;
      column.samples.push_back(
          SampleBilinear(values.data() + (at[0] * x[1] + c) * x[2] * x[3], x[2],
                         x[3], static_cast<double>(row) + offset[shift],
                         static_cast<double>(col) +
                             offset[shift + static_cast<size_t>(points)]));
      column.mask_at.push_back(static_cast<size_t>(plane * points + point));
    }
  }
  return column;
}

namespace {

struct DeformValues {
  std::vector<double> x, weight, offset, bias, mask;
};

Status ReferenceDeformConv(const OpView& op, const RefTensors& tensors) {
  const Shape& x = tensors.in[0].shape;
  const Shape& weight = tensors.in[1].shape;
  const Shape& out = tensors.out[0].shape;
  if (out.NumElements() == 0) return Status();
  ANEREF_ASSIGN(const DeformGeometry geometry, DeformGeometryOf(op, x, weight));
  DeformValues values = {LoadDoubles(tensors.in[0]),
                         LoadDoubles(tensors.in[1]),
                         LoadDoubles(tensors.in[2]),
                         {},
                         {}};
  if (op.HasInput(3)) values.bias = LoadDoubles(tensors.in[3]);
  if (op.HasInput(4)) values.mask = LoadDoubles(tensors.in[4]);
  std::vector<double> result(static_cast<size_t>(out.NumElements()));
  const int64_t depth = weight[1] * geometry.taps;  // products per output
  ForEachIndex(Shape{out[0], out[2], out[3]}, [&](const Index& to) {
    DeformColumn column = DeformColumnAt(geometry, values.x, values.offset, x,
                                         weight, {to[0], to[1], to[2]});
    for (size_t k = 0; !values.mask.empty() && k < column.samples.size(); ++k)
      column.samples[k] *= values.mask[column.mask_at[k]];
    for (int64_t m = 0; m < out[1]; ++m) {
      const int64_t group = m / (out[1] / geometry.groups);
      double sum = 0;
      for (int64_t k = 0; k < depth; ++k) {
        sum += column.samples[static_cast<size_t>(group * depth + k)] *
               values.weight[static_cast<size_t>(m * depth + k)];
      }
      if (!values.bias.empty()) sum += values.bias[static_cast<size_t>(m)];
      const int64_t position =
          ((to[0] * out[1] + m) * out[2] + to[1]) * out[3] + to[2];
      result[static_cast<size_t>(position)] = sum;
    }
  });
  StoreDoubles(std::move(result), tensors.out[0]);
  return Status();
}

}  // namespace

const SamplingKindDef kRoiAlign = {InferRoiAlign, ReferenceRoiAlign};
const SamplingKindDef kDeformConv = {InferDeformConv, ReferenceDeformConv};

}  // namespace aneref
