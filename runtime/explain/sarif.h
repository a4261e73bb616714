// The parts of SARIF 2.1.0 that our reports write: one run of one tool, results
// that name a rule, a file and an element of it.
#ifndef ANEREF_RUNTIME_EXPLAIN_SARIF_H_
#define ANEREF_RUNTIME_EXPLAIN_SARIF_H_

#include <string>
#include <vector>

namespace aneref {

struct SarifRule {
  std::string id, text;
};

struct SarifResult {
  std::string rule, level, text;  // level: "error", "warning" or "note"
  std::string uri;                // of the file
  std::string element;            // the op or tensor; empty: the whole file
  std::string kind;               // of the element; empty: not said
};

struct SarifRun {
  std::string tool;
  bool has_rules = false;  // whether the tool lists its rules
  std::vector<SarifRule> rules;
  std::vector<SarifResult> results;
};
std::string SarifText(const SarifRun& run);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_SARIF_H_
