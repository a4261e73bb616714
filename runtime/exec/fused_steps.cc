// See fused_steps.h.
#include "runtime/exec/fused_steps.h"

#include <algorithm>
#include <optional>

#include "ops/fuse.h"
#include "ops/row_chain.h"
#include "runtime/core/layout.h"

namespace aneref {
namespace {

using Step = LoweredPlan::Step;
using Slot = LoweredPlan::Slot;
using FusedStep = LoweredPlan::FusedStep;

class Finder {
 public:
  explicit Finder(const LoweredPlan& lowered)
      : lowered_(lowered),
        num_uses_(lowered.slots().size()),
        is_alone_(lowered.steps().size()),
        is_taken_(lowered.steps().size()) {
    for (const ProgramNode& node : lowered.program().nodes) {
      for (const int32_t value : node.inputs) AddUse(value);
    }
    for (const int32_t value : lowered.program().outputs) AddUse(value);
    for (const LoweredPlan::Op& op : lowered.ops()) {
      if (op.end_step - op.first_step == 1) is_alone_[op.first_step] = true;
    }
  }

  std::vector<FusedStep> Run() {
    std::vector<FusedStep> found;
    for (size_t i = 0; i < lowered_.steps().size(); ++i) {
      if (is_taken_[i]) continue;
      std::optional<FusedStep> fused = ChainFrom(i);
      if (!fused) fused = LongestFrom(i);
      if (!fused) continue;
      for (const size_t step : fused->steps) is_taken_[step] = true;
      found.push_back(std::move(*fused));
    }
    return found;
  }

 private:
  void AddUse(int32_t value) {
    if (value >= 0) ++num_uses_[static_cast<size_t>(value)];
  }
  const Slot& SlotAt(int32_t index) const {
    return lowered_.slots()[static_cast<size_t>(index)];
  }

  bool HasOneResult(const Step& step) const {
    return step.out.size() == 1 && step.out[0] >= 0;
  }
  bool IsFree(size_t step) const { return is_alone_[step] && !is_taken_[step]; }

  // `next` takes `result`, once, and nobody else does.
  bool AloneReads(const Step& next, int32_t result) const {
    return num_uses_[static_cast<size_t>(result)] == 1 && next.in.size() <= 2 &&
           std::count(next.in.begin(), next.in.end(), result) == 1;
  }

  // A product, steps that rewrite its rows, and a product of those
  // (ops/row_chain.h). Steps of others may lie between.
  std::optional<FusedStep> ChainFrom(size_t first) const {
    const std::vector<Step>& steps = lowered_.steps();
    if (!IsFree(first) || !HasOneResult(steps[first]) ||
        !MayBeginRowChain(steps[first].spec))
      return std::nullopt;
    int32_t result = steps[first].out[0];
    const TensorType& type = SlotAt(result).type;
    FusedStep chain{{}, {first}};
    std::vector<ChainedStep> chained = {{&steps[first].spec, {}, 0}};
    std::vector<int32_t> in = steps[first].in, others;
    for (size_t i = first + 1; i < steps.size(); ++i) {
      const Step& next = steps[i];
      if (std::count(next.in.begin(), next.in.end(), result) == 0) continue;
      if (!IsFree(i) || !HasOneResult(next) || !AloneReads(next, result))
        return std::nullopt;
      chain.steps.push_back(i);
      chained.push_back(Chained(next, result));
      const int32_t other =
          next.in.size() < 2 ? -1 : next.in[1 - chained.back().chained];
      result = next.out[0];
      if (!MayContinueRowChain(next.spec)) {
        chain.step = next;
        in.push_back(other);
        in.insert(in.end(), others.begin(), others.end());
        chain.step.in = std::move(in);
        return Completed(std::move(chain), MakeRowChain(type, chained));
      }
      if (!(SlotAt(result).type == type)) return std::nullopt;
      if (other >= 0) others.push_back(other);
    }
    return std::nullopt;
  }

  ChainedStep Chained(const Step& step, int32_t result) const {
    ChainedStep chained{&step.spec, {}, step.in[0] == result ? 0u : 1u};
    for (const int32_t slot : step.in)
      chained.in.push_back(slot < 0 ? Shape() : SlotAt(slot).type.shape);
    return chained;
  }

