// Operators whose form changed between opsets: the same meaning comes out of
// each.
#include <doctest/doctest.h>

#include "tests/import/model_builder.h"

namespace aneref::test {
namespace {

using Floats = std::vector<float>;

TEST_CASE("opset 6: broadcast with an axis lays B over A from that axis on") {
  ModelBuilder builder(6);
  builder.Input("x", {2, 2, 2});
  builder.Floats("b", {2}, {10, 20});
  onnx::NodeProto* node = builder.Node("Add", {"x", "b"}, {"y"});
  SetInt(node, "broadcast", 1);
  SetInt(node, "axis", 1);
  builder.Output("y");
  const Floats y =
      Evaluate(Import(builder.model()), {{"x", {0, 1, 2, 3, 4, 5, 6, 7}}})[0];
  CHECK(y == Floats{10, 11, 22, 23, 14, 15, 26, 27});
}

TEST_CASE("opset 6: a slope per channel of PRelu") {
  ModelBuilder builder(6);
  builder.Input("x", {1, 2, 1, 2});
  builder.Floats("slope", {2}, {2, 3});
  builder.Node("PRelu", {"x", "slope"}, {"y"});
  builder.Output("y");
  CHECK(Evaluate(Import(builder.model()), {{"x", {-1, 1, -1, -2}}})[0] ==
        Floats{-2, 1, -3, -6});
}

TEST_CASE("opset 12 and 13: softmax flattens first or takes one axis") {
  for (int64_t opset : {12, 13}) {
    CAPTURE(opset);
    ModelBuilder builder(opset);
    builder.Input("x", {1, 2, 2});
    builder.Node("Softmax", {"x"}, {"y"});
    builder.Output("y");
    const Imported net = Import(builder.model());
    CHECK(net.NodeAt(0).op.AsSoftmax()->to_end == (opset == 12));
    const float share = opset == 12 ? 0.25f : 0.5f;
    CHECK(Evaluate(net, {{"x", {3, 3, 3, 3}}})[0] ==
          Floats{share, share, share, share});
  }
}

TEST_CASE("opset 6 and 11: clip bounds as attributes or inputs") {
  for (int64_t opset : {6, 11}) {
    CAPTURE(opset);
    ModelBuilder builder(opset);
    builder.Input("x", {3});
    if (opset == 6) {
      onnx::NodeProto* node = builder.Node("Clip", {"x"}, {"y"});
      SetFloat(node, "max", 1.0f);
    } else {
      builder.Floats("high", {}, {1});
      builder.Node("Clip", {"x", "", "high"}, {"y"});
    }
    builder.Output("y");
    const Imported net = Import(builder.model());
    REQUIRE(net.num_nodes() == 1);
    CHECK(net.NodeAt(0).op.AsActivation()->kind == fbs::ActivationKind::clip);
    CHECK(Evaluate(net, {{"x", {-500, 0, 2}}})[0] == Floats{-500, 0, 1});
  }
}

TEST_CASE("opset 11: clip gives max everywhere when min is over max") {
  ModelBuilder builder(11);
  builder.Input("x", {2});
  builder.Floats("low", {}, {3});
  builder.Floats("high", {}, {1});
  builder.Node("Clip", {"x", "low", "high"}, {"y"});
  builder.Output("y");
  CHECK(Evaluate(Import(builder.model()), {{"x", {0, 5}}})[0] == Floats{1, 1});
}

TEST_CASE("opset 26: the bits of a bool are those of a byte") {
  ModelBuilder builder(26);
  builder.Input("x", {3});
  builder.Floats("zero", {}, {0});
  builder.Node("Greater", {"x", "zero"}, {"positive"});
  SetInt(builder.Node("BitCast", {"positive"}, {"byte"}), "to", 2);
  SetInt(builder.Node("Cast", {"byte"}, {"y"}), "to", 1);
  builder.Output("y");
  CHECK(Evaluate(Import(builder.model()), {{"x", {3, -1, 0.5}}})[0] ==
        Floats{1, 0, 1});
}

TEST_CASE("opset 9 and 10: slice by attributes or inputs") {
  for (int64_t opset : {9, 10}) {
    CAPTURE(opset);
    ModelBuilder builder(opset);
    builder.Input("x", {4});
    if (opset == 9) {
      onnx::NodeProto* node = builder.Node("Slice", {"x"}, {"y"});
      SetInts(node, "starts", {1});
      SetInts(node, "ends", {INT64_MAX});
    } else {
      builder.Ints("starts", {1}, {1});
      builder.Ints("ends", {1}, {INT64_MAX});
      builder.Node("Slice", {"x", "starts", "ends"}, {"y"});
    }
    builder.Output("y");
    CHECK(Evaluate(Import(builder.model()), {{"x", {1, 2, 3, 4}}})[0] ==
          Floats{2, 3, 4});
  }
}

TEST_CASE("opset 1 and 2 and 11: pad by paddings or pads or inputs") {
  for (int64_t opset : {1, 2, 11}) {
    CAPTURE(opset);
    ModelBuilder builder(opset);
    builder.Input("x", {2});
    if (opset < 11) {
      onnx::NodeProto* node = builder.Node("Pad", {"x"}, {"y"});
      SetInts(node, opset == 1 ? "paddings" : "pads", {1, 0});
      SetFloat(node, "value", 9.0f);
    } else {
      builder.Ints("pads", {2}, {1, 0});
      builder.Floats("value", {}, {9});
      builder.Node("Pad", {"x", "pads", "value"}, {"y"});
    }
    builder.Output("y");
    CHECK(Evaluate(Import(builder.model()), {{"x", {1, 2}}})[0] ==
          Floats{9, 1, 2});
  }
}

TEST_CASE("opset 11 and 13 and 18: axes as attribute or input") {
  for (int64_t opset : {11, 13, 18}) {
    CAPTURE(opset);
    ModelBuilder builder(opset);
    builder.Input("x", {2, 2});
    builder.Ints("axes", {1}, {1});
    const bool sum_by_input = opset >= 13, max_by_input = opset >= 18;
    onnx::NodeProto* sum = builder.Node("ReduceSum", {"x"}, {"s"});
    if (sum_by_input) sum->add_input("axes");
    if (!sum_by_input) SetInts(sum, "axes", {1});
    onnx::NodeProto* max = builder.Node("ReduceMax", {"x"}, {"m"});
    if (max_by_input) max->add_input("axes");
    if (!max_by_input) SetInts(max, "axes", {1});
    SetInt(max, "keepdims", 0);
    builder.Output("s");
    builder.Output("m");
    const Imported net = Import(builder.model());
    const auto y = Evaluate(net, {{"x", {1, 2, 3, 4}}});
    CHECK(y[0] == Floats{3, 7});
    CHECK(y[1] == Floats{2, 4});
    CHECK(net.Find("s")->shape == std::vector<int64_t>{2, 1});
    CHECK(net.Find("m")->shape == std::vector<int64_t>{2});
  }
}

TEST_CASE("opset 5: cast to a type by its name") {
  ModelBuilder builder(5);
  builder.Input("x", {2});
  SetString(builder.Node("Cast", {"x"}, {"y"}), "to", "INT32");
  builder.Output("y");
  CHECK(Import(builder.model()).Find("y")->dtype == fbs::DataType::int32);
}

TEST_CASE("opset 1: tile along one axis") {
  ModelBuilder builder(1);
  builder.Input("x", {1, 2});
  builder.Ints("tiles", {1}, {2});
  builder.Ints("axis", {1}, {1});
  builder.Node("Tile", {"x", "tiles", "axis"}, {"y"});
  builder.Output("y");
  CHECK(Evaluate(Import(builder.model()), {{"x", {1, 2}}})[0] ==
        Floats{1, 2, 1, 2});
}

TEST_CASE("opset 7 and 9: upsample scales as attribute or input") {
  for (int64_t opset : {7, 9}) {
    CAPTURE(opset);
    ModelBuilder builder(opset);
    builder.Input("x", {1, 1, 1, 2});
    if (opset == 7) {
      SetFloats(builder.Node("Upsample", {"x"}, {"y"}), "scales", {1, 1, 2, 2});
    } else {
      builder.Floats("scales", {4}, {1, 1, 2, 2});
      builder.Node("Upsample", {"x", "scales"}, {"y"});
    }
    builder.Output("y");
    CHECK(Evaluate(Import(builder.model()), {{"x", {1, 2}}})[0] ==
          Floats{1, 1, 2, 2, 1, 1, 2, 2});
  }
}

TEST_CASE(
    "Gemm: alpha goes into constant weights and a constant row becomes the "
    "bias") {
  ModelBuilder builder;
  builder.Input("x", {1, 2});
  builder.Floats("w", {3, 2}, {1, 2, 3, 4, 5, 6});
  builder.Floats("c", {1, 3}, {1, 2, 3});
  onnx::NodeProto* node = builder.Node("Gemm", {"x", "w", "c"}, {"y"}, "fc");
  SetFloat(node, "alpha", 2.0f);
  SetFloat(node, "beta", 10.0f);
  SetInt(node, "transB", 1);
  builder.Output("y");
  const Imported net = Import(builder.model(), Unfolded());
  REQUIRE(net.num_nodes() == 1);
  CHECK(net.NodeAt(0).op.AsMatmul()->transpose_y);
  CHECK(net.ValuesOf(net.NodeAt(0).inputs[2]) ==
        std::vector<double>{10, 20, 30});
  CHECK(Evaluate(net, {{"x", {1, 1}}})[0] == Floats{16, 34, 52});
}

TEST_CASE(
    "Gemm: operands that are computed are scaled and added after the product") {
  ModelBuilder builder;
  builder.Input("x", {2, 1});
  builder.Input("w", {1, 2});
  builder.Input("c", {2, 1});
  onnx::NodeProto* node = builder.Node("Gemm", {"x", "w", "c"}, {"y"});
  SetFloat(node, "alpha", 0.5f);
  SetFloat(node, "beta", 2.0f);
  builder.Output("y");
  const Floats y = Evaluate(Import(builder.model()),
                            {{"x", {2, 4}}, {"w", {1, 3}}, {"c", {10, 20}}})[0];
  CHECK(y == Floats{21, 23, 42, 46});
}

TEST_CASE("chains: Sum and Max and Mean of three and of one") {
  ModelBuilder builder;
  builder.Input("a", {2});
  builder.Input("b", {2});
  builder.Input("c", {1});
  builder.Node("Sum", {"a", "b", "c"}, {"s"});
  builder.Node("Max", {"a", "b", "c"}, {"x"});
  builder.Node("Mean", {"a", "b", "c"}, {"m"});
  builder.Node("Min", {"a"}, {"one"});
  for (const char* name : {"s", "x", "m", "one"}) builder.Output(name);
  const auto y = Evaluate(Import(builder.model()),
                          {{"a", {1, 5}}, {"b", {4, 2}}, {"c", {4}}});
  CHECK(y[0] == Floats{9, 11});
  CHECK(y[1] == Floats{4, 5});
  CHECK(y[2][0] == doctest::Approx(3));
  CHECK(y[3] == Floats{1, 5});
}

TEST_CASE("of 2017: ImageScaler and Crop and Affine") {
  ModelBuilder builder(7);
  builder.Input("x", {1, 2, 2, 2});
  onnx::NodeProto* scaler = builder.Node("ImageScaler", {"x"}, {"s"});
  SetFloat(scaler, "scale", 2.0f);
  SetFloats(scaler, "bias", {1, 10});
  SetInts(builder.Node("Crop", {"s"}, {"c"}), "border", {1, 0, 0, 1});
  onnx::NodeProto* affine = builder.Node("Affine", {"c"}, {"y"});
  SetFloat(affine, "alpha", 3.0f);
  SetFloat(affine, "beta", 1.0f);
  builder.Output("y");
  // left column and bottom row are cut: x[., ., 0, 1] = 1 and 5
  CHECK(Evaluate(Import(builder.model()),
                 {{"x", {0, 1, 2, 3, 4, 5, 6, 7}}})[0] == Floats{10, 61});
}

TEST_CASE("Constant: scalars and lists as attributes") {
  ModelBuilder builder(13);
  SetInts(builder.Node("Constant", {}, {"i"}), "value_ints", {3, 4});
  SetFloat(builder.Node("Constant", {}, {"f"}), "value_float", 1.5f);
  builder.Output("i");
  builder.Output("f");
  const Imported net = Import(builder.model());
  CHECK(net.Values("i") == std::vector<double>{3, 4});
  CHECK(net.Find("i")->dtype == fbs::DataType::int64);
  CHECK(net.Values("f") == std::vector<double>{1.5});
  CHECK(net.Find("f")->shape.empty());
}

}  // namespace
}  // namespace aneref::test
