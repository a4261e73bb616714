// Walks the layers of a neural network in order and fills the draft: blobs by
// name, every layer through the table, branches and loops as bodies.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_CONVERTER_H_
#define ANEREF_RUNTIME_IMPORT_COREML_CONVERTER_H_

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/import/coreml/layer.h"

namespace aneref::coreml {

using Names = std::set<std::string>;

class Converter {
 public:
  // `context` and its draft outlive the converter.
  explicit Converter(NetworkContext* context) : context_(*context) {}

  // For a body: converts into `context`'s draft; names that it does not define
  // are looked up in the parent and become extra inputs.
  Converter(NetworkContext* context, Converter* parent)
      : context_(*context), parent_(parent), depth_(parent->depth_ + 1) {}

  Status ConvertLayers(const NeuralNetwork& network);

  // ---- blobs ----
  void Define(const std::string& name, int32_t tensor) {
    blobs_[name] = tensor;
  }
  bool IsVisible(const std::string& name) const;
  Expected<int32_t> Lookup(const std::string& name, const std::string& reader);

  // A tensor with a name of its own: `name`, or `name` and a number. Names of
  // features are reserved for ports.
  int32_t NewNamed(const std::string& name, DataType type);
  void Reserve(const std::string& name) { used_names_.insert(name); }
  void NameTensor(int32_t tensor, const std::string& name);

  NetworkContext& context() { return context_; }
  NetDraft& draft() { return *context_.draft; }

 private:
  Status ConvertLayer(const NeuralNetworkLayer& layer);
  Status Finish(const Layer& lowered, const std::string& what);
  Expected<int32_t> Capture(const std::string& name, const std::string& reader);

  // ---- control.cc ----
  struct Body;
  Status ConvertBranch(const NeuralNetworkLayer& layer);
  Status ConvertLoop(const NeuralNetworkLayer& layer);
  Status ConvertLoopBody(const NeuralNetworkLayer& layer,
                         const std::vector<std::string>& carried, bool hints,
                         Body* body);
  Expected<int32_t> Condition(const std::string& name,
                              const NeuralNetworkLayer& layer);
  void EmitControl(const NeuralNetworkLayer& layer, fbs::ControlT control,
                   std::vector<int32_t> inputs,
                   const std::vector<std::string>& names,
                   const std::vector<const fbs::TensorT*>& types);
  std::string Unique(const std::string& name);

  NetworkContext& context_;
  std::unordered_map<std::string, int32_t> blobs_;
  Names used_names_;

  // Bodies only.
  Converter* parent_ = nullptr;
  int depth_ = 0;
  std::map<std::string, int32_t> captured_;  // by outer name
  std::vector<int32_t> captured_outer_;      // in order: the parent's tensors
  std::vector<int32_t> captured_inner_;
};

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_CONVERTER_H_
