// Reductions, softmax and global pools on the engine's planar side: which
// elements form a group, the rule functions for the reference (N24, N25, N30)
// and the tasks.
#include <algorithm>
#include <cmath>

#include "ops/device_float.h"
#include "ops/device_join.h"
#include "ops/device_mac.h"
#include "ops/device_ops.h"
#include "runtime/core/numerics.h"

namespace aneref {
namespace {

using Flags = std::array<bool, kMaxRank>;
using Kind = fbs::ReduceKind;

// Calls visit(group, flat) for every element in row-major order.
template <class Visit>
void ForEachElement(const Shape& shape, const Flags& folded,
                    const Visit& visit) {
  std::array<int64_t, kMaxRank> strides{};  // of the groups
  int64_t stride = 1;
  for (size_t i = shape.rank(); i-- > 0;) {
    if (folded[i]) continue;
    strides[i] = stride;
    stride *= shape[i];
  }
  const int64_t count = shape.NumElements();
  for (int64_t flat = 0; flat < count; ++flat) {
    int64_t rest = flat, group = 0;
    for (size_t i = shape.rank(); i-- > 0; rest /= shape[i])
      group += rest % shape[i] * strides[i];
    visit(static_cast<size_t>(group), static_cast<size_t>(flat));
  }
}

// ---- reduce ----

uint16_t EngineValue(const Profile& profile, ActivationFunction function,
                     uint16_t x) {
  return EvaluateActivation(profile, {function}, x);
}

// N24 with a multiplier or another fold, in binary32, one rounding.
template <class Step>
uint16_t FoldHalves(const Profile& profile, const std::vector<uint16_t>& x,
                    float start, float scale, const Step& step) {
  float value = start;
  for (const uint16_t bits : x)
    value = step(value, static_cast<float>(EngineHalfToDouble(bits)));
  return StoreEngine(profile.rounding, static_cast<double>(value * scale));
}

uint16_t LogSumExp(const Profile& profile, const std::vector<uint16_t>& x) {
  if (x.empty()) return 0;
  uint16_t largest = x[0];
  for (const uint16_t bits : x) {
    if (EngineHalfToDouble(bits) > EngineHalfToDouble(largest)) largest = bits;
  }
  std::vector<uint16_t> terms;
  for (const uint16_t bits : x)
    terms.push_back(
        EngineValue(profile, ActivationFunction::kExp,
                    Planar(profile, PlanarOp::kSub, bits, largest)));
  const uint16_t sum = ReduceSum(profile, {terms.data(), terms.size()});
  return Planar(profile, PlanarOp::kAdd,
                EngineValue(profile, ActivationFunction::kLog, sum), largest);
}

uint16_t ReduceHalves(const Profile& profile, const fbs::Reduce& table,
                      const std::vector<uint16_t>& x) {
  const HalfRun run{x.data(), x.size()};
  switch (table.kind()) {
    case Kind::mean:
      return ReduceMean(profile, run);
    case Kind::max:
      return ReduceMax(profile, run);
    case Kind::min:
      return ReduceMin(profile, run);
    case Kind::prod:
      return FoldHalves(profile, x, 1.0f, 1.0f,
                        [](float a, float b) { return a * b; });
    case Kind::l1:
      return FoldHalves(profile, x, 0.0f, 1.0f,
                        [](float a, float b) { return a + std::fabs(b); });
    case Kind::l2:
      return EngineValue(profile, ActivationFunction::kSqrt,
                         ReduceSumSquare(profile, run));
    case Kind::sum_square:
      return ReduceSumSquare(profile, run);
    case Kind::log_sum:
      return EngineValue(profile, ActivationFunction::kLog,
                         ReduceSum(profile, run));
    case Kind::log_sum_exp:
      return LogSumExp(profile, x);
    default:
      return FoldHalves(profile, x, 0.0f, table.scale(),
                        [](float a, float b) { return a + b; });
  }
}

bool IsArg(const OpView& op) {
  const Kind kind = op.attributes<fbs::Reduce>().kind();
  return kind == Kind::arg_max || kind == Kind::arg_min;
}

// A reduction whose operand was a product, joined with it (N24): the product's
// operands are inputs 0 and 2.
constexpr size_t kFactor = 2;

Status ReferenceDot(const OpView& op, const RefTensors& tensors,
                    const Flags& folded) {
  const Shape& shape = op.In(0).shape;
  const auto x = GatherGroups(LoadHalves(tensors.in[0]), shape, folded);
  const auto y = GatherGroups(LoadHalves(tensors.in[kFactor]), shape, folded);
  std::vector<uint16_t> sums;
  for (size_t group = 0; group < x.size(); ++group) {
    Accumulator sum(op.device()->profile());
    sum.Start();
    for (size_t i = 0; i < x[group].size(); ++i)
      sum.Add(x[group][i], y[group][i]);
    sums.push_back(sum.Finish());
  }
  StoreHalves(sums, tensors.out[0]);
  return Status();
}

Status LowerDot(const OpView& op, const Flags& folded, TaskBuilder* builder) {
  auto args = std::make_shared<DeviceDotArgs>();
  args->profile = &op.device()->profile();
  args->groups = GroupsOver(op.In(0).shape, folded);
  AddGroupsTask(device_dot_kernel, std::move(args), op, builder);
  builder->tasks().back().in.push_back(InputOperand(kFactor));
  return Status();
}

Status ReferenceReduce(const OpView& op, const RefTensors& tensors) {
  if (IsArg(op)) return ReferenceThroughFloat(op, tensors);
  ANEREF_ASSIGN(const Flags folded, ReducedAxes(op));
  if (op.HasInput(kFactor)) return ReferenceDot(op, tensors, folded);
  std::vector<uint16_t> y;
  for (const auto& group :
       GatherGroups(LoadHalves(tensors.in[0]), op.In(0).shape, folded))
    y.push_back(ReduceHalves(op.device()->profile(),
                             op.attributes<fbs::Reduce>(), group));
  StoreHalves(y, tensors.out[0]);
  return Status();
}

DeviceReduction ReductionOf(Kind kind) {
  switch (kind) {
    case Kind::mean:
      return DeviceReduction::kMean;
    case Kind::max:
      return DeviceReduction::kMax;
    case Kind::min:
      return DeviceReduction::kMin;
    case Kind::prod:
      return DeviceReduction::kProduct;
    case Kind::l1:
      return DeviceReduction::kSumAbs;
    case Kind::l2:
    case Kind::sum_square:
      return DeviceReduction::kSumSquare;
    case Kind::log_sum_exp:
      return DeviceReduction::kLogSumExp;
    default:
      return DeviceReduction::kSum;
  }
}

Status LowerReduce(const OpView& op, TaskBuilder* builder) {
  if (IsArg(op)) return LowerThroughFloat(op, builder);
  ANEREF_ASSIGN(const Flags folded, ReducedAxes(op));
  if (op.Out(0).shape.NumElements() == 0) return Status();
  if (op.HasInput(kFactor)) return LowerDot(op, folded, builder);
  const auto& table = op.attributes<fbs::Reduce>();
  const DeviceContext& device = *op.device();
  auto args = std::make_shared<DeviceReduceArgs>();
  args->profile = &device.profile();
  args->groups = GroupsOver(op.In(0).shape, folded);
  args->kind = ReductionOf(table.kind());
  if (table.kind() == Kind::sum) args->scale = table.scale();
  if (table.kind() == Kind::l2)
    args->after = device.Table({ActivationFunction::kSqrt});
  if (table.kind() == Kind::log_sum)
    args->after = device.Table({ActivationFunction::kLog});
  if (table.kind() == Kind::log_sum_exp) {
    args->exp = device.Table({ActivationFunction::kExp});
    args->log = device.Table({ActivationFunction::kLog});
  }
  AddGroupsTask(device_reduce_kernel, std::move(args), op, builder);
  return Status();
}

// ---- pool ----

// A global maximum or average is a reduction (N24).
bool IsGlobalPool(const OpView& op) {
  const auto& table = op.attributes<fbs::Pool>();
  const bool has_kernel =
      table.kernel() != nullptr && table.kernel()->size() > 0;
  return !has_kernel && table.kind() != fbs::PoolKind::lp &&
         op.num_outputs() == 1;
}

Flags SpatialAxes() {
  Flags folded{};
  for (size_t i = 2; i < kMaxRank; ++i) folded[i] = true;
  return folded;
}

Status ReferencePool(const OpView& op, const RefTensors& tensors) {
  if (!IsGlobalPool(op)) return ReferenceThroughFloat(op, tensors);
  const Profile& profile = op.device()->profile();
  const bool is_max = op.attributes<fbs::Pool>().kind() == fbs::PoolKind::max;
  std::vector<uint16_t> y;
  for (const auto& group :
       GatherGroups(LoadHalves(tensors.in[0]), op.In(0).shape, SpatialAxes())) {
    const HalfRun run{group.data(), group.size()};
    y.push_back(is_max ? ReduceMax(profile, run) : ReduceMean(profile, run));
  }
  StoreHalves(y, tensors.out[0]);
  return Status();
}

Status LowerPool(const OpView& op, TaskBuilder* builder) {
  if (!IsGlobalPool(op)) return LowerThroughFloat(op, builder);
  if (op.Out(0).shape.NumElements() == 0) return Status();
  auto args = std::make_shared<DeviceReduceArgs>();
  args->profile = &op.device()->profile();
  args->groups = GroupsOver(op.In(0).shape, SpatialAxes());
  const bool is_max = op.attributes<fbs::Pool>().kind() == fbs::PoolKind::max;
  args->kind = is_max ? DeviceReduction::kMax : DeviceReduction::kMean;
  AddGroupsTask(device_reduce_kernel, std::move(args), op, builder);
  return Status();
}

// ---- softmax ----

Expected<Flags> SoftmaxAxes(const OpView& op) {
  const auto& table = op.attributes<fbs::Softmax>();
  const size_t rank = op.In(0).shape.rank();
  ANEREF_ASSIGN(const size_t axis, NormalizeAxis(table.axis(), rank));
  Flags folded{};
  for (size_t i = axis; i < (table.to_end() ? rank : axis + 1); ++i)
    folded[i] = true;
  return folded;
}

void LogSoftmaxRow(const Profile& profile, std::vector<uint16_t>* row) {
  uint16_t largest = row->front();
  for (const uint16_t x : *row) {
    if (EngineHalfToDouble(x) > EngineHalfToDouble(largest)) largest = x;
  }
  std::vector<uint16_t> terms;
  for (uint16_t& x : *row) {
    x = Planar(profile, PlanarOp::kSub, x, largest);
    terms.push_back(EngineValue(profile, ActivationFunction::kExp, x));
  }
  const uint16_t log =
      EngineValue(profile, ActivationFunction::kLog,
                  ReduceSum(profile, {terms.data(), terms.size()}));
  for (uint16_t& x : *row) x = Planar(profile, PlanarOp::kSub, x, log);
}

Status ReferenceSoftmax(const OpView& op, const RefTensors& tensors) {
  const auto& table = op.attributes<fbs::Softmax>();
  if (table.hard()) return ReferenceThroughFloat(op, tensors);
  ANEREF_ASSIGN(const Flags folded, SoftmaxAxes(op));
  const Profile& profile = op.device()->profile();
  auto groups = GatherGroups(LoadHalves(tensors.in[0]), op.In(0).shape, folded);
  for (auto& row : groups) {
    if (row.empty()) continue;
    if (table.log())
      LogSoftmaxRow(profile, &row);
    else
      SoftmaxRow(profile, nullptr, row.data(), row.data(), row.size());
  }
  StoreHalves(ScatterGroups(groups, op.In(0).shape, folded), tensors.out[0]);
  return Status();
}

Status LowerSoftmax(const OpView& op, TaskBuilder* builder) {
  const auto& table = op.attributes<fbs::Softmax>();
  if (table.hard()) return LowerThroughFloat(op, builder);
  ANEREF_ASSIGN(const Flags folded, SoftmaxAxes(op));
  if (op.Out(0).shape.NumElements() == 0) return Status();
  auto args = std::make_shared<DeviceSoftmaxArgs>();
  args->profile = &op.device()->profile();
  args->groups = GroupsOver(op.In(0).shape, folded);
  args->exp = op.device()->Table({ActivationFunction::kExp});
  if (table.log()) args->log = op.device()->Table({ActivationFunction::kLog});
  AddGroupsTask(device_softmax_kernel, std::move(args), op, builder);
  return Status();
}

}  // namespace

DeviceGroups GroupsOver(const Shape& shape, const Flags& folded) {
  DeviceGroups groups;
  for (size_t i = 0; i < shape.rank(); ++i) {
    const GroupAxis axis{shape[i], i, 1};
    if (folded[i])
      groups.Fold(axis);
    else
      groups.Keep(axis);
  }
  return groups;
}

std::vector<std::vector<uint16_t>> GatherGroups(
    const std::vector<uint16_t>& bits, const Shape& shape,
    const Flags& folded) {
  std::vector<std::vector<uint16_t>> groups(
      static_cast<size_t>(GroupsOver(shape, folded).count));
  ForEachElement(shape, folded, [&](size_t group, size_t flat) {
    groups[group].push_back(bits[flat]);
  });
  return groups;
}

std::vector<uint16_t> ScatterGroups(
    const std::vector<std::vector<uint16_t>>& groups, const Shape& shape,
    const Flags& folded) {
  std::vector<uint16_t> bits(static_cast<size_t>(shape.NumElements()));
  std::vector<size_t> next(groups.size(), 0);
  ForEachElement(shape, folded, [&](size_t group, size_t flat) {
    bits[flat] = groups[group][next[group]++];
  });
  return bits;
}

bool SumsProducts(const OpView& reduce) {
  const auto& table = reduce.attributes<fbs::Reduce>();
  if (!IsHalfOp(reduce) || table.kind() != Kind::sum || table.scale() != 1.0f ||
      reduce.device() == nullptr ||
      !reduce.device()->profile().mul_reduce_as_mac)
    return false;
  const Expected<Flags> folded = ReducedAxes(reduce);
  return folded.ok() && std::count(folded->begin(), folded->end(), true) == 1;
}

const DeviceOp reduce_device = {IsHalfOp, LowerReduce, ReferenceReduce};
const DeviceOp pool_device = {IsHalfOp, LowerPool, ReferencePool};
const DeviceOp softmax_device = {IsHalfOp, LowerSoftmax, ReferenceSoftmax};

}  // namespace aneref
