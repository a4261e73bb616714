// Normalisations of ML Programs.
#include <algorithm>
#include <numeric>

#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

using EK = fbs::ElementwiseKind;

// `count` times the value, of x's type.
int32_t Vector(Lowering& node, int32_t x, int64_t count, float value) {
  if (count < 1 || count > (int64_t{1} << 24)) {
    node.Refuse("where the number of channels is not known");
    count = 1;
  }
  return node.ConstantFloats(
      node.TypeOf(x), Shape{count},
      std::vector<float>(static_cast<size_t>(count), value));
}

// An operand, or a vector of its default.
int32_t OrVector(Lowering& node, const char* operand, int32_t x, int64_t count,
                 float value) {
  const int32_t given = node.In(operand);
  return given >= 0 ? given : Vector(node, x, count, value);
}

void BatchNorm(Lowering& node) {
  const int32_t x = node.Need("x");
  const int32_t mean = node.Need("mean"), variance = node.Need("variance");
  const std::optional<Shape> shape = node.Static(mean);
  const int64_t channels = shape.has_value() ? shape->NumElements() : 0;
  fbs::NormT table;
  table.kind = fbs::NormKind::batch;
  table.epsilon = node.Float("epsilon", 1e-5f);
  node.EmitOut(table, {x, OrVector(node, "gamma", x, channels, 1),
                       OrVector(node, "beta", x, channels, 0), mean, variance});
}

// The extent of the channel axis, from whatever states it.
int64_t ChannelsOf(Lowering& node, int32_t x) {
  for (const char* operand : {"gamma", "beta"}) {
    const std::optional<Shape> shape = node.Static(node.In(operand));
    if (shape.has_value()) return shape->NumElements();
  }
  const fbs::TensorT& tensor = TensorAt(node.draft(), std::max(x, 0));
  return tensor.has_shape && tensor.shape.size() > 1 ? tensor.shape[1] : 0;
}

void InstanceNorm(Lowering& node) {
  const int32_t x = node.Need("x");
  const int64_t channels = ChannelsOf(node, x);
  fbs::NormT table;
  table.kind = fbs::NormKind::instance;
  table.epsilon = node.Float("epsilon", 1e-5f);
  node.EmitOut(table, {x, OrVector(node, "gamma", x, channels, 1),
                       OrVector(node, "beta", x, channels, 0)});
}

// Over axes that are not the last ones.
void LayerNormElsewhere(Lowering& node, const fbs::NormT& last,
                        const std::vector<int32_t>& axes, size_t rank) {
  // Moves the normalised axes behind the others and back.
  std::vector<int32_t> perm;
  for (size_t i = 0; i < rank; ++i) {
    const auto axis = static_cast<int32_t>(i);
    if (std::find(axes.begin(), axes.end(), axis) == axes.end())
      perm.push_back(axis);
  }
  fbs::NormT table = last;
  table.axis = static_cast<int32_t>(perm.size());
  perm.insert(perm.end(), axes.begin(), axes.end());
  std::vector<int32_t> back(rank);
  for (size_t i = 0; i < rank; ++i)
    back[static_cast<size_t>(perm[i])] = static_cast<int32_t>(i);
  const int32_t moved = node.TransposeTo(node.In("x"), perm);
  const int32_t normal =
      node.EmitTemp(table, {moved, node.In("gamma"), node.In("beta")});
  fbs::TransposeT transpose;
  transpose.perm = back;
  node.EmitOut(transpose, {normal});
}

void LayerNorm(Lowering& node) {
  const int32_t x = node.Need("x");
  const size_t rank = node.NeedRank(x);
  std::vector<int32_t> axes;
  for (int64_t axis : node.Ints("axes")) axes.push_back(node.Axis(axis, rank));
  if (axes.empty()) {
    axes.resize(rank);
    std::iota(axes.begin(), axes.end(), 0);
  }
  std::sort(axes.begin(), axes.end());
  if (axes.empty()) node.Refuse("on a scalar");
  if (!node.status().ok()) return;
  fbs::NormT table;
  table.kind = fbs::NormKind::layer;
  table.epsilon = node.Float("epsilon", 1e-5f);
  const size_t first = rank - std::min(axes.size(), rank);
  const bool is_last = axes[0] == static_cast<int32_t>(first);
  if (!is_last) return LayerNormElsewhere(node, table, axes, rank);
  table.axis = static_cast<int32_t>(first);
  node.EmitOut(table, {x, node.In("gamma"), node.In("beta")});
}

// x / sqrt(sum over the last three axes + epsilon), in fp32.
void L2Norm(Lowering& node) {
  const int32_t x = node.Need("x");
  const int32_t wide = node.Cast(x, DataType::kFloat32);
  fbs::ReduceT sum;
  sum.kind = fbs::ReduceKind::sum_square;
  sum.axes = {-3, -2, -1};
  const int32_t total = node.EmitTemp(sum, {wide});
  const int32_t factor =
      node.EmitTemp(Unary(fbs::ActivationKind::rsqrt,
                          static_cast<double>(node.Float("epsilon", 1e-6f))),
                    {total});
  const int32_t product = node.Op(EK::mul, wide, factor);
  node.EmitOut(CastTo(node.TypeOf(x)), {product});
}

void LocalResponseNorm(Lowering& node) {
  fbs::NormT table;
  table.kind = fbs::NormKind::lrn;
  table.size = node.Int32("size", 1);
  table.alpha = node.Float("alpha", 1e-4f);
  table.beta = node.Float("beta", 0.75f);
  table.k = node.Float("k", 1.0f);
  node.EmitOut(table, {node.Need("x")});
}

constexpr OperationRow kRows[] = {
    {"batch_norm", BatchNorm},
    {"instance_norm", InstanceNorm},
    {"l2_norm", L2Norm},
    {"layer_norm", LayerNorm},
    {"local_response_norm", LocalResponseNorm},
};

}  // namespace

std::span<const OperationRow> NormRows() { return kRows; }

}  // namespace aneref::coreml::mil
