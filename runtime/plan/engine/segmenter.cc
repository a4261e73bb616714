// E60: the shortest path over a chain of ops.
#include "runtime/plan/engine/segmenter.h"

#include <algorithm>
#include <limits>
#include <string>

namespace aneref::engine {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Sums of equal terms in another order are ties.
constexpr double kTie = 1e-9;

constexpr SegmenterCosts kMacos27Costs = {
    {0.125, 0, 0}, {0.125, 0.125, 0.125}, 0.125};
// [O]: the output of a last engine op returns at the price of "elsewhere".
constexpr SegmenterCosts kMacos26Costs = {
    {0.05, 0.10, 0.10}, {0.09, 0.23, 0.23}, 0.23};

struct State {
  double cost[kNumBackends];
  int previous[kNumBackends];
};

State Start(const SegmenterCosts& costs, const BackendEstimates& op) {
  State state;
  for (int backend = 0; backend < kNumBackends; ++backend) {
    const auto& estimate = op[static_cast<size_t>(backend)];
    state.cost[backend] =
        estimate ? *estimate + costs.launch[backend] : kInfinity;
    state.previous[backend] = backend;
  }
  return state;
}

State Step(const SegmenterCosts& costs, const State& before,
           const BackendEstimates& op) {
  State state;
  for (int to = 0; to < kNumBackends; ++to) {
    state.cost[to] = kInfinity;
    state.previous[to] = to;
    const auto& estimate = op[static_cast<size_t>(to)];
    for (int from = 0; estimate && from < kNumBackends; ++from) {
      const double change =
          from == to ? 0 : costs.transfer_to[to] + costs.launch[to];
      const double cost = before.cost[from] + change + *estimate;
      if (cost >= state.cost[to] - kTie) continue;
      state.cost[to] = cost;
      state.previous[to] = from;
    }
  }
  return state;
}

}  // namespace

const SegmenterCosts& SegmenterCostsOf(SegmenterKind kind) {
  return kind == SegmenterKind::kMacos27 ? kMacos27Costs : kMacos26Costs;
}

const char* BackendName(SegmenterKind kind, int backend) {
  constexpr const char* kNames27[] = {"ane", "bnns", "classic_cpu"};
  constexpr const char* kNames26[] = {"ane", "gpu", "cpu"};
  return kind == SegmenterKind::kMacos27 ? kNames27[backend]
                                         : kNames26[backend];
}

Expected<Placement> PlaceOps(SegmenterKind kind,
                             const std::vector<BackendEstimates>& ops) {
  const SegmenterCosts& costs = SegmenterCostsOf(kind);
  std::vector<State> states;
  states.reserve(ops.size());
  for (size_t i = 0; i < ops.size(); ++i) {
    if (!std::any_of(ops[i].begin(), ops[i].end(),
                     [](const auto& estimate) { return estimate.has_value(); }))
      return InvalidArgument("op " + std::to_string(i) +
                             " has no estimate on any backend");
    states.push_back(i == 0 ? Start(costs, ops[i])
                            : Step(costs, states.back(), ops[i]));
  }
  Placement placement;
  if (ops.empty()) return placement;
  placement.cost = kInfinity;
  int backend = 0;
  for (int last = 0; last < kNumBackends; ++last) {
    const double cost = states.back().cost[last] +
                        (last == kEngineBackend ? costs.engine_output : 0);
    if (cost > placement.cost + kTie) continue;
    placement.tied = cost >= placement.cost - kTie && cost < kInfinity;
    placement.cost = cost;
    backend = last;
  }
  placement.backends.resize(ops.size());
  for (size_t i = ops.size(); i-- > 0;) {
    placement.backends[i] = backend;
    backend = states[i].previous[backend];
  }
  return placement;
}

}  // namespace aneref::engine