  // The plan keeps operands until the last step (plan/row_chains.h); whether it
  // did is seen here.
  std::optional<FusedStep> Completed(FusedStep chain,
                                     std::optional<TaskSpec> task) const {
    if (!task || !MayWrite(chain.step, -1)) return std::nullopt;
    for (size_t i = chain.steps.front(); i < chain.steps.back(); ++i) {
      if (std::count(chain.steps.begin(), chain.steps.end(), i) != 0) continue;
      for (const int32_t out : lowered_.steps()[i].out) {
        if (out >= 0 && !Spares(out, chain.step)) return std::nullopt;
      }
    }
    chain.step.spec = std::move(*task);
    return chain;
  }

  // `first` and the steps behind it that it can compute.
  std::optional<FusedStep> LongestFrom(size_t first) const {
    const Step& start = lowered_.steps()[first];
    if (!IsFree(first) || !HasOneResult(start) ||
        SlotAt(start.out[0]).type.dtype != DataType::kFloat16)
      return std::nullopt;
    std::optional<FusedStep> longest;
    Epilogue epilogue;
    int32_t addend = -1, result = start.out[0];
    FusedStep longer{start, {first}};
    for (size_t i = first + 1; i < lowered_.steps().size(); ++i) {
      const Step& next = lowered_.steps()[i];
      if (!IsFree(i) || !Follows(result, next, &addend)) break;
      if (!AppendToEpilogue(next.spec, &epilogue)) break;
      result = next.out[0];
      longer.steps.push_back(i);
      longer.step = start;
      longer.step.out = {result};
      if (addend >= 0) longer.step.in.push_back(addend);
      if (!SetEpilogue(epilogue, &longer.step.spec)) break;
      if (MayWrite(longer.step, addend)) longest = longer;
    }
    return longest;
  }

  // `next` alone reads `result`, and gives the same type; any other operand is
  // an addend of that type.
  bool Follows(int32_t result, const Step& next, int32_t* addend) const {
    if (!HasOneResult(next) || !AloneReads(next, result)) return false;
    const TensorType& type = SlotAt(result).type;
    if (!(SlotAt(next.out[0]).type == type)) return false;
    if (next.in.size() == 1) return true;
    const int32_t other = next.in[next.in[0] == result ? 1 : 0];
    if (other < 0 || !(SlotAt(other).type == type) || *addend >= 0)
      return false;
    *addend = other;
    return true;
  }

  // The plan keeps the result from everything that is read after these steps;
  // what they read themselves must not lie under it either, but for an addend
  // in its very place.
  bool MayWrite(const Step& step, int32_t addend) const {
    const Slot& out = SlotAt(step.out[0]);
    if (!out.is_placed) return false;
    const bool is_addend = addend >= 0 && SlotAt(addend).is_placed &&
                           SlotAt(addend).offset == out.offset;
    return Spares(step.out[0], step, is_addend ? 1 : 0);
  }

  // Nothing else that `step` reads, but for `last` operands, lies where `slot`
  // does.
  bool Spares(int32_t slot, const Step& step, size_t last = 0) const {
    const Slot& out = SlotAt(slot);
    const uint64_t out_end = out.offset + SurfaceBytes(out.type).value();
    for (size_t i = 0; out.is_placed && i + last < step.in.size(); ++i) {
      if (step.in[i] < 0 || step.in[i] == slot) continue;
      const Slot& in = SlotAt(step.in[i]);
      if (!in.is_placed) continue;
      const uint64_t in_end = in.offset + SurfaceBytes(in.type).value();
      if (in.offset < out_end && out.offset < in_end) return false;
    }
    return true;
  }

  const LoweredPlan& lowered_;
  std::vector<int32_t> num_uses_;  // of slots
  std::vector<bool> is_alone_;     // per step: its op has no other
  std::vector<bool> is_taken_;     // per step: it is fused already
};

}  // namespace

std::vector<LoweredPlan::FusedStep> FindFusedSteps(const LoweredPlan& lowered) {
  return Finder(lowered).Run();
}

}  // namespace aneref
