// Nodes to engine layers: a layer is one engine operation and the ops that
// entered its slots (E11). Only joins and names; tiles, order and memory come
// later. Fusing changes no bit (P2): a layer runs its nodes one after the
// other.
#ifndef ANEREF_RUNTIME_PLAN_LAYERS_H_
#define ANEREF_RUNTIME_PLAN_LAYERS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/plan/engine_work.h"
#include "runtime/plan/specialize.h"

namespace aneref {

// How a node came into its layer.
enum class LayerRole : uint8_t {
  kMain,     // the engine operation
  kPadding,  // constant padding in front of a convolution
  kSlot,     // entered `slot`
};
const char* LayerRoleName(LayerRole role);

struct LayerNode {
  int32_t node = -1;  // index in Program::nodes
  LayerRole role = LayerRole::kMain;
  engine::Slot slot = engine::Slot::kTexture;  // with kSlot
};
const char* SlotName(engine::Slot slot);

struct Layer {
  std::vector<LayerNode> nodes;  // in the order in which they run
  int32_t main = -1;             // node index of the engine operation
  EngineWork work;  // of the main node; on_engine false: the host's
};

// What a node is and does, for all nodes of a program.
std::vector<EngineWork> DescribeNodes(const Program& program);

// Layers in program order. `on_host` (one flag per node, or empty) are nodes
// that placement gave to the host: each is a layer of its own and nothing
// enters it.
std::vector<Layer> FuseLayers(const Program& program,
                              std::span<const EngineWork> works,
                              std::span<const uint8_t> on_host);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_PLAN_LAYERS_H_
