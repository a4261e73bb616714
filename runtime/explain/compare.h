// The result of comparing two sets of tensors, with or without a network behind
// them: data for the text, JSON and page reports.
#ifndef ANEREF_RUNTIME_EXPLAIN_COMPARE_H_
#define ANEREF_RUNTIME_EXPLAIN_COMPARE_H_

#include <optional>
#include <string>
#include <vector>

#include "runtime/explain/bisect.h"
#include "runtime/explain/compare_mode.h"
#include "runtime/explain/match.h"

namespace aneref {

struct ComparedTensor {
  std::string name;     // in the first set
  std::string partner;  // in the second
  std::string how;      // by what they were matched
  std::string note;     // what was done to align them
  TensorType type;      // of the first
  DataType other_type = DataType::kFloat16;
  TensorMetrics metrics;
  std::string modes;
  bool pass = true;
  std::string reason;  // why it fails
  std::string hint;    // what the numbers look like (padded rows)
  // Both sides, kept for pictures where small enough; else empty.
  OwnedTensor a, b;
};

struct CompareReport {
  std::string title;  // what is compared with what
  std::string target, numerics;
  bool pass = true;
  std::vector<ComparedTensor> tensors;
  std::vector<std::string> only_a, only_b;
  std::vector<std::pair<std::string, std::string>> misfits;  // name, why
  std::string first_divergent;  // a tensor's name; empty: none
  std::optional<Bisection> bisection;
  std::vector<Ranked> ranking;  // arithmetics by how well they reproduce b
  // The network, for the page: op, name, inputs and outputs of each step.
  struct Node {
    std::string name, op;
    std::vector<std::string> inputs, outputs;
  };
  std::vector<Node> graph;
};

// Matches, measures and judges; no bisection. kInvalidArgument: nothing
// matches, or the map names what does not exist.
Expected<CompareReport> CompareSets(
    const TensorSet& a, const TensorSet& b,
    const std::map<std::string, std::string>& map, const ModeTable& modes);

// Findings to show, first what needs attention, in execution order, then what
// is everyday arithmetic, one group per rule. Equal and merely rounded ones are
// left out.
struct FindingGroup {
  const Finding* finding = nullptr;
  std::vector<const Finding*> alike;  // more of the same rule
};
std::vector<FindingGroup> GroupFindings(const Bisection& bisection);
// The node that the finding is about.
const std::string& NodeOf(const Finding& finding);

// The verdict in one sentence for people.
std::string VerdictText(const CompareReport& report);

// The document of `compare --json`.
std::string CompareJson(const CompareReport& report);
// SARIF 2.1.0: one result per failing tensor or finding; `uri` is the model or
// dump that it is about.
std::string CompareSarif(const CompareReport& report, const std::string& uri);
// JUnit: one test case per tensor.
std::string CompareJunit(const CompareReport& report);
// One self-contained HTML page.
std::string ComparePage(const CompareReport& report);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_COMPARE_H_
