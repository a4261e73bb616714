// The work behind bisect.h: one run collects what differs from the other side,
// a second look at each difference decides on its label (bisect.cc looks,
// bisect_blame.cc decides).
#ifndef ANEREF_RUNTIME_EXPLAIN_BISECTOR_H_
#define ANEREF_RUNTIME_EXPLAIN_BISECTOR_H_

#include <map>
#include <set>
#include <vector>

#include "runtime/explain/bisect.h"
#include "runtime/explain/tensor_set.h"

namespace aneref {

class Bisector {
 public:
  Bisector(Replay* replay, const std::map<int32_t, OwnedTensor>& theirs,
           const BisectOptions& options);

  Status Run();

  Bisection Take() { return std::move(result_); }

 private:
  // A difference that waits for its label.
  struct Pending {
    size_t finding = 0;
    size_t output = 0;
    HostValues in;
    HostValue value;  // ours
    OwnedTensor ours, theirs;
    std::vector<size_t> region;  // steps, ascending, without this one
  };

  // Operands and results of a step whose results the other side did not give.
  struct Kept {
    HostValues in, out;
  };

  Status Visit(size_t step, const HostValues& in, HostValues* out);

  Status Compare(size_t step, size_t output, const HostValues& in,
                 const HostValue& value, const OwnedTensor& given,
                 const std::set<size_t>& region);

  int32_t ValueOf(const Pending& pending) const;

  // Whose arithmetic the ops that differ follow, if not ours.
  void FollowEngine();

  // Whether an op has every bit in the engine's arithmetic. Any other is judged
  // against that arithmetic from here on.
  bool Follows(Pending* pending);

  // An op that follows the engine: its own quirk where it is far from the
  // definition, else the engine's everyday arithmetic.
  Status AnalyseFollower(const Pending& pending, bool deep);

  // Settles an op that goes on with the right value of an operand that is wrong
  // in the dump: then the dump of that operand is wrong, not its computation.
  bool Echoes(const Pending& pending);

  const Arithmetic& OwnArithmetic(size_t step) const {
    return replay_.choose ? replay_.choose(step) : replay_.arithmetic();
  }
  const Arithmetic& ArithmeticOf(size_t step) const {
    return engine_.device != nullptr ? engine_ : OwnArithmetic(step);
  }

  Expected<std::vector<double>> ToleranceOf(const Pending& pending);

  QuirkContext ContextOf(size_t step, size_t output, const HostValues& in);

  Expected<QuirkGoal> GoalOf(const Pending& pending);

  QuirkContext ContextOf(const Pending& pending);

  Status Analyse(const Pending& pending);

  // Tries the library at each op of the region and evaluates what follows.
  Status BlameRegion(const Pending& pending, const QuirkGoal& goal,
                     Finding* finding);

  // The pending op's result when `step` gives `elements`.
  Expected<std::vector<double>> Propagate(const Pending& pending, size_t step,
                                          const std::vector<double>& elements);

  static void Measure(const QuirkGoal& goal, Finding* finding);

  static void Blame(const Quirk& quirk, double explained, Finding* finding);

  static void Unexplained(const Pending& pending, Finding* finding);

  void FindFirst();

  Replay& replay_;
  const std::map<int32_t, OwnedTensor>& theirs_;
  const BisectOptions& options_;
  std::vector<std::vector<size_t>> regions_;  // by value
  bool reference_is_wide_ = false;  // the other side has more digits than fp16
  std::vector<const fbs::Node*> producers_;
  std::map<size_t, Kept> kept_;
  std::vector<Pending> pending_;
  Arithmetic engine_;  // what the other side follows; no device: nothing
  std::map<int32_t, const Pending*> wrong_;  // by value
  int64_t arithmetic_ = 0, agreeing_ = 0, exact_ = 0;
  Bisection result_;
};

// Whether every element survives fp16: else the other side has more digits.
bool FitsHalf(const OwnedTensor& tensor);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_BISECTOR_H_
