// Reductions: the old one over [C,H,W] parts, the N-d ones, extremes' places.
#include "runtime/import/coreml/table.h"

namespace aneref::coreml {
namespace {

using AK = fbs::ActivationKind;
using RK = fbs::ReduceKind;
using Case = NeuralNetworkLayer;

constexpr int32_t kLogSumMode = 3, kArgMaxMode = 9;

// Mode and axis numbers of the old layer.
constexpr RK kOldKinds[] = {RK::sum,        RK::mean,   RK::prod, RK::sum,
                            RK::sum_square, RK::l1,     RK::l2,   RK::max,
                            RK::min,        RK::arg_max};

std::vector<int32_t> OldAxes(Layer& layer, int32_t axis, int32_t x) {
  switch (axis) {
    case 0:
      return {layer.Axis(-3, x), layer.Axis(-2, x), layer.Axis(-1, x)};
    case 1:
      return {layer.Axis(-2, x), layer.Axis(-1, x)};
    case 2:
    case 3:
    case 4:
      return {layer.Axis(axis - 5, x)};
    default:
      layer.Refuse("over axis " + std::to_string(axis));
      return {};
  }
}

void OldReduce(Layer& layer) {
  const OldReduceLayer& source = layer.proto().reduce();
  if (source.mode() < 0 || source.mode() > kArgMaxMode)
    return layer.Refuse("in mode " + std::to_string(source.mode()));
  int32_t x = layer.In(0);
  const std::vector<int32_t> axes = OldAxes(layer, source.axis(), x);
  if (source.mode() == kLogSumMode)
    x = layer.Apply(AK::log, x, static_cast<double>(source.epsilon()));
  if (source.mode() == kArgMaxMode && axes.size() != 1)
    return layer.Refuse("for the place of an extreme over several axes");
  layer.SetOut(0, layer.Reduce(kOldKinds[source.mode()], x, axes));
}

// Everything reduced, without axes kept, gives [1].
void ReduceOver(Layer& layer, RK kind, const ReduceLayer& source) {
  const int32_t x = layer.In(0);
  const size_t rank = layer.RankOf(x);
  std::vector<int32_t> axes;
  for (int64_t axis : source.axes()) axes.push_back(layer.Axis(axis, x));
  if (source.reduceall() || axes.empty()) {
    axes.clear();
    for (size_t axis = 0; axis < rank; ++axis)
      axes.push_back(static_cast<int32_t>(axis));
  }
  const int32_t y = layer.Reduce(kind, x, axes, source.keepdims());
  const bool scalar = !source.keepdims() && axes.size() == rank;
  layer.SetOut(0, scalar ? layer.Reshape(y, {1}) : y);
}

void ReduceL1(Layer& layer) {
  ReduceOver(layer, RK::l1, layer.proto().reducel1());
}
void ReduceL2(Layer& layer) {
  ReduceOver(layer, RK::l2, layer.proto().reducel2());
}
void ReduceMax(Layer& layer) {
  ReduceOver(layer, RK::max, layer.proto().reducemax());
}
void ReduceMin(Layer& layer) {
  ReduceOver(layer, RK::min, layer.proto().reducemin());
}
void ReduceSum(Layer& layer) {
  ReduceOver(layer, RK::sum, layer.proto().reducesum());
}
void ReduceProd(Layer& layer) {
  ReduceOver(layer, RK::prod, layer.proto().reduceprod());
}
void ReduceMean(Layer& layer) {
  ReduceOver(layer, RK::mean, layer.proto().reducemean());
}
void ReduceLogSum(Layer& layer) {
  ReduceOver(layer, RK::log_sum, layer.proto().reducelogsum());
}
void ReduceSumSquare(Layer& layer) {
  ReduceOver(layer, RK::sum_square, layer.proto().reducesumsquare());
}
void ReduceLogSumExp(Layer& layer) {
  ReduceOver(layer, RK::log_sum_exp, layer.proto().reducelogsumexp());
}

void Extreme(Layer& layer, RK kind, const AxisLayer& source) {
  const int32_t x = layer.In(0);
  const bool remove = source.option() != 0;
  const int32_t y =
      layer.Reduce(kind, x, {layer.Axis(source.axis(), x)}, !remove);
  const bool scalar = remove && layer.RankOf(x) == 1;
  layer.SetOut(0, scalar ? layer.Reshape(y, {1}) : y);
}
void ArgMax(Layer& layer) {
  Extreme(layer, RK::arg_max, layer.proto().argmax());
}
void ArgMin(Layer& layer) {
  Extreme(layer, RK::arg_min, layer.proto().argmin());
}

constexpr LayerRow kRows[] = {
    {Case::kReduce, "reduce", OldReduce},
    {Case::kReduceL1, "reduceL1", ReduceL1},
    {Case::kReduceL2, "reduceL2", ReduceL2},
    {Case::kReduceMax, "reduceMax", ReduceMax},
    {Case::kReduceMin, "reduceMin", ReduceMin},
    {Case::kReduceSum, "reduceSum", ReduceSum},
    {Case::kReduceProd, "reduceProd", ReduceProd},
    {Case::kReduceMean, "reduceMean", ReduceMean},
    {Case::kReduceLogSum, "reduceLogSum", ReduceLogSum},
    {Case::kReduceSumSquare, "reduceSumSquare", ReduceSumSquare},
    {Case::kReduceLogSumExp, "reduceLogSumExp", ReduceLogSumExp},
    {Case::kArgMax, "argMax", ArgMax},
    {Case::kArgMin, "argMin", ArgMin},
};

}  // namespace

std::span<const LayerRow> ReduceLayers() { return kRows; }

}  // namespace aneref::coreml
