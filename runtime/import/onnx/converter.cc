// See converter.h. Bodies of functions and branches are in bodies.cc, graph
// inputs and outputs in ports.cc.
#include "runtime/import/onnx/converter.h"

#include "runtime/import/onnx/standard_functions.h"
#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

constexpr int64_t kNewestOpset =
    28;  // operators are known up to here (ops.md of the ONNX project)
constexpr size_t kMaxNodes =
    200000;  // after inlining: nested functions can multiply without end

std::string CanonicalDomain(const std::string& domain) {
  return domain == "ai.onnx" ? "" : domain;
}

template <class List>
OpsetMap ReadOpsets(const List& imports) {
  OpsetMap opsets;
  for (const OperatorSetIdProto& import : imports)
    opsets[CanonicalDomain(import.domain())] = import.version();
  return opsets;
}

// The error of a node, which its message names.
Status Named(const Status& status, const std::string& what) {
  if (status.code() == StatusCode::kUnsupported &&
      status.message().starts_with("is not supported"))
    return Unsupported(what + " " + status.message());
  return status.WithContext(what);
}

}  // namespace

Converter::Converter(ModelFile* file, const ImportOptions& options,
                     ExternalData* external, NetDraft* draft)
    : model_(*file->model),
      raw_data_(std::move(file->raw_data)),
      session_(draft, options, external) {}

Status Converter::Run() {
  NetDraft& draft = *session_.draft;
  draft.net.graphs.clear();
  draft.net.graphs.push_back(std::make_unique<fbs::GraphT>());
  MainGraph(draft).name = model_.graph().name();
  opsets_ = ReadOpsets(model_.opset_import());
  // No import at all: a file of IR version 1 or 2.
  if (opsets_.empty()) opsets_[""] = 1;
  for (const FunctionProto& function : model_.functions())
    functions_[{CanonicalDomain(function.domain()), function.name(),
                function.overload()}] = &function;
  Scope scope;
  scope.opsets = &opsets_;
  GraphProto* graph = model_.mutable_graph();
  ANEREF_TRY(ConvertInitializers(graph, &scope, raw_data_));
  ANEREF_TRY(ConvertInputs(*graph, &scope));
  ANEREF_TRY(ConvertNodes(graph->node(), &scope));
  ANEREF_TRY(ConvertOutputs(*graph, scope));
  AddMetadata();
  return Status();
}

int32_t Converter::NewValue(const std::string& name, Scope* scope) {
  std::string unique =
      scope->prefix.empty() ? name : scope->prefix + "/" + name;
  const std::string base = unique;
  int& uses = used_names_[base];
  if (uses++ > 0) {
    int number = uses - 1;
    do {
      unique = base + "/" + std::to_string(number++);
    } while (!used_names_.emplace(unique, 1).second);
  }
  session_.defined.push_back(false);
  return AddTensor(session_.draft, unique, DataType::kFloat16);
}

Status Converter::Define(const std::string& name, int32_t tensor,
                         Scope* scope) {
  if (scope->values.emplace(name, tensor).second) return Status();
  return InvalidFile("", "value \"" + name + "\" has two sources");
}

Expected<int32_t> Converter::Lookup(const std::string& name, const Scope& scope,
                                    const std::string& reader) {
  for (const Scope* s = &scope; s != nullptr; s = s->outer) {
    const auto found = s->values.find(name);
    if (found == s->values.end()) continue;
    if (found->second < 0 ||
        session_.defined[static_cast<size_t>(found->second)])
      return found->second;
    return Unsupported(reader + " reads \"" + name +
                       "\", an output that is not supported");
  }
  if (parent_ != nullptr) return Capture(name, reader);
  return InvalidFile(
      "", reader + " reads \"" + name + "\", which nothing before it computes");
}

Expected<std::vector<int32_t>> Converter::NodeInputs(const NodeProto& node,
                                                     const Scope& scope,
                                                     const std::string& what) {
  std::vector<int32_t> inputs;
  for (const std::string& name : node.input()) {
    int32_t tensor = -1;
    if (!name.empty()) {
      ANEREF_ASSIGN(tensor, Lookup(name, scope, what));
    }
    inputs.push_back(tensor);
  }
  return inputs;
}

Expected<std::vector<int32_t>> Converter::NodeOutputs(const NodeProto& node,
                                                      Scope* scope,
                                                      const std::string& what) {
  std::vector<int32_t> outputs;
  for (const std::string& name : node.output()) {
    if (name.empty()) {
      outputs.push_back(-1);
      continue;
    }
    const auto bound = scope->bound.find(name);
    const int32_t tensor =
        bound != scope->bound.end() ? bound->second : NewValue(name, scope);
    const Status status = Define(name, tensor, scope);
    if (!status.ok()) return status.WithContext(what);
    outputs.push_back(tensor);
  }
  return outputs;
}

Status Converter::ConvertNodes(const NodeList& nodes, Scope* scope) {
  for (const NodeProto& node : nodes) ANEREF_TRY(ConvertNode(node, scope));
  return Status();
}

Status Converter::ConvertNode(const NodeProto& node, Scope* scope) {
  const std::string domain = CanonicalDomain(node.domain());
  const auto opset = scope->opsets->find(domain);
  const auto function =
      functions_.find({domain, node.op_type(), node.overload()});
  const int64_t version = opset == scope->opsets->end() ? 1 : opset->second;
  const std::string what = DescribeSource(node, version);
  if (++num_converted_ > kMaxNodes)
    return LimitError(what + ": over " + std::to_string(kMaxNodes) + " nodes");
  const bool is_if = domain.empty() && node.op_type() == "If";
  const bool is_loop =
      domain.empty() && (node.op_type() == "Loop" || node.op_type() == "Scan");
  const LoweringRow* row = domain.empty() ? FindRow(node.op_type()) : nullptr;
  std::unique_ptr<FunctionProto> standard;
  if (function == functions_.end() && domain.empty()) {
    Expected<std::unique_ptr<FunctionProto>> made =
        StandardFunction(node, version);
    if (!made.ok()) return Named(made.status(), what);
    standard = std::move(*made);
  }
  if (function == functions_.end() && standard == nullptr && row == nullptr &&
      !is_if && !is_loop)
    return Unsupported(what + " is not supported");
  if (function == functions_.end() && (version < 1 || version > kNewestOpset))
    return Unsupported(what + " is not supported: opsets 1 to " +
                       std::to_string(kNewestOpset) + " are known");
  ANEREF_ASSIGN(const std::vector<int32_t> inputs,
                NodeInputs(node, *scope, what));
  ANEREF_ASSIGN(const std::vector<int32_t> outputs,
                NodeOutputs(node, scope, what));
  if (function != functions_.end())
    return InlineFunction(*function->second, node, inputs, outputs, *scope);
  if (standard != nullptr)
    return InlineFunction(*standard, node, inputs, outputs, *scope);
  if (is_loop) return ConvertControl(node, version, inputs, outputs, scope);
  if (is_if) return ConvertIf(node, version, inputs, outputs, scope);
  return Lower(node, version, *scope, inputs, outputs, row->lower);
}

Status Converter::Lower(const NodeProto& node, int64_t opset,
                        const Scope& scope, const std::vector<int32_t>& inputs,
                        const std::vector<int32_t>& outputs,
                        void (*lower)(Lowering&)) {
  Lowering lowering(&session_, node, opset, scope.attributes, inputs, outputs);
  lower(lowering);
  const Status& status = lowering.status();
  if (status.ok()) return status;
  return Named(status, DescribeSource(node, opset));
}

}  // namespace aneref::onnx
