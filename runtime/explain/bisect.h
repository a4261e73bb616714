// Where two evaluations of one network part, and why. Every op is evaluated on
// the other side's own operands, so that errors are not inherited; what differs
// by more than rounding can explain is compared with the quirk library.
#ifndef ANEREF_RUNTIME_EXPLAIN_BISECT_H_
#define ANEREF_RUNTIME_EXPLAIN_BISECT_H_

#include <map>
#include <string>
#include <vector>

#include "runtime/explain/metrics.h"
#include "runtime/explain/quirks.h"
#include "runtime/explain/replay.h"

namespace aneref {

enum class Label : uint8_t {
  kEqual,     // the same values
  kRounding,  // within the bound that the rounding rules give
  kRule,      // a rule or a quirk reproduces it
  kMistake,   // a known conversion mistake reproduces it
  kUnexplained,
  kEcho,  // right for the right value of an operand that is wrong in the dump
};
const char* LabelName(Label label);

// One output of one op, judged on the other side's operands.
struct Finding {
  size_t step = 0;
  std::string node;
  std::string op;
  std::string tensor;
  Label label = Label::kEqual;
  TensorMetrics metrics;
  int64_t outside = 0;     // elements beyond their bound
  double worst_ratio = 0;  // largest difference over its bound
  const Quirk* quirk = nullptr;
  // Every bit is the followed engine's (Bisection::follows).
  bool engine = false;
  // Ops behind it go on with the right value: only its dump is wrong.
  bool only_dumped = false;
  std::string culprit;  // the node that the quirk is at, when it is another one
  std::string why;      // one sentence for people
  // Ops before this one whose results the other side did not give: any of them
  // may be the cause.
  std::vector<std::string> region;
};

struct Bisection {
  std::vector<Finding> findings;  // in execution order
  int first = -1;                 // index of the first one that is no rounding
  int64_t exact = 0;
  // Most ops agree bit for bit: the other side computes as we do, so rounding
  // explains nothing.
  bool same_arithmetic = false;
  // The profile whose arithmetic the ops that differ follow, "h13"; empty:
  // none. Each op is then judged against that arithmetic in place of ours.
  std::string follows;
  std::vector<std::string> not_given;  // ops without a tensor of the other side
};

struct BisectOptions {
  // Profiles for the quirk library; null contexts: without.
  Arithmetic h13, h16;
  // More engines whose arithmetic the other side may follow.
  std::vector<Arithmetic> engines;
  // The engine that the other side may be; null: no engine.
  const Profile* engine = nullptr;
  // Steps that are analysed in depth; the rest is only counted.
  size_t max_analysed = 24;
};

// Within rounding, or the everyday arithmetic of an engine.
bool IsHarmless(const Finding& finding);

// `theirs`: value index -> the other side's elements, in the value's shape.
// Inputs must be set.
Expected<Bisection> Bisect(Replay* replay,
                           const std::map<int32_t, OwnedTensor>& theirs,
                           const BisectOptions& options);

// How well a whole run under some arithmetic reproduces given outputs.
struct Ranked {
  std::string name;     // "device, profile h13"
  double equal = 0;     // share of elements with the same value
  double distance = 0;  // |a - b| / |b| over all outputs, L2
};
struct NamedArithmetic {
  std::string name;
  Arithmetic arithmetic;
  // Steps that compute so, one flag each; the others are the host's (portable).
  // Empty: all.
  std::vector<uint8_t> steps = {};
};
// Best first.
Expected<std::vector<Ranked>> RankArithmetics(
    const std::shared_ptr<const Net>& net, const ReplayOptions& base,
    const std::vector<OwnedTensor>& inputs,
    const std::map<int32_t, OwnedTensor>& theirs,
    const std::vector<NamedArithmetic>& runs);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_BISECT_H_
