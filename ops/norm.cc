// Normalisations (P11): batch, instance, layer, group, RMS, Lp, across channels
// (LRN) and mean-variance. Batch normalisation uses the given statistics;
// training is not here. Softmax is ops/softmax.cc.
#include "ops/kernels/norm.h"

#include <cmath>

#include "ops/kernels/reduce_lattice.h"
#include "ops/op.h"

namespace aneref {
namespace {

using Kind = fbs::NormKind;

bool IsLayer(Kind kind) { return kind == Kind::layer || kind == Kind::rms; }
bool IsGroup(Kind kind) {
  return kind == Kind::instance || kind == Kind::group;
}

int64_t ChannelsOf(const Shape& x) { return x.rank() > 1 ? x[1] : 1; }

// Groups that lie one after the other in memory, for the kinds layer, rms,
// instance and group.
struct Groups {
  int64_t count = 0;     // of groups
  int64_t elements = 0;  // of one
};

Expected<Groups> GroupsOf(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Norm>();
  const Shape& x = op.In(0).shape;
  size_t first = 2;
  int64_t parts = 1;  // of the axes from `first` on
  if (IsLayer(attributes.kind())) {
    ANEREF_ASSIGN(first, NormalizeAxis(attributes.axis(), x.rank()));
  } else if (attributes.kind() == Kind::group) {
    if (x.rank() < 2 || attributes.groups() < 1 ||
        x[1] % attributes.groups() != 0) {
      return ShapeError(std::to_string(attributes.groups()) +
                        " groups do not divide the channels of " +
                        x.ToString());
    }
    first = 1;
    parts = attributes.groups();
  } else if (x.rank() < 3) {
    return ShapeError("instance normalisation needs spatial axes, not " +
                      x.ToString());
  }
  return Groups{x.NumElements(0, first) * parts,
                x.NumElements(first, x.rank()) / parts};
}

Expected<std::array<bool, kMaxRank>> AxesOf(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Norm>();
  std::vector<int64_t> axes = {attributes.axis()};
  if (attributes.kind() == Kind::mean_variance)
    axes = ToInts(attributes.axes());
  if (axes.empty()) axes = {0, 2, 3};
  std::array<bool, kMaxRank> normalised{};
  for (int64_t axis : axes) {
    ANEREF_ASSIGN(const size_t normal,
                  NormalizeAxis(axis, op.In(0).shape.rank()));
    if (normalised[normal])
      return ShapeError("axis " + std::to_string(axis) + " is named twice");
    normalised[normal] = true;
  }
  return normalised;
}

// ---- checks ----

Status CheckParameters(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Norm>();
  const Shape& x = op.In(0).shape;
  const bool per_group =
      attributes.kind() == Kind::group && attributes.per_group_scale();
  const int64_t length = per_group ? attributes.groups() : ChannelsOf(x);
  for (size_t i = 1; i < op.num_inputs(); ++i) {
    if (!op.HasInput(i)) continue;
    const TensorType& type = op.In(i);
    if (!IsFloating(type.dtype))
      return ShapeError("input " + std::to_string(i) +
                        " must be floating: " + type.ToString());
    bool fits = type.shape == Shape{length};
    if (IsLayer(attributes.kind())) {
      const Expected<Shape> both = BroadcastShapes(x, type.shape);
      fits = both.ok() && *both == x;
    }
    if (!fits) {
      return ShapeError("input " + std::to_string(i) + ", " + type.ToString() +
                        ", does not fit " + x.ToString());
    }
  }
  return Status();
}

Status CheckAttributes(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Norm>();
  const Kind kind = attributes.kind();
  if (IsLayer(kind) || IsGroup(kind)) return GroupsOf(op).status();
  if (kind == Kind::lp && attributes.p() != 1 && attributes.p() != 2) {
    return Unsupported("p is " + std::to_string(attributes.p()) +
                       "; 1 and 2 are known");
  }
  if (kind == Kind::lp || kind == Kind::mean_variance)
    return AxesOf(op).status();
  if (kind != Kind::lrn) return Status();
  if (attributes.size() < 1)
    return ShapeError("size is " + std::to_string(attributes.size()) +
                      ", at least 1 is needed");
  return op.In(0).shape.rank() < 2
             ? ShapeError("has no channel axis: " + op.In(0).shape.ToString())
             : Status();
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  const Kind kind = op.attributes<fbs::Norm>().kind();
  if (kind > Kind::MAX) return Unsupported("an unknown kind of normalisation");
  const size_t most = kind == Kind::batch              ? 5
                      : IsLayer(kind) || IsGroup(kind) ? 3
                                                       : 1;
  ANEREF_TRY(CheckInputs(op, kind == Kind::batch ? 5 : 1, most));
  if (!IsFloating(op.In(0).dtype))
    return Unsupported("normalisation of " + op.In(0).ToString());
  const size_t most_outputs = kind == Kind::layer ? 3 : 1;
  if (op.num_outputs() < 1 || op.num_outputs() > most_outputs) {
    return ShapeError("has " + std::to_string(op.num_outputs()) +
                      " outputs, at most " + std::to_string(most_outputs));
  }
  ANEREF_TRY(CheckAttributes(op));
  ANEREF_TRY(CheckParameters(op));
  std::vector<TensorType> types = {op.In(0)};
  if (op.num_outputs() > 1) {
    TensorType moments = op.In(0);
    ANEREF_ASSIGN(
        const size_t first,
        NormalizeAxis(op.attributes<fbs::Norm>().axis(), moments.shape.rank()));
    for (size_t i = first; i < moments.shape.rank(); ++i) moments.shape[i] = 1;
    while (types.size() < op.num_outputs()) types.push_back(moments);
  }
  return types;
}

// ---- reference ----

// P2 and P15.
void StoreResults(std::vector<float> values, const TensorView& view) {
  for (float& value : values) value = CanonicalNan(value);
  StoreFloats(values, view);
}

// The elements of `view` broadcast to shape `x`, for layer and rms.
std::vector<float> BroadcastFloats(const TensorView& view, const Shape& x) {
  const std::vector<float> values = LoadFloats(view);
  std::vector<float> result(static_cast<size_t>(x.NumElements()));
  const size_t leading = x.rank() - view.shape.rank();
  for (size_t flat = 0; flat < result.size(); ++flat) {
    auto rest = static_cast<int64_t>(flat);
    int64_t index = 0, stride = 1;
    for (size_t i = x.rank(); i-- > leading; rest /= x[i]) {
      const int64_t extent = view.shape[i - leading];
      if (extent > 1) index += rest % x[i] * stride;
      stride *= extent;
    }
    result[flat] = values[static_cast<size_t>(index)];
  }
  return result;
}

// Scale or bias, one per element of x; empty when absent.
std::vector<float> OperandPerElement(const OpView& op,
                                     const RefTensors& tensors, size_t i,
                                     const Groups& groups) {
  if (i >= tensors.in.size() || tensors.in[i].data == nullptr) return {};
  const auto& attributes = op.attributes<fbs::Norm>();
  const Shape& x = tensors.in[0].shape;
  if (IsLayer(attributes.kind())) return BroadcastFloats(tensors.in[i], x);
  const std::vector<float> values = LoadFloats(tensors.in[i]);
  const bool per_group =
      attributes.kind() == Kind::group && attributes.per_group_scale();
  const int64_t run =
      per_group ? groups.elements
                : x.NumElements(2, x.rank());  // elements that share a value
  std::vector<float> result(static_cast<size_t>(x.NumElements()));
  for (size_t flat = 0; flat < result.size(); ++flat) {
    result[flat] = values[flat / static_cast<size_t>(run) % values.size()];
  }
  return result;
}

Status ReferenceGroups(const OpView& op, const RefTensors& tensors) {
  const auto& attributes = op.attributes<fbs::Norm>();
  ANEREF_ASSIGN(const Groups groups, GroupsOf(op));
  std::vector<float> x = LoadFloats(tensors.in[0]);
  const std::vector<float> scale = OperandPerElement(op, tensors, 1, groups);
  const std::vector<float> bias = OperandPerElement(op, tensors, 2, groups);
  const auto elements = static_cast<size_t>(groups.elements);
  const auto count = static_cast<float>(groups.elements);
  std::vector<float> means, inverses;
  for (size_t first = 0; means.size() < static_cast<size_t>(groups.count);
       first += elements) {
    float mean = 0.0f;
    if (attributes.kind() != Kind::rms) {
      mean = ReduceInOrder(LatticeOp::kSum, 0.0f, x.data() + first, elements) /
             count;
    }
    const float variance = ReduceInOrder(LatticeOp::kSumCenteredSquares, mean,
                                         x.data() + first, elements) /
                           count;
    const float r = 1.0f / std::sqrt(variance + attributes.epsilon());
    means.push_back(mean);
    inverses.push_back(r);
    for (size_t i = first; i < first + elements; ++i) {
      const float d = x[i] - mean;
      x[i] = d * r;
      if (!scale.empty()) x[i] *= scale[i];
      if (!bias.empty()) x[i] += bias[i];
    }
  }
  StoreResults(x, tensors.out[0]);
  if (tensors.out.size() > 1 && tensors.out[1].data != nullptr)
    StoreResults(means, tensors.out[1]);
  if (tensors.out.size() > 2 && tensors.out[2].data != nullptr)
    StoreResults(inverses, tensors.out[2]);
  return Status();
}

Status ReferenceBatch(const OpView& op, const RefTensors& tensors) {
  const float epsilon = op.attributes<fbs::Norm>().epsilon();
  const Shape& shape = tensors.in[0].shape;
  std::vector<float> x = LoadFloats(tensors.in[0]);
  const std::vector<float> scale = LoadFloats(tensors.in[1]),
                           bias = LoadFloats(tensors.in[2]);
  const std::vector<float> mean = LoadFloats(tensors.in[3]),
                           variance = LoadFloats(tensors.in[4]);
  const auto run = static_cast<size_t>(
      shape.rank() > 2 ? shape.NumElements(2, shape.rank()) : 1);
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t c = i / run % scale.size();
    const float a = scale[c] / std::sqrt(variance[c] + epsilon);
    const float shift = mean[c] * a;
    const float b = bias[c] - shift;
    const float product = x[i] * a;
    x[i] = product + b;
  }
  StoreResults(x, tensors.out[0]);
  return Status();
}

Status ReferenceLrn(const OpView& op, const RefTensors& tensors) {
  const auto& attributes = op.attributes<fbs::Norm>();
  const Shape& shape = tensors.in[0].shape;
  const std::vector<float> x = LoadFloats(tensors.in[0]);
  std::vector<float> y(x.size());
  const int64_t run = shape.NumElements(2, shape.rank()), channels = shape[1],
                size = attributes.size();
  const float step = attributes.alpha() / static_cast<float>(size);
  for (size_t i = 0; i < x.size(); ++i) {
    const auto flat = static_cast<int64_t>(i);
    const int64_t c = flat / run % channels;
    float sum = 0.0f;
    for (int64_t j = std::max<int64_t>(0, c - (size - 1) / 2);
         j <= std::min(channels - 1, c + size / 2); ++j) {
      const float value = x[static_cast<size_t>(flat + (j - c) * run)];
      const float square = value * value;
      sum += square;
    }
    const float scaled = step * sum;
    y[i] = x[i] / LrnPower(attributes.k() + scaled, attributes.beta());
  }
  StoreResults(y, tensors.out[0]);
  return Status();
}

// Lp: x / norm, 0 for a zero norm. Mean-variance: (x - mean) / (sqrt(variance)
// + epsilon).
void NormalizeSome(const fbs::Norm& attributes, std::vector<float>* elements) {
  const auto reduce = [&](LatticeOp op, float shift) {
    return ReduceInOrder(op, shift, elements->data(), elements->size());
  };
  if (attributes.kind() == Kind::lp) {
    const float sum = reduce(
        attributes.p() == 1 ? LatticeOp::kSumAbs : LatticeOp::kSumSquares,
        0.0f);
    const float norm = attributes.p() == 1 ? sum : std::sqrt(sum);
    for (float& x : *elements) x = norm == 0.0f ? 0.0f : x / norm;
    return;
  }
  const auto count = static_cast<float>(elements->size());
  const float mean = reduce(LatticeOp::kSum, 0.0f) / count;
  const float deviation =
      std::sqrt(reduce(LatticeOp::kSumCenteredSquares, mean) / count);
  for (float& x : *elements)
    x = (x - mean) / (deviation + attributes.epsilon());
}

Status ReferenceAxes(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const auto normalised, AxesOf(op));
  const Shape& shape = tensors.in[0].shape;
  std::vector<float> x = LoadFloats(tensors.in[0]);
  // Flat indices of the first element of each group, and of the elements
  // relative to it, both in row-major order.
  std::vector<size_t> firsts = {0}, offsets = {0};
  for (size_t i = 0; i < shape.rank() && !x.empty(); ++i) {
    std::vector<size_t>& list = normalised[i] ? offsets : firsts;
    const auto stride =
        static_cast<size_t>(shape.NumElements(i + 1, shape.rank()));
    std::vector<size_t> longer;
    for (size_t index : list) {
      for (size_t k = 0; k < static_cast<size_t>(shape[i]); ++k)
        longer.push_back(index + k * stride);
    }
    list = std::move(longer);
  }
  std::vector<float> elements(offsets.size());
  for (size_t first : firsts) {
    if (x.empty()) break;
    for (size_t i = 0; i < offsets.size(); ++i)
      elements[i] = x[first + offsets[i]];
    NormalizeSome(op.attributes<fbs::Norm>(), &elements);
    for (size_t i = 0; i < offsets.size(); ++i)
      x[first + offsets[i]] = elements[i];
  }
  StoreResults(x, tensors.out[0]);
  return Status();
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  const Kind kind = op.attributes<fbs::Norm>().kind();
  if (kind == Kind::batch) return ReferenceBatch(op, tensors);
  if (kind == Kind::lrn) return ReferenceLrn(op, tensors);
  return IsLayer(kind) || IsGroup(kind) ? ReferenceGroups(op, tensors)
                                        : ReferenceAxes(op, tensors);
}

