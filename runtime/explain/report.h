// The report behind `explain`: for one network and one chip, where each op
// goes and why, the tasks of the plan, both divisions of E62, and what to
// change first. Facts only; text, JSON and pages are written by report_*.cc.
#ifndef ANEREF_RUNTIME_EXPLAIN_REPORT_H_
#define ANEREF_RUNTIME_EXPLAIN_REPORT_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/json_writer.h"
#include "runtime/plan/placement/network.h"
#include "runtime/plan/plan.h"

namespace aneref::explain {

enum class Where : uint8_t { kEngine, kFolded, kCpu };
const char* WhereName(Where where);  // "ane", "folded", "cpu"

struct ReportOp {
  std::string name;
  std::string op;     // OpName
  std::string row;    // of the op table
  std::string shape;  // of the first output, with its type
  Where where = Where::kEngine;
  std::string folded_into;  // the op that hosts it; "constant"
  std::vector<placement::Reason> reasons;
  std::string backend;  // the segmenter's choice; empty: not asked
  int32_t node = -1;    // in the program; -1: known before the run
  int32_t task = -1;
  int64_t passes = 0, cores = 0, tiles = 0;
  int64_t working_set_bytes = 0;
  double predicted_us = 0;  // of its task; 0 for folded ops
  std::string bound;
};

// One thing to change, for all ops that it would help.
struct Advice {
  std::string rule;
  placement::Severity severity = placement::Severity::kReject;
  std::string text, actual, allowed, fix, provenance;
  std::vector<size_t> ops;  // of Report::ops
  int64_t crossings_saved = 0;
};

struct Report {
  std::string target, label, arch;
  placement::Route route = placement::Route::kCoreMl;
  engine::SegmenterKind segmenter_kind = engine::SegmenterKind::kMacos27;
  std::vector<ReportOp> ops;  // in the graph's order
  placement::NetworkPlacement placement;
  std::optional<Plan> plan;    // absent: open shapes, or no cost anchors
  std::string plan_problem;    // why it is absent
  std::vector<Advice> advice;  // worst first
  size_t num_engine = 0, num_folded = 0, num_cpu = 0;
  size_t segmenter_ops = 0;  // ops that E60 gives to the engine
};

struct ReportOptions {
  placement::PlacementOptions rules;
  engine::SegmenterKind segmenter = engine::SegmenterKind::kMacos27;
  std::vector<std::string> engine_options;
};

// kUnsupported: a chip without an engine.
Expected<Report> MakeReport(const Net& net, const Program& program,
                            const Chip& chip, const ReportOptions& options);

struct Titles {
  std::string model;  // path or name, as shown
};

// Aligned text, at most 100 columns; `all_ops` lists every op.
std::string ReportText(const Titles& titles, const Report& report,
                       bool all_ops);
void WriteReport(const Report& report, const Program& program,
                 JsonWriter* json);

// chips x (ops on the engine, segments, crossings, time, blocking ops).
std::string MatrixText(const Titles& titles,
                       const std::vector<Report>& reports);
void WriteMatrix(const Titles& titles, const std::vector<Report>& reports,
                 JsonWriter* json);

// One page for all reports; the network is drawn once.
std::string ReportPage(const Titles& titles, const Program& program,
                       const std::vector<Report>& reports);

// ---- for continuous integration: report_checks.cc ----

struct FailOn {
  bool cpu = false;        // any op on the CPU
  bool segmenter = false;  // any op that the segmenter leaves off the engine
  std::optional<int64_t> crossings;  // more than so many
  std::vector<std::string> rules;    // any finding of these
};
// "cpu", "segmenter", "crossings=N", "rule=V20"; kInvalidArgument otherwise.
Status AddFailOn(const std::string& text, FailOn* fail_on);
// One line per broken expectation; empty: none.
std::vector<std::string> BrokenExpectations(const Report& report,
                                            const FailOn& fail_on);

std::string Sarif(const Titles& titles, const std::vector<Report>& reports);
std::string JUnit(const Titles& titles, const std::vector<Report>& reports,
                  const FailOn& fail_on);

}  // namespace aneref::explain

#endif  // ANEREF_RUNTIME_EXPLAIN_REPORT_H_
