// The network drawn on a report page, shared by explain and compare: layers
// from top to bottom, zoom, pan, a panel beside it. What a node says and which
// colour it has is the page's business.
#ifndef ANEREF_RUNTIME_EXPLAIN_PAGE_GRAPH_H_
#define ANEREF_RUNTIME_EXPLAIN_PAGE_GRAPH_H_

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/core/json_writer.h"

namespace aneref {

// Lays the nodes out and writes {"width", "layers", "pos", "edges"}. `edges`
// are pairs of node numbers, from before to.
void WriteGraph(size_t nodes,
                const std::vector<std::pair<size_t, size_t>>& edges,
                JsonWriter* json);

// For PageHead's style.
extern const std::string_view kGraphStyle;
// For PageFoot's script, before its user. Defines
//   svgEl(tag, attributes, ...children)
//   graphView(place, graph, legend, describe, click), with describe(i) giving
//     {title, sub, tip, port} of node i, and click(i); returns {nodes, board,
//     panel, right, colour(classOf, edgeClassOf), dim(isDim), show(i), fit()}.
extern const std::string_view kGraphScript;

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_PAGE_GRAPH_H_
