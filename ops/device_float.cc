// See device_float.h. The family sees a node whose fp16 tensors are fp32.
#include "ops/device_float.h"

#include <deque>

#include "ops/device_mac.h"
#include "ops/kernels/device_planar.h"
#include "ops/registry.h"
#include "runtime/core/half.h"

namespace aneref {
namespace {

bool IsHalf(const TensorType& type) { return type.dtype == DataType::kFloat16; }

// The node under fp32: types, and copies of its known values (N1, N5).
struct FloatNode {
  std::vector<OpView::Input> inputs;
  std::vector<TensorType> outputs;
  std::deque<std::vector<float>> values;

  explicit FloatNode(const OpView& op)
      : inputs(op.inputs().begin(), op.inputs().end()) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].present || !IsHalf(inputs[i].type)) continue;
      inputs[i].type.dtype = DataType::kFloat32;
      if (inputs[i].known.data == nullptr) continue;
      const AlignedBytes bits = LoadKnown(op, i);
      std::vector<float>& copy = values.emplace_back();
      for (size_t k = 0; k < bits.size() / sizeof(uint16_t); ++k)
        copy.push_back(
            static_cast<float>(EngineHalfToDouble(bits.as<uint16_t>()[k])) +
            0.0f);
      inputs[i].known = DenseView(inputs[i].type, copy.data());
    }
    for (size_t i = 0; i < op.num_outputs(); ++i) {
      outputs.push_back(op.Out(i));
      if (IsHalf(op.Out(i))) outputs.back().dtype = DataType::kFloat32;
    }
  }
};

// A task's arguments and what they point into.
struct OwnedArgs {
  std::shared_ptr<const void> args;
  std::shared_ptr<const FloatNode> node;
};

TaskSpec ConvertTask(const Kernel& kernel, const TensorType& type,
                     const OpView& op) {
  auto args = std::make_shared<DeviceConvertArgs>();
  args->rounding = op.device()->profile().rounding;
  args->blocks = MakeRowBlocks(type);
  TaskSpec task;
  task.kernel = &kernel;
  task.num_units = std::max<int64_t>(args->blocks.num_units(), 1);
  task.args = std::move(args);
  return task;
}

// fp16 operands of the inner tasks become fp32 temporaries.
class Rewriter {
 public:
  Rewriter(const OpView& op, std::shared_ptr<const FloatNode> node,
           TaskBuilder* builder)
      : op_(op),
        node_(std::move(node)),
        builder_(builder),
        floats_in_(op.num_inputs()),
        floats_out_(op.num_outputs()) {}

  void Rewrite(TaskBuilder* inner) {
    for (const TensorType& type : inner->temporaries())
      temporaries_.push_back(builder_->AddTemporary(type));
    for (TaskSpec& task : inner->tasks()) {
      for (Operand& operand : task.in) operand = Resolve(operand);
      for (Operand& operand : task.out) operand = Resolve(operand);
      auto owned = std::make_shared<OwnedArgs>();
      owned->args = task.args;
      owned->node = node_;
      task.args = std::shared_ptr<const void>(owned, owned->args.get());
      builder_->Add(std::move(task));
    }
    for (size_t i = 0; i < floats_out_.size(); ++i) {
      if (floats_out_[i].kind == Operand::Kind::kAbsent) continue;
      TaskSpec store = ConvertTask(device_store_kernel, op_.Out(i), op_);
      store.in = {floats_out_[i]};
      store.out = {OutputOperand(i)};
      builder_->Add(std::move(store));
    }
  }

 private:
  Operand Resolve(const Operand& operand) {
    switch (operand.kind) {
      case Operand::Kind::kTemporary:
        return temporaries_[operand.index];
      case Operand::Kind::kInput:
        return IsHalf(op_.In(operand.index)) ? FloatInput(operand.index)
                                             : operand;
      case Operand::Kind::kOutput:
        if (!IsHalf(op_.Out(operand.index))) return operand;
        if (floats_out_[operand.index].kind == Operand::Kind::kAbsent)
          floats_out_[operand.index] =
              builder_->AddTemporary(node_->outputs[operand.index]);
        return floats_out_[operand.index];
      case Operand::Kind::kAbsent:
        break;
    }
    return operand;
  }

  // Decoded where the first task reads it.
  Operand FloatInput(size_t i) {
    Operand& temporary = floats_in_[i];
    if (temporary.kind != Operand::Kind::kAbsent) return temporary;
    temporary = builder_->AddTemporary(node_->inputs[i].type);
    TaskSpec decode = ConvertTask(device_decode_kernel, op_.In(i), op_);
    decode.in = {InputOperand(i)};
    decode.out = {temporary};
    builder_->Add(std::move(decode));
    return temporary;
  }

  const OpView& op_;
  std::shared_ptr<const FloatNode> node_;
  TaskBuilder* builder_;
  std::vector<Operand> temporaries_, floats_in_, floats_out_;
};

// A tensor of the reference rung as fp32.
struct FloatTensor {
  std::vector<float> values;
  TensorView view;
};

FloatTensor DecodeTensor(const TensorView& halves) {
  FloatTensor tensor;
  for (const uint16_t bits : LoadHalves(halves))
    tensor.values.push_back(static_cast<float>(EngineHalfToDouble(bits)) +
                            0.0f);
  tensor.view =
      DenseView({DataType::kFloat32, halves.shape}, tensor.values.data());
  return tensor;
}

}  // namespace

Status LowerThroughFloat(const OpView& op, TaskBuilder* builder) {
  const auto node = std::make_shared<const FloatNode>(op);
  TaskBuilder inner;
  const OpDef& def = *FindOp(op.node().op_type());
  ANEREF_TRY(def.lower(OpView(op.node(), node->inputs, node->outputs), &inner));
  Rewriter(op, node, builder).Rewrite(&inner);
  return Status();
}

Status ReferenceThroughFloat(const OpView& op, const RefTensors& tensors) {
  const FloatNode node(op);
  std::deque<FloatTensor> floats;
  std::vector<TensorView> in(tensors.in.begin(), tensors.in.end());
  std::vector<TensorView> out(tensors.out.begin(), tensors.out.end());
  for (TensorView& view : in) {
    if (view.data != nullptr && view.dtype == DataType::kFloat16)
      view = floats.emplace_back(DecodeTensor(view)).view;
  }
  for (TensorView& view : out) {
    if (view.data == nullptr || view.dtype != DataType::kFloat16) continue;
    FloatTensor& result = floats.emplace_back();
    result.values.resize(static_cast<size_t>(view.shape.NumElements()));
    view = DenseView({DataType::kFloat32, view.shape}, result.values.data());
  }
  const OpDef& def = *FindOp(op.node().op_type());
  ANEREF_TRY(def.reference(OpView(op.node(), node.inputs, node.outputs),
                           RefTensors{in, out}));
  for (size_t i = 0; i < out.size(); ++i) {
    if (out[i].data == nullptr || out[i].data == tensors.out[i].data) continue;
    std::vector<uint16_t> bits;
    const auto* values = reinterpret_cast<const float*>(out[i].data);
    for (int64_t k = 0; k < out[i].shape.NumElements(); ++k)
      bits.push_back(StoreEngine(op.device()->profile().rounding,
                                 static_cast<double>(values[k])));
    StoreHalves(bits, tensors.out[i]);
  }
  return Status();
}

}  // namespace aneref