// ---- lowering ----

constexpr int64_t kUnitElements = 16384;
constexpr int64_t kMostScratchFloats = 1 << 22;

void AddTask(const OpView& op, const Kernel& kernel, TaskSpec task,
             TaskBuilder* builder) {
  task.kernel = &kernel;
  for (size_t i = 0; i < op.num_inputs(); ++i)
    task.in.push_back(op.HasInput(i) ? InputOperand(i) : Operand{});
  for (size_t i = 0; i < op.num_outputs(); ++i)
    task.out.push_back(op.HasOutput(i) ? OutputOperand(i) : Operand{});
  builder->Add(std::move(task));
}

int64_t NumUnits(int64_t items, int64_t per_unit) {
  return (items + per_unit - 1) / per_unit;
}

bool LowerBatch(const OpView& op, TaskBuilder* builder) {
  const Shape& x = op.In(0).shape;
  auto args = std::make_shared<BatchNormArgs>();
  args->epsilon = op.attributes<fbs::Norm>().epsilon();
  args->channels = ChannelsOf(x);
  args->channels_are_columns = x.rank() == 2;
  args->rows_per_channel = x.rank() > 2 ? x.NumElements(2, x.rank() - 1) : 1;
  args->rows_per_unit = std::max<int64_t>(1, kUnitElements / x.back());
  if (args->channels_are_columns && args->channels > kMostScratchFloats)
    return false;
  TaskSpec task;
  task.num_units = NumUnits(x.NumRows(), args->rows_per_unit);
  task.scratch_bytes = BatchNormScratch(*args);
  task.flops = 2.0 * static_cast<double>(x.NumElements());
  task.in_place = true;
  task.args = std::move(args);
  AddTask(op, kBatchNormKernel, std::move(task), builder);
  return true;
}

