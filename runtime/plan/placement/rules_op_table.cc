// Which ops a chip has at all: V09 (no path), V46, V53, V55, V69, V70, V71 and
// V91 by name, V99 (floors of the MIL route, bridges). The table is data
// (schema/data/ops.json); here is what its statuses mean.
#include <string>
#include <utility>
#include <vector>

#include "runtime/plan/placement/rule_support.h"

namespace aneref::placement {
namespace {

constexpr std::string_view kLogicAndTrigonometry[] = {
    "logical_and", "logical_or", "logical_xor", "mod",   "tan",  "asin",
    "acos",        "atanh",      "asinh",       "acosh", "sinh", "cosh"};
constexpr std::string_view kNoEngineForm[] = {"scatter",
                                              "scatter_along_axis",
                                              "scatter_nd",
                                              "one_hot",
                                              "non_zero",
                                              "band_part",
                                              "reverse_sequence",
                                              "shape",
                                              "sliding_windows",
                                              "list_gather",
                                              "list_length",
                                              "list_read",
                                              "list_scatter",
                                              "list_write",
                                              "make_list",
                                              "cumsum",
                                              "range_1d",
                                              "random_normal",
                                              "random_bernoulli",
                                              "random_categorical",
                                              "lstm",
                                              "gru",
                                              "rnn",
                                              "non_maximum_suppression"};
constexpr std::string_view kTexture[] = {"crop_resize", "resample", "affine",
                                         "resize_as",
                                         "affine_transform_padding_reflect"};
constexpr std::string_view kControl[] = {"cond", "while_loop"};
constexpr std::string_view kRanking[] = {"topk", "sort", "argsort"};

template <size_t kCount>
bool IsIn(const std::string_view (&names)[kCount], std::string_view op) {
  for (const std::string_view name : names) {
    if (name == op) return true;
  }
  return false;
}

// The rule that speaks for an op the table refuses.
std::string_view RuleOf(std::string_view op) {
  if (op == "sin" || op == "cos") return "V46";
  if (IsIn(kLogicAndTrigonometry, op)) return "V53";
  if (op == "reduce_prod") return "V55";
  if (IsIn(kTexture, op)) return "V69";
  if (IsIn(kNoEngineForm, op)) return "V70";
  if (IsIn(kRanking, op)) return "V71";
  if (IsIn(kControl, op)) return "V91";
  return "V09";
}

// Other rules decide these by more than their name: depth (V26), types (V06),
// begins (V68), ranks (V71), capability bytes (V52), fp8 (V77).
bool DecidedElsewhere(std::string_view op) {
  return IsOneOf(op, {"input", "conv3d", "dynamic_slice", "topk", "dropout",
                      "fp8_e4m3_quant", "read_state", "write_state"});
}

enum class Verdict { kAccepted, kBridge, kGated, kNone, kRefused, kUnknown };

Verdict VerdictOf(const std::string& op, const RuleContext& context) {
  const OpRow* row = OpTable::Embedded().Find(op);
  if (row == nullptr) return Verdict::kUnknown;
  // V70: no engine form, whatever the direct route's table says (cumsum is
  // native there through a curated path only).
  if (IsIn(kNoEngineForm, op)) return Verdict::kNone;
  if (IsIn(kControl, op)) return Verdict::kNone;
  const PlacementChip& chip = context.chip;
  if (IsCoreMl(context) && chip.generation >= 16) {
    // Argument reductions are refused for their int32 results only (V06).
    if (row->status[kCoreMl] == OpStatus::kRefused &&
        !IsOneOf(op, {"reduce_argmax", "argsort"}))
      return Verdict::kRefused;
    if (row->status[kCoreMl] == OpStatus::kAccepted) return Verdict::kAccepted;
    // [O]: the sources name logical_and only; or and xor are taken alike.
    if (op == "logical_or" || op == "logical_xor") return Verdict::kAccepted;
  }
  switch (row->status[chip.column]) {
    case OpStatus::kGated:
      return Verdict::kGated;
    case OpStatus::kNone:
      return Verdict::kNone;
    case OpStatus::kBridge:
      return Verdict::kBridge;
    default:
      return Verdict::kAccepted;
  }
}

bool IsRefused(Verdict verdict) {
  return verdict == Verdict::kGated || verdict == Verdict::kNone ||
         verdict == Verdict::kRefused || verdict == Verdict::kUnknown;
}

std::string RefusalText(const std::string& op, Verdict verdict,
                        const PlacementChip& chip) {
  if (op == "sin" || op == "cos") {
    return "This platform doesn't support Neuron " + op;
  }
  if (op == "scatter") {
    return "scatter MIL op is currently only supported on uANE targets (u1-u4)";
  }
  if (op == "crop_resize" && verdict == Verdict::kRefused) {
    return "type int32 for \"box_indices\" is not supported. only support "
           "UInt16.";
  }
  if (op == "affine") {
    return "affine transform is not supported on this architecture";
  }
  if (verdict == Verdict::kGated) {
    return op + " is known to the validator, but " + chip.label +
           " does not run it";
  }
  return "Unsupported MIL operation \"" + op + "\".";
}

// V53: an op that has no name of its own in the table: the parts it is made of.
std::vector<std::string> PartsOf(const OpFacts& op) {
  if (!op.parts.empty()) return op.parts;
  return {op.op};
}

// What takes an op's place where the table of ops has no rewrite for it. The
// pools and convolutions that it names run on every generation.
std::string Substitute(const std::string& op) {
  static constexpr std::pair<std::string_view, const char*> kSubstitutes[] = {
      {"reduce_mean", "an average pool over the axes"},
      {"reduce_sum", "a convolution with weights of 1 over the axes"},
      {"reduce_max", "a maximum pool over the axes"},
      {"reduce_min", "negate, a maximum pool over the axes, negate"},
      {"reduce_sum_square", "square, then a convolution with weights of 1"},
      {"reduce_l2_norm",
       "scale by a constant in training; the norm itself on the host"},
      {"batch_norm", "fold its scale and shift into the convolution before it"},
      {"layer_norm",
       "train with a batch_norm and fold it into the convolution before it"},
      {"upsample_nearest_neighbor",
       "a channelwise transposed convolution with weights of 1"},
      {"upsample_bilinear",
       "a channelwise transposed convolution with bilinear weights"},
      {"tile", "a concat of the tensor with itself"},
      {"gather_nd", "constant slices and a concat"},
      {"integer_mac",
       "dequantise the operands, then a plain convolution or matmul in fp16"},
  };
  for (const auto& [name, text] : kSubstitutes) {
    if (op == name) return text;
  }
  return "compute it on the host at an end of the model, where it costs one "
         "crossing";
}

std::string RewriteOf(const OpRow* row, const std::string& op) {
  return row == nullptr || row->rewrite.empty() ? Substitute(op) : row->rewrite;
}

bool OpFails(std::string_view rule, const RuleContext& context,
             Finding* finding) {
  if (DecidedElsewhere(context.op.op)) return false;
  for (const std::string& part : PartsOf(context.op)) {
    if (RuleOf(part) != rule) continue;
    const Verdict verdict = VerdictOf(part, context);
    if (!IsRefused(verdict)) continue;
    const OpRow* row = OpTable::Embedded().Find(part);
    return Fail(finding, RefusalText(part, verdict, context.chip), part,
                row == nullptr ? "an op of the op table"
                               : "not on " + context.chip.label,
                "replace it: " + RewriteOf(row, part));
  }
  return false;
}

bool NoPath(const RuleContext& c, Finding* f) { return OpFails("V09", c, f); }
bool NoNeuron(const RuleContext& c, Finding* f) { return OpFails("V46", c, f); }
bool NoLogic(const RuleContext& c, Finding* f) { return OpFails("V53", c, f); }
bool NoProduct(const RuleContext& c, Finding* f) {
  return OpFails("V55", c, f);
}
bool NoTexture(const RuleContext& c, Finding* f) {
  return OpFails("V69", c, f);
}
bool NoForm(const RuleContext& c, Finding* f) { return OpFails("V70", c, f); }
bool NoRanking(const RuleContext& c, Finding* f) {
  return OpFails("V71", c, f);
}
bool NoControl(const RuleContext& c, Finding* f) {
  return OpFails("V91", c, f);
}

// V99: the MIL route has these from H13 on.
bool BelowFloor(const RuleContext& context, Finding* finding) {
  for (const std::string& part : PartsOf(context.op)) {
    const OpRow* row = OpTable::Embedded().Find(part);
    // Higher floors belong to ops that V46, V69 and V56 speak for.
    if (row == nullptr || row->floor != 2 || context.chip.family >= row->floor)
      continue;
    if (part == "softmax" || part == "instance_norm" ||
        part == "local_response_norm")
      continue;  // V48, V49, V50
    return Fail(finding, part + " needs compiler family index 2 (H13) or later",
                "family index " + Text(context.chip.family), "2 or more",
                "replace it: " + RewriteOf(row, part));
  }
  return false;
}

bool IsComposed(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.parts.size() < 2) return false;
  std::string parts;
  for (const std::string& part : op.parts)
    parts += (parts.empty() ? "" : ", ") + part;
  std::string fix = "none for placement; write the parts out to choose them";
  if (op.op == "hard_swish") fix = "silu is one activation (after retraining)";
  if (op.op == "mish") fix = "silu is one activation (after retraining)";
  if (op.op == "rms_norm") fix = "layer_norm is one operation from H13 on";
  if (op.op == "group_norm") fix = "layer_norm, or fold a batch_norm";
  return Fail(finding, "no engine operation of its own: runs as " + parts,
              Text(static_cast<int64_t>(op.parts.size())) + " operations",
              "1 operation", fix);
}

// V99: the older layer route. Static slices fold into a descriptor, and the
// resize family has a rule of its own (V69).
bool IsBridged(const RuleContext& context, Finding* finding) {
  const std::string& op = context.op.op;
  if (op == "slice_by_index" || DecidedElsewhere(op) ||
      IsOneOf(op, {"resize", "resize_bilinear", "resize_nearest_neighbor",
                   "upsample_bilinear", "upsample_nearest_neighbor"}))
    return false;
  if (!context.op.parts.empty() || VerdictOf(op, context) != Verdict::kBridge)
    return false;
  const OpRow* row = OpTable::Embedded().Find(op);
  const std::string note =
      row == nullptr || row->note.empty() ? "" : " (" + row->note + ")";
  return Fail(finding,
              op + " is reached through the older layer route only" + note,
              "bridge", "native",
              op == "gather_nd" ? "replace it: " + RewriteOf(row, op)
                                : "none for placement: it runs there");
}

}  // namespace

