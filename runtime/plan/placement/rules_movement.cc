// V60-V72: gather, transposes, pads, resizes, slices and the special layers.
#include <algorithm>

#include "runtime/plan/placement/rule_support.h"

namespace aneref::placement {
namespace {

bool IsGather(const OpFacts& op) {
  return IsOneOf(op.op, {"gather", "gather_along_axis", "gather_nd"});
}

// H13's envelope: one batch, one depth, an index of three channels.
bool GatherFailsOnH13(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsGather(op) || context.chip.generation != 13 || op.inputs.size() < 2 ||
      !op.inputs[0].typed || !op.inputs[1].typed)
    return false;
  const Extents data = ExtentsOf(op.inputs[0].shape);
  const Extents index = ExtentsOf(op.inputs[1].shape);
  const bool fits = data.n == 1 && data.d == 1 && index.c == 3 &&
                    index.w == 1 && index.d == 1;
  if (fits) return false;
  return Fail(
      finding, "Cannot decompose layer on this architecture",
      "data " + op.inputs[0].shape.ToString() + ", index " +
          op.inputs[1].shape.ToString(),
      "batch 1, depth 1, an index of three channels",
      op.inputs[1].constant
          ? "constant indices: slices and concat, or a matmul with a constant "
            "selection matrix"
          : "look up on the host and feed the result");
}

bool GatherIndexFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsGather(op) || op.inputs.size() < 2 || op.inputs[1].constant ||
      !op.inputs[1].typed)
    return false;
  const DataType type = op.inputs[1].dtype;
  const bool narrow = type == DataType::kInt16 || type == DataType::kUint16 ||
                      type == DataType::kFloat16;
  if (narrow) return false;
  return Fail(finding, "Unsupported gather index type", DataTypeName(type),
              "constant indices, or 16-bit ones",
              "look up on the host and feed the result, or give 16-bit "
              "indices");
}

bool TransposeFailsOnOlder(const RuleContext& context, Finding* finding) {
  if (context.op.op != "transpose" || context.chip.transpose_max > 0)
    return false;
  return Fail(finding, "NE Input Transpose is not supported for this arch",
              context.chip.arch, "H13 and later",
              "bake the order of axes into the weights");
}

bool TransposeTakesPasses(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  const int64_t most = context.chip.transpose_max;
  if (op.op != "transpose" || most == 0 || op.inputs.empty() ||
      !op.inputs[0].typed)
    return false;
  const Extents e = ExtentsOf(op.inputs[0].shape);
  const int64_t extent = std::max(e.h, e.w);
  if (extent <= most) return false;
  return Fail(finding, "takes several passes", "extent " + Text(extent),
              "up to " + Text(most) + " in one", "");
}

bool ConcatFails(const RuleContext& context, Finding* finding) {
  if (context.op.op != "concat") return false;
  const auto inputs = static_cast<int64_t>(context.op.inputs.size());
  if (inputs >= 2) return false;
  return Fail(finding, "concat needs two inputs", Text(inputs) + " input",
              "2 or more", "drop it: it does nothing");
}

constexpr const char* kAxisNames[] = {"N", "D", "C", "H", "W"};

bool PadsAxis(const OpFacts& op, int first, int last) {
  return std::any_of(op.axes.begin(), op.axes.end(),
                     [&](int axis) { return axis >= first && axis <= last; });
}

bool ChannelPadFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "pad" || !PadsAxis(op, 0, 2)) return false;
  if (IsCoreMl(context) && context.chip.generation >= 16) return false;
  const int axis = *std::min_element(op.axes.begin(), op.axes.end());
  return Fail(finding, "Channel padding is not supported on ANE",
              std::string("padding along ") + kAxisNames[axis], "H, W",
              "concat with a constant tensor");
}

bool ChannelPadIsConcat(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "pad" || !PadsAxis(op, 0, 2) || !IsCoreMl(context) ||
      context.chip.generation < 16)
    return false;
  return Fail(finding,
              "channel padding is accepted here, though the layer rule forbids "
              "it: taken as a concat with a constant",
              "padding along C", "H, W", "write the concat into the model");
}

bool PadModeFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "pad" || op.pad_mode == PadMode::kConstant) return false;
  if (op.pad_mode == PadMode::kWrap) {
    return Fail(finding, "no unit pads by wrapping around", "wrap",
                "constant, reflect, replicate",
                "concat with slices of the other side");
  }
  if (context.chip.texture_engine) return false;
  return Fail(finding, "Architecture does not support padding mode.",
              op.pad_mode == PadMode::kReflect ? "reflect" : "replicate",
              "constant (others from H14 on)",
              "pad with zeros, or concat with slices of the border");
}

