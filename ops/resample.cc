// Resizing by interpolation along any axes (P16): nearest, linear and cubic in
// every coordinate mode of ONNX's Resize. Not sampling at given positions
// (grids, regions of interest).
#include "ops/kernels/resample.h"

#include <algorithm>
#include <cmath>

#include "ops/kernels/reduce_lattice.h"
#include "ops/op.h"
#include "runtime/core/convert.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

using Mode = fbs::ResampleMode;
using Coordinate = fbs::CoordinateMode;

// How one axis is resized.
struct AxisPlan {
  bool resized = false;
  bool named = false;  // one of the op's axes
  int64_t in = 1;
  int64_t out = 1;
  double scale = 1.0;
  double length = 1.0;  // of the output before it was made whole
  double start = 0.0;   // region of interest, as fractions of the input
  double end = 1.0;
};

struct Plan {
  std::vector<AxisPlan> axes;
  Shape output;
};

// ---- sizes ----

bool HasElements(const OpView& op, size_t i) {
  return op.HasInput(i) && op.In(i).shape.NumElements() > 0;
}

Status WrongLength(const char* what, size_t length, size_t wanted) {
  return ShapeError(std::string(what) + " has " + std::to_string(length) +
                    " values for " + std::to_string(wanted) + " axes");
}

Expected<std::vector<size_t>> AxesOf(const OpView& op) {
  const size_t rank = op.In(0).shape.rank();
  std::vector<size_t> axes;
  for (int64_t axis : ToInts(op.attributes<fbs::Resample>().axes())) {
    ANEREF_ASSIGN(const size_t normal, NormalizeAxis(axis, rank));
    if (std::find(axes.begin(), axes.end(), normal) != axes.end()) {
      return ShapeError("axis " + std::to_string(axis) + " is named twice");
    }
    axes.push_back(normal);
  }
  if (axes.empty()) {
    for (size_t i = 0; i < rank; ++i) axes.push_back(i);
  }
  return axes;
}

Status SetRegion(const OpView& op, const std::vector<size_t>& axes,
                 Plan* plan) {
  if (op.attributes<fbs::Resample>().coordinate_mode() !=
      Coordinate::tf_crop_and_resize)
    return Status();
  if (!HasElements(op, 1))
    return ShapeError("tf_crop_and_resize needs a region of interest");
  ANEREF_ASSIGN(const std::vector<float> roi, op.KnownFloats(1, 2 * kMaxRank));
  if (roi.size() != 2 * axes.size())
    return WrongLength("the region of interest", roi.size(), 2 * axes.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    if (!std::isfinite(roi[i]) || !std::isfinite(roi[i + axes.size()]))
      return ShapeError("a region that is not finite");
    plan->axes[axes[i]].start = static_cast<double>(roi[i]);
    plan->axes[axes[i]].end = static_cast<double>(roi[i + axes.size()]);
  }
  return Status();
}

Status SetFromSizes(const std::vector<int64_t>& sizes,
                    const std::vector<size_t>& axes, fbs::AspectPolicy policy,
                    Plan* plan) {
  if (sizes.size() != axes.size())
    return WrongLength("sizes", sizes.size(), axes.size());
  double common = policy == fbs::AspectPolicy::not_larger ? HUGE_VAL : 0.0;
  for (size_t i = 0; i < axes.size(); ++i) {
    AxisPlan& axis = plan->axes[axes[i]];
    axis.out = sizes[i];
    if (sizes[i] < 0 || sizes[i] > kMaxElements)
      return ShapeError("a size of " + std::to_string(sizes[i]));
    axis.length = static_cast<double>(sizes[i]);
    axis.scale =
        axis.in == 0 ? 1.0 : axis.length / static_cast<double>(axis.in);
    common = policy == fbs::AspectPolicy::not_larger
                 ? std::min(common, axis.scale)
                 : std::max(common, axis.scale);
  }
  if (policy == fbs::AspectPolicy::stretch) return Status();
  for (size_t i : axes) {
    AxisPlan& axis = plan->axes[i];
    axis.scale = common;
    axis.length = common * static_cast<double>(axis.in);
    if (!(axis.length <= static_cast<double>(kMaxElements)))
      return LimitError("an output beyond all bounds");
    axis.out = static_cast<int64_t>(std::floor(axis.length + 0.5));
  }
  return Status();
}

