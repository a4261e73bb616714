// The op that a published limits probe asks about, as the V rules see it. Knows
// the probes' words (docs/probes-format.md), no answers.
#ifndef ANEREF_RUNTIME_PLAN_PLACEMENT_PROBE_FACTS_H_
#define ANEREF_RUNTIME_PLAN_PLACEMENT_PROBE_FACTS_H_

#include <string>

#include "runtime/core/json.h"
#include "runtime/plan/placement.h"

namespace aneref::placement {

// `inputs` is the probe's object of that name.
OpFacts FactsOfProbe(const std::string& id, const std::string& op,
                     const JsonValue& inputs);
// By which way the probe reached the compiler.
Route RouteOf(const std::string& id, const std::string& op);

}  // namespace aneref::placement

#endif  // ANEREF_RUNTIME_PLAN_PLACEMENT_PROBE_FACTS_H_