bool ReshapeFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsOneOf(op.op, {"reshape", "expand_dims", "squeeze", "flatten2d"}) ||
      op.outputs.empty())
    return false;
  const size_t rank = op.outputs[0].shape.rank();
  if (rank > 5) {
    return Fail(finding, "Cannot reshape a tensor of rank > 5",
                "rank " + std::to_string(rank), "rank up to 5",
                "split the permutation that follows into two of rank 5");
  }
  if (!IsOlder(context.chip) || op.op == "flatten2d" || op.inputs.empty() ||
      !op.inputs[0].typed)
    return false;
  const Extents out = ExtentsOf(op.outputs[0].shape);
  const bool flat = out.h == 1 || out.w == 1;
  if (flat && out.c == 1) return false;
  return Fail(finding, "cannot be lowered as Flatten on ANE",
              op.outputs[0].shape.ToString(), "a flattened vector",
              "keep four axes throughout");
}

bool ShuffleFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsOneOf(op.op, {"pixel_shuffle", "pixel_unshuffle", "depth_to_space",
                       "space_to_depth"}))
    return false;
  for (size_t i = 0; i < op.factors.size(); ++i) {
    const int64_t factor = op.factors[i];
    if (IsOneOf(Text(factor), {"1", "2", "3", "4", "8"})) continue;
    if (i < op.axes.size() && op.axes[i] == 2) continue;  // the channel axis
    return Fail(finding, "the factor has no unit", "factor " + Text(factor),
                "1, 2, 3, 4, 8",
                IsProductOfTwosAndThrees(factor)
                    ? "two shuffles whose factors multiply to " + Text(factor)
                    : "reshape, transpose, reshape");
  }
  return false;
}

bool SpaceToBatchFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsOneOf(op.op, {"space_to_batch", "batch_to_space"})) return false;
  int64_t product = 1;
  for (const int64_t factor : op.factors) {
    product *= std::max<int64_t>(factor, 1);
    if (IsProductOfTwosAndThrees(factor)) continue;
    return Fail(finding, "the factor does not split into 2, 3, 4 and 8",
                "factor " + Text(factor), "products of 2, 3, 4, 8",
                "pad the axis and use the next such factor");
  }
  if (op.op != "batch_to_space" || op.inputs.empty() || !op.inputs[0].typed)
    return false;
  const int64_t batch = ExtentsOf(op.inputs[0].shape).n;
  if (product == 0 || batch % product == 0) return false;
  return Fail(
      finding,
      "Input batch n = " + Text(batch) +
          " is not divisible by factor x = " + Text(op.factors[0]) +
          " * factor y = " + Text(op.factors.size() > 1 ? op.factors[1] : 1),
      "batch " + Text(batch), "a multiple of " + Text(product),
      "pad the batch to " + Text((batch + product - 1) / product * product));
}

bool TileFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "tile") return false;
  for (const int64_t factor : op.factors) {
    if (IsProductOfTwosAndThrees(factor)) continue;
    return Fail(finding, "the factor is no product of 2, 3, 4 and 8",
                "factor " + Text(factor), "products of 2, 3, 4, 8",
                "concat " + Text(factor) + " copies");
  }
  return false;
}

bool TileWarns(const RuleContext& context, Finding* finding) {
  if (context.op.op != "tile" || context.chip.generation != 15) return false;
  return Fail(finding,
              "reported to corrupt later evaluations of the same process",
              "tile", "", "concat copies, or rely on broadcasting");
}

bool SliceWarns(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsOneOf(op.op, {"slice_by_index", "slice_by_size"}) ||
      !op.width_offset || context.chip.generation > 14 || IsOlder(context.chip))
    return false;
  return Fail(finding,
              "a slice that starts behind 0 on the last axis turns values "
              "above 4094 into infinity (N28)",
              "offset on W", "offset 0, or on another axis",
              "transpose first, or scale the values down");
}

bool DynamicSliceFails(const RuleContext& context, Finding* finding) {
  if (!context.op.dynamic_begin && context.op.op != "dynamic_slice")
    return false;
  // The table has it native on H14 and later for the direct route.
  if (!IsCoreMl(context) && context.chip.generation >= 14) return false;
  return Fail(finding,
              context.chip.generation >= 16
                  ? "connected to an invalid live-in: Unsupported tensor data "
                    "type: int32"
                  : "a slice at a begin that is computed fails code generation",
              "runtime begin", "constant begin and size",
              "make the begin constant, or multiply with a constant mask");
}

bool IsResize(const OpFacts& op) {
  return IsOneOf(op.op, {"resize", "resize_bilinear", "resize_nearest_neighbor",
                         "upsample_bilinear", "upsample_nearest_neighbor"});
}

bool ResizeFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsResize(op) || op.spatial_only) return false;
  return Fail(finding, "only H and W are resized", "another axis", "H, W",
              "transpose the axis into H or W");
}

bool ResizeFallsBack(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsResize(op) || context.chip.generation != 13) return false;
  return Fail(finding,
              op.fractional_factor
                  ? "no texture engine: a transpose and a convolution, rounded "
                    "in other places"
                  : "no texture engine: a channelwise transposed convolution, "
                    "rounded in other places",
              op.fractional_factor ? "fractional factor" : "integer factor",
              "native from H14 on",
              op.fractional_factor
                  ? "an integer factor"
                  : "for the same rounding on every chip, write the transposed "
                    "convolution into the model");
}

