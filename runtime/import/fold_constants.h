// Learns what a draft's tensors are, node by node: element types always, shapes
// where every input is static, values where every input is constant. Computes
// in fp32, before any rounding to fp16 (P1).
#ifndef ANEREF_RUNTIME_IMPORT_FOLD_CONSTANTS_H_
#define ANEREF_RUNTIME_IMPORT_FOLD_CONSTANTS_H_

#include "ops/op.h"
#include "runtime/import/draft.h"

namespace aneref {

class ConstantFolder {
 public:
  explicit ConstantFolder(NetDraft* draft) : draft_(*draft) {}

  // Fills in types and shapes of the node's outputs. True when all of them
  // became constants: the node may go. Nodes must be visited in topological
  // order. What cannot be inferred yet stays unknown; that is no error here.
  bool Visit(const fbs::NodeT& node);

 private:
  bool GatherInputs(const fbs::NodeT& node);
  bool FoldShape(const fbs::NodeT& node);
  bool FoldReshape(const fbs::NodeT& node, const TensorType& type);
  bool FoldFill(const fbs::NodeT& node, const fbs::Node& packed,
                const TensorType& type);
  bool WorthFolding(const fbs::NodeT& node) const;
  std::optional<std::vector<TensorType>> InferWith(const fbs::NodeT& node,
                                                   const fbs::Node& packed,
                                                   int64_t stand_in);
  void LearnRank(const fbs::NodeT& node, const fbs::Node& packed);

  NetDraft& draft_;
  std::vector<OpView::Input> inputs_;
  bool all_static_ = false;
  bool all_known_ = false;
  size_t folded_bytes_ = 0;
};

// The type rule of every op family, for nodes whose shapes are not known.
DataType OutputType(const NetDraft& draft, const fbs::NodeT& node,
                    size_t output);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_IMPORT_FOLD_CONSTANTS_H_
