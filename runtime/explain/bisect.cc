// See bisect.h. One run collects what differs; a second look at each difference
// decides on a label.
#include "runtime/explain/bisect.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "ops/registry.h"
#include "runtime/core/half.h"
#include "runtime/explain/bounds.h"
#include "runtime/explain/tensor_set.h"

namespace aneref {
namespace {

// A difference that waits for its label.
struct Pending {
  size_t finding = 0;
  size_t output = 0;
  HostValues in;
  OwnedTensor ours, theirs;
  std::vector<size_t> region;  // steps, ascending, without this one
};

// Operands and results of a step whose results the other side did not give.
struct Kept {
  HostValues in, out;
};

bool FitsHalf(const OwnedTensor& tensor) {
  if (tensor.type.dtype == DataType::kFloat16) return true;
  if (!IsFloating(tensor.type.dtype)) return true;
  for (const double value : ElementsOf(tensor)) {
    if (std::isfinite(value) &&
        static_cast<double>(HalfToFloat(DoubleToHalf(value))) != value) {
      return false;
    }
  }
  return true;
}

std::string Percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.3g %%", share * 100);
  return text;
}

class Bisector {
 public:
  Bisector(Replay* replay, const std::map<int32_t, OwnedTensor>& theirs,
           const BisectOptions& options)
      : replay_(*replay),
        theirs_(theirs),
        options_(options),
        regions_(replay->num_values()),
        producers_(replay->num_values()) {
    for (const auto& [index, tensor] : theirs) {
      reference_is_wide_ = reference_is_wide_ || !FitsHalf(tensor);
    }
  }

  Status Run() {
    const Status status =
        replay_.Run([this](size_t step, const HostValues& in, HostValues* out) {
          return Visit(step, in, out);
        });
    ANEREF_TRY(status);
    result_.exact = exact_;
    result_.same_arithmetic = arithmetic_ > 0 && agreeing_ * 2 > arithmetic_;
    size_t analysed = 0;
    for (const Pending& pending : pending_) {
      if (analysed++ >= options_.max_analysed) {
        Finding& finding = result_.findings[pending.finding];
        finding.label = Label::kUnexplained;
        finding.why = "Not looked at: earlier ops differ, too.";
        continue;
      }
      ANEREF_TRY(Analyse(pending));
    }
    FindFirst();
    return Status();
  }

  Bisection Take() { return std::move(result_); }

 private:
  Status Visit(size_t step, const HostValues& in, HostValues* out) {
    const Replay::Step& at = replay_.steps()[step];
    std::set<size_t> region;
    for (int32_t input : at.inputs) {
      if (input < 0) continue;
      const auto& before = regions_[static_cast<size_t>(input)];
      region.insert(before.begin(), before.end());
    }
    bool complete = true;
    for (size_t k = 0; k < at.outputs.size() && k < out->size(); ++k) {
      const int32_t value = at.outputs[k];
      if (value < 0) continue;
      producers_[static_cast<size_t>(value)] = at.node;
      const auto given = theirs_.find(value);
      if (given == theirs_.end() ||
          !(given->second.type.shape == (*out)[k].view.shape)) {
        complete = false;
        std::vector<size_t> mine(region.begin(), region.end());
        mine.push_back(step);
        regions_[static_cast<size_t>(value)] = std::move(mine);
        continue;
      }
      ANEREF_TRY(Compare(step, k, in, (*out)[k], given->second, region));
      ANEREF_ASSIGN(
          (*out)[k],
          MakeHostValue((*out)[k].declared, given->second.View(),
                        (*out)[k].view.dtype == DataType::kFloat32 &&
                                (*out)[k].declared.dtype == DataType::kFloat16
                            ? Numerics::kFp32
                            : Numerics::kPortable));
    }
    if (!complete) {
      kept_[step] = {in, *out};
      result_.not_given.push_back(StepName(replay_, step));
    }
    return Status();
  }

