// Matrix products and attention.
#include <cmath>
#include <limits>

#include "runtime/import/coreml/mil/table.h"

namespace aneref::coreml::mil {
namespace {

using EK = fbs::ElementwiseKind;

void Linear(Lowering& node) {
  fbs::MatmulT table;
  table.transpose_y = true;
  node.EmitOut(table, {node.Need("x"), node.Need("weight"), node.In("bias")});
}

void Matmul(Lowering& node) {
  const int32_t x = node.Need("x"), y = node.Need("y");
  fbs::MatmulT table;
  // Vectors have nothing to transpose.
  table.transpose_x = node.Bool("transpose_x", false) && node.NeedRank(x) > 1;
  table.transpose_y = node.Bool("transpose_y", false) && node.NeedRank(y) > 1;
  node.EmitOut(table, {x, y});
}

void Einsum(Lowering& node) {
  fbs::EinsumT table;
  table.equation = node.String("equation", "");
  if (table.equation.empty())
    return node.Fail(InvalidFile("", "operand 'equation' is missing"));
  node.EmitOut(table, node.All("values"));
}

struct AttentionOperands {
  int32_t query = -1, key = -1, value = -1, mask = -1;
};

// softmax(Q K^T / sqrt(E) + mask) V step by step, for shapes that the fused op
// does not take.
void AttentionBySteps(Lowering& node, const AttentionOperands& in) {
  const size_t rank = node.NeedRank(in.query);
  const fbs::TensorT& query = TensorAt(node.draft(), std::max(in.query, 0));
  if (!node.status().ok() || rank < 2)
    return node.Refuse("with operands of rank " + std::to_string(rank));
  const int64_t depth = query.shape.back();
  if (depth < 1) return node.Refuse("where the depth is not known");
  fbs::MatmulT product;
  product.transpose_y = true;
  const double scale = 1.0 / std::sqrt(static_cast<double>(depth));
  const int32_t scaled =
      node.Op(EK::mul, in.query, node.ScalarLike(in.query, scale));
  int32_t scores = node.EmitTemp(product, {scaled, in.key});
  if (in.mask >= 0 && node.TypeOf(in.mask) == DataType::kBool) {
    const double lowest = node.TypeOf(scores) == DataType::kFloat16
                              ? -65504.0
                              : -std::numeric_limits<double>::infinity();
    scores = node.EmitTemp(fbs::SelectT(),
                           {in.mask, scores, node.ScalarLike(scores, lowest)});
  } else if (in.mask >= 0) {
    scores = node.Op(EK::add, scores, node.Cast(in.mask, node.TypeOf(scores)));
  }
  fbs::SoftmaxT softmax;
  const int32_t weights = node.EmitTemp(softmax, {scores});
  node.EmitOut(fbs::MatmulT(), {weights, in.value});
}

bool SameFront(const Shape& a, const Shape& b, size_t axes) {
  for (size_t i = 0; i < axes; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

void Attention(Lowering& node) {
  AttentionOperands in{node.Need("query"), node.Need("key"), node.Need("value"),
                       node.In("attn_mask")};
  const std::optional<Shape> q = node.Static(in.query), k = node.Static(in.key),
                             v = node.Static(in.value);
  const bool fused =
      q.has_value() && k.has_value() && v.has_value() &&
      (q->rank() == 3 || q->rank() == 4) && k->rank() == q->rank() &&
      v->rank() == q->rank() && SameFront(*q, *k, q->rank() - 2) &&
      SameFront(*q, *v, q->rank() - 2) &&
      (in.mask < 0 || (node.Rank(in.mask).value_or(0) >= 2 &&
                       node.Rank(in.mask).value_or(0) <= q->rank()));
  if (!fused) return AttentionBySteps(node, in);
  if (q->rank() == 4)
    return node.EmitOut(fbs::AttentionT(),
                        {in.query, in.key, in.value, in.mask});
  // [B, L, E]: one head.
  int32_t mask = in.mask;
  if (mask >= 0 && node.Rank(mask) == 3u) mask = node.Unsqueeze(mask, {1});
  const int32_t y =
      node.EmitTemp(fbs::AttentionT(),
                    {node.Unsqueeze(in.query, {1}), node.Unsqueeze(in.key, {1}),
                     node.Unsqueeze(in.value, {1}), mask});
  fbs::ReshapeT table;
  table.kind = fbs::ReshapeKind::squeeze;
  table.axes = {1};
  node.EmitOut(table, {y});
}

constexpr OperationRow kRows[] = {
    {"einsum", Einsum},
    {"linear", Linear},
    {"matmul", Matmul},
    {"scaled_dot_product_attention", Attention},
};

}  // namespace

std::span<const OperationRow> MatrixRows() { return kRows; }

}  // namespace aneref::coreml::mil
