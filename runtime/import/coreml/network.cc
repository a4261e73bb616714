// See network.h. Inputs with their preprocessing, outputs with their shapes,
// labels of classifiers; the layers between them are converter.h's.
#include "runtime/import/coreml/network.h"

#include <algorithm>

#include "runtime/import/coreml/converter.h"
#include "runtime/import/coreml/ports.h"

namespace aneref::coreml {
namespace {

using AK = fbs::ActivationKind;
using EK = fbs::ElementwiseKind;

const NeuralNetwork& NetworkOf(const Model& model) {
  if (model.has_neuralnetworkclassifier())
    return model.neuralnetworkclassifier();
  if (model.has_neuralnetworkregressor()) return model.neuralnetworkregressor();
  return model.neuralnetwork();
}

bool IsRecurrent(const NeuralNetworkLayer& layer) {
  return layer.has_simplerecurrent() || layer.has_gru() ||
         layer.has_unidirectionallstm() || layer.has_bidirectionallstm();
}

// Layers that count axes from the front, and so see B.
bool CountsAxes(const NeuralNetworkLayer& layer) {
  return layer.layer_case() >= NeuralNetworkLayer::kTile &&
         layer.layer_case() != NeuralNetworkLayer::kClampedReLU;
}

template <class Test>
bool AnyLayer(const NeuralNetwork& network, const Test& test) {
  for (const NeuralNetworkLayer& layer : network.layers()) {
    if (test(layer)) return true;
    if (layer.has_branch() && (AnyLayer(layer.branch().ifbranch(), test) ||
                               AnyLayer(layer.branch().elsebranch(), test)))
      return true;
    if (layer.has_loop() && (AnyLayer(layer.loop().bodynetwork(), test) ||
                             AnyLayer(layer.loop().conditionnetwork(), test)))
      return true;
  }
  return false;
}

class NetworkImporter {
 public:
  NetworkImporter(const Source& source, NetDraft* draft)
      : source_(source),
        network_(NetworkOf(source.model)),
        draft_(*draft),
        context_(draft,
                 DeclaredType(DataType::kFloat32,
                              source.options.precision == Precision::kSource
                                  ? Precision::kSource
                                  : Precision::kFp16)),
        converter_(&context_) {}

  Status Run() {
    draft_.net.graphs.push_back(std::make_unique<fbs::GraphT>());
    ANEREF_TRY(ChooseRank());
    const ModelDescription& description = source_.model.description();
    for (const auto* features : {&description.input(), &description.output()}) {
      for (const FeatureDescription& feature : *features)
        converter_.Reserve(feature.name());
    }
    for (const FeatureDescription& feature : description.input())
      ANEREF_TRY(ConvertInput(feature).WithContext(Describe("input", feature)));
    ANEREF_TRY(converter_.ConvertLayers(network_));
    return ConvertOutputs();
  }

 private:
  Status ChooseRank() {
    const bool has_arrays = std::any_of(
        source_.model.description().input().begin(),
        source_.model.description().input().end(),
        [](const FeatureDescription& f) { return !f.type().has_imagetype(); });
    context_.rank5 = (has_arrays ? network_.arrayinputshapemapping()
                                 : network_.imageinputshapemapping()) == 0;
    context_.specification = source_.model.specificationversion();
    is_recurrent_ = AnyLayer(network_, IsRecurrent);
    if (is_recurrent_ || AnyLayer(network_, CountsAxes)) context_.leading = 2;
    return Status();
  }

  // ---- inputs ----

  Status ConvertInput(const FeatureDescription& feature) {
    ANEREF_ASSIGN(std::vector<int64_t> shape, FeatureShape(feature));
    ANEREF_ASSIGN(const DataType declared, FeatureDataType(feature));
    const bool is_image = feature.type().has_imagetype();
    const bool as_rank5 = is_image ? network_.imageinputshapemapping() == 0
                                   : network_.arrayinputshapemapping() == 0;
    const bool fed_in_steps =
        as_rank5 && is_recurrent_ && !is_image && shape.size() == 1;
    const bool is_state = fed_in_steps && IsState(feature.name());
    if (fed_in_steps) shape.insert(shape.begin(), {is_state ? 1 : -1, -1});
    const DataType type = IsFloating(declared) && !IsIndex(feature.name())
                              ? context_.float_type
                              : KeptType(declared);
    ANEREF_ASSIGN(const int32_t tensor,
                  AddInputPort(&context_, feature, type, shape));
    if (fed_in_steps)
      TensorAt(draft_, tensor).shape_names = {
          is_state ? "" : "Seq of " + feature.name(), "B of " + feature.name(),
          ""};
    NeuralNetworkLayer name;
    name.set_name(feature.name());
    Layer layer(&context_, name, "input", {tensor});
    int32_t blob = tensor;
    if (is_image) blob = Preprocess(layer, feature, blob);
    if (fed_in_steps) {
      blob = layer.Unsqueeze(blob, {3, 4});
    } else if (as_rank5) {
      blob = ToRank5(layer, blob, is_image);
    }
    ANEREF_TRY(layer.status());
    if (blob != tensor) converter_.NameTensor(blob, feature.name() + "/blob");
    converter_.Define(feature.name(), blob);
    return Status();
  }

