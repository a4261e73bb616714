// A layered drawing of a directed acyclic graph: each node below everything it
// reads, few crossings, straight chains. Plain geometry in units of nodes; no
// networks, no colours. Pure and deterministic.
#ifndef ANEREF_RUNTIME_EXPLAIN_GRAPH_LAYOUT_H_
#define ANEREF_RUNTIME_EXPLAIN_GRAPH_LAYOUT_H_

#include <cstddef>
#include <utility>
#include <vector>

namespace aneref {

struct GraphLayout {
  struct Point {
    double x = 0;  // in node widths, gaps included
    int y = 0;     // layer, 0 at the top
  };
  std::vector<Point> nodes;
  // Per edge, the points between its ends, one per layer that it crosses.
  std::vector<std::vector<Point>> bends;
  double width = 0;  // x of the rightmost node + 1
  int layers = 0;
};

// Edges (from, to) by node index; from < to in every edge (program order),
// which rules out cycles. Edges over more than kMaxSpan layers have no bends.
inline constexpr int kMaxSpan = 48;
GraphLayout LayOutGraph(size_t num_nodes,
                        const std::vector<std::pair<size_t, size_t>>& edges);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_GRAPH_LAYOUT_H_
