// See compare.h.
#include "runtime/explain/compare.h"

namespace aneref {
namespace {

std::string ModesText(const std::vector<CompareMode>& modes) {
  std::string text;
  for (const CompareMode& mode : modes) {
    text += (text.empty() ? "" : " and ") + mode.ToString();
  }
  return text;
}

ComparedTensor CompareOne(const NamedTensor& a, const NamedTensor& b,
                          const MatchedPair& pair, const ModeTable& modes) {
  const OwnedTensor& other =
      pair.b_aligned.bytes == nullptr ? b.value : pair.b_aligned;
  ComparedTensor result;
  result.name = a.name;
  result.partner = b.name;
  result.how = pair.how;
  result.note = pair.note;
  result.type = a.value.type;
  result.other_type = other.type.dtype;
  result.metrics = ComputeMetrics(a.value, other);
  const std::vector<CompareMode>& mode = modes.For(a.name);
  result.modes = ModesText(mode);
  const Verdict verdict = Judge(mode, result.metrics, a.value, other);
  result.pass = verdict.pass;
  result.reason = verdict.pass ? "" : verdict.reason;
  if (!verdict.pass) result.hint = ExplainPaddedRows(other, a.value);
  result.a = a.value;
  result.b = other;
  return result;
}

}  // namespace

Expected<CompareReport> CompareSets(
    const TensorSet& a, const TensorSet& b,
    const std::map<std::string, std::string>& map, const ModeTable& modes) {
  ANEREF_ASSIGN(const Matching matching, MatchTensors(a, b, map));
  CompareReport report;
  for (const MatchedPair& pair : matching.pairs) {
    report.tensors.push_back(CompareOne(a[pair.a], b[pair.b], pair, modes));
    const ComparedTensor& tensor = report.tensors.back();
    if (tensor.pass) continue;
    report.pass = false;
    if (report.first_divergent.empty()) report.first_divergent = tensor.name;
  }
  for (size_t i : matching.only_a) report.only_a.push_back(a[i].name);
  for (size_t j : matching.only_b) report.only_b.push_back(b[j].name);
  for (const auto& [pair, why] : matching.misfits) {
    report.misfits.emplace_back(a[pair.a].name, why);
    report.pass = false;
    if (report.first_divergent.empty()) {
      report.first_divergent = a[pair.a].name;
    }
  }
  if (report.tensors.empty() && report.misfits.empty()) {
    return InvalidArgument(
        "no tensor of the one matches a tensor of the other, by name, shape or "
        "value; give --map");
  }
  return report;
}

const std::string& NodeOf(const Finding& finding) {
  return finding.culprit.empty() ? finding.node : finding.culprit;
}

std::vector<FindingGroup> GroupFindings(const Bisection& bisection) {
  std::vector<FindingGroup> groups;
  for (const Finding& finding : bisection.findings) {
    if (!IsHarmless(finding)) groups.push_back({&finding, {}});
  }
  const size_t serious = groups.size();
  for (const Finding& finding : bisection.findings) {
    if (!IsHarmless(finding) ||
        (finding.outside == 0 && finding.quirk == nullptr)) {
      continue;
    }
    size_t at = serious;
    while (at < groups.size() && groups[at].finding->quirk != finding.quirk) {
      ++at;
    }
    if (at == groups.size()) {
      groups.push_back({&finding, {}});
    } else {
      groups[at].alike.push_back(&finding);
    }
  }
  return groups;
}

std::string VerdictText(const CompareReport& report) {
  size_t failing = 0;
  for (const ComparedTensor& tensor : report.tensors) failing += !tensor.pass;
  const std::string of = std::to_string(report.tensors.size()) +
                         (report.tensors.size() == 1 ? " tensor" : " tensors");
  if (report.bisection && report.bisection->first >= 0) {
    const Finding& finding =
        report.bisection
            ->findings[static_cast<size_t>(report.bisection->first)];
    const std::string& node = NodeOf(finding);
    return std::string(report.pass
                           ? "PASS: every difference is explained; the first "
                             "op that differs is '"
                           : "FAIL: the first op that differs is '") +
           node + "' (" + finding.op + "), " + LabelName(finding.label) +
           (finding.quirk == nullptr ? "" : ": " + finding.quirk->title);
  }
  if (report.pass) return "PASS: " + of + " agree";
  return "FAIL: " + std::to_string(failing + report.misfits.size()) + " of " +
         of + " differ; the first is '" + report.first_divergent + "'";
}

}  // namespace aneref
