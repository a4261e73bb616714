// Normalisations, softmax, dropout.
#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

using EK = fbs::ElementwiseKind;
using AK = fbs::ActivationKind;

// Before opset 9 with spatial=0: one statistic per element of the map, so plain
// broadcasting does it.
void BatchNormPerElement(Lowering& node, float epsilon) {
  const int32_t centred =
      node.EmitTemp(Binary(EK::sub), {node.In(0), node.In(3)});
  const int32_t padded = node.EmitTemp(
      Unary(AK::linear, 1.0, static_cast<double>(epsilon)), {node.In(4)});
  const int32_t deviation = node.EmitTemp(Unary(AK::sqrt), {padded});
  const int32_t normal = node.EmitTemp(Binary(EK::div), {centred, deviation});
  const int32_t scaled = node.EmitTemp(Binary(EK::mul), {normal, node.In(1)});
  node.EmitOut(Binary(EK::add), {scaled, node.In(2)});
}

// new = momentum * old + (1 - momentum) * current
void RunningStatistic(Lowering& node, int32_t old, int32_t current,
                      int32_t output) {
  const auto momentum = static_cast<double>(node.Float("momentum", 0.9f));
  const int32_t kept = node.EmitTemp(Unary(AK::linear, momentum, 0.0), {old});
  const int32_t added =
      node.EmitTemp(Unary(AK::linear, 1.0 - momentum, 0.0), {current});
  node.Emit(Binary(EK::add), {kept, added}, {output});
}

// Training mode (from opset 14): the statistics are those of the batch, with
// the biased variance.
void BatchNormTraining(Lowering& node) {
  const std::optional<size_t> rank = node.Rank(node.In(0));
  if (!rank.has_value() || *rank < 2)
    return node.Refuse("in training mode when the rank is not known");
  fbs::ReduceT mean_of;
  mean_of.kind = fbs::ReduceKind::mean;
  for (size_t axis = 0; axis < *rank; ++axis) {
    if (axis != 1) mean_of.axes.push_back(static_cast<int32_t>(axis));
  }
  const int32_t centre = node.EmitTemp(mean_of, {node.In(0)});
  const int32_t distance = node.EmitTemp(Binary(EK::sub), {node.In(0), centre});
  const int32_t square = node.EmitTemp(Unary(AK::square), {distance});
  mean_of.keep_dims = false;
  const int32_t mean = node.EmitTemp(mean_of, {node.In(0)});
  const int32_t variance = node.EmitTemp(mean_of, {square});
  fbs::NormT norm;
  norm.kind = fbs::NormKind::batch;
  norm.epsilon = node.Float("epsilon", 1e-5f);
  node.EmitOut(std::move(norm),
               {node.In(0), node.In(1), node.In(2), mean, variance});
  if (node.HasOut(1)) RunningStatistic(node, node.In(3), mean, node.Out(1));
  if (node.HasOut(2)) RunningStatistic(node, node.In(4), variance, node.Out(2));
}

void BatchNormalization(Lowering& node) {
  if (node.Int("training_mode", 0) != 0) return BatchNormTraining(node);
  const float epsilon = node.Float("epsilon", 1e-5f);
  if (node.opset() < 9 && node.Int("spatial", 1) == 0)
    return BatchNormPerElement(node, epsilon);
  fbs::NormT norm;
  norm.kind = fbs::NormKind::batch;
  norm.epsilon = epsilon;
  node.EmitOut(std::move(norm),
               node.Ins(0, 5));  // further outputs exist for training only
}

void InstanceNormalization(Lowering& node) {
  fbs::NormT norm;
  norm.kind = fbs::NormKind::instance;
  norm.epsilon = node.Float("epsilon", 1e-5f);
  node.EmitOut(std::move(norm), node.Ins(0, 3));
}

// Axes `axis`..last as a reduction's list; empty when that takes a rank nobody
// knows.
std::vector<int32_t> TrailingAxes(Lowering& node, int32_t axis) {
  int64_t first = axis;
  if (axis >= 0) {
    const std::optional<size_t> rank = node.Rank(node.In(0));
    if (!rank.has_value()) return {};
    first = axis - static_cast<int64_t>(*rank);
  }
  std::vector<int32_t> axes;
  for (int64_t i = first; i < 0 && axes.size() < kMaxRank; ++i)
    axes.push_back(static_cast<int32_t>(i));
  return axes;
}

// The optional outputs Mean and InvStdDev of LayerNormalization.
void EmitLayerStatistics(Lowering& node, int32_t axis, float epsilon) {
  if (!node.HasOut(1) && !node.HasOut(2)) return;
  fbs::ReduceT mean;
  mean.kind = fbs::ReduceKind::mean;
  mean.axes = TrailingAxes(node, axis);
  if (mean.axes.empty())
    return node.Refuse(
        "with its outputs Mean and InvStdDev when the rank is not known");
  const int32_t mean_value =
      node.HasOut(1) ? node.Out(1) : node.EmitTemp(mean, {node.In(0)});
  if (node.HasOut(1)) node.Emit(mean, {node.In(0)}, {mean_value});
  if (!node.HasOut(2)) return;
  const int32_t centred =
      node.EmitTemp(Binary(EK::sub), {node.In(0), mean_value});
  const int32_t squares = node.EmitTemp(Unary(AK::square), {centred});
  const int32_t variance = node.EmitTemp(mean, {squares});
  const int32_t padded = node.EmitTemp(
      Unary(AK::linear, 1.0, static_cast<double>(epsilon)), {variance});
  const int32_t deviation = node.EmitTemp(Unary(AK::sqrt), {padded});
  node.Emit(Unary(AK::inverse), {deviation}, {node.Out(2)});
}

