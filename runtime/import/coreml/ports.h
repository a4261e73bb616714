// Graph inputs and outputs that stand for features, shared by networks and
// classical models.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_PORTS_H_
#define ANEREF_RUNTIME_IMPORT_COREML_PORTS_H_

#include <memory>
#include <string>
#include <vector>

#include "runtime/import/coreml/layer.h"

namespace aneref::coreml {

// A fed tensor named as the feature, with its port.
Expected<int32_t> AddInputPort(NetworkContext* context,
                               const FeatureDescription& feature, DataType type,
                               const std::vector<int64_t>& shape);

// `blob` under the name of a feature, and nothing else under that name.
Status AddOutputPort(NetworkContext* context, const std::string& name,
                     int32_t blob, std::unique_ptr<fbs::PortT> port);

struct ClassLabels {
  std::vector<std::string> texts;
  std::vector<int64_t> integers;  // empty when the labels are texts
};

template <class Labelled>
ClassLabels LabelsOf(const Labelled& model) {
  ClassLabels labels{ReadLabels(model), {}};
  const auto& integers = model.int64classlabels().vector();
  labels.integers.assign(integers.begin(), integers.end());
  return labels;
}

// One output of a classifier: the dictionary feature becomes the vector of
// probabilities with its labels, an integer label a scalar. A text label stands
// only with the probabilities.
Status AddClassifierOutput(NetworkContext* context,
                           const ModelDescription& description,
                           const FeatureDescription& feature,
                           const ClassLabels& labels, int32_t probabilities);

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_PORTS_H_
