// See bisector.h: what explains one difference - rounding, the engine that the
// other side follows, a quirk, a mistake, or nothing known.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "ops/registry.h"
#include "runtime/explain/bisect_engine.h"
#include "runtime/explain/bisector.h"
#include "runtime/explain/bounds.h"

namespace aneref {
namespace {

std::string Percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.3g %%", share * 100);
  return text;
}

}  // namespace

Status Bisector::AnalyseFollower(const Pending& pending, bool deep) {
  Finding& finding = result_.findings[pending.finding];
  QuirkGoal goal;
  if (deep) {
    ANEREF_ASSIGN(goal, GoalOf(pending));
    Measure(goal, &finding);
  }
  if (finding.outside > 0) {
    goal.conversions = false;
    for (const QuirkMatch& match : MatchQuirks(ContextOf(pending), goal)) {
      if (IsEverydayArithmetic(*match.quirk)) continue;
      Blame(*match.quirk, match.explained, &finding);
      return Status();
    }
  }
  finding.label = Label::kRule;
  finding.outside = 0;
  finding.quirk = EngineRule(finding.op, *engine_.device);
  finding.why = "Every bit is the one that the engine's arithmetic (" +
                result_.follows + ") gives.";
  if (finding.quirk != nullptr) finding.why += " " + finding.quirk->sentence;
  return Status();
}

Expected<std::vector<double>> Bisector::ToleranceOf(const Pending& pending) {
  const Finding& finding = result_.findings[pending.finding];
  const std::vector<double> ours = ElementsOf(pending.ours);
  std::vector<double> tolerance(ours.size(), 0.0);
  const DataType type = pending.ours.type.dtype;
  const bool half = type == DataType::kFloat16;
  const bool exact =
      result_.same_arithmetic || (engine_.device != nullptr && !finding.engine);
  if (exact && !reference_is_wide_) {
    return tolerance;
  }
  // What an fp32 engine fed to the op was rounded to fp16 before we used it.
  const bool in_half = replay_.arithmetic().numerics != Numerics::kFp32;
  const bool rounded = in_half && reference_is_wide_;
  BoundRequest request;
  request.node = replay_.steps()[finding.step].node;
  request.in = pending.in;
  request.rounded_operands = rounded;
  request.other_engine = options_.engine;
  request.half_results = half;
  request.foreign_functions = reference_is_wide_;
  if (!IsFloating(type)) {
    // A number that is rounded to an integer may fall on either side.
    if (rounded) {
      std::fill(tolerance.begin(), tolerance.end(), 1.0);
    }
    return tolerance;
  }
  Expected<std::vector<double>> bound =
      RoundingBound(&replay_.evaluator(), request, pending.output, ours);
  // An op that refuses fp32 operands keeps the plain unit.
  if (!bound.ok()) {
    for (size_t i = 0; i < ours.size(); ++i) {
      tolerance[i] = 2 * UnitOf(ours[i], half);
    }
    return tolerance;
  }
  return bound;
}

QuirkContext Bisector::ContextOf(size_t step, size_t output,
                                 const HostValues& in) {
  QuirkContext context;
  const Replay::Step& at = replay_.steps()[step];
  context.node = at.node;
  if (!at.inputs.empty() && at.inputs[0] >= 0) {
    context.producer = producers_[static_cast<size_t>(at.inputs[0])];
  }
  context.in = in;
  context.output = output;
  const auto is_state = [&](int32_t value) {
    return value >= 0 && replay_.IsState(value);
  };
  context.state = is_state(at.outputs[output]) ||
                  std::any_of(at.inputs.begin(), at.inputs.end(), is_state);
  context.evaluator = &replay_.evaluator();
  context.arithmetic = ArithmeticOf(step);
  context.h13 = options_.h13;
  context.h16 = options_.h16;
  return context;
}

Expected<QuirkGoal> Bisector::GoalOf(const Pending& pending) {
  QuirkGoal goal;
  goal.ours = ElementsOf(pending.ours);
  goal.theirs = ElementsOf(pending.theirs);
  ANEREF_ASSIGN(goal.tolerance, ToleranceOf(pending));
  return goal;
}

QuirkContext Bisector::ContextOf(const Pending& pending) {
  const Finding& finding = result_.findings[pending.finding];
  QuirkContext context = ContextOf(finding.step, pending.output, pending.in);
  if (finding.engine) context.arithmetic = OwnArithmetic(finding.step);
  context.shape = pending.ours.type.shape;
  context.half = pending.ours.type.dtype == DataType::kFloat16;
  context.ours = ElementsOf(pending.ours);
  context.theirs = ElementsOf(pending.theirs);
  return context;
}