  Status Compare(size_t step, size_t output, const HostValues& in,
                 const HostValue& value, const OwnedTensor& given,
                 const std::set<size_t>& region) {
    const fbs::Node& node = *replay_.steps()[step].node;
    Finding finding;
    finding.step = step;
    finding.node = StepName(replay_, step);
    finding.op = OpName(node);
    finding.tensor = replay_.ValueName(replay_.steps()[step].outputs[output]);
    ANEREF_ASSIGN(const OwnedTensor ours, CopyDense(value.view));
    finding.metrics = ComputeMetrics(ours, given);
    const bool same = finding.metrics.equal == finding.metrics.elements;
    if (!OnlyMoves(node) && IsFloating(value.view.dtype)) {
      ++arithmetic_;
      agreeing_ += same;
    }
    exact_ += same;
    if (!same) {
      pending_.push_back({result_.findings.size(),
                          output,
                          in,
                          ours,
                          given,
                          {region.begin(), region.end()}});
      for (size_t before : region) {
        finding.region.push_back(StepName(replay_, before));
      }
    }
    result_.findings.push_back(std::move(finding));
    return Status();
  }

  Expected<std::vector<double>> ToleranceOf(const Pending& pending) {
    const Finding& finding = result_.findings[pending.finding];
    const std::vector<double> ours = ElementsOf(pending.ours);
    std::vector<double> tolerance(ours.size(), 0.0);
    const DataType type = pending.ours.type.dtype;
    const bool half = type == DataType::kFloat16;
    if (result_.same_arithmetic && !reference_is_wide_) return tolerance;
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

  QuirkContext ContextOf(size_t step, size_t output, const HostValues& in) {
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
    context.arithmetic =
        replay_.choose ? replay_.choose(step) : replay_.arithmetic();
    context.h13 = options_.h13;
    context.h16 = options_.h16;
    return context;
  }

  Status Analyse(const Pending& pending) {
    Finding& finding = result_.findings[pending.finding];
    QuirkGoal goal;
    goal.ours = ElementsOf(pending.ours);
    goal.theirs = ElementsOf(pending.theirs);
    ANEREF_ASSIGN(goal.tolerance, ToleranceOf(pending));
    Measure(goal, &finding);
    QuirkContext context = ContextOf(finding.step, pending.output, pending.in);
    context.shape = pending.ours.type.shape;
    context.half = pending.ours.type.dtype == DataType::kFloat16;
    context.ours = goal.ours;
    context.theirs = goal.theirs;
    // Where rounding suffices, a rule is named only if it gives every bit,
    // which it cannot when the other side has more digits.
    const bool within = finding.outside == 0;
    goal.conversions = !within;
    std::vector<QuirkMatch> matches;
    if (!within || FitsHalf(pending.theirs)) {
      matches = MatchQuirks(context, goal);
    }
    if (within) {
      std::erase_if(
          matches, [](const QuirkMatch& match) { return match.explained < 1; });
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

  // Tries the library at each op of the region and evaluates what follows.
  Status BlameRegion(const Pending& pending, const QuirkGoal& goal,
                     Finding* finding) {
    constexpr size_t kMostOps = 64;
    if (pending.region.size() > kMostOps) return Status();
    for (size_t step : pending.region) {
      const auto kept = kept_.find(step);
      if (kept == kept_.end() || kept->second.out.empty()) continue;
      ANEREF_ASSIGN(const OwnedTensor ours,
                    CopyDense(kept->second.out[0].view));
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

  // The pending op's result when `step` gives `elements`.
  Expected<std::vector<double>> Propagate(const Pending& pending, size_t step,
                                          const std::vector<double>& elements) {
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
      return replay_.evaluator().Evaluate(
          *replay_.steps()[at].node, operands,
          replay_.choose ? replay_.choose(at) : replay_.arithmetic());
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

  static void Measure(const QuirkGoal& goal, Finding* finding) {
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

  static void Blame(const Quirk& quirk, double explained, Finding* finding) {
    finding->quirk = &quirk;
    finding->label =
        quirk.kind == QuirkKind::kConversion ? Label::kMistake : Label::kRule;
    finding->why = quirk.sentence + " It reproduces " + Percent(explained) +
                   " of the elements that differ.";
  }

  static void Unexplained(const Pending& pending, Finding* finding) {
    finding->label = Label::kUnexplained;
    const TensorMetrics& metrics = finding->metrics;
    finding->why =
        std::to_string(finding->outside) + " of " +
        std::to_string(metrics.elements) +
        " elements are beyond what rounding can change, the worst at " +
        IndexText(pending.ours.type.shape, metrics.worst.index) +
        "; no rule and no known quirk gives these values.";
  }

  void FindFirst() {
    const auto first_of = [&](const auto& counts) {
      for (size_t i = 0; i < result_.findings.size(); ++i) {
        if (counts(result_.findings[i])) return static_cast<int>(i);
      }
      return -1;
    };
    result_.first = first_of([](const Finding& finding) {
      return finding.outside > 0 && (finding.quirk == nullptr ||
                                     !IsEverydayArithmetic(*finding.quirk));
    });
    if (result_.first >= 0) return;
    result_.first = first_of(
        [](const Finding& finding) { return finding.quirk != nullptr; });
  }

  Replay& replay_;
  const std::map<int32_t, OwnedTensor>& theirs_;
  const BisectOptions& options_;
  std::vector<std::vector<size_t>> regions_;  // by value
  bool reference_is_wide_ = false;  // the other side has more digits than fp16
  std::vector<const fbs::Node*> producers_;
  std::map<size_t, Kept> kept_;
  std::vector<Pending> pending_;
  int64_t arithmetic_ = 0, agreeing_ = 0, exact_ = 0;
  Bisection result_;
};

}  // namespace

const char* LabelName(Label label) {
  static constexpr const char* kNames[] = {
      "equal", "explained by rounding", "explained by rule",
      "explained by conversion mistake", "unexplained"};
  return kNames[static_cast<size_t>(label)];
}

Expected<Bisection> Bisect(Replay* replay,
                           const std::map<int32_t, OwnedTensor>& theirs,
                           const BisectOptions& options) {
  Bisector bisector(replay, theirs, options);
  ANEREF_TRY(bisector.Run());
  return bisector.Take();
}

Expected<std::vector<Ranked>> RankArithmetics(
    const std::shared_ptr<const Net>& net, const ReplayOptions& base,
    const std::vector<OwnedTensor>& inputs,
    const std::map<int32_t, OwnedTensor>& theirs,
    const std::vector<NamedArithmetic>& runs) {
  std::vector<Ranked> ranking;
  const Arithmetic host{Numerics::kPortable, nullptr};
  for (const NamedArithmetic& run : runs) {
    ReplayOptions options = base;
    options.arithmetic = run.arithmetic;
    ANEREF_ASSIGN(const std::unique_ptr<Replay> replay,
                  Replay::Create(net, options));
    if (run.steps.size() == replay->steps().size()) {
      replay->choose = [&](size_t step) -> const Arithmetic& {
        return run.steps[step] != 0 ? run.arithmetic : host;
      };
    }
    for (size_t i = 0; i < inputs.size(); ++i) {
      ANEREF_TRY(replay->SetInput(i, inputs[i].View()));
    }
    ANEREF_TRY(replay->Run(nullptr));
    double noise = 0, norm = 0, equal = 0, count = 0;
    for (const auto& [index, tensor] : theirs) {
      if (!replay->value(index).defined) continue;
      ANEREF_ASSIGN(const std::vector<double> ours,
                    ElementsOfValue(replay->value(index)));
      const std::vector<double> right = ElementsOf(tensor);
      for (size_t i = 0; i < ours.size() && i < right.size(); ++i) {
        count += 1;
        equal += SameValue(ours[i], right[i]);
        if (!std::isfinite(ours[i]) || !std::isfinite(right[i])) continue;
        noise += (ours[i] - right[i]) * (ours[i] - right[i]);
        norm += right[i] * right[i];
      }
    }
    ranking.push_back({run.name, count > 0 ? equal / count : 0,
                       norm > 0 ? std::sqrt(noise / norm) : noise});
  }
  std::stable_sort(
      ranking.begin(), ranking.end(), [](const Ranked& a, const Ranked& b) {
        return a.equal != b.equal ? a.equal > b.equal : a.distance < b.distance;
      });
  return ranking;
}

}  // namespace aneref
