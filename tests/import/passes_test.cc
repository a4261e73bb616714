// Passes: what is folded or joined keeps its values; expected numbers are
// worked out by hand.
#include <doctest/doctest.h>

#include <algorithm>

#include "runtime/core/half.h"
#include "tests/import/model_builder.h"

namespace aneref::test {
namespace {

using Floats = std::vector<float>;
using Values = std::vector<double>;

bool HasNote(const Imported& net, const std::string& text) {
  for (const std::string& note : net.net.import_notes) {
    if (note.find(text) != std::string::npos) return true;
  }
  return false;
}

TEST_CASE("constant folding: shape arithmetic of static shapes") {
  ModelBuilder builder;
  builder.Input("x", {2, 3, 4});
  builder.Node("Shape", {"x"}, {"s"});
  builder.Ints("zero", {}, {0});
  SetInt(builder.Node("Gather", {"s", "zero"}, {"n"}), "axis", 0);
  builder.Ints("axes", {1}, {0});
  builder.Node("Unsqueeze", {"n", "axes"}, {"n1"});
  builder.Ints("rest", {1}, {-1});
  SetInt(builder.Node("Concat", {"n1", "rest"}, {"target"}), "axis", 0);
  builder.Node("Reshape", {"x", "target"}, {"y"});
  builder.Output("y");
  const Imported net = Import(builder.model(), Unfolded());
  REQUIRE(net.status.ok());
  REQUIRE(net.num_nodes() == 1);
  CHECK(net.Values("target") == Values{2, -1});
  CHECK(net.Find("y")->shape == std::vector<int64_t>{2, 12});
}

TEST_CASE(
    "constant folding: happens in fp32 also when the network computes in "
    "fp16") {
  ModelBuilder builder;
  builder.Floats("a", {1}, {1.0f});
  builder.Floats("b", {1}, {0.0001f});
  builder.Node("Add", {"a", "b"}, {"y"});
  builder.Output("y");
  const Imported net = Import(builder.model(), Unfolded());
  CHECK(net.num_nodes() == 0);
  CHECK(net.Find("y")->dtype == fbs::DataType::float16);
  CHECK(net.Values("y") == Values{static_cast<double>(1.0f + 0.0001f)});
}

TEST_CASE("constant folding: outputs of a hostile size are left alone") {
  ModelBuilder builder;
  builder.Ints("shape", {2}, {1 << 20, 1 << 12});
  builder.Node("ConstantOfShape", {"shape"}, {"big"});
  builder.Ints("axes", {2}, {0, 1});
  builder.Node("ReduceSum", {"big", "axes"}, {"y"});
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE(net.status.ok());
  CHECK(net.num_nodes() == 2);
}

// x * weight (a constant of one value, [2, 1, 128, 128]), then * `scale`.
void AddFilledConv(ModelBuilder* builder, const Floats& scale) {
  builder->Input("x", {1, 1, 128, 128});
  builder->Ints("flat", {1}, {2 * 128 * 128});
  onnx::NodeProto* fill = builder->Node("ConstantOfShape", {"flat"}, {"all"});
  onnx::AttributeProto* value = fill->add_attribute();
  value->set_name("value");
  value->set_type(4);  // TENSOR
  value->mutable_t()->set_data_type(1);
  value->mutable_t()->add_dims(1);
  value->mutable_t()->add_float_data(0.1f);
  builder->Ints("shape", {4}, {2, 1, 128, 128});
  builder->Node("Reshape", {"all", "shape"}, {"weight"});
  builder->Node("Conv", {"x", "weight"}, {"c"});
  builder->Floats("scale", {1, 2, 1, 1}, scale);
  builder->Node("Mul", {"c", "scale"}, {"y"});
  builder->Output("y");
}

TEST_CASE("constant folding: one value stays one value") {
  ModelBuilder builder;
  AddFilledConv(&builder, {0.5f, 0.5f});
  const Imported net = Import(builder.model());
  REQUIRE(net.num_nodes() == 1);
  const int32_t weight = net.NodeAt(0).inputs[1];
  const std::vector<double> values = net.ValuesOf(weight);
  REQUIRE(values.size() == 2 * 128 * 128);
  CHECK(std::all_of(values.begin(), values.end(),
                    [](double v) { return v == double{0.05f}; }));
  const auto constant = static_cast<size_t>(
      net.graph().tensors[static_cast<size_t>(weight)]->constant);
  CHECK(net.net.constants[constant]->encoding == fbs::Encoding::uniform);
}

TEST_CASE("constant folding: a scale per channel makes one value many") {
  ModelBuilder builder;
  AddFilledConv(&builder, {0.5f, -2.0f});
  const Imported net = Import(builder.model());
  REQUIRE(net.num_nodes() == 1);
  const std::vector<double> values = net.ValuesOf(net.NodeAt(0).inputs[1]);
  REQUIRE(values.size() == 2 * 128 * 128);
  CHECK(values[0] == double{0.05f});
  CHECK(values[128 * 128 - 1] == double{0.05f});
  CHECK(values[128 * 128] == double{-0.2f});
  CHECK(values.back() == double{-0.2f});
}

TEST_CASE("dead nodes: what no output needs is dropped") {
  ModelBuilder builder;
  builder.Input("x", {2});
  builder.Node("Relu", {"x"}, {"y"});
  builder.Node("Tanh", {"y"}, {"unused"});
  builder.Output("y");
  CHECK(Import(builder.model(), Unfolded()).num_nodes() == 1);
}

TEST_CASE(
    "no-ops: identity and dropout and neutral arithmetic go and output names "
    "stay") {
  ModelBuilder builder;
  builder.Input("x", {2, 3});
  builder.Floats("one", {}, {1});
  builder.Floats("zeros", {1, 3}, {0, 0, 0});
  builder.Node("Identity", {"x"}, {"a"}, "id");
  builder.Node("Relu", {"a"}, {"b"});
  builder.Node("Mul", {"b", "one"}, {"c"});
  builder.Node("Add", {"zeros", "c"}, {"d"});
  builder.Node("Dropout", {"d"}, {"y"});
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE(net.num_nodes() == 1);
  CHECK(net.OutputName(0) == "y");
  CHECK(net.InputNames(0) == std::vector<std::string>{"x"});
  CHECK(HasNote(net, "removed \"id\""));
  CHECK(Import(builder.model(), Unfolded()).num_nodes() == 5);
}

TEST_CASE("no-ops: a constant that broadcasts to a larger shape stays") {
  ModelBuilder builder;
  builder.Input("x", {1, 3});
  builder.Floats("ones", {2, 1}, {1, 1});
  builder.Node("Mul", {"x", "ones"}, {"y"});
  builder.Output("y");
  CHECK(Import(builder.model()).num_nodes() == 1);
}

TEST_CASE("no-ops: an identity from input to output stays") {
  ModelBuilder builder;
  builder.Input("x", {2});
  builder.Node("Identity", {"x"}, {"y"});
  builder.Output("y");
  CHECK(Import(builder.model()).num_nodes() == 1);
}

TEST_CASE("movement: two transposes become one and inverse ones vanish") {
  ModelBuilder builder;
  builder.Input("x", {2, 3, 4});
  SetInts(builder.Node("Transpose", {"x"}, {"a"}), "perm", {1, 2, 0});
  SetInts(builder.Node("Transpose", {"a"}, {"b"}), "perm", {1, 0, 2});
  builder.Node("Relu", {"b"}, {"y"});
  SetInts(builder.Node("Transpose", {"a"}, {"back"}), "perm", {2, 0, 1});
  builder.Node("Tanh", {"back"}, {"z"});
  builder.Output("y");
  builder.Output("z");
  const Imported net = Import(builder.model());
  REQUIRE(net.num_nodes() == 3);
  CHECK(net.NodeAt(0).op.AsTranspose()->perm == std::vector<int32_t>{2, 1, 0});
  CHECK(net.InputNames(2) == std::vector<std::string>{"x"});
}

TEST_CASE("movement: a reshape of a reshape reads the first one's input") {
  ModelBuilder builder;
  builder.Input("x", {2, 6});
  builder.Ints("s", {3}, {2, 3, 2});
  builder.Node("Reshape", {"x", "s"}, {"a"});
  SetInt(builder.Node("Flatten", {"a"}, {"y"}), "axis", 2);
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE(net.num_nodes() == 1);
  CHECK(net.InputNames(0) == std::vector<std::string>{"x"});
  CHECK(net.NodeAt(0).op.AsReshape()->shape == std::vector<int64_t>{6, 2});
}

// x [1, 1, 1, 2] through a 1x1 convolution to 2 channels with weights 2 and -3,
// bias 1 and 0.
ModelBuilder PointwiseConv() {
  ModelBuilder builder;
  builder.Input("x", {1, 1, 1, 2});
  builder.Floats("w", {2, 1, 1, 1}, {2, -3});
  builder.Floats("b", {2}, {1, 0});
  builder.Node("Conv", {"x", "w", "b"}, {"c"}, "conv");
  return builder;
}

TEST_CASE("weights: batch norm folds into the convolution") {
  ModelBuilder builder = PointwiseConv();
  builder.Floats("scale", {2}, {4, 1});
  builder.Floats("bias", {2}, {10, 20});
  builder.Floats("mean", {2}, {1, 2});
  builder.Floats("var", {2}, {4, 16});
  SetFloat(builder.Node("BatchNormalization",
                        {"c", "scale", "bias", "mean", "var"}, {"y"}, "bn"),
           "epsilon", 0.0f);
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE(net.num_nodes() == 1);
  CHECK(net.NodeAt(0).source_names == std::vector<std::string>{"conv", "bn"});
  CHECK(HasNote(net, "folded \"bn\" into the weights of \"conv\""));
  // factors 4 / 2 and 1 / 4
  CHECK(net.ValuesOf(net.NodeAt(0).inputs[1]) == Values{4, -0.75});
  CHECK(net.ValuesOf(net.NodeAt(0).inputs[2]) == Values{10, 19.5});
  CHECK(Evaluate(net, {{"x", {1, 2}}})[0] == Floats{14, 18, 18.75f, 18});
}

TEST_CASE("weights: per-channel scale and offset fold into the convolution") {
  ModelBuilder builder = PointwiseConv();
  builder.Floats("m", {2, 1, 1}, {2, 3});
  builder.Floats("a", {1, 2, 1, 1}, {5, 7});
  builder.Floats("d", {}, {2});
  builder.Node("Mul", {"m", "c"}, {"t"});
  builder.Node("Sub", {"t", "a"}, {"u"});
  builder.Node("Div", {"u", "d"}, {"y"});
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE(net.num_nodes() == 1);
  CHECK(net.ValuesOf(net.NodeAt(0).inputs[1]) == Values{2, -4.5});
  CHECK(net.ValuesOf(net.NodeAt(0).inputs[2]) == Values{-1.5, -3.5});
}

TEST_CASE(
    "weights: what varies along the map or is read elsewhere is not folded") {
  ModelBuilder along = PointwiseConv(), twice = PointwiseConv();
  along.Floats("m", {2}, {2, 3});  // lies over the last axis
  along.Node("Mul", {"c", "m"}, {"y"});
  along.Output("y");
  CHECK(Import(along.model()).num_nodes() == 2);
  twice.Floats("m", {2, 1, 1}, {2, 3});
  twice.Node("Mul", {"c", "m"}, {"y"});
  twice.Output("y");
  twice.Output("c");
  CHECK(Import(twice.model()).num_nodes() == 2);
}

TEST_CASE("weights: scales that leave the fp16 range are not folded") {
  ModelBuilder builder = PointwiseConv();
  builder.Floats("m", {}, {100000});
  builder.Node("Mul", {"c", "m"}, {"y"});
  builder.Output("y");
  CHECK(Import(builder.model()).num_nodes() == 2);
}

TEST_CASE("weights: channels of a grouped transposed convolution") {
  ModelBuilder builder;
  builder.Input("x", {1, 2, 1, 1});
  builder.Floats(
      "w", {2, 2, 1, 1},
      {1, 2, 3, 4});  // group 0 gives channels 0 and 1, group 1 gives 2 and 3
  SetInt(builder.Node("ConvTranspose", {"x", "w"}, {"c"}), "group", 2);
  builder.Floats("m", {4, 1, 1}, {1, 10, 100, 1000});
  builder.Node("Mul", {"c", "m"}, {"y"});
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE(net.num_nodes() == 1);
  CHECK(net.ValuesOf(net.NodeAt(0).inputs[1]) == Values{1, 20, 300, 4000});
}

TEST_CASE("weights: a vector after a matrix product becomes its bias") {
  ModelBuilder builder;
  builder.Input("x", {1, 2});
  builder.Floats("w", {2, 3}, {1, 2, 3, 4, 5, 6});
  builder.Floats("b", {3}, {10, 20, 30});
  builder.Node("MatMul", {"x", "w"}, {"p"}, "mm");
  builder.Node("Add", {"b", "p"}, {"y"}, "add");
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE(net.num_nodes() == 1);
  CHECK(net.NodeAt(0).inputs.size() == 3);
  CHECK(net.OutputName(0) == "y");
  CHECK(Evaluate(net, {{"x", {1, 2}}})[0] == Floats{19, 32, 45});
}

TEST_CASE("padding: zeros move into the convolution and other values do not") {
  for (float value : {0.0f, 1.0f}) {
    CAPTURE(value);
    ModelBuilder builder;
    builder.Input("x", {1, 1, 2, 2});
    builder.Ints("pads", {8}, {0, 0, 1, 0, 0, 0, 0, 2});
    builder.Floats("value", {}, {value});
    builder.Floats("w", {1, 1, 1, 1}, {1});
    builder.Node("Pad", {"x", "pads", "value"}, {"p"});
    SetInts(builder.Node("Conv", {"p", "w"}, {"y"}), "pads", {0, 1, 0, 0});
    builder.Output("y");
    const Imported net = Import(builder.model());
    REQUIRE(net.num_nodes() == (value == 0.0f ? 1u : 2u));
    if (value == 0.0f)
      CHECK(net.NodeAt(0).op.AsConv()->pads ==
            std::vector<int32_t>{1, 1, 0, 2});
  }
}

TEST_CASE(
    "padding: an average pool counts the zeros and a maximum pool keeps them "
    "outside") {
  for (const char* op : {"AveragePool", "MaxPool"}) {
    CAPTURE(op);
    ModelBuilder builder;
    builder.Input("x", {1, 1, 1, 2});
    builder.Ints("pads", {8}, {0, 0, 0, 1, 0, 0, 0, 1});
    builder.Node("Pad", {"x", "pads"}, {"p"});
    SetInts(builder.Node(op, {"p"}, {"y"}), "kernel_shape", {1, 2});
    builder.Output("y");
    const Imported net = Import(builder.model());
    const bool is_average = std::string(op) == "AveragePool";
    CHECK(net.num_nodes() == (is_average ? 1u : 2u));
    const Floats expected = is_average ? Floats{-1, -3, -2} : Floats{0, -2, 0};
    CHECK(Evaluate(net, {{"x", {-2, -4}}})[0] == expected);
  }
}

TEST_CASE("patterns: a written-out layer norm is recognised") {
  ModelBuilder builder;
  builder.Input("x", {1, 4});
  SetInts(builder.Node("ReduceMean", {"x"}, {"mean"}), "axes", {-1});
  builder.Node("Sub", {"x", "mean"}, {"d"});
  builder.Floats("two", {}, {2});
  builder.Node("Pow", {"d", "two"}, {"sq"});
  SetInts(builder.Node("ReduceMean", {"sq"}, {"var"}), "axes", {-1});
  builder.Floats("eps", {}, {1e-12f});
  builder.Node("Add", {"var", "eps"}, {"ve"});
  builder.Node("Sqrt", {"ve"}, {"sd"});
  builder.Node("Div", {"d", "sd"}, {"n"});
  builder.Floats("g", {4}, {1, 1, 2, 1});
  builder.Floats("b", {4}, {0, 0, 0, 5});
  builder.Node("Mul", {"n", "g"}, {"m"});
  builder.Node("Add", {"m", "b"}, {"y"}, "last");
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE(net.num_nodes() == 1);
  REQUIRE(net.NodeAt(0).op.type == fbs::Op::Norm);
  CHECK(net.NodeAt(0).op.AsNorm()->kind == fbs::NormKind::layer);
  CHECK(HasNote(net, "recognised LayerNormalization in \"last\""));
  // mean 1, standard deviation 1
  CHECK(Evaluate(net, {{"x", {0, 2, 0, 2}}})[0] == Floats{-1, 1, -2, 6});
}

TEST_CASE(
    "patterns: a piece that is read elsewhere keeps the layer norm written "
    "out") {
  ModelBuilder builder;
  builder.Input("x", {1, 4});
  SetInts(builder.Node("ReduceMean", {"x"}, {"mean"}), "axes", {-1});
  builder.Node("Sub", {"x", "mean"}, {"d"});
  builder.Node("Mul", {"d", "d"}, {"sq"});
  SetInts(builder.Node("ReduceMean", {"sq"}, {"var"}), "axes", {-1});
  builder.Floats("eps", {}, {1e-5f});
  builder.Node("Add", {"var", "eps"}, {"ve"});
  builder.Node("Sqrt", {"ve"}, {"sd"});
  builder.Node("Div", {"d", "sd"}, {"y"});
  builder.Output("y");
  builder.Output("d");
  CHECK(Import(builder.model()).num_nodes() == 7);
}

TEST_CASE("patterns: GELU in its three spellings") {
  for (int spelling = 0; spelling < 3; ++spelling) {
    CAPTURE(spelling);
    ModelBuilder builder;
    builder.Input("x", {1, 3});
    // Also as a file of fp16 has it.
    builder.Floats("root", {}, {spelling == 1 ? 1.4140625f : 1.41421356f});
    builder.Floats("one", {}, {1});
    builder.Floats("half", {}, {0.5f});
    builder.Node("Div", {"x", "root"}, {"s"});
    builder.Node("Erf", {"s"}, {"e"});
    builder.Node("Add", {"e", "one"}, {"p"});
    if (spelling == 0) {
      builder.Node("Mul", {"x", "p"}, {"m"});
      builder.Node("Mul", {"m", "half"}, {"y"});
    } else if (spelling == 1) {
      builder.Node("Mul", {"x", "half"}, {"m"});
      builder.Node("Mul", {"m", "p"}, {"y"});
    } else {
      builder.Node("Mul", {"half", "p"}, {"m"});
      builder.Node("Mul", {"m", "x"}, {"y"});
    }
    builder.Output("y");
    const Imported net = Import(builder.model());
    REQUIRE(net.num_nodes() == 1);
    CHECK(net.NodeAt(0).op.AsActivation()->kind == fbs::ActivationKind::gelu);
    CHECK(net.InputNames(0) == std::vector<std::string>{"x"});
    const Floats y = Evaluate(net, {{"x", {-1, 0, 2}}})[0];
    CHECK(y[0] == doctest::Approx(-0.15865525));
    CHECK(y[1] == 0.0f);
    CHECK(y[2] == doctest::Approx(1.95449974));
  }
}

// GELU by tanh of x [2, 3, 4], with its last sum's 1 in the shape `ones`.
Imported TanhGelu(const std::vector<int64_t>& ones, bool is_half) {
  ModelBuilder builder;
  builder.Input("x", {2, 3, 4}, is_half ? 10 : 1);
  const auto scalar = [&](const std::string& name, float value,
                          const std::vector<int64_t>& shape) {
    size_t count = 1;
    for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
    if (!is_half) {
      builder.Floats(name, shape, Floats(count, value));
      return;
    }
    onnx::TensorProto* tensor = builder.Tensor(name, 10, shape);
    for (size_t i = 0; i < count; ++i)
      tensor->add_int32_data(FloatToHalf(value));
  };
  scalar("a", 0.044715f, {});
  scalar("b", 0.7978845608f, {});
  scalar("one", 1, ones);
  scalar("half", 0.5f, {});
  builder.Node("Mul", {"x", "x"}, {"xx"});
  builder.Node("Mul", {"xx", "x"}, {"xxx"});
  builder.Node("Mul", {"xxx", "a"}, {"cubic"});
  builder.Node("Add", {"x", "cubic"}, {"sum"});
  builder.Node("Mul", {"sum", "b"}, {"inner"});
  builder.Node("Tanh", {"inner"}, {"t"});
  builder.Node("Add", {"t", "one"}, {"p"});
  builder.Node("Mul", {"x", "half"}, {"h"});
  builder.Node("Mul", {"h", "p"}, {"y"});
  builder.Output("y");
  return Import(builder.model());
}

TEST_CASE(
    "patterns: GELU by tanh, also with ones of its own shape or in fp16") {
  const auto is_gelu = [](const Imported& net) {
    return net.num_nodes() == 1 && net.NodeAt(0).op.AsActivation()->kind ==
                                       fbs::ActivationKind::gelu_tanh;
  };
  CHECK(is_gelu(TanhGelu({}, false)));
  CHECK(is_gelu(TanhGelu({3, 4}, false)));
  CHECK(is_gelu(TanhGelu({3, 1}, false)));
  CHECK(is_gelu(TanhGelu({}, true)));
  // These make the result larger than x.
  CHECK(TanhGelu({2, 2, 3, 4}, false).num_nodes() > 1);
  CHECK(TanhGelu({1, 2, 3, 4}, false).num_nodes() > 1);
}

TEST_CASE("P24: top-k of a softmax takes order from the softmax's input") {
  for (const int64_t axis : {-1, 1, 0}) {
    CAPTURE(axis);
    ModelBuilder builder(13);
    builder.Input("x", {2, 3});
    SetInt(builder.Node("Softmax", {"x"}, {"p"}), "axis", 1);
    builder.Ints("k", {1}, {2});
    SetInt(builder.Node("TopK", {"p", "k"}, {"values", "y"}), "axis", axis);
    builder.Output("y");
    const Imported net = Import(builder.model());
    const fbs::NodeT& softmax = net.NodeAt(0);
    const fbs::NodeT& top_k = net.NodeAt(1);
    REQUIRE(top_k.op.type == fbs::Op::TopK);
    if (axis == 0) {
      CHECK(top_k.inputs.size() == 2);
    } else {
      REQUIRE(top_k.inputs.size() == 3);
      CHECK(top_k.inputs[2] == softmax.inputs[0]);
    }
  }
}

TEST_CASE("patterns: x times sigmoid of x") {
  ModelBuilder builder;
  builder.Input("x", {1, 2});
  builder.Node("Sigmoid", {"x"}, {"s"});
  builder.Node("Mul", {"s", "x"}, {"y"});
  builder.Output("y");
  const Imported net = Import(builder.model());
  REQUIRE(net.num_nodes() == 1);
  CHECK(net.NodeAt(0).op.AsActivation()->kind == fbs::ActivationKind::silu);
  CHECK(net.NodeAt(0).op.AsActivation()->alpha == 1.0);
}

}  // namespace
}  // namespace aneref::test
