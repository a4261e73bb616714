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

// `subject`: what the reason is about, as people call it; `element`: its name,
// empty for the whole network.
SarifResult ResultOf(const Titles& titles, const std::string& subject,
                     const std::string& element, const Reason& reason) {
  std::string bounds;
  if (!reason.actual.empty()) bounds += "is " + reason.actual;
  if (!reason.allowed.empty()) {
    bounds += (bounds.empty() ? "" : ", ") + ("allowed " + reason.allowed);
  }
  return {reason.rule,
          LevelOf(reason.severity),
          subject + ": " + reason.text + " (" + bounds +
              (bounds.empty() ? "" : "; ") + reason.provenance + ")" +
              (reason.fix.empty() ? "" : ". Change: " + reason.fix),
          titles.model,
          element,
          "element"};
}

// Each rule that a result names, once, in the words of its first finding.
std::vector<SarifRule> RulesOf(const std::vector<Report>& reports) {
  std::map<std::string, std::string> rules;
  for (const Report& report : reports) {
    for (const ReportOp& op : report.ops) {
      for (const Reason& reason : op.reasons)
        rules.emplace(reason.rule, reason.text);
    }
    for (const Reason& reason : report.placement.network)
      rules.emplace(reason.rule, reason.text);
  }
  std::vector<SarifRule> list;
  for (const auto& [rule, text] : rules) list.push_back({rule, text});
  return list;
}

bool NetworkHasRule(const Report& report, const std::string& rule) {
  const auto& network = report.placement.network;
  return std::any_of(network.begin(), network.end(),
                     [&](const Reason& reason) { return reason.rule == rule; });
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

// Expectations of the whole network: name and failure, which may be empty.
std::vector<std::pair<std::string, std::string>> NetworkCases(
    const Report& report, const FailOn& fail_on) {
  std::vector<std::pair<std::string, std::string>> cases;
  const int64_t crossings = report.placement.compiler.crossings;
  if (fail_on.crossings) {
    const bool bad = crossings > *fail_on.crossings;
    cases.emplace_back("crossings",
                       bad ? std::to_string(crossings) + " crossings" : "");
  }
  for (const std::string& rule : fail_on.rules) {
    cases.emplace_back("the network, " + rule,
                       NetworkHasRule(report, rule) ? rule : "");
  }
  return cases;
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
    if (NetworkHasRule(report, rule))
      broken.push_back(report.target + ": " + rule + " for the network");
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
        run.results.push_back(
            ResultOf(titles, report.label + ", " + op.op + " '" + op.name + "'",
                     op.name, reason));
    }
    for (const Reason& reason : report.placement.network)
      run.results.push_back(
          ResultOf(titles, report.label + ", the network", "", reason));
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
    for (const auto& [name, failure] : NetworkCases(report, fail_on)) {
      ++tests;
      failures += failure.empty() ? 0U : 1U;
      cases += "  <testcase classname=\"" + XmlText(report.target) +
               "\" name=\"" + XmlText(name) + "\"" +
               (failure.empty() ? std::string("/>\n")
                                : "><failure message=\"" + XmlText(failure) +
                                      "\"/></testcase>\n");
    }
    text += " <testsuite name=\"" +
            XmlText(titles.model + " on " + report.target) + "\" tests=\"" +
            std::to_string(tests) + "\" failures=\"" +
            std::to_string(failures) + "\">\n" + cases + " </testsuite>\n";
  }
  return text + "</testsuites>\n";
}

}  // namespace aneref::explain