bool TopKFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  const PlacementChip& chip = context.chip;
  if (op.op != "topk") return false;
  const bool gated = chip.generation <= 13;
  const bool small_k =
      (op.count == 3 || op.count == 4) && (gated || chip.generation == 17);
  const bool lone = !IsCoreMl(context) && chip.generation == 16;
  if (!gated && !small_k && !lone) return false;
  return Fail(finding,
              small_k ? "k of 3 and 4 is refused"
              : lone  ? "compiling it alone fails the compiler's own validation"
                      : "passes the validator, fails code generation",
              "k = " + Text(op.count), gated ? "H14 and later" : "other k",
              small_k && !gated
                  ? "ask for 5 and take the first " + Text(op.count)
                  : "k rounds of reduce_max with a mask, or rank "
                    "on the host");
}

bool TopKIsSlow(const RuleContext& context, Finding* finding) {
  if (context.op.op != "topk" || !IsCoreMl(context) ||
      context.chip.generation < 16)
    return false;
  return Fail(finding,
              "accepted, but takes 6 to 10 ms where the estimate says 0.05 ms",
              "k = " + Text(context.op.count), "", "rank on the host");
}

bool SpecialLayerFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.inputs.empty() || !op.inputs[0].typed) return false;
  const Extents e = ExtentsOf(op.inputs[0].shape);
  if (op.op == "cross_product") {
    if (e.c == 3 && e.d == 1 && e.h == 1 && e.w == 1) return false;
    return Fail(finding, "a cross product takes 3 channels and nothing else",
                op.inputs[0].shape.ToString(), "C = 3, D = H = W = 1",
                "mul and sub of shifted channels");
  }
  if (op.op == "furthest_point_sampling") {
    if (op.count <= 1024 && e.w <= 8192) return false;
    return Fail(finding, "too many points", Text(op.count) + " of " + Text(e.w),
                "1024 of 8192", "sample in two stages");
  }
  if (op.op == "cross_correlation" && op.inputs.size() > 1) {
    const Extents t = ExtentsOf(op.inputs[1].shape);
    if (t.d == 1 && t.c == 1) return false;
    return Fail(finding, "the template must have one channel and no depth",
                op.inputs[1].shape.ToString(), "C = 1, D = 1",
                "correlate channel by channel and add");
  }
  if (op.op == "cost_volume" && op.inputs.size() > 1) {
    const Extents reference = ExtentsOf(op.inputs[1].shape);
    if (reference.w >= e.w + op.count) return false;
    return Fail(finding, "the reference is narrower than auxiliary and range",
                "width " + Text(reference.w), Text(e.w + op.count) + " or more",
                "pad the reference by " + Text(e.w + op.count - reference.w));
  }
  return false;
}

}  // namespace

const RuleTable& MovementRules() {
  constexpr Severity kReject = Severity::kReject;
  static const RuleTable rules = {
      {"V60", kReject, Layer::kCodeGeneration, "H13", "measured",
       GatherFailsOnH13},
      {"V60", kReject, Layer::kPlacement, "H16", "measured", GatherIndexFails},
      {"V61", kReject, Layer::kValidator, "", "decompiled",
       TransposeFailsOnOlder},
      {"V61", Severity::kFallback, Layer::kLegalisation, "", "decompiled",
       TransposeTakesPasses},
      {"V62", kReject, Layer::kValidator, "", "decompiled", ConcatFails},
      {"V63", kReject, Layer::kValidator, "", "decompiled", ChannelPadFails},
      {"V63", Severity::kFallback, Layer::kLegalisation, "H16", "measured",
       ChannelPadIsConcat},
      {"V63", kReject, Layer::kValidator, "", "decompiled", PadModeFails},
      {"V64", kReject, Layer::kValidator, "", "decompiled", ReshapeFails},
      {"V65", kReject, Layer::kValidator, "", "decompiled", ShuffleFails},
      {"V66", kReject, Layer::kValidator, "", "decompiled", SpaceToBatchFails},
      {"V67", kReject, Layer::kValidator, "", "decompiled", TileFails},
      {"V67", Severity::kWarn, Layer::kPlacement, "", "community", TileWarns},
      {"V68", Severity::kWarn, Layer::kLegalisation, "H13", "measured",
       SliceWarns},
      {"V68", kReject, Layer::kCodeGeneration, "H13 H16", "measured",
       DynamicSliceFails},
      {"V69", kReject, Layer::kValidator, "", "decompiled", ResizeFails},
      {"V69", Severity::kFallback, Layer::kLegalisation, "H13", "measured",
       ResizeFallsBack},
      {"V71", kReject, Layer::kCodeGeneration, "H13 H16", "measured",
       TopKFails},
      {"V71", Severity::kWarn, Layer::kPlacement, "H16", "measured",
       TopKIsSlow},
      {"V72", kReject, Layer::kValidator, "", "decompiled", SpecialLayerFails},
  };
  return rules;
}

}  // namespace aneref::placement
