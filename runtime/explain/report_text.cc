// Reports for people: at most 100 columns, the worst problems first.
#include <algorithm>
#include <cstdio>

#include "runtime/explain/report.h"

namespace aneref::explain {
namespace {

using placement::Severity;

constexpr size_t kColumns = 100;
constexpr size_t kSlowest = 10;

std::string Number(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string Bytes(double bytes) {
  if (bytes >= 1e6) return Number(bytes / 1e6, 2) + " MB";
  if (bytes >= 1e3) return Number(bytes / 1e3, 1) + " kB";
  return Number(bytes, 0) + " B";
}

std::string Count(size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// Words over lines, with the first line behind `head` and the rest indented.
std::string Wrapped(const std::string& head, const std::string& text) {
  std::string out = head, word;
  size_t column = head.size();
  const auto flush = [&] {
    if (word.empty()) return;
    if (column + word.size() + 1 > kColumns && column > head.size()) {
      out += "\n" + std::string(head.size(), ' ');
      column = head.size();
    }
    if (column > head.size()) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    word.clear();
  };
  for (const char c : text) {
    if (c == ' ') {
      flush();
    } else {
      word += c;
    }
  }
  flush();
  return out + "\n";
}

std::string Padded(std::string text, size_t width, bool right = false) {
  if (text.size() > width && width > 3)
    text = text.substr(0, width - 3) + "...";
  const std::string fill(width > text.size() ? width - text.size() : 0, ' ');
  return right ? fill + text : text + fill;
}

std::string Names(const Report& report, const std::vector<size_t>& ops) {
  constexpr size_t kShown = 4;
  std::string names;
  for (size_t i = 0; i < ops.size() && i < kShown; ++i)
    names += (i == 0 ? "" : ", ") + report.ops[ops[i]].name;
  if (ops.size() > kShown)
    names += " and " + std::to_string(ops.size() - kShown) + " more";
  return names;
}

std::string Saves(int64_t crossings) {
  if (crossings <= 0) return "";
  return " (saves " + std::to_string(crossings) +
         (crossings == 1 ? " crossing)" : " crossings)");
}

// The compiler's sentences end with a stop; ours go on.
std::string WithoutStop(std::string text) {
  while (!text.empty() && text.back() == '.') text.pop_back();
  return text;
}

std::string AdviceText(const Report& report, const Advice& advice) {
  const std::string indent(7, ' ');
  std::string kinds = report.ops[advice.ops[0]].op;
  std::string text = Wrapped(
      "  " + Padded(advice.rule, 5),
      Count(advice.ops.size(), "op") + " (" + kinds +
          "): " + WithoutStop(advice.text) +
          (advice.actual.empty() ? "" : "; is " + advice.actual) +
          (advice.allowed.empty() ? "" : ", allowed " + advice.allowed) + " [" +
          advice.provenance + "]");
  if (!advice.fix.empty())
    text += Wrapped(indent + "change: ",
                    advice.fix + Saves(advice.crossings_saved));
  return text + Wrapped(indent + "ops:    ", Names(report, advice.ops));
}

std::string AdviceSection(const Report& report, Severity severity,
                          const char* title) {
  std::string text;
  for (const Advice& advice : report.advice) {
    if (advice.severity == severity) text += AdviceText(report, advice);
  }
  return text.empty() ? "" : std::string("\n") + title + "\n" + text;
}

std::string HeadText(const Titles& titles, const Report& report) {
  const auto& compiler = report.placement.compiler;
  const auto& segmenter = report.placement.segmenter;
  std::string text = Wrapped(
      "", titles.model + " on " + report.label + " (" + report.arch + "), " +
              (report.route == placement::Route::kCoreMl ? "through Core ML"
                                                         : "direct route"));
  text += Wrapped(
      "  compiler   ",
      std::to_string(report.num_engine + report.num_folded) + " of " +
          Count(report.ops.size(), "op") +
          " accepted: " + std::to_string(report.num_engine) +
          " on the engine, " + std::to_string(report.num_folded) + " folded, " +
          std::to_string(report.num_cpu) + " on the CPU; " +
          Count(compiler.segments.size(), "segment") + ", " +
          Count(static_cast<size_t>(compiler.crossings), "crossing") + ", " +
          Bytes(static_cast<double>(compiler.bytes_moved)) + " moved");
  std::string choice =
      std::to_string(report.segmenter_ops) + " of " +
      Count(report.placement.ops.size(), "op") +
      " go to the engine (estimates " +
      Number(report.placement.segmenter_ms, 3) + " ms, without it " +
      Number(report.placement.host_ms, 3) + " ms); " +
      Count(segmenter.segments.size(), "segment") + ", " +
      Count(static_cast<size_t>(segmenter.crossings), "crossing");
  if (report.segmenter_ops == 0 && report.num_engine > 0)
    choice += ": too little work to pay for the way there and back (E60)";
  text += Wrapped("  segmenter  ", choice);
  if (report.plan.has_value()) {
    const PlanTotals& totals = report.plan->totals;
    text += Wrapped("  predicted  ",
                    Number(totals.predicted_us, 1) + " us on the engine, " +
                        std::to_string(totals.dispatches) +
                        (totals.dispatches == 1 ? " dispatch" : " dispatches") +
                        ", bound: " + engine::BoundName(totals.bound) + " [" +
                        totals.provenance + "]");
  } else if (!report.plan_problem.empty()) {
    text += Wrapped("  predicted  ", "no plan: " + report.plan_problem);
  }
  return text;
}

std::string NetworkText(const Report& report) {
  std::string text;
  for (const placement::Reason& reason : report.placement.network) {
    text += Wrapped("  " + Padded(reason.rule, 5),
                    reason.text + " [" + reason.provenance + "]" +
                        (reason.fix.empty() ? "" : "; change: " + reason.fix));
  }
  if (report.plan.has_value()) {
    for (const PlanWarning& warning : report.plan->warnings)
      text += Wrapped("  " + Padded(warning.rule, 5), warning.text);
  }
  return text.empty() ? "" : "\nThe network\n" + text;
}

std::string OpLine(const ReportOp& op) {
  std::string why = op.folded_into.empty() ? "" : "in " + op.folded_into;
  for (const placement::Reason& reason : op.reasons) {
    if (why.find(reason.rule) == std::string::npos)
      why += (why.empty() ? "" : " ") + reason.rule;
  }
  const bool timed = op.task >= 0 && op.where == Where::kEngine;
  return Padded(WhereName(op.where), 7) + Padded(op.op, 18) +
         Padded(timed ? Number(op.predicted_us, 2) : "-", 9, true) +
         Padded(op.passes > 0 ? std::to_string(op.passes) : "-", 5, true) +
         Padded(op.cores > 0 ? std::to_string(op.cores) : "-", 5, true) + "  " +
         Padded(op.name, 30) + "  " + Padded(why, 22);
}

std::string Trimmed(std::string line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line + "\n";
}

std::string OpTableText(const Report& report, bool all_ops) {
  std::vector<size_t> shown;
  for (size_t i = 0; i < report.ops.size(); ++i) {
    if (all_ops || report.ops[i].predicted_us > 0) shown.push_back(i);
  }
  if (!all_ops) {
    std::stable_sort(shown.begin(), shown.end(), [&](size_t a, size_t b) {
      return report.ops[a].predicted_us > report.ops[b].predicted_us;
    });
    shown.resize(std::min(shown.size(), kSlowest));
  }
  if (shown.empty()) return "";
  std::string text = all_ops ? "\nOps in order\n" : "\nSlowest on the engine\n";
  text += "  " + Trimmed(Padded("where", 7) + Padded("op", 18) +
                         Padded("us", 9, true) + Padded("pass", 5, true) +
                         Padded("core", 5, true) + "  " + Padded("name", 30) +
                         "  why");
  for (const size_t i : shown) text += "  " + Trimmed(OpLine(report.ops[i]));
  return text;
}

std::string Blocking(const Report& report) {
  std::string text;
  std::map<std::string, size_t> kinds;
  for (const ReportOp& op : report.ops) {
    if (op.where == Where::kCpu) ++kinds[op.op];
  }
  for (const auto& [op, count] : kinds)
    text += (text.empty() ? "" : ", ") + op +
            (count > 1 ? " x" + std::to_string(count) : "");
  return text.empty() ? "-" : text;
}

}  // namespace

std::string ReportText(const Titles& titles, const Report& report,
                       bool all_ops) {
  return HeadText(titles, report) +
         AdviceSection(report, Severity::kReject,
                       "What keeps ops off the engine, worst first") +
         NetworkText(report) +
         AdviceSection(report, Severity::kFallback,
                       "On the engine in a roundabout way") +
         AdviceSection(report, Severity::kWarn, "Worth knowing") +
         OpTableText(report, all_ops);
}

std::string MatrixText(const Titles& titles,
                       const std::vector<Report>& reports) {
  std::string text = titles.model + "\n";
  text += Padded("chip", 11) + Padded("ane", 6, true) +
          Padded("fold", 6, true) + Padded("cpu", 6, true) +
          Padded("segm", 6, true) + Padded("cross", 7, true) +
          Padded("us", 11, true) + Padded("placed", 8, true) +
          "  ops that stay on the CPU\n";
  for (const Report& report : reports) {
    text += Trimmed(
        Padded(report.target, 11) +
        Padded(std::to_string(report.num_engine), 6, true) +
        Padded(std::to_string(report.num_folded), 6, true) +
        Padded(std::to_string(report.num_cpu), 6, true) +
        Padded(std::to_string(report.placement.compiler.segments.size()), 6,
               true) +
        Padded(std::to_string(report.placement.compiler.crossings), 7, true) +
        Padded(report.plan ? Number(report.plan->totals.predicted_us, 1) : "-",
               11, true) +
        Padded(std::to_string(report.segmenter_ops), 8, true) + "  " +
        Padded(Blocking(report), 37));
  }
  return text +
         "ane, fold, cpu: what the engine's compiler accepts; placed: ops that "
         "the segmenter gives to it.\n";
}

}  // namespace aneref::explain
