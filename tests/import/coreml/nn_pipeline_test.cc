// Pipelines and the classical models in them, with values worked out by hand.
#include <cmath>

#include "tests/import/coreml/nn_builder.h"

namespace aneref::test {
namespace {

using coreml::Model;

void AddFeature(coreml::FeatureDescription* feature, const std::string& name,
                int64_t size) {
  feature->set_name(name);
  auto* array = feature->mutable_type()->mutable_multiarraytype();
  array->set_datatype(kFloatArray);
  array->add_shape(size);
}

// A model from a vector "x" of `size` numbers to "y".
Model VectorModel(int64_t size, int64_t result) {
  Model model;
  model.set_specificationversion(1);
  AddFeature(model.mutable_description()->add_input(), "x", size);
  AddFeature(model.mutable_description()->add_output(), "y", result);
  return model;
}

std::vector<float> RunModel(const Model& model, const std::vector<float>& x) {
  return Evaluate(ImportCoreml(model), {{"x", x}})[0];
}

TEST_CASE("coreml models: scaler") {
  Model model = VectorModel(2, 2);
  for (double shift : {1.0, -1.0})
    model.mutable_scaler()->add_shiftvalue(shift);
  model.mutable_scaler()->add_scalevalue(10);
  CheckClose(RunModel(model, {1, 2}), {20, 10});
}

TEST_CASE("coreml models: imputer") {
  Model model = VectorModel(3, 3);
  model.mutable_imputer()->set_imputeddoublevalue(7);
  model.mutable_imputer()->set_replacedoublevalue(-1);
  CheckClose(RunModel(model, {-1, 2, -1}), {7, 2, 7});
  model.mutable_imputer()->set_replacedoublevalue(std::nan(""));
  CheckClose(RunModel(model, {std::nanf(""), 2, -1}), {7, 2, -1});
}

TEST_CASE("coreml models: normalizer") {
  Model model = VectorModel(2, 2);
  model.mutable_normalizer()->set_normtype(0);
  CheckClose(RunModel(model, {3, -4}), {0.75f, -1});
  model.mutable_normalizer()->set_normtype(1);
  CheckClose(RunModel(model, {1, -3}), {0.25f, -0.75f});
  model.mutable_normalizer()->set_normtype(2);
  CheckClose(RunModel(model, {3, -4}), {0.6f, -0.8f});
  CheckClose(RunModel(model, {0, 0}), {0, 0});
}

TEST_CASE("coreml models: extractor and one-hot encoder") {
  Model model = VectorModel(3, 2);
  model.mutable_arrayfeatureextractor()->add_extractindex(2);
  model.mutable_arrayfeatureextractor()->add_extractindex(0);
  CheckClose(RunModel(model, {5, 6, 7}), {7, 5});
  Model encoder = VectorModel(1, 3);
  for (int64_t category : {4, 5, 6})
    encoder.mutable_onehotencoder()->mutable_int64categories()->add_vector(
        category);
  CheckClose(RunModel(encoder, {5}), {0, 1, 0});
  CheckClose(RunModel(encoder, {9}), {0, 0, 0});
}

void AddWeights(coreml::GLM* glm, const std::vector<double>& row,
                double offset) {
  auto* weights = glm->add_weights();
  for (double value : row) weights->add_vector(value);
  glm->add_offset(offset);
}

TEST_CASE("coreml models: linear regressors") {
  Model model = VectorModel(2, 1);
  AddWeights(model.mutable_glmregressor(), {2, -1}, 0.5);
  CheckClose(RunModel(model, {3, 4}), {2.5f});
  model.mutable_glmregressor()->set_postevaluationtransform(1);
  CheckClose(RunModel(model, {0, 0.5f}), {0.5f});
  model.mutable_glmregressor()->set_postevaluationtransform(2);
  CheckClose(RunModel(model, {0, -0.5f}), {0.84134475f});
}

// "y" becomes the probabilities, "label" the class.
Model ClassifierModel(int64_t size) {
  Model model = VectorModel(size, 1);
  auto* description = model.mutable_description();
  description->mutable_output(0)
      ->mutable_type()
      ->mutable_dictionarytype()
      ->mutable_int64keytype();
  auto* label = description->add_output();
  label->set_name("label");
  label->mutable_type()->mutable_int64type();
  description->set_predictedfeaturename("label");
  description->set_predictedprobabilitiesname("y");
  return model;
}

TEST_CASE("coreml models: linear classifiers") {
  Model model = ClassifierModel(1);
  auto* glm = model.mutable_glmclassifier();
  AddWeights(glm, {1}, 0);
  for (int64_t label : {10, 20})
    glm->mutable_int64classlabels()->add_vector(label);
  const auto two = Evaluate(ImportCoreml(model), {{"x", {1}}});
  CheckClose(two[0], {0.26894142f, 0.73105858f});
  CheckClose(two[1], {20});
  // A reference class of 0 before the scores 0 and ln 2: 1/4, 1/4, 1/2.
  AddWeights(glm, {0}, 0.69314718);
  glm->mutable_int64classlabels()->add_vector(30);
  CheckClose(Evaluate(ImportCoreml(model), {{"x", {0}}})[0],
             {0.25f, 0.25f, 0.5f});
}

coreml::TreeEnsembleParameters::TreeNode* AddNode(
    coreml::TreeEnsembleParameters* trees, uint64_t tree, uint64_t id) {
  auto* node = trees->add_nodes();
  node->set_treeid(tree);
  node->set_nodeid(id);
  return node;
}

void AddBranch(coreml::TreeEnsembleParameters* trees, uint64_t tree,
               int32_t behaviour, uint64_t feature, double threshold) {
  auto* node = AddNode(trees, tree, 0);
  node->set_nodebehavior(behaviour);
  node->set_branchfeatureindex(feature);
  node->set_branchfeaturevalue(threshold);
  node->set_truechildnodeid(1);
  node->set_falsechildnodeid(2);
  for (uint64_t id = 1; id <= 2; ++id) {
    auto* leaf = AddNode(trees, tree, id);
    leaf->set_nodebehavior(6);
    leaf->add_evaluationinfo()->set_evaluationvalue(id == 1 ? 1 : 0);
  }
}

TEST_CASE("coreml models: tree nodes of every behaviour") {
  // x = 1, 2, 3 against 2, for <=, <, >=, >, ==, !=.
  const std::vector<std::vector<float>> want = {
      {1, 1, 0}, {1, 0, 0}, {0, 1, 1}, {0, 0, 1}, {0, 1, 0}, {1, 0, 1}};
  for (int32_t behaviour = 0; behaviour < 6; ++behaviour) {
    Model model = VectorModel(1, 1);
    AddBranch(model.mutable_treeensembleregressor()->mutable_treeensemble(), 0,
              behaviour, 0, 2);
    for (size_t i = 0; i < 3; ++i)
      CheckClose(RunModel(model, {static_cast<float>(i + 1)}),
                 {want[static_cast<size_t>(behaviour)][i]});
    CheckClose(RunModel(model, {std::nanf("")}), {0});
    model.mutable_treeensembleregressor()
        ->mutable_treeensemble()
        ->mutable_nodes(0)
        ->set_missingvaluetrackstruechild(true);
    CheckClose(RunModel(model, {std::nanf("")}), {1});
  }
}

TEST_CASE("coreml models: trees of one ensemble add up") {
  Model model = VectorModel(2, 1);
  auto* ensemble = model.mutable_treeensembleregressor();
  auto* trees = ensemble->mutable_treeensemble();
  AddBranch(trees, 0, 0, 0, 2);
  AddBranch(trees, 1, 3, 1, 5);
  trees->add_basepredictionvalue(0.5);
  CheckClose(RunModel(model, {1, 6}), {2.5f});
  CheckClose(RunModel(model, {3, 6}), {1.5f});
  ensemble->set_postevaluationtransform(2);
  trees->set_basepredictionvalue(0, 0);
  CheckClose(RunModel(model, {3, 4}), {0.5f});
}

TEST_CASE("coreml models: trees in circles are refused") {
  Model model = VectorModel(1, 1);
  auto* trees = model.mutable_treeensembleregressor()->mutable_treeensemble();
  for (uint64_t id = 0; id < 3; ++id) {
    auto* node = AddNode(trees, 0, id);
    node->set_truechildnodeid(id == 0 ? 1 : 3 - id);
    node->set_falsechildnodeid(id == 0 ? 2 : 3 - id);
  }
  CHECK(ImportCoreml(model).status.ToString().find("shared nodes or cycles") !=
        std::string::npos);
}

TEST_CASE("coreml models: support vector regression") {
  Model model = VectorModel(2, 1);
  auto* svm = model.mutable_supportvectorregressor();
  auto* dense = svm->mutable_densesupportvectors()->add_vectors();
  dense->add_vector(1);
  dense->add_vector(2);
  svm->mutable_coefficients()->add_vector(3);
  svm->set_rho(1);
  svm->mutable_kernel()->mutable_linearkernel();
  CheckClose(RunModel(model, {4, 5}), {41});
  svm->mutable_kernel()->mutable_polykernel()->set_degree(2);
  svm->mutable_kernel()->mutable_polykernel()->set_gamma(1);
  svm->mutable_kernel()->mutable_polykernel()->set_c(-12);
  CheckClose(RunModel(model, {4, 5}), {11});
  // Squared distance 9 + 9 = 18: 3 exp(-1.8) - 1.
  svm->mutable_kernel()->mutable_rbfkernel()->set_gamma(0.1);
  CheckClose(RunModel(model, {4, 5}), {-0.504103335f});
}

TEST_CASE("coreml pipelines: stages are joined by the names of features") {
  Model pipeline = VectorModel(2, 2);
  auto* stages = pipeline.mutable_pipeline();
  Model scaler = VectorModel(2, 2);
  scaler.mutable_description()->mutable_output(0)->set_name("scaled");
  scaler.mutable_scaler()->add_scalevalue(10);
  *stages->add_models() = scaler;
  NetworkBuilder network;
  network.Input("scaled", {2});
  network.Output("y");
  network.Add({"scaled"}, {"y"}).mutable_add()->set_alpha(1);
  *stages->add_models() = network.model;
  CheckClose(RunModel(pipeline, {1, 2}), {11, 21});
}

TEST_CASE("coreml pipelines: columns are put together in their order") {
  Model pipeline;
  AddFeature(pipeline.mutable_description()->add_input(), "a", 1);
  AddFeature(pipeline.mutable_description()->add_input(), "b", 2);
  AddFeature(pipeline.mutable_description()->add_output(), "y", 3);
  Model vectorizer = pipeline;
  for (const char* column : {"b", "a"})
    vectorizer.mutable_featurevectorizer()->add_inputlist()->set_inputcolumn(
        column);
  *pipeline.mutable_pipeline()->add_models() = vectorizer;
  CheckClose(Evaluate(ImportCoreml(pipeline), {{"a", {1}}, {"b", {2, 3}}})[0],
             {2, 3, 1});
}

TEST_CASE("coreml pipelines: stages that cannot run are refused by name") {
  Model pipeline = VectorModel(2, 2);
  Model stage = VectorModel(2, 2);
  stage.mutable_visionfeatureprint();
  *pipeline.mutable_pipeline()->add_models() = stage;
  CHECK(ImportCoreml(pipeline).status.ToString().find(
            "stage 0 (visionFeaturePrint): a model of kind visionFeaturePrint "
            "is not supported") != std::string::npos);
  stage.mutable_nonmaximumsuppression();
  CHECK(ImportCoreml(stage).status.ToString().find(
            "a model of kind nonMaximumSuppression is not supported") !=
        std::string::npos);
}

TEST_CASE("coreml pipelines: nesting is bounded") {
  Model model = VectorModel(2, 2);
  model.mutable_scaler()->add_scalevalue(2);
  for (int i = 0; i < 12; ++i) {
    Model outer = VectorModel(2, 2);
    *outer.mutable_pipeline()->add_models() = model;
    model = outer;
  }
  CHECK(ImportCoreml(model).status.ToString().find("nested over 8 deep") !=
        std::string::npos);
}

}  // namespace
}  // namespace aneref::test
