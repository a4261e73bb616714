// See net_counts.h.
#include "runtime/graph/net_counts.h"

#include <algorithm>

#include "ops/registry.h"
#include "runtime/core/tensor.h"

namespace aneref {
namespace {

bool IsParameter(const fbs::Tensor& tensor) {
  const auto type = static_cast<DataType>(tensor.dtype());
  return tensor.constant() >= 0 && tensor.shape() != nullptr &&
         (IsFloating(type) || ElementSize(type) == 1);
}

}  // namespace

std::map<std::string, int64_t> CountOps(const fbs::Graph& graph) {
  std::map<std::string, int64_t> ops;
  if (graph.nodes() != nullptr) {
    for (const fbs::Node* node : *graph.nodes()) ++ops[OpName(*node)];
  }
  return ops;
}

uint64_t CountParameters(const fbs::Graph& graph) {
  uint64_t parameters = 0;
  if (graph.tensors() == nullptr) return parameters;
  for (const fbs::Tensor* tensor : *graph.tensors()) {
    if (!IsParameter(*tensor)) continue;
    uint64_t count = 1;
    for (const int64_t dim : *tensor->shape())
      count *= static_cast<uint64_t>(std::max<int64_t>(dim, 0));
    parameters += count;
  }
  return parameters;
}

}  // namespace aneref
