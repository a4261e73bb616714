// See fused_steps.h.
#include "runtime/exec/fused_steps.h"

#include <algorithm>

#include "ops/fuse.h"
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
        is_alone_(lowered.steps().size()) {
    for (const ProgramNode& node : lowered.program().nodes) {
      for (const int32_t value : node.inputs) AddUse(value);
    }
    for (const int32_t value : lowered.program().outputs) AddUse(value);
    for (const LoweredPlan::Op& op : lowered.ops()) {
      if (op.end_step - op.first_step == 1) is_alone_[op.first_step] = true;
    }
  }

  std::vector<FusedStep> Run() const {
    std::vector<FusedStep> found;
    for (size_t i = 0; i < lowered_.steps().size();) {
      FusedStep fused = LongestFrom(i);
      i = fused.end_step;
      if (fused.end_step - fused.first_step > 1)
        found.push_back(std::move(fused));
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

  // `first` and the steps behind it that it can compute.
  FusedStep LongestFrom(size_t first) const {
    FusedStep longest{lowered_.steps()[first], first, first + 1};
    const Step& start = longest.step;
    if (!is_alone_[first] || start.out.size() != 1 || start.out[0] < 0 ||
        SlotAt(start.out[0]).type.dtype != DataType::kFloat16)
      return longest;
    Epilogue epilogue;
    int32_t addend = -1, result = start.out[0];
    for (size_t i = first + 1; i < lowered_.steps().size(); ++i) {
      const Step& next = lowered_.steps()[i];
      if (!is_alone_[i] || !Follows(result, next, &addend)) break;
      if (!AppendToEpilogue(next.spec, &epilogue)) break;
      FusedStep longer{start, first, i + 1};
      result = next.out[0];
      longer.step.out = {result};
      if (addend >= 0) longer.step.in.push_back(addend);
      if (!SetEpilogue(epilogue, &longer.step.spec)) break;
      if (MayWrite(longer.step, addend)) longest = std::move(longer);
    }
    return longest;
  }

  // `next` alone reads `result`, and gives the same type; any other operand is
  // an addend of that type.
  bool Follows(int32_t result, const Step& next, int32_t* addend) const {
    if (num_uses_[static_cast<size_t>(result)] != 1) return false;
    if (next.out.size() != 1 || next.out[0] < 0 || next.in.size() > 2)
      return false;
    if (std::count(next.in.begin(), next.in.end(), result) != 1) return false;
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
    for (size_t i = 0; i < step.in.size(); ++i) {
      if (step.in[i] < 0) continue;
      const Slot& in = SlotAt(step.in[i]);
      if (!in.is_placed) continue;
      const bool is_addend = addend >= 0 && i + 1 == step.in.size();
      if (is_addend && in.offset == out.offset) continue;
      const uint64_t in_end = in.offset + SurfaceBytes(in.type).value();
      const uint64_t out_end = out.offset + SurfaceBytes(out.type).value();
      if (in.offset < out_end && out.offset < in_end) return false;
    }
    return true;
  }

  const LoweredPlan& lowered_;
  std::vector<int32_t> num_uses_;  // of slots
  std::vector<bool> is_alone_;     // per step: its op has no other
};

}  // namespace

std::vector<LoweredPlan::FusedStep> FindFusedSteps(const LoweredPlan& lowered) {
  return Finder(lowered).Run();
}

}  // namespace aneref
