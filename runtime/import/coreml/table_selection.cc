// Sorting, one-hot vectors, running sums, triangles, non-zero places.
#include "runtime/import/coreml/table.h"

namespace aneref::coreml {
namespace {

using EK = fbs::ElementwiseKind;
using Case = NeuralNetworkLayer;

// A vector of one int64, for numbers that an input gives.
int32_t OneInt(Layer& layer, int32_t tensor) {
  return layer.Reshape(layer.AsInts(tensor), {1});
}

void TopK(Layer& layer) {
  const TopKLayer& source = layer.proto().topk();
  if (!layer.NeedInputs(1, 2)) return;
  const int32_t x = layer.In(0);
  fbs::TopKT top;
  top.axis = layer.Axis(source.axis(), x);
  top.k = layer.Small(source.k(), "K");
  top.largest = !source.usebottomk();
  std::vector<int32_t> operands = {x};
  if (layer.HasIn(1)) operands.push_back(OneInt(layer, layer.Raw(1)));
  const int32_t values = layer.NewTensor(), places = layer.NewTensor();
  layer.Emit(top, operands, {values, places});
  layer.SetOut(0, values);
  layer.SetOut(1, places);
}

// All elements of the axis, in order.
void ArgSort(Layer& layer) {
  const AxisLayer& source = layer.proto().argsort();
  const int32_t x = layer.In(0);
  fbs::TopKT top;
  top.axis = layer.Axis(source.axis(), x);
  top.largest = source.option() != 0;
  const int32_t count = layer.Extents(x, top.axis, top.axis + 1);
  const int32_t values = layer.NewTensor(), places = layer.NewTensor();
  layer.Emit(top, {x, count}, {values, places});
  layer.SetOut(0, places);
}

// Places outside of the vector, negative ones too, give `off` alone; the IR
// counts negative ones from the back, so they move behind the end.
void OneHot(Layer& layer) {
  const OneHotLayer& source = layer.proto().onehot();
  if (!layer.NeedInputs(1, 2)) return;
  const int32_t depth = layer.HasIn(1)
                            ? OneInt(layer, layer.Raw(1))
                            : layer.ConstantInts({layer.Small(
                                  source.onehotvectorsize(), "vector size")});
  const int32_t indices = layer.Index(0);
  const int32_t zero = layer.Scalar(DataType::kInt64, 0);
  const int32_t is_negative = layer.Apply(EK::less, indices, zero);
  const int32_t placed =
      layer.EmitTemp(fbs::SelectT(), {is_negative, depth, indices});
  fbs::OneHotT one_hot;
  one_hot.axis = static_cast<int32_t>(source.axis());
  const int32_t values =
      layer.Floats(Shape{2}, {source.offvalue(), source.onvalue()});
  layer.SetOut(0, layer.EmitTemp(one_hot, {placed, depth, values}));
}

void CumSum(Layer& layer) {
  const CumSumLayer& source = layer.proto().cumsum();
  if (!layer.NeedInputs(1, 2)) return;
  const int32_t x = layer.In(0);
  fbs::CumulativeT sum;
  sum.exclusive = source.excludefinalsum();
  sum.reverse = source.reverse();
  std::vector<int32_t> operands = {x};
  if (layer.HasIn(1)) {
    operands.push_back(OneInt(layer, layer.Raw(1)));
  } else {
    sum.axis = layer.Axis(source.axis(), x);
  }
  layer.SetOut(0, layer.EmitTemp(sum, operands));
}

int32_t Triangle(Layer& layer, int32_t x, bool upper, int64_t k) {
  fbs::TriluT triangle;
  triangle.upper = upper;
  triangle.k = k;
  return layer.EmitTemp(triangle, {x});
}

void UpperTriangular(Layer& layer) {
  layer.SetOut(0, Triangle(layer, layer.In(0), true,
                           layer.proto().uppertriangular().lower()));
}
void LowerTriangular(Layer& layer) {
  layer.SetOut(0, Triangle(layer, layer.In(0), false,
                           layer.proto().lowertriangular().lower()));
}

// A negative width keeps the whole side.
void MatrixBandPart(Layer& layer) {
  const BandLayer& band = layer.proto().matrixbandpart();
  int32_t x = layer.In(0);
  if (band.lower() >= 0) x = Triangle(layer, x, true, -band.lower());
  if (band.upper() >= 0) x = Triangle(layer, x, false, band.upper());
  layer.SetOut(0, x);
}

// [count, rank]; the IR's op gives [rank, count].
void WhereNonZero(Layer& layer) {
  fbs::SelectionT selection;
  selection.kind = fbs::SelectionKind::non_zero;
  const int32_t places = layer.EmitTemp(selection, {layer.In(0)});
  layer.SetOut(0, layer.Transpose(places, {1, 0}));
}

constexpr LayerRow kRows[] = {
    {Case::kTopK, "topK", TopK},
    {Case::kArgSort, "argSort", ArgSort},
    {Case::kOneHot, "oneHot", OneHot},
    {Case::kCumSum, "cumSum", CumSum},
    {Case::kUpperTriangular, "upperTriangular", UpperTriangular},
    {Case::kLowerTriangular, "lowerTriangular", LowerTriangular},
    {Case::kMatrixBandPart, "matrixBandPart", MatrixBandPart},
    {Case::kWhereNonZero, "whereNonZero", WhereNonZero},
};

}  // namespace

std::span<const LayerRow> SelectionLayers() { return kRows; }

}  // namespace aneref::coreml
