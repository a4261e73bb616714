// See compare_mode.h.
#include "runtime/explain/compare_mode.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace aneref {
namespace {

constexpr std::array<const char*, 5> kKindNames = {"exact", "ulp", "abs-rel",
                                                   "psnr", "decision"};

std::string Short(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

Expected<double> ParseNumber(std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (copy.empty() || *end != '\0' || !(value >= 0) || std::isinf(value)) {
    return InvalidArgument("'" + copy + "' is no number of 0 or more");
  }
  return value;
}

Status SetField(std::string_view name, std::string_view value,
                CompareMode* mode) {
  ANEREF_ASSIGN(const double number, ParseNumber(value));
  if (mode->kind == CompareKind::kAbsRel && name == "rtol") {
    mode->rtol = number;
  } else if (mode->kind == CompareKind::kAbsRel && name == "atol") {
    mode->atol = number;
  } else if (mode->kind == CompareKind::kDecision && name == "threshold") {
    mode->threshold = number;
  } else if (name.empty() && mode->kind != CompareKind::kAbsRel &&
             mode->kind != CompareKind::kExact) {
    mode->limit = number;
  } else {
    return InvalidArgument(std::string("mode ") + CompareKindName(mode->kind) +
                           " has no '" + std::string(name) + "'");
  }
  return Status();
}

Status ParseFields(std::string_view fields, CompareMode* mode) {
  while (!fields.empty()) {
    const size_t comma = fields.find(',');
    const std::string_view field = fields.substr(0, comma);
    const size_t equals = field.find('=');
    const bool named = equals != std::string_view::npos;
    ANEREF_TRY(SetField(named ? field.substr(0, equals) : std::string_view(),
                        named ? field.substr(equals + 1) : field, mode));
    fields = comma == std::string_view::npos ? std::string_view()
                                             : fields.substr(comma + 1);
  }
  return Status();
}

// The part before ':', when it is the name of a mode.
bool IsModeText(std::string_view text) {
  const std::string_view word = text.substr(0, text.find(':'));
  for (const char* name : kKindNames) {
    if (word == name) return true;
  }
  return false;
}

Expected<std::vector<CompareMode>> ModesOf(const JsonValue& value,
                                           const std::string& where) {
  std::vector<CompareMode> modes;
  const auto add = [&](const JsonValue& item) {
    if (item.AsString() == nullptr) {
      return InvalidFile("", where + ": a mode must be a text or a list");
    }
    Expected<CompareMode> mode = ParseCompareMode(*item.AsString());
    if (!mode.ok()) return mode.status().WithContext(where);
    modes.push_back(*mode);
    return Status();
  };
  if (value.AsArray() == nullptr) {
    ANEREF_TRY(add(value));
  } else {
    for (const JsonValue& item : *value.AsArray()) ANEREF_TRY(add(item));
  }
  return modes;
}

std::string Times(int64_t count, int64_t of, const char* what) {
  return std::to_string(count) + " of " + std::to_string(of) + " " + what;
}

Verdict JudgeUlp(const CompareMode& mode, const TensorMetrics& metrics) {
  Verdict verdict;
  verdict.pass = static_cast<double>(metrics.max_ulp) <= mode.limit;
  verdict.reason = std::to_string(metrics.max_ulp) + " ULP apart, " +
                   Short(mode.limit) + " allowed";
  return verdict;
}

Verdict JudgeAbsRel(const CompareMode& mode, const std::vector<double>& a,
                    const std::vector<double>& b) {
  Verdict verdict;
  for (size_t i = 0; i < a.size(); ++i) {
    if (SameValue(a[i], b[i])) continue;
    const double allowed = mode.atol + mode.rtol * std::abs(b[i]);
    if (!(std::abs(a[i] - b[i]) <= allowed)) ++verdict.violations;
  }
  verdict.pass = verdict.violations == 0;
  verdict.reason =
      Times(verdict.violations, static_cast<int64_t>(a.size()), "elements") +
      " exceed atol " + Short(mode.atol) + " + rtol " + Short(mode.rtol) +
      " * |b|";
  return verdict;
}

Verdict JudgeDecision(const CompareMode& mode, const TensorMetrics& metrics,
                      const std::vector<double>& a,
                      const std::vector<double>& b) {
  Verdict verdict;
  int64_t decisions = metrics.decisions;
  verdict.violations = metrics.decisions_differ;
  if (mode.threshold) {
    decisions = metrics.elements;
    verdict.violations = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      verdict.violations +=
          (a[i] > *mode.threshold) != (b[i] > *mode.threshold);
    }
  }
  verdict.pass = static_cast<double>(verdict.violations) <=
                 mode.limit * static_cast<double>(decisions);
  verdict.reason = Times(verdict.violations, decisions, "decisions differ");
  return verdict;
}

Verdict JudgeOne(const CompareMode& mode, const TensorMetrics& metrics,
                 const std::vector<double>& a, const std::vector<double>& b) {
  Verdict verdict;
  if (mode.kind == CompareKind::kDecision) {
    return JudgeDecision(mode, metrics, a, b);
  }
  if (metrics.class_differs > 0) {
    return {false, metrics.class_differs,
            Times(metrics.class_differs, metrics.elements, "elements") +
                " are finite on one side only, or infinite with another sign"};
  }
  switch (mode.kind) {
    case CompareKind::kUlp:
      return JudgeUlp(mode, metrics);
    case CompareKind::kAbsRel:
      return JudgeAbsRel(mode, a, b);
    case CompareKind::kPsnr:
      verdict.pass = metrics.psnr_db >= mode.limit;
      verdict.reason =
          Short(metrics.psnr_db) + " dB, " + Short(mode.limit) + " dB required";
      return verdict;
    default:
      verdict.violations = metrics.elements - metrics.equal;
      verdict.pass = verdict.violations == 0;
      verdict.reason =
          Times(verdict.violations, metrics.elements, "elements differ");
      return verdict;
  }
}

}  // namespace

