// Normalisations and softmax.
#include <cmath>

#include "runtime/import/coreml/table.h"
#include "runtime/import/coreml/weights.h"

namespace aneref::coreml {
namespace {

using AK = fbs::ActivationKind;
using EK = fbs::ElementwiseKind;
using Case = NeuralNetworkLayer;

float OrDefault(float value, float otherwise) {
  return value == 0.0f ? otherwise : value;
}

// A vector over the channels; `otherwise` everywhere when it is absent.
int32_t ChannelVector(Layer& layer, const WeightParams& weights,
                      const char* what, int64_t channels, float otherwise) {
  const Shape shape = layer.CheckedShape(std::vector<int64_t>{channels});
  if (HasWeights(weights)) return layer.Weights(weights, what, shape);
  return layer.Floats(
      shape, std::vector<float>(static_cast<size_t>(shape[0]), otherwise));
}

// Statistics over everything but the channels, of samples and places together.
int32_t NormalizeChannels(Layer& layer, int32_t x, float epsilon) {
  const std::vector<int32_t> axes = {0, 2, 3};
  const int32_t mean = layer.Reduce(fbs::ReduceKind::mean, x, axes);
  const int32_t centred = layer.Apply(EK::sub, x, mean);
  const int32_t squares = layer.Apply(AK::square, centred);
  const int32_t variance = layer.Reduce(fbs::ReduceKind::mean, squares, axes);
  const int32_t factor =
      layer.Apply(AK::rsqrt, variance, static_cast<double>(epsilon));
  return layer.Apply(EK::mul, centred, factor);
}

void Batchnorm(Layer& layer) {
  const BatchnormLayer& source = layer.proto().batchnorm();
  const float epsilon = OrDefault(source.epsilon(), 1e-5f);
  const int32_t channels = layer.Small(source.channels(), "channels");
  if (channels == 0) return layer.Fail(InvalidFile("", "channels is 0"));
  const int32_t input = layer.In(0);
  const int32_t x = layer.ToBatch(input, 3);
  const int32_t gamma =
      ChannelVector(layer, source.gamma(), "gamma", channels, 1.0f);
  const int32_t beta =
      ChannelVector(layer, source.beta(), "beta", channels, 0.0f);
  if (source.computemeanvar() && !source.instancenormalization()) {
    const auto plane = [&](int32_t vector) {
      return layer.Reshape(vector, {channels, 1, 1});
    };
    int32_t y = NormalizeChannels(layer, x, epsilon);
    y = layer.Apply(EK::mul, y, plane(gamma));
    y = layer.Apply(EK::add, y, plane(beta));
    return layer.SetOutFromBatch(y, input, 3);
  }
  fbs::NormT norm;
  norm.epsilon = epsilon;
  std::vector<int32_t> operands = {x, gamma, beta};
  if (source.instancenormalization()) {
    norm.kind = fbs::NormKind::instance;
  } else {
    norm.kind = fbs::NormKind::batch;
    operands.push_back(
        ChannelVector(layer, source.mean(), "mean", channels, 0.0f));
    operands.push_back(
        ChannelVector(layer, source.variance(), "variance", channels, 1.0f));
  }
  layer.SetOutFromBatch(layer.EmitTemp(std::move(norm), operands), input, 3);
}

// Of one sample: over its channels and places, or over the places of each
// channel.
void Mvn(Layer& layer) {
  const MvnLayer& source = layer.proto().mvn();
  const int32_t input = layer.In(0);
  const int32_t x = layer.ToBatch(input, 3);
  if (!source.normalizevariance()) {
    const std::vector<int32_t> axes = source.acrosschannels()
                                          ? std::vector<int32_t>{1, 2, 3}
                                          : std::vector<int32_t>{2, 3};
    const int32_t mean = layer.Reduce(fbs::ReduceKind::mean, x, axes);
    return layer.SetOutFromBatch(layer.Apply(EK::sub, x, mean), input, 3);
  }
  fbs::NormT norm;
  norm.kind =
      source.acrosschannels() ? fbs::NormKind::layer : fbs::NormKind::instance;
  norm.axis = 1;
  norm.epsilon = OrDefault(source.epsilon(), 1e-6f);
  layer.SetOutFromBatch(layer.EmitTemp(std::move(norm), {x}), input, 3);
}

// x / sqrt(sum x^2 + e) over [C,H,W] is RMS normalisation times 1 / sqrt(n):
// one step, without squares in half precision.
void L2Normalize(Layer& layer) {
  const float epsilon = OrDefault(layer.proto().l2normalize().alpha(), 1e-6f);
  const int32_t input = layer.In(0);
  const int32_t x = layer.ToBatch(input, 3);
  int64_t count = 1;
  for (int64_t axis = -3; axis < 0; ++axis) {
    const int64_t extent = layer.Extent(x, axis);
    count = extent < 0 || count < 0 ? -1 : count * extent;
  }
  if (count > 0) {
    fbs::NormT norm;
    norm.kind = fbs::NormKind::rms;
    norm.axis = 1;
    norm.epsilon = epsilon / static_cast<float>(count);
    const auto scale = static_cast<float>(1.0 / std::sqrt(count));
    const int32_t y =
        layer.EmitTemp(std::move(norm), {x, layer.Floats(Shape{1}, {scale})});
    return layer.SetOutFromBatch(y, input, 3);
  }
  const int32_t sum = layer.Reduce(fbs::ReduceKind::sum_square, x, {1, 2, 3});
  const int32_t factor =
      layer.Apply(AK::rsqrt, sum, static_cast<double>(epsilon));
  layer.SetOutFromBatch(layer.Apply(EK::mul, x, factor), input, 3);
}

void Lrn(Layer& layer) {
  const LrnLayer& source = layer.proto().lrn();
  fbs::NormT norm;
  norm.kind = fbs::NormKind::lrn;
  norm.alpha = source.alpha();
  norm.beta = source.beta();
  norm.k = OrDefault(source.k(), 1.0f);
  norm.size = layer.Small(source.localsize(), "local size");
  const int32_t input = layer.In(0);
  const int32_t y = layer.EmitTemp(std::move(norm), {layer.ToBatch(input, 3)});
  layer.SetOutFromBatch(y, input, 3);
}

void LayerNormalization(Layer& layer) {
  const LayerNormLayer& source = layer.proto().layernormalization();
  const Shape shape = layer.CheckedShape(source.normalizedshape());
  fbs::NormT norm;
  norm.kind = fbs::NormKind::layer;
  norm.axis = layer.Axis(-static_cast<int64_t>(shape.rank()), layer.In(0));
  norm.epsilon = source.eps();
  std::vector<int32_t> operands = {layer.In(0), -1, -1};
  if (HasWeights(source.gamma()))
    operands[1] = layer.Weights(source.gamma(), "gamma", shape);
  if (HasWeights(source.beta()))
    operands[2] = layer.Weights(source.beta(), "beta", shape);
  layer.SetOut(0, layer.EmitTemp(std::move(norm), operands));
}

void EmitSoftmax(Layer& layer, int64_t axis) {
  fbs::SoftmaxT softmax;
  softmax.axis = layer.Axis(axis, layer.In(0));
  layer.SetOut(0, layer.EmitTemp(softmax, {layer.In(0)}));
}

void Softmax(Layer& layer) {
  EmitSoftmax(layer, layer.RankOf(layer.In(0)) < 3 ? -1 : -3);
}
void SoftmaxNd(Layer& layer) {
  EmitSoftmax(layer, layer.proto().softmaxnd().axis());
}

constexpr LayerRow kRows[] = {
    {Case::kBatchnorm, "batchnorm", Batchnorm},
    {Case::kMvn, "mvn", Mvn},
    {Case::kL2Normalize, "l2normalize", L2Normalize},
    {Case::kLrn, "lrn", Lrn},
    {Case::kLayerNormalization, "layerNormalization", LayerNormalization},
    {Case::kSoftmax, "softmax", Softmax},
    {Case::kSoftmaxND, "softmaxND", SoftmaxNd},
};

}  // namespace

std::span<const LayerRow> NormLayers() { return kRows; }

}  // namespace aneref::coreml
