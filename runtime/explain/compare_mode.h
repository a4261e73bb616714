// When two tensors count as the same: named modes, declared per tensor. A
// tolerance is always one of these kinds with its numbers, never a bare number.
#ifndef ANEREF_RUNTIME_EXPLAIN_COMPARE_MODE_H_
#define ANEREF_RUNTIME_EXPLAIN_COMPARE_MODE_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/json.h"
#include "runtime/explain/metrics.h"

namespace aneref {

enum class CompareKind : uint8_t {
  kExact,     // every element has the same value
  kUlp,       // at most `limit` units in the last place apart
  kAbsRel,    // |a - b| <= atol + rtol * |b|
  kPsnr,      // at least `limit` dB
  kDecision,  // at most the share `limit` of decisions differs
};
const char* CompareKindName(CompareKind kind);

struct CompareMode {
  CompareKind kind = CompareKind::kExact;
  double limit = 0;
  double rtol = 0;
  double atol = 0;
  // kDecision: each element is a decision, x > threshold; without it the
  // arg-max along the last axis is.
  std::optional<double> threshold;

  std::string ToString() const;  // as ParseCompareMode reads it
};

// "exact", "ulp:2", "abs-rel:rtol=1e-3,atol=1e-4", "psnr:40", "decision",
// "decision:0.01", "decision:0.01,threshold=0.5". kInvalidArgument.
Expected<CompareMode> ParseCompareMode(std::string_view text);

// All modes of a tensor must hold.
class ModeTable {
 public:
  // For tensors that have none of their own.
  void SetDefault(std::vector<CompareMode> modes) {
    default_ = std::move(modes);
  }
  // "NAME=MODE" of --mode; NAME may hold '=', "*" is every tensor.
  Status Add(std::string_view option);
  // {"default": MODE, "tensors": {NAME: MODE}}, MODE a text or a list of them.
  Status AddFile(const JsonValue& file, const std::string& name);

  const std::vector<CompareMode>& For(const std::string& name) const;

 private:
  std::vector<CompareMode> default_ = {CompareMode{}};
  std::map<std::string, std::vector<CompareMode>> named_;
};

struct Verdict {
  bool pass = true;
  int64_t violations = 0;  // elements (decisions) outside
  std::string reason;      // of the first mode that fails
};
// Shapes must be equal. Different kinds of values (NaN against a number) fail
// every mode but kDecision.
Verdict Judge(const std::vector<CompareMode>& modes,
              const TensorMetrics& metrics, const OwnedTensor& a,
              const OwnedTensor& b);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_COMPARE_MODE_H_
