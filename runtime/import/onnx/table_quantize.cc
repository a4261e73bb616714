// Quantisation, and the convolutions and products of integers.
#include <algorithm>

#include "runtime/graph/decode.h"
#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

// Below this a constant is as well stored dense.
constexpr int64_t kFewElements = 256;

bool IsByte(DataType type) {
  return type == DataType::kInt8 || type == DataType::kUint8;
}

bool AllZero(const std::vector<std::byte>& bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::byte b) { return b == std::byte{0}; });
}

// Whether the operands of a dequantisation are constants that a file can keep.
bool IsScaledConstant(const Lowering& node) {
  for (size_t i = 0; i < 3; ++i) {
    const bool is_optional = i == 2;
    if (is_optional && !node.HasIn(i)) continue;
    if (!node.IsKnown(node.In(i)) ||
        ConstantOf(node.draft(), node.In(i)).compressed != nullptr)
      return false;
  }
  const DraftConstant& x = ConstantOf(node.draft(), node.In(0));
  const DraftConstant& scale = ConstantOf(node.draft(), node.In(1));
  const bool zero_fits =
      !node.HasIn(2) ||
      (ConstantOf(node.draft(), node.In(2)).stored == x.stored &&
       ConstantOf(node.draft(), node.In(2)).shape == scale.shape);
  return IsByte(x.stored) && scale.stored != DataType::kFloat64 &&
         x.shape.NumElements() >= kFewElements &&
         scale.shape.NumElements() > 0 && zero_fits;
}

std::shared_ptr<CompressedConstant> ScaledParts(const Lowering& node,
                                                const fbs::QuantizeT& table) {
  const DraftConstant& x = ConstantOf(node.draft(), node.In(0));
  const DraftConstant& scale = ConstantOf(node.draft(), node.In(1));
  auto constant = std::make_shared<CompressedConstant>();
  fbs::ConstantT& parts = constant->parts;
  parts.stored = static_cast<fbs::DataType>(scale.stored);
  parts.bits = 8;
  parts.is_signed = x.stored == DataType::kInt8;
  const auto rank = static_cast<int32_t>(x.shape.rank());
  parts.axis = table.axis < 0 ? table.axis + rank : table.axis;
  if (table.block_size > 0) {
    parts.encoding = fbs::Encoding::blockwise;
    for (const int64_t extent : scale.shape)
      parts.scales_shape.push_back(static_cast<uint32_t>(extent));
  } else {
    parts.encoding = fbs::Encoding::affine;
    parts.scales_shape = {static_cast<uint32_t>(scale.shape.NumElements())};
  }
  constant->data = x.bytes;
  constant->scales = scale.bytes;
  if (!node.HasIn(2)) return constant;
  const DraftConstant& zero = ConstantOf(node.draft(), node.In(2));
  if (!AllZero(zero.bytes)) constant->zero_points = zero.bytes;
  return constant;
}

// Constant 8-bit integers with one scale, one per element of an axis, or one
// per block, as a scaled constant (F13): the file keeps the integers. Nothing:
// the node stays one.
std::optional<DraftConstant> AsScaledConstant(const Lowering& node,
                                              const fbs::QuantizeT& table) {
  if (!IsScaledConstant(node)) return std::nullopt;
  auto parts = ScaledParts(node, table);
  EncodedConstant view;
  view.encoding = parts->parts.encoding;
  view.stored = static_cast<DataType>(parts->parts.stored);
  view.shape = ConstantOf(node.draft(), node.In(0)).shape;
  view.bits = parts->parts.bits;
  view.is_signed = parts->parts.is_signed;
  view.axis = parts->parts.axis;
  view.data = parts->data;
  view.scales = parts->scales;
  view.zero_points = parts->zero_points;
  view.scales_shape.assign(parts->parts.scales_shape.begin(),
                           parts->parts.scales_shape.end());
  DraftConstant constant;
  constant.stored = DecodedType(view);
  constant.shape = view.shape;
  constant.bytes.resize(DenseBytes({constant.stored, view.shape}));
  if (!DecodeConstant(view, constant.bytes).ok()) return std::nullopt;
  constant.compressed = std::move(parts);
  return constant;
}

