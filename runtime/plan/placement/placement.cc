// Walks the rule tables for one op.
#include "runtime/plan/placement.h"

#include <algorithm>
#include <sstream>

namespace aneref::placement {
namespace {

// Chips by generation, as measured_on names them.
std::string ChipsOf(const std::string& generations) {
  std::istringstream words(generations);
  std::string chips;
  for (std::string word; words >> word;) {
    const std::string chip = word == "H13"   ? "M1"
                             : word == "H14" ? "M2"
                             : word == "H16" ? "M4"
                             : word == "H17" ? "M5"
                             : word == "H18" ? "M6"
                                             : word;
    chips += (chips.empty() ? "" : " and ") + chip;
  }
  return chips;
}

bool Names(const std::string& generations, const std::string& arch) {
  std::istringstream words(generations);
  for (std::string word; words >> word;) {
    if (word == arch) return true;
  }
  return false;
}

void Apply(const RuleTable& rules, const RuleContext& context,
           std::vector<Reason>* reasons) {
  for (const PlacementRule& rule : rules) {
    Finding finding;
    if (!rule.fails(context, &finding)) continue;
    reasons->push_back(
        {rule.id, rule.severity, rule.layer, std::move(finding.text),
         std::move(finding.actual), std::move(finding.allowed),
         ProvenanceText(rule, context.chip), std::move(finding.fix)});
  }
}

}  // namespace

const char* SeverityName(Severity severity) {
  constexpr const char* kNames[] = {"reject", "fallback", "warn"};
  return kNames[static_cast<int>(severity)];
}

const char* LayerName(Layer layer) {
  constexpr const char* kNames[] = {"frontend", "validator", "legalisation",
                                    "code generation", "placement"};
  return kNames[static_cast<int>(layer)];
}

std::string ProvenanceText(const PlacementRule& rule,
                           const PlacementChip& chip) {
  const std::string measured = rule.measured_on;
  if (measured.empty()) return rule.label;
  if (Names(measured, chip.arch)) return "measured on " + ChipsOf(chip.arch);
  return "measured on " + ChipsOf(measured) + ", a prediction for " +
         chip.label;
}

OpPlacement PlaceOp(const OpFacts& facts, const PlacementChip& chip,
                    const PlacementOptions& options) {
  OpPlacement result;
  const RuleContext context{facts, chip, options};
  for (const RuleTable* rules :
       {&TensorRules(), &OpTableRules(), &ConvRules(), &MatmulRules(),
        &ElementwiseRules(), &ReductionRules(), &MovementRules(),
        &WeightRules()}) {
    Apply(*rules, context, &result.reasons);
  }
  if (options.legacy) Apply(LegacyRules(), context, &result.reasons);
  std::stable_sort(
      result.reasons.begin(), result.reasons.end(),
      [](const Reason& a, const Reason& b) { return a.severity < b.severity; });
  result.accepted = result.reasons.empty() ||
                    result.reasons.front().severity != Severity::kReject;
  return result;
}

}  // namespace aneref::placement
