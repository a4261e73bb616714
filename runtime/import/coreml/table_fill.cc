// Layers that make values: constants, ranges, random numbers.
//
// Core ML leaves open which numbers a random layer draws. Here they are drawn
// once, at import, from the layer's seed, so that runs repeat to the bit.
#include <cmath>

#include "runtime/import/coreml/table.h"
#include "runtime/import/coreml/weights.h"

namespace aneref::coreml {
namespace {

using Case = NeuralNetworkLayer;

void LoadConstantNd(Layer& layer) {
  const DataLayer& source = layer.proto().loadconstantnd();
  const Shape shape = layer.CheckedShape(source.shape());
  layer.SetOut(0, layer.Weights(source.data(), "data", shape));
}

// A tensor of `shape` (an int64 vector) full of `value`.
int32_t Fill(Layer& layer, int32_t shape, float value) {
  fbs::TileT expand;
  expand.kind = fbs::TileKind::expand;
  return layer.EmitTemp(std::move(expand),
                        {layer.Number(static_cast<double>(value)), shape});
}

void FillLike(Layer& layer) {
  layer.SetOut(0, Fill(layer, layer.Extents(layer.Raw(0), 0),
                       layer.proto().filllike().value()));
}
void FillStatic(Layer& layer) {
  const FillLayer& source = layer.proto().fillstatic();
  const Shape shape = layer.CheckedShape(source.targetshape());
  layer.SetOut(
      0, Fill(layer, layer.ConstantInts(shape.ToVector()), source.value()));
}
void FillDynamic(Layer& layer) {
  layer.SetOut(
      0, Fill(layer, layer.Index(0), layer.proto().filldynamic().value()));
}

int32_t Range(Layer& layer, int32_t start, int32_t end, int32_t step) {
  fbs::GenerateT range;
  range.kind = fbs::GenerateKind::range;
  return layer.EmitTemp(range, {start, end, step});
}

void RangeStatic(Layer& layer) {
  const RangeLayer& source = layer.proto().rangestatic();
  const auto number = [&](float value) {
    return layer.Number(static_cast<double>(value));
  };
  layer.SetOut(
      0, Range(layer, number(source.startvalue()), number(source.endvalue()),
               number(source.stepsizevalue())));
}

// Inputs: end, start, step; the fields stand in for the last two.
void RangeDynamic(Layer& layer) {
  const RangeLayer& source = layer.proto().rangedynamic();
  if (!layer.NeedInputs(1, 3)) return;
  const auto scalar = [&](size_t i, float otherwise) {
    if (!layer.HasIn(i)) return layer.Number(static_cast<double>(otherwise));
    return layer.Reshape(layer.In(i), {});
  };
  const int32_t end = scalar(0, 0.0f);
  layer.SetOut(0, Range(layer, scalar(1, source.startvalue()), end,
                        scalar(2, source.stepsizevalue())));
}

// ---- random numbers ----

// splitmix64: the same numbers on every machine.
class Random {
 public:
  explicit Random(int64_t seed) : state_(static_cast<uint64_t>(seed)) {}
  // In [0, 1), 24 bits.
  double Uniform() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return static_cast<double>((z ^ (z >> 31)) >> 40) * 0x1p-24;
  }
  // The sum of twelve uniform numbers, less 6: mean 0, deviation 1, without
  // functions whose last bit differs between machines.
  double Normal() {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum;
  }

