// See host_nodes.h.
#include "runtime/plan/host_nodes.h"

namespace aneref {

std::vector<uint8_t> HostNodesOf(const placement::NetworkPlacement& placed) {
  std::vector<uint8_t> on_host;
  for (const uint8_t on_engine : placed.compiler.on_engine)
    on_host.push_back(on_engine != 0 ? 0 : 1);
  return on_host;
}

Expected<std::vector<uint8_t>> HostNodes(const Net& net, const Program& program,
                                         const Chip& chip) {
  ANEREF_ASSIGN(const placement::PlacementChip limits,
                placement::ReadPlacementChip(chip));
  return HostNodesOf(placement::PlaceNetwork(net, program, limits, {}));
}

}  // namespace aneref