Status SetFromScales(const std::vector<float>& scales,
                     const std::vector<size_t>& axes, Plan* plan) {
  if (scales.size() != axes.size())
    return WrongLength("scales", scales.size(), axes.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    AxisPlan& axis = plan->axes[axes[i]];
    if (!std::isfinite(scales[i]) || scales[i] <= 0.0f)
      return ShapeError("a scale of " + std::to_string(scales[i]));
    axis.scale = static_cast<double>(scales[i]);
    axis.length = axis.scale * static_cast<double>(axis.in);
    // The size is a product in fp32, as a third of nine must be three.
    const float extent =
        static_cast<float>(axis.in) * static_cast<float>(axis.end - axis.start);
    const float size = std::floor(extent * scales[i]);
    if (!(size >= 0.0f && size <= static_cast<float>(kMaxElements)))
      return LimitError("an output beyond all bounds");
    axis.out = static_cast<int64_t>(size);
  }
  return Status();
}

int64_t NumTaps(const fbs::Resample& attributes, const AxisPlan& axis);

// Taps of one axis that are kept at once: 16 bytes each.
constexpr int64_t kMostTaps = int64_t{1} << 25;

Status CheckAxis(const fbs::Resample& attributes, AxisPlan* axis) {
  if (axis->in == 0 && axis->out > 0)
    return ShapeError("an empty axis cannot grow");
  const bool is_whole =
      attributes.coordinate_mode() != Coordinate::tf_crop_and_resize ||
      (axis->start == 0.0 && axis->end == 1.0);
  const bool moves = axis->named && attributes.coordinate_mode() ==
                                        Coordinate::coreml_offset_corners;
  axis->resized =
      axis->in != axis->out || axis->scale != 1.0 || !is_whole || moves;
  if (!axis->resized) return Status();
  const int64_t num_taps = NumTaps(attributes, *axis);
  if (num_taps > kMostTaps || axis->out > kMostTaps / num_taps) {
    return LimitError("an axis of " + std::to_string(axis->in) +
                      " resized to " + std::to_string(axis->out) +
                      " takes more taps than " + std::to_string(kMostTaps));
  }
  return Status();
}

Expected<Plan> MakePlan(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Resample>();
  const Shape& x = op.In(0).shape;
  ANEREF_ASSIGN(const std::vector<size_t> axes, AxesOf(op));
  Plan plan;
  for (size_t i = 0; i < x.rank(); ++i) {
    plan.axes.push_back(
        {false, false, x[i], x[i], 1.0, static_cast<double>(x[i]), 0.0, 1.0});
  }
  for (size_t i : axes) plan.axes[i].named = true;
  ANEREF_TRY(SetRegion(op, axes, &plan));
  std::vector<int64_t> sizes = ToInts(attributes.sizes());
  std::vector<float> scales;
  if (attributes.scales() != nullptr)
    scales.assign(attributes.scales()->begin(), attributes.scales()->end());
  if (HasElements(op, 3)) {
    ANEREF_ASSIGN(sizes, op.KnownInts(3, kMaxRank));
  } else if (HasElements(op, 2)) {
    ANEREF_ASSIGN(scales, op.KnownFloats(2, kMaxRank));
    sizes.clear();
  }
  if (!sizes.empty()) {
    ANEREF_TRY(SetFromSizes(sizes, axes, attributes.aspect_policy(), &plan));
  } else {
    ANEREF_TRY(SetFromScales(scales, axes, &plan));
  }
  std::vector<int64_t> dims;
  for (AxisPlan& axis : plan.axes) {
    ANEREF_TRY(CheckAxis(attributes, &axis));
    dims.push_back(axis.out);
  }
  ANEREF_ASSIGN(plan.output, MakeShape(dims));
  return plan;
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Resample>();
  ANEREF_TRY(CheckInputs(op, 1, 4));
  if (op.num_outputs() != 1)
    return ShapeError("has " + std::to_string(op.num_outputs()) +
                      " outputs, not 1");
  if (attributes.mode() > Mode::MAX ||
      attributes.coordinate_mode() > Coordinate::MAX ||
      attributes.nearest_mode() > fbs::NearestMode::MAX ||
      attributes.aspect_policy() > fbs::AspectPolicy::MAX) {
    return Unsupported("an unknown mode");
  }
  if (attributes.mode() != Mode::nearest && op.In(0).dtype == DataType::kBool) {
    return Unsupported("interpolation of bool");
  }
  ANEREF_ASSIGN(const Plan plan, MakePlan(op));
  return std::vector<TensorType>{{op.In(0).dtype, plan.output}};
}

