// Matrix products and look-ups in weight tables.
#include "runtime/import/coreml/table.h"
#include "runtime/import/coreml/weights.h"

namespace aneref::coreml {
namespace {

using EK = fbs::ElementwiseKind;
using Case = NeuralNetworkLayer;

// Whether the vector lies in one of the last three axes, the others being 1 (or
// the whole [C,H,W] is the vector), and not in the last axis alone.
bool IsPlane(Layer& layer, int32_t x, int64_t channels) {
  if (layer.RankOf(x) < 3) return false;
  if (layer.network().rank5) return true;
  return layer.Extent(x, -1) != channels;
}

// [.., C,H,W] to [.., C*H*W], channel first.
int32_t FlattenPlane(Layer& layer, int32_t x, int64_t length) {
  if (layer.RankOf(x) == 3) return layer.Reshape(x, {length});
  return layer.ReshapeTo(
      x, {layer.Extents(x, 0, -3), layer.ConstantInts({length})});
}

// [.., C] to [.., C, 1, 1].
int32_t ToPlane(Layer& layer, int32_t x) {
  const auto rank = static_cast<int32_t>(layer.RankOf(x));
  return layer.Unsqueeze(x, {rank, rank + 1});
}

int32_t Linear(Layer& layer, int32_t x, const std::vector<int32_t>& weights) {
  fbs::MatmulT matmul;
  matmul.transpose_y = true;
  std::vector<int32_t> operands = {x};
  operands.insert(operands.end(), weights.begin(), weights.end());
  return layer.EmitTemp(matmul, operands);
}

void InnerProduct(Layer& layer) {
  const InnerProductLayer& source = layer.proto().innerproduct();
  const int64_t in = layer.Small(source.inputchannels(), "input channels");
  const int64_t out = layer.Small(source.outputchannels(), "output channels");
  std::vector<int32_t> weights = {
      layer.Weights(source.weights(), "weights",
                    layer.CheckedShape(std::vector<int64_t>{out, in}))};
  if (source.hasbias())
    weights.push_back(layer.Weights(
        source.bias(), "bias", layer.CheckedShape(std::vector<int64_t>{out})));
  const int32_t x = layer.In(0);
  if (!layer.status().ok()) return;
  if (!IsPlane(layer, x, in)) return layer.SetOut(0, Linear(layer, x, weights));
  const int32_t y = Linear(layer, FlattenPlane(layer, x, in), weights);
  layer.SetOut(0, ToPlane(layer, y));
}

// The table as the format stores it, [size, words], turned to [words, size].
int32_t Table(Layer& layer, const WeightParams& weights, int64_t words,
              int64_t size) {
  const Shape stored = layer.CheckedShape(std::vector<int64_t>{size, words});
  const std::vector<float> values =
      layer.WeightValues(weights, "weights", stored);
  if (!layer.status().ok()) return -1;
  std::vector<float> turned(values.size());
  const auto rows = static_cast<size_t>(size);
  const auto columns = static_cast<size_t>(words);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c)
      turned[c * rows + r] = values[r * columns + c];
  }
  return layer.Floats(Shape{words, size}, turned);
}

int32_t LookUp(Layer& layer, int32_t table, int32_t indices,
               const WeightParams* bias, int64_t size) {
  fbs::GatherT gather;
  const int32_t rows = layer.EmitTemp(gather, {table, indices});
  if (bias == nullptr) return rows;
  return layer.Apply(EK::add, rows, layer.Weights(*bias, "bias", Shape{size}));
}

void Embedding(Layer& layer) {
  const InnerProductLayer& source = layer.proto().embedding();
  const int64_t words = layer.Small(source.inputchannels(), "input size");
  const int64_t size = layer.Small(source.outputchannels(), "output channels");
  const int32_t table = Table(layer, source.weights(), words, size);
  const int32_t input = layer.Index(0);
  const auto rank = static_cast<int32_t>(layer.RankOf(input));
  if (!layer.status().ok()) return;
  if (rank < 3) return layer.Fail(ShapeError("needs indices of [.., 1, 1, 1]"));
  const int32_t indices = layer.Squeeze(input, {rank - 3, rank - 2, rank - 1});
  const int32_t rows = LookUp(
      layer, table, indices, source.hasbias() ? &source.bias() : nullptr, size);
  layer.SetOut(0, ToPlane(layer, rows));
}

void EmbeddingNd(Layer& layer) {
  const EmbeddingNdLayer& source = layer.proto().embeddingnd();
  const int64_t words = layer.Small(source.vocabsize(), "vocabulary");
  const int64_t size = layer.Small(source.embeddingsize(), "embedding size");
  const int32_t table = Table(layer, source.weights(), words, size);
  const int32_t input = layer.Index(0);
  const auto rank = static_cast<int32_t>(layer.RankOf(input));
  if (!layer.status().ok()) return;
  const int32_t indices = layer.Squeeze(input, {rank - 1});
  layer.SetOut(0, LookUp(layer, table, indices,
                         source.hasbias() ? &source.bias() : nullptr, size));
}

void BatchedMatmul(Layer& layer) {
  const BatchedMatmulLayer& source = layer.proto().batchedmatmul();
  if (!layer.NeedInputs(1, 2)) return;
  const bool one = layer.num_inputs() == 1;
  const int64_t in = layer.Small(source.weightmatrixfirstdimension(), "rows");
  const int64_t out =
      layer.Small(source.weightmatrixseconddimension(), "columns");
  std::vector<int32_t> bias;
  if (source.hasbias())
    bias = {layer.Weights(source.bias(), "bias",
                          layer.CheckedShape(std::vector<int64_t>{out}))};
  if (one) {
    std::vector<int32_t> weights = {
        layer.Weights(source.weights(), "weights",
                      layer.CheckedShape(std::vector<int64_t>{out, in}))};
    weights.insert(weights.end(), bias.begin(), bias.end());
    return layer.SetOut(0, Linear(layer, layer.In(0), weights));
  }
  fbs::MatmulT matmul;
  matmul.transpose_x = source.transposea();
  matmul.transpose_y = source.transposeb();
  std::vector<int32_t> operands = {layer.In(0), layer.In(1)};
  operands.insert(operands.end(), bias.begin(), bias.end());
  layer.SetOut(0, layer.EmitTemp(matmul, operands));
}

constexpr LayerRow kRows[] = {
    {Case::kInnerProduct, "innerProduct", InnerProduct},
    {Case::kEmbedding, "embedding", Embedding},
    {Case::kEmbeddingND, "embeddingND", EmbeddingNd},
    {Case::kBatchedMatmul, "batchedMatmul", BatchedMatmul},
};

}  // namespace

std::span<const LayerRow> MatrixLayers() { return kRows; }

}  // namespace aneref::coreml
