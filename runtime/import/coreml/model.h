// A parsed Core ML model and what its description says of features: shared by
// the importers of networks, programs and classical models.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_MODEL_H_
#define ANEREF_RUNTIME_IMPORT_COREML_MODEL_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/import/coreml/package.h"
#include "runtime/import/coreml/proto.h"
#include "runtime/import/draft.h"
#include "runtime/import/importer.h"

namespace aneref::coreml {

// One model to import: the file's own, or a stage of a pipeline.
struct Source {
  const Model& model;
  Package* package;  // for weight files
  const ImportOptions& options;
};

// Damaged, cut off, over 2 GiB, nested too deeply: kInvalidFile or kLimit.
Expected<std::unique_ptr<Model>> ParseModel(std::span<const std::byte> bytes);

// "neuralNetworkClassifier", the format's own name of the model's kind.
std::string KindName(const Model& model);

// 'input "x"' for errors.
std::string Describe(const char* role, const FeatureDescription& feature);

// The element type of an array feature; an int64 feature is int32, a double
// feature float64. kUnsupported for strings, dictionaries, sequences.
Expected<DataType> FeatureDataType(const FeatureDescription& feature);

// Shape as declared, -1 where the size may vary; images are [1, C, H, W].
// Bounded and checked: extents are positive, the product fits.
Expected<std::vector<int64_t>> FeatureShape(const FeatureDescription& feature);

// rgb, bgr or grayscale for images, none otherwise.
fbs::ImageLayout FeatureLayout(const FeatureDescription& feature);

// A port with what the feature declares: type, image layout, description.
Expected<std::unique_ptr<fbs::PortT>> MakePort(
    const FeatureDescription& feature, int32_t tensor);

// What the feature says of the sizes of an input with open extents (F15).
void AddLimits(const FeatureDescription& feature,
               const std::vector<int64_t>& dims, fbs::PortT* port);

// Labels of a classifier as text; integers are printed.
template <class Labelled>
std::vector<std::string> ReadLabels(const Labelled& model) {
  std::vector<std::string> labels;
  if (model.has_stringclasslabels()) {
    const auto& vector = model.stringclasslabels().vector();
    labels.assign(vector.begin(), vector.end());
  } else if (model.has_int64classlabels()) {
    for (int64_t label : model.int64classlabels().vector())
      labels.push_back(std::to_string(label));
  }
  return labels;
}

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_MODEL_H_
