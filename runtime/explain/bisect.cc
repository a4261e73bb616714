// See bisect.h and bisector.h: the run, whose arithmetic the other side
// follows, and which difference is the first.
#include "runtime/explain/bisect.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "ops/registry.h"
#include "runtime/core/half.h"
#include "runtime/explain/bisect_engine.h"
#include "runtime/explain/bisector.h"
#include "runtime/explain/bounds.h"

namespace aneref {

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

Bisector::Bisector(Replay* replay, const std::map<int32_t, OwnedTensor>& theirs,
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

Status Bisector::Run() {
  const Status status =
      replay_.Run([this](size_t step, const HostValues& in, HostValues* out) {
        return Visit(step, in, out);
      });
  ANEREF_TRY(status);
  result_.exact = exact_;
  result_.same_arithmetic = arithmetic_ > 0 && agreeing_ * 2 > arithmetic_;
  FollowEngine();
  size_t analysed = 0, followed = 0;
  for (Pending& pending : pending_) {
    if (Follows(&pending)) {
      const bool deep = ++followed <= options_.max_analysed;
      ANEREF_TRY(AnalyseFollower(pending, deep));
      continue;
    }
    if (Echoes(pending)) continue;
    if (++analysed > options_.max_analysed) {
      Finding& finding = result_.findings[pending.finding];
      finding.label = Label::kUnexplained;
      finding.why = "Not looked at: earlier ops differ, too.";
      continue;
    }
    ANEREF_TRY(Analyse(pending));
    if (result_.findings[pending.finding].outside > 0) {
      wrong_[ValueOf(pending)] = &pending;
    }
  }
  FindFirst();
  return Status();
}

Status Bisector::Visit(size_t step, const HostValues& in, HostValues* out) {
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

Status Bisector::Compare(size_t step, size_t output, const HostValues& in,
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
                        value,
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

int32_t Bisector::ValueOf(const Pending& pending) const {
  return replay_.steps()[result_.findings[pending.finding].step]
      .outputs[pending.output];
}

void Bisector::FollowEngine() {
  if (reference_is_wide_ ||
      replay_.arithmetic().numerics != Numerics::kPortable) {
    return;
  }
  std::vector<OpSample> samples;
  for (const Pending& pending : pending_) {
    if (!IsFloating(pending.ours.type.dtype)) continue;
    samples.push_back(
        {replay_.steps()[result_.findings[pending.finding].step].node,
         &pending.in, pending.output, &pending.theirs});
  }
  std::vector<Arithmetic> engines = options_.engines;
  engines.insert(engines.end(), {options_.h13, options_.h16});
  std::erase_if(engines,
                [](const Arithmetic& engine) { return !engine.device; });
  // One op in another arithmetic among many in ours is that op's fault.
  const size_t fewest = result_.same_arithmetic ? 3 : 1;
  const int which =
      FollowedEngine(&replay_.evaluator(), samples, engines, fewest);
  if (which < 0) return;
  result_.same_arithmetic = false;
  engine_ = engines[static_cast<size_t>(which)];
  result_.follows = engine_.device->profile().name;
}

bool Bisector::Follows(Pending* pending) {
  if (engine_.device == nullptr) return false;
  Finding& finding = result_.findings[pending->finding];
  const Expected<HostValues> out = replay_.evaluator().Evaluate(
      *replay_.steps()[finding.step].node, pending->in, engine_);
  if (!out.ok()) return false;
  const HostValue& value = (*out)[pending->output];
  const Expected<OwnedTensor> ours = CopyDense(value.view);
  if (!ours.ok()) return false;
  const TensorMetrics metrics = ComputeMetrics(*ours, pending->theirs);
  finding.engine = metrics.equal == metrics.elements;
  if (finding.engine) return true;
  pending->value = value;
  pending->ours = *ours;
  finding.metrics = metrics;
  return false;
}

bool Bisector::Echoes(const Pending& pending) {
  Finding& finding = result_.findings[pending.finding];
  const Replay::Step& at = replay_.steps()[finding.step];
  HostValues in = pending.in;
  const Pending* wrong = nullptr;
  for (size_t i = 0; i < in.size() && i < at.inputs.size(); ++i) {
    const auto found = wrong_.find(at.inputs[i]);
    if (found == wrong_.end()) continue;
    wrong = found->second;
    in[i] = wrong->value;
  }
  if (wrong == nullptr) return false;
  const Expected<HostValues> out =
      replay_.evaluator().Evaluate(*at.node, in, ArithmeticOf(finding.step));
  if (!out.ok()) return false;
  const Expected<OwnedTensor> ours = CopyDense((*out)[pending.output].view);
  if (!ours.ok()) return false;
  const TensorMetrics metrics = ComputeMetrics(*ours, pending.theirs);
  if (metrics.equal != metrics.elements) return false;
  Finding& source = result_.findings[wrong->finding];
  finding.label = Label::kEcho;
  finding.metrics = metrics;
  finding.why = "Right for the right value of '" + source.tensor + "'.";
  if (!source.only_dumped) {
    source.why += " '" + finding.node +
                  "' goes on with the right value: the dump of this tensor "
                  "is wrong, not its computation.";
  }
  source.only_dumped = true;
  return true;
}

void Bisector::FindFirst() {
  const auto first_of = [&](const auto& counts) {
    for (size_t i = 0; i < result_.findings.size(); ++i) {
      if (counts(result_.findings[i])) return static_cast<int>(i);
    }
    return -1;
  };
  // What the engine that the dump follows does not give; then the engine's
  // own surprises; then everyday arithmetic.
  const bool follows = !result_.follows.empty();
  result_.first = first_of([&](const Finding& finding) {
    return !finding.engine && finding.outside > 0 &&
           (follows || !IsHarmless(finding));
  });
  if (result_.first >= 0) return;
  result_.first =
      first_of([](const Finding& finding) { return !IsHarmless(finding); });
  if (result_.first >= 0) return;
  result_.first = first_of([](const Finding& finding) {
    return finding.outside > 0 && !finding.engine;
  });
  if (result_.first >= 0) return;
  result_.first =
      first_of([](const Finding& finding) { return finding.quirk != nullptr; });
}

const char* LabelName(Label label) {
  static constexpr const char* kNames[] = {"equal",
                                           "explained by rounding",
                                           "explained by rule",
                                           "explained by conversion mistake",
                                           "unexplained",
                                           "right for the right operand"};
  return kNames[static_cast<size_t>(label)];
}

bool IsHarmless(const Finding& finding) {
  return finding.outside == 0 ||
         (finding.quirk != nullptr && IsEverydayArithmetic(*finding.quirk));
}

Expected<Bisection> Bisect(Replay* replay,
                           const std::map<int32_t, OwnedTensor>& theirs,
                           const BisectOptions& options) {
  Bisector bisector(replay, theirs, options);
  ANEREF_TRY(bisector.Run());
  return bisector.Take();
}

}  // namespace aneref
