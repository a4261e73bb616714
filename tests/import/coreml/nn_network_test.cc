// Whole neural networks: pictures, labels, ranks, open extents, branches,
// loops, refusals, metadata.
#include "runtime/plan/specialize.h"
#include "tests/import/coreml/nn_builder.h"

namespace aneref::test {
namespace {

using L = NeuralNetworkLayer;

coreml::ImageFeatureType* AddImage(coreml::FeatureDescription* feature,
                                   const std::string& name, int64_t width,
                                   int64_t height, int32_t color) {
  feature->set_name(name);
  auto* image = feature->mutable_type()->mutable_imagetype();
  image->set_width(width);
  image->set_height(height);
  image->set_colorspace(color);
  return image;
}

constexpr int32_t kGray = 10, kRgb = 20, kBgr = 30;

// A picture of one pixel per colour, preprocessed and copied out.
std::vector<float> Preprocessed(int32_t color, const std::string& name,
                                const std::vector<float>& pixel) {
  NetworkBuilder builder(false);
  AddImage(builder.model.mutable_description()->add_input(), "image", 1, 1,
           color);
  builder.Output("y");
  auto* step = builder.network().add_preprocessing();
  step->set_featurename(name);
  auto* scaler = step->mutable_scaler();
  scaler->set_channelscale(2);
  scaler->set_redbias(1);
  scaler->set_greenbias(2);
  scaler->set_bluebias(3);
  scaler->set_graybias(4);
  builder.Add({"image"}, {"y"}).mutable_copy();
  return Evaluate(ImportCoreml(builder.model), {{"image", pixel}})[0];
}

TEST_CASE("coreml networks: biases belong to colours not to planes") {
  CheckClose(Preprocessed(kRgb, "image", {10, 20, 30}), {21, 42, 63});
  CheckClose(Preprocessed(kBgr, "image", {30, 20, 10}), {63, 42, 21});
  CheckClose(Preprocessed(kGray, "image", {10}), {24});
  // An empty name means the image.
  CheckClose(Preprocessed(kGray, "", {10}), {24});
  CheckClose(Preprocessed(kGray, "another", {10}), {10});
}

TEST_CASE("coreml networks: a mean image is subtracted first") {
  NetworkBuilder builder(false);
  AddImage(builder.model.mutable_description()->add_input(), "image", 2, 1,
           kGray);
  builder.Output("y");
  auto* mean = builder.network().add_preprocessing()->mutable_meanimage();
  mean->add_meanimage(1);
  mean->add_meanimage(5);
  builder.network().add_preprocessing()->mutable_scaler()->set_channelscale(10);
  builder.Add({"image"}, {"y"}).mutable_copy();
  CheckClose(Evaluate(ImportCoreml(builder.model), {{"image", {3, 4}}})[0],
             {20, -10});
}

TEST_CASE("coreml networks: pictures keep their layout at both ends") {
  NetworkBuilder builder(false);
  AddImage(builder.model.mutable_description()->add_input(), "in", 4, 2, kBgr);
  AddImage(builder.model.mutable_description()->add_output(), "out", 4, 2,
           kRgb);
  builder.Add({"in"}, {"out"}).mutable_copy();
  const Imported imported = ImportCoreml(builder.model);
  REQUIRE(imported.status.ok());
  const fbs::GraphT& graph = imported.graph();
  CHECK(graph.inputs[0]->image == fbs::ImageLayout::bgr);
  CHECK(graph.outputs[0]->image == fbs::ImageLayout::rgb);
  CHECK(imported.Find("in")->shape == std::vector<int64_t>{1, 3, 2, 4});
  CHECK(imported.Find("out")->shape == std::vector<int64_t>{3, 2, 4});
}

coreml::Model Classifier(bool integers) {
  NetworkBuilder builder(false);
  builder.Input("x", {2});
  builder.model.mutable_description()->set_predictedfeaturename("label");
  builder.model.mutable_description()->set_predictedprobabilitiesname("p");
  auto* network = builder.model.mutable_neuralnetworkclassifier();
  auto* add = &NetworkBuilder::AddTo(network, {"x"}, {"scores"});
  add->mutable_activation()->mutable_linear()->set_alpha(2);
  network->set_labelprobabilitylayername("scores");
  auto* probabilities = builder.model.mutable_description()->add_output();
  probabilities->set_name("p");
  auto* label = builder.model.mutable_description()->add_output();
  label->set_name("label");
  if (integers) {
    probabilities->mutable_type()
        ->mutable_dictionarytype()
        ->mutable_int64keytype();
    label->mutable_type()->mutable_int64type();
    for (int64_t value : {30, 70})
      network->mutable_int64classlabels()->add_vector(value);
  } else {
    probabilities->mutable_type()
        ->mutable_dictionarytype()
        ->mutable_stringkeytype();
    label->mutable_type()->mutable_stringtype();
    for (const char* value : {"cat", "dog"})
      network->mutable_stringclasslabels()->add_vector(value);
  }
  return builder.model;
}

TEST_CASE("coreml networks: classifiers give probabilities and labels") {
  const Imported texts = ImportCoreml(Classifier(false));
  REQUIRE(texts.status.ok());
  REQUIRE(texts.graph().outputs.size() == 1);
  CHECK(texts.graph().outputs[0]->labels ==
        std::vector<std::string>{"cat", "dog"});
  CheckClose(Evaluate(texts, {{"x", {1, 2}}})[0], {2, 4});
  const Imported integers = ImportCoreml(Classifier(true));
  REQUIRE(integers.status.ok());
  const auto outputs = Evaluate(integers, {{"x", {1, 2}}});
  REQUIRE(outputs.size() == 2);
  CheckClose(outputs[0], {2, 4});
  CheckClose(outputs[1], {70});
}

TEST_CASE("coreml networks: another number of labels is refused") {
  coreml::Model model = Classifier(false);
  model.mutable_neuralnetworkclassifier()
      ->mutable_stringclasslabels()
      ->add_vector("third");
  CHECK(ImportCoreml(model).status.ToString().find(
            "has 3 labels for 2 probabilities") != std::string::npos);
}

TEST_CASE("coreml networks: declared output shapes decide") {
  NetworkBuilder builder(false);
  builder.Input("x", {4});
  builder.Output("y", {2, 2});
  builder.Add({"x"}, {"y"}).mutable_copy();
  const Imported imported = ImportCoreml(builder.model);
  REQUIRE(imported.status.ok());
  CHECK(imported.Find("y")->shape == std::vector<int64_t>{2, 2});
}

TEST_CASE("coreml networks: integer outputs are integers") {
  NetworkBuilder builder;
  builder.Input("x", {3});
  builder.Output("y", {1}, kIntArray);
  builder.Add({"x"}, {"y"}).mutable_argmax();
  const Imported imported = ImportCoreml(builder.model);
  REQUIRE(imported.status.ok());
  CHECK(imported.Find("y")->dtype == fbs::DataType::int32);
  CheckClose(Evaluate(imported, {{"x", {1, 9, 3}}})[0], {1});
}

// Indices above 2048 are no half-precision numbers.
TEST_CASE("coreml networks: indices keep fp32 where floats become halves") {
  NetworkBuilder builder;
  builder.Input("x", {4});
  builder.Input("i", {1});
  builder.Output("y");
  builder.Add({"x", "i"}, {"y"}).mutable_gather();
  const Imported imported = ImportCoreml(builder.model, ImportOptions());
  REQUIRE(imported.status.ok());
  CHECK(imported.Find("x")->dtype == fbs::DataType::float16);
  CHECK(imported.Find("i")->dtype == fbs::DataType::float32);
}

TEST_CASE("coreml networks: flexible pictures have open extents") {
  NetworkBuilder builder(false);
  auto* image = AddImage(builder.model.mutable_description()->add_input(), "in",
                         8, 6, kRgb);
  image->mutable_imagesizerange()->mutable_widthrange()->set_lowerbound(4);
  image->mutable_imagesizerange()->mutable_widthrange()->set_upperbound(-1);
  image->mutable_imagesizerange()->mutable_heightrange()->set_lowerbound(6);
  image->mutable_imagesizerange()->mutable_heightrange()->set_upperbound(6);
  builder.Output("y");
  auto* pool = builder.Add({"in"}, {"y"}).mutable_pooling();
  SetList(pool->mutable_kernelsize(), {2, 2});
  SetList(pool->mutable_stride(), {2, 2});
  const Imported imported = ImportCoreml(builder.model);
  INFO(imported.status.ToString());
  REQUIRE(imported.status.ok());
  CHECK(imported.Find("in")->shape == std::vector<int64_t>{1, 3, 6, -1});
  const fbs::PortT& port = *imported.graph().inputs[0];
  CHECK(port.at_least == std::vector<int64_t>{1, 3, 6, 4});
  CHECK(port.at_most == std::vector<int64_t>{1, 3, 6, -1});
  CHECK(port.usual_shape == std::vector<int64_t>{1, 3, 6, 8});
}

std::string SpecializedFor(const Imported& imported, const Shape& shape) {
  SpecializeOptions options;
  options.input_shapes["in"] = shape;
  const std::string said =
      Specialize(*imported.file, options).status().ToString();
  return said == "ok" ? said : said.substr(said.find("input '"));
}

TEST_CASE("F15: a size outside of a declared range is refused") {
  NetworkBuilder builder(false);
  auto* image = AddImage(builder.model.mutable_description()->add_input(), "in",
                         8, 6, kRgb);
  image->mutable_imagesizerange()->mutable_widthrange()->set_lowerbound(4);
  image->mutable_imagesizerange()->mutable_widthrange()->set_upperbound(10);
  image->mutable_imagesizerange()->mutable_heightrange()->set_lowerbound(2);
  image->mutable_imagesizerange()->mutable_heightrange()->set_upperbound(-1);
  builder.Output("y");
  builder.Add({"in"}, {"y"}).mutable_copy();
  const Imported imported = ImportCoreml(builder.model);
  REQUIRE(imported.status.ok());
  CHECK(SpecializedFor(imported, {1, 3, 2, 4}) == "ok");
  CHECK(SpecializedFor(imported, {1, 3, 500, 10}) == "ok");
  const std::string takes =
      "is not one that the model takes: extents 2 at least 2, 3 from 4 to 10 "
      "[F15]";
  CHECK(SpecializedFor(imported, {1, 3, 1, 4}) ==
        "input 'in': shape [1, 3, 1, 4] " + takes);
  CHECK(SpecializedFor(imported, {1, 3, 2, 3}) ==
        "input 'in': shape [1, 3, 2, 3] " + takes);
  CHECK(SpecializedFor(imported, {1, 3, 2, 11}) ==
        "input 'in': shape [1, 3, 2, 11] " + takes);
}

TEST_CASE("F15: only the listed sizes are taken") {
  NetworkBuilder builder(false);
  auto* image = AddImage(builder.model.mutable_description()->add_input(), "in",
                         8, 6, kGray);
  for (const auto& [width, height] : {std::pair{4, 2}, std::pair{8, 6}}) {
    auto* size = image->mutable_enumeratedsizes()->add_sizes();
    size->set_width(static_cast<uint64_t>(width));
    size->set_height(static_cast<uint64_t>(height));
  }
  builder.Output("y");
  builder.Add({"in"}, {"y"}).mutable_copy();
  const Imported imported = ImportCoreml(builder.model);
  REQUIRE(imported.status.ok());
  CHECK(imported.graph().inputs[0]->allowed_shapes ==
        std::vector<int64_t>{1, 1, 6, 8, 1, 1, 2, 4});
  CHECK(imported.graph().inputs[0]->usual_shape ==
        std::vector<int64_t>{1, 1, 6, 8});
  CHECK(SpecializedFor(imported, {1, 1, 2, 4}) == "ok");
  CHECK(SpecializedFor(imported, {1, 1, 6, 8}) == "ok");
  CHECK(SpecializedFor(imported, {1, 1, 2, 8}) ==
        "input 'in': shape [1, 1, 2, 8] is not one that the model takes: "
        "[1, 1, 6, 8] or [1, 1, 2, 4] [F15]");
}

TEST_CASE("F15: arrays list their shapes or ranges") {
  NetworkBuilder builder;
  auto* feature = builder.model.mutable_description()->add_input();
  feature->set_name("in");
  auto* array = feature->mutable_type()->mutable_multiarraytype();
  array->set_datatype(65568);
  SetList(array->mutable_shape(), {2, 5});
  SetList(array->mutable_enumeratedshapes()->add_shapes()->mutable_shape(),
          {2, 7});
  builder.Output("y");
  builder.Add({"in"}, {"y"}).mutable_copy();
  Imported imported = ImportCoreml(builder.model);
  REQUIRE(imported.status.ok());
  CHECK(SpecializedFor(imported, {2, 7}) == "ok");
  CHECK(SpecializedFor(imported, {2, 6}) ==
        "input 'in': shape [2, 6] is not one that the model takes: [2, 5] or "
        "[2, 7] [F15]");
  for (int64_t upper : {3, -1}) {
    auto* range = array->mutable_shaperange()->add_sizeranges();
    range->set_lowerbound(1);
    range->set_upperbound(upper);
  }
  imported = ImportCoreml(builder.model);
  REQUIRE(imported.status.ok());
  CHECK(SpecializedFor(imported, {3, 9}) == "ok");
  CHECK(SpecializedFor(imported, {4, 9}) ==
        "input 'in': shape [4, 9] is not one that the model takes: extents 0 "
        "from 1 to 3, 1 at least 1 [F15]");
}

// if (c) y = x + 1 else y = 10 x
coreml::Model Branch() {
  NetworkBuilder builder;
  builder.Input("x", {2});
  builder.Input("c", {1});
  builder.Output("y");
  auto* branch = builder.Add({"c"}, {}).mutable_branch();
  NetworkBuilder::AddTo(branch->mutable_ifbranch(), {"x"}, {"y"})
      .mutable_add()
      ->set_alpha(1);
  NetworkBuilder::AddTo(branch->mutable_elsebranch(), {"x"}, {"y"})
      .mutable_multiply()
      ->set_alpha(10);
  return builder.model;
}

TEST_CASE("coreml networks: branches choose while they run") {
  const Imported imported = ImportCoreml(Branch());
  CheckClose(Evaluate(imported, {{"x", {1, 2}}, {"c", {1}}})[0], {2, 3});
  CheckClose(Evaluate(imported, {{"x", {1, 2}}, {"c", {0}}})[0], {10, 20});
}

TEST_CASE("coreml networks: loops with a count overwrite outer blobs") {
  NetworkBuilder builder;
  builder.Input("x", {2});
  builder.Output("a");
  builder.Add({"x"}, {"a"}).mutable_copy();
  auto* loop = builder.Add({}, {}).mutable_loop();
  loop->set_maxloopiterations(3);
  auto* body = loop->mutable_bodynetwork();
  NetworkBuilder::AddTo(body, {"a", "x"}, {"t"}).mutable_addbroadcastable();
  NetworkBuilder::AddTo(body, {"t"}, {"a"}).mutable_copy();
  CheckClose(Evaluate(ImportCoreml(builder.model), {{"x", {1, 2}}})[0], {4, 8});
}

TEST_CASE("coreml networks: loops with a condition stop when it is 0") {
  NetworkBuilder builder;
  builder.Input("x", {1});
  builder.Output("a");
  builder.Add({"x"}, {"a"}).mutable_copy();
  auto* loop = builder.Add({}, {}).mutable_loop();
  loop->set_conditionvar("go");
  NetworkBuilder::AddTo(loop->mutable_conditionnetwork(), {"a"}, {"go"})
      .mutable_lessthan()
      ->set_beta(100);
  auto* body = loop->mutable_bodynetwork();
  NetworkBuilder::AddTo(body, {"a", "a"}, {"t"}).mutable_addbroadcastable();
  NetworkBuilder::AddTo(body, {"t"}, {"a"}).mutable_copy();
  CheckClose(Evaluate(ImportCoreml(builder.model), {{"x", {3}}})[0], {192});
  CheckClose(Evaluate(ImportCoreml(builder.model), {{"x", {500}}})[0], {500});
}

TEST_CASE("coreml networks: refusals name the layer and the reason") {
  const Array x = {{2}, {1, 2}};
  CHECK(
      Refusal([](L& l) { l.mutable_custom()->set_classname("AAPLSwish"); }, {x})
          .find("layer \"layer1\" (custom) \"AAPLSwish\" is not supported: "
                "the code of a custom layer is not in the file") !=
      std::string::npos);
  CHECK(Refusal([](L&) {}, {x}).find("its kind is not known") !=
        std::string::npos);
  CHECK(Refusal([](L& l) { l.mutable_unary()->set_type(44); }, {x})
            .find("(unary) is not supported with function 44") !=
        std::string::npos);
  CHECK(Refusal([](L& l) { l.mutable_loopbreak(); }, {x})
            .find("(loopBreak) is not supported") != std::string::npos);
  CHECK(Refusal([](L& l) { l.mutable_wherebroadcastable(); }, {x})
            .find("has 1 inputs, takes 3") != std::string::npos);
  CHECK(Refusal([](L& l) { l.mutable_softmaxnd()->set_axis(5); }, {x})
            .find("axis 5 is outside of the blob's 1 axes") !=
        std::string::npos);
  NetworkBuilder unknown;
  unknown.Input("x", {1});
  unknown.Output("y");
  unknown.Add({"nothing"}, {"y"}).mutable_copy();
  CHECK(ImportCoreml(unknown.model)
            .status.ToString()
            .find("reads \"nothing\", which nothing before it computes") !=
        std::string::npos);
}

TEST_CASE("coreml networks: nested networks and sizes stay bounded") {
  NetworkBuilder builder;
  builder.Input("x", {1});
  builder.Output("y");
  coreml::NeuralNetwork* inner = &builder.network();
  for (int i = 0; i < 20; ++i) {
    inner = NetworkBuilder::AddTo(inner, {"x"}, {})
                .mutable_branch()
                ->mutable_ifbranch();
  }
  NetworkBuilder::AddTo(inner, {"x"}, {"y"}).mutable_copy();
  CHECK(ImportCoreml(builder.model).status.ToString().find("nested over 16") !=
        std::string::npos);
  CHECK_FALSE(ImportLayer(
                  [](L& l) {
                    auto* p = l.mutable_fillstatic();
                    for (int i = 0; i < 8; ++i)
                      p->add_targetshape(uint64_t{1} << 40);
                  },
                  {}, 1, true)
                  .status.ok());
  CHECK_FALSE(ImportLayer(
                  [](L& l) {
                    auto* p = l.mutable_convolution();
                    p->set_outputchannels(UINT64_MAX);
                    p->set_kernelchannels(UINT64_MAX);
                  },
                  {{{1, 1, 4, 4}, {}}}, 1, true)
                  .status.ok());
}

TEST_CASE("coreml networks: metadata is kept") {
  NetworkBuilder builder;
  builder.Input("x", {1});
  builder.Output("y");
  builder.Add({"x"}, {"y"}).mutable_copy();
  auto* metadata = builder.model.mutable_description()->mutable_metadata();
  metadata->set_author("Ada");
  metadata->set_license("MIT");
  metadata->set_versionstring("1.2");
  (*metadata->mutable_userdefined())["converter"] = "by hand";
  const Imported imported = ImportCoreml(builder.model);
  REQUIRE(imported.status.ok());
  std::map<std::string, std::string> got;
  for (const auto& property : imported.net.metadata)
    got[property->key] = property->value;
  CHECK(got["author"] == "Ada");
  CHECK(got["license"] == "MIT");
  CHECK(got["version"] == "1.2");
  CHECK(got["specification"] == "4");
  CHECK(got["deployment_target"] == "iOS 13");
  CHECK(got["kind"] == "neuralNetwork");
  CHECK(got["converter"] == "by hand");
}

TEST_CASE("coreml networks: models that are updatable run as they are") {
  NetworkBuilder builder;
  builder.Input("x", {1});
  builder.Output("y");
  auto& layer = builder.Add({"x"}, {"y"});
  layer.mutable_add()->set_alpha(1);
  builder.model.set_isupdatable(true);
  CheckClose(Evaluate(ImportCoreml(builder.model), {{"x", {4}}})[0], {5});
}

}  // namespace
}  // namespace aneref::test