const char* CompareKindName(CompareKind kind) {
  return kKindNames[static_cast<size_t>(kind)];
}

std::string CompareMode::ToString() const {
  std::string text = CompareKindName(kind);
  switch (kind) {
    case CompareKind::kExact:
      return text;
    case CompareKind::kAbsRel:
      return text + ":rtol=" + Short(rtol) + ",atol=" + Short(atol);
    case CompareKind::kDecision:
      text += ":" + Short(limit);
      return threshold ? text + ",threshold=" + Short(*threshold) : text;
    default:
      return text + ":" + Short(limit);
  }
}

Expected<CompareMode> ParseCompareMode(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  for (size_t i = 0; i < kKindNames.size(); ++i) {
    if (word != kKindNames[i]) continue;
    CompareMode mode;
    mode.kind = static_cast<CompareKind>(i);
    if (colon != std::string_view::npos) {
      const Status status = ParseFields(text.substr(colon + 1), &mode);
      if (!status.ok()) {
        return status.WithContext("mode '" + std::string(text) + "'");
      }
    }
    return mode;
  }
  return InvalidArgument("no comparison mode is called '" + std::string(word) +
                         "'; exact, ulp, abs-rel, psnr and decision are");
}

Status ModeTable::Add(std::string_view option) {
  for (size_t i = 0; i < option.size(); ++i) {
    if (option[i] != '=' || !IsModeText(option.substr(i + 1))) continue;
    ANEREF_ASSIGN(const CompareMode mode,
                  ParseCompareMode(option.substr(i + 1)));
    const std::string name(option.substr(0, i));
    if (name == "*") {
      default_ = {mode};
    } else {
      named_[name].push_back(mode);
    }
    return Status();
  }
  return InvalidArgument("--mode '" + std::string(option) +
                         "' is no NAME=MODE with a mode exact, ulp, abs-rel, "
                         "psnr or decision");
}

Status ModeTable::AddFile(const JsonValue& file, const std::string& name) {
  if (file.AsObject() == nullptr) {
    return InvalidFile("", name + ": is no object");
  }
  if (const JsonValue* value = file.Find("default")) {
    ANEREF_ASSIGN(default_, ModesOf(*value, name + ": default"));
  }
  const JsonValue* tensors = file.Find("tensors");
  if (tensors == nullptr) return Status();
  if (tensors->AsObject() == nullptr) {
    return InvalidFile("", name + ": 'tensors' is no object");
  }
  for (const auto& [tensor, value] : *tensors->AsObject()) {
    ANEREF_ASSIGN(named_[tensor], ModesOf(value, name + ": '" + tensor + "'"));
  }
  return Status();
}

const std::vector<CompareMode>& ModeTable::For(const std::string& name) const {
  const auto found = named_.find(name);
  return found == named_.end() ? default_ : found->second;
}

Verdict Judge(const std::vector<CompareMode>& modes,
              const TensorMetrics& metrics, const OwnedTensor& a,
              const OwnedTensor& b) {
  if (metrics.equal == metrics.elements) return {};
  const std::vector<double> values_a = ElementsOf(a), values_b = ElementsOf(b);
  for (const CompareMode& mode : modes) {
    Verdict verdict = JudgeOne(mode, metrics, values_a, values_b);
    if (!verdict.pass) return verdict;
  }
  return {};
}

}  // namespace aneref
