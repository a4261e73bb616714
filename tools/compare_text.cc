// See compare_text.h.
#include "tools/compare_text.h"

#include <algorithm>
#include <cstdio>

#include "tools/table.h"

namespace aneref::tool {
namespace {

void PrintTensors(const CompareReport& report) {
  Table table("llrrrrrl");
  table.Add({"", "tensor", "max abs", "max rel", "max ulp", "PSNR dB", "cosine",
             "worst at"});
  for (const ComparedTensor& tensor : report.tensors) {
    const TensorMetrics& metrics = tensor.metrics;
    std::string worst = "equal";
    if (metrics.worst.index >= 0) {
      worst = IndexText(tensor.type.shape, metrics.worst.index) + " " +
              FormatNumber(metrics.worst.a) + " (" +
              BitsText(tensor.type.dtype, metrics.worst.bits_a) + ") " +
              FormatNumber(metrics.worst.b) + " (" +
              BitsText(tensor.other_type, metrics.worst.bits_b) + ")";
    }
    table.Add({tensor.pass ? "ok" : "FAIL", tensor.name,
               FormatNumber(metrics.max_abs), FormatNumber(metrics.max_rel),
               std::to_string(metrics.max_ulp), FormatNumber(metrics.psnr_db),
               FormatNumber(metrics.cosine), worst});
  }
  std::fputs(table.ToString().c_str(), stdout);
}

void PrintList(const char* what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::printf("%s (%zu):", what, names.size());
  constexpr size_t kShown = 12;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    std::printf(" %s", names[i].c_str());
  }
  std::printf("%s\n", names.size() > kShown ? " ..." : "");
}

void PrintFinding(const FindingGroup& group) {
  const Finding& finding = *group.finding;
  const std::string more =
      group.alike.empty()
          ? ""
          : " and " + std::to_string(group.alike.size()) + " more";
  std::printf("\n%s '%s'%s: %s\n  %s\n", finding.op.c_str(),
              NodeOf(finding).c_str(), more.c_str(), LabelName(finding.label),
              finding.why.c_str());
  if (finding.quirk != nullptr) {
    const Quirk& quirk = *finding.quirk;
    std::printf("  %s%s%s%s\n  What to do: %s\n", quirk.id.c_str(),
                quirk.rule.empty() ? "" : (" [" + quirk.rule + "]").c_str(),
                quirk.chips.empty() ? "" : (", " + ChipsText(quirk)).c_str(),
                quirk.reference.empty() ? "" : (", " + quirk.reference).c_str(),
                quirk.advice.c_str());
  }
  std::vector<std::string> alike;
  for (const Finding* other : group.alike) alike.push_back(NodeOf(*other));
  PrintList("  the same holds for", alike);
  if (!finding.region.empty() && finding.culprit.empty()) {
    PrintList("  the cause may be in an op whose result the dump lacks",
              finding.region);
  }
}

void PrintBisection(const CompareReport& report) {
  const Bisection& bisection = *report.bisection;
  std::printf("\n%zu results compared on the dump's own operands, %lld equal\n",
              bisection.findings.size(),
              static_cast<long long>(bisection.exact));
  if (!bisection.follows.empty()) {
    std::printf(
        "the dump follows an engine's arithmetic (%s) bit for bit; each op is "
        "held against that\n",
        bisection.follows.c_str());
  }
  constexpr size_t kMostFindings = 8;
  const std::vector<FindingGroup> groups = GroupFindings(bisection);
  for (size_t i = 0; i < std::min(groups.size(), kMostFindings); ++i) {
    PrintFinding(groups[i]);
  }
  if (groups.size() > kMostFindings) {
    std::printf("\n... and %zu more (--json, --html)\n",
                groups.size() - kMostFindings);
  }
}

}  // namespace

void PrintComparison(const CompareReport& report) {
  PrintTensors(report);
  for (const ComparedTensor& tensor : report.tensors) {
    if (!tensor.note.empty()) {
      std::printf("note: '%s': %s\n", tensor.name.c_str(), tensor.note.c_str());
    }
    if (tensor.how != "name") {
      std::printf("note: '%s' matched with '%s' by %s\n", tensor.name.c_str(),
                  tensor.partner.c_str(), tensor.how.c_str());
    }
    if (!tensor.reason.empty()) {
      std::printf("'%s': %s\n", tensor.name.c_str(), tensor.reason.c_str());
    }
    if (!tensor.hint.empty()) {
      std::printf("'%s': %s\n", tensor.name.c_str(), tensor.hint.c_str());
    }
  }
  for (const auto& [name, why] : report.misfits) {
    std::printf("'%s': %s\n", name.c_str(), why.c_str());
  }
  PrintList("only in the first", report.only_a);
  PrintList("only in the second", report.only_b);
  if (report.bisection) PrintBisection(report);
  if (!report.ranking.empty()) {
    Table table("lrr");
    table.Add({"arithmetic", "equal", "distance"});
    for (const Ranked& ranked : report.ranking) {
      table.Add({ranked.name, FormatFixed(ranked.equal * 100, 2) + " %",
                 FormatNumber(ranked.distance)});
    }
    std::printf("\nhow well each arithmetic reproduces the dump\n%s",
                table.ToString().c_str());
  }
  std::printf("\n%s\n", VerdictText(report).c_str());
}

}  // namespace aneref::tool
