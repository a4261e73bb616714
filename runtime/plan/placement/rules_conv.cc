// V20-V30: convolutions, transposed ones included.
#include <algorithm>

#include "runtime/plan/engine/op_mapping.h"
#include "runtime/plan/placement/rule_support.h"

namespace aneref::placement {
namespace {

constexpr const char* kLargeKernel =
    "Error: conv with large kernel does not meet decomposition preconditions";

// V21: largest kernel in practice. H14 and H15 are unmeasured: the smaller of
// the table and H16's practice.
constexpr int64_t kPracticalWidth = 15;
constexpr int64_t kPracticalHeight = 31;

bool BeforeH14(const PlacementChip& chip) { return chip.generation <= 13; }

std::string KernelText(const Axes3& kernel) {
  return (kernel.d > 1 ? Text(kernel.d) + "x" : "") + Text(kernel.h) + "x" +
         Text(kernel.w);
}

// Two parts that are as equal as can be, and fit.
std::string SplitText(const char* axis, int64_t extent, int64_t most) {
  const int64_t parts = (extent + most - 1) / most;
  std::string sizes;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t size = extent / parts + (i < extent % parts ? 1 : 0);
    sizes += (i == 0 ? "" : " + ") + Text(size);
  }
  return std::string("split the kernel's ") + axis + " into " + sizes +
         ": that many convolutions, added";
}

bool WidthFailsBeforeH14(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsConvLike(op) || !BeforeH14(context.chip)) return false;
  const int64_t most = op.narrow_weights ? context.chip.kernel_w_narrow
                                         : context.chip.kernel_w_fp16;
  const int64_t width = op.kernel.w;
  if (width <= most) return false;
  const bool frontend = !op.narrow_weights && width > 15;
  return Fail(finding,
              frontend ? std::string("kW must be <=15")
                       : "Invalid conv kernel width = " + Text(width) +
                             ", It should be in [1," + Text(most) + "]",
              "kernel width " + Text(width), "1 to " + Text(most),
              SplitText("width", width, most));
}

bool KernelFailsFromH14(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  const PlacementChip& chip = context.chip;
  if (!IsConvLike(op) || BeforeH14(chip)) return false;
  const int64_t table_w =
      op.narrow_weights ? chip.kernel_w_narrow : chip.kernel_w_fp16;
  const int64_t most_w = std::min(table_w, kPracticalWidth);
  const int64_t most_h = std::min(chip.kernel_h, kPracticalHeight);
  const bool wide = op.kernel.w > most_w;
  if (!wide && op.kernel.h <= most_h) return false;
  return Fail(finding, kLargeKernel, "kernel " + KernelText(op.kernel),
              "width 1 to " + Text(most_w) + ", height 1 to " + Text(most_h),
              wide ? SplitText("width", op.kernel.w, most_w)
                   : SplitText("height", op.kernel.h, most_h));
}

bool HeightFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsConvLike(op) || !BeforeH14(context.chip)) return false;
  const int64_t most = context.chip.kernel_h;
  if (op.kernel.h <= most) return false;
  return Fail(finding,
              "Invalid conv kernel height = " + Text(op.kernel.h) +
                  ", It should be in [1," + Text(most) + "]",
              "kernel height " + Text(op.kernel.h), "1 to " + Text(most),
              SplitText("height", op.kernel.h, most));
}

bool KernelBeyondInputFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsConvLike(op) || op.op == "conv_transpose" || op.inputs.empty() ||
      !op.inputs[0].typed)
    return false;
  const Extents in = ExtentsOf(op.inputs[0].shape, op.channels_second);
  struct Axis {
    const char* name;
    int64_t extent, padding, kernel, dilation;
  };
  const Axis axes[] = {{"height", in.h, op.pad_begin.h + op.pad_end.h,
                        op.kernel.h, op.dilation.h},
                       {"width", in.w, op.pad_begin.w + op.pad_end.w,
                        op.kernel.w, op.dilation.w},
                       {"depth", in.d, op.pad_begin.d + op.pad_end.d,
                        op.kernel.d, op.dilation.d}};
  for (const Axis& axis : axes) {
    const int64_t window = (axis.kernel - 1) * axis.dilation + 1;
    if (axis.extent + axis.padding >= window) continue;
    return Fail(finding,
                std::string("the kernel is larger than its padded input in ") +
                    axis.name,
                axis.name + (" " + Text(window)) + " on " +
                    Text(axis.extent + axis.padding),
                "at most the padded input",
                "pad by " + Text(window - axis.extent - axis.padding) +
                    " more, or crop the kernel");
  }
  return false;
}

