// See standard_functions.h.
#include "runtime/import/onnx/standard_functions.h"

#include <string>
#include <utility>
#include <vector>

namespace aneref::onnx {
namespace {

using Names = std::vector<std::string>;

constexpr int kInt = 2, kGraph = 5, kInts = 7;  // AttributeProto.type
constexpr int kOnnxFloat = 1;                   // TensorProto.data_type
constexpr int kOnnxInt64 = 7;
constexpr int64_t kFunctionOpset = 18;

void SetInt(NodeProto* node, const std::string& name, int64_t value) {
  AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(kInt);
  attribute->set_i(value);
}

void SetInts(NodeProto* node, const std::string& name,
             const std::vector<int64_t>& values) {
  AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(kInts);
  for (const int64_t value : values) attribute->add_ints(value);
}

GraphProto* SetGraph(NodeProto* node, const std::string& name) {
  AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(kGraph);
  return attribute->mutable_g();
}

const AttributeProto* Find(const NodeProto& node, const std::string& name) {
  for (const AttributeProto& attribute : node.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

int64_t IntOf(const NodeProto& node, const std::string& name,
              int64_t otherwise) {
  const AttributeProto* attribute = Find(node, name);
  return attribute == nullptr ? otherwise : attribute->i();
}

// Nodes of a function or of a sub-graph.
template <class Body>
class Writer {
 public:
  explicit Writer(Body* body) : body_(body) {}

  NodeProto* Node(const std::string& op, const Names& inputs,
                  const std::string& output) {
    NodeProto* node = body_->add_node();
    node->set_op_type(op);
    for (const std::string& input : inputs) node->add_input(input);
    node->add_output(output);
    return node;
  }
  void Ints(const std::string& output, const std::vector<int64_t>& values) {
    TensorProto* tensor = Value(output, kOnnxInt64);
    tensor->add_dims(static_cast<int64_t>(values.size()));
    for (const int64_t value : values) tensor->add_int64_data(value);
  }
  void Float(const std::string& output, float value) {
    Value(output, kOnnxFloat)->add_float_data(value);
  }
  // y = x in a shape of constants; 0 copies, -1 is inferred.
  void Reshape(const std::string& x, const std::vector<int64_t>& shape,
               const std::string& y) {
    Ints(y + "_shape", shape);
    Node("Reshape", {x, y + "_shape"}, y);
  }
  void Unsqueeze(const std::string& x, int64_t axis, const std::string& y) {
    Ints(y + "_axis", {axis});
    Node("Unsqueeze", {x, y + "_axis"}, y);
  }
  void Transpose(const std::string& x, const std::vector<int64_t>& perm,
                 const std::string& y) {
    onnx::SetInts(Node("Transpose", {x}, y), "perm", perm);
  }
  // One extent of x as a vector of one element.
  void Extent(const std::string& x, int64_t axis, const std::string& y) {
    NodeProto* node = Node("Shape", {x}, y);
    onnx::SetInt(node, "start", axis);
    onnx::SetInt(node, "end", axis + 1);
  }

 private:
  TensorProto* Value(const std::string& output, int32_t type) {
    AttributeProto* attribute = Node("Constant", {}, output)->add_attribute();
    attribute->set_name("value");
    attribute->set_type(4);  // TENSOR
    attribute->mutable_t()->set_data_type(type);
    return attribute->mutable_t();
  }
  Body* body_;
};

std::unique_ptr<FunctionProto> Begin(const NodeProto& node, const Names& inputs,
                                     const Names& outputs, int64_t opset) {
  auto function = std::make_unique<FunctionProto>();
  function->set_name(node.op_type());
  for (const std::string& input : inputs) function->add_input(input);
  for (const std::string& output : outputs) function->add_output(output);
  function->add_opset_import()->set_version(opset);
  return function;
}

// ---- LinearAttention (27) ----

struct LinearRule {
  bool gated = false;
  bool delta = false;
};

// One step: state [B, H, dk, dv], q [B, H, group, dk], k [B, H, dk], v [B, H,
// dv], decay [B, H, dk or 1], beta [B, H or 1, 1].
void WriteStep(const LinearRule& rule, const std::string& state,
               GraphProto* body) {
  Writer<GraphProto> w(body);
  std::string s = state;
  if (rule.gated) {
    w.Node("Exp", {"decay_t"}, "gate");
    w.Unsqueeze("gate", -1, "gate_column");
    w.Node("Mul", {s, "gate_column"}, "decayed");
    s = "decayed";
  }
  w.Unsqueeze("k_t", -1, "k_column");
  w.Unsqueeze("v_t", -2, "v_row");
  std::string v = "v_row";
  if (rule.delta) {
    w.Unsqueeze("k_t", -2, "k_row");
    w.Node("MatMul", {"k_row", s}, "retrieved");
    w.Node("Sub", {v, "retrieved"}, "missing");
    w.Unsqueeze("beta_t", -1, "beta_column");
    w.Node("Mul", {"beta_column", "missing"}, "written");
    v = "written";
  }
  w.Node("Mul", {"k_column", v}, "update");
  w.Node("Add", {s, "update"}, "state_out");
  w.Node("MatMul", {"q_t", "state_out"}, "o_t");
}

void AddPort(google::protobuf::RepeatedPtrField<ValueInfoProto>* ports,
             const std::string& name, bool is_float) {
  ValueInfoProto* port = ports->Add();
  port->set_name(name);
  if (is_float)
    port->mutable_type()->mutable_tensor_type()->set_elem_type(kOnnxFloat);
}

Expected<std::unique_ptr<FunctionProto>> LinearAttention(
    const NodeProto& node) {
  const int64_t q_heads = IntOf(node, "q_num_heads", 0),
                heads = IntOf(node, "kv_num_heads", 0);
  const AttributeProto* update = Find(node, "update_rule");
  const std::string name = update == nullptr ? "gated_delta" : update->s();
  const LinearRule rule = {name == "gated" || name == "gated_delta",
                           name == "delta" || name == "gated_delta"};
  if (!rule.gated && !rule.delta && name != "linear")
    return InvalidFile("", "attribute 'update_rule' is '" + name + "'");
  if (heads < 1 || q_heads < heads || q_heads % heads != 0)
    return InvalidFile("", "q_num_heads must be a multiple of kv_num_heads");
  const auto has = [&](int i) {
    return i < node.input_size() && !node.input(i).empty();
  };
  if (!has(0) || !has(1) || !has(2) || (rule.gated && !has(4)) ||
      (rule.delta && !has(5)))
    return InvalidFile("", "an input that '" + name + "' needs is missing");
  auto function =
      Begin(node, {"query", "key", "value", "past_state", "decay", "beta"},
            {"output", "present_state"}, kFunctionOpset);
  Writer<FunctionProto> w(function.get());
  // Time comes first, for the scan.
  w.Reshape("query", {0, 0, heads, q_heads / heads, -1}, "q5");
  w.Transpose("q5", {1, 0, 2, 3, 4}, "q_seq");
  w.Reshape("key", {0, 0, heads, -1}, "k4");
  w.Transpose("k4", {1, 0, 2, 3}, "k_seq");
  w.Reshape("value", {0, 0, heads, -1}, "v4");
  w.Transpose("v4", {1, 0, 2, 3}, "v_seq");
  w.Extent("k4", 3, "dk");
  w.Extent("v4", 3, "dv");
  std::string state = "past_state";
  if (!has(3)) {
    w.Extent("key", 0, "batch");
    w.Ints("heads", {heads});
    onnx::SetInt(w.Node("Concat", {"batch", "heads", "dk", "dv"}, "extents"),
                 "axis", 0);
    w.Node("ConstantOfShape", {"extents"}, "zeros");
    w.Node("CastLike", {"zeros", "value"}, "state_zero");
    state = "state_zero";
  }
  Names scanned = {"q", "k", "v"};
  if (rule.gated) {
    w.Reshape("decay", {0, 0, heads, -1}, "decay4");
    w.Transpose("decay4", {1, 0, 2, 3}, "decay_seq");
    scanned.push_back("decay");
  }
  if (rule.delta) {
    w.Reshape("beta", {0, 0, -1, 1}, "beta4");
    w.Transpose("beta4", {1, 0, 2, 3}, "beta_seq");
    scanned.push_back("beta");
  }
  Names inputs = {state};
  for (const std::string& each : scanned) inputs.push_back(each + "_seq");
  NodeProto* scan = w.Node("Scan", inputs, "present_state");
  scan->add_output("o_seq");
  onnx::SetInt(scan, "num_scan_inputs", static_cast<int64_t>(scanned.size()));
  GraphProto* body = SetGraph(scan, "body");
  AddPort(body->mutable_input(), "state_in", true);
  for (const std::string& each : scanned)
    AddPort(body->mutable_input(), each + "_t", true);
  WriteStep(rule, "state_in", body);
  AddPort(body->mutable_output(), "state_out", true);
  AddPort(body->mutable_output(), "o_t", true);
  // [T, B, H, group, dv] -> [B, T, everything].
  w.Transpose("o_seq", {1, 0, 2, 3, 4}, "o_batch");
  w.Reshape("o_batch", {0, 0, -1}, "o_packed");
  const AttributeProto* scale = Find(node, "scale");
  if (scale != nullptr && scale->f() != 0.0f) {
    w.Float("scale_float", scale->f());
  } else {
    SetInt(w.Node("Cast", {"dk"}, "dk_float"), "to", kOnnxFloat);
    w.Node("Sqrt", {"dk_float"}, "dk_root");
    w.Node("Reciprocal", {"dk_root"}, "scale_float");
  }
  w.Node("CastLike", {"scale_float", "o_packed"}, "scale");
  w.Node("Mul", {"o_packed", "scale"}, "output");
  return function;
}

// ---- Scan of opset 8 ----

// Everything has a batch axis in front: a scan of today over the batch, which
// scans each item.
Expected<std::unique_ptr<FunctionProto>> BatchedScan(const NodeProto& node) {
  const AttributeProto* body = Find(node, "body");
  const int64_t scanned = IntOf(node, "num_scan_inputs", 0);
  const int64_t states = node.input_size() - 1 - scanned;
  if (body == nullptr || !body->has_g() || scanned < 1 || states < 0)
    return InvalidFile("", "a scan needs a body and inputs to scan");
  if (!node.input(0).empty())
    return Unsupported("is not supported with sequence lengths");
  Names inputs = {"lengths"}, outputs, items, results;
  for (int i = 1; i < node.input_size(); ++i) {
    inputs.push_back("in" + std::to_string(i));
    items.push_back("item" + std::to_string(i));
  }
  for (int i = 0; i < node.output_size(); ++i) {
    outputs.push_back("out" + std::to_string(i));
    results.push_back("result" + std::to_string(i));
  }
  auto function = Begin(node, inputs, outputs, 9);
  NodeProto* outer = function->add_node();
  outer->set_op_type("Scan");
  for (size_t i = 1; i < inputs.size(); ++i) outer->add_input(inputs[i]);
  for (const std::string& output : outputs) outer->add_output(output);
  SetInt(outer, "num_scan_inputs", static_cast<int64_t>(items.size()));
  GraphProto* item = SetGraph(outer, "body");
  for (const std::string& name : items)
    AddPort(item->mutable_input(), name, false);
  for (const std::string& name : results)
    AddPort(item->mutable_output(), name, false);
  NodeProto* inner = item->add_node();
  inner->set_op_type("Scan");
  for (const std::string& name : items) inner->add_input(name);
  for (const std::string& name : results) inner->add_output(name);
  SetInt(inner, "num_scan_inputs", scanned);
  *inner->add_attribute() = *body;
  if (const AttributeProto* directions = Find(node, "directions")) {
    AttributeProto* copy = inner->add_attribute();
    *copy = *directions;
    copy->set_name("scan_input_directions");
  }
  return function;
}

}  // namespace

Expected<std::unique_ptr<FunctionProto>> StandardFunction(const NodeProto& node,
                                                          int64_t opset) {
  if (node.op_type() == "LinearAttention") return LinearAttention(node);
  if (node.op_type() == "Scan" && opset < 9) return BatchedScan(node);
  return std::unique_ptr<FunctionProto>();
}

}  // namespace aneref::onnx
