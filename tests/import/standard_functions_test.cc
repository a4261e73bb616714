// Operators that importing expresses by others: linear attention, causal
// convolution, the scan of opset 8, casts to 4 bits. Values by hand.
#include <doctest/doctest.h>

#include "tests/import/model_builder.h"

namespace aneref::test {
namespace {

using Values = std::vector<float>;
using Feeds = std::map<std::string, Values>;

Imported Good(ModelBuilder& model) {
  Imported imported = Import(model.model(), Unfolded());
  REQUIRE_MESSAGE(imported.status.ok(), imported.status.ToString());
  return imported;
}

struct Attention {
  std::string rule = "gated_delta";
  int64_t q_heads = 1;
  int64_t heads = 1;
  bool has_past = false;
  float scale = 0;
};

// Two steps, one feature per head.
ModelBuilder LinearAttention(const Attention& options) {
  ModelBuilder model(27);
  model.Input("q", {1, 2, options.q_heads});
  for (const char* name : {"k", "v", "decay", "beta"})
    model.Input(name, {1, 2, options.heads});
  if (options.has_past) model.Input("past", {1, options.heads, 1, 1});
  onnx::NodeProto* node = model.Node(
      "LinearAttention",
      {"q", "k", "v", options.has_past ? "past" : "", "decay", "beta"},
      {"y", "state"});
  SetInt(node, "q_num_heads", options.q_heads);
  SetInt(node, "kv_num_heads", options.heads);
  SetString(node, "update_rule", options.rule);
  if (options.scale != 0) SetFloat(node, "scale", options.scale);
  model.Output("y");
  model.Output("state");
  return model;
}

const Feeds kFeeds = {{"q", {1, 2}},
                      {"k", {1, 1}},
                      {"v", {4, 8}},
                      {"decay", {0, 0}},
                      {"beta", {0.5f, 0.5f}}};

std::vector<Values> Attend(const Attention& options, const Feeds& feeds) {
  ModelBuilder model = LinearAttention(options);
  return Evaluate(Good(model), feeds);
}

}  // namespace

TEST_CASE("linear attention: the four rules over two steps") {
  // S = k v, then S += k v: 4, 12.
  CHECK(Attend({.rule = "linear"}, kFeeds) ==
        std::vector<Values>{{4, 24}, {12}});
  // Half of what is missing is written: 2, then 2 + (8 - 2) / 2.
  CHECK(Attend({.rule = "delta"}, kFeeds) == std::vector<Values>{{2, 10}, {5}});
  // exp(-200) is 0: the past is forgotten at each step.
  Feeds forgetting = kFeeds;
  forgetting["decay"] = {-200, -200};
  CHECK(Attend({.rule = "gated"}, forgetting) ==
        std::vector<Values>{{4, 16}, {8}});
  CHECK(Attend({.rule = "gated_delta"}, forgetting) ==
        std::vector<Values>{{2, 8}, {4}});
  CHECK(Attend({.rule = "gated_delta"}, kFeeds) ==
        std::vector<Values>{{2, 10}, {5}});
}

TEST_CASE("linear attention: past and scale and shared heads") {
  Feeds feeds = kFeeds;
  feeds["past"] = {100};
  CHECK(Attend({.rule = "linear", .has_past = true}, feeds) ==
        std::vector<Values>{{104, 224}, {112}});
  CHECK(Attend({.rule = "linear", .scale = 0.5f}, kFeeds) ==
        std::vector<Values>{{2, 12}, {12}});
  // Two query heads read the state of one.
  Feeds shared = kFeeds;
  shared["q"] = {1, 10, 2, 20};
  CHECK(Attend({.rule = "linear", .q_heads = 2}, shared) ==
        std::vector<Values>{{4, 40, 24, 240}, {12}});
}

TEST_CASE("linear attention: four features scale by one half") {
  ModelBuilder model(27);
  for (const char* name : {"q", "k"}) model.Input(name, {1, 1, 4});
  model.Input("v", {1, 1, 1});
  onnx::NodeProto* node =
      model.Node("LinearAttention", {"q", "k", "v"}, {"y", "state"});
  SetInt(node, "q_num_heads", 1);
  SetInt(node, "kv_num_heads", 1);
  SetString(node, "update_rule", "linear");
  model.Output("y");
  CHECK(Evaluate(Good(model),
                 {{"q", {1, 1, 1, 1}}, {"k", {1, 2, 3, 4}}, {"v", {2}}})[0] ==
        Values{10});
}

TEST_CASE("linear attention: what makes no sense is refused") {
  const auto message = [](const Attention& options) {
    ModelBuilder model = LinearAttention(options);
    return Import(model.model()).status.ToString();
  };
  CHECK(message({.rule = "other"}).find("'other'") != std::string::npos);
  CHECK(message({.q_heads = 3, .heads = 2}).find("multiple") !=
        std::string::npos);
  CHECK(message({.heads = 0}).find("LinearAttention") != std::string::npos);
  ModelBuilder bare(27);
  bare.Input("q", {1, 1, 1});
  onnx::NodeProto* node =
      bare.Node("LinearAttention", {"q", "q", "q"}, {"y", "s"});
  SetInt(node, "q_num_heads", 1);
  SetInt(node, "kv_num_heads", 1);
  bare.Output("y");
  CHECK(Import(bare.model()).status.ToString().find("missing") !=
        std::string::npos);
}

TEST_CASE("causal convolution: the past comes first and the last is kept") {
  const auto run = [](bool has_past, bool has_bias, const char* activation,
                      const Feeds& feeds) {
    ModelBuilder model(27);
    model.Input("x", {1, 1, 3});
    model.Floats("w", {1, 1, 2}, {10, 1});
    if (has_bias) model.Floats("b", {1}, {100});
    if (has_past) model.Input("past", {1, 1, 1});
    onnx::NodeProto* node = model.Node(
        "CausalConvWithState",
        {"x", "w", has_bias ? "b" : "", has_past ? "past" : ""}, {"y", "s"});
    if (activation != nullptr) SetString(node, "activation", activation);
    model.Output("y");
    model.Output("s");
    return Evaluate(Good(model), feeds);
  };
  const Feeds x = {{"x", {1, 2, 3}}};
  CHECK(run(false, false, nullptr, x) == std::vector<Values>{{1, 12, 23}, {3}});
  CHECK(run(true, true, "none", {{"x", {1, 2, 3}}, {"past", {5}}}) ==
        std::vector<Values>{{151, 112, 123}, {3}});
  // silu(0) = 0; at 100 and above it is the identity in fp32.
  CHECK(run(false, true, "silu", {{"x", {-100, 1000, 0}}}) ==
        std::vector<Values>{{0, 100, 10100}, {0}});
}

TEST_CASE("causal convolution: one tap keeps nothing") {
  ModelBuilder model(27);
  model.Input("x", {1, 1, 2});
  model.Floats("w", {1, 1, 1}, {2});
  model.Node("CausalConvWithState", {"x", "w"}, {"y", "s"});
  model.Output("y");
  model.Output("s");
  CHECK(Evaluate(Good(model), {{"x", {1, 2}}}) ==
        std::vector<Values>{{2, 4}, {}});
}

TEST_CASE("scan: opset 8 scans each item of a batch") {
  ModelBuilder model(8);
  model.Input("start", {2, 1});
  model.Input("x", {2, 3, 1});
  onnx::NodeProto* scan =
      model.Node("Scan", {"", "start", "x"}, {"last", "sums"});
  SetInt(scan, "num_scan_inputs", 1);
  SetInts(scan, "directions", {1});
  onnx::AttributeProto* body = scan->add_attribute();
  body->set_name("body");
  body->set_type(5);
  for (const char* name : {"state", "row"})
    body->mutable_g()->add_input()->set_name(name);
  *body->mutable_g()->add_node() = MakeNode("Add", {"state", "row"}, {"next"});
  *body->mutable_g()->add_node() = MakeNode("Identity", {"next"}, {"seen"});
  for (const char* name : {"next", "seen"})
    body->mutable_g()->add_output()->set_name(name);
  model.Output("last");
  model.Output("sums");
  const auto results = Evaluate(
      Good(model), {{"start", {0, 100}}, {"x", {1, 2, 3, 10, 20, 30}}});
  CHECK(results[0] == Values{6, 160});
  CHECK(results[1] == Values{3, 5, 6, 130, 150, 160});
}

TEST_CASE("cast: to 4 bits keeps the low four") {
  const auto cast = [](int64_t type) {
    ModelBuilder model(21);
    model.Input("x", {6});
    SetInt(model.Node("Cast", {"x"}, {"n"}), "to", type);
    SetInt(model.Node("Cast", {"n"}, {"y"}), "to", 1);
    model.Output("y");
    return Evaluate(Good(model), {{"x", {7.9f, 8, -9, 15, 16, -1.5f}}})[0];
  };
  CHECK(cast(22) == Values{7, -8, 7, -1, 0, -1});
  CHECK(cast(21) == Values{7, 8, 7, 15, 0, 15});
}

TEST_CASE("dropout: inference unless the file fixes training") {
  const auto dropout = [](bool fixed, bool drops) {
    ModelBuilder model(13);
    model.Input("x", {2});
    model.Floats("ratio", {}, {drops ? 0.5f : 0.0f});
    if (fixed) {
      model.Tensor("mode", 9, {})->add_int32_data(1);
    } else {
      model.Input("mode", {}, 9);
    }
    model.Node("Dropout", {"x", "ratio", "mode"}, {"y"});
    model.Output("y");
    return Import(model.model());
  };
  const Imported fed = dropout(false, true);
  REQUIRE_MESSAGE(fed.status.ok(), fed.status.ToString());
  REQUIRE(fed.num_nodes() == 1);
  CHECK(fed.NodeAt(0).op.AsActivation()->kind == fbs::ActivationKind::identity);
  CHECK(Evaluate(dropout(true, false), {{"x", {1, 2}}})[0] == Values{1, 2});
  CHECK(dropout(true, true).status.message().find("in training mode") !=
        std::string::npos);
}

TEST_CASE("P1: float64 of an ONNX file is computed in double") {
  ModelBuilder model(13);
  model.Input("x", {1}, 11);
  onnx::TensorProto* tiny = model.Tensor("tiny", 11, {1});
  tiny->add_double_data(0x1p-40);
  model.Node("Add", {"x", "tiny"}, {"more"});
  model.Node("Sub", {"more", "x"}, {"y"});
  model.Output("y");
  const Imported imported = Good(model);
  CHECK(imported.Find("more")->dtype == fbs::DataType::float64);
  CHECK(Evaluate(imported, {{"x", {1}}})[0] == Values{0x1p-40f});
}

}  // namespace aneref::test