// ---- coordinates and weights, in double but for nearest (P16) ----

// Nearest neighbours divide in fp32, as other runtimes do: a scale of 0.6 is
// fp32's, 2.4e-8 more than what is meant, and 3 / 0.6 has to reach element 5.
double SourceOf(const fbs::Resample& attributes, const AxisPlan& axis,
                int64_t output) {
  const Coordinate mode = attributes.coordinate_mode();
  const auto unscaled = [&](double place) {
    return attributes.mode() == Mode::nearest
               ? double{static_cast<float>(place) /
                        static_cast<float>(axis.scale)}
               : place / axis.scale;
  };
  const auto o = static_cast<double>(output), in = static_cast<double>(axis.in),
             out = static_cast<double>(axis.out);
  switch (mode) {
    case Coordinate::align_corners:
      return axis.out == 1 ? 0.0 : o * (in - 1.0) / (axis.length - 1.0);
    case Coordinate::asymmetric:
      return unscaled(o);
    case Coordinate::tf_half_pixel_for_nn:
      return unscaled(o + 0.5);
    case Coordinate::pytorch_half_pixel:
      return axis.out == 1 ? 0.0 : unscaled(o + 0.5) - 0.5;
    case Coordinate::half_pixel_symmetric: {
      const double offset = in / 2.0 * (1.0 - out / axis.length);
      if (attributes.mode() == Mode::nearest)
        return double{static_cast<float>(offset + unscaled(o + 0.5))} - 0.5;
      return offset + unscaled(o + 0.5) - 0.5;
    }
    case Coordinate::coreml_upsample:
      return axis.out == 1 ? 0.0 : o * (in - in / out) / (out - 1.0);
    case Coordinate::coreml_offset_corners:
      return (o + 0.5) * std::max(1.0, in - 1.0) / out;
    case Coordinate::align_corners_or_middle:
      return axis.out == 1 ? (in - 1.0) / 2.0 : o * (in - 1.0) / (out - 1.0);
    case Coordinate::tf_crop_and_resize:
      if (axis.out == 1) return 0.5 * (axis.start + axis.end) * (in - 1.0);
      return axis.start * (in - 1.0) +
             o * (axis.end - axis.start) * (in - 1.0) / (out - 1.0);
    default:
      return unscaled(o + 0.5) - 0.5;
  }
}

int64_t NearestOf(fbs::NearestMode mode, double x) {
  const double floor = std::floor(x);
  const double rest = x - floor;
  bool up = false;
  if (mode == fbs::NearestMode::round_prefer_floor) up = rest > 0.5;
  if (mode == fbs::NearestMode::round_prefer_ceil) up = rest >= 0.5;
  if (mode == fbs::NearestMode::ceil) up = rest > 0.0;
  return static_cast<int64_t>(floor) + (up ? 1 : 0);
}

