// V45-V54: element-wise ops, activations, normalisations, softmax.
#include <algorithm>

#include "runtime/plan/placement/rule_support.h"

namespace aneref::placement {
namespace {

int LiveInputs(const OpFacts& op) {
  int live = 0;
  for (const OperandFacts& input : op.inputs)
    live += input.present && !input.constant ? 1 : 0;
  return live;
}

bool DepthBroadcastFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!(IsElementwise(op) || op.op == "broadcast") ||
      context.chip.generation > 13 || op.outputs.empty())
    return false;
  const int64_t depth = ExtentsOf(op.outputs[0].shape).d;
  for (const OperandFacts& input : op.inputs) {
    if (!input.present || !input.typed || input.constant) continue;
    if (ExtentsOf(input.shape).d == depth) continue;
    return Fail(
        finding,
        "Broadcast along depth axis is not supported on this architecture",
        "depth 1 to " + Text(depth), "equal depth",
        "move the axis: reshape so that another axis is broadcast");
  }
  return false;
}

bool PreluRankFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "prelu" || op.inputs.empty()) return false;
  const size_t rank = op.inputs[0].shape.rank();
  if (rank >= 3) return false;
  return Fail(finding, "prelu needs a channel axis",
              "rank " + std::to_string(rank), "rank 3 or more",
              "reshape to [1, channels, 1, n] around it");
}

bool SoftmaxFails(const RuleContext& context, Finding* finding) {
  if (context.op.op != "softmax" || context.chip.has_softmax) return false;
  return Fail(finding, "Softmax is not supported by this ANE architecture",
              context.chip.arch, "H13 and later",
              "end the model before the softmax and compute it on the host");
}

bool NormFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op == "instance_norm" && !context.chip.has_instance_norm) {
    return Fail(finding,
                "InstanceNorm layer not supported for this ANE architecture",
                context.chip.arch, "H13 and later",
                "batch_norm with fixed statistics folds into the convolution");
  }
  if (!IsOneOf(op.op, {"layer_norm", "group_norm"})) return false;
  if (op.groups > 0 && op.cin % op.groups != 0) {
    return Fail(finding, "channels must be divisible by the groups",
                Text(op.cin) + " channels in " + Text(op.groups) + " groups",
                "a multiple of " + Text(op.groups),
                "pad the channels to " +
                    Text((op.cin + op.groups - 1) / op.groups * op.groups));
  }
  if (op.groups <= 1 || op.inputs.empty() || !op.inputs[0].typed) return false;
  const int64_t depth = ExtentsOf(op.inputs[0].shape, true).d;
  if (depth == 1) return false;
  return Fail(finding, "grouped normalisation does not yet support depth > 1",
              "depth " + Text(depth), "depth 1",
              "join depth and height by a reshape");
}

bool MinMaxNormFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "min_max_norm" || context.chip.generation > 13) return false;
  for (const int axis : op.axes) {
    if (axis != 2) continue;
    return Fail(finding, "MinMaxNorm over channels", "axis C", "W, H",
                "transpose the channels into W");
  }
  return false;
}

bool LocalResponseFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "local_response_norm") return false;
  constexpr int64_t kMostOnH13 = 15;
  if (!context.chip.has_lrn) {
    return Fail(finding, "no local response normalisation on this chip",
                context.chip.arch, "H13 and later",
                "square, average pool over channels, pow, divide");
  }
  if (context.chip.generation > 13 || op.cin <= kMostOnH13) return false;
  return Fail(finding, "fails code generation for 16 channels or more",
              Text(op.cin) + " channels", "up to " + Text(kMostOnH13),
              "square, convolve with a constant band of ones, pow, divide; or "
              "drop it (networks after 2014 do)");
}

bool GainNeedsOwnLayer(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsOneOf(op.op, {"add", "mul"}) || LiveInputs(op) != 1) return false;
  for (const OperandFacts& input : op.inputs) {
    if (!input.present || !input.constant || !input.typed) continue;
    const Extents e = ExtentsOf(input.shape);
    if (e.h == 1 && e.w == 1 && e.n == 1 && e.d == 1) continue;
    // A vector along the last axis is per feature in [.., S, features] nets.
    return Fail(finding,
                "the constant varies along " +
                    std::string(e.h > 1   ? "H"
                                : e.w > 1 ? "W"
                                          : "N or D") +
                    ": no gain-and-offset slot, a planar layer of its own",
                input.shape.ToString(), "one value, or one per channel",
                "put the axis of the constant into the channel axis");
  }
  return false;
}

bool RandomFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  const bool dropout = op.op == "dropout";
  if ((!dropout && op.op != "random_uniform") || context.chip.has_dropout)
    return false;
  return Fail(finding,
              dropout ? "Dropout layer is not supported on this architecture."
                      : "Random layer is not supported on this architecture.",
              context.chip.arch, "H15 and later",
              dropout ? "remove it: inference needs none"
                      : "feed the random values as an input");
}

bool DivisionFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "real_div" || !IsOlder(context.chip)) return false;
  if (op.inputs.size() > 1 && op.inputs[1].constant) return false;
  return Fail(finding, "division by a live tensor", "live divisor",
              "a constant fp16 divisor", "multiply by the inverse");
}

}  // namespace

const RuleTable& ElementwiseRules() {
  static const RuleTable rules = {
      {"V45", Severity::kReject, Layer::kValidator, "", "decompiled",
       DepthBroadcastFails},
      {"V47", Severity::kReject, Layer::kFrontend, "H13", "measured",
       PreluRankFails},
      {"V48", Severity::kReject, Layer::kValidator, "", "decompiled",
       SoftmaxFails},
      {"V49", Severity::kReject, Layer::kValidator, "", "decompiled",
       NormFails},
      {"V49", Severity::kReject, Layer::kValidator, "H13", "measured",
       MinMaxNormFails},
      {"V50", Severity::kReject, Layer::kCodeGeneration, "H13", "measured",
       LocalResponseFails},
      {"V51", Severity::kWarn, Layer::kLegalisation, "", "decompiled",
       GainNeedsOwnLayer},
      {"V52", Severity::kReject, Layer::kValidator, "", "decompiled",
       RandomFails},
      {"V54", Severity::kReject, Layer::kValidator, "", "decompiled",
       DivisionFails},
  };
  return rules;
}

}  // namespace aneref::placement
