// Evaluates single nodes by their reference: the constant folder of importers
// and of specialisation.
#ifndef ANEREF_RUNTIME_GRAPH_EVALUATE_H_
#define ANEREF_RUNTIME_GRAPH_EVALUATE_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/op.h"

namespace aneref {

// A dense tensor that owns its elements.
struct OwnedTensor {
  TensorType type;
  std::shared_ptr<std::byte[]> bytes;
  TensorView View() const { return DenseView(type, bytes.get()); }
};
Expected<OwnedTensor> AllocateTensor(const TensorType& type,
                                     size_t max_bytes = SIZE_MAX);

// The node's name and op as messages show them: op "Conv" (node 'x/y').
std::string DescribeNode(const fbs::Node& node);

// Infers the output types of a node. Inputs as OpView::Input; errors carry the
// node's description.
Expected<std::vector<TensorType>> InferNode(
    const fbs::Node& node, std::span<const OpView::Input> inputs);

// All inputs known -> all outputs, float16-declared ones computed and kept in
// float32 (folding happens before any rounding to fp16). Fails with kLimit when
// an output would be over `max_bytes`.
Expected<std::vector<OwnedTensor>> EvaluateNode(
    const fbs::Node& node, std::span<const OpView::Input> inputs,
    size_t max_bytes);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_GRAPH_EVALUATE_H_