const RuleTable& OpTableRules() {
  static const RuleTable rules = {
      {"V09", Severity::kReject, Layer::kFrontend, "H13", "measured", NoPath},
      {"V09", Severity::kFallback, Layer::kLegalisation, "",
       "modelled: our decomposition", IsComposed},
      {"V46", Severity::kReject, Layer::kValidator, "H13", "measured",
       NoNeuron},
      {"V53", Severity::kReject, Layer::kFrontend, "H13 H16 H17", "measured",
       NoLogic},
      {"V55", Severity::kReject, Layer::kFrontend, "H13 H16", "measured",
       NoProduct},
      {"V69", Severity::kReject, Layer::kCodeGeneration, "H13 H16", "measured",
       NoTexture},
      {"V70", Severity::kReject, Layer::kFrontend, "H13 H16", "measured",
       NoForm},
      {"V71", Severity::kReject, Layer::kCodeGeneration, "H13", "measured",
       NoRanking},
      {"V91", Severity::kReject, Layer::kFrontend, "H13", "measured",
       NoControl},
      {"V99", Severity::kReject, Layer::kFrontend, "", "decompiled",
       BelowFloor},
      {"V99", Severity::kFallback, Layer::kLegalisation, "", "decompiled",
       IsBridged},
  };
  return rules;
}

}  // namespace aneref::placement
