// If with a computed condition, Loop and Scan: their bodies become graphs of
// the file, and values of the outer graphs that they read become extra inputs.
#include <algorithm>

#include "runtime/import/onnx/converter.h"

namespace aneref::onnx {
namespace {

constexpr int kMaxBodyDepth = 16;

const GraphProto* BodyOf(const NodeProto& node, const std::string& name) {
  for (const AttributeProto& attribute : node.attribute()) {
    if (attribute.name() == name && attribute.has_g()) return &attribute.g();
  }
  return nullptr;
}

fbs::ControlKind KindOf(const NodeProto& node) {
  if (node.op_type() == "Loop") return fbs::ControlKind::loop;
  return node.op_type() == "Scan" ? fbs::ControlKind::scan
                                  : fbs::ControlKind::branch;
}

std::unique_ptr<fbs::PortT> MakePort(int32_t tensor) {
  auto port = std::make_unique<fbs::PortT>();
  port->tensor = tensor;
  return port;
}

}  // namespace

Converter::Converter(Converter* parent, Scope* parent_scope, NetDraft* draft)
    : model_(parent->model_),
      session_(draft, parent->session_.options, parent->session_.external),
      opsets_(parent->opsets_),
      functions_(parent->functions_),
      active_(parent->active_),
      num_converted_(parent->num_converted_),
      parent_(parent),
      parent_scope_(parent_scope) {}

Expected<int32_t> Converter::Capture(const std::string& name,
                                     const std::string& reader) {
  const auto known = captured_.find(name);
  if (known != captured_.end()) return known->second;
  ANEREF_ASSIGN(const int32_t outer,
                parent_->Lookup(name, *parent_scope_, reader));
  if (outer < 0) return outer;
  const NetDraft& from = *parent_->session_.draft;
  const fbs::TensorT& source = TensorAt(from, outer);
  Scope names;  // captured names are unique among the body's own
  const int32_t inner = NewValue(name, &names);
  fbs::TensorT& target = TensorAt(*session_.draft, inner);
  target.dtype = source.dtype;
  if (IsConstant(from, outer)) {
    SetConstant(session_.draft, inner, ConstantOf(from, outer));
  } else {
    target.shape = source.shape;
    target.has_shape = source.has_shape;
    captured_outer_.push_back(outer);
    captured_inner_.push_back(inner);
  }
  session_.defined[static_cast<size_t>(inner)] = true;
  captured_[name] = inner;
  return inner;
}

Status Converter::ConvertBody(const GraphProto& body, size_t num_outputs) {
  session_.draft->net.graphs.push_back(std::make_unique<fbs::GraphT>());
  fbs::GraphT& graph = MainGraph(*session_.draft);
  graph.name = body.name();
  if (static_cast<size_t>(body.output_size()) != num_outputs)
    return InvalidFile(
        "", "the body has " + std::to_string(body.output_size()) +
                " outputs, " + std::to_string(num_outputs) + " are needed");
  Scope scope;
  scope.opsets = parent_scope_->opsets;
  scope.attributes = parent_scope_->attributes;
  scope.depth = parent_scope_->depth + 1;
  GraphProto copy = body;
  ANEREF_TRY(ConvertInitializers(&copy, &scope));
  // Shapes that a body declares are hints: they may change between iterations.
  for (const ValueInfoProto& info : copy.input()) {
    if (scope.values.contains(info.name())) continue;
    const int32_t tensor = NewValue(info.name(), &scope);
    if (info.type().has_tensor_type() &&
        info.type().tensor_type().elem_type() != 0) {
      const Expected<DataType> type =
          SourceType(info.type().tensor_type().elem_type());
      if (!type.ok()) return type.status();
      TensorAt(*session_.draft, tensor).dtype = static_cast<fbs::DataType>(
          OnnxDeclaredType(*type, session_.options.precision));
    }
    session_.defined[static_cast<size_t>(tensor)] = true;
    ANEREF_TRY(Define(info.name(), tensor, &scope));
    MainGraph(*session_.draft).inputs.push_back(MakePort(tensor));
  }
  ANEREF_TRY(ConvertNodes(copy.node(), &scope));
  std::vector<int32_t> results;
  for (const ValueInfoProto& info : copy.output()) {
    ANEREF_ASSIGN(const int32_t tensor,
                  Lookup(info.name(), scope, "the body's output"));
    if (tensor < 0) return Unsupported("a body's output is absent");
    results.push_back(tensor);
  }
  fbs::GraphT& finished = MainGraph(*session_.draft);
  for (int32_t tensor : results) finished.outputs.push_back(MakePort(tensor));
  for (int32_t tensor : captured_inner_)
    finished.inputs.push_back(MakePort(tensor));
  return Status();
}

Status Converter::ConvertControl(const NodeProto& node, int64_t opset,
                                 const std::vector<int32_t>& inputs,
                                 const std::vector<int32_t>& outputs,
                                 Scope* scope) {
  const std::string what = DescribeSource(node, opset);
  if (scope->depth >= kMaxBodyDepth)
    return LimitError(what + ": nested over " + std::to_string(kMaxBodyDepth) +
                      " deep");
  fbs::ControlT control;
  control.kind = KindOf(node);
  std::vector<std::string> names = {"body"};
  size_t num_results = outputs.size();
  if (control.kind == fbs::ControlKind::branch)
    names = {"then_branch", "else_branch"};
  if (control.kind == fbs::ControlKind::loop) ++num_results;  // the condition
  std::vector<int32_t> all_inputs = inputs;
  if (control.kind == fbs::ControlKind::loop)
    all_inputs.resize(std::max<size_t>(inputs.size(), 2), -1);
  for (const std::string& name : names) {
    const GraphProto* body = BodyOf(node, name);
    if (body == nullptr)
      return InvalidFile("", what + ": attribute '" + name + "' is missing");
    NetDraft draft;
    Converter converter(this, scope, &draft);
    const Status status = converter.ConvertBody(*body, num_results);
    num_converted_ = converter.num_converted_;
    if (!status.ok()) return status.WithContext(what);
    all_inputs.insert(all_inputs.end(), converter.captured_outer_.begin(),
                      converter.captured_outer_.end());
    control.captured.push_back(
        static_cast<int32_t>(converter.captured_outer_.size()));
    control.bodies.push_back(AppendGraphs(session_.draft, std::move(draft)));
  }
  Lowering lowering(&session_, node, opset, scope->attributes, inputs, outputs);
  control.num_scan_inputs = lowering.Int32("num_scan_inputs", 0);
  control.scan_input_axes = lowering.Ints32("scan_input_axes");
  control.scan_output_axes = lowering.Ints32("scan_output_axes");
  for (int32_t direction : lowering.Ints32("scan_input_directions"))
    control.scan_input_reverse.push_back(direction != 0);
  for (int32_t direction : lowering.Ints32("scan_output_directions"))
    control.scan_output_reverse.push_back(direction != 0);
  lowering.Emit(std::move(control), std::move(all_inputs), outputs);
  return lowering.status();
}

}  // namespace aneref::onnx
