// The constexpr_* operations of a program: operands from inputs (iOS 18 on) or
// attributes (before), results kept compressed.
#include "runtime/import/coreml/mil/program.h"

namespace aneref::coreml::mil {
namespace {

// An operand's value of the file; fails where it is missing or computed.
const RawValue* Raw(Lowering* node, const std::string& operand) {
  const Item* item = node->Find(operand);
  if (!node->status().ok()) return nullptr;
  if (item != nullptr && item->raw != nullptr) return item->raw.get();
  node->Fail(item == nullptr
                 ? InvalidFile("", "operand '" + operand + "' is missing")
                 : Unsupported("with a computed '" + operand + "'"));
  return nullptr;
}

const RawValue* Optional(Lowering* node, const std::string& operand) {
  return node->Has(operand) ? Raw(node, operand) : nullptr;
}

ConstexprOperand OperandOf(Lowering* node, const std::string& operand) {
  ConstexprOperand result;
  const Item* item = node->Find(operand);
  if (item == nullptr) return result;
  if (item->raw != nullptr) result.raw = *item->raw;
  result.constant = item->constant;
  result.masked = item->masked;
  if (!result.present())
    node->Fail(Unsupported("with a computed '" + operand + "'"));
  return result;
}

int64_t ScalarOf(const RawValue* value, int64_t otherwise) {
  if (value == nullptr) return otherwise;
  const Expected<DraftConstant> dense = ToDense(*value);
  if (!dense.ok() || dense->shape.NumElements() != 1) return otherwise;
  NetDraft scratch;
  scratch.net.graphs.push_back(std::make_unique<fbs::GraphT>());
  const int32_t tensor =
      AddConstant(&scratch, "", dense->stored, DraftConstant(*dense));
  return ConstantInts(scratch, tensor)[0];
}

Expected<DraftConstant> Affine(Lowering* node) {
  const RawValue* data = Raw(node, "quantized_data");
  const RawValue* scale = Raw(node, "scale");
  const RawValue* zero = Optional(node, "zero_point");
  const RawValue* axis = Optional(node, "axis");
  ANEREF_TRY(node->status());
  return AffineDequantize(*data, *scale, zero, ScalarOf(axis, 0));
}

Expected<DraftConstant> LookUp(Lowering* node) {
  const RawValue* indices = Raw(node, "indices");
  const RawValue* shape = Optional(node, "shape");
  const RawValue* axis = Optional(node, "vector_axis");
  const ConstexprOperand lut = OperandOf(node, "lut");
  ANEREF_TRY(node->status());
  return LutToDense(*indices, lut, shape, ScalarOf(axis, 0));
}

Expected<DraftConstant> Spread(Lowering* node) {
  const ConstexprOperand nonzero = OperandOf(node, "nonzero_data");
  const ConstexprOperand mask = OperandOf(node, "mask");
  const RawValue* shape = Optional(node, "shape");
  ANEREF_TRY(node->status());
  return SparseToDense(nonzero, mask, shape);
}

Expected<DraftConstant> ShiftScale(Lowering* node) {
  const ConstexprOperand data = OperandOf(node, "data");
  const RawValue* scale = Raw(node, "scale");
  const RawValue* offset = Optional(node, "offset");
  ANEREF_TRY(node->status());
  return BlockwiseShiftScale(data, *scale, offset);
}

// The value itself: only the declared type changes.
Expected<DraftConstant> CastValue(Lowering* node) {
  const ConstexprOperand source = OperandOf(node, "source_val");
  ANEREF_TRY(node->status());
  if (source.constant != nullptr) return DraftConstant(*source.constant);
  if (!source.raw.has_value())
    return InvalidFile("", "operand 'source_val' is missing");
  return ToDense(*source.raw);
}

Expected<Masked> LookUpMasked(Lowering* node) {
  const RawValue* mask = Raw(node, "indices_mask");
  const RawValue* nonzero = Raw(node, "indices_nonzero_data");
  const ConstexprOperand lut = OperandOf(node, "lut");
  const RawValue* axis = Optional(node, "vector_axis");
  ANEREF_TRY(node->status());
  return LutToSparse(*mask, *nonzero, lut, ScalarOf(axis, 0));
}

Expected<Masked> ShiftScaleMasked(Lowering* node) {
  const ConstexprOperand mask = OperandOf(node, "data_mask");
  const ConstexprOperand nonzero = OperandOf(node, "nonzero_data");
  const RawValue* scale = Raw(node, "scale");
  const RawValue* offset = Optional(node, "offset");
  ANEREF_TRY(node->status());
  return SparseBlockwiseShiftScale(mask, nonzero, *scale, offset);
}

struct DenseRow {
  const char* type;
  Expected<DraftConstant> (*evaluate)(Lowering* node);
};
constexpr DenseRow kDenseRows[] = {
    {"constexpr_affine_dequantize", Affine},
    {"constexpr_lut_to_dense", LookUp},
    {"constexpr_sparse_to_dense", Spread},
    {"constexpr_blockwise_shift_scale", ShiftScale},
    {"constexpr_cast", CastValue},
};

}  // namespace

Status ProgramConverter::ConvertConstexpr(const Operation& op, Lowering* node,
                                          Scope* scope) {
  if (op.type() == "constexpr_lut_to_sparse" ||
      op.type() == "constexpr_sparse_blockwise_shift_scale") {
    if (op.outputs_size() != 2) return InvalidFile("", "must have two outputs");
    ANEREF_ASSIGN(Masked masked, op.type() == "constexpr_lut_to_sparse"
                                     ? LookUpMasked(node)
                                     : ShiftScaleMasked(node));
    Item item;
    item.masked = std::make_shared<const Masked>(std::move(masked));
    ANEREF_TRY(Define(op.outputs(0).name(), item, scope));
    return Define(op.outputs(1).name(), item, scope);
  }
  for (const DenseRow& row : kDenseRows) {
    if (op.type() != row.type) continue;
    if (op.outputs_size() != 1) return InvalidFile("", "must have one output");
    ANEREF_ASSIGN(DraftConstant constant, row.evaluate(node));
    const ValueType& type = op.outputs(0).type();
    DataType declared = constant.stored;
    if (type.has_tensortype()) {
      ANEREF_ASSIGN(declared, ElementType(type.tensortype().datatype()));
    }
    if (IsFloating(declared) != IsFloating(constant.stored))
      return InvalidFile("", "the declared type of the result does not fit");
    Item item;
    item.declared = DeclaredType(declared, precision_);
    item.constant = std::make_shared<const DraftConstant>(std::move(constant));
    return Define(op.outputs(0).name(), std::move(item), scope);
  }
  return Unsupported("is not supported");
}

}  // namespace aneref::coreml::mil