// Keys' kernel, the triangle for linear; x is the distance in input elements
// (or stretched ones, antialiased).
double KernelOf(const fbs::Resample& attributes, double x) {
  const double d = std::fabs(x);
  if (attributes.mode() == Mode::linear) return std::max(0.0, 1.0 - d);
  const auto a = static_cast<double>(attributes.cubic_coefficient());
  if (d <= 1.0) return ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
  if (d < 2.0) return ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a;
  return 0.0;
}

// The factor by which the kernel shrinks (1: it keeps its width).
double StretchOf(const fbs::Resample& attributes, const AxisPlan& axis) {
  return attributes.antialias() ? std::min(axis.scale, 1.0) : 1.0;
}

// First tap relative to the element at or before the source coordinate.
double FirstTap(const fbs::Resample& attributes, const AxisPlan& axis) {
  const double radius = attributes.mode() == Mode::linear ? 1.0 : 2.0;
  return std::floor(-radius / StretchOf(attributes, axis)) + 1.0;
}

int64_t NumTaps(const fbs::Resample& attributes, const AxisPlan& axis) {
  if (!axis.resized || attributes.mode() == Mode::nearest) return 1;
  return static_cast<int64_t>(
      std::min(2.0 - 2.0 * FirstTap(attributes, axis), 1e15));
}

// Appends the taps of source coordinate x.
void AppendTaps(const fbs::Resample& attributes, const AxisPlan& axis, double x,
                AxisTaps* taps) {
  const double last = static_cast<double>(axis.in - 1);
  x = std::clamp(x, -static_cast<double>(axis.in) - 1.0,
                 2.0 * static_cast<double>(axis.in));
  if (attributes.mode() == Mode::nearest) {
    taps->indices.push_back(std::clamp<int64_t>(
        NearestOf(attributes.nearest_mode(), x), 0, axis.in - 1));
    taps->weights.push_back(1.0);
    return;
  }
  // Beyond the border a linear tap and its neighbour are the same element.
  if (attributes.mode() == Mode::linear && !attributes.antialias())
    x = std::clamp(x, 0.0, last);
  const double base = std::floor(x), first = FirstTap(attributes, axis),
               stretch = StretchOf(attributes, axis);
  const size_t begin = taps->weights.size();
  double sum = 0.0;
  for (int64_t i = 0; i < taps->num_taps; ++i) {
    const double offset = first + static_cast<double>(i);
    const double position = base + offset;
    const bool outside = position < 0.0 || position > last;
    double weight = KernelOf(attributes, (offset - (x - base)) * stretch);
    if (outside && attributes.exclude_outside()) weight = 0.0;
    taps->indices.push_back(
        static_cast<int64_t>(std::clamp(position, 0.0, last)));
    taps->weights.push_back(weight);
    sum += weight;
  }
  if (!attributes.antialias() && !attributes.exclude_outside()) return;
  for (size_t i = begin; i < taps->weights.size() && sum != 0.0; ++i)
    taps->weights[i] /= sum;
}

// `outside` gets a flag per output that takes the extrapolation value.
AxisTaps TapsOf(const fbs::Resample& attributes, const AxisPlan& axis,
                std::vector<bool>* outside) {
  AxisTaps taps{axis.in, axis.out, NumTaps(attributes, axis), {}, {}};
  for (int64_t o = 0; o < axis.out; ++o) {
    outside->push_back(false);
    if (!axis.resized) {
      taps.indices.push_back(o);
      taps.weights.push_back(1.0);
      continue;
    }
    const double x = SourceOf(attributes, axis, o);
    if (attributes.coordinate_mode() == Coordinate::tf_crop_and_resize) {
      outside->back() = !(x >= 0.0 && x <= static_cast<double>(axis.in - 1));
    }
    AppendTaps(attributes, axis, x, &taps);
  }
  return taps;
}

struct Taps {
  std::vector<AxisTaps> axes;
  std::vector<std::vector<bool>> outside;
};

