// See bisect_engine.h.
#include "runtime/explain/bisect_engine.h"

#include <algorithm>
#include <vector>

#include "runtime/explain/metrics.h"

namespace aneref {
namespace {

// Enough to decide; evaluating an engine's sums is slow.
constexpr size_t kMostSamples = 12;

bool Reproduces(NodeEvaluator* evaluator, const OpSample& sample,
                const Arithmetic& engine) {
  const Expected<HostValues> out =
      evaluator->Evaluate(*sample.node, *sample.in, engine);
  if (!out.ok()) return false;
  const Expected<OwnedTensor> ours = CopyDense((*out)[sample.output].view);
  if (!ours.ok()) return false;
  const TensorMetrics metrics = ComputeMetrics(*ours, *sample.theirs);
  return metrics.equal == metrics.elements;
}

}  // namespace

int FollowedEngine(NodeEvaluator* evaluator, std::span<const OpSample> samples,
                   std::span<const Arithmetic> engines, size_t fewest) {
  const size_t count = std::min(samples.size(), kMostSamples);
  int best = -1;
  size_t most = 0;
  for (size_t e = 0; e < engines.size(); ++e) {
    size_t reproduced = 0;
    for (size_t i = 0; i < count; ++i) {
      // Spread over the network: a fault disturbs its neighbours.
      const size_t at = i * samples.size() / count;
      reproduced += Reproduces(evaluator, samples[at], engines[e]);
    }
    if (reproduced >= fewest && reproduced * 2 > count && reproduced > most) {
      most = reproduced;
      best = static_cast<int>(e);
    }
  }
  return best;
}

const Quirk* EngineRule(const std::string& op, const DeviceContext& engine) {
  const Profile& profile = engine.profile();
  std::vector<std::string> names = {"lookup_tables"};
  names.push_back(profile.mac == MacAccumulator::kRadix4W12
                      ? "twelve_bit_sums"
                      : "fixed_point_sums");
  if (profile.rounding != Rounding::kNearestEven) {
    names.push_back("half_away_rounding");
  }
  for (const std::string& name : names) {
    for (const Quirk& quirk : AllQuirks()) {
      if (quirk.id == name && AppliesTo(quirk, op)) return &quirk;
    }
  }
  return nullptr;
}

}  // namespace aneref
