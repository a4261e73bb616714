// Walks the rule tables for one op.
#include "runtime/plan/placement.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace aneref::placement {
namespace {

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

// Chips by generation, as measured_on names them.
std::string ChipsOf(const std::string& generations) {
  std::string chips;
  for (const std::string_view word : Words(generations)) {
    const std::string_view chip = word == "H13"   ? "M1"
                                  : word == "H14" ? "M2"
                                  : word == "H16" ? "M4"
                                  : word == "H17" ? "M5"
                                  : word == "H18" ? "M6"
                                                  : word;
    chips += (chips.empty() ? "" : " and ") + std::string(chip);
  }
  return chips;
}

bool Names(const std::string& generations, const std::string& arch) {
  const std::vector<std::string_view> words = Words(generations);
  return std::find(words.begin(), words.end(), arch) != words.end();
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
