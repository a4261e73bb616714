// See compare_run.h.
#include "runtime/explain/compare_run.h"

#include <memory>

#include "ops/registry.h"
#include "runtime/core/chip_profile.h"

namespace aneref {

Expected<Arithmetic> ProfileArithmetic(const char* name) {
  ANEREF_ASSIGN(Profile profile, NamedProfile(name));
  return Arithmetic{Numerics::kDevice,
                    std::make_shared<const DeviceContext>(std::move(profile))};
}

Status CollectValues(const Replay& replay, TensorSet* set,
                     std::vector<int32_t>* values) {
  std::vector<bool> seen(replay.num_values());
  for (const Replay::Step& step : replay.steps()) {
    for (int32_t index : step.outputs) {
      if (index < 0 || replay.ValueName(index).empty() ||
          !replay.value(index).defined || seen[static_cast<size_t>(index)]) {
        continue;
      }
      seen[static_cast<size_t>(index)] = true;
      ANEREF_ASSIGN(OwnedTensor dense, CopyDense(replay.value(index).view));
      set->push_back({replay.ValueName(index), std::move(dense)});
      values->push_back(index);
    }
  }
  return Status();
}

std::vector<CompareReport::Node> GraphOf(const Replay& replay) {
  std::vector<CompareReport::Node> graph;
  for (size_t i = 0; i < replay.steps().size(); ++i) {
    const Replay::Step& step = replay.steps()[i];
    CompareReport::Node node;
    node.name = StepName(replay, i);
    node.op = OpName(*step.node);
    for (int32_t index : step.inputs) {
      if (index >= 0) node.inputs.push_back(std::to_string(index));
    }
    for (int32_t index : step.outputs) {
      if (index >= 0) node.outputs.push_back(std::to_string(index));
    }
    graph.push_back(std::move(node));
  }
  return graph;
}

std::map<int32_t, OwnedTensor> GivenValues(const CompareReport& report,
                                           const TensorSet& ours,
                                           const std::vector<int32_t>& values) {
  std::map<int32_t, OwnedTensor> given;
  for (const ComparedTensor& tensor : report.tensors) {
    for (size_t i = 0; i < ours.size(); ++i) {
      if (ours[i].name == tensor.name) given[values[i]] = tensor.b;
    }
  }
  return given;
}

Status AddBisection(const Chip& chip,
                    const std::map<int32_t, OwnedTensor>& given, Replay* replay,
                    CompareReport* report) {
  BisectOptions how;
  ANEREF_ASSIGN(how.h13, ProfileArithmetic("h13"));
  ANEREF_ASSIGN(how.h16, ProfileArithmetic("h16"));
  const Expected<Profile> profile = ProfileOf(chip);
  if (profile.ok() && replay->arithmetic().numerics == Numerics::kPortable) {
    how.engine = &*profile;
    how.engines.push_back(
        {Numerics::kDevice, std::make_shared<const DeviceContext>(*profile)});
  }
  ANEREF_ASSIGN(report->bisection, Bisect(replay, given, how));
  return Status();
}

void JudgeByBounds(CompareReport* report) {
  const Bisection& bisection = *report->bisection;
  report->pass = report->misfits.empty();
  report->first_divergent.clear();
  for (ComparedTensor& tensor : report->tensors) {
    tensor.modes = "bounds";
    tensor.pass = true;
    tensor.reason.clear();
  }
  for (const Finding& finding : bisection.findings) {
    if (IsHarmless(finding)) continue;
    report->pass = false;
    for (ComparedTensor& tensor : report->tensors) {
      if (tensor.name != finding.tensor) continue;
      tensor.pass = false;
      tensor.reason = finding.why;
    }
  }
  if (bisection.first >= 0) {
    const Finding& first =
        bisection.findings[static_cast<size_t>(bisection.first)];
    report->first_divergent = first.tensor;
  }
}

}  // namespace aneref
