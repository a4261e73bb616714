// Expectations that a build server holds a model to, and their results as
// SARIF 2.1.0 and JUnit XML.
#include <algorithm>
#include <charconv>

#include "runtime/explain/page.h"
#include "runtime/explain/report.h"
#include "runtime/explain/sarif.h"

namespace aneref::explain {
namespace {

using placement::Reason;
using placement::Severity;

bool HasRule(const ReportOp& op, const std::string& rule) {
  return std::any_of(op.reasons.begin(), op.reasons.end(),
                     [&](const Reason& reason) { return reason.rule == rule; });
}

const char* LevelOf(Severity severity) {
  if (severity == Severity::kReject) return "error";
  return severity == Severity::kFallback ? "warning" : "note";
}

SarifResult ResultOf(const Titles& titles, const Report& report,
                     const ReportOp& op, const Reason& reason) {
  return {reason.rule,
          LevelOf(reason.severity),
          report.label + ", " + op.op + " '" + op.name + "': " + reason.text +
              " (is " + reason.actual + ", allowed " + reason.allowed + "; " +
              reason.provenance + ")" +
              (reason.fix.empty() ? "" : ". Change: " + reason.fix),
          titles.model,
          op.name,
          "element"};
}

std::vector<SarifRule> RulesOf(const std::vector<Report>& reports) {
  std::map<std::string, std::string> rules;
  for (const Report& report : reports) {
    for (const Advice& advice : report.advice)
      rules.emplace(advice.rule, advice.text);
  }
  std::vector<SarifRule> list;
  for (const auto& [rule, text] : rules) list.push_back({rule, text});
  return list;
}

std::string Failure(const ReportOp& op, const FailOn& fail_on) {
  std::string text;
  if (fail_on.cpu && op.where == Where::kCpu) text = "on the CPU";
  if (fail_on.segmenter && !op.backend.empty() && op.backend != "ane")
    text += (text.empty() ? "" : ", ") + ("placed on " + op.backend);
  for (const std::string& rule : fail_on.rules) {
    if (HasRule(op, rule)) text += (text.empty() ? "" : ", ") + rule;
  }
  return text;
}

std::string CaseXml(const Report& report, const ReportOp& op,
                    const FailOn& fail_on) {
  std::string text = "  <testcase classname=\"" +
                     XmlText(report.target + "." + op.op) + "\" name=\"" +
                     XmlText(op.name) + "\"";
  const std::string failure = Failure(op, fail_on);
  if (failure.empty()) return text + "/>\n";
  text += ">\n   <failure message=\"" + XmlText(failure) + "\">";
  for (const Reason& reason : op.reasons)
    text += XmlText(reason.rule + ": " + reason.text + " " + reason.fix) + "\n";
  return text + "</failure>\n  </testcase>\n";
}

}  // namespace

Status AddFailOn(const std::string& text, FailOn* fail_on) {
  if (text == "cpu") {
    fail_on->cpu = true;
    return Status();
  }
  if (text == "segmenter") {
    fail_on->segmenter = true;
    return Status();
  }
  const std::string value = text.substr(text.find('=') + 1);
  if (text.starts_with("crossings=") && !value.empty()) {
    int64_t number = 0;
    const auto [end, error] =
        std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc() && end == value.data() + value.size() &&
        number >= 0) {
      fail_on->crossings = number;
      return Status();
    }
  }
  if (text.starts_with("rule=") && value.size() > 1) {
    fail_on->rules.push_back(value);
    return Status();
  }
  return InvalidArgument(
      "--fail-on takes cpu, segmenter, crossings=N or "
      "rule=V20, not '" +
      text + "'");
}

std::vector<std::string> BrokenExpectations(const Report& report,
                                            const FailOn& fail_on) {
  std::vector<std::string> broken;
  if (fail_on.cpu && report.num_cpu > 0)
    broken.push_back(report.target + ": " + std::to_string(report.num_cpu) +
                     " ops on the CPU");
  const size_t left = report.placement.ops.size() - report.segmenter_ops;
  if (fail_on.segmenter && left > 0)
    broken.push_back(report.target + ": the segmenter leaves " +
                     std::to_string(left) + " ops off the engine");
  const int64_t crossings = report.placement.compiler.crossings;
  if (fail_on.crossings && crossings > *fail_on.crossings)
    broken.push_back(report.target + ": " + std::to_string(crossings) +
                     " crossings, allowed " +
                     std::to_string(*fail_on.crossings));
  for (const std::string& rule : fail_on.rules) {
    const auto count =
        std::count_if(report.ops.begin(), report.ops.end(),
                      [&](const ReportOp& op) { return HasRule(op, rule); });
    if (count > 0)
      broken.push_back(report.target + ": " + rule + " at " +
                       std::to_string(count) + " ops");
  }
  return broken;
}

std::string Sarif(const Titles& titles, const std::vector<Report>& reports) {
  SarifRun run;
  run.tool = "aneref";
  run.has_rules = true;
  run.rules = RulesOf(reports);
  for (const Report& report : reports) {
    for (const ReportOp& op : report.ops) {
      for (const Reason& reason : op.reasons)
        run.results.push_back(ResultOf(titles, report, op, reason));
    }
  }
  return SarifText(run);
}

std::string JUnit(const Titles& titles, const std::vector<Report>& reports,
                  const FailOn& fail_on) {
  std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const Report& report : reports) {
    std::string cases;
    size_t failures = 0, tests = report.ops.size();
    for (const ReportOp& op : report.ops) {
      cases += CaseXml(report, op, fail_on);
      failures += Failure(op, fail_on).empty() ? 0U : 1U;
    }
    const int64_t crossings = report.placement.compiler.crossings;
    if (fail_on.crossings) {
      ++tests;
      const bool bad = crossings > *fail_on.crossings;
      failures += bad ? 1U : 0U;
      cases += "  <testcase classname=\"" + XmlText(report.target) +
               "\" name=\"crossings\"" +
               (bad ? "><failure message=\"" + std::to_string(crossings) +
                          " crossings\"/></testcase>\n"
                    : std::string("/>\n"));
    }
    text += " <testsuite name=\"" +
            XmlText(titles.model + " on " + report.target) + "\" tests=\"" +
            std::to_string(tests) + "\" failures=\"" +
            std::to_string(failures) + "\">\n" + cases + " </testsuite>\n";
  }
  return text + "</testsuites>\n";
}

}  // namespace aneref::explain
