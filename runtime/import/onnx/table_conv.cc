// Convolutions, matrix products and pools.
#include <algorithm>
#include <limits>

#include "runtime/import/onnx/table.h"

namespace aneref::onnx {

fbs::PadMode PadModeOf(Lowering& node) {
  const std::string mode = node.String("auto_pad", "NOTSET");
  if (mode == "SAME_UPPER") return fbs::PadMode::same_upper;
  if (mode == "SAME_LOWER") return fbs::PadMode::same_lower;
  if (mode == "VALID") return fbs::PadMode::valid;
  if (mode != "NOTSET" && !mode.empty())
    node.Fail(InvalidFile("", "attribute 'auto_pad' is '" + mode + "'"));
  return fbs::PadMode::explicit_;
}

namespace {

void Conv(Lowering& node) {
  fbs::ConvT conv;
  ReadWindow(node, &conv);
  conv.groups = node.Int32("group", 1);
  node.EmitOut(std::move(conv), node.Ins(0, 3));
}

void ConvTranspose(Lowering& node) {
  fbs::ConvTransposeT conv;
  ReadWindow(node, &conv);
  conv.groups = node.Int32("group", 1);
  conv.output_padding = node.Ints32("output_padding");
  conv.output_shape = node.Ints32("output_shape");
  const std::optional<size_t> rank = node.Rank(node.In(1));
  // Some files list all axes.
  if (rank.has_value() && conv.output_shape.size() == *rank && *rank > 2)
    conv.output_shape.erase(conv.output_shape.begin(),
                            conv.output_shape.begin() + 2);
  conv.smaller_half_first = conv.pad_mode == fbs::PadMode::same_upper;
  node.EmitOut(std::move(conv), node.Ins(0, 3));
}

// Depthwise over the last axis, after the K - 1 inputs of the past (zeros when
// absent); the last K - 1 are the state to come.
void CausalConvWithState(Lowering& node) {
  const std::optional<Shape> weight = node.Static(node.In(1));
  if (!weight.has_value() || weight->rank() != 3)
    return node.Refuse("with a weight of unknown shape");
  const int64_t past = (*weight)[2] - 1;
  const std::string activation = node.String("activation", "none");
  const bool has_silu = activation == "silu" || activation == "swish";
  if (!has_silu && activation != "none")
    return node.Fail(
        InvalidFile("", "attribute 'activation' is '" + activation + "'"));
  int32_t padded;
  if (node.HasIn(3)) {
    fbs::ConcatT concat;
    concat.axis = 2;
    padded = node.EmitTemp(concat, {node.In(3), node.In(0)});
  } else {
    fbs::PadT pad;
    pad.axes = {2};
    pad.pads = {past, 0};
    padded = node.EmitTemp(std::move(pad), {node.In(0)});
  }
  fbs::ConvT conv;
  conv.groups = static_cast<int32_t>((*weight)[0]);
  std::vector<int32_t> operands = {padded, node.In(1), node.In(2)};
  if (has_silu) {
    const int32_t sum = node.EmitTemp(std::move(conv), std::move(operands));
    node.EmitOut(Unary(fbs::ActivationKind::silu, 1), {sum});
  } else {
    node.EmitOut(std::move(conv), std::move(operands));
  }
  if (!node.HasOut(1)) return;
  fbs::SliceT last;
  const int64_t end = std::numeric_limits<int64_t>::max();
  last.starts = {past > 0 ? -past : end};
  last.ends = {end};
  last.axes = {2};
  node.Emit(std::move(last), {padded}, {node.Out(1)});
}

void MatMul(Lowering& node) { node.EmitOut(fbs::MatmulT(), node.Ins(0, 2)); }

// tensor * factor: folded when the tensor is constant.
int32_t Scaled(Lowering& node, int32_t tensor, float factor) {
  if (factor == 1.0f) return tensor;
  if (!IsFloating(node.TypeOf(tensor))) {
    return node.EmitTemp(Binary(fbs::ElementwiseKind::mul),
                         {tensor, node.Scalar(node.TypeOf(tensor),
                                              static_cast<double>(factor))});
  }
  return node.EmitTemp(
      Unary(fbs::ActivationKind::linear, static_cast<double>(factor)),
      {tensor});
}

// C as the product's bias: a constant [N] or [1, N]; -1 when it is something
// else.
int32_t GemmBias(Lowering& node, int32_t c, bool transposed_b) {
  const std::optional<Shape> shape_b = node.Static(node.In(1));
  const std::optional<Shape> shape = node.Static(c);
  if (!node.IsKnown(c) || !shape.has_value() || !shape_b.has_value() ||
      shape_b->rank() != 2)
    return -1;
  const int64_t columns = (*shape_b)[transposed_b ? 0 : 1];
  const bool is_row =
      shape->rank() == 1 || (shape->rank() == 2 && (*shape)[0] == 1);
  if (!is_row || shape->back() != columns || !IsFloating(node.TypeOf(c)))
    return -1;
  if (shape->rank() == 1) return c;
  fbs::ReshapeT reshape;
  reshape.shape = {columns};
  return node.EmitTemp(std::move(reshape), {c});
}

void Gemm(Lowering& node) {
  const float alpha = node.Float("alpha", 1.0f),
              beta = node.Float("beta", 1.0f);
  fbs::MatmulT matmul;
  matmul.transpose_x = node.Int("transA", 0) != 0;
  matmul.transpose_y = node.Int("transB", 0) != 0;
  int32_t b = node.In(1), c = beta == 0.0f ? -1 : node.In(2);
  const bool folds_alpha = alpha == 1.0f || node.IsKnown(b);
  if (folds_alpha && b >= 0) b = Scaled(node, b, alpha);
  if (c >= 0) c = Scaled(node, c, beta);
  const int32_t bias =
      c >= 0 && folds_alpha ? GemmBias(node, c, matmul.transpose_y) : -1;
  if (folds_alpha && (c < 0 || bias >= 0))
    return node.EmitOut(matmul, {node.In(0), b, bias});
  int32_t product = node.EmitTemp(matmul, {node.In(0), b});
  if (!folds_alpha) product = Scaled(node, product, alpha);
  if (c < 0) return EmitIdentity(node, product, node.Out(0));
  node.EmitOut(Binary(fbs::ElementwiseKind::add), {product, c});
}

// LpPool's p was a float in opset 1.
float NormOrder(Lowering& node) {
  const AttributeProto* p = node.Find("p");
  if (p == nullptr) return 2.0f;
  return p->has_f() && !p->has_i() ? node.Float("p", 2.0f)
                                   : static_cast<float>(node.Int("p", 2));
}

void Pool(Lowering& node, fbs::PoolKind kind) {
  fbs::PoolT pool;
  pool.kind = kind;
  node.Require("kernel_shape");
  pool.kernel = node.Ints32("kernel_shape");
  if (pool.kernel.empty())
    node.Fail(InvalidFile("", "attribute 'kernel_shape' is empty"));
  ReadWindow(node, &pool);
  pool.ceil_mode = node.Int("ceil_mode", 0) != 0;
  pool.count_include_pad = node.Int("count_include_pad", 0) != 0;
  pool.column_major_indices = node.Int("storage_order", 0) != 0;
  if (kind == fbs::PoolKind::lp) pool.p = NormOrder(node);
  std::vector<int32_t> outputs = {node.Out(0)};
  if (kind == fbs::PoolKind::max && node.HasOut(1))
    outputs.push_back(node.Out(1));
  node.Emit(std::move(pool), {node.In(0)}, std::move(outputs));
}
void MaxPool(Lowering& node) { Pool(node, fbs::PoolKind::max); }
void AveragePool(Lowering& node) { Pool(node, fbs::PoolKind::average); }
void LpPool(Lowering& node) { Pool(node, fbs::PoolKind::lp); }

void GlobalPool(Lowering& node, fbs::PoolKind kind) {
  fbs::PoolT pool;
  pool.kind = kind;
  if (kind == fbs::PoolKind::lp) pool.p = NormOrder(node);
  node.EmitOut(std::move(pool), {node.In(0)});
}
void GlobalMaxPool(Lowering& node) { GlobalPool(node, fbs::PoolKind::max); }
void GlobalAveragePool(Lowering& node) {
  GlobalPool(node, fbs::PoolKind::average);
}
void GlobalLpPool(Lowering& node) { GlobalPool(node, fbs::PoolKind::lp); }

constexpr LoweringRow kRows[] = {
    {"Conv", Conv},
    {"ConvTranspose", ConvTranspose},
    {"CausalConvWithState", CausalConvWithState},
    {"MatMul", MatMul},
    {"Gemm", Gemm},
    {"MaxPool", MaxPool},
    {"AveragePool", AveragePool},
    {"LpPool", LpPool},
    {"GlobalMaxPool", GlobalMaxPool},
    {"GlobalAveragePool", GlobalAveragePool},
    {"GlobalLpPool", GlobalLpPool},
};

}  // namespace

std::span<const LoweringRow> ConvRows() { return kRows; }

}  // namespace aneref::onnx
