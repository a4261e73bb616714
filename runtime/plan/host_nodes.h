// The bridge from placement to the planner: which nodes a chip's compiler does
// not accept, as PlanOptions::on_host wants them (E62).
#ifndef ANEREF_RUNTIME_PLAN_HOST_NODES_H_
#define ANEREF_RUNTIME_PLAN_HOST_NODES_H_

#include <cstdint>
#include <vector>

#include "runtime/core/chip.h"
#include "runtime/graph/net.h"
#include "runtime/plan/placement/network.h"
#include "runtime/plan/specialize.h"

namespace aneref {

// One flag per node; 1: the host's.
std::vector<uint8_t> HostNodesOf(const placement::NetworkPlacement& placed);

// The same from scratch, with the default rules. kUnsupported: a chip without
// an engine.
Expected<std::vector<uint8_t>> HostNodes(const Net& net, const Program& program,
                                         const Chip& chip);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_HOST_NODES_H_
