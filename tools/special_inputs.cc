// See special_inputs.h.
#include "tools/special_inputs.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tools/stats.h"

namespace aneref::tool {
namespace {

constexpr unsigned kMaskInput = 3;  // of Attention

bool IsTest(const fbs::Node& node) {
  const fbs::Activation* test = node.op_as_Activation();
  return test != nullptr && (test->kind() == fbs::ActivationKind::is_nan ||
                             test->kind() == fbs::ActivationKind::is_inf);
}

bool IsOneCastOrTest(const fbs::Graph& graph) {
  if (graph.nodes()->size() != 1) return false;
  const fbs::Node& node = *graph.nodes()->Get(0);
  return node.op_type() == fbs::Op::Cast || IsTest(node);
}

enum class Reading { kNone, kPasses, kEnds, kComputes };

// What a node makes of -inf at one of its inputs.
Reading ReadingOf(const fbs::Node& node, unsigned input) {
  switch (node.op_type()) {
    case fbs::Op::Cast:
      return node.op_as_Cast()->reinterpret() ? Reading::kComputes
                                              : Reading::kPasses;
    case fbs::Op::Reshape:
    case fbs::Op::Transpose:
    case fbs::Op::Slice:
    case fbs::Op::Concat:
    case fbs::Op::Tile:
    case fbs::Op::Pad:
    case fbs::Op::Gather:
    case fbs::Op::Select:
      return Reading::kPasses;
    case fbs::Op::Softmax:
    case fbs::Op::Generate:
      return Reading::kEnds;
    case fbs::Op::Attention:
      return input == kMaskInput ? Reading::kEnds : Reading::kComputes;
    case fbs::Op::Reduce:
      return node.op_as_Reduce()->kind() == fbs::ReduceKind::max
                 ? Reading::kPasses
                 : Reading::kComputes;
    case fbs::Op::Activation:
      if (IsTest(node)) return Reading::kEnds;
      return node.op_as_Activation()->kind() == fbs::ActivationKind::identity
                 ? Reading::kPasses
                 : Reading::kComputes;
    case fbs::Op::Elementwise: {
      const fbs::ElementwiseKind kind = node.op_as_Elementwise()->kind();
      if (kind == fbs::ElementwiseKind::add) return Reading::kPasses;
      return kind >= fbs::ElementwiseKind::equal &&
                     kind <= fbs::ElementwiseKind::greater_equal
                 ? Reading::kEnds
                 : Reading::kComputes;
    }
    default:
      return Reading::kComputes;
  }
}

Reading ReadingOfAny(const fbs::Node& node, const std::vector<bool>& marked) {
  Reading most = Reading::kNone;
  for (unsigned i = 0; node.inputs() != nullptr && i < node.inputs()->size();
       ++i) {
    const int tensor = node.inputs()->Get(i);
    if (tensor >= 0 && marked[static_cast<size_t>(tensor)])
      most = std::max(most, ReadingOf(node, i));
  }
  // A sum or a choice that passes -inf on does so whatever else it reads.
  return most;
}

bool IsMask(const fbs::Graph& graph, int tensor) {
  std::vector<bool> marked(graph.tensors()->size(), false);
  marked[static_cast<size_t>(tensor)] = true;
  bool ends = false;
  for (const fbs::Node* node : *graph.nodes()) {
    const Reading reading = ReadingOfAny(*node, marked);
    if (reading == Reading::kComputes) return false;
    if (reading == Reading::kEnds) {
      ends = ends || node->op_type() == fbs::Op::Softmax ||
             node->op_type() == fbs::Op::Attention;
    }
    if (reading != Reading::kPasses) continue;
    for (const int output : *node->outputs()) {
      if (output >= 0) marked[static_cast<size_t>(output)] = true;
    }
  }
  return ends;
}

}  // namespace

bool ExpectsNonfinite(const fbs::Graph& graph, int tensor,
                      const TensorView& value) {
  if (graph.nodes() == nullptr || tensor < 0) return false;
  if (IsOneCastOrTest(graph)) return true;
  for (const double each : ToDoubles(value)) {
    if (std::isnan(each) || (std::isinf(each) && each > 0)) return false;
  }
  return IsMask(graph, tensor);
}

}  // namespace aneref::tool