  // Indices above 2048 are no half-precision numbers: an input that is read as
  // one keeps fp32.
  bool IsIndex(const std::string& name) const {
    return AnyLayer(network_, [&](const NeuralNetworkLayer& layer) {
      const bool first = layer.has_embedding() || layer.has_embeddingnd() ||
                         layer.has_onehot();
      const bool second = layer.has_gather() || layer.has_gathernd() ||
                          layer.has_gatheralongaxis() || layer.has_scatter() ||
                          layer.has_scatternd() || layer.has_scatteralongaxis();
      return (first && layer.input_size() > 0 && layer.input(0) == name) ||
             (second && layer.input_size() > 1 && layer.input(1) == name);
    });
  }
  // A state of a recurrent layer has no steps.
  bool IsState(const std::string& name) const {
    return AnyLayer(network_, [&](const NeuralNetworkLayer& layer) {
      const auto first = layer.input().begin();
      return IsRecurrent(layer) && layer.input_size() > 1 &&
             std::find(first + 1, layer.input().end(), name) !=
                 layer.input().end();
    });
  }
  static DataType KeptType(DataType declared) {
    return IsFloating(declared) ? DataType::kFloat32 : DataType::kInt32;
  }

  int32_t ToRank5(Layer& layer, int32_t blob, bool is_image) {
    const size_t rank = layer.RankOf(blob);
    const bool pair = context_.leading == 2;
    if (is_image) return pair ? layer.Unsqueeze(blob, {0}) : blob;
    switch (rank) {
      case 1:
        return layer.Unsqueeze(blob, pair ? std::vector<int32_t>{0, 1, 3, 4}
                                          : std::vector<int32_t>{0, 2, 3});
      case 3:
        return layer.Unsqueeze(
            blob, pair ? std::vector<int32_t>{0, 1} : std::vector<int32_t>{0});
      case 4:
        return pair ? layer.Unsqueeze(blob, {1}) : blob;
      case 5:
        if (!pair) context_.leading = 2;
        return blob;
      default:
        layer.Refuse("with " + std::to_string(rank) +
                     " axes in a network of [Seq, B, C, H, W]");
        return blob;
    }
  }

  // [1,C,H,W] of 0..255: minus the mean image, times the scale, plus the bias
  // of each colour.
  int32_t Preprocess(Layer& layer, const FeatureDescription& feature,
                     int32_t x) {
    const fbs::ImageLayout layout = FeatureLayout(feature);
    for (const NeuralNetworkPreprocessing& step : network_.preprocessing()) {
      if (!step.featurename().empty() && step.featurename() != feature.name())
        continue;
      if (step.has_meanimage()) x = SubtractMean(layer, step, x);
      if (step.has_scaler()) x = Scale(layer, step.scaler(), layout, x);
    }
    return x;
  }

  int32_t SubtractMean(Layer& layer, const NeuralNetworkPreprocessing& step,
                       int32_t x) {
    const auto& mean = step.meanimage().meanimage();
    const std::optional<Shape> shape = layer.Static(x);
    if (!shape.has_value() || shape->NumElements() != mean.size()) {
      layer.Fail(InvalidFile("", "has a mean image of another size, " +
                                     std::to_string(mean.size()) + " values"));
      return x;
    }
    const std::vector<float> values(mean.begin(), mean.end());
    return layer.Apply(EK::sub, x, layer.Floats(*shape, values));
  }

  static int32_t Scale(Layer& layer,
                       const NeuralNetworkPreprocessing::ImageScaler& scaler,
                       fbs::ImageLayout layout, int32_t x) {
    std::vector<float> biases = {scaler.redbias(), scaler.greenbias(),
                                 scaler.bluebias()};
    if (layout == fbs::ImageLayout::bgr) std::swap(biases[0], biases[2]);
    if (layout == fbs::ImageLayout::grayscale) biases = {scaler.graybias()};
    const float scale = scaler.channelscale();
    const bool uniform = std::all_of(biases.begin(), biases.end(),
                                     [&](float b) { return b == biases[0]; });
    if (uniform && scale == 1.0f && biases[0] == 0.0f) return x;
    if (uniform)
      return layer.Apply(AK::linear, x, static_cast<double>(scale),
                         static_cast<double>(biases[0]));
    const auto channels = static_cast<int64_t>(biases.size());
    const std::vector<float> scales(biases.size(), scale),
        zeros(biases.size(), 0.0f), ones(biases.size(), 1.0f);
    fbs::NormT norm;
    norm.kind = fbs::NormKind::batch;
    norm.epsilon = 0.0f;
    return layer.EmitTemp(std::move(norm),
                          {x, layer.Floats(Shape{channels}, scales),
                           layer.Floats(Shape{channels}, biases),
                           layer.Floats(Shape{channels}, zeros),
                           layer.Floats(Shape{channels}, ones)});
  }

  // ---- outputs ----