void LayerNormalization(Lowering& node) {
  fbs::NormT norm;
  norm.kind = fbs::NormKind::layer;
  norm.axis = node.Int32("axis", -1);
  norm.epsilon = node.Float("epsilon", 1e-5f);
  EmitLayerStatistics(node, norm.axis, norm.epsilon);
  node.EmitOut(std::move(norm), node.Ins(0, 3));
}

void RmsNormalization(Lowering& node) {
  fbs::NormT norm;
  norm.kind = fbs::NormKind::rms;
  norm.axis = node.Int32("axis", -1);
  norm.epsilon = node.Float("epsilon", 1e-5f);
  node.EmitOut(std::move(norm), node.Ins(0, 2));
}

void GroupNormalization(Lowering& node) {
  fbs::NormT norm;
  norm.kind = fbs::NormKind::group;
  node.Require("num_groups");
  norm.groups = node.Int32("num_groups", 1);
  norm.per_group_scale = node.opset() < 21;
  norm.epsilon = node.Float("epsilon", 1e-5f);
  node.EmitOut(std::move(norm), node.Ins(0, 3));
}

void LpNormalization(Lowering& node) {
  fbs::NormT norm;
  norm.kind = fbs::NormKind::lp;
  norm.axis = node.Int32("axis", -1);
  norm.p = node.Int32("p", 2);
  node.EmitOut(std::move(norm), {node.In(0)});
}

void MeanVarianceNormalization(Lowering& node) {
  fbs::NormT norm;
  norm.kind = fbs::NormKind::mean_variance;
  norm.axes =
      node.Has("axes") ? node.Ints32("axes") : std::vector<int32_t>{0, 2, 3};
  norm.epsilon = 1e-9f;
  node.EmitOut(std::move(norm), {node.In(0)});
}

void Lrn(Lowering& node) {
  fbs::NormT norm;
  norm.kind = fbs::NormKind::lrn;
  node.Require("size");
  norm.size = node.Int32("size", 1);
  norm.alpha = node.Float("alpha", 1e-4f);
  norm.beta = node.Float("beta", 0.75f);
  norm.k = node.Float("bias", 1.0f);
  node.EmitOut(std::move(norm), {node.In(0)});
}

// Identity at inference; deployed files of opset 1 and 6 mean inference, too,
// whatever is_test says. So does one whose training mode is fed at run time; a
// file that fixes it to training is refused.
void Dropout(Lowering& node) {
  if (node.HasIn(2) && node.IsKnown(node.In(2))) {
    const auto training = node.KnownInts(node.In(2));
    const auto ratio =
        node.HasIn(1) ? node.KnownFloats(node.In(1)) : std::vector<float>{0.5f};
    const bool is_off =
        training.has_value() && training->size() == 1 && training->front() == 0;
    const bool drops_none =
        ratio.has_value() && ratio->size() == 1 && ratio->front() == 0.0f;
    if (!is_off && !drops_none) return node.Refuse("in training mode");
  }
  EmitIdentity(node, node.In(0), node.Out(0));
  if (!node.HasOut(1)) return;
  fbs::GenerateT shape, mask;
  shape.kind = fbs::GenerateKind::shape;
  mask.kind = fbs::GenerateKind::fill;
  mask.dtype = static_cast<fbs::DataType>(
      node.opset() < 10 ? node.TypeOf(node.In(0)) : DataType::kBool);
  mask.value = 1;
  mask.int_value = 1;
  node.Emit(mask, {node.EmitTemp(shape, {node.In(0)})}, {node.Out(1)});
}

// Until opset 12 everything from `axis` on is normalised jointly.
void EmitSoftmax(Lowering& node, bool log, bool hard) {
  fbs::SoftmaxT softmax;
  softmax.axis = node.Int32("axis", node.opset() < 13 ? 1 : -1);
  softmax.to_end = node.opset() < 13;
  softmax.log = log;
  softmax.hard = hard;
  node.EmitOut(std::move(softmax), {node.In(0)});
}
void Softmax(Lowering& node) { EmitSoftmax(node, false, false); }
void LogSoftmax(Lowering& node) { EmitSoftmax(node, true, false); }
void Hardmax(Lowering& node) { EmitSoftmax(node, false, true); }

constexpr LoweringRow kRows[] = {
    {"BatchNormalization", BatchNormalization},
    {"InstanceNormalization", InstanceNormalization},
    {"LayerNormalization", LayerNormalization},
    {"RMSNormalization", RmsNormalization},
    {"GroupNormalization", GroupNormalization},
    {"LpNormalization", LpNormalization},
    {"MeanVarianceNormalization", MeanVarianceNormalization},
    {"LRN", Lrn},
    {"Dropout", Dropout},
    {"Softmax", Softmax},
    {"LogSoftmax", LogSoftmax},
    {"Hardmax", Hardmax},
};

}  // namespace

std::span<const LoweringRow> NormRows() { return kRows; }

}  // namespace aneref::onnx
