// Layers of several operands, element by element: old ones with a constant or a
// chain of inputs, N-d ones with broadcasting, comparisons, logic.
#include "runtime/import/coreml/table.h"

namespace aneref::coreml {
namespace {

using AK = fbs::ActivationKind;
using EK = fbs::ElementwiseKind;
using Case = NeuralNetworkLayer;

int32_t Chain(Layer& layer, EK kind) {
  const std::vector<int32_t> inputs = layer.AllIn();
  if (inputs.empty()) return -1;
  int32_t result = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i)
    result = layer.Apply(kind, result, inputs[i]);
  return result;
}

void Add(Layer& layer) {
  if (layer.num_inputs() != 1) return layer.SetOut(0, Chain(layer, EK::add));
  const auto alpha = static_cast<double>(layer.proto().add().alpha());
  layer.SetOut(0, layer.Apply(AK::linear, layer.In(0), 1.0, alpha));
}

void Multiply(Layer& layer) {
  if (layer.num_inputs() != 1) return layer.SetOut(0, Chain(layer, EK::mul));
  const auto alpha = static_cast<double>(layer.proto().multiply().alpha());
  layer.SetOut(0, layer.Apply(AK::linear, layer.In(0), alpha, 0.0));
}

void Average(Layer& layer) {
  const int32_t sum = Chain(layer, EK::add);
  const auto count = static_cast<double>(layer.num_inputs());
  layer.SetOut(0, layer.Apply(EK::div, sum, layer.Number(count)));
}

template <EK kind>
void ChainOf(Layer& layer) {
  layer.SetOut(0, Chain(layer, kind));
}

template <EK kind>
void Pair(Layer& layer) {
  if (!layer.NeedInputs(2, 2)) return;
  layer.SetOut(0, layer.Apply(kind, layer.In(0), layer.In(1)));
}

void FloorDivide(Layer& layer) {
  if (!layer.NeedInputs(2, 2)) return;
  const int32_t quotient = layer.Apply(EK::div, layer.In(0), layer.In(1));
  layer.SetOut(0, layer.Apply(AK::floor, quotient));
}

// [1], [C], [1,H,W] or [C,H,W], against the last three axes.
Shape PlaneShape(Layer& layer,
                 const google::protobuf::RepeatedField<uint64_t>& dims) {
  const Shape shape = layer.CheckedShape(dims);
  if (shape.rank() == 1 && shape[0] != 1) return Shape{shape[0], 1, 1};
  if (shape.rank() == 1 || shape.rank() == 3) return shape;
  layer.Refuse("with parameters of shape " + shape.ToString());
  return Shape{1};
}

void Scale(Layer& layer) {
  const ScaleLayer& parameters = layer.proto().scale();
  const Shape shape = PlaneShape(layer, parameters.shapescale());
  int32_t y = layer.Apply(EK::mul, layer.In(0),
                          layer.Weights(parameters.scale(), "scale", shape));
  if (parameters.hasbias()) {
    const Shape bias = PlaneShape(layer, parameters.shapebias());
    y = layer.Apply(EK::add, y, layer.Weights(parameters.bias(), "bias", bias));
  }
  layer.SetOut(0, y);
}

void Bias(Layer& layer) {
  const DataLayer& parameters = layer.proto().bias();
  const Shape shape = PlaneShape(layer, parameters.shape());
  layer.SetOut(0, layer.Apply(EK::add, layer.In(0),
                              layer.Weights(parameters.data(), "bias", shape)));
}

// Sum of products over the channels; divided by both lengths for the cosine.
void Dot(Layer& layer) {
  if (!layer.NeedInputs(2, 2)) return;
  const int32_t a = layer.In(0), b = layer.In(1);
  const int32_t axis = layer.Axis(-3, a);
  const auto sum = [&](int32_t x) {
    return layer.Reduce(fbs::ReduceKind::sum, x, {axis});
  };
  int32_t dot = sum(layer.Apply(EK::mul, a, b));
  if (layer.proto().dot().flag()) {
    for (int32_t x : {a, b}) {
      const int32_t length = layer.Reduce(fbs::ReduceKind::l2, x, {axis});
      dot = layer.Apply(EK::div, dot, length);
    }
  }
  layer.SetOut(0, dot);
}

// A second input, or the layer's own number. The result is a bool, which reads
// as 0 or 1.
void Compare(Layer& layer, EK kind, float alpha) {
  if (!layer.NeedInputs(1, 2)) return;
  const int32_t other =
      layer.HasIn(1) ? layer.In(1) : layer.Number(static_cast<double>(alpha));
  layer.SetOut(0, layer.Apply(kind, layer.In(0), other));
}
void Equal(Layer& layer) {
  Compare(layer, EK::equal, layer.proto().equal().alpha());
}
void NotEqual(Layer& layer) {
  Compare(layer, EK::not_equal, layer.proto().notequal().alpha());
}
void LessThan(Layer& layer) {
  Compare(layer, EK::less, layer.proto().lessthan().beta());
}
void LessEqual(Layer& layer) {
  Compare(layer, EK::less_equal, layer.proto().lessequal().beta());
}
void GreaterThan(Layer& layer) {
  Compare(layer, EK::greater, layer.proto().greaterthan().beta());
}
void GreaterEqual(Layer& layer) {
  Compare(layer, EK::greater_equal, layer.proto().greaterequal().beta());
}

template <EK kind>
void Logical(Layer& layer) {
  if (!layer.NeedInputs(2, 2)) return;
  layer.SetOut(0, layer.Apply(kind, layer.Bool(0), layer.Bool(1)));
}

void LogicalNot(Layer& layer) {
  layer.SetOut(0, layer.Apply(AK::logical_not, layer.Bool(0)));
}

void Where(Layer& layer) {
  if (!layer.NeedInputs(3, 3)) return;
  layer.SetOut(0, layer.EmitTemp(fbs::SelectT(),
                                 {layer.Bool(0), layer.In(1), layer.In(2)}));
}

constexpr LayerRow kRows[] = {
    {Case::kAdd, "add", Add},
    {Case::kMultiply, "multiply", Multiply},
    {Case::kAverage, "average", Average},
    {Case::kMax, "max", ChainOf<EK::maximum>},
    {Case::kMin, "min", ChainOf<EK::minimum>},
    {Case::kScale, "scale", Scale},
    {Case::kBias, "bias", Bias},
    {Case::kDot, "dot", Dot},
    {Case::kEqual, "equal", Equal},
    {Case::kNotEqual, "notEqual", NotEqual},
    {Case::kLessThan, "lessThan", LessThan},
    {Case::kLessEqual, "lessEqual", LessEqual},
    {Case::kGreaterThan, "greaterThan", GreaterThan},
    {Case::kGreaterEqual, "greaterEqual", GreaterEqual},
    {Case::kLogicalOr, "logicalOr", Logical<EK::logical_or>},
    {Case::kLogicalXor, "logicalXor", Logical<EK::logical_xor>},
    {Case::kLogicalNot, "logicalNot", LogicalNot},
    {Case::kLogicalAnd, "logicalAnd", Logical<EK::logical_and>},
    {Case::kModBroadcastable, "modBroadcastable", Pair<EK::mod>},
    {Case::kMinBroadcastable, "minBroadcastable", ChainOf<EK::minimum>},
    {Case::kMaxBroadcastable, "maxBroadcastable", ChainOf<EK::maximum>},
    {Case::kAddBroadcastable, "addBroadcastable", ChainOf<EK::add>},
    {Case::kPowBroadcastable, "powBroadcastable", Pair<EK::pow>},
    {Case::kDivideBroadcastable, "divideBroadcastable", Pair<EK::div>},
    {Case::kFloorDivBroadcastable, "floorDivBroadcastable", FloorDivide},
    {Case::kMultiplyBroadcastable, "multiplyBroadcastable", ChainOf<EK::mul>},
    {Case::kSubtractBroadcastable, "subtractBroadcastable", Pair<EK::sub>},
    {Case::kWhereBroadcastable, "whereBroadcastable", Where},
};

}  // namespace

std::span<const LayerRow> ArithmeticLayers() { return kRows; }

}  // namespace aneref::coreml
