// Sampling at coordinates of a grid (any number of spatial axes), and the grid
// that an affine map makes. Follows P17; coordinates and rules of the border
// are ONNX's.
#include <array>
#include <cmath>

#include "ops/doubles.h"
#include "ops/movement.h"
#include "ops/sampling.h"

namespace aneref {
namespace {

// ---- grid_sample: y[n, c, o...] = x[n, c] at grid[n, o..., :] ----

constexpr size_t kMaxTaps = 4;
// Coordinates beyond are taken as this far away, NaN as this far in front.
constexpr double kFar = 1e9;
constexpr double kCubic = -0.75;

Status CheckGrid(const OpView& op) {
  const Shape& x = op.In(0).shape;
  const Shape& grid = op.In(1).shape;
  const size_t spatial = x.rank() < 3 ? 0 : x.rank() - 2;
  if (spatial == 0 || grid.rank() != x.rank() || grid[0] != x[0] ||
      grid.back() != static_cast<int64_t>(spatial)) {
    return ShapeError("a grid " + grid.ToString() + " does not fit " +
                      x.ToString());
  }
  if (x.NumElements(2, x.rank()) == 0)
    return ShapeError("there is nothing to sample in " + x.ToString());
  return Status();
}

Expected<std::vector<TensorType>> InferGridSample(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 2, 2));
  ANEREF_TRY(RequireFloating(op, 0));
  ANEREF_TRY(RequireFloating(op, 1));
  ANEREF_TRY(CheckGrid(op));
  const auto& attributes = op.attributes<fbs::Sampling>();
  if (attributes.mode() > fbs::ResampleMode::MAX ||
      attributes.border() > fbs::BorderMode::MAX)
    return Unsupported("unknown mode of grid_sample");
  std::vector<int64_t> dims = op.In(1).shape.ToVector();
  dims.pop_back();
  dims.insert(dims.begin() + 1, op.In(0).shape[1]);
  return OneOutput(op.In(0).dtype, dims);
}

// One axis of the sampled map.
struct GridAxis {
  int64_t extent = 0;
  double low = 0;  // between these a coordinate needs no reflection
  double high = 0;
};

double Reflect(double at, const GridAxis& axis) {
  const double range = axis.high - axis.low;
  if (range <= 0) return axis.low;
  if (at >= axis.low && at <= axis.high) return at;
  const double beyond = at < axis.low ? axis.low - at : at - axis.high;
  const double turns = std::floor(beyond / range);
  const double rest = beyond - turns * range;
  const bool even = std::fmod(turns, 2.0) == 0;
  return (at < axis.low) == even ? axis.low + rest : axis.high - rest;
}

// The element that position `at` stands for, or -1 for none.
int64_t ElementAt(double at, const GridAxis& axis, fbs::BorderMode border) {
  const double last = static_cast<double>(axis.extent - 1);
  if (border == fbs::BorderMode::reflection) at = Reflect(at, axis);
  if (border != fbs::BorderMode::zeros) at = std::clamp(at, 0.0, last);
  return at < 0 || at > last ? -1 : static_cast<int64_t>(at);
}

// The taps of one coordinate along one axis.
struct GridTaps {
  size_t count = 0;
  std::array<int64_t, kMaxTaps> element{};
  std::array<double, kMaxTaps> weight{};
};

// Keys' kernel at distances 1 + t, t, 1 - t, 2 - t.
std::array<double, kMaxTaps> CubicWeights(double t) {
  const auto near = [](double d) {
    return ((kCubic + 2) * d - (kCubic + 3)) * d * d + 1;
  };
  const auto far = [](double d) {
    return ((kCubic * d - 5 * kCubic) * d + 8 * kCubic) * d - 4 * kCubic;
  };
  return {far(1 + t), near(t), near(1 - t), far(2 - t)};
}

GridTaps TapsOf(double coordinate, GridAxis axis,
                const fbs::Sampling& attributes) {
  const double extent = static_cast<double>(axis.extent);
  axis.low = attributes.align_corners() ? 0 : -0.5;
  axis.high = attributes.align_corners() ? extent - 1 : extent - 0.5;
  double at = attributes.align_corners() ? (coordinate + 1) / 2 * (extent - 1)
                                         : ((coordinate + 1) * extent - 1) / 2;
  if (!(at > -kFar)) at = -kFar;
  at = std::min(at, kFar);
  const fbs::BorderMode border = attributes.border();
  const bool nearest = attributes.mode() == fbs::ResampleMode::nearest;
  if (nearest) at = std::nearbyint(at);
  if (border == fbs::BorderMode::border) at = std::clamp(at, 0.0, extent - 1);
  if (border == fbs::BorderMode::reflection) at = Reflect(at, axis);
  const double floor = std::floor(at);
  GridTaps taps;
  double first = floor;
  if (nearest) {
    taps.count = 1;
    taps.weight = {1};
  } else if (attributes.mode() == fbs::ResampleMode::linear) {
    taps.count = 2;
    taps.weight = {1 - (at - floor), at - floor};
  } else {
    taps.count = 4;
    taps.weight = CubicWeights(at - floor);
    first -= 1;
  }
  for (size_t i = 0; i < taps.count; ++i)
    taps.element[i] = ElementAt(first + static_cast<double>(i), axis, border);
  return taps;
}

