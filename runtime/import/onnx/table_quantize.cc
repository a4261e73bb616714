// Quantisation, and the convolutions and products of integers.
#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

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
