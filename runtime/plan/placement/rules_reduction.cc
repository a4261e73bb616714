// V55-V57: reductions, argument reductions, pools.
#include <algorithm>

#include "runtime/plan/placement/rule_support.h"

namespace aneref::placement {
namespace {

int64_t ExtentOfAxis(const Extents& e, int axis) {
  const int64_t values[] = {e.n, e.d, e.c, e.h, e.w};
  return values[axis];
}

bool ArgumentFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsOneOf(op.op, {"reduce_argmax", "reduce_argmin"}) ||
      op.inputs.empty() || !op.inputs[0].typed)
    return false;
  const Extents e = ExtentsOf(op.inputs[0].shape);
  const int64_t most = context.chip.arg_axis_max;
  for (const int axis : op.axes) {
    const int64_t extent = ExtentOfAxis(e, axis);
    if (axis < 2 || most == 0 || extent <= most) continue;
    const int64_t parts = (extent + most - 1) / most;
    return Fail(finding, "the reduced axis exceeds " + Text(most) + " elements",
                "extent " + Text(extent), "up to " + Text(most),
                "split the axis into " + Text(parts) +
                    " parts and compare their extremes");
  }
  return false;
}

bool WholeTensorArgumentFails(const RuleContext& context, Finding* finding) {
  const std::string& op = context.op.op;
  if (!IsOneOf(op, {"global_argmax", "global_argmin"})) return false;
  const bool native = context.chip.family >= 4;
  if (native || (!IsCoreMl(context) && context.chip.has_global_arg))
    return false;
  return Fail(finding, "an argument reduction of the whole tensor", op,
              "H15 and later", "reduce one axis at a time");
}

// Windows of at most 8 whose chain gives one of `width`: a then b is a + b - 1.
std::string ChainOfPools(int64_t width) {
  std::string chain = "8";
  int64_t reached = 8;
  while (reached < width) {
    const int64_t next = std::min<int64_t>(8, width - reached + 1);
    chain += ", " + Text(next);
    reached += next - 1;
  }
  return chain;
}

bool MaxPoolWidthFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  const std::vector<int64_t>& widths = context.chip.max_pool_widths;
  if (op.op != "max_pool" || widths.empty()) return false;
  if (std::find(widths.begin(), widths.end(), op.kernel.w) != widths.end())
    return false;
  return Fail(finding,
              "Invalid Pool kernel width (" + Text(op.kernel.w) +
                  "), must be [1-8] or 32.",
              "pool width " + Text(op.kernel.w), "1 to 8, or 32",
              "chain max pools of widths " + ChainOfPools(op.kernel.w) +
                  "; strides go to the last one");
}

bool IsPool(const OpFacts& op) {
  return IsOneOf(op.op, {"max_pool", "avg_pool", "l2_pool"});
}

bool PoolPaddingFails(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsPool(op)) return false;
  const int64_t pad_w = std::max(op.pad_begin.w, op.pad_end.w);
  const int64_t pad_h = std::max(op.pad_begin.h, op.pad_end.h);
  if (pad_w < op.kernel.w && pad_h < op.kernel.h) return false;
  return Fail(finding, "a pool's padding must be smaller than its window",
              "padding " + Text(std::max(pad_w, pad_h)) + ", window " +
                  Text(op.kernel.h) + "x" + Text(op.kernel.w),
              "padding below the window", "pad in front of the pool");
}

bool PoolWindowIsDecomposed(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  const int64_t most = context.chip.pool_window_max;
  if (!IsPool(op) || most == 0) return false;
  const int64_t window = std::max(op.kernel.w, op.kernel.h);
  if (window <= most) return false;
  return Fail(finding, "the window is larger than the table: decomposed",
              "window " + Text(op.kernel.h) + "x" + Text(op.kernel.w),
              "up to " + Text(most), "two pools, one after the other");
}

// Some odd windows just beside a power of two fail on H13; which is not
// published, so windows above the common 3, 5 and 7 are named.
bool OddPoolWarns(const RuleContext& context, Finding* finding) {
  const OpFacts& op = context.op;
  if (!IsPool(op) || context.chip.generation > 15) return false;
  for (const int64_t window : {op.kernel.w, op.kernel.h}) {
    const auto power = [](int64_t v) { return v > 0 && (v & (v - 1)) == 0; };
    if (window < 9 || !(power(window - 1) || power(window + 1))) continue;
    return Fail(finding,
                "some odd windows beside a power of two are refused, which is "
                "not published",
                "window " + Text(window), "",
                "test on a device, or use a window of 8 or 16");
  }
  return false;
}

}  // namespace

const RuleTable& ReductionRules() {
  static const RuleTable rules = {
      {"V56", Severity::kReject, Layer::kValidator, "H13", "measured",
       ArgumentFails},
      {"V56", Severity::kReject, Layer::kFrontend, "", "decompiled",
       WholeTensorArgumentFails},
      {"V57", Severity::kReject, Layer::kValidator, "H16 H18", "measured",
       MaxPoolWidthFails},
      {"V57", Severity::kReject, Layer::kValidator, "H13", "measured",
       PoolPaddingFails},
      {"V57", Severity::kFallback, Layer::kLegalisation, "H13", "measured",
       PoolWindowIsDecomposed},
      {"V57", Severity::kWarn, Layer::kLegalisation, "H13", "measured",
       OddPoolWarns},
  };
  return rules;
}

}  // namespace aneref::placement
