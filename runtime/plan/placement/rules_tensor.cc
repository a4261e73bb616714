// V01-V12: ranks, types and extents of an op's operands.
#include <algorithm>

#include "runtime/plan/placement/rule_support.h"

namespace aneref::placement {
namespace {

// Calls visit(operand, is_output) for each present operand; true when it does.
template <class Visit>
bool AnyOperand(const OpFacts& op, const Visit& visit) {
  for (const OperandFacts& input : op.inputs) {
    if (input.present && visit(input, false)) return true;
  }
  for (const OperandFacts& output : op.outputs) {
    if (output.present && visit(output, true)) return true;
  }
  return false;
}

bool RankFails(const RuleContext& context, Finding* finding) {
  size_t rank = 0;
  AnyOperand(context.op, [&](const OperandFacts& operand, bool) {
    rank = std::max(rank, operand.shape.rank());
    return false;
  });
  const auto most = static_cast<size_t>(context.chip.rank_max);
  if (rank <= most) return false;
  return Fail(finding,
              "tensor rank " + std::to_string(rank) +
                  " exceeds the ANE maximum of " + std::to_string(most),
              "rank " + std::to_string(rank), "rank 0 to " + Text(5),
              "reshape to rank " + std::to_string(most) +
                  " or less around the op, joining neighbouring axes");
}

bool InputTypeFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "input" || op.outputs.empty()) return false;
  const OperandFacts& input = op.outputs[0];
  const bool fine = !input.bfloat16 && (input.dtype == DataType::kFloat16 ||
                                        input.dtype == DataType::kUint8);
  // Core ML converts floats for the user; integers keep the op that reads
  // them off the engine.
  const bool converted =
      IsCoreMl(context) && !input.bfloat16 && IsFloating(input.dtype);
  if (fine || converted) return false;
  const std::string type = input.bfloat16 ? "bf16" : DataTypeName(input.dtype);
  return Fail(
      finding, "dtype must be 'fp16' or 'uint8'", type, "fp16 or uint8",
      "declare the input as fp16" +
          std::string(IsInteger(input.dtype) ? ", exact for integers up to 2048"
                                             : ""));
}

// uint8 may only be dequantised (or cast).
bool Uint8ArithmeticFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (IsOneOf(op.op, {"input", "dequantize", "quantize", "cast"})) return false;
  for (const OperandFacts& input : op.inputs) {
    if (!input.present || input.constant || input.dtype != DataType::kUint8)
      continue;
    return Fail(finding, "uint8 feeds arithmetic", "uint8 operand of " + op.op,
                "fp16", "dequantise (or cast to fp16) first");
  }
  return false;
}

bool IntegerWeightFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsConvLike(op) && op.op != "linear") return false;
  if (op.inputs.size() < 2 || !op.inputs[1].constant ||
      !IsInteger(op.inputs[1].dtype) || !op.inputs[1].compression.empty())
    return false;
  return Fail(finding, "plain integer weights are not accepted",
              DataTypeName(op.inputs[1].dtype), "fp16, fp32",
              "store the weights as fp16, or as int8 with a scale");
}

bool EmptyFails(const RuleContext& context, Finding* finding) {
  return AnyOperand(context.op, [&](const OperandFacts& operand, bool) {
    if (!operand.typed || operand.shape.NumElements() != 0) return false;
    Shape expected = operand.shape;
    for (size_t axis = 0; axis < expected.rank(); ++axis)
      expected[axis] = std::max<int64_t>(expected[axis], 1);
    const auto words = [](const Shape& shape) {
      std::string text = "tensor<fp16,[";
      for (size_t axis = 0; axis < shape.rank(); ++axis)
        text += (axis == 0 ? "" : ",") + Text(shape[axis]);
      return text + "]>";
    };
    return Fail(finding,
                "Expected " + words(expected) + "; got " + words(operand.shape),
                operand.shape.ToString(), "extents of at least 1",
                "drop the empty tensor");
  });
}