// The result's type: that of the zero point, else attribute `output_dtype`
// (from 21), else uint8.
void QuantizeLinear(Lowering& node) {
  fbs::QuantizeT quantize;
  quantize.kind = fbs::QuantizeKind::quantize;
  quantize.axis = node.Int32("axis", 1);
  quantize.block_size = node.Int32("block_size", 0);
  const int64_t output_type = node.Int("output_dtype", 0);
  DataType to = DataType::kUint8;
  bool is_narrow = false;
  if (node.HasIn(2)) {
    to = node.TypeOf(node.In(2));
    is_narrow = node.IsFourBit(node.In(2));
  } else if (output_type != 0) {
    to = node.DeclaredOnnx(output_type);
    is_narrow = output_type == kOnnxInt4 || output_type == kOnnxUint4;
  }
  quantize.to = static_cast<fbs::DataType>(to);
  if (is_narrow) quantize.bits = 4;
  node.EmitOut(std::move(quantize), node.Ins(0, 3));
}

void DequantizeLinear(Lowering& node) {
  fbs::QuantizeT dequantize;
  dequantize.kind = fbs::QuantizeKind::dequantize;
  dequantize.axis = node.Int32("axis", 1);
  dequantize.block_size = node.Int32("block_size", 0);
  const int64_t output_type = node.Int("output_dtype", 0);
  const DataType to = output_type != 0 ? node.DeclaredOnnx(output_type)
                                       : node.TypeOf(node.In(1));
  dequantize.to = static_cast<fbs::DataType>(to);
  std::optional<DraftConstant> constant = AsScaledConstant(node, dequantize);
  if (constant.has_value() && IsFloating(to))
    return node.EmitConstant(std::move(*constant), to);
  node.EmitOut(std::move(dequantize), node.Ins(0, 3));
}

void DynamicQuantizeLinear(Lowering& node) {
  fbs::QuantizeT quantize;
  quantize.kind = fbs::QuantizeKind::dynamic;
  node.Emit(std::move(quantize), {node.In(0)},
            {node.Out(0), node.Out(1), node.Out(2)});
}

void IntegerConv(Lowering& node, fbs::IntegerMacKind kind, size_t num_inputs) {
  fbs::IntegerMacT conv;
  conv.kind = kind;
  ReadWindow(node, &conv);
  conv.groups = node.Int32("group", 1);
  node.EmitOut(std::move(conv), node.Ins(0, num_inputs));
}
void ConvInteger(Lowering& node) {
  IntegerConv(node, fbs::IntegerMacKind::conv, 4);
}
void QLinearConv(Lowering& node) {
  IntegerConv(node, fbs::IntegerMacKind::qlinear_conv, 9);
}

void MatMulInteger(Lowering& node) {
  fbs::IntegerMacT matmul;
  matmul.kind = fbs::IntegerMacKind::matmul;
  node.EmitOut(std::move(matmul), node.Ins(0, 4));
}
void QLinearMatMul(Lowering& node) {
  fbs::IntegerMacT matmul;
  matmul.kind = fbs::IntegerMacKind::qlinear_matmul;
  node.EmitOut(std::move(matmul), node.Ins(0, 8));
}

constexpr LoweringRow kRows[] = {
    {"QuantizeLinear", QuantizeLinear},
    {"DequantizeLinear", DequantizeLinear},
    {"DynamicQuantizeLinear", DynamicQuantizeLinear},
    {"ConvInteger", ConvInteger},
    {"QLinearConv", QLinearConv},
    {"MatMulInteger", MatMulInteger},
    {"QLinearMatMul", QLinearMatMul},
};

}  // namespace

std::span<const LoweringRow> QuantizeRows() { return kRows; }

}  // namespace aneref::onnx
