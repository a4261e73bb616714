// Which arithmetic gives the outputs of a dump, when it holds nothing else. See
// bisect.h.
#include <algorithm>
#include <cmath>

#include "runtime/explain/bisect.h"
#include "runtime/explain/bounds.h"
#include "runtime/explain/tensor_set.h"

namespace aneref {

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