// Sum over all combinations of taps of weight * element, the last axis fastest.
double SampleMap(const double* map, const Shape& x,
                 const std::array<GridTaps, kMaxRank>& taps, size_t axis,
                 int64_t position) {
  if (axis == x.rank()) return map[position];
  double sum = 0;
  for (size_t i = 0; i < taps[axis].count; ++i) {
    const int64_t element = taps[axis].element[i];
    if (element < 0) continue;
    sum += taps[axis].weight[i] *
           SampleMap(map, x, taps, axis + 1, position * x[axis] + element);
  }
  return sum;
}

Status ReferenceGridSample(const OpView& op, const RefTensors& tensors) {
  const auto& attributes = op.attributes<fbs::Sampling>();
  const Shape& x = tensors.in[0].shape;
  const size_t spatial = x.rank() - 2;
  const std::vector<double> values = LoadDoubles(tensors.in[0]);
  const std::vector<double> grid = LoadDoubles(tensors.in[1]);
  std::vector<double> result(
      static_cast<size_t>(tensors.out[0].shape.NumElements()));
  if (result.empty()) return Status();
  const int64_t map_size = x.NumElements(2, x.rank());
  const int64_t points =
      tensors.out[0].shape.NumElements(2, tensors.out[0].shape.rank());
  for (int64_t n = 0; n < x[0]; ++n) {
    for (int64_t p = 0; p < points; ++p) {
      // The grid names the last axis first.
      const double* at =
          grid.data() + (n * points + p) * static_cast<int64_t>(spatial);
      std::array<GridTaps, kMaxRank> taps;
      for (size_t axis = 0; axis < spatial; ++axis) {
        taps[axis + 2] = TapsOf(at[spatial - 1 - axis],
                                GridAxis{x[axis + 2], 0, 0}, attributes);
      }
      for (int64_t c = 0; c < x[1]; ++c) {
        const int64_t map = n * x[1] + c;
        result[static_cast<size_t>(map * points + p)] =
            SampleMap(values.data() + map * map_size, x, taps, 2, 0);
      }
    }
  }
  StoreDoubles(std::move(result), tensors.out[0]);
  return Status();
}

// ---- affine_grid: y[n, o..., i] = sum over k of theta[n, i, k] * [x, y, ...,
// 1][k] ----

Expected<std::vector<TensorType>> InferAffineGrid(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 2, 2));
  ANEREF_TRY(RequireFloating(op, 0, 3));
  ANEREF_ASSIGN(const std::vector<int64_t> size,
                ListOf<int32_t>(op, 1, nullptr));
  const Shape& theta = op.In(0).shape;
  const auto spatial = static_cast<int64_t>(size.size()) - 2;
  if (spatial < 1 || theta[0] != size[0] || theta[1] != spatial ||
      theta[2] != spatial + 1) {
    return ShapeError("theta " + theta.ToString() +
                      " does not fit a size of rank " +
                      std::to_string(size.size()));
  }
  std::vector<int64_t> dims = size;
  dims.erase(dims.begin() + 1);
  dims.push_back(spatial);
  return OneOutput(op.In(0).dtype, dims);
}

// Element i of n, between -1 and 1.
double Normalized(int64_t i, int64_t n, bool align_corners) {
  const double at = static_cast<double>(i), extent = static_cast<double>(n);
  if (!align_corners) return (2 * at + 1) / extent - 1;
  return n == 1 ? 0 : 2 * at / (extent - 1) - 1;
}

Status ReferenceAffineGrid(const OpView& op, const RefTensors& tensors) {
  const bool align_corners = op.attributes<fbs::Sampling>().align_corners();
  const Shape& out = tensors.out[0].shape;
  const size_t spatial = out.rank() - 2;
  const std::vector<double> theta = LoadDoubles(tensors.in[0]);
  std::vector<double> result;
  result.reserve(static_cast<size_t>(out.NumElements()));
  ForEachIndex(out, [&](const Index& to) {
    const auto line = static_cast<size_t>(to[0]) * spatial +
                      static_cast<size_t>(to[spatial + 1]);
    const double* row = theta.data() + line * (spatial + 1);
    double sum = 0;
    for (size_t k = 0; k < spatial; ++k) {
      const size_t axis = spatial - k;  // x is the last axis
      sum += row[k] * Normalized(to[axis], out[axis], align_corners);
    }
    result.push_back(sum + row[spatial]);
  });
  StoreDoubles(std::move(result), tensors.out[0]);
  return Status();
}

}  // namespace

const SamplingKindDef kGridSample = {InferGridSample, ReferenceGridSample};
const SamplingKindDef kAffineGrid = {InferAffineGrid, ReferenceAffineGrid};

}  // namespace aneref
