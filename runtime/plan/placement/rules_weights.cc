// V75-V81, V90 and V95: stored weights, kernel memory, working sets, states.
#include <algorithm>

#include "runtime/plan/engine/kernel_memory.h"
#include "runtime/plan/engine/ocg.h"
#include "runtime/plan/placement/rule_support.h"

namespace aneref::placement {
namespace {

const OperandFacts* CompressedWeight(const OpFacts& op,
                                     std::string_view compression) {
  for (const OperandFacts& input : op.inputs) {
    if (input.present && input.constant && input.compression == compression)
      return &input;
  }
  return nullptr;
}

bool PaletteFails(const RuleContext& context, Finding* finding) {
  const OperandFacts* weight = CompressedWeight(context.op, "palette");
  if (weight == nullptr) return false;
  const int64_t vector = weight->palette_vector;
  if (!IsOneOf(Text(vector), {"1", "2", "4", "5"})) {
    return Fail(finding, "the palette's vectors have an odd length",
                "vector size " + Text(vector), "1, 2, 4, 5",
                "palettise with vectors of 4");
  }
  const int64_t bits = weight->palette_bits;
  const bool old = context.chip.generation <= 13;
  const bool fine =
      bits == 4 || bits == 8 || (!old && (bits == 3 || bits == 6));
  if (fine) return false;
  return Fail(finding, "the palette's index width has no decoder",
              Text(bits) + " bits", old ? "4, 8" : "3, 4, 6, 8",
              "palettise with " + std::string(bits < 4 ? "4" : "8") + " bits");
}

bool ZeroPointIsFolded(const RuleContext& context, Finding* finding) {
  const OperandFacts* weight = CompressedWeight(context.op, "affine");
  if (weight == nullptr || !weight->nonzero_zero_point ||
      context.chip.generation > 13)
    return false;
  return Fail(finding, "int8 with a zero point is expanded to fp16 on the host",
              "asymmetric int8", "zero point 0",
              "quantise the weights symmetrically");
}

bool Float8Fails(const RuleContext& context, Finding* finding) {
  if (context.op.op != "fp8_e4m3_quant" || context.chip.has_fp8) return false;
  return Fail(finding, "E4M3 is not supported on this architecture",
              context.chip.arch, "H18 and later", "fp16 or int8 weights");
}

bool Float8ZeroPointFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "fp8_e4m3_quant" || !context.chip.has_fp8 || op.inputs.empty() ||
      !op.inputs[0].nonzero_zero_point)
    return false;
  return Fail(finding,
              "Zero point is not supported for quant with E4M3 output format",
              "zero point", "0", "shift the values before");
}

bool JointCompressionFails(const RuleContext& context, Finding* finding) {
  const OperandFacts* weight = CompressedWeight(context.op, "joint");
  if (weight == nullptr) return false;
  return Fail(finding, "exactly one constexpr op per compressed weight",
              "two compressions, one in the other", "1",
              "either sparse, or palette, or int8");
}

bool Int4IsExpanded(const RuleContext& context, Finding* finding) {
  for (const char* compression : {"affine4", "blockwise4"}) {
    if (CompressedWeight(context.op, compression) == nullptr) continue;
    return Fail(finding,
                "4-bit integer weights have no arithmetic form: expanded",
                "int4", "int8, or a 4-bit palette", "a 4-bit palette");
  }
  return false;
}

engine::ConvGeometry GeometryOf(const OpFacts& op) {
  engine::ConvGeometry conv;
  conv.cin = std::max<int64_t>(op.cin, 1);
  conv.cout = std::max<int64_t>(op.cout, 1);
  conv.groups = std::max<int64_t>(op.groups, 1);
  conv.kernel = op.kernel;
  conv.stride = op.stride;
  conv.dilation = op.dilation;
  return conv;
}

bool WeightsArePassed(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  const bool conv = IsConvLike(op) || op.op == "linear";
  if (!conv || op.runtime_weights || op.groups < 1 || op.cin % op.groups != 0)
    return false;
  const engine::EngineModel& model = context.chip.model;
  const engine::ConvGeometry geometry = GeometryOf(op);
  const int64_t bytes = engine::KernelBytesPerCore(model, geometry);
  const int64_t most = context.chip.kernel_memory_bytes;
  if (most == 0 || bytes <= most) return false;
  const auto parts =
      engine::SplitKernel(model, geometry, {false, 1, false, 0}).channels;
  return Fail(finding,
              "the weights of one core exceed its kernel memory: " +
                  std::to_string(parts.size()) + " task descriptors",
              Text(bytes) + " bytes per core", "up to " + Text(most),
              "fewer input channels per group, or a smaller kernel");
}

bool SparseExcludesWinograd(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (CompressedWeight(op, "sparse") == nullptr || !IsConvLike(op))
    return false;
  if (op.kernel.w != 3 || op.kernel.h > 3 || op.stride.w != 1 ||
      op.dilation.w != 1)
    return false;
  return Fail(finding,
              "sparse weights exclude Winograd: a 3x3 layer gains below about "
              "30 % density only",
              "sparse 3x3, stride 1", "", "prune 1x1 layers instead");
}

bool StateFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsOneOf(op.op, {"read_state", "write_state"}) || IsCoreMl(context))
    return false;
  return Fail(finding, "states do not compile on the unentitled direct route",
              op.op, "outputs aliased to inputs",
              "pass the state as an input and an output that share a buffer");
}

bool WorkingSetStreams(const RuleContext& context, Finding* finding) {
  const double bytes = SizesOf(context.op).largest_bytes;
  const auto most = static_cast<double>(context.chip.operand_limit_bytes);
  if (most == 0 || bytes <= most) return false;
  return Fail(finding, "an operand exceeds the on-chip memory: tiled, streamed",
              Text(static_cast<int64_t>(bytes)) + " bytes",
              "up to " + Text(context.chip.operand_limit_bytes),
              "smaller maps or fewer channels, if this layer is the slow one");
}

}  // namespace

const RuleTable& WeightRules() {
  static const RuleTable rules = {
      {"V75", Severity::kReject, Layer::kValidator, "", "decompiled",
       PaletteFails},
      {"V76", Severity::kFallback, Layer::kLegalisation, "", "decompiled",
       ZeroPointIsFolded},
      {"V77", Severity::kReject, Layer::kValidator, "", "decompiled",
       Float8Fails},
      {"V77", Severity::kReject, Layer::kValidator, "", "decompiled",
       Float8ZeroPointFails},
      {"V78", Severity::kReject, Layer::kFrontend, "", "decompiled",
       JointCompressionFails},
      {"V79", Severity::kFallback, Layer::kLegalisation, "", "decompiled",
       Int4IsExpanded},
      {"V80", Severity::kWarn, Layer::kLegalisation, "H18", "measured",
       WeightsArePassed},
      {"V81", Severity::kWarn, Layer::kLegalisation, "", "decompiled",
       SparseExcludesWinograd},
      {"V90", Severity::kReject, Layer::kFrontend, "H13", "measured",
       StateFails},
      {"V95", Severity::kWarn, Layer::kLegalisation, "", "decompiled",
       WorkingSetStreams},
  };
  return rules;
}

}  // namespace aneref::placement
