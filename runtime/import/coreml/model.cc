// See model.h.
#include "runtime/import/coreml/model.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <climits>
#include <cstdint>

namespace aneref::coreml {
namespace {

constexpr int kMaxMessageDepth = 100;
constexpr int32_t kGrayscale = 10, kRgb = 20, kBgr = 30, kGrayscaleHalf = 40;

struct KindRow {
  Model::TypeCase kind;
  const char* name;
};
constexpr KindRow kKinds[] = {
    {Model::kPipelineClassifier, "pipelineClassifier"},
    {Model::kPipelineRegressor, "pipelineRegressor"},
    {Model::kPipeline, "pipeline"},
    {Model::kGlmRegressor, "glmRegressor"},
    {Model::kSupportVectorRegressor, "supportVectorRegressor"},
    {Model::kTreeEnsembleRegressor, "treeEnsembleRegressor"},
    {Model::kNeuralNetworkRegressor, "neuralNetworkRegressor"},
    {Model::kBayesianProbitRegressor, "bayesianProbitRegressor"},
    {Model::kGlmClassifier, "glmClassifier"},
    {Model::kSupportVectorClassifier, "supportVectorClassifier"},
    {Model::kTreeEnsembleClassifier, "treeEnsembleClassifier"},
    {Model::kNeuralNetworkClassifier, "neuralNetworkClassifier"},
    {Model::kKNearestNeighborsClassifier, "kNearestNeighborsClassifier"},
    {Model::kNeuralNetwork, "neuralNetwork"},
    {Model::kItemSimilarityRecommender, "itemSimilarityRecommender"},
    {Model::kMlProgram, "mlProgram"},
    {Model::kCustomModel, "customModel"},
    {Model::kLinkedModel, "linkedModel"},
    {Model::kClassConfidenceThresholding, "classConfidenceThresholding"},
    {Model::kOneHotEncoder, "oneHotEncoder"},
    {Model::kImputer, "imputer"},
    {Model::kFeatureVectorizer, "featureVectorizer"},
    {Model::kDictVectorizer, "dictVectorizer"},
    {Model::kScaler, "scaler"},
    {Model::kCategoricalMapping, "categoricalMapping"},
    {Model::kNormalizer, "normalizer"},
    {Model::kArrayFeatureExtractor, "arrayFeatureExtractor"},
    {Model::kNonMaximumSuppression, "nonMaximumSuppression"},
    {Model::kIdentity, "identity"},
    {Model::kTextClassifier, "textClassifier"},
    {Model::kWordTagger, "wordTagger"},
    {Model::kVisionFeaturePrint, "visionFeaturePrint"},
    {Model::kSoundAnalysisPreprocessing, "soundAnalysisPreprocessing"},
    {Model::kGazetteer, "gazetteer"},
    {Model::kWordEmbedding, "wordEmbedding"},
    {Model::kAudioFeaturePrint, "audioFeaturePrint"},
    {Model::kSerializedModel, "serializedModel"},
};

// A range of one size is that size; any other is open.
int64_t RangeExtent(uint64_t lower, int64_t upper) {
  return upper >= 0 && static_cast<uint64_t>(upper) == lower ? upper : -1;
}

std::vector<int64_t> ImageShape(const ImageFeatureType& image) {
  const bool gray =
      image.colorspace() == kGrayscale || image.colorspace() == kGrayscaleHalf;
  std::vector<int64_t> shape = {1, gray ? 1 : 3, image.height(), image.width()};
  if (image.has_imagesizerange()) {
    const auto& height = image.imagesizerange().heightrange();
    const auto& width = image.imagesizerange().widthrange();
    shape[2] = RangeExtent(height.lowerbound(), height.upperbound());
    shape[3] = RangeExtent(width.lowerbound(), width.upperbound());
  }
  for (const auto& size : image.enumeratedsizes().sizes()) {
    if (static_cast<int64_t>(size.height()) != image.height()) shape[2] = -1;
    if (static_cast<int64_t>(size.width()) != image.width()) shape[3] = -1;
  }
  return shape;
}

std::vector<int64_t> ArrayShape(const ArrayFeatureType& array) {
  std::vector<int64_t> shape(array.shape().begin(), array.shape().end());
  if (array.has_shaperange()) {
    const auto& ranges = array.shaperange().sizeranges();
    shape.clear();
    for (const SizeRange& range : ranges)
      shape.push_back(RangeExtent(range.lowerbound(), range.upperbound()));
  }
  for (const auto& other : array.enumeratedshapes().shapes()) {
    if (shape.empty()) shape.assign(other.shape().begin(), other.shape().end());
    if (static_cast<size_t>(other.shape_size()) != shape.size()) continue;
    for (size_t i = 0; i < shape.size(); ++i) {
      if (other.shape(static_cast<int>(i)) != shape[i]) shape[i] = -1;
    }
  }
  return shape;
}

// What a feature says of its sizes, in its own rank.
struct Sizes {
  std::vector<int64_t> usual, at_least, at_most;
  std::vector<std::vector<int64_t>> shapes;

