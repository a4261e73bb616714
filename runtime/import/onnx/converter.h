// Walks a model's graph in order and fills the draft: values by name and scope,
// functions inlined, If folded, every other node through the table.
#ifndef ANEREF_RUNTIME_IMPORT_ONNX_CONVERTER_H_
#define ANEREF_RUNTIME_IMPORT_ONNX_CONVERTER_H_

#include <set>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "runtime/import/onnx/lowering.h"
#include "runtime/import/onnx/model_file.h"

namespace aneref::onnx {

using NodeList = google::protobuf::RepeatedPtrField<NodeProto>;
using OpsetMap = std::map<std::string, int64_t>;  // by domain, "" for ai.onnx

// The names that a graph or function body sees.
struct Scope {
  const Scope* outer =
      nullptr;  // a sub-graph sees the graph around it, a function does not
  std::unordered_map<std::string, int32_t> values;
  // Outputs of the body for which the outside has a tensor already.
  std::unordered_map<std::string, int32_t> bound;
  const OpsetMap* opsets = nullptr;
  const AttributeMap* attributes = nullptr;
  std::string prefix;  // in front of the names of values, where the source's
                       // own would repeat
  int depth = 0;
};

class Converter {
 public:
  // Takes the model's initializers apart to free memory on the way.
  Converter(ModelFile* file, const ImportOptions& options,
            ExternalData* external, NetDraft* draft);
  Status Run();

 private:
  // For a body: converts into `draft`, names that it does not define are looked
  // up in the parent and become extra inputs.
  Converter(Converter* parent, Scope* parent_scope, NetDraft* draft);

  Status ConvertPorts();
  Status ConvertInputs(const GraphProto& graph, Scope* scope);
  // `raw_data` by index, as in ModelFile; the graphs of bodies have theirs in
  // them.
  Status ConvertInitializers(GraphProto* graph, Scope* scope,
                             std::span<DraftBytes> raw_data = {});
  Status ConvertOutputs(const GraphProto& graph, const Scope& scope);
  Status ConvertNodes(const NodeList& nodes, Scope* scope);
  Status ConvertNode(const NodeProto& node, Scope* scope);
  Status ConvertIf(const NodeProto& node, int64_t opset,
                   const std::vector<int32_t>& inputs,
                   const std::vector<int32_t>& outputs, Scope* scope);
  Status InlineFunction(const FunctionProto& function, const NodeProto& node,
                        const std::vector<int32_t>& inputs,
                        const std::vector<int32_t>& outputs,
                        const Scope& scope);
  // Branches, loops and scans that stay in the graph (control.cc): the bodies
  // become graphs of their own.
  Status ConvertControl(const NodeProto& node, int64_t opset,
                        const std::vector<int32_t>& inputs,
                        const std::vector<int32_t>& outputs, Scope* scope);
  Status ConvertBody(const GraphProto& body, size_t num_outputs);
  Expected<int32_t> Capture(const std::string& name, const std::string& reader);

  // Connects the body's outputs to the tensors that the outside made for them.
  Status CloseBody(const NodeProto& node, const std::vector<std::string>& names,
                   const std::vector<int32_t>& outputs, const Scope& body);

  Expected<int32_t> Lookup(const std::string& name, const Scope& scope,
                           const std::string& reader);
  Status Define(const std::string& name, int32_t tensor, Scope* scope);
  int32_t NewValue(const std::string& name, Scope* scope);
  Expected<std::vector<int32_t>> NodeInputs(const NodeProto& node,
                                            const Scope& scope,
                                            const std::string& what);
  Expected<std::vector<int32_t>> NodeOutputs(const NodeProto& node,
                                             Scope* scope,
                                             const std::string& what);
  Status Lower(const NodeProto& node, int64_t opset, const Scope& scope,
               const std::vector<int32_t>& inputs,
               const std::vector<int32_t>& outputs, void (*lower)(Lowering&));
  void AddMetadata();

  ModelProto& model_;
  std::vector<DraftBytes> raw_data_;  // of the main graph
  Session session_;
  OpsetMap opsets_;
  using FunctionKey = std::tuple<std::string, std::string,
                                 std::string>;  // domain, name, overload
  std::map<FunctionKey, const FunctionProto*> functions_;
  std::set<const FunctionProto*> active_;
  // Names in use, with how many values asked for them.
  std::unordered_map<std::string, int> used_names_;
  size_t num_converted_ = 0;

  // Bodies only.
  Converter* parent_ = nullptr;
  Scope* parent_scope_ = nullptr;
  std::map<std::string, int32_t> captured_;  // by outer name
  std::vector<int32_t> captured_outer_;      // in order: the parent's tensors
  std::vector<int32_t> captured_inner_;
};

}  // namespace aneref::onnx

#endif  // ANEREF_RUNTIME_IMPORT_ONNX_CONVERTER_H_
