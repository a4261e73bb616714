// Graphs: names, ports, opsets, functions, branches, refusals, damaged files.
#include <doctest/doctest.h>

#include <filesystem>
#include <random>

#include "tests/import/model_builder.h"

namespace aneref::test {
namespace {

using Names = std::vector<std::string>;
using Values = std::vector<double>;

bool Says(const Imported& imported, const std::string& text) {
  return imported.status.message().find(text) != std::string::npos;
}

TEST_CASE("graph: names of values are kept exactly") {
  ModelBuilder builder;
  builder.Input("in:0/x y", {1, 2});
  builder.Node("Relu", {"in:0/x y"}, {"{\"json\"}"});
  builder.Node("Tanh", {"{\"json\"}"}, {"7"}, "a::b");
  builder.Output("7");
  const Imported net = Import(builder.model());
  REQUIRE(net.status.ok());
  REQUIRE(net.num_nodes() == 2);
  CHECK(net.InputNames(0) == Names{"in:0/x y"});
  CHECK(net.OutputName(0) == "{\"json\"}");
  CHECK(net.OutputName(1) == "7");
  CHECK(net.NodeAt(1).name == "a::b");
  CHECK(net.NodeAt(1).source_op == "Tanh");
}

TEST_CASE("graph: initializers listed as inputs are constants") {
  ModelBuilder builder;
  builder.Input("x", {2});
  builder.Input("w", {2});
  builder.Floats("w", {2}, {3, 4});
  builder.Node("Add", {"x", "w"}, {"y"});
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE(net.graph().inputs.size() == 1);
  CHECK(net.Values("w") == Values{3, 4});
}

TEST_CASE(
    "graph: floating values become float16 unless the source's types are asked "
    "for") {
  ModelBuilder builder;
  builder.Input("x", {2});
  builder.Input("i", {2}, 7);
  builder.Node("Cast", {"i"}, {"f"})->mutable_attribute();
  SetInt(builder.graph().mutable_node(0), "to", 10);
  builder.Node("Cast", {"f"}, {"g"});
  SetInt(builder.graph().mutable_node(1), "to", 1);
  builder.Node("Add", {"x", "g"}, {"y"});
  builder.Output("y");
  const Imported half = Import(builder.model()),
                 source = Import(builder.model(), SourceTypes());
  CHECK(half.Find("x")->dtype == fbs::DataType::float16);
  CHECK(half.Find("i")->dtype == fbs::DataType::int64);
  CHECK(half.num_nodes() == 2);  // the second cast changes nothing
  CHECK(half.graph().inputs[0]->declared == fbs::DataType::float32);
  CHECK(source.Find("f")->dtype == fbs::DataType::float16);
  CHECK(source.Find("y")->dtype == fbs::DataType::float32);
  CHECK(source.num_nodes() == 3);
}

TEST_CASE("graph: an output without a type is float32, in fp16 networks fp16") {
  constexpr int32_t kFloat = 1, kHalf = 10;
  for (const int32_t type : {kFloat, kHalf}) {
    ModelBuilder builder;
    builder.Input("x", {2}, type);
    builder.Node("Relu", {"x"}, {"y"});
    builder.Output("y");
    const Imported net = Import(builder.model());
    REQUIRE(net.status.ok());
    CHECK(net.Find("y")->dtype == fbs::DataType::float16);
    CHECK(net.graph().outputs[0]->declared ==
          (type == kFloat ? fbs::DataType::float32 : fbs::DataType::float16));
  }
}

TEST_CASE("graph: dynamic extents keep their names") {
  ModelBuilder builder;
  builder.Input("x", {0, 3, 4, 5});
  auto* shape = builder.graph()
                    .mutable_input(0)
                    ->mutable_type()
                    ->mutable_tensor_type()
                    ->mutable_shape();
  shape->mutable_dim(0)->set_dim_param("batch");
  shape->mutable_dim(0)->clear_dim_value();
  shape->mutable_dim(2)->set_dim_param("?");
  shape->mutable_dim(2)->clear_dim_value();
  builder.Node("Relu", {"x"}, {"y"});
  builder.Output("y");
  const Imported net = Import(builder.model());
  CHECK(net.Find("x")->shape == std::vector<int64_t>{-1, 3, -1, 5});
  CHECK(net.Find("x")->shape_names == Names{"batch", "", "", ""});
}

TEST_CASE("graph: metadata gives labels and image layouts") {
  ModelBuilder builder;
  builder.Input("x", {1, 3});
  builder.Node("Softmax", {"x"}, {"y"});
  builder.Output("y");
  for (const auto& [key, value] :
       std::map<std::string, std::string>{{"aneref.labels.y", "cat,dog,hen"},
                                          {"aneref.image.x", "bgr"},
                                          {"author", "me"}}) {
    auto* entry = builder.model().add_metadata_props();
    entry->set_key(key);
    entry->set_value(value);
  }
  const Imported net = Import(builder.model());
  CHECK(net.graph().outputs[0]->labels == Names{"cat", "dog", "hen"});
  CHECK(net.graph().inputs[0]->image == fbs::ImageLayout::bgr);
  CHECK(net.net.metadata.size() == 3);
}

TEST_CASE(
    "graph: unknown operators are refused with op and node and domain and "
    "opset") {
  ModelBuilder builder(14);
  auto* import = builder.model().add_opset_import();
  import->set_domain("com.microsoft");
  import->set_version(1);
  builder.Input("x", {1});
  builder.Node("Attention", {"x"}, {"y"}, "Attention_0")
      ->set_domain("com.microsoft");
  builder.Output("y");
  const Imported net = Import(builder.model());
  CHECK(net.status.code() == StatusCode::kUnsupported);
  CHECK(Says(net,
             "op \"com.microsoft::Attention\" (node \"Attention_0\", opset 1) "
             "is not supported"));
  builder.graph().mutable_node(0)->set_domain("");
  builder.graph().mutable_node(0)->set_op_type("NoSuchOp");
  CHECK(Says(Import(builder.model()),
             "op \"ai.onnx::NoSuchOp\" (node \"Attention_0\", opset 14) is not "
             "supported"));
}

TEST_CASE("graph: a domain that no node uses does not matter") {
  ModelBuilder builder;
  auto* import = builder.model().add_opset_import();
  import->set_domain("ai.onnx.ml");
  import->set_version(3);
  builder.Input("x", {1});
  builder.Node("Relu", {"x"}, {"y"})->set_domain("ai.onnx");
  builder.Output("y");
  CHECK(Import(builder.model()).status.ok());
}

TEST_CASE("graph: no opset import means opset 1") {
  ModelBuilder builder;
  builder.model().clear_opset_import();
  builder.Input("x", {2, 3});
  builder.Node("Reshape", {"x"}, {"y"});
  SetInts(builder.graph().mutable_node(0), "shape", {3, 2});
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE(net.status.ok());
  CHECK(net.net.source == "onnx opset 1");
  CHECK(net.Find("y")->shape == std::vector<int64_t>{3, 2});
}

TEST_CASE("graph: values without a source and with two are refused") {
  ModelBuilder none, twice;
  none.Input("x", {1});
  none.Node("Add", {"x", "ghost"}, {"y"}, "n");
  none.Output("y");
  CHECK(Says(Import(none.model()),
             "reads \"ghost\", which nothing before it computes"));
  twice.Input("x", {1});
  twice.Node("Relu", {"x"}, {"y"});
  twice.Node("Tanh", {"x"}, {"y"});
  twice.Output("y");
  CHECK(Says(Import(twice.model()), "\"y\" has two sources"));
}

TEST_CASE("graph: attributes of the wrong type are refused") {
  ModelBuilder builder;
  builder.Input("x", {1, 2});
  SetFloat(builder.Node("Softmax", {"x"}, {"y"}, "s"), "axis", 1.0f);
  builder.Output("y");
  const Imported net = Import(builder.model());
  CHECK(net.status.code() == StatusCode::kInvalidFile);
  CHECK(Says(net, "attribute 'axis' is a float, must be an integer"));
}

// f(a, b; alpha) = leaky_relu(a; alpha) + b
onnx::FunctionProto* AddFunction(ModelBuilder* builder) {
  auto* import = builder->model().add_opset_import();
  import->set_domain("local");
  import->set_version(1);
  onnx::FunctionProto* function = builder->model().add_functions();
  function->set_domain("local");
  function->set_name("LeakyAdd");
  function->add_opset_import()->set_version(13);
  function->add_input("a");
  function->add_input("b");
  function->add_output("c");
  function->add_attribute("slope");
  *function->add_node() = MakeNode("LeakyRelu", {"a"}, {"t"}, "inner");
  onnx::AttributeProto* attribute = function->mutable_node(0)->add_attribute();
  attribute->set_name("alpha");
  attribute->set_type(1);
  attribute->set_ref_attr_name("slope");
  *function->add_node() = MakeNode("Add", {"t", "b"}, {"c"});
  return function;
}

TEST_CASE("functions: bodies are inlined with the caller's attributes") {
  ModelBuilder builder;
  AddFunction(&builder);
  builder.Input("x", {2});
  for (int i = 0; i < 2; ++i) {
    onnx::NodeProto* node =
        builder.Node("LeakyAdd", {i == 0 ? "x" : "m", "x"},
                     {i == 0 ? "m" : "y"}, "call" + std::to_string(i));
    node->set_domain("local");
    if (i == 0) SetFloat(node, "slope", 0.5f);
  }
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE(net.status.ok());
  REQUIRE(net.num_nodes() == 4);
  CHECK(net.NodeAt(0).op.AsActivation()->alpha == 0.5);
  CHECK(net.NodeAt(2).op.AsActivation()->alpha == doctest::Approx(0.01));
  CHECK(net.OutputName(0) == "call0/t");
  CHECK(net.OutputName(1) == "m");
  CHECK(net.OutputName(2) == "call1/t");
  CHECK(net.OutputName(3) == "y");
  CHECK(Evaluate(net, {{"x", {-2, 4}}})[0] ==
        std::vector<float>{-2 - 0.03f, 12});
}

TEST_CASE("functions: recursion is refused") {
  ModelBuilder builder;
  onnx::FunctionProto* function = AddFunction(&builder);
  function->mutable_node(1)->set_domain("local");
  function->mutable_node(1)->set_op_type("LeakyAdd");
  builder.Input("x", {2});
  builder.Node("LeakyAdd", {"x", "x"}, {"y"})->set_domain("local");
  builder.Output("y");
  CHECK(Says(Import(builder.model()), "calls itself"));
}

TEST_CASE("functions: nests that multiply without end are stopped") {
  ModelBuilder builder;
  AddFunction(&builder);
  for (int level = 0; level < 40; ++level) {
    onnx::FunctionProto* function = builder.model().add_functions();
    function->set_domain("local");
    function->set_name("F" + std::to_string(level));
    function->add_input("a");
    function->add_output("c");
    for (int i = 0; i < 10; ++i) {
      onnx::NodeProto* node = function->add_node();
      const std::string from = i == 0 ? "a" : "t" + std::to_string(i - 1),
                        to = i == 9 ? "c" : "t" + std::to_string(i);
      *node = MakeNode(level == 0 ? "Relu" : "F" + std::to_string(level - 1),
                       {from}, {to});
      if (level > 0) node->set_domain("local");
    }
  }
  builder.Input("x", {2});
  builder.Node("F39", {"x"}, {"y"})->set_domain("local");
  builder.Output("y");
  CHECK(Import(builder.model()).status.code() == StatusCode::kLimit);
}

void AddBranch(onnx::NodeProto* node, const std::string& name,
               const std::string& op) {
  onnx::AttributeProto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(5);
  *attribute->mutable_g()->add_node() =
      MakeNode(op, {"x"}, {"out"}, name + "_node");
  attribute->mutable_g()->add_output()->set_name("out");
}

TEST_CASE("If: the branch of a constant condition is taken") {
  ModelBuilder builder;
  builder.Input("x", {2, 3});
  builder.Ints("six", {}, {6});
  builder.Node("Size", {"x"}, {"size"});
  builder.Node("Equal", {"size", "six"}, {"is_six"});
  onnx::NodeProto* node = builder.Node("If", {"is_six"}, {"y"}, "choose");
  AddBranch(node, "then_branch", "Tanh");
  AddBranch(node, "else_branch", "Relu");
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE(net.status.ok());
  REQUIRE(net.num_nodes() == 1);
  CHECK(net.NodeAt(0).source_op == "Tanh");
  CHECK(net.OutputName(0) == "y");
}

TEST_CASE("If: a condition that is computed keeps both branches as graphs") {
  ModelBuilder builder;
  builder.Input("x", {2});
  builder.Input("c", {}, 9);
  onnx::NodeProto* node = builder.Node("If", {"c"}, {"y"}, "choose");
  AddBranch(node, "then_branch", "Tanh");
  AddBranch(node, "else_branch", "Relu");
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE_MESSAGE(net.status.ok(), net.status.ToString());
  CHECK(net.net.graphs.size() == 3);
}

TEST_CASE(
    "files: missing and empty and foreign ones and folders give one clear "
    "line") {
  const TempFolder folder;
  CHECK(ImportPath(folder.path() + "/none.onnx").status.code() ==
        StatusCode::kIo);
  CHECK(ImportPath(folder.path()).status.code() == StatusCode::kIo);
  for (const std::string& bytes :
       {std::string(), std::string("\x89PNG\r\n\x1a\n"),
        std::string("hello, world")}) {
    const std::string path = folder.Write("bad.onnx", bytes);
    const Imported net = ImportPath(path);
    CHECK(net.status.code() == StatusCode::kInvalidFile);
    CHECK(net.status.message().find(path) != std::string::npos);
    CHECK(net.status.message().find('\n') == std::string::npos);
  }
}

TEST_CASE("files: the memory limit is checked before reading") {
  ModelBuilder builder;
  builder.Floats("c", {64}, std::vector<float>(64, 1.5f));
  builder.Output("c");
  ImportOptions options;
  options.max_memory = 100;
  CHECK(Import(builder.model(), options).status.code() == StatusCode::kLimit);
}

TEST_CASE("files: cut off and damaged ones never crash") {
  ModelBuilder builder;
  AddFunction(&builder);
  builder.Input("x", {1, 2, 4, 4});
  builder.Floats("w", {2, 2, 3, 3}, std::vector<float>(36, 0.25f));
  SetInts(builder.Node("Conv", {"x", "w"}, {"c"}, "conv"), "pads",
          {1, 1, 1, 1});
  builder.Node("LeakyAdd", {"c", "x"}, {"l"})->set_domain("local");
  builder.Ints("shape", {2}, {0, -1});
  builder.Node("Reshape", {"l", "shape"}, {"y"});
  builder.Output("y");
  const std::string good = builder.model().SerializeAsString();
  REQUIRE(Import(builder.model()).status.ok());
  const TempFolder folder;
  for (size_t size = 0; size < good.size(); ++size) {
    const Status status =
        ImportPath(folder.Write("m.onnx", good.substr(0, size))).status;
    if (!status.ok()) CHECK(status.code() != StatusCode::kInternal);
  }
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string bad = good;
    for (int i = 0; i < 3; ++i)
      bad[random() % bad.size()] = static_cast<char>(random());
    const Status status = ImportPath(folder.Write("m.onnx", bad)).status;
    if (!status.ok()) CHECK(status.code() != StatusCode::kInternal);
  }
}

TEST_CASE("files: an anem file comes back as it is") {
  ModelBuilder builder;
  builder.Input("x", {2});
  builder.Node("Relu", {"x"}, {"y"});
  builder.Output("y");
  const Imported net = Import(builder.model());
  const auto bytes = net.file->file_bytes();
  const TempFolder folder;
  const std::string text(reinterpret_cast<const char*>(bytes.data()),
                         bytes.size());
  ImportSummary summary;
  const auto again =
      ImportModel(folder.Write("m.anem", text), ImportOptions(), &summary);
  REQUIRE(again.ok());
  CHECK(summary.format == "anem");
  CHECK(std::equal(again->begin(), again->end(), bytes.begin(), bytes.end()));
}

}  // namespace
}  // namespace aneref::test