// Whether every present operand of a layer norm has one element per element of
// a group, in the same rows.
bool OperandsArePerElement(const OpView& op, const Groups& groups) {
  for (size_t i = 1; i < op.num_inputs(); ++i) {
    if (!op.HasInput(i)) continue;
    const Shape& shape = op.In(i).shape;
    if (shape.NumElements() != groups.elements ||
        shape.back() != op.In(0).shape.back())
      return false;
  }
  return groups.elements <= kMostScratchFloats;
}

bool LowerGroups(const OpView& op, const Groups& groups, TaskBuilder* builder) {
  const auto& attributes = op.attributes<fbs::Norm>();
  const Kind kind = attributes.kind();
  const Shape& x = op.In(0).shape;
  auto args = std::make_shared<GroupNormArgs>();
  args->epsilon = attributes.epsilon();
  args->subtract_mean = kind != Kind::rms;
  args->num_groups = groups.count;
  args->width = x.back();
  args->rows_per_group = groups.elements / x.back();
  args->groups_per_unit = std::max<int64_t>(1, kUnitElements / groups.elements);
  args->per_element = IsLayer(kind);
  if (IsLayer(kind) && !OperandsArePerElement(op, groups)) return false;
  if (IsGroup(kind)) {
    if (x.rank() < 3) return false;  // a group is less than a row
    args->group_period = kind == Kind::group ? attributes.groups() : x[1];
    const bool per_group =
        kind == Kind::instance || attributes.per_group_scale();
    args->rows_per_step =
        per_group ? args->rows_per_group : x.NumElements(2, x.rank() - 1);
    args->group_step = args->rows_per_group / args->rows_per_step;
  }
  TaskSpec task;
  task.num_units = NumUnits(args->num_groups, args->groups_per_unit);
  task.scratch_bytes = GroupNormScratch(*args);
  task.flops = 7.0 * static_cast<double>(x.NumElements());
  task.in_place = true;
  task.args = std::move(args);
  AddTask(op, kGroupNormKernel, std::move(task), builder);
  return true;
}