Taps TapsOf(const fbs::Resample& attributes, const Plan& plan) {
  Taps taps;
  taps.outside.resize(plan.axes.size());
  for (size_t i = 0; i < plan.axes.size(); ++i) {
    taps.axes.push_back(TapsOf(attributes, plan.axes[i], &taps.outside[i]));
  }
  return taps;
}

// ---- reference ----

// Visits the taps of output position `at` in row-major order: `visit(flat input
// index, weight)`.
template <class Visit>
void ForEachTap(const std::vector<AxisTaps>& axes,
                const std::vector<int64_t>& at, size_t axis, int64_t index,
                double weight, const Visit& visit) {
  if (axis == axes.size()) return visit(index, weight);
  const AxisTaps& taps = axes[axis];
  for (int64_t tap = 0; tap < taps.num_taps; ++tap) {
    const auto i = static_cast<size_t>(at[axis] * taps.num_taps + tap);
    ForEachTap(axes, at, axis + 1, index * taps.in + taps.indices[i],
               weight * taps.weights[i], visit);
  }
}

std::byte* ElementOf(const TensorView& view, int64_t flat) {
  const int64_t width = view.width();
  return view.Row<std::byte>(flat / width) +
         static_cast<size_t>(flat % width) * ElementSize(view.dtype);
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  const auto& attributes = op.attributes<fbs::Resample>();
  ANEREF_ASSIGN(const Plan plan, MakePlan(op));
  const Taps taps = TapsOf(attributes, plan);
  const TensorView& x = tensors.in[0];
  const TensorView& y = tensors.out[0];
  const std::vector<float> values =
      attributes.mode() == Mode::nearest ? std::vector<float>() : LoadFloats(x);
  std::vector<int64_t> at(plan.axes.size());
  const int64_t count = plan.output.NumElements();
  for (int64_t flat = 0; flat < count; ++flat) {
    bool is_outside = false;
    int64_t rest = flat;
    for (size_t i = at.size(); i-- > 0; rest /= plan.output[i]) {
      at[i] = rest % plan.output[i];
      is_outside = is_outside || taps.outside[i][static_cast<size_t>(at[i])];
    }
    if (attributes.mode() == Mode::nearest && !is_outside) {
      ForEachTap(taps.axes, at, 0, 0, 1.0, [&](int64_t index, double) {
        std::memcpy(ElementOf(y, flat), ElementOf(x, index),
                    ElementSize(x.dtype));
      });
      continue;
    }
    float sum = is_outside ? attributes.extrapolation_value() : 0.0f;
    if (!is_outside) {
      ForEachTap(taps.axes, at, 0, 0, 1.0, [&](int64_t index, double weight) {
        const float product =
            static_cast<float>(weight) * values[static_cast<size_t>(index)];
        sum += product;
      });
    }
    if (y.dtype == DataType::kFloat16) {
      *reinterpret_cast<uint16_t*>(ElementOf(y, flat)) = StoreHalf(sum);
      continue;
    }
    sum = CanonicalNan(sum);
    ConvertElements(DataType::kFloat32, &sum, y.dtype, ElementOf(y, flat), 1);
  }
  return Status();
}

// ---- lowering ----

constexpr int64_t kUnitElements = 16384;

void AddTask(const Kernel& kernel, std::shared_ptr<const void> args,
             int64_t num_units, TaskSpec task, TaskBuilder* builder) {
  task.kernel = &kernel;
  task.args = std::move(args);
  task.num_units = num_units;
  task.in = {InputOperand(0)};
  task.out = {OutputOperand(0)};
  builder->Add(std::move(task));
}

