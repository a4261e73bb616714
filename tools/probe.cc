// Reading probes and comparing answers.
#include "tools/probe.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "runtime/core/half.h"
#include "tools/table.h"

namespace aneref::tool {
namespace {

// The shortest text that reads back as the same number.
std::string NumberText(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return std::string(text, end.ptr);
}

std::string HexOf(uint16_t bits) {
  char text[8];
  std::snprintf(text, sizeof text, "%04X", unsigned{bits});
  return text;
}

std::string HalfText(uint16_t bits) {
  if ((bits & 0x7C00u) == 0x7C00u)
    return bits == 0x7C00 ? "inf" : bits == 0xFC00 ? "-inf" : HexOf(bits);
  return NumberText(EngineHalfToDouble(bits));
}

std::string JsonText(const JsonValue& value) {
  if (const double* number = value.AsNumber()) return NumberText(*number);
  if (const std::string* text = value.AsString()) return *text;
  if (const bool* flag = value.AsBool()) return *flag ? "true" : "false";
  std::string list;
  if (const JsonValue::Array* items = value.AsArray()) {
    for (const JsonValue& item : *items)
      list += (list.empty() ? "" : ", ") + JsonText(item);
  }
  return list;
}

// Bounds of kind "range".
bool ReadRange(const Probe& probe, double* low, double* high) {
  const JsonValue* value = probe.expect->Find("value");
  const JsonValue::Array* list = value == nullptr ? nullptr : value->AsArray();
  if (probe.kind != "range" || list == nullptr || list->size() != 2)
    return false;
  const double* first = (*list)[0].AsNumber();
  const double* last = (*list)[1].AsNumber();
  if (first == nullptr || last == nullptr) return false;
  *low = *first;
  *high = *last;
  return true;
}

// What the device gave, for people.
std::string MeasuredText(const Probe& probe) {
  const JsonValue* value = probe.expect->Find("value");
  std::string text = value == nullptr ? probe.kind : JsonText(*value);
  double low = 0, high = 0;
  if (ReadRange(probe, &low, &high))
    text = "from " + NumberText(low) + " to " + NumberText(high);
  if (probe.kind == "max_abs_error" || probe.kind == "max_ulp")
    text = "at most " + text + " and " +
           NumberText(NumberOr(*probe.expect, "slack", 0.0) * 100) + " %";
  if (const JsonValue* relative = probe.expect->Find("rel"))
    text += " within " + JsonText(*relative) + " relative";
  if (const JsonValue* absolute = probe.expect->Find("abs"))
    text += " within " + JsonText(*absolute);
  return text;
}

ProbeResult MakeResult(const Probe& probe, bool same, std::string ours,
                       const std::string& through) {
  ProbeResult result;
  result.outcome = same ? ProbeOutcome::kPass : ProbeOutcome::kDiffers;
  result.measured = MeasuredText(probe);
  result.ours = std::move(ours);
  result.through = through;
  return result;
}

bool MatchesHalf(const Probe& probe, const JsonValue& expected, uint16_t bits) {
  if (probe.kind == "tolerance" && expected.AsNumber() != nullptr)
    return std::fabs(EngineHalfToDouble(bits) - *expected.AsNumber()) <=
           NumberOr(*probe.expect, "abs", 0.0);
  uint16_t wanted = 0;
  return ReadHalf(expected, &wanted) && wanted == bits;
}

Status CheckProbe(const Probe& probe, const std::string& name) {
  const char* missing = nullptr;
  if (probe.id.empty()) missing = "id";
  if (probe.op.empty()) missing = "op";
  if (probe.chips.empty()) missing = "chip";
  if (probe.kind.empty()) missing = "expect.kind";
  if (probe.inputs == nullptr || probe.inputs->AsObject() == nullptr)
    missing = "inputs";
  if (missing == nullptr) return Status();
  return InvalidFile(
      "", name + ": probe '" + probe.id + "' lacks '" + missing + "'");
}

}  // namespace

Expected<std::vector<Probe>> ReadProbes(const JsonValue& root,
                                        const std::string& name) {
  const JsonValue* list = root.Find("probes");
  if (list == nullptr || list->AsArray() == nullptr)
    return InvalidFile("", name + ": has no list 'probes'");
  std::vector<Probe> probes;
  for (const JsonValue& item : *list->AsArray()) {
    Probe probe;
    probe.id = TextMember(item, "id");
    probe.op = TextMember(item, "op");
    probe.rule = TextMember(item, "rule");
    probe.source = TextMember(item, "source");
    probe.label = TextMember(item, "label");
    probe.note = TextMember(item, "note");
    probe.inputs = item.Find("inputs");
    probe.expect = item.Find("expect");
    if (probe.expect != nullptr) probe.kind = TextMember(*probe.expect, "kind");
    probe.chips = TextsMember(item, "chip");
    ANEREF_TRY(CheckProbe(probe, name));
    probes.push_back(std::move(probe));
  }
  return probes;
}

const char* OutcomeName(ProbeOutcome outcome) {
  switch (outcome) {
    case ProbeOutcome::kPass:
      return "pass";
    case ProbeOutcome::kDiffers:
      return "differs";
    case ProbeOutcome::kNotApplicable:
      break;
  }
  return "not applicable";
}

ProbeResult NotApplicable(const Probe& probe, const std::string& reason) {
  ProbeResult result;
  result.measured = MeasuredText(probe);
  result.reason = reason;
  return result;
}

ProbeResult CompareBits(const Probe& probe, const std::vector<uint16_t>& ours,
                        const std::string& through) {
  std::string text;
  bool same = !ours.empty();
  for (const uint16_t bits : ours)
    text += (text.empty() ? "" : ", ") + HalfText(bits);
  const JsonValue* value = probe.expect->Find("value");
  const JsonValue::Array* list = value == nullptr ? nullptr : value->AsArray();
  if (probe.kind == "finite" || probe.kind == "nonzero") {
    for (const uint16_t bits : ours) {
      same = same && (probe.kind == "finite" ? (bits & 0x7C00u) != 0x7C00u
                                             : (bits & 0x7FFFu) != 0);
    }
  } else if (list != nullptr) {
    same = same && list->size() == ours.size();
    for (size_t i = 0; same && i < ours.size(); ++i)
      same = MatchesHalf(probe, (*list)[i], ours[i]);
  } else {
    same = same && value != nullptr;
    for (const uint16_t bits : ours)
      same = same && MatchesHalf(probe, *value, bits);
  }
  return MakeResult(probe, same, text, through);
}

ProbeResult CompareNumber(const Probe& probe, double ours,
                          const std::string& through) {
  const double value = NumberOr(*probe.expect, "value", NAN);
  bool same = ours == value;
  if (probe.kind == "tolerance")
    same = std::fabs(ours - value) <=
           std::fmax(NumberOr(*probe.expect, "abs", 0.0),
                     NumberOr(*probe.expect, "rel", 0.0) * std::fabs(value));
  if (probe.kind == "max_abs_error" || probe.kind == "max_ulp")
    same = ours <= value * (1.0 + NumberOr(*probe.expect, "slack", 0.0));
  double low = 0, high = 0;
  if (ReadRange(probe, &low, &high)) same = ours >= low && ours <= high;
  return MakeResult(probe, same, FormatNumber(ours), through);
}

ProbeResult CompareTexts(const Probe& probe,
                         const std::vector<std::string>& ours,
                         const std::string& through) {
  std::string text;
  for (const std::string& item : ours)
    text += (text.empty() ? "" : ", ") + item;
  const JsonValue* value = probe.expect->Find("value");
  const bool same = value != nullptr && JsonText(*value) == text;
  return MakeResult(probe, same, text, through);
}

bool ReadHalf(const JsonValue& value, uint16_t* bits) {
  if (const double* number = value.AsNumber()) {
    *bits = DoubleToHalf(*number);
    return true;
  }
  const std::string* text = value.AsString();
  if (text == nullptr) return false;
  static constexpr std::pair<const char*, uint16_t> kNames[] = {
      {"inf", 0x7C00}, {"-inf", 0xFC00}, {"nan", 0x7E00}, {"-0", 0x8000}};
  for (const auto& [name, named] : kNames) {
    if (*text != name) continue;
    *bits = named;
    return true;
  }
  const char* end = text->data() + text->size();
  const auto read = std::from_chars(text->data(), end, *bits, 16);
  return read.ec == std::errc() && read.ptr == end && text->size() == 4;
}

bool ReadHalves(const JsonValue& inputs, std::vector<uint16_t>* bits) {
  constexpr size_t kMostElements = 1 << 20;
  if (const JsonValue* parts = inputs.Find("concat")) {
    if (parts->AsArray() == nullptr) return false;
    for (const JsonValue& part : *parts->AsArray())
      if (!ReadHalves(part, bits)) return false;
    return true;
  }
  const JsonValue* pattern = inputs.Find("repeat");
  const JsonValue* list = pattern != nullptr ? pattern : inputs.Find("values");
  if (list == nullptr || list->AsArray() == nullptr) return false;
  std::vector<uint16_t> once;
  for (const JsonValue& item : *list->AsArray()) {
    uint16_t half = 0;
    if (!ReadHalf(item, &half)) return false;
    once.push_back(half);
  }
  const double times = pattern == nullptr ? 1 : NumberOr(inputs, "times", 1);
  if (!(times >= 0 && times * static_cast<double>(once.size()) +
                              static_cast<double>(bits->size()) <=
                          static_cast<double>(kMostElements)))
    return false;
  for (int i = 0; i < static_cast<int>(times); ++i)
    bits->insert(bits->end(), once.begin(), once.end());
  return true;
}

double NumberOr(const JsonValue& object, const char* key, double fallback) {
  const JsonValue* value = object.Find(key);
  const double* number = value == nullptr ? nullptr : value->AsNumber();
  return number == nullptr ? fallback : *number;
}

int64_t IntegerOr(const JsonValue& object, const char* key, int64_t fallback,
                  IntegerRange range) {
  const double value = NumberOr(object, key, static_cast<double>(fallback));
  if (!(value > static_cast<double>(range.low))) return range.low;
  if (value >= static_cast<double>(range.high)) return range.high;
  return static_cast<int64_t>(value);
}

bool IsMeasuredOn(const Probe& probe, const Chip& chip) {
  const auto& table = ChipTable::Embedded();
  return std::any_of(probe.chips.begin(), probe.chips.end(),
                     [&](const std::string& name) {
                       if (name == "*" || name == chip.arch) return true;
                       const Expected<const Chip*> found = table.Find(name);
                       return found.ok() && *found == &chip;
                     });
}

ProbeResult ReplayProbe(const Probe& probe, const Chip& chip,
                        const Device& device) {
  if (!IsMeasuredOn(probe, chip)) {
    std::string chips;
    for (const std::string& name : probe.chips)
      chips += (chips.empty() ? "" : ", ") + name;
    return NotApplicable(probe, "measured on " + chips);
  }
  if (!probe.built_in && probe.id[0] != 'n')
    return NotApplicable(probe, "of a file only numeric probes are replayed");
  if (probe.id[0] == 'n') return ReplayNumericProbe(probe, device);
  if (probe.id[0] == 'w') return ReplayWeightProbe(probe, chip);
  return ReplayEngineProbe(probe, chip);
}

}  // namespace aneref::tool
