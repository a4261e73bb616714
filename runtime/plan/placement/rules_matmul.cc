// V35-V40: matrix products and attention.
#include <algorithm>

#include "runtime/plan/placement/rule_support.h"

namespace aneref::placement {
namespace {

bool IsProduct(const OpFacts& op) {
  return op.op == "matmul" && op.inputs.size() >= 2;
}

bool BroadcastIsCopied(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsProduct(op) || !op.inputs[0].typed || !op.inputs[1].typed)
    return false;
  const Shape& x = op.inputs[0].shape;
  const Shape& y = op.inputs[1].shape;
  if (x.rank() < 3 || x.rank() > 4 || y.rank() != x.rank()) return false;
  const size_t axis = x.rank() - 3;  // C, whatever the rank
  if (x[axis] == y[axis]) return false;
  return Fail(finding,
              "channels of the two operands differ: only N and H broadcast",
              "C " + Text(x[axis]) + " and " + Text(y[axis]), "equal C",
              "tile the smaller operand, or put the batch into N");
}

bool InnerExtentFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsProduct(op) || op.inputs[0].constant || op.inputs[1].constant)
    return false;
  const int64_t memory = context.chip.kernel_memory_bytes;
  const int64_t bytes = op.inner * 2;
  if (memory == 0 || bytes <= memory) return false;
  const int64_t most = memory / 2;
  return Fail(finding,
              "Error: the output channel of input A (" + Text(bytes) +
                  " kB) can not fit the Kmem (" + Text(memory) + " kB)",
              "inner extent " + Text(op.inner), "up to " + Text(most),
              "split the inner axis into " +
                  Text((op.inner + most - 1) / most) +
                  " products and add the results");
}

bool RankFiveFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsOneOf(op.op, {"matmul"})) return false;
  size_t rank = 0;
  for (const OperandFacts& input : op.inputs)
    rank = std::max(rank, input.shape.rank());
  if (rank < 5) return false;
  return Fail(
      finding, "Some ops are not supported on any of the specified backends",
      "rank " + std::to_string(rank), "rank up to 4",
      "reshape to [batch, heads, rows, columns]: the depth axis must be 1");
}

bool LinearRankFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "linear" || op.inputs.empty()) return false;
  const size_t rank = op.inputs[0].shape.rank();
  if (rank < 5) return false;
  return Fail(finding, "ANE cannot support Linear with input rank >= 5",
              "rank " + std::to_string(rank), "rank up to 4",
              "reshape the input to rank 4 or less");
}

bool AttentionFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "scaled_dot_product_attention" || op.inputs.size() < 3)
    return false;
  const OperandFacts& key = op.inputs[1];
  const OperandFacts& value = op.inputs[2];
  if (key.typed && value.typed && !(key.shape == value.shape)) {
    return Fail(finding, "K and V must have the same shape",
                key.shape.ToString() + " and " + value.shape.ToString(),
                "equal shapes", "pad the narrower of K and V with zeros");
  }
  if (op.inputs.size() < 4 || !op.inputs[3].present) return false;
  const DataType mask = op.inputs[3].dtype;
  if (mask == op.inputs[0].dtype) return false;
  return Fail(finding, "Mask format must be same as Q, K and V",
              DataTypeName(mask), DataTypeName(op.inputs[0].dtype),
              "an additive mask in fp16: 0 where allowed, a large negative "
              "number elsewhere");
}

bool AttentionWarns(const RuleContext& context, Finding* finding) {
  if (context.op.op != "scaled_dot_product_attention") return false;
  return Fail(finding,
              "attention is a program segment of its own and overflows unless "
              "the largest score is subtracted first (SubtractMax)",
              "fused attention", "",
              "none when Core ML compiles it; on the layer route set "
              "SubtractMax");
}

bool WeightsStream(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "linear" || op.inputs.size() < 2 || !op.inputs[1].typed)
    return false;
  const int64_t bytes = op.inputs[1].shape.NumElements() * 2;
  const int64_t limit = context.chip.operand_limit_bytes;
  if (limit == 0 || bytes < limit) return false;
  return Fail(finding, "the weights are streamed in tiles",
              Text(bytes) + " bytes of weights",
              "below " + Text(limit) + " bytes",
              "palette or int8 weights, where the chip streams them");
}

}  // namespace

const RuleTable& MatmulRules() {
  static const RuleTable rules = {
      {"V35", Severity::kFallback, Layer::kLegalisation, "", "decompiled",
       BroadcastIsCopied},
      {"V36", Severity::kReject, Layer::kValidator, "H16 H18", "measured",
       InnerExtentFails},
      {"V37", Severity::kReject, Layer::kPlacement, "H13", "measured",
       RankFiveFails},
      {"V38", Severity::kReject, Layer::kValidator, "", "decompiled",
       LinearRankFails},
      {"V39", Severity::kReject, Layer::kValidator, "", "decompiled",
       AttentionFails},
      {"V39", Severity::kWarn, Layer::kLegalisation, "H17", "measured",
       AttentionWarns},
      {"V40", Severity::kWarn, Layer::kLegalisation, "", "decompiled",
       WeightsStream},
  };
  return rules;
}

}  // namespace aneref::placement