Status Bisector::Analyse(const Pending& pending) {
  Finding& finding = result_.findings[pending.finding];
  QuirkGoal goal;
  ANEREF_ASSIGN(goal, GoalOf(pending));
  Measure(goal, &finding);
  const QuirkContext context = ContextOf(pending);
  // Where rounding suffices, a rule is named only if it gives every bit,
  // which it cannot when the other side has more digits.
  const bool within = finding.outside == 0;
  goal.conversions = !within;
  std::vector<QuirkMatch> matches;
  if (!within || FitsHalf(pending.theirs)) {
    matches = MatchQuirks(context, goal);
  }
  if (within) {
    std::erase_if(matches,
                  [](const QuirkMatch& match) { return match.explained < 1; });
  }
  if (!matches.empty()) {
    Blame(*matches[0].quirk, matches[0].explained, &finding);
    return Status();
  }
  if (finding.outside == 0) {
    finding.label = Label::kRounding;
    finding.why =
        "Every element is within what rounding and the order of sums can "
        "change.";
    return Status();
  }
  ANEREF_TRY(BlameRegion(pending, goal, &finding));
  if (finding.quirk == nullptr) Unexplained(pending, &finding);
  return Status();
}

Status Bisector::BlameRegion(const Pending& pending, const QuirkGoal& goal,
                             Finding* finding) {
  constexpr size_t kMostOps = 64;
  if (pending.region.size() > kMostOps) return Status();
  for (size_t step : pending.region) {
    const auto kept = kept_.find(step);
    if (kept == kept_.end() || kept->second.out.empty()) continue;
    ANEREF_ASSIGN(const OwnedTensor ours, CopyDense(kept->second.out[0].view));
    if (!IsFloating(ours.type.dtype)) continue;
    QuirkContext context = ContextOf(step, 0, kept->second.in);
    context.shape = ours.type.shape;
    context.half = ours.type.dtype == DataType::kFloat16;
    context.ours = context.theirs = ElementsOf(ours);
    QuirkGoal there = goal;
    there.propagate = [&](const std::vector<double>& candidate) {
      return Propagate(pending, step, candidate);
    };
    const std::vector<QuirkMatch> matches = MatchQuirks(context, there);
    if (matches.empty()) continue;
    Blame(*matches[0].quirk, matches[0].explained, finding);
    finding->culprit = StepName(replay_, step);
    return Status();
  }
  return Status();
}

Expected<std::vector<double>> Bisector::Propagate(
    const Pending& pending, size_t step, const std::vector<double>& elements) {
  std::map<int32_t, HostValue> changed;
  const Replay::Step& from = replay_.steps()[step];
  ANEREF_ASSIGN(changed[from.outputs[0]],
                WithElements(kept_[step].out[0], elements));
  const auto run = [&](size_t at,
                       const HostValues& in) -> Expected<HostValues> {
    HostValues operands = in;
    const std::vector<int32_t>& inputs = replay_.steps()[at].inputs;
    for (size_t i = 0; i < operands.size(); ++i) {
      const auto found = changed.find(inputs[i]);
      if (found != changed.end()) operands[i] = found->second;
    }
    return replay_.evaluator().Evaluate(*replay_.steps()[at].node, operands,
                                        ArithmeticOf(at));
  };
  for (size_t at : pending.region) {
    if (at <= step || !kept_.contains(at)) continue;
    ANEREF_ASSIGN(const HostValues out, run(at, kept_[at].in));
    const std::vector<int32_t>& outputs = replay_.steps()[at].outputs;
    for (size_t k = 0; k < outputs.size() && k < out.size(); ++k) {
      if (outputs[k] >= 0) changed[outputs[k]] = out[k];
    }
  }
  ANEREF_ASSIGN(const HostValues out,
                run(result_.findings[pending.finding].step, pending.in));
  return ElementsOfValue(out[pending.output]);
}

void Bisector::Measure(const QuirkGoal& goal, Finding* finding) {
  for (size_t i = 0; i < goal.ours.size(); ++i) {
    const double a = goal.ours[i], b = goal.theirs[i];
    if (SameValue(a, b)) continue;
    const double gap = std::abs(a - b);
    if (!(gap <= goal.tolerance[i])) ++finding->outside;
    const double ratio = std::isfinite(gap)
                             ? gap / std::max(goal.tolerance[i], 0x1p-40)
                             : HUGE_VAL;
    finding->worst_ratio = std::max(finding->worst_ratio, ratio);
  }
}

void Bisector::Blame(const Quirk& quirk, double explained, Finding* finding) {
  finding->quirk = &quirk;
  finding->label =
      quirk.kind == QuirkKind::kConversion ? Label::kMistake : Label::kRule;
  finding->why = quirk.sentence + " It reproduces " + Percent(explained) +
                 " of the elements that differ.";
}

void Bisector::Unexplained(const Pending& pending, Finding* finding) {
  finding->label = Label::kUnexplained;
  const TensorMetrics& metrics = finding->metrics;
  finding->why =
      std::to_string(finding->outside) + " of " +
      std::to_string(metrics.elements) +
      " elements are beyond what rounding can change, the worst at " +
      IndexText(pending.ours.type.shape, metrics.worst.index) +
      "; no rule and no known quirk gives these values.";
}

}  // namespace aneref
