// Normalisations from the engine's pieces (N35, modelled): mean, difference,
// mean of squares, table of rsqrt, product, then gain and offset (N22). Batch
// normalisation is gain and offset alone. Kinds without such pieces go through
// binary32.
#include <cmath>

#include "ops/device_float.h"
#include "ops/device_mac.h"
#include "ops/device_ops.h"
#include "ops/kernels/device_planar.h"
#include "runtime/core/half.h"
#include "runtime/core/numerics.h"

namespace aneref {
namespace {

using Kind = fbs::NormKind;

bool IsLayer(Kind kind) { return kind == Kind::layer || kind == Kind::rms; }
Kind KindOf(const OpView& op) { return op.attributes<fbs::Norm>().kind(); }

bool HasPieces(Kind kind) {
  return IsLayer(kind) || kind == Kind::instance || kind == Kind::group;
}

// Elements of one group; groups follow each other in row-major order.
Expected<int64_t> GroupLength(const OpView& op) {
  const auto& table = op.attributes<fbs::Norm>();
  const Shape& x = op.In(0).shape;
  if (IsLayer(table.kind())) {
    ANEREF_ASSIGN(const size_t first, NormalizeAxis(table.axis(), x.rank()));
    return x.NumElements(first, x.rank());
  }
  if (table.kind() == Kind::group)
    return x.NumElements(1, x.rank()) / table.groups();
  return x.NumElements(2, x.rank());
}

Expected<DeviceGroups> GroupsOf(const OpView& op) {
  const auto& table = op.attributes<fbs::Norm>();
  const Shape& x = op.In(0).shape;
  std::array<bool, kMaxRank> folded{};
  size_t first = 2;
  if (IsLayer(table.kind())) {
    ANEREF_ASSIGN(first, NormalizeAxis(table.axis(), x.rank()));
  }
  for (size_t i = first; i < x.rank(); ++i) folded[i] = true;
  if (table.kind() != Kind::group) return GroupsOver(x, folded);
  DeviceGroups groups;
  const int64_t channels = x[1] / table.groups();
  groups.Keep({x[0], 0, 1});
  groups.Keep({table.groups(), 1, channels});
  groups.Fold({channels, 1, 1});
  for (size_t i = 2; i < x.rank(); ++i) groups.Fold({x[i], i, 1});
  return groups;
}

Activation RsqrtActivation(const OpView& op) {
  Activation rsqrt{ActivationFunction::kRsqrt};
  rsqrt.epsilon = FloatToHalf(op.attributes<fbs::Norm>().epsilon());  // N34
  return rsqrt;
}

// Where the operand of element `flat` of x is, in elements of a parameter.
size_t ParameterIndex(const OpView& op, size_t i, int64_t flat) {
  const auto& table = op.attributes<fbs::Norm>();
  const Shape& x = op.In(0).shape;
  const Shape& parameter = op.In(i).shape;
  if (!IsLayer(table.kind())) {
    const bool per_group =
        table.kind() == Kind::group && table.per_group_scale();
    const int64_t run = x.NumElements(2, x.rank());
    const int64_t channel = flat / run % x[1];
    return static_cast<size_t>(per_group ? channel / (x[1] / table.groups())
                                         : channel);
  }
  int64_t index = 0, stride = 1;
  for (size_t axis = x.rank(); axis-- > x.rank() - parameter.rank();) {
    const int64_t extent = parameter[axis + parameter.rank() - x.rank()];
    if (extent > 1) index += flat % x[axis] * stride;
    stride *= extent;
    flat /= x[axis];
  }
  return static_cast<size_t>(index);
}

// ---- reference ----

struct Moments {
  uint16_t mean, inverse;
};

Moments NormalizeGroup(const OpView& op, uint16_t* x, size_t count) {
  const Profile& profile = op.device()->profile();
  Moments moments{0, 0};
  if (KindOf(op) != Kind::rms) moments.mean = ReduceMean(profile, {x, count});
  float sum = 0.0f;
  for (size_t i = 0; i < count; ++i) {
    if (KindOf(op) != Kind::rms)
      x[i] = Planar(profile, PlanarOp::kSub, x[i], moments.mean);
    const auto value = static_cast<float>(EngineHalfToDouble(x[i]));
    const float square = value * value;
    sum += square;
  }
  const double variance = static_cast<double>(sum) / static_cast<double>(count);
  const Activation rsqrt = RsqrtActivation(op);
  moments.inverse =
      KindOf(op) == Kind::rms
          ? EvaluateActivation(profile, rsqrt,
                               StoreEngine(profile.rounding, variance))
          : StoreEngine(
                profile.rounding,
                RsqrtOf(profile, variance + EngineHalfToDouble(rsqrt.epsilon)));
  for (size_t i = 0; i < count; ++i)
    x[i] = Planar(profile, PlanarOp::kMul, x[i], moments.inverse);
  return moments;
}

Status ReferenceGroups(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const int64_t length, GroupLength(op));
  const Profile& profile = op.device()->profile();
  std::vector<uint16_t> y = LoadHalves(tensors.in[0]);
  std::vector<uint16_t> means, inverses;
  const auto count = static_cast<size_t>(length);
  for (size_t first = 0; first < y.size(); first += count) {
    const Moments moments = NormalizeGroup(op, y.data() + first, count);
    means.push_back(moments.mean);
    inverses.push_back(moments.inverse);
  }
  for (size_t i = 1; i < 3; ++i) {  // N22
    if (!op.HasInput(i)) continue;
    const std::vector<uint16_t> operand = LoadHalves(tensors.in[i]);
    for (size_t k = 0; k < y.size(); ++k)
      y[k] = Planar(profile, i == 1 ? PlanarOp::kMul : PlanarOp::kAdd, y[k],
                    operand[ParameterIndex(op, i, static_cast<int64_t>(k))]);
  }
  StoreHalves(y, tensors.out[0]);
  if (op.HasOutput(1)) StoreHalves(means, tensors.out[1]);
  if (op.HasOutput(2)) StoreHalves(inverses, tensors.out[2]);
  return Status();
}

// Gain and offset of batch normalisation, folded on the host in binary32 and
// rounded to fp16 once (N22).
struct Affine {
  std::vector<uint16_t> scale, bias;
};
Affine FoldBatch(const OpView& op, const RefTensors& tensors) {
  std::vector<float> parameters[4];
  for (size_t i = 0; i < 4; ++i)
    parameters[i] = op.IsKnown(i + 1) ? op.KnownFloats(i + 1).value()
                                      : LoadFloats(tensors.in[i + 1]);
  Affine affine;
  for (size_t c = 0; c < parameters[0].size(); ++c) {
    const float gain =
        parameters[0][c] /
        std::sqrt(parameters[3][c] + op.attributes<fbs::Norm>().epsilon());
    const float shift = parameters[2][c] * gain;
    const float offset = parameters[1][c] - shift;
    affine.scale.push_back(
        StoreEngine(Rounding::kNearestEven, static_cast<double>(gain)));
    affine.bias.push_back(
        StoreEngine(Rounding::kNearestEven, static_cast<double>(offset)));
  }
  return affine;
}

Status ReferenceBatch(const OpView& op, const RefTensors& tensors) {
  const Profile& profile = op.device()->profile();
  const Affine affine = FoldBatch(op, tensors);
  const Shape& x = op.In(0).shape;
  const int64_t run = x.rank() > 2 ? x.NumElements(2, x.rank()) : 1;
  std::vector<uint16_t> y = LoadHalves(tensors.in[0]);
  for (size_t i = 0; i < y.size(); ++i) {
    const size_t c = i / static_cast<size_t>(run) % affine.scale.size();
    y[i] = Planar(profile, PlanarOp::kMul, y[i], affine.scale[c]);
    y[i] = Planar(profile, PlanarOp::kAdd, y[i], affine.bias[c]);
  }
  StoreHalves(y, tensors.out[0]);
  return Status();
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  if (op.In(0).shape.NumElements() == 0) return Status();
  if (KindOf(op) == Kind::batch) return ReferenceBatch(op, tensors);
  if (HasPieces(KindOf(op))) return ReferenceGroups(op, tensors);
  return ReferenceThroughFloat(op, tensors);
}

// ---- lowering ----

Status LowerBatch(const OpView& op, TaskBuilder* builder) {
  for (size_t i = 1; i < 5; ++i) {
    if (!op.IsKnown(i)) return LowerToReference(op, Reference, builder);
  }
  const Affine affine = FoldBatch(op, {});
  const Shape& x = op.In(0).shape;
  auto args = std::make_shared<DeviceAffineArgs>();
  args->rounding = op.device()->profile().rounding;
  args->scale = affine.scale;
  args->bias = affine.bias;
  args->rows_per_channel =
      x.rank() > 2 ? x.NumElements(2, x.rank() - 1) : int64_t{0};
  if (x.rank() == 1) args->rows_per_channel = 1;
  args->blocks = MakeRowBlocks(op.In(0));
  TaskSpec task;
  task.kernel = &device_affine_kernel;
  task.in = {InputOperand(0)};
  task.out = {OutputOperand(0)};
  task.num_units = std::max<int64_t>(args->blocks.num_units(), 1);
  task.flops = 2.0 * static_cast<double>(x.NumElements());
  task.in_place = true;
  task.args = std::move(args);
  builder->Add(std::move(task));
  return Status();
}

// Gain or offset of layer and rms: one planar pass.
void AddPlanarStep(const OpView& op, PlanarOp planar, const Operand& x,
                   size_t input, const Operand& out, TaskBuilder* builder) {
  auto args = std::make_shared<DevicePlanarArgs>();
  args->op = planar;
  args->rounding = op.device()->profile().rounding;
  Shape parameter = op.In(input).shape;
  const Shape& shape = op.In(0).shape;
  const Shape operands[] = {shape, parameter};
  args->plan = MakeBroadcastPlan(op.Out(0), operands);
  TaskSpec task;
  task.kernel = &device_planar_kernel;
  task.in = {x, InputOperand(input)};
  task.out = {out};
  task.num_units = std::max<int64_t>(args->plan.num_units(), 1);
  task.in_place = true;
  task.args = std::move(args);
  builder->Add(std::move(task));
}

Status LowerGroups(const OpView& op, TaskBuilder* builder) {
  const bool has_scale = op.HasInput(1), has_bias = op.HasInput(2);
  auto args = std::make_shared<DeviceNormArgs>();
  ANEREF_ASSIGN(args->groups, GroupsOf(op));
  args->profile = &op.device()->profile();
  args->centers = KindOf(op) != Kind::rms;
  args->epsilon = RsqrtActivation(op).epsilon;
  if (!args->centers) args->rsqrt = op.device()->Table(RsqrtActivation(op));
  TaskBuilder norm;
  AddGroupsTask(device_norm_kernel, std::move(args), op, &norm);
  TaskSpec task = std::move(norm.tasks()[0]);
  Operand y = OutputOperand(0);
  if (has_scale || has_bias) y = builder->AddTemporary(op.Out(0));
  task.out[0] = y;
  builder->Add(std::move(task));
  if (has_scale) {
    const Operand scaled =
        has_bias ? builder->AddTemporary(op.Out(0)) : OutputOperand(0);
    AddPlanarStep(op, PlanarOp::kMul, y, 1, scaled, builder);
    y = scaled;
  }
  if (has_bias)
    AddPlanarStep(op, PlanarOp::kAdd, y, 2, OutputOperand(0), builder);
  return Status();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  if (op.In(0).shape.NumElements() == 0) return Status();
  if (KindOf(op) == Kind::batch) return LowerBatch(op, builder);
  if (IsLayer(KindOf(op))) return LowerGroups(op, builder);
  if (HasPieces(KindOf(op))) return LowerToReference(op, Reference, builder);
  return LowerThroughFloat(op, builder);
}

}  // namespace

const DeviceOp norm_device = {IsHalfOp, Lower, Reference};

}  // namespace aneref
