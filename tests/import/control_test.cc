// Branches, loops and scans: imported as graphs of the file, run by the
// interpreter. Expected values are worked by hand.
#include <doctest/doctest.h>

#include "tests/import/model_builder.h"

namespace aneref::test {
namespace {

using Values = std::vector<float>;

onnx::ValueInfoProto Typed(const std::string& name, int32_t type) {
  onnx::ValueInfoProto info;
  info.set_name(name);
  info.mutable_type()->mutable_tensor_type()->set_elem_type(type);
  return info;
}

onnx::GraphProto* Body(onnx::NodeProto* node, const std::string& attribute) {
  onnx::AttributeProto* added = node->add_attribute();
  added->set_name(attribute);
  added->set_type(5);  // GRAPH
  added->mutable_g()->set_name(attribute);
  return added->mutable_g();
}

void AddNode(onnx::GraphProto* graph, const std::string& op,
             const std::vector<std::string>& inputs,
             const std::vector<std::string>& outputs) {
  *graph->add_node() = MakeNode(op, inputs, outputs);
}

// y = x[0] > 0 ? x * 2 : -x, both branches reading x of the graph around them.
ModelBuilder Branching() {
  ModelBuilder model;
  model.Input("x", {2});
  model.Floats("zero", {}, {0});
  model.Floats("two", {}, {2});
  model.Ints("first", {}, {0});
  model.Node("Gather", {"x", "first"}, {"head"});
  model.Node("Greater", {"head", "zero"}, {"positive"});
  onnx::NodeProto* branch = model.Node("If", {"positive"}, {"y"}, "choice");
  onnx::GraphProto* yes = Body(branch, "then_branch");
  AddNode(yes, "Mul", {"x", "two"}, {"doubled"});
  *yes->add_output() = Typed("doubled", 1);
  onnx::GraphProto* no = Body(branch, "else_branch");
  AddNode(no, "Neg", {"x"}, {"negated"});
  *no->add_output() = Typed("negated", 1);
  model.Output("y");
  return model;
}

// Repeats total += x; each step's total is stacked. x comes from outside.
ModelBuilder Looping(int64_t count) {
  ModelBuilder model;
  model.Input("x", {2});
  model.Ints("count", {}, {count});
  model.Floats("start", {2}, {0, 0});
  onnx::NodeProto* loop =
      model.Node("Loop", {"count", "", "start"}, {"total", "steps"});
  onnx::GraphProto* body = Body(loop, "body");
  *body->add_input() = Typed("i", 7);
  *body->add_input() = Typed("go", 9);
  *body->add_input() = Typed("sum", 1);
  AddNode(body, "Identity", {"go"}, {"go_on"});
  AddNode(body, "Add", {"sum", "x"}, {"next"});
  AddNode(body, "Identity", {"next"}, {"seen"});
  *body->add_output() = Typed("go_on", 9);
  *body->add_output() = Typed("next", 1);
  *body->add_output() = Typed("seen", 1);
  model.Output("total");
  model.Output("steps");
  return model;
}

}  // namespace

TEST_CASE("control: a computed condition takes one branch or the other") {
  const Imported imported = Import(Branching().model());
  REQUIRE_MESSAGE(imported.status.ok(), imported.status.ToString());
  // Not the condition's.
  CHECK(imported.Find("y")->dtype == fbs::DataType::float16);
  CHECK(imported.net.graphs.size() == 3);
  CHECK(Evaluate(imported, {{"x", {1, 3}}})[0] == Values{2, 6});
  CHECK(Evaluate(imported, {{"x", {-1, 3}}})[0] == Values{1, -3});
}

TEST_CASE("control: a loop carries values and stacks what it scans") {
  const Imported imported = Import(Looping(3).model());
  REQUIRE_MESSAGE(imported.status.ok(), imported.status.ToString());
  const auto results = Evaluate(imported, {{"x", {1, 10}}});
  CHECK(results[0] == Values{3, 30});
  CHECK(results[1] == Values{1, 10, 2, 20, 3, 30});
}

TEST_CASE("control: a loop of no turns hands on its first values") {
  const Imported imported = Import(Looping(0).model());
  REQUIRE_MESSAGE(imported.status.ok(), imported.status.ToString());
  CHECK(Evaluate(imported, {{"x", {1, 10}}})[0] == Values{0, 0});
}

TEST_CASE("control: a scan walks an axis backwards") {
  ModelBuilder model;
  model.Input("x", {3, 2});
  model.Floats("start", {2}, {0, 0});
  onnx::NodeProto* scan = model.Node("Scan", {"start", "x"}, {"last", "sums"});
  SetInt(scan, "num_scan_inputs", 1);
  SetInts(scan, "scan_input_directions", {1});
  onnx::GraphProto* body = Body(scan, "body");
  *body->add_input() = Typed("state", 1);
  *body->add_input() = Typed("row", 1);
  AddNode(body, "Add", {"state", "row"}, {"next"});
  AddNode(body, "Identity", {"next"}, {"seen"});
  *body->add_output() = Typed("next", 1);
  *body->add_output() = Typed("seen", 1);
  model.Output("last");
  model.Output("sums");
  const Imported imported = Import(model.model());
  REQUIRE_MESSAGE(imported.status.ok(), imported.status.ToString());
  const auto results = Evaluate(imported, {{"x", {1, 2, 3, 4, 5, 6}}});
  CHECK(results[0] == Values{9, 12});
  CHECK(results[1] == Values{5, 6, 8, 10, 9, 12});
}

TEST_CASE("control: a body with the wrong number of outputs is refused") {
  ModelBuilder model = Looping(3);
  model.graph()
      .mutable_node(model.graph().node_size() - 1)
      ->mutable_attribute(0)
      ->mutable_g()
      ->mutable_output()
      ->RemoveLast();
  const Imported imported = Import(model.model());
  CHECK(imported.status.code() == StatusCode::kInvalidFile);
  CHECK(imported.status.message().find("2 outputs, 3 are needed") !=
        std::string::npos);
}

TEST_CASE("control: a name that nothing computes is refused inside a body") {
  ModelBuilder model = Branching();
  onnx::NodeProto* branch =
      model.graph().mutable_node(model.graph().node_size() - 1);
  branch->mutable_attribute(0)->mutable_g()->mutable_node(0)->set_input(
      0, "nowhere");
  CHECK(Import(model.model()).status.message().find("\"nowhere\"") !=
        std::string::npos);
}

}  // namespace aneref::test
