// Bodies inside a graph: local functions, inlined where they are called, and
// the branch of an If whose condition is known.
#include "runtime/import/onnx/converter.h"
#include "runtime/import/onnx/table.h"

namespace aneref::onnx {
namespace {

constexpr int kMaxDepth = 64;

const GraphProto* BranchOf(const NodeProto& node, const std::string& name) {
  for (const AttributeProto& attribute : node.attribute()) {
    if (attribute.name() == name && attribute.has_g()) return &attribute.g();
  }
  return nullptr;
}

OpsetMap FunctionOpsets(const FunctionProto& function, const OpsetMap& outer) {
  OpsetMap opsets = outer;  // functions of old files leave their imports out
  for (const OperatorSetIdProto& import : function.opset_import())
    opsets[import.domain() == "ai.onnx" ? "" : import.domain()] =
        import.version();
  return opsets;
}

// What the caller gives, then the function's own defaults.
AttributeMap FunctionAttributes(const FunctionProto& function,
                                const NodeProto& node,
                                const AttributeMap* outer) {
  AttributeMap attributes;
  for (const AttributeProto& attribute : node.attribute()) {
    const AttributeProto* resolved = Resolve(attribute, outer);
    if (resolved != nullptr) attributes[attribute.name()] = resolved;
  }
  for (const AttributeProto& attribute : function.attribute_proto())
    attributes.emplace(attribute.name(), &attribute);
  return attributes;
}

}  // namespace

Status Converter::CloseBody(const NodeProto& node,
                            const std::vector<std::string>& names,
                            const std::vector<int32_t>& outputs,
                            const Scope& body) {
  for (size_t i = 0; i < outputs.size() && i < names.size(); ++i) {
    if (outputs[i] < 0) continue;
    ANEREF_ASSIGN(
        const int32_t value,
        Lookup(names[i], body, "the body of node \"" + node.name() + "\""));
    if (value == outputs[i]) continue;
    // The body hands on an input, a constant, or one value twice.
    Lowering copy(&session_, node, 1, nullptr, {value}, {outputs[i]});
    EmitIdentity(copy, value, outputs[i]);
    ANEREF_TRY(copy.status());
  }
  return Status();
}

Status Converter::InlineFunction(const FunctionProto& function,
                                 const NodeProto& node,
                                 const std::vector<int32_t>& inputs,
                                 const std::vector<int32_t>& outputs,
                                 const Scope& scope) {
  const std::string what =
      "function \"" + function.name() + "\" (node \"" + node.name() + "\")";
  if (scope.depth >= kMaxDepth)
    return LimitError(what + ": nested over " + std::to_string(kMaxDepth) +
                      " deep");
  if (!active_.insert(&function).second)
    return InvalidFile("", what + " calls itself");
  const OpsetMap opsets = FunctionOpsets(function, *scope.opsets);
  const AttributeMap attributes =
      FunctionAttributes(function, node, scope.attributes);
  Scope body;
  body.opsets = &opsets;
  body.attributes = &attributes;
  body.depth = scope.depth + 1;
  body.prefix = (scope.prefix.empty() ? "" : scope.prefix + "/") +
                (node.name().empty() ? function.name() : node.name());
  // An absent optional input reads as an absent one inside.
  for (int i = 0; i < function.input_size(); ++i) {
    const auto position = static_cast<size_t>(i);
    const int32_t input = position < inputs.size() ? inputs[position] : -1;
    ANEREF_TRY(Define(function.input(i), input, &body).WithContext(what));
  }
  std::vector<std::string> names(function.output().begin(),
                                 function.output().end());
  for (size_t i = 0; i < outputs.size() && i < names.size(); ++i) {
    if (outputs[i] >= 0) body.bound.emplace(names[i], outputs[i]);
  }
  ANEREF_TRY(ConvertNodes(function.node(), &body));
  ANEREF_TRY(CloseBody(node, names, outputs, body));
  active_.erase(&function);
  return Status();
}

Status Converter::ConvertIf(const NodeProto& node, int64_t opset,
                            const std::vector<int32_t>& inputs,
                            const std::vector<int32_t>& outputs, Scope* scope) {
  const std::string what = DescribeSource(node, opset);
  if (scope->depth >= kMaxDepth)
    return LimitError(what + ": nested over " + std::to_string(kMaxDepth) +
                      " deep");
  const int32_t condition = inputs.empty() ? -1 : inputs[0];
  if (!IsConstant(*session_.draft, condition))
    return ConvertControl(node, opset, inputs, outputs, scope);
  const std::vector<int64_t> value = ConstantInts(*session_.draft, condition);
  if (value.size() != 1)
    return InvalidFile("", what + ": the condition must be one value");
  const char* const name = value[0] != 0 ? "then_branch" : "else_branch";
  const GraphProto* branch = BranchOf(node, name);
  if (branch == nullptr)
    return InvalidFile("", what + ": attribute '" + name + "' is missing");
  if (branch->output_size() != static_cast<int>(outputs.size()))
    return InvalidFile(
        "", what + ": the branch has " + std::to_string(branch->output_size()) +
                " outputs, the node " + std::to_string(outputs.size()));
  Scope body;
  body.outer = scope;
  body.opsets = scope->opsets;
  body.attributes = scope->attributes;
  body.prefix = scope->prefix;
  body.depth = scope->depth + 1;
  std::vector<std::string> names;
  for (size_t i = 0; i < outputs.size(); ++i) {
    names.push_back(branch->output(static_cast<int>(i)).name());
    if (outputs[i] >= 0) body.bound.emplace(names.back(), outputs[i]);
  }
  GraphProto copy = *branch;
  ANEREF_TRY(ConvertInitializers(&copy, &body).WithContext(what));
  ANEREF_TRY(ConvertNodes(copy.node(), &body));
  ANEREF_TRY(CloseBody(node, names, outputs, body));
  session_.draft->net.import_notes.push_back(
      "took the " + std::string(value[0] != 0 ? "then" : "else") +
      " branch of \"" + node.name() + "\", whose condition is constant");
  return Status();
}

}  // namespace aneref::onnx
