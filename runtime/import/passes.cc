// See passes.h: the order of the passes, and the two that always run.
#include "runtime/import/passes.h"

#include <algorithm>

#include "runtime/import/fold_constants.h"

namespace aneref {

void FoldConstants(NetDraft* draft) {
  ConstantFolder folder(draft);
  auto& nodes = MainGraph(*draft).nodes;
  std::erase_if(nodes, [&](const auto& node) { return folder.Visit(*node); });
}

void RemoveDeadNodes(NetDraft* draft) {
  fbs::GraphT& graph = MainGraph(*draft);
  std::vector<bool> needed(graph.tensors.size(), false);
  auto need = [&](int32_t tensor) {
    if (tensor >= 0) needed[static_cast<size_t>(tensor)] = true;
  };
  for (const auto& port : graph.outputs) need(port->tensor);
  std::vector<std::unique_ptr<fbs::NodeT>> kept;
  for (auto it = graph.nodes.rbegin(); it != graph.nodes.rend(); ++it) {
    const std::vector<int32_t>& outputs = (*it)->outputs;
    const bool is_live =
        std::any_of(outputs.begin(), outputs.end(), [&](int32_t tensor) {
          return tensor >= 0 && needed[static_cast<size_t>(tensor)];
        });
    if (!is_live) continue;
    for (int32_t tensor : (*it)->inputs) need(tensor);
    kept.push_back(std::move(*it));
  }
  std::reverse(kept.begin(), kept.end());
  graph.nodes = std::move(kept);
}

void RunPasses(NetDraft* draft, bool fold) {
  FoldConstants(draft);
  RemoveDeadNodes(draft);
  if (!fold) return;
  RemoveNoOps(draft);
  MergeMovement(draft);
  FoldPadding(draft);
  FoldIntoWeights(draft);
  RecognisePatterns(draft);
  RecogniseFormulas(draft);
  RemoveNoOps(draft);
  FoldConstants(draft);
  RemoveDeadNodes(draft);
}

}  // namespace aneref