 private:
  uint64_t state_;
};

enum class Distribution { kNormal, kUniform, kBernoulli };

// The shape from the field, the values of an input, or an input's shape.
std::optional<Shape> ShapeOfDraw(Layer& layer, const RandomLayer& source,
                                 bool like) {
  if (layer.num_inputs() == 0) {
    return layer.CheckedShape(source.outputshape());
  }
  const int32_t extents =
      like ? layer.Extents(layer.Raw(0), 0) : layer.Index(0);
  const auto known = layer.KnownInts(extents);
  if (known.has_value()) return layer.CheckedShape(*known);
  layer.Refuse("of a shape that is known only while the network runs");
  return std::nullopt;
}

void Draw(Layer& layer, const RandomLayer& source, Distribution distribution,
          bool like) {
  const std::optional<Shape> shape = ShapeOfDraw(layer, source, like);
  constexpr int64_t kMostValues = 1 << 24;
  if (!shape.has_value() || !layer.status().ok()) return;
  if (shape->NumElements() > kMostValues)
    return layer.Fail(LimitError("draws over 2^24 numbers"));
  const auto first = static_cast<double>(source.first());
  const auto second = static_cast<double>(source.second());
  Random random(source.seed());
  std::vector<float> values(static_cast<size_t>(shape->NumElements()));
  for (float& value : values) {
    double drawn = 0;
    if (distribution == Distribution::kNormal)
      drawn = first + second * random.Normal();
    if (distribution == Distribution::kUniform)
      drawn = first + (second - first) * random.Uniform();
    if (distribution == Distribution::kBernoulli)
      drawn = random.Uniform() < first ? 1.0 : 0.0;
    value = static_cast<float>(drawn);
  }
  layer.SetOut(0, layer.Floats(*shape, values));
}

using D = Distribution;
void NormalLike(Layer& layer) {
  Draw(layer, layer.proto().randomnormallike(), D::kNormal, true);
}
void NormalStatic(Layer& layer) {
  Draw(layer, layer.proto().randomnormalstatic(), D::kNormal, false);
}
void NormalDynamic(Layer& layer) {
  Draw(layer, layer.proto().randomnormaldynamic(), D::kNormal, false);
}
void UniformLike(Layer& layer) {
  Draw(layer, layer.proto().randomuniformlike(), D::kUniform, true);
}
void UniformStatic(Layer& layer) {
  Draw(layer, layer.proto().randomuniformstatic(), D::kUniform, false);
}
void UniformDynamic(Layer& layer) {
  Draw(layer, layer.proto().randomuniformdynamic(), D::kUniform, false);
}

// Its fields have other numbers: the shape takes the place of `second`.
RandomLayer Bernoulli(const BernoulliLayer& source) {
  RandomLayer random;
  random.set_seed(source.seed());
  random.set_first(source.prob());
  *random.mutable_outputshape() = source.outputshape();
  return random;
}
void BernoulliLike(Layer& layer) {
  Draw(layer, Bernoulli(layer.proto().randombernoullilike()), D::kBernoulli,
       true);
}
void BernoulliStatic(Layer& layer) {
  Draw(layer, Bernoulli(layer.proto().randombernoullistatic()), D::kBernoulli,
       false);
}
void BernoulliDynamic(Layer& layer) {
  Draw(layer, Bernoulli(layer.proto().randombernoullidynamic()), D::kBernoulli,
       false);
}

constexpr LayerRow kRows[] = {
    {Case::kLoadConstantND, "loadConstantND", LoadConstantNd},
    {Case::kFillLike, "fillLike", FillLike},
    {Case::kFillStatic, "fillStatic", FillStatic},
    {Case::kFillDynamic, "fillDynamic", FillDynamic},
    {Case::kRangeStatic, "rangeStatic", RangeStatic},
    {Case::kRangeDynamic, "rangeDynamic", RangeDynamic},
    {Case::kRandomNormalLike, "randomNormalLike", NormalLike},
    {Case::kRandomNormalStatic, "randomNormalStatic", NormalStatic},
    {Case::kRandomNormalDynamic, "randomNormalDynamic", NormalDynamic},
    {Case::kRandomUniformLike, "randomUniformLike", UniformLike},
    {Case::kRandomUniformStatic, "randomUniformStatic", UniformStatic},
    {Case::kRandomUniformDynamic, "randomUniformDynamic", UniformDynamic},
    {Case::kRandomBernoulliLike, "randomBernoulliLike", BernoulliLike},
    {Case::kRandomBernoulliStatic, "randomBernoulliStatic", BernoulliStatic},
    {Case::kRandomBernoulliDynamic, "randomBernoulliDynamic", BernoulliDynamic},
};

}  // namespace

std::span<const LayerRow> FillLayers() { return kRows; }

}  // namespace aneref::coreml
