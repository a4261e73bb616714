// Element by element pairs, chains of them, comparisons, logic, Where.
#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

using AK = fbs::ActivationKind;
using EK = fbs::ElementwiseKind;

template <EK kind>
void Pair(Lowering& node) {
  const int32_t b = LegacyOperand(node);
  node.EmitOut(Binary(kind), {node.In(0), b});
}

// Base and exponent may differ in type; the result has the base's.
void Pow(Lowering& node) {
  int32_t base = node.In(0), exponent = LegacyOperand(node);
  const DataType base_type = node.TypeOf(base),
                 exponent_type = node.TypeOf(exponent);
  if (base_type == exponent_type)
    return node.EmitOut(Binary(EK::pow), {base, exponent});
  if (IsFloating(base_type) || !IsFloating(exponent_type)) {
    exponent = node.EmitTemp(CastTo(base_type), {exponent});
    return node.EmitOut(Binary(EK::pow), {base, exponent});
  }
  base = node.EmitTemp(CastTo(exponent_type), {base});
  const int32_t power = node.EmitTemp(Binary(EK::pow), {base, exponent});
  node.EmitOut(CastTo(base_type), {power});
}

void Mod(Lowering& node) {
  node.EmitOut(Binary(node.Int("fmod", 0) != 0 ? EK::fmod : EK::mod),
               node.Ins(0, 2));
}

void BitShift(Lowering& node) {
  const std::string direction = node.String("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    node.Fail(InvalidFile("", "attribute 'direction' is '" + direction + "'"));
  node.EmitOut(Binary(direction == "LEFT" ? EK::shift_left : EK::shift_right),
               node.Ins(0, 2));
}

// One or more inputs, from left to right; the last step writes `output`.
void EmitChain(Lowering& node, EK kind, int32_t output) {
  if (node.num_inputs() == 0)
    return node.Fail(InvalidFile("", "has no inputs"));
  int32_t value = node.In(0);
  if (node.num_inputs() == 1) return EmitIdentity(node, value, output);
  for (size_t i = 1; i + 1 < node.num_inputs(); ++i)
    value = node.EmitTemp(Binary(kind), {value, node.In(i)});
  node.Emit(Binary(kind), {value, node.In(node.num_inputs() - 1)}, {output});
}

template <EK kind>
void Chain(Lowering& node) {
  EmitChain(node, kind, node.Out(0));
}

void Mean(Lowering& node) {
  if (node.num_inputs() < 2) return EmitChain(node, EK::add, node.Out(0));
  int32_t sum = node.In(0);
  for (size_t i = 1; i < node.num_inputs(); ++i)
    sum = node.EmitTemp(Binary(EK::add), {sum, node.In(i)});
  node.EmitOut(Unary(AK::linear, 1.0 / static_cast<double>(node.num_inputs())),
               {sum});
}

void Where(Lowering& node) { node.EmitOut(fbs::SelectT(), node.Ins(0, 3)); }

// x * scale + bias[c], of 2017.
void ImageScaler(Lowering& node) {
  const std::vector<float> bias = node.Floats("bias");
  const DataType type = node.TypeOf(node.In(0));
  const auto scale = static_cast<double>(node.Float("scale", 1.0f));
  if (bias.empty()) return node.EmitOut(Unary(AK::linear, scale), {node.In(0)});
  const int32_t scaled =
      scale == 1.0 ? node.In(0)
                   : node.EmitTemp(Unary(AK::linear, scale), {node.In(0)});
  const int32_t offset = node.ConstantFloats(
      type, Shape{static_cast<int64_t>(bias.size()), 1, 1}, bias);
  node.EmitOut(Binary(EK::add), {scaled, offset});
}

constexpr LoweringRow kRows[] = {
    {"Add", Pair<EK::add>},
    {"Sub", Pair<EK::sub>},
    {"Mul", Pair<EK::mul>},
    {"Div", Pair<EK::div>},
    {"Pow", Pow},
    {"Mod", Mod},
    {"BitShift", BitShift},
    {"BitwiseAnd", Pair<EK::bitwise_and>},
    {"BitwiseOr", Pair<EK::bitwise_or>},
    {"BitwiseXor", Pair<EK::bitwise_xor>},
    {"And", Pair<EK::logical_and>},
    {"Or", Pair<EK::logical_or>},
    {"Xor", Pair<EK::logical_xor>},
    {"Equal", Pair<EK::equal>},
    {"Less", Pair<EK::less>},
    {"LessOrEqual", Pair<EK::less_equal>},
    {"Greater", Pair<EK::greater>},
    {"GreaterOrEqual", Pair<EK::greater_equal>},
    {"Sum", Chain<EK::add>},
    {"Max", Chain<EK::maximum>},
    {"Min", Chain<EK::minimum>},
    {"Mean", Mean},
    {"Where", Where},
    {"ImageScaler", ImageScaler},
};

}  // namespace

std::span<const LoweringRow> BinaryRows() { return kRows; }

}  // namespace aneref::onnx