  void AddRange(const SizeRange& range) {
    const uint64_t lower =
        std::min<uint64_t>(range.lowerbound(), uint64_t{INT64_MAX});
    at_least.push_back(static_cast<int64_t>(lower));
    at_most.push_back(std::max<int64_t>(range.upperbound(), -1));
  }
  void AddShape(const std::vector<int64_t>& shape) {
    if (shape.size() == usual.size() &&
        std::find(shapes.begin(), shapes.end(), shape) == shapes.end())
      shapes.push_back(shape);
  }
  bool Fits(const std::vector<int64_t>& shape) const {
    bool fits = shape.size() == at_least.size();
    for (size_t i = 0; fits && i < shape.size(); ++i)
      fits =
          shape[i] >= at_least[i] && (at_most[i] < 0 || shape[i] <= at_most[i]);
    return fits;
  }
};

Sizes ImageSizes(const ImageFeatureType& image) {
  Sizes sizes;
  const int64_t channels = ImageShape(image)[1];
  sizes.usual = {1, channels, image.height(), image.width()};
  if (image.has_imagesizerange()) {
    sizes.at_least = sizes.at_most = {1, channels};
    sizes.AddRange(image.imagesizerange().heightrange());
    sizes.AddRange(image.imagesizerange().widthrange());
  }
  if (image.enumeratedsizes().sizes_size() > 0) sizes.AddShape(sizes.usual);
  for (const auto& size : image.enumeratedsizes().sizes())
    sizes.AddShape({1, channels, static_cast<int64_t>(size.height()),
                    static_cast<int64_t>(size.width())});
  return sizes;
}

Sizes ArraySizes(const ArrayFeatureType& array) {
  Sizes sizes;
  sizes.usual.assign(array.shape().begin(), array.shape().end());
  for (const SizeRange& range : array.shaperange().sizeranges())
    sizes.AddRange(range);
  const auto& others = array.enumeratedshapes().shapes();
  if (others.size() == 0) return sizes;
  if (sizes.usual.empty())
    sizes.usual.assign(others[0].shape().begin(), others[0].shape().end());
  sizes.AddShape(sizes.usual);
  for (const auto& other : others)
    sizes.AddShape({other.shape().begin(), other.shape().end()});
  return sizes;
}

bool IsPositive(const std::vector<int64_t>& shape) {
  return std::all_of(shape.begin(), shape.end(),
                     [](int64_t extent) { return extent > 0; });
}

}  // namespace

void AddLimits(const FeatureDescription& feature,
               const std::vector<int64_t>& dims, fbs::PortT* port) {
  const FeatureType& type = feature.type();
  Sizes sizes;
  if (type.has_imagetype()) sizes = ImageSizes(type.imagetype());
  if (type.has_multiarraytype()) sizes = ArraySizes(type.multiarraytype());
  if (std::find(dims.begin(), dims.end(), -1) == dims.end()) return;
  // Axes before those of the feature (steps of a sequence) have no limit.
  const auto widen = [&](std::vector<int64_t> extents, int64_t first) {
    if (extents.size() > dims.size()) return std::vector<int64_t>();
    extents.insert(extents.begin(), dims.size() - extents.size(), first);
    return extents;
  };
  if (!sizes.at_least.empty() && sizes.at_least.size() <= dims.size()) {
    port->at_least = widen(sizes.at_least, -1);
    port->at_most = widen(sizes.at_most, -1);
  }
  for (const std::vector<int64_t>& shape : sizes.shapes) {
    const std::vector<int64_t> wide = widen(shape, 1);
    if (IsPositive(shape) && wide.size() == dims.size())
      port->allowed_shapes.insert(port->allowed_shapes.end(), wide.begin(),
                                  wide.end());
  }
  const bool is_usual = !sizes.usual.empty() && IsPositive(sizes.usual) &&
                        (!sizes.shapes.empty() || sizes.Fits(sizes.usual));
  if (is_usual) port->usual_shape = widen(sizes.usual, 1);
}

Expected<std::unique_ptr<Model>> ParseModel(std::span<const std::byte> bytes) {
  if (bytes.size() > static_cast<size_t>(INT_MAX))
    return LimitError("a Core ML model file is at most 2 GiB");
  google::protobuf::io::ArrayInputStream array(bytes.data(),
                                               static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream stream(&array);
  stream.SetTotalBytesLimit(INT_MAX);
  stream.SetRecursionLimit(kMaxMessageDepth);
  auto model = std::make_unique<Model>();
  if (!model->ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return InvalidFile(
        "", "the file is damaged or cut off, or is no Core ML model");
  if (model->Type_case() == Model::TYPE_NOT_SET)
    return InvalidFile("",
                       "the file is no Core ML model: it has no known kind");
  return model;
}

std::string KindName(const Model& model) {
  for (const KindRow& row : kKinds) {
    if (row.kind == model.Type_case()) return row.name;
  }
  return "unknown";
}

std::string Describe(const char* role, const FeatureDescription& feature) {
  return std::string(role) + " \"" + feature.name() + "\"";
}

Expected<DataType> FeatureDataType(const FeatureDescription& feature) {
  const FeatureType& type = feature.type();
  switch (type.Type_case()) {
    case FeatureType::kInt64Type:
      return DataType::kInt32;
    case FeatureType::kDoubleType:
      return DataType::kFloat64;
    case FeatureType::kImageType:
      return type.imagetype().colorspace() == kGrayscaleHalf
                 ? DataType::kFloat16
                 : DataType::kFloat32;
    case FeatureType::kMultiArrayType:
      break;
    case FeatureType::kStateType:
      return Unsupported("is a state inside of a feature");
    case FeatureType::kStringType:
      return Unsupported("is a string; only numbers and images are supported");
    case FeatureType::kDictionaryType:
      return Unsupported(
          "is a dictionary; only numbers and images are supported");
    case FeatureType::kSequenceType:
      return Unsupported(
          "is a sequence; only numbers and images are supported");
    case FeatureType::TYPE_NOT_SET:
      return InvalidFile("", "has no type");
  }
  switch (type.multiarraytype().datatype()) {
    case 65552:
      return DataType::kFloat16;
    case 65600:
      return DataType::kFloat64;
    case 131104:
      return DataType::kInt32;
    case 131080:
      return DataType::kInt8;
    case 0:  // absent in hand-made files
    case 65568:
      return DataType::kFloat32;
    default:
      return Unsupported("has array type " +
                         std::to_string(type.multiarraytype().datatype()) +
                         "; fp16, fp32, fp64, int8 and int32 are known");
  }
}

Expected<std::vector<int64_t>> FeatureShape(const FeatureDescription& feature) {
  const FeatureType& type = feature.type();
  std::vector<int64_t> shape;
  if (type.has_imagetype()) {
    shape = ImageShape(type.imagetype());
  } else if (type.has_multiarraytype()) {
    shape = ArrayShape(type.multiarraytype());
  } else {
    shape = {1};
  }
  std::vector<int64_t> extents = shape;
  for (int64_t& extent : extents) {
    if (extent == -1) extent = 1;
    if (extent <= 0)
      return InvalidFile("", "has the extent " + std::to_string(extent));
  }
  ANEREF_TRY(MakeShape(extents).status());
  return shape;
}

fbs::ImageLayout FeatureLayout(const FeatureDescription& feature) {
  if (!feature.type().has_imagetype()) return fbs::ImageLayout::none;
  switch (feature.type().imagetype().colorspace()) {
    case kRgb:
      return fbs::ImageLayout::rgb;
    case kBgr:
      return fbs::ImageLayout::bgr;
    default:
      return fbs::ImageLayout::grayscale;
  }
}

Expected<std::unique_ptr<fbs::PortT>> MakePort(
    const FeatureDescription& feature, int32_t tensor) {
  ANEREF_ASSIGN(const DataType type, FeatureDataType(feature));
  auto port = std::make_unique<fbs::PortT>();
  port->tensor = tensor;
  port->declared = static_cast<fbs::DataType>(type);
  port->image = FeatureLayout(feature);
  port->description = feature.shortdescription();
  return port;
}

}  // namespace aneref::coreml