bool SymbolicFails(const RuleContext& context, Finding* finding) {
  if (!context.op.has_dynamic_shape) return false;
  return Fail(finding, "an extent is not known before the run",
              "symbolic shape", "constant extents",
              "fix the input shapes (--shape NAME=...); an extent that depends "
              "on values keeps the op on the CPU");
}

// The op's operands that must be floating point on the engine: not the index
// of a gather (V60), not bool.
bool IsIntegerWord(const OperandFacts& operand) {
  return operand.typed && IsInteger(operand.dtype) &&
         operand.dtype != DataType::kUint8 && operand.dtype != DataType::kInt8;
}

bool IntegerInputFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  const bool gathers =
      IsOneOf(op.op, {"gather", "gather_nd", "gather_along_axis"});
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    const OperandFacts& input = op.inputs[i];
    if (!input.present || input.constant || !IsIntegerWord(input)) continue;
    if (gathers && i == 1) continue;
    const std::string type = DataTypeName(input.dtype);
    // Core ML has no 64-bit integers: converters make them 32 bits wide.
    const std::string shown = type == "int64" ? "int32" : type;
    return Fail(finding, "Unsupported tensor data type: " + shown,
                type + " operand", "fp16, bool",
                "compute in fp16 (exact for integers up to 2048), or leave the "
                "integer part to the host");
  }
  return false;
}

bool IntegerOutputFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (IsOneOf(op.op, {"topk", "quantize", "input"})) return false;
  const bool ranks =
      IsOneOf(op.op, {"reduce_argmax", "reduce_argmin", "argsort", "sort"});
  // The direct route gives indices as fp16 numbers.
  if (ranks && (!IsCoreMl(context) || context.chip.generation < 16))
    return false;
  for (const OperandFacts& output : op.outputs) {
    if (!output.present || !IsIntegerWord(output)) continue;
    const std::string type = DataTypeName(output.dtype);
    const std::string shown = type == "int64" ? "int32" : type;
    return Fail(finding,
                op.op.starts_with("reduce_arg")
                    ? "Output type " + shown + " is not supported."
                    : "Unsupported tensor data type: " + shown,
                type + " output", "fp16, bool",
                ranks ? "leave the ranking of the result to the host: it costs "
                        "less than the crossing"
                      : "keep the value in fp16");
  }
  return false;
}

bool IsWide(const OperandFacts& operand) {
  return operand.typed && (operand.dtype == DataType::kFloat32 ||
                           operand.dtype == DataType::kFloat64);
}

// The widest float among the live operands; nullptr: all are fp16.
const OperandFacts* WideFloat(const OpFacts& op) {
  if (IsOneOf(op.op, {"cast", "input"})) return nullptr;
  for (const OperandFacts& input : op.inputs) {
    if (input.present && !input.constant && IsWide(input)) return &input;
  }
  for (const OperandFacts& output : op.outputs) {
    if (output.present && IsWide(output)) return &output;
  }
  return nullptr;
}

bool WideFloatKeepsOff(const RuleContext& context, Finding* finding) {
  const OperandFacts* wide = WideFloat(context.op);
  if (wide == nullptr || !IsCoreMl(context)) return false;
  return Fail(finding,
              std::string("the network declares ") + DataTypeName(wide->dtype) +
                  ": Core ML computes it off the engine",
              DataTypeName(wide->dtype), "fp16",
              "convert with compute precision fp16 (here: --precision fp16)");
}

bool WideFloatIsNarrowed(const RuleContext& context, Finding* finding) {
  const OperandFacts* wide = WideFloat(context.op);
  if (wide == nullptr || IsCoreMl(context)) return false;
  return Fail(finding, "declared fp32 is computed in fp16",
              DataTypeName(wide->dtype), "fp16");
}

