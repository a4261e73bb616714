// See probe_facts.h. Ops that a probe only names are taken in their usual form:
// 64 channels of 32x32.
#include "runtime/plan/placement/probe_facts.h"

#include <map>

namespace aneref::placement {
namespace {

int64_t Number(const JsonValue& inputs, const char* key, int64_t otherwise) {
  const JsonValue* value = inputs.Find(key);
  return value == nullptr || value->AsNumber() == nullptr
             ? otherwise
             : static_cast<int64_t>(*value->AsNumber());
}

Shape ShapeOf(const JsonValue& inputs, const char* key) {
  std::vector<int64_t> dims;
  for (const JsonValue& item : *inputs.Find(key)->AsArray())
    dims.push_back(static_cast<int64_t>(*item.AsNumber()));
  return Shape(dims);
}

OperandFacts Operand(const Shape& shape) {
  OperandFacts operand;
  operand.shape = shape;
  return operand;
}

OpFacts Unary(const std::string& op, const Shape& shape) {
  OpFacts facts;
  facts.op = op;
  facts.inputs = {Operand(shape)};
  facts.outputs = {Operand(shape)};
  return facts;
}

// A convolution or pool: 64 channels of 32x32 unless the probe says more.
OpFacts Window(const std::string& op, const JsonValue& inputs) {
  const int64_t cin = Number(inputs, "cin", 64);
  const int64_t kh = Number(inputs, "kh", 1), kw = Number(inputs, "kw", 1);
  const int64_t h =
      Number(inputs, "input_h", Number(inputs, "input_h_at_least", 32));
  const int64_t w = Number(inputs, "w", 32);
  OpFacts facts = Unary(op, inputs.Find("input") != nullptr
                                ? ShapeOf(inputs, "input")
                                : Shape{Number(inputs, "batch", 1), cin, h, w});
  facts.channels_second = true;
  facts.kernel = {Number(inputs, "kd", 1), kh, kw};
  const int64_t stride = Number(inputs, "stride", 1);
  facts.stride = {1, stride, stride};
  const int64_t dilation = Number(inputs, "dilation", 1);
  facts.dilation = {1, dilation, dilation};
  const int64_t pad = Number(inputs, "pad", 0);
  facts.pad_begin = facts.pad_end = {0, pad, pad};
  if (TextMember(inputs, "pad") == "same") {
    facts.pad_begin = {0, (kh - 1) / 2, (kw - 1) / 2};
    facts.pad_end = {0, kh / 2, kw / 2};
  }
  facts.cin = cin;
  facts.cout = Number(inputs, "cout", 64);
  facts.groups = Number(inputs, "groups", 1);
  if (facts.groups == 3) facts.cout = 6;
  if (op == "conv3d") {
    facts.spatial_rank = 3;
    facts.inputs = {Operand(Shape{1, 16, Number(inputs, "depth", 8), 16, 16})};
    facts.outputs = facts.inputs;
  }
  return facts;
}

OpFacts Matmul(const JsonValue& inputs) {
  OpFacts facts;
  facts.op = "matmul";
  if (inputs.Find("rank") != nullptr) {
    facts.inputs = {Operand({1, 2, 2, 4, 8}), Operand({1, 2, 2, 8, 4})};
    facts.outputs = {Operand({1, 2, 2, 4, 4})};
    return facts;
  }
  facts.inputs = {Operand(ShapeOf(inputs, "x")), Operand(ShapeOf(inputs, "y"))};
  facts.outputs = {Operand({1, 16, 16})};
  facts.inner = facts.inputs[0].shape.back();
  return facts;
}

OpFacts Product(int64_t m, int64_t k, int64_t n) {
  OpFacts facts;
  facts.op = "matmul";
  facts.inputs = {Operand({1, m, k}), Operand({1, k, n})};
  facts.outputs = {Operand({1, m, n})};
  facts.inner = k;
  return facts;
}

OpFacts ExtentProbe(const std::string& op, const JsonValue& inputs) {
  const int64_t extent = Number(inputs, "extent", 1);
  const std::string axis = TextMember(inputs, "axis");
  if (op == "matmul_output") return Product(16, 16, extent);
  if (op == "matmul_contraction") return Product(16, extent, 16);
  if (op == "rank1_length") return Unary("relu", Shape{extent});
  return Unary("relu", axis == "W"   ? Shape{1, 1, 1, extent}
                       : axis == "H" ? Shape{1, 1, extent, 1}
                                     : Shape{1, extent, 1, 1});
}

OpFacts InputProbe(const JsonValue& inputs) {
  OpFacts facts;
  facts.op = "input";
  OperandFacts operand = Operand({1, 8});
  const std::map<std::string, DataType> types = {{"fp16", DataType::kFloat16},
                                                 {"fp32", DataType::kFloat32},
                                                 {"int32", DataType::kInt32},
                                                 {"int8", DataType::kInt8}};
  const std::string type = TextMember(inputs, "dtype");
  operand.bfloat16 = type == "bf16";
  if (!operand.bfloat16) operand.dtype = types.at(type);
  facts.outputs = {operand};
  return facts;
}

OpFacts GatherProbe(const JsonValue& inputs) {
  OpFacts facts;
  facts.op = "gather";
  facts.inputs = {
      Operand({Number(inputs, "n", 1), Number(inputs, "d", 1), 4, 8, 8}),
      Operand({1, Number(inputs, "index_d", 1), Number(inputs, "index_c", 3), 4,
               Number(inputs, "index_w", 1)})};
  facts.outputs = {Operand({1, 4, 8, 8})};
  return facts;
}

OpFacts IntegerResult(const std::string& op) {
  OpFacts facts = Unary(op, {1, 64, 32, 32});
  facts.outputs[0].dtype = DataType::kInt32;
  facts.axes = {2};
  return facts;
}

// The probes of "engine in the supported list": the op in its usual form.
OpFacts NamedProbe(const std::string& op) {
  const Shape shape = {1, 64, 32, 32};
  if (op == "gather_static" || op == "gather_runtime_int32") {
    OpFacts facts = Unary("gather", shape);
    facts.inputs.push_back(Operand({8}));
    facts.inputs[1].dtype = DataType::kInt32;
    facts.inputs[1].constant = op == "gather_static";
    return facts;
  }
  if (op == "pad_channel" || op == "pad_reflect" || op == "pad_replicate") {
    OpFacts facts = Unary("pad", shape);
    facts.axes = {op == "pad_channel" ? 2 : 4};
    facts.pads = {4};
    if (op == "pad_reflect") facts.pad_mode = PadMode::kReflect;
    if (op == "pad_replicate") facts.pad_mode = PadMode::kReplicate;
    return facts;
  }
  if (op == "reduce_argmax" || op == "argsort") return IntegerResult(op);
  if (op == "cast_int32") return IntegerResult("cast");
  if (op == "cast_fp32") {
    OpFacts facts = Unary("cast", shape);
    facts.outputs[0].dtype = DataType::kFloat32;
    return facts;
  }
  if (op == "softmax_batch_axis") {
    OpFacts facts = Unary("softmax", shape);
    facts.axes = {0};
    return facts;
  }
  const std::map<std::string, const char*> renamed = {
      {"sdpa_mask", "scaled_dot_product_attention"},
      {"upsample_bilinear_align_corners", "upsample_bilinear"},
      {"upsample_nearest_x3", "upsample_nearest_neighbor"},
      {"upsample_nearest_x1.5", "upsample_nearest_neighbor"},
      {"resize_down", "resize_bilinear"},
      {"transpose_rank5", "transpose"},
      {"slice_w_stride2", "slice_by_index"},
      {"matmul_batched4d", "matmul"},
      {"matmul_broadcast", "matmul"},
      {"avg_pool_3d", "avg_pool"},
      {"conv_transpose_3d", "conv_transpose"},
      {"quantize_dequantize", "quantize"},
      {"dynamic_weight_conv_batch1", "dynamic_weight_conv"},
      {"conv1d", "conv"}};
  const auto found = renamed.find(op);
  OpFacts facts = Unary(found == renamed.end() ? op : found->second, shape);
  if (op == "transpose_rank5") facts = Unary("transpose", {1, 4, 16, 16, 16});
  if (op == "conv1d") facts = Unary("conv", {1, 64, 32});
  if (op.ends_with("_3d")) {
    facts.spatial_rank = 3;
    facts.kernel = {2, 2, 2};
    facts.channels_second = true;
    facts.inputs = {Operand({1, 8, 8, 8, 8})};
  }
  if (facts.op == "tile") facts.factors = {2};
  return facts;
}

}  // namespace

OpFacts FactsOfProbe(const std::string& id, const std::string& op,
                     const JsonValue& inputs) {
  if (id.starts_with("v.extent")) return ExtentProbe(op, inputs);
  if (op == "input") return InputProbe(inputs);
  if (op == "matmul") return Matmul(inputs);
  if (id.starts_with("v.gather.m1")) return GatherProbe(inputs);
  if (op == "conv" || op == "conv3d" || op == "dynamic_weight_conv" ||
      (op == "max_pool" && inputs.Find("kw") != nullptr) ||
      (op == "avg_pool" && inputs.Find("kw") != nullptr))
    return Window(op, inputs);
  if (op == "relu" && inputs.Find("rank") != nullptr) {
    return Unary("relu", Number(inputs, "rank", 0) == 5
                             ? Shape{1, 2, 2, 2, 2}
                             : Shape{1, 1, 2, 2, 2, 2});
  }
  if (op == "relu") return Unary("relu", ShapeOf(inputs, "shape"));
  if (op == "add") {
    OpFacts facts = Unary("add", {1, 8});
    facts.inputs[0].dtype = DataType::kUint8;
    return facts;
  }
  if (op == "argmax") {
    OpFacts facts =
        Unary("reduce_argmax", {1, 1, 1, Number(inputs, "extent", 1)});
    facts.axes = {4};
    return facts;
  }
  if (op == "pad") {
    OpFacts facts = Unary("pad", {1, 8, 8, 8});
    facts.axes = {2};
    facts.pads = {4};
    return facts;
  }
  if (op == "topk_direct_compile") {
    OpFacts facts = Unary("topk", ShapeOf(inputs, "input"));
    facts.count = Number(inputs, "k", 0);
    return facts;
  }
  return NamedProbe(op);
}

// S6 asked Core ML (v.cm) or cross-compiled (v.m6, topk_direct_compile, the
// conv3d of h18g); G compiled directly.
Route RouteOf(const std::string& id, const std::string& op) {
  if (op == "topk_direct_compile" || id == "v.cm.conv3d.h18g")
    return Route::kDirect;
  return id.starts_with("v.cm.") ? Route::kCoreMl : Route::kDirect;
}

}  // namespace aneref::placement
