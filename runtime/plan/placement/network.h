// Placement of a whole network: each node by the rules, then both answers of
// E62: the runs of ops that the engine's compiler accepts, and what the
// segmenter's cheapest path (E60) really gives to the engine. Also the rules
// about whole networks (V02, V05, V14, V92-V97). Pure.
#ifndef ANEREF_RUNTIME_PLAN_PLACEMENT_NETWORK_H_
#define ANEREF_RUNTIME_PLAN_PLACEMENT_NETWORK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/graph/net.h"
#include "runtime/plan/engine/segmenter.h"
#include "runtime/plan/placement.h"

namespace aneref::placement {

// Nodes [first, last] of the program on one processor.
struct Segment {
  bool on_engine = false;
  size_t first = 0;
  size_t last = 0;
  int64_t bytes_in = 0;   // dense bytes of values made elsewhere
  int64_t bytes_out = 0;  // and of values used elsewhere
};

// One way to give the nodes to processors.
struct Division {
  std::vector<uint8_t> on_engine;  // one flag per node
  std::vector<Segment> segments;
  int64_t crossings = 0;    // changes of processor between ops
  int64_t bytes_moved = 0;  // that cross with them
};

struct NetworkPlacement {
  std::vector<OpFacts> facts;         // per node of the program
  std::vector<OpPlacement> ops;       // per node of the program
  std::vector<Reason> network;        // about inputs and the whole
  Division compiler;                  // what the engine's compiler accepts
  Division segmenter;                 // what E60 places there
  std::vector<std::string> backends;  // per node, the segmenter's choice
  double segmenter_ms = 0;            // cost of that path, in estimates
  double host_ms = 0;                 // of the best path without the engine
  bool tied = false;
};

struct NetworkOptions {
  PlacementOptions rules;
  engine::SegmenterKind segmenter = engine::SegmenterKind::kMacos27;
};

NetworkPlacement PlaceNetwork(const Net& net, const Program& program,
                              const PlacementChip& chip,
                              const NetworkOptions& options);

// Facts that the program has lost: how the node's constants are stored (V75).
void AddCompression(const Net& net, const ProgramNode& node, OpFacts* facts);

// V92: this many branches that join in one op make compilation slow.
inline constexpr int64_t kManyBranches = 12;
// V97: networks of fewer elements are given to the CPU.
inline constexpr int64_t kFewElements = 64;

// Rules about the whole: rules_network.cc.
std::vector<Reason> NetworkReasons(const Net& net, const Program& program,
                                   const std::vector<OpFacts>& facts,
                                   const PlacementChip& chip,
                                   const PlacementOptions& options);

Division DivideBy(const Program& program, std::vector<uint8_t> on_engine);

}  // namespace aneref::placement

#endif  // ANEREF_RUNTIME_PLAN_PLACEMENT_NETWORK_H_
