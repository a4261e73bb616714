// Joins the parts of the table.
#include "runtime/import/onnx/table.h"

#include <unordered_map>

namespace aneref::onnx {

const LoweringRow* FindRow(const std::string& op_type) {
  static const auto* const kRows = [] {
    auto* rows = new std::unordered_map<std::string, const LoweringRow*>;
    for (const auto part :
         {ConvRows(), NormRows(), UnaryRows(), BinaryRows(), ReduceRows(),
          ShapeRows(), MovementRows(), ConstantRows(), ResampleRows(),
          QuantizeRows(), SelectionRows(), SamplingRows(), SequenceRows()}) {
      for (const LoweringRow& row : part) rows->emplace(row.op_type, &row);
    }
    return rows;
  }();
  const auto found = kRows->find(op_type);
  return found == kRows->end() ? nullptr : found->second;
}

void EmitIdentity(Lowering& node, int32_t input, int32_t output) {
  node.Emit(fbs::ActivationT(), {input}, {output});
}

int32_t LegacyOperand(Lowering& node) {
  const int32_t b = node.In(1);
  if (node.opset() >= 7 || node.Int("broadcast", 0) == 0 || !node.Has("axis"))
    return b;
  const std::optional<size_t> rank_a = node.Rank(node.In(0));
  const std::optional<Shape> shape_b = node.Static(b);
  if (!rank_a.has_value() || !shape_b.has_value()) {
    node.Refuse("with attribute 'axis' when the ranks are not known");
    return b;
  }
  const int64_t axis =
      node.Int("axis", 0) +
      (node.Int("axis", 0) < 0 ? static_cast<int64_t>(*rank_a) : 0);
  const auto rank = static_cast<int64_t>(*rank_a),
             rank_b = static_cast<int64_t>(shape_b->rank());
  if (axis < 0 || axis > rank || rank_b > rank - axis) {
    node.Fail(InvalidFile("", "attribute 'axis' is " + std::to_string(axis) +
                                  ", operands have ranks " +
                                  std::to_string(rank) + " and " +
                                  std::to_string(rank_b)));
    return b;
  }
  if (rank_b == rank - axis) return b;
  fbs::ReshapeT reshape;
  reshape.kind = fbs::ReshapeKind::unsqueeze;
  for (int64_t i = 0; i < rank - axis - rank_b; ++i)
    reshape.axes.push_back(static_cast<int32_t>(rank_b + i));
  return node.EmitTemp(std::move(reshape), {b});
}

}  // namespace aneref::onnx
