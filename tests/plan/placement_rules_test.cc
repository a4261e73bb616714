// The V rules on both sides of each limit, on two chips where they differ:
// tensors, convolutions, products, element-wise ops.
#include <doctest/doctest.h>

#include "tests/plan/placement_support.h"

namespace aneref::placement {
namespace {

constexpr Route kDirect = Route::kDirect;

TEST_CASE("V01: rank 5 is fine and rank 6 is not") {
  for (const char* chip : {"m1", "m4"}) {
    CHECK(Accepts(chip, Op("relu", {1, 2, 2, 2, 2})));
    CHECK(Rejects(chip, Op("relu", {1, 1, 2, 2, 2, 2}), "V01"));
    CHECK(Accepts(chip, Op("relu", {})));
  }
  const Reason reason = Finds("m1", Op("relu", {1, 1, 2, 2, 2, 2}), "V01");
  CHECK(reason.text == "tensor rank 6 exceeds the ANE maximum of 5");
  CHECK(reason.actual == "rank 6");
  CHECK(reason.provenance == "measured on M1");
  CHECK_FALSE(reason.fix.empty());
}

TEST_CASE("V02: direct inputs are fp16 or uint8; uint8 is only dequantised") {
  OpFacts input = Op("input", {1, 8});
  CHECK(Accepts("m1", input, kDirect));
  input.outputs[0].dtype = DataType::kUint8;
  CHECK(Accepts("m1", input, kDirect));
  input.outputs[0].dtype = DataType::kFloat32;
  CHECK(Rejects("m1", input, "V02", kDirect));
  CHECK(Accepts("m1", input));  // Core ML converts
  input.outputs[0].dtype = DataType::kInt32;
  CHECK(Rejects("m1", input, "V02"));
  OpFacts add = Op("add", {1, 8});
  add.inputs[0].dtype = DataType::kUint8;
  CHECK(Rejects("m4", add, "V02"));
  add.op = "dequantize";
  CHECK(Accepts("m4", add));
}

TEST_CASE("V03: plain integer weights are refused and scaled ones are not") {
  OpFacts conv = Conv(1, 1);
  conv.inputs[1].dtype = DataType::kInt8;
  CHECK(Rejects("m1", conv, "V03"));
  conv.inputs[1].compression = "affine";
  CHECK(Accepts("m1", conv));
  conv = Conv(1, 1);
  conv.inputs[1].dtype = DataType::kFloat32;
  CHECK(Accepts("m4", conv));
}

TEST_CASE("V04: an empty tensor is refused in the compiler's words") {
  CHECK(Finds("m1", Op("relu", {0, 8}), "V04").text ==
        "Expected tensor<fp16,[1,8]>; got tensor<fp16,[0,8]>");
  CHECK(Accepts("m4", Op("relu", {1, 8})));
}

TEST_CASE("V05: an open shape keeps the op off the engine") {
  OpFacts op = Op("relu", {1, 8});
  op.has_dynamic_shape = true;
  CHECK(Rejects("m1", op, "V05"));
  CHECK(Rejects("m4", op, "V05"));
}

TEST_CASE("V06: int32 values stay off the engine") {
  OpFacts cast = Op("cast", {1, 8});
  cast.outputs[0].dtype = DataType::kInt32;
  CHECK(Rejects("m1", cast, "V06"));
  CHECK(Rejects("m4", cast, "V06"));
  OpFacts arg = Op("reduce_argmax", {1, 64, 8, 8});
  arg.axes = {2};
  arg.outputs[0].dtype = DataType::kInt32;
  CHECK(Rejects("m4", arg, "V06"));
  CHECK(Accepts("m1", arg));
  OpFacts compare = Op("greater", {1, 8});
  compare.outputs[0].dtype = DataType::kBool;
  CHECK(Accepts("m4", compare));
}

TEST_CASE("V07: declared fp32 is computed in fp16 on the direct route only") {
  OpFacts op = Op("relu", {1, 8});
  op.inputs[0].dtype = op.outputs[0].dtype = DataType::kFloat32;
  CHECK(Accepts("m1", op, kDirect));
  CHECK(Says("m1", op, "V07", kDirect));
  CHECK(Rejects("m1", op, "V07"));
  op.op = "cast";
  CHECK(Accepts("m4", op));
}

TEST_CASE("V08: four-character-code images are no direct inputs") {
  OpFacts input = Op("input", {1, 3, 8, 8});
  input.image = true;
  CHECK(Rejects("m1", input, "V08", kDirect));
  CHECK(Accepts("m1", input));
}

TEST_CASE("V09: an op without a path is refused and a composed one is not") {
  CHECK(Rejects("m1", Op("bitwise_or", {1, 8}), "V09"));
  CHECK(Rejects("m4", Op("det", {1, 8, 8}), "V09"));
  OpFacts swish = Op("hard_swish", {1, 8});
  swish.parts = {"sigmoid_hard", "mul"};
  CHECK(Accepts("m1", swish));
  CHECK(Finds("m1", swish, "V09").severity == Severity::kFallback);
}

TEST_CASE("V10: axis limits of both tiers") {
  CHECK(Accepts("m1", Op("relu", {1, 1, 1, 16384})));
  CHECK(Rejects("m1", Op("relu", {1, 1, 1, 16385}), "V10"));
  CHECK(Accepts("m4", Op("relu", {1, 1, 1, 16385})));
  CHECK(Accepts("m4", Op("relu", {1, 1, 65536, 1})));
  CHECK(Rejects("m4", Op("relu", {1, 1, 65537, 1}), "V10"));
  CHECK(Accepts("m1", Op("relu", {1, 65536, 1, 1})));
  CHECK(Rejects("m1", Op("relu", {1, 65537, 1, 1}), "V10"));
  CHECK(Accepts("a12", Op("relu", {4096, 1, 1, 1})));
  CHECK(Rejects("a12", Op("relu", {4097, 1, 1, 1}), "V10"));
  CHECK(Finds("m1", Op("relu", {16385}), "V10").fix ==
        "split W into 2 parts of at most 16384");
}

TEST_CASE("V11: channels of a convolution may exceed the limit of W") {
  OpFacts conv = Conv(1, 1);
  conv.inputs[0] = Live({1, 16385, 1, 1});
  CHECK(Accepts("m1", conv));
  conv.inputs[0] = Live({1, 64, 1, 16385});
  CHECK(Rejects("m1", conv, "V10"));
  CHECK(Accepts("m4", conv));
}

TEST_CASE("V12: 120000 channels stay on the CPU of an M6") {
  CHECK_FALSE(Accepts("m6", Op("relu", {1, 120000, 1, 1})));
  CHECK_FALSE(Accepts("m6", Op("relu", {120000, 1, 1, 1})));
  CHECK_FALSE(Accepts("m1", Op("relu", {1, 120000, 1, 1})));
  CHECK(Accepts("m6", Op("relu", {1, 65536, 1, 1})));
}

TEST_CASE("V20: kernel width on H13 is 13 in fp16 and 29 in 8 bits") {
  CHECK(Accepts("m1", Conv(1, 13)));
  CHECK(Rejects("m1", Conv(1, 14), "V20"));
  CHECK(Accepts("m2", Conv(1, 14)));
  CHECK(Finds("m1", Conv(1, 14), "V20").text ==
        "Invalid conv kernel width = 14, It should be in [1,13]");
  CHECK(Finds("m1", Conv(1, 16), "V20").text == "kW must be <=15");
  CHECK(Finds("m1", Conv(1, 14), "V20").fix ==
        "split the kernel's width into 7 + 7: that many convolutions, added");
  OpFacts narrow = Conv(1, 29);
  narrow.narrow_weights = true;
  CHECK(Accepts("m1", narrow));
  narrow.kernel.w = 30;
  CHECK(Rejects("m1", narrow, "V20"));
}

TEST_CASE("V21: from H14 on kernels of 15 columns and 31 rows") {
  for (const char* chip : {"m2", "m3", "m4", "m6"}) {
    CHECK(Accepts(chip, Conv(1, 15)));
    CHECK(Rejects(chip, Conv(1, 16), "V21"));
    CHECK(Accepts(chip, Conv(31, 1)));
    CHECK(Rejects(chip, Conv(32, 1), "V21"));
    CHECK(Rejects(chip, Conv(16, 16), "V21"));
  }
}

TEST_CASE("V22: kernel height on H13, and never beyond the padded input") {
  CHECK(Accepts("m1", Conv(29, 1)));
  CHECK(Rejects("m1", Conv(30, 1), "V22"));
  CHECK(Accepts("m1", Conv(16, 3)));
  OpFacts conv = Conv(9, 1);
  conv.inputs[0] = Live({1, 64, 5, 8});
  CHECK(Rejects("m1", conv, "V22"));
  CHECK(Rejects("m4", conv, "V22"));
  conv.pad_begin.h = conv.pad_end.h = 2;
  CHECK(Accepts("m4", conv));
}

TEST_CASE("V23: strided transposed convolutions have small kernels") {
  OpFacts conv = Conv(4, 7);
  conv.op = "conv_transpose";
  conv.stride = {1, 2, 2};
  CHECK(Accepts("m1", conv));
  conv.kernel.w = 8;
  CHECK(Rejects("m1", conv, "V23"));
  CHECK(Accepts("m2", conv));
  conv.kernel.w = 9;
  CHECK(Rejects("m2", conv, "V23"));
  conv.stride = {1, 1, 1};
  CHECK(Accepts("m2", conv));
}

TEST_CASE("V24: widths of 9 to 15 are rewritten from H16 on") {
  CHECK_FALSE(Says("m4", Conv(1, 8), "V24"));
  CHECK(Finds("m4", Conv(1, 9), "V24").severity == Severity::kFallback);
  CHECK_FALSE(Says("m3", Conv(1, 9), "V24"));
  CHECK_FALSE(Says("m6", Conv(15, 1), "V24"));
  CHECK(Says("m6", Conv(16, 1), "V24"));
}

TEST_CASE("V25: large netplist kernels are multiples of 8") {
  CHECK(Says("m1", Conv(1, 9), "V25", kDirect));
  CHECK_FALSE(Says("m1", Conv(1, 8), "V25", kDirect));
  CHECK_FALSE(Says("m1", Conv(1, 9), "V25"));
}

TEST_CASE("V26: 3-D convolution is refused before H16 and disputed after") {
  OpFacts conv = Conv(3, 3);
  conv.op = "conv3d";
  conv.kernel.d = 3;
  conv.spatial_rank = 3;
  conv.inputs[0] = Live({1, 16, 8, 16, 16});
  CHECK(Rejects("m1", conv, "V26"));
  CHECK(Rejects("m3", conv, "V26"));
  CHECK(Rejects("m5", conv, "V26", kDirect));
  CHECK(Accepts("m4", conv));
  CHECK(Finds("m4", conv, "V26").severity == Severity::kWarn);
  CHECK(Accepts("m6", conv, kDirect));
}

TEST_CASE("V27: groups divide the channels, and four cores like 1, 2 and 4") {
  OpFacts conv = Conv(3, 3);
  conv.groups = 3;
  conv.cin = 8;
  conv.cout = 6;
  CHECK(Finds("m1", conv, "V27").text ==
        "KernelChannels (2) != InputChannels (8) / Group (3)");
  CHECK(Finds("m1", conv, "V27").fix == "pad the input channels to 9");
  conv.cin = 9;
  CHECK(Accepts("m4", conv));
  CHECK(Says("m4", conv, "V27"));
  conv.cin = conv.cout = 64;
  for (const int64_t groups : {1, 2, 4, 64}) {
    conv.groups = groups;
    CHECK_FALSE(Says("m1", conv, "V27"));
  }
}

TEST_CASE("V28: stride and dilation and padding never refuse") {
  OpFacts conv = Conv(3, 3);
  conv.stride = {1, 7, 7};
  conv.dilation = {1, 8, 8};
  conv.pad_begin = conv.pad_end = {0, 16, 16};
  CHECK(Accepts("m1", conv));
  CHECK(Accepts("m4", conv));
  OpFacts one = Conv(1, 3);
  one.inputs[0] = Live({1, 64, 32});
  CHECK(Finds("m1", one, "V28").severity == Severity::kFallback);
}

TEST_CASE("V29: runtime weights take one image") {
  OpFacts conv = Conv(3, 3);
  conv.op = "dynamic_weight_conv";
  CHECK(Accepts("m1", conv));
  conv.inputs[0] = Live({2, 64, 32, 32});
  CHECK(Rejects("m1", conv, "V29"));
  CHECK(Rejects("m4", conv, "V29"));
}

TEST_CASE("V30: netplist transposed convolutions have stride 1 or 2") {
  OpFacts conv = Conv(3, 3);
  conv.op = "conv_transpose";
  conv.stride = {1, 2, 2};
  CHECK_FALSE(Says("m1", conv, "V30", kDirect));
  conv.stride = {1, 4, 4};
  CHECK(Says("m1", conv, "V30", kDirect));
  CHECK_FALSE(Says("m1", conv, "V30"));
}

TEST_CASE("V35: channels of two operands are equal") {
  CHECK_FALSE(Says("m1", Product({1, 8, 4, 4}, {1, 8, 4, 4}), "V35"));
  CHECK(Says("m1", Product({1, 8, 4, 4}, {1, 1, 4, 4}), "V35"));
}

TEST_CASE("V36: the inner extent of two live operands fits kernel memory") {
  CHECK(Accepts("m4", Product({1, 16, 32768}, {1, 32768, 16})));
  CHECK(Rejects("m4", Product({1, 16, 32769}, {1, 32769, 16}), "V36"));
  CHECK(Finds("m4", Product({1, 16, 40000}, {1, 40000, 16}), "V36").text ==
        "Error: the output channel of input A (80000 kB) can not fit the Kmem "
        "(65536 kB)");
  CHECK(Rejects("m1", Product({1, 16, 16385}, {1, 16385, 16}), "V10"));
  OpFacts linear = Product({1, 16, 40000}, {40000, 16});
  linear.inputs[1].constant = true;
  CHECK(Accepts("m4", linear));
}

TEST_CASE("V37: a product of rank 5 is refused") {
  CHECK(Accepts("m1", Product({1, 2, 4, 8}, {1, 2, 8, 4})));
  CHECK(Rejects("m1", Product({1, 1, 2, 4, 8}, {1, 1, 2, 8, 4}), "V37"));
}

TEST_CASE("V38: linear takes rank 4 at most") {
  OpFacts linear = Product({2, 2, 4, 8}, {8, 4});
  linear.op = "linear";
  linear.inputs[1].constant = true;
  CHECK(Accepts("m1", linear));
  linear.inputs[0] = Live({1, 2, 2, 4, 8});
  CHECK(Rejects("m1", linear, "V38"));
}

TEST_CASE("V39: attention wants equal K and V and a mask of their type") {
  OpFacts attention = Op("scaled_dot_product_attention", {1, 8, 128, 64});
  attention.inputs = {Live({1, 8, 128, 64}), Live({1, 8, 128, 64}),
                      Live({1, 8, 128, 64})};
  CHECK(Accepts("m4", attention));
  CHECK(Says("m4", attention, "V39"));
  attention.inputs[2] = Live({1, 8, 128, 32});
  CHECK(Rejects("m4", attention, "V39"));
  attention.inputs[2] = attention.inputs[1];
  attention.inputs.push_back(Live({128, 128}, DataType::kBool));
  CHECK(Rejects("m1", attention, "V39"));
}

TEST_CASE("V40: weights of 2 MiB are streamed") {
  OpFacts linear = Product({1, 1023}, {1023, 1024});
  linear.op = "linear";
  linear.inputs[1].constant = true;
  CHECK_FALSE(Says("m1", linear, "V40"));
  linear.inputs[1].shape = Shape{1024, 1024};
  CHECK(Says("m1", linear, "V40"));
}

TEST_CASE("V45: H13 does not broadcast along depth") {
  OpFacts add = Op("add", {1, 4, 8, 8, 8});
  add.inputs.push_back(Live({1, 1, 8, 8, 8}));
  CHECK(Rejects("m1", add, "V45"));
  CHECK(Accepts("m2", add));
  add.inputs[1] = Live({1, 4, 1, 8, 8});
  CHECK(Accepts("m1", add));
}

TEST_CASE("V46: sine and cosine come with H15") {
  for (const char* op : {"sin", "cos"}) {
    CHECK(Rejects("m1", Op(op, {1, 8}), "V46"));
    CHECK(Rejects("m2", Op(op, {1, 8}), "V46"));
    CHECK(Accepts("m3", Op(op, {1, 8})));
    CHECK(Accepts("m5", Op(op, {1, 8}), kDirect));
  }
}

TEST_CASE("V47: prelu has a channel axis") {
  CHECK(Rejects("m1", Op("prelu", {8, 8}), "V47"));
  CHECK(Accepts("m1", Op("prelu", {8, 8, 8})));
}

TEST_CASE("V48: softmax comes with H13") {
  CHECK(Rejects("a13", Op("softmax", {1, 10}), "V48"));
  CHECK(Accepts("m1", Op("softmax", {1, 10})));
}

TEST_CASE("V49: grouped normalisation has whole groups and no depth") {
  OpFacts norm = Op("layer_norm", {1, 8, 4, 4});
  norm.cin = 8;
  norm.groups = 4;
  CHECK(Accepts("m1", norm));
  norm.groups = 3;
  CHECK(Rejects("m1", norm, "V49"));
  norm.groups = 4;
  norm.inputs[0] = Live({1, 8, 2, 4, 4});
  CHECK(Rejects("m4", norm, "V49"));
  CHECK(Rejects("a12", Op("instance_norm", {1, 8, 4, 4}), "V49"));
  OpFacts minmax = Op("min_max_norm", {1, 8, 4, 4});
  minmax.axes = {2};
  CHECK(Rejects("m1", minmax, "V49"));
  minmax.axes = {4};
  CHECK(Accepts("m1", minmax));
}

TEST_CASE("V50: local response normalisation of 16 channels fails on H13") {
  OpFacts lrn = Op("local_response_norm", {1, 15, 8, 8});
  lrn.cin = 15;
  CHECK(Accepts("m1", lrn));
  lrn.cin = 16;
  CHECK(Rejects("m1", lrn, "V50"));
  CHECK(Accepts("m4", lrn));
  CHECK(Rejects("a12", lrn, "V50"));
}

TEST_CASE("V51: a constant along H or W has no gain-and-offset slot") {
  OpFacts add = Op("add", {1, 8, 4, 4});
  add.inputs.push_back(Constant({1, 8, 1, 1}));
  CHECK_FALSE(Says("m1", add, "V51"));
  add.inputs[1] = Constant({1, 8, 1, 4});
  CHECK(Says("m1", add, "V51"));
  CHECK(Accepts("m1", add));
}

TEST_CASE("V52: dropout and random numbers come with H15") {
  CHECK(Rejects("m1", Op("dropout", {1, 8}), "V52"));
  CHECK(Accepts("m3", Op("dropout", {1, 8})));
  CHECK(Rejects("m2", Op("random_uniform", {1, 8}), "V52"));
}

TEST_CASE("V53: logic runs from H16 on through Core ML and the tangent never") {
  CHECK(Rejects("m1", Op("logical_and", {1, 8}), "V53"));
  CHECK(Rejects("m3", Op("logical_or", {1, 8}), "V53"));
  CHECK(Accepts("m4", Op("logical_and", {1, 8})));
  CHECK(Accepts("m4", Op("logical_xor", {1, 8})));
  CHECK(Rejects("m5", Op("logical_and", {1, 8}), "V53", kDirect));
  for (const char* op : {"tan", "mod", "asinh", "cosh"})
    CHECK(Rejects("m4", Op(op, {1, 8}), "V53"));
  CHECK(Finds("m4", Op("tan", {1, 8}), "V53").text ==
        "Unsupported MIL operation \"tan\".");
  CHECK(Accepts("m1", Op("atan", {1, 8})));
}

TEST_CASE("V54: before H13 a divisor is constant") {
  OpFacts div = Op("real_div", {1, 8});
  div.inputs.push_back(Live({1, 8}));
  CHECK(Rejects("a12", div, "V54"));
  CHECK(Accepts("m1", div));
  div.inputs[1].constant = true;
  CHECK_FALSE(Says("a12", div, "V54"));
}

}  // namespace
}  // namespace aneref::placement