// Strided axes of transposed convolutions use the small mode.
bool SmallModeFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  const PlacementChip& chip = context.chip;
  if (op.op != "conv_transpose") return false;
  const int64_t most_w =
      op.narrow_weights ? chip.kernel_w_small_narrow : chip.kernel_w_small_fp16;
  const bool wide = op.stride.w > 1 && op.kernel.w > most_w;
  const bool tall = op.stride.h > 1 && op.kernel.h > chip.kernel_h_small;
  if (!wide && !tall) return false;
  return Fail(finding,
              "a strided axis of a transposed convolution takes the small "
              "kernel mode only",
              "kernel " + KernelText(op.kernel) + ", stride " +
                  Text(op.stride.h) + "x" + Text(op.stride.w),
              "width up to " + Text(most_w) + ", height up to " +
                  Text(chip.kernel_h_small) + " on strided axes",
              "upsample by the stride, then convolve; or a smaller kernel");
}

bool WideKernelIsRewritten(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsConvLike(op) || context.chip.generation < 16) return false;
  const bool wide = op.kernel.w >= 9 && op.kernel.w <= 15;
  const bool tall = op.kernel.h >= 16 && op.kernel.h <= 31;
  if (!wide && !tall) return false;
  const int64_t rewritten =
      context.chip.generation >= 18 ? (op.kernel.w + 2) / 2 * 2 : op.kernel.w;
  return Fail(
      finding,
      wide ? "rewritten at stride 2 with two output pixels per step, kernel "
             "width " +
                 Text(rewritten) + ": about twice the weights"
           : "the kernel's height is split over several task descriptors",
      "kernel " + KernelText(op.kernel), "native: width 1 to 8, height 1 to 15",
      wide ? "a kernel of at most 8 columns" : "a kernel of at most 15 rows");
}

// "Large" kernels on the netplist route.
bool LargeKernelUneven(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsConvLike(op) || IsCoreMl(context)) return false;
  const PlacementChip& chip = context.chip;
  const int64_t small =
      op.narrow_weights ? chip.kernel_w_small_narrow : chip.kernel_w_small_fp16;
  const bool uneven =
      (op.kernel.w > small && op.kernel.w % 8 != 0) ||
      (op.kernel.h > chip.kernel_h_small && op.kernel.h % 8 != 0);
  if (!uneven) return false;
  return Fail(finding,
              "as a netplist layer a large kernel must be a multiple of 8",
              "kernel " + KernelText(op.kernel), "multiples of 8",
              "pad the kernel with zeros");
}

bool HasDepth(const OpFacts& op) {
  return op.op == "conv3d" || op.spatial_rank == 3 || op.kernel.d > 1;
}

bool DepthFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  const PlacementChip& chip = context.chip;
  if (!IsConvLike(op) || !HasDepth(op)) return false;
  // G: fails lowering on M1 and M5. S6: compiled for H18, accepted by Core ML
  // on M4.
  const bool accepted =
      IsCoreMl(context) ? chip.generation >= 16 : chip.generation >= 18;
  if (accepted) return false;
  return Fail(finding, "3-D convolution fails lowering",
              "kernel depth " + Text(op.kernel.d), "no depth axis",
              "a sum of " + Text(std::max<int64_t>(op.kernel.d, 1)) +
                  " 2-D convolutions over depth slices");
}

bool DepthIsDisputed(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  const bool pool = IsOneOf(op.op, {"avg_pool", "max_pool", "l2_pool"});
  if ((!IsConvLike(op) && !pool) || !HasDepth(op)) return false;
  Finding ignored;
  if (!pool && DepthFails(context, &ignored)) return false;
  return Fail(
      finding,
      "sources disagree on 3-D windows: one saw lowering fail on M1 and "
      "M5, another compiled them for M6 and saw Core ML accept them on "
      "M4",
      "kernel depth " + Text(op.kernel.d), "");
}

