// Small words that the rule files of this folder share.
#ifndef ANEREF_RUNTIME_PLAN_PLACEMENT_RULE_SUPPORT_H_
#define ANEREF_RUNTIME_PLAN_PLACEMENT_RULE_SUPPORT_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "runtime/plan/placement.h"

namespace aneref::placement {

inline std::string Text(int64_t value) { return std::to_string(value); }

inline bool IsOneOf(std::string_view op,
                    std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (op == name) return true;
  }
  return false;
}

inline bool IsConvLike(const OpFacts& op) {
  return IsOneOf(op.op,
                 {"conv", "conv3d", "dynamic_weight_conv", "conv_transpose"});
}

inline bool IsElementwise(const OpFacts& op) {
  return IsOneOf(
      op.op, {"add", "sub", "mul", "real_div", "floor_div", "pow", "minimum",
              "maximum", "equal", "not_equal", "greater", "greater_equal",
              "less", "less_equal", "select", "mod"});
}

inline bool IsCoreMl(const RuleContext& context) {
  return context.options.route == Route::kCoreMl;
}

// Before H13: no MIL route, no softmax, no texture engine.
inline bool IsOlder(const PlacementChip& chip) { return chip.family < 2; }

// A factor that is a product of native ones, 2, 3, 4 and 8.
inline bool IsProductOfTwosAndThrees(int64_t value) {
  if (value < 1) return false;
  while (value % 2 == 0) value /= 2;
  while (value % 3 == 0) value /= 3;
  return value == 1;
}

// Fills the finding and returns true, so that a check ends with one line.
inline bool Fail(Finding* finding, std::string text, std::string actual,
                 std::string allowed, std::string fix = "") {
  *finding = {std::move(text), std::move(actual), std::move(allowed),
              std::move(fix)};
  return true;
}

}  // namespace aneref::placement

#endif  // ANEREF_RUNTIME_PLAN_PLACEMENT_RULE_SUPPORT_H_
