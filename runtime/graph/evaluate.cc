// See evaluate.h.
#include "runtime/graph/evaluate.h"

#include <cstdlib>

#include "ops/registry.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

// Folding computes as fp32 numerics do (P1).
DataType FoldedType(DataType declared) {
  return declared == DataType::kFloat16 ? DataType::kFloat32 : declared;
}

}  // namespace

Expected<OwnedTensor> AllocateTensor(const TensorType& type, size_t max_bytes) {
  const size_t size = DenseBytes(type);
  if (size > max_bytes) {
    return LimitError(type.ToString() + " needs " + std::to_string(size) +
                      " bytes, " + std::to_string(max_bytes) + " are allowed");
  }
  // Zeros that come with fresh pages cost nothing.
  auto* bytes = static_cast<std::byte*>(std::calloc(size + 1, 1));
  if (bytes == nullptr)
    return Status(StatusCode::kOutOfMemory, "",
                  "no memory for " + type.ToString());
  return OwnedTensor{type, std::shared_ptr<std::byte[]>(bytes, std::free)};
}

std::string DescribeNode(const fbs::Node& node) {
  std::string text = "op " + OpName(node);
  if (node.source_op() != nullptr && node.source_op()->size() > 0)
    text += " (from " + node.source_op()->str() + ")";
  if (node.name() != nullptr && node.name()->size() > 0)
    text += ", node '" + node.name()->str() + "'";
  return text;
}

Expected<std::vector<TensorType>> InferNode(
    const fbs::Node& node, std::span<const OpView::Input> inputs) {
  const OpDef* def = FindOp(node.op_type());
  if (def == nullptr || node.op() == nullptr)
    return Unsupported(DescribeNode(node) + ": unknown op");
  Expected<std::vector<TensorType>> types = def->infer(OpView(node, inputs));
  if (!types.ok()) return types.status().WithContext(DescribeNode(node));
  if (types->size() < (node.outputs() ? node.outputs()->size() : 0)) {
    return ShapeError(
        DescribeNode(node) + ": has " + std::to_string(node.outputs()->size()) +
        " outputs, the op gives " + std::to_string(types->size()));
  }
  return types;
}

Expected<std::vector<OwnedTensor>> EvaluateNode(
    const fbs::Node& node, std::span<const OpView::Input> inputs,
    size_t max_bytes) {
  ANEREF_ASSIGN(std::vector<TensorType> types, InferNode(node, inputs));
  std::vector<OpView::Input> folded(inputs.begin(), inputs.end());
  std::vector<OwnedTensor> widened;
  std::vector<TensorView> in(folded.size()), out;
  for (size_t i = 0; i < folded.size(); ++i) {
    if (!folded[i].present) continue;
    folded[i].type.dtype = FoldedType(folded[i].type.dtype);
    TensorView& known = folded[i].known;
    const auto count = static_cast<size_t>(folded[i].type.shape.NumElements());
    if (known.data != nullptr && known.dtype != folded[i].type.dtype) {
      ANEREF_ASSIGN(OwnedTensor copy, AllocateTensor(folded[i].type));
      ConvertElements(known.dtype, known.data, copy.type.dtype,
                      copy.bytes.get(), count);
      known = copy.View();
      widened.push_back(std::move(copy));
    }
    in[i] = DenseView(folded[i].type, known.data);
  }
  std::vector<OwnedTensor> results;
  for (TensorType& type : types) {
    type.dtype = FoldedType(type.dtype);
    ANEREF_ASSIGN(OwnedTensor result, AllocateTensor(type, max_bytes));
    out.push_back(result.View());
    results.push_back(std::move(result));
  }
  const OpDef* def = FindOp(node.op_type());
  ANEREF_TRY(def->reference(OpView(node, folded, types), RefTensors{in, out})
                 .WithContext(DescribeNode(node)));
  return results;
}

}  // namespace aneref
