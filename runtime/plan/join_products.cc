// See join_products.h.
#include "runtime/plan/join_products.h"

#include <algorithm>

#include "ops/device_join.h"

namespace aneref {
namespace {

class Joiner {
 public:
  Joiner(const DeviceContext& device, Program* program)
      : device_(device),
        program_(*program),
        readers_(program->values.size(), 0),
        maker_(program->values.size(), kNone) {
    for (size_t i = 0; i < program_.nodes.size(); ++i) {
      for (int32_t value : program_.nodes[i].inputs) Count(value);
      for (int32_t value : program_.nodes[i].outputs)
        if (value >= 0) maker_[static_cast<size_t>(value)] = i;
    }
    for (int32_t value : program_.outputs) Count(value);
  }

  void Run() {
    std::vector<bool> joined(program_.nodes.size(), false);
    for (ProgramNode& node : program_.nodes) {
      const size_t product = ProductOf(node);
      if (product == kNone || !IsJoined(node)) continue;
      const ProgramNode& mul = program_.nodes[product];
      node.inputs.resize(3, -1);
      node.inputs[0] = mul.inputs[0];
      node.inputs[2] = mul.inputs[1];
      joined[product] = true;
    }
    size_t kept = 0;
    for (size_t i = 0; i < joined.size(); ++i) {
      if (!joined[i]) std::swap(program_.nodes[kept++], program_.nodes[i]);
    }
    program_.nodes.resize(kept);
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  void Count(int32_t value) {
    if (value >= 0) ++readers_[static_cast<size_t>(value)];
  }
  const TensorType& TypeOf(int32_t value) const {
    return program_.values[static_cast<size_t>(value)].memory;
  }

  // The product that a reduction alone reads, of two fp16 tensors of one shape.
  size_t ProductOf(const ProgramNode& node) const {
    if (node.node->op_type() != fbs::Op::Reduce || node.inputs.empty() ||
        node.inputs.size() > 2 || node.inputs[0] < 0)
      return kNone;
    const auto read = static_cast<size_t>(node.inputs[0]);
    if (maker_[read] == kNone || readers_[read] != 1) return kNone;
    const ProgramNode& mul = program_.nodes[maker_[read]];
    const fbs::Elementwise* table = mul.node->op_as_Elementwise();
    if (table == nullptr || table->kind() != fbs::ElementwiseKind::mul)
      return kNone;
    const TensorType& type = TypeOf(node.inputs[0]);
    const bool fits = type.dtype == DataType::kFloat16 &&
                      TypeOf(mul.inputs[0]) == type &&
                      TypeOf(mul.inputs[1]) == type;
    return fits ? maker_[read] : kNone;
  }

  bool IsJoined(const ProgramNode& node) const {
    const std::vector<OpView::Input> operands =
        OperandsOf(program_, node, /*in_memory=*/true);
    const std::vector<TensorType> types = {TypeOf(node.outputs[0])};
    return SumsProducts(OpView(*node.node, operands, types, &device_));
  }

  const DeviceContext& device_;
  Program& program_;
  std::vector<int> readers_;
  std::vector<size_t> maker_;
};

}  // namespace

void JoinProducts(const DeviceContext& device, Program* program) {
  Joiner(device, program).Run();
}

}  // namespace aneref
