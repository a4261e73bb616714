// The library's table and the search through it. Evaluators: quirk_chip.cc,
// quirk_host.cc, quirk_conversion.cc.
#include "runtime/explain/quirks.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "ops/registry.h"
#include "runtime/explain/metrics.h"

namespace aneref {

// Made by cmake/embed.cmake from schema/data/quirks.json.
extern const unsigned char kEmbeddedQuirks[];
extern const size_t kEmbeddedQuirksSize;

namespace {

// A quirk must reproduce this share of the elements that differ.
constexpr double kReproduced = 0.98;

Expected<QuirkKind> KindOf(const std::string& text) {
  for (QuirkKind kind :
       {QuirkKind::kChip, QuirkKind::kHost, QuirkKind::kConversion}) {
    if (text == QuirkKindName(kind)) return kind;
  }
  return InvalidFile("", "kind '" + text + "' is unknown");
}

Expected<Quirk> ParseQuirk(const JsonValue& object) {
  Quirk quirk;
  quirk.id = TextMember(object, "id");
  quirk.title = TextMember(object, "title");
  quirk.rule = TextMember(object, "rule");
  quirk.ops = TextsMember(object, "ops");
  quirk.chips = TextsMember(object, "chips");
  quirk.confidence = TextMember(object, "confidence");
  quirk.reference = TextMember(object, "reference");
  quirk.sentence = TextMember(object, "sentence");
  quirk.advice = TextMember(object, "advice");
  ANEREF_ASSIGN(quirk.kind, KindOf(TextMember(object, "kind")));
  if (const JsonValue* units = object.Find("units")) {
    if (units->AsNumber() != nullptr) {
      quirk.units = static_cast<int64_t>(*units->AsNumber());
    }
  }
  const std::string evaluator = TextMember(object, "evaluator");
  switch (quirk.kind) {
    case QuirkKind::kChip:
      quirk.evaluate = FindChipEvaluator(evaluator);
      break;
    case QuirkKind::kHost:
      quirk.evaluate = FindHostEvaluator(evaluator);
      break;
    case QuirkKind::kConversion:
      quirk.evaluate = FindConversionEvaluator(evaluator);
      break;
  }
  if (quirk.id.empty() || quirk.sentence.empty() || quirk.ops.empty() ||
      quirk.evaluate == nullptr) {
    return InvalidFile(
        "", "quirk '" + quirk.id + "' has no id, ops, sentence or evaluator");
  }
  return quirk;
}

// How well a candidate explains what the other side has.
QuirkMatch Rate(const Quirk& quirk, const QuirkGoal& goal,
                const std::vector<double>& candidate) {
  QuirkMatch match;
  match.quirk = &quirk;
  int64_t judged = 0, reproduced = 0, beyond = 0;
  const auto outside = [&](size_t i) {
    const double a = goal.ours[i], b = goal.theirs[i];
    return !SameValue(a, b) && !(std::abs(a - b) <= goal.tolerance[i]);
  };
  for (size_t i = 0; i < candidate.size(); ++i) beyond += outside(i);
  for (size_t i = 0; i < candidate.size(); ++i) {
    const bool differs =
        beyond > 0 ? outside(i) : !SameValue(goal.ours[i], goal.theirs[i]);
    const bool changes = !SameValue(goal.ours[i], candidate[i]);
    match.changed += changes;
    if (!differs && !changes) continue;
    ++judged;
    const double gap = std::abs(candidate[i] - goal.theirs[i]);
    reproduced +=
        SameValue(candidate[i], goal.theirs[i]) ||
        // Where rounding explains all, only equal bits say more.
        (beyond > 0 && (HalfUlps(candidate[i], goal.theirs[i]) <= quirk.units ||
                        (quirk.units > 0 && gap <= goal.tolerance[i])));
  }
  if (judged > 0 && match.changed > 0) {
    match.explained =
        static_cast<double>(reproduced) / static_cast<double>(judged);
  }
  return match;
}

}  // namespace

const char* QuirkKindName(QuirkKind kind) {
  static constexpr const char* kNames[] = {"chip", "host", "conversion"};
  return kNames[static_cast<size_t>(kind)];
}

bool AppliesTo(const Quirk& quirk, const std::string& op) {
  return std::any_of(
      quirk.ops.begin(), quirk.ops.end(),
      [&](const std::string& name) { return name == "*" || name == op; });
}

std::string ChipsText(const Quirk& quirk) {
  if (quirk.chips.empty()) return "";
  std::string text = quirk.confidence + ", ";
  for (size_t i = 0; i < quirk.chips.size(); ++i) {
    text += (i > 0 ? " " : "") + quirk.chips[i];
  }
  return text;
}

Expected<std::vector<Quirk>> ParseQuirks(std::string_view json,
                                         const std::string& name) {
  ANEREF_ASSIGN(const JsonValue root, ParseJson(json, name));
  const JsonValue* list = root.Find("quirks");
  if (list == nullptr || list->AsArray() == nullptr) {
    return InvalidFile("", name + ": has no list 'quirks'");
  }
  std::vector<Quirk> quirks;
  for (const JsonValue& object : *list->AsArray()) {
    Expected<Quirk> quirk = ParseQuirk(object);
    if (!quirk.ok()) return quirk.status().WithContext(name);
    quirks.push_back(std::move(*quirk));
  }
  return quirks;
}

std::span<const Quirk> AllQuirks() {
  static const std::vector<Quirk> quirks = [] {
    Expected<std::vector<Quirk>> parsed = ParseQuirks(
        {reinterpret_cast<const char*>(kEmbeddedQuirks), kEmbeddedQuirksSize},
        "quirks.json");
    ANEREF_CHECK(parsed.ok());
    return std::move(*parsed);
  }();
  return quirks;
}

std::vector<QuirkMatch> MatchQuirks(const QuirkContext& context,
                                    const QuirkGoal& goal) {
  std::vector<QuirkMatch> matches;
  const std::string op = OpName(*context.node);
  for (const Quirk& quirk : AllQuirks()) {
    if (!AppliesTo(quirk, op) ||
        (quirk.kind == QuirkKind::kConversion && !goal.conversions)) {
      continue;
    }
    const Expected<Candidates> candidates = quirk.evaluate(context);
    if (!candidates.ok()) continue;  // it cannot apply to these operands
    QuirkMatch best;
    for (const std::vector<double>& candidate : *candidates) {
      if (candidate.size() != context.ours.size()) continue;
      Expected<std::vector<double>> reached =
          goal.propagate ? goal.propagate(candidate)
                         : Expected<std::vector<double>>(candidate);
      if (!reached.ok() || reached->size() != goal.ours.size()) continue;
      const QuirkMatch match = Rate(quirk, goal, *reached);
      if (match.explained > best.explained) best = match;
    }
    if (best.explained >= kReproduced) matches.push_back(best);
  }
  // The data's order decides between equals: specific before general.
  std::stable_sort(matches.begin(), matches.end(),
                   [](const QuirkMatch& x, const QuirkMatch& y) {
                     return std::lround(x.explained * 100) >
                            std::lround(y.explained * 100);
                   });
  return matches;
}

bool IsEverydayArithmetic(const Quirk& quirk) {
  return quirk.kind == QuirkKind::kChip && quirk.units == 0;
}

}  // namespace aneref
