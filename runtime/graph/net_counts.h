// What a graph is made of, counted over the verified tables; no constant is
// decoded.
#ifndef ANEREF_RUNTIME_GRAPH_NET_COUNTS_H_
#define ANEREF_RUNTIME_GRAPH_NET_COUNTS_H_

#include <cstdint>
#include <map>
#include <string>

#include "schema/net_generated.h"

namespace aneref {

// Nodes by OpName.
std::map<std::string, int64_t> CountOps(const fbs::Graph& graph);

// Elements of constants. Shapes, axes and indices are int32 or int64: no
// parameters.
uint64_t CountParameters(const fbs::Graph& graph);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_GRAPH_NET_COUNTS_H_