bool ImageInputFails(const RuleContext& context, Finding* finding) {
  if (context.op.op != "input" || !context.op.image || IsCoreMl(context))
    return false;
  return Fail(finding, "an image with a four-character code is no input here",
              "image", "uint8 or fp16 tensor", "feed the pixels as uint8");
}

std::string DimensionText(const Extents& e) {
  return "N" + Text(e.n) + "D" + Text(e.d) + "C" + Text(e.c) + "H" + Text(e.h) +
         "W" + Text(e.w);
}

std::string ExtentMessage(const Extents& extents, int64_t most,
                          const PlacementChip& chip) {
  if (chip.generation < 16) {
    return "exceeds ANE family " + Text(chip.family) + "'s max dimension " +
           Text(most);
  }
  std::string range;
  constexpr const char* kNames[] = {"N", "D", "C", "H", "W"};
  for (size_t axis = 0; axis < 5; ++axis)
    range += std::string(axis == 0 ? "" : "") + kNames[axis] + "[1-" +
             Text(chip.tensor_max[axis]) + "]";
  return "Tensor dimensions " + DimensionText(extents) +
         " are not within supported range, " + range + ".";
}

bool ExtentFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  const PlacementChip& chip = context.chip;
  constexpr const char* kNames[] = {"N", "D", "C", "H", "W"};
  const bool packs_constants = IsConvLike(op) || op.op == "linear";
  return AnyOperand(op, [&](const OperandFacts& operand, bool) {
    if (!operand.typed || (operand.constant && packs_constants)) return false;
    const Extents e = ExtentsOf(operand.shape, op.channels_second);
    const int64_t extents[] = {e.n, e.d, e.c, e.h, e.w};
    for (size_t axis = 0; axis < 5; ++axis) {
      const int64_t most = chip.tensor_max[axis];
      if (most == 0 || extents[axis] <= most) continue;
      const int64_t parts = (extents[axis] + most - 1) / most;
      std::string fix = "split " + std::string(kNames[axis]) + " into " +
                        Text(parts) + " parts of at most " + Text(most);
      if (op.op == "linear" && extents[axis] <= chip.tensor_max[2]) {
        fix = "write it as a 1x1 convolution: channels may be " +
              Text(chip.tensor_max[2]);
      }
      return Fail(finding, ExtentMessage(e, most, chip),
                  std::string(kNames[axis]) + " = " + Text(extents[axis]),
                  std::string(kNames[axis]) + " up to " + Text(most), fix);
    }
    return false;
  });
}

}  // namespace

const RuleTable& TensorRules() {
  static const RuleTable rules = {
      {"V01", Severity::kReject, Layer::kFrontend, "H13", "measured",
       RankFails},
      {"V02", Severity::kReject, Layer::kFrontend, "H13", "measured",
       InputTypeFails},
      {"V02", Severity::kReject, Layer::kValidator, "H13", "measured",
       Uint8ArithmeticFails},
      {"V03", Severity::kReject, Layer::kFrontend, "H13", "measured",
       IntegerWeightFails},
      {"V04", Severity::kReject, Layer::kFrontend, "H13", "measured",
       EmptyFails},
      {"V05", Severity::kReject, Layer::kFrontend, "H13", "measured",
       SymbolicFails},
      {"V06", Severity::kReject, Layer::kPlacement, "H13 H16", "measured",
       IntegerInputFails},
      {"V06", Severity::kReject, Layer::kPlacement, "H13 H16", "measured",
       IntegerOutputFails},
      {"V07", Severity::kReject, Layer::kPlacement, "",
       "modelled: declared fp32 stays off the engine", WideFloatKeepsOff},
      {"V07", Severity::kWarn, Layer::kFrontend, "H13", "measured",
       WideFloatIsNarrowed},
      {"V08", Severity::kReject, Layer::kFrontend, "H13", "measured",
       ImageInputFails},
      {"V10", Severity::kReject, Layer::kValidator, "H13 H14 H16 H18",
       "measured", ExtentFails},
  };
  return rules;
}

}  // namespace aneref::placement