bool LowerLrn(const OpView& op, TaskBuilder* builder) {
  const auto& attributes = op.attributes<fbs::Norm>();
  const Shape& x = op.In(0).shape;
  if (x.rank() < 3) return false;
  auto args = std::make_shared<LrnArgs>();
  args->size = attributes.size();
  args->alpha = attributes.alpha();
  args->beta = attributes.beta();
  args->k = attributes.k();
  args->channels = x[1];
  args->width = x.back();
  args->rows_per_channel = x.NumElements(2, x.rank() - 1);
  args->num_items = x[0] * args->rows_per_channel;
  args->items_per_unit =
      std::max<int64_t>(1, kUnitElements / (args->channels * args->width));
  if (3 * args->channels * args->width > kMostScratchFloats) return false;
  TaskSpec task;
  task.num_units = NumUnits(args->num_items, args->items_per_unit);
  task.scratch_bytes = LrnScratch(*args);
  task.flops = static_cast<double>(x.NumElements()) *
               static_cast<double>(std::min(args->size, args->channels) + 3);
  task.args = std::move(args);
  AddTask(op, kLrnKernel, std::move(task), builder);
  return true;
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  const Kind kind = op.attributes<fbs::Norm>().kind();
  if (op.Out(0).shape.NumElements() == 0 && op.num_outputs() == 1)
    return Status();
  bool has_kernel = op.Out(0).shape.NumElements() > 0;
  for (size_t i = 0; i < op.num_inputs(); ++i) {
    const bool fits = op.In(i).dtype == DataType::kFloat16 ||
                      op.In(i).dtype == DataType::kFloat32;
    has_kernel = has_kernel && (fits || !op.HasInput(i));
  }
  if (has_kernel && kind == Kind::batch && LowerBatch(op, builder))
    return Status();
  if (has_kernel && kind == Kind::lrn && LowerLrn(op, builder)) return Status();
  if (has_kernel && (IsLayer(kind) || IsGroup(kind))) {
    ANEREF_ASSIGN(const Groups groups, GroupsOf(op));
    if (LowerGroups(op, groups, builder)) return Status();
  }
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef norm_op = {
    "norm",
    "Normalisations with given or measured statistics, and across channels.",
    Infer, Lower, Reference};

}  // namespace aneref