void LowerNearest(const Plan& plan, Taps taps, TaskBuilder* builder) {
  auto args = std::make_shared<ResampleNearestArgs>();
  if (taps.axes.empty()) taps.axes.push_back({1, 1, 1, {0}, {1.0}});
  args->columns = std::move(taps.axes.back().indices);
  taps.axes.pop_back();
  for (AxisTaps& axis : taps.axes)
    args->outer.push_back(std::move(axis.indices));
  args->copies_rows = args->doubles_rows = true;
  for (size_t i = 0; i < args->columns.size(); ++i) {
    args->copies_rows =
        args->copies_rows && args->columns[i] == static_cast<int64_t>(i);
    args->doubles_rows =
        args->doubles_rows && args->columns[i] == static_cast<int64_t>(i / 2);
  }
  args->doubles_rows = args->doubles_rows && args->columns.size() % 2 == 0;
  const int64_t rows = plan.output.NumRows();
  args->rows_per_unit =
      std::max<int64_t>(1, kUnitElements / plan.output.back());
  const int64_t num_units =
      (rows + args->rows_per_unit - 1) / args->rows_per_unit;
  AddTask(kResampleNearestKernel, std::move(args), num_units, TaskSpec(),
          builder);
}

// False when more than the last two axes are resized, or the taps are too many
// to keep.
bool LowerTaps(const Plan& plan, Taps taps, TaskBuilder* builder) {
  auto args = std::make_shared<ResampleTapsArgs>();
  args->rows = {1, 1, 1, {0}, {1.0}};
  const size_t rank = plan.axes.size();
  for (size_t i = 0; i < rank; ++i) {
    if (i + 2 < rank && plan.axes[i].resized) return false;
    if (i + 2 < rank) args->num_planes *= plan.axes[i].in;
    if (i + 2 == rank) args->rows = std::move(taps.axes[i]);
    if (i + 1 == rank) args->columns = std::move(taps.axes[i]);
  }
  const AxisTaps& columns = args->columns;
  if (rank == 0 || columns.in > INT32_MAX) return false;
  for (int64_t c = 0; c < columns.num_taps; ++c) {
    for (int64_t ow = 0; ow < columns.out; ++ow) {
      const int64_t index =
          columns.indices[static_cast<size_t>(ow * columns.num_taps + c)];
      args->column_indices.push_back(static_cast<int32_t>(index));
    }
  }
  // A unit's weights should stay in L2 and serve all planes; its elements
  // should be worth a unit.
  const int64_t num_taps = columns.num_taps * args->rows.num_taps;
  const int64_t worth =
      kUnitElements / std::max<int64_t>(1, columns.out * args->num_planes);
  const int64_t fitting = 65536 / std::max<int64_t>(1, num_taps * columns.out);
  args->rows_per_unit =
      std::max<int64_t>(1, std::min(std::max<int64_t>(worth, 8), fitting));
  TaskSpec task;
  task.scratch_bytes = ResampleTapsScratch(*args);
  if (task.scratch_bytes == SIZE_MAX) return false;
  task.flops = 2.0 * static_cast<double>(plan.output.NumElements()) *
               static_cast<double>(num_taps);
  const int64_t num_units =
      (args->rows.out + args->rows_per_unit - 1) / args->rows_per_unit;
  AddTask(kResampleTapsKernel, std::move(args), num_units, std::move(task),
          builder);
  return true;
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const Plan plan, MakePlan(op));
  if (plan.output.NumElements() == 0) return Status();
  Taps taps = TapsOf(op.attributes<fbs::Resample>(), plan);
  bool any_outside = false;
  for (const std::vector<bool>& axis : taps.outside) {
    any_outside =
        any_outside || std::find(axis.begin(), axis.end(), true) != axis.end();
  }
  const DataType type = op.In(0).dtype;
  if (any_outside) return LowerToReference(op, Reference, builder);
  if (op.attributes<fbs::Resample>().mode() == Mode::nearest) {
    LowerNearest(plan, std::move(taps), builder);
    return Status();
  }
  const bool has_kernel =
      type == DataType::kFloat16 || type == DataType::kFloat32;
  if (has_kernel && LowerTaps(plan, std::move(taps), builder)) return Status();
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef resample_op = {
    "resample", "Resizes axes by nearest, linear or cubic interpolation.",
    Infer, Lower, Reference};

}  // namespace aneref