  Status ConvertOutputs() {
    const ModelDescription& description = source_.model.description();
    for (const FeatureDescription& feature : description.output()) {
      const bool is_label =
          feature.type().has_dictionarytype() ||
          feature.name() == description.predictedfeaturename();
      const Status status =
          is_label && source_.model.has_neuralnetworkclassifier()
              ? AddClassOutput(feature)
              : AddOutput(feature);
      ANEREF_TRY(status.WithContext(Describe("output", feature)));
    }
    if (MainGraph(draft_).outputs.empty())
      return InvalidFile("", "the model has no outputs");
    return Status();
  }

  Status AddClassOutput(const FeatureDescription& feature) {
    ANEREF_ASSIGN(const int32_t blob, Probabilities());
    return AddClassifierOutput(&context_, source_.model.description(), feature,
                               LabelsOf(network_), blob);
  }

  // The label blob, flattened; computed once.
  Expected<int32_t> Probabilities() {
    if (probabilities_ >= 0) return probabilities_;
    std::string name = network_.labelprobabilitylayername();
    if (name.empty() && network_.layers_size() > 0) {
      const auto& last = network_.layers(network_.layers_size() - 1);
      if (last.output_size() > 0) name = last.output(0);
    }
    ANEREF_ASSIGN(const int32_t blob,
                  converter_.Lookup(name, "the classifier"));
    NeuralNetworkLayer none;
    Layer layer(&context_, none, "probabilities", {blob});
    const std::vector<std::string> labels = ReadLabels(network_);
    const auto count = static_cast<int64_t>(labels.size());
    const std::optional<Shape> shape = layer.Static(blob);
    if (shape.has_value() && count > 0 && shape->NumElements() != count)
      return InvalidFile("", "has " + std::to_string(count) + " labels for " +
                                 std::to_string(shape->NumElements()) +
                                 " probabilities");
    probabilities_ = layer.Reshape(layer.In(0), {-1});
    ANEREF_TRY(layer.status());
    return probabilities_;
  }

  Status AddOutput(const FeatureDescription& feature) {
    ANEREF_ASSIGN(std::unique_ptr<fbs::PortT> port, MakePort(feature, 0));
    ANEREF_ASSIGN(int32_t blob, converter_.Lookup(feature.name(), "the model"));
    NeuralNetworkLayer none;
    none.set_name(feature.name());
    Layer layer(&context_, none, "output", {blob});
    const bool is_integer = IsInteger(static_cast<DataType>(port->declared));
    blob = is_integer ? AsDeclared(layer, port->declared) : layer.In(0);
    if (context_.rank5 || feature.type().has_imagetype())
      blob = DropLeading(layer, feature, blob);
    ANEREF_TRY(layer.status());
    return AddOutputPort(&context_, feature.name(), blob, std::move(port));
  }

  static int32_t AsDeclared(Layer& layer, fbs::DataType declared) {
    const auto type = static_cast<DataType>(declared);
    if (layer.TypeOf(layer.Raw(0)) == type) return layer.Raw(0);
    return layer.EmitTemp(CastTo(type), {layer.Raw(0)});
  }

  // The declared shape when it has as many elements; else, without Seq and B of
  // 1, [C,H,W], or [C] of a vector.
  int32_t DropLeading(Layer& layer, const FeatureDescription& feature,
                      int32_t blob) {
    const std::optional<Shape> shape = layer.Static(blob);
    const Expected<std::vector<int64_t>> declared = FeatureShape(feature);
    const size_t rank = layer.RankOf(blob);
    if (shape.has_value() && declared.ok() && !declared->empty() &&
        !feature.type().has_imagetype()) {
      const Expected<Shape> wanted = MakeShape(*declared);
      if (wanted.ok() && wanted->NumElements() == shape->NumElements())
        return layer.Reshape(blob, *declared);
    }
    if (rank < 4 || rank > 5) return blob;
    std::vector<int32_t> squeezed;
    for (size_t axis = 0; axis + 3 < rank; ++axis) {
      const int64_t extent = layer.Extent(blob, static_cast<int64_t>(axis));
      const bool is_one = extent == 1 || (extent < 0 && !is_recurrent_);
      if (is_one) squeezed.push_back(static_cast<int32_t>(axis));
    }
    if (squeezed.size() + 3 != rank)
      return rank == 4 ? layer.Unsqueeze(blob, {1}) : blob;
    const bool is_vector =
        layer.Extent(blob, -1) == 1 && layer.Extent(blob, -2) == 1;
    if (is_vector && !feature.type().has_imagetype()) {
      squeezed.push_back(static_cast<int32_t>(rank) - 2);
      squeezed.push_back(static_cast<int32_t>(rank) - 1);
    }
    return layer.Squeeze(blob, squeezed);
  }

  const Source& source_;
  const NeuralNetwork& network_;
  NetDraft& draft_;
  NetworkContext context_;
  Converter converter_;
  bool is_recurrent_ = false;
  int32_t probabilities_ = -1;
};

}  // namespace

Expected<NetDraft> ImportNetwork(const Source& source) {
  NetDraft draft;
  ANEREF_TRY(NetworkImporter(source, &draft).Run());
  return draft;
}

}  // namespace aneref::coreml
