// See row_chains.h.
#include "runtime/plan/row_chains.h"

#include <algorithm>
#include <optional>

namespace aneref {
namespace {

constexpr int32_t kNobody = -1, kSeveral = -2;

class Finder {
 public:
  Finder(const Program& program, std::span<const RunStep> order)
      : program_(program),
        order_(order),
        readers_(program.values.size(), kNobody) {
    for (size_t step = 0; step < order.size(); ++step) {
      for (const int32_t value : NodeAt(static_cast<int32_t>(step)).inputs)
        AddReader(value, static_cast<int32_t>(step));
    }
    for (const int32_t value : program.outputs) AddReader(value, kSeveral);
  }

  std::optional<RowChain> From(int32_t step) const {
    const ProgramNode* node = &NodeAt(step);
    if (node->node->op_type() != fbs::Op::Matmul) return std::nullopt;
    RowChain chain;
    chain.operands = node->inputs;
    for (;;) {
      if (node->outputs.empty()) return std::nullopt;
      const int32_t value = node->outputs[0];
      const int32_t next =
          value < 0 ? kNobody : readers_[static_cast<size_t>(value)];
      if (next < 0) return std::nullopt;
      node = &NodeAt(next);
      chain.end = next;
      const fbs::Op op = node->node->op_type();
      if (op == fbs::Op::Matmul) return chain;
      if (op != fbs::Op::Elementwise && op != fbs::Op::Activation &&
          op != fbs::Op::Softmax)
        return std::nullopt;
      std::copy_if(node->inputs.begin(), node->inputs.end(),
                   std::back_inserter(chain.operands),
                   [value](int32_t operand) { return operand != value; });
    }
  }

 private:
  const ProgramNode& NodeAt(int32_t step) const {
    const RunStep& run = order_[static_cast<size_t>(step)];
    return program_.nodes[static_cast<size_t>(run.node)];
  }
  void AddReader(int32_t value, int32_t step) {
    if (value < 0) return;
    int32_t& reader = readers_[static_cast<size_t>(value)];
    reader = reader == kNobody ? step : kSeveral;
  }

  const Program& program_;
  std::span<const RunStep> order_;
  std::vector<int32_t> readers_;  // per value: a step
};

}  // namespace

std::vector<RowChain> FindRowChains(const Program& program,
                                    std::span<const RunStep> order) {
  const Finder finder(program, order);
  std::vector<RowChain> chains;
  for (size_t step = 0; step < order.size(); ++step) {
    if (std::optional<RowChain> chain = finder.From(static_cast<int32_t>(step)))
      chains.push_back(std::move(*chain));
  }
  return chains;
}

}  // namespace aneref
