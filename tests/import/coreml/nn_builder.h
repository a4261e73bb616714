// Small neural networks built with the format's messages, imported through a
// file and run in fp32. Expected values in the tests are worked out by hand.
#ifndef ANEREF_TESTS_IMPORT_COREML_NN_BUILDER_H_
#define ANEREF_TESTS_IMPORT_COREML_NN_BUILDER_H_

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/import/coreml/proto.h"
#include "tests/import/model_builder.h"

namespace aneref::test {

using coreml::NeuralNetworkLayer;

struct Array {
  std::vector<int64_t> shape;
  std::vector<float> values;
};

inline constexpr int32_t kFloatArray = 65568, kIntArray = 131104;

class NetworkBuilder {
 public:
  // `exact`: blobs have the declared ranks; else [Seq, B, C, H, W].
  explicit NetworkBuilder(bool exact = true) {
    model.set_specificationversion(4);
    network().set_arrayinputshapemapping(exact ? 1 : 0);
    network().set_imageinputshapemapping(exact ? 1 : 0);
  }
  coreml::NeuralNetwork& network() { return *model.mutable_neuralnetwork(); }

  void Input(const std::string& name, const std::vector<int64_t>& shape,
             int32_t type = kFloatArray) {
    Feature(model.mutable_description()->add_input(), name, shape, type);
  }
  void Output(const std::string& name, const std::vector<int64_t>& shape = {},
              int32_t type = kFloatArray) {
    Feature(model.mutable_description()->add_output(), name, shape, type);
  }
  NeuralNetworkLayer& Add(const std::vector<std::string>& inputs,
                          const std::vector<std::string>& outputs) {
    return AddTo(&network(), inputs, outputs);
  }
  static NeuralNetworkLayer& AddTo(coreml::NeuralNetwork* network,
                                   const std::vector<std::string>& inputs,
                                   const std::vector<std::string>& outputs) {
    NeuralNetworkLayer& layer = *network->add_layers();
    layer.set_name("layer" + std::to_string(network->layers_size()));
    for (const std::string& input : inputs) layer.add_input(input);
    for (const std::string& output : outputs) layer.add_output(output);
    return layer;
  }

  coreml::Model model;

 private:
  static void Feature(coreml::FeatureDescription* feature,
                      const std::string& name,
                      const std::vector<int64_t>& shape, int32_t type) {
    feature->set_name(name);
    auto* array = feature->mutable_type()->mutable_multiarraytype();
    array->set_datatype(type);
    for (int64_t extent : shape) array->add_shape(extent);
  }
};

inline Imported ImportCoreml(const coreml::Model& model,
                             const ImportOptions& options = SourceTypes()) {
  const TempFolder folder;
  return ImportPath(folder.Write("model.mlmodel", model.SerializeAsString()),
                    options);
}

inline void SetFloats(coreml::WeightParams* weights,
                      const std::vector<float>& values) {
  for (float value : values) weights->add_floatvalue(value);
}

template <class List>
void SetList(List* list, const std::vector<int64_t>& values) {
  list->Clear();
  for (int64_t value : values)
    list->Add(static_cast<typename List::value_type>(value));
}

inline std::string Printed(const std::vector<float>& values) {
  std::string text;
  for (float value : values) text += std::to_string(value) + " ";
  return text;
}

inline void CheckClose(const std::vector<float>& got,
                       const std::vector<float>& want) {
  INFO("got " << Printed(got));
  INFO("want " << Printed(want));
  REQUIRE(got.size() == want.size());
  for (size_t i = 0; i < want.size(); ++i)
    CHECK(got[i] ==
          doctest::Approx(static_cast<double>(want[i])).epsilon(2e-5));
}

using Fill = std::function<void(NeuralNetworkLayer&)>;

// One layer with inputs x0, x1 .. and outputs y0, y1 ..
inline Imported ImportLayer(const Fill& fill, const std::vector<Array>& inputs,
                            size_t num_outputs, bool exact) {
  NetworkBuilder builder(exact);
  std::vector<std::string> ins, outs;
  for (size_t i = 0; i < inputs.size(); ++i) {
    ins.push_back("x" + std::to_string(i));
    builder.Input(ins.back(), inputs[i].shape);
  }
  for (size_t i = 0; i < num_outputs; ++i) {
    outs.push_back("y" + std::to_string(i));
    builder.Output(outs.back());
  }
  fill(builder.Add(ins, outs));
  return ImportCoreml(builder.model);
}

// Checks shapes and values of all outputs. A shape with -1 is one that depends
// on fed values: it is not looked at.
inline void CheckLayer(const char* what, const Fill& fill,
                       const std::vector<Array>& inputs,
                       const std::vector<Array>& outputs, bool exact = true) {
  INFO(what);
  const Imported imported = ImportLayer(fill, inputs, outputs.size(), exact);
  std::map<std::string, std::vector<float>> fed;
  for (size_t i = 0; i < inputs.size(); ++i)
    fed["x" + std::to_string(i)] = inputs[i].values;
  const auto got = Evaluate(imported, fed);
  REQUIRE(got.size() == outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto tensor =
        static_cast<size_t>(imported.graph().outputs[i]->tensor);
    const std::vector<int64_t>& shape = outputs[i].shape;
    if (std::count(shape.begin(), shape.end(), -1) == 0)
      CHECK(imported.graph().tensors[tensor]->shape == shape);
    CheckClose(got[i], outputs[i].values);
  }
}

// The whole message of a refusal.
inline std::string Refusal(const Fill& fill, const std::vector<Array>& inputs,
                           size_t num_outputs = 1, bool exact = true) {
  const Imported imported = ImportLayer(fill, inputs, num_outputs, exact);
  CHECK_FALSE(imported.status.ok());
  return imported.status.ToString();
}

}  // namespace aneref::test

#endif  // ANEREF_TESTS_IMPORT_COREML_NN_BUILDER_H_
