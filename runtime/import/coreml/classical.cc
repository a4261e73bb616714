// See classical.h. One function per kind of model: the input vectors in, the
// result out. Tree ensembles are in trees.cc.
#include "runtime/import/coreml/classical.h"

#include <cmath>

#include "runtime/import/coreml/ports.h"
#include "runtime/import/coreml/trees.h"

namespace aneref::coreml {
namespace {

using AK = fbs::ActivationKind;
using EK = fbs::ElementwiseKind;
using RK = fbs::ReduceKind;

// The inputs, each flattened to a vector, and the model.
struct Stage {
  Layer& layer;
  const Model& model;
  std::vector<int32_t> inputs;

  int32_t First() {
    if (!inputs.empty()) return inputs[0];
    layer.Fail(InvalidFile("", "the model has no inputs"));
    return -1;
  }
};

template <class List>
std::vector<float> ToFloats(const List& values) {
  std::vector<float> floats;
  for (const auto value : values) floats.push_back(static_cast<float>(value));
  return floats;
}

int32_t Vector(Layer& layer, const std::vector<float>& values) {
  return layer.Floats(Shape{static_cast<int64_t>(values.size())}, values);
}

// (x + shift) * scale; absent lists change nothing.
int32_t RunScaler(Stage& stage) {
  const Scaler& scaler = stage.model.scaler();
  int32_t x = stage.First();
  if (scaler.shiftvalue_size() > 0)
    x = stage.layer.Apply(EK::add, x,
                          Vector(stage.layer, ToFloats(scaler.shiftvalue())));
  if (scaler.scalevalue_size() > 0)
    x = stage.layer.Apply(EK::mul, x,
                          Vector(stage.layer, ToFloats(scaler.scalevalue())));
  return x;
}

int32_t RunImputer(Stage& stage) {
  const Imputer& imputer = stage.model.imputer();
  Layer& layer = stage.layer;
  std::vector<float> values;
  switch (imputer.ImputedValue_case()) {
    case Imputer::kImputedDoubleValue:
      values = {static_cast<float>(imputer.imputeddoublevalue())};
      break;
    case Imputer::kImputedInt64Value:
      values = {static_cast<float>(imputer.imputedint64value())};
      break;
    case Imputer::kImputedDoubleArray:
      values = ToFloats(imputer.imputeddoublearray().vector());
      break;
    case Imputer::kImputedInt64Array:
      values = ToFloats(imputer.imputedint64array().vector());
      break;
    default:
      layer.Refuse("with values that are no numbers");
      return -1;
  }
  double replaced = std::nan("");
  if (imputer.has_replacedoublevalue()) replaced = imputer.replacedoublevalue();
  if (imputer.has_replaceint64value())
    replaced = static_cast<double>(imputer.replaceint64value());
  if (imputer.has_replacestringvalue()) {
    layer.Refuse("that replaces text");
    return -1;
  }
  const int32_t x = stage.First();
  const int32_t is_missing =
      std::isnan(replaced) ? layer.Apply(AK::is_nan, x)
                           : layer.Apply(EK::equal, x, layer.Number(replaced));
  return layer.EmitTemp(fbs::SelectT(), {is_missing, Vector(layer, values), x});
}

int32_t RunVectorizer(Stage& stage) {
  const FeatureVectorizer& vectorizer = stage.model.featurevectorizer();
  const auto& features = stage.model.description().input();
  std::vector<int32_t> parts;
  for (const auto& column : vectorizer.inputlist()) {
    for (int i = 0; i < features.size(); ++i) {
      if (features[i].name() == column.inputcolumn())
        parts.push_back(stage.inputs[static_cast<size_t>(i)]);
    }
  }
  if (parts.size() != static_cast<size_t>(vectorizer.inputlist_size()) ||
      parts.empty()) {
    stage.layer.Fail(InvalidFile("", "lists columns that are no inputs"));
    return -1;
  }
  return stage.layer.Concat(parts, 0);
}

// Divided by the largest magnitude, the sum of magnitudes, or the length.
int32_t RunNormalizer(Stage& stage) {
  constexpr RK kNorms[] = {RK::max, RK::l1, RK::l2};
  const int32_t type = stage.model.normalizer().normtype();
  Layer& layer = stage.layer;
  if (type < 0 || type > 2) {
    layer.Refuse("with norm " + std::to_string(type));
    return -1;
  }
  const int32_t x = stage.First();
  const int32_t magnitudes = type == 0 ? layer.Apply(AK::abs, x) : x;
  const int32_t norm = layer.Reduce(kNorms[type], magnitudes, {0});
  const int32_t is_zero = layer.Apply(EK::equal, norm, layer.Number(0));
  const int32_t divisor =
      layer.EmitTemp(fbs::SelectT(), {is_zero, layer.Number(1), norm});
  return layer.Apply(EK::div, x, divisor);
}

int32_t RunExtractor(Stage& stage) {
  std::vector<int64_t> indices;
  for (uint64_t index : stage.model.arrayfeatureextractor().extractindex())
    indices.push_back(stage.layer.Small(index, "index"));
  return stage.layer.EmitTemp(
      fbs::GatherT(), {stage.First(), stage.layer.ConstantInts(indices)});
}

// Unknown values give zeros; Core ML may stop there instead.
int32_t RunOneHot(Stage& stage) {
  const OneHotEncoder& encoder = stage.model.onehotencoder();
  Layer& layer = stage.layer;
  if (!encoder.has_int64categories() || encoder.outputsparse()) {
    layer.Refuse("of text, or with a dictionary as its result");
    return -1;
  }
  const int32_t categories =
      Vector(layer, ToFloats(encoder.int64categories().vector()));
  return layer.AsFloat(layer.Apply(EK::equal, stage.First(), categories));
}

int32_t RunIdentity(Stage& stage) { return stage.First(); }

// ---- linear models ----

// The matrix [rows, columns] times the vector, plus an offset per row.
int32_t LinearScores(Stage& stage, const GLM& glm) {
  Layer& layer = stage.layer;
  const auto rows = static_cast<int64_t>(glm.weights_size());
  const auto columns =
      rows == 0 ? 0 : static_cast<int64_t>(glm.weights(0).vector_size());
  std::vector<float> values;
  for (const DoubleVector& row : glm.weights()) {
    if (row.vector_size() != columns)
      layer.Fail(InvalidFile("", "has weights of different lengths"));
    const std::vector<float> part = ToFloats(row.vector());
    values.insert(values.end(), part.begin(), part.end());
  }
  if (rows == 0 || columns == 0 || glm.offset_size() != rows)
    layer.Fail(InvalidFile("", "needs weights, and an offset for each row"));
  if (!layer.status().ok()) return -1;
  const int32_t x = layer.Reshape(stage.First(), {columns, 1});
  const int32_t product = layer.EmitTemp(
      fbs::MatmulT(), {layer.Floats(Shape{rows, columns}, values), x});
  return layer.Apply(EK::add, layer.Reshape(product, {rows}),
                     Vector(layer, ToFloats(glm.offset())));
}

// The normal distribution function.
int32_t Probit(Layer& layer, int32_t x) {
  const int32_t scaled = layer.Apply(AK::linear, x, std::sqrt(0.5));
  return layer.Apply(AK::linear, layer.Apply(AK::erf, scaled), 0.5, 0.5);
}

int32_t RunGlmRegressor(Stage& stage) {
  const GLM& glm = stage.model.glmregressor();
  const int32_t scores = LinearScores(stage, glm);
  switch (glm.postevaluationtransform()) {
    case 0:
      return scores;
    case 1:
      return stage.layer.Apply(AK::sigmoid, scores);
    case 2:
      return Probit(stage.layer, scores);
    default:
      stage.layer.Refuse("with this transform");
      return -1;
  }
}

int32_t Softmax(Layer& layer, int32_t scores) {
  fbs::SoftmaxT softmax;
  softmax.axis = 0;
  return layer.EmitTemp(softmax, {scores});
}

int32_t RunGlmClassifier(Stage& stage) {
  const GLM& glm = stage.model.glmclassifier();
  Layer& layer = stage.layer;
  const int32_t scores = LinearScores(stage, glm);
  const bool is_logit = glm.postevaluationtransform() == 0;
  if (glm.weights_size() == 1) {  // two classes
    const int32_t second =
        is_logit ? layer.Apply(AK::sigmoid, scores) : Probit(layer, scores);
    return TwoClasses(layer, second);
  }
  if (glm.classencoding() == 0) {
    if (!is_logit) {
      layer.Refuse("with a probit of more than two classes");
      return -1;
    }
    return Softmax(layer, layer.Concat({Vector(layer, {0.0f}), scores}, 0));
  }
  const int32_t each =
      is_logit ? layer.Apply(AK::sigmoid, scores) : Probit(layer, scores);
  return layer.Apply(EK::div, each, layer.Reduce(RK::sum, each, {0}));
}

// ---- support vectors ----

// The vectors as a matrix [count, columns].
Shape ReadVectors(Layer& layer, const SupportVectorRegressor& svm,
                  int64_t columns, std::vector<float>* values) {
  const auto width = static_cast<size_t>(columns);
  for (const DoubleVector& row : svm.densesupportvectors().vectors()) {
    std::vector<float> part = ToFloats(row.vector());
    part.resize(width, 0.0f);
    values->insert(values->end(), part.begin(), part.end());
  }
  for (const SparseVector& row : svm.sparsesupportvectors().vectors()) {
    std::vector<float> part(width, 0.0f);
    for (const auto& node : row.nodes()) {  // indices count from 1
      if (node.index() < 1 || static_cast<size_t>(node.index()) > width) {
        layer.Fail(InvalidFile("",
                               "has a support vector longer than the "
                               "input"));
        return Shape();
      }
      part[static_cast<size_t>(node.index()) - 1] =
          static_cast<float>(node.value());
    }
    values->insert(values->end(), part.begin(), part.end());
  }
  return Shape{static_cast<int64_t>(values->size() / width), columns};
}

int32_t KernelValues(Layer& layer, const Kernel& kernel, int32_t vectors,
                     int32_t x) {
  if (kernel.has_rbfkernel()) {
    const int32_t differences = layer.Apply(EK::sub, vectors, x);
    const int32_t distances =
        layer.Reduce(RK::sum_square, differences, {1}, false);
    return layer.Apply(AK::exp, layer.Apply(AK::linear, distances,
                                            -kernel.rbfkernel().gamma()));
  }
  const int32_t dot =
      layer.Reduce(RK::sum, layer.Apply(EK::mul, vectors, x), {1}, false);
  if (kernel.has_polykernel()) {
    const PolyKernel& poly = kernel.polykernel();
    const int32_t base = layer.Apply(AK::linear, dot, poly.gamma(), poly.c());
    return layer.Apply(EK::pow, base, layer.Number(poly.degree()));
  }
  if (kernel.has_sigmoidkernel()) {
    const SigmoidKernel& sigmoid = kernel.sigmoidkernel();
    return layer.Apply(
        AK::tanh, layer.Apply(AK::linear, dot, sigmoid.gamma(), sigmoid.c()));
  }
  return dot;
}

int32_t RunSvmRegressor(Stage& stage) {
  const SupportVectorRegressor& svm = stage.model.supportvectorregressor();
  Layer& layer = stage.layer;
  const int32_t x = stage.First();
  const int64_t columns = layer.Extent(x, 0);
  if (columns < 1) {
    layer.Refuse("with an open number of columns");
    return -1;
  }
  std::vector<float> values;
  const Shape shape = ReadVectors(layer, svm, columns, &values);
  if (!layer.status().ok()) return -1;
  const std::vector<float> alpha = ToFloats(svm.coefficients().vector());
  if (shape[0] != static_cast<int64_t>(alpha.size()) || alpha.empty()) {
    layer.Fail(InvalidFile("", "needs one coefficient per support vector"));
    return -1;
  }
  const int32_t kernels =
      KernelValues(layer, svm.kernel(), layer.Floats(shape, values), x);
  const int32_t weighted = layer.Apply(EK::mul, kernels, Vector(layer, alpha));
  const int32_t sum = layer.Reduce(RK::sum, weighted, {0});
  return layer.Apply(AK::linear, sum, 1.0, -svm.rho());
}

// ---- the table ----

int32_t RunTreeRegressor(Stage& stage) {
  return TreeEnsembleScores(stage.layer, stage.model.treeensembleregressor(),
                            stage.First(), false);
}
int32_t RunTreeClassifier(Stage& stage) {
  return TreeEnsembleScores(stage.layer, stage.model.treeensembleclassifier(),
                            stage.First(), true);
}

struct KindRow {
  Model::TypeCase kind;
  int32_t (*run)(Stage&);
};
constexpr KindRow kKinds[] = {
    {Model::kScaler, RunScaler},
    {Model::kImputer, RunImputer},
    {Model::kFeatureVectorizer, RunVectorizer},
    {Model::kNormalizer, RunNormalizer},
    {Model::kArrayFeatureExtractor, RunExtractor},
    {Model::kOneHotEncoder, RunOneHot},
    {Model::kIdentity, RunIdentity},
    {Model::kGlmRegressor, RunGlmRegressor},
    {Model::kGlmClassifier, RunGlmClassifier},
    {Model::kSupportVectorRegressor, RunSvmRegressor},
    {Model::kTreeEnsembleRegressor, RunTreeRegressor},
    {Model::kTreeEnsembleClassifier, RunTreeClassifier},
};

Status AddOutputs(NetworkContext* context, const Model& model, Layer* layer,
                  int32_t result) {
  const ModelDescription& description = model.description();
  for (const FeatureDescription& feature : description.output()) {
    Status status;
    if (model.has_glmclassifier()) {
      status = AddClassifierOutput(context, description, feature,
                                   LabelsOf(model.glmclassifier()), result);
    } else if (model.has_treeensembleclassifier()) {
      status =
          AddClassifierOutput(context, description, feature,
                              LabelsOf(model.treeensembleclassifier()), result);
    } else {
      ANEREF_ASSIGN(std::unique_ptr<fbs::PortT> port, MakePort(feature, 0));
      ANEREF_ASSIGN(const std::vector<int64_t> shape, FeatureShape(feature));
      const std::optional<Shape> have = layer->Static(result);
      const Expected<Shape> want = MakeShape(shape);
      const bool fits = have.has_value() && want.ok() && !shape.empty() &&
                        have->NumElements() == want->NumElements();
      const int32_t blob = fits ? layer->Reshape(result, shape) : result;
      status = AddOutputPort(context, feature.name(), blob, std::move(port));
    }
    ANEREF_TRY(status.WithContext(Describe("output", feature)));
  }
  return layer->status();
}

}  // namespace

Expected<NetDraft> ImportClassical(const Source& source) {
  const Model& model = source.model;
  const KindRow* row = nullptr;
  for (const KindRow& candidate : kKinds) {
    if (candidate.kind == model.Type_case()) row = &candidate;
  }
  const std::string what = "a model of kind " + KindName(model);
  if (row == nullptr) return Unsupported(what + " is not supported");
  NetDraft draft;
  draft.net.graphs.push_back(std::make_unique<fbs::GraphT>());
  NetworkContext context(&draft, DataType::kFloat32);
  NeuralNetworkLayer name;
  name.set_name(KindName(model));
  Layer layer(&context, name, KindName(model), {});
  Stage stage{layer, model, {}};
  for (const FeatureDescription& feature : model.description().input()) {
    const Expected<std::vector<int64_t>> shape = FeatureShape(feature);
    if (!shape.ok())
      return shape.status().WithContext(Describe("input", feature));
    const Expected<int32_t> tensor =
        AddInputPort(&context, feature, DataType::kFloat32, *shape);
    if (!tensor.ok())
      return tensor.status().WithContext(Describe("input", feature));
    stage.inputs.push_back(shape->size() == 1 ? *tensor
                                              : layer.Reshape(*tensor, {-1}));
  }
  const int32_t result = row->run(stage);
  if (layer.status().code() == StatusCode::kUnsupported &&
      layer.status().message().starts_with("is not supported"))
    return Unsupported(what + " " + layer.status().message());
  ANEREF_TRY(layer.status().WithContext(what));
  ANEREF_TRY(AddOutputs(&context, model, &layer, result).WithContext(what));
  return draft;
}

}  // namespace aneref::coreml