bool GroupsFail(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsConvLike(op) || op.groups < 1) return false;
  const int64_t rest_in = op.cin % op.groups;
  const int64_t rest_out = op.cout % op.groups;
  if (rest_in == 0 && rest_out == 0) return false;
  const auto padded = [&](int64_t channels) {
    return Text((channels + op.groups - 1) / op.groups * op.groups);
  };
  return Fail(finding,
              rest_in != 0
                  ? "KernelChannels (" + Text(op.cin / op.groups) +
                        ") != InputChannels (" + Text(op.cin) + ") / Group (" +
                        Text(op.groups) + ")"
                  : "input/output channels should be divisible by num group",
              Text(op.cin) + " -> " + Text(op.cout) + " channels in " +
                  Text(op.groups) + " groups",
              "channels divisible by the groups",
              rest_in != 0 ? "pad the input channels to " + padded(op.cin)
                           : "pad the output channels to " + padded(op.cout));
}

bool GroupsAreUneven(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  constexpr int64_t kCores = 4;  // of the source's cost formula
  if (!IsConvLike(op) || op.groups <= 1 || op.groups >= op.cin) return false;
  if (kCores % op.groups == 0) return false;
  return Fail(finding, "this number of groups leaves cores idle",
              Text(op.groups) + " groups", "1, 2, 4, or depthwise",
              op.groups % 4 == 0
                  ? "4 convolutions of " + Text(op.groups / 4) +
                        " groups each change nothing; fewer groups do"
                  : "2 or 4 groups, or depthwise and 1x1");
}

bool OneDimensionalConv(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsConvLike(op) || op.inputs.empty() || op.inputs[0].shape.rank() != 3)
    return false;
  return Fail(finding, "conv input must be rank 4: H = 1 is inserted", "rank 3",
              "rank 4 (5 with depth)",
              "none needed; write it as 1xK to keep the layout yours");
}

bool RuntimeWeightsFail(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  const bool runtime = op.op == "dynamic_weight_conv" ||
                       (op.op == "conv_transpose" && op.runtime_weights);
  if (!runtime || op.inputs.empty() || op.inputs[0].shape.rank() == 0)
    return false;
  const int64_t batch = op.inputs[0].shape[0];
  if (batch < 2) return false;
  return Fail(
      finding,
      "convolution with runtime weights and more than one image stops "
      "the device compiler",
      "batch " + Text(batch), "batch 1",
      "run the batch as " + Text(batch) + " calls, or bake the weights");
}

bool TransposedStrideWarns(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (op.op != "conv_transpose" || IsCoreMl(context)) return false;
  if (op.stride.w <= 2 && op.stride.h <= 2) return false;
  return Fail(finding, "as a netplist layer the stride must be 1 or 2",
              "stride " + Text(op.stride.h) + "x" + Text(op.stride.w), "1, 2",
              "two transposed convolutions of stride 2");
}

}  // namespace

const RuleTable& ConvRules() {
  static const RuleTable rules = {
      {"V20", Severity::kReject, Layer::kLegalisation, "H13", "measured",
       WidthFailsBeforeH14},
      {"V21", Severity::kReject, Layer::kLegalisation, "H16 H18", "measured",
       KernelFailsFromH14},
      {"V22", Severity::kReject, Layer::kValidator, "H13", "measured",
       HeightFails},
      {"V22", Severity::kReject, Layer::kFrontend, "H13", "measured",
       KernelBeyondInputFails},
      {"V23", Severity::kReject, Layer::kValidator, "", "decompiled",
       SmallModeFails},
      {"V24", Severity::kFallback, Layer::kLegalisation, "H18", "measured",
       WideKernelIsRewritten},
      {"V25", Severity::kWarn, Layer::kValidator, "", "decompiled",
       LargeKernelUneven},
      {"V26", Severity::kReject, Layer::kCodeGeneration, "H13 H17", "measured",
       DepthFails},
      {"V26", Severity::kWarn, Layer::kCodeGeneration, "H16 H18", "measured",
       DepthIsDisputed},
      {"V27", Severity::kReject, Layer::kFrontend, "H13", "measured",
       GroupsFail},
      {"V27", Severity::kWarn, Layer::kLegalisation, "", "decompiled",
       GroupsAreUneven},
      {"V28", Severity::kFallback, Layer::kFrontend, "H13", "measured",
       OneDimensionalConv},
      {"V29", Severity::kReject, Layer::kCodeGeneration, "H13", "measured",
       RuntimeWeightsFail},
      {"V30", Severity::kWarn, Layer::kValidator, "", "decompiled",
       TransposedStrideWarns},
  };
  return rules;
}

}  // namespace aneref::placement
