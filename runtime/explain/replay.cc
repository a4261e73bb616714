// See replay.h.
#include "runtime/explain/replay.h"

#include <algorithm>

#include "ops/data_shapes.h"
#include "runtime/explain/tensor_set.h"
#include "runtime/graph/engine_constants.h"
#include "runtime/graph/evaluate.h"

namespace aneref {
namespace {

// Ops whose result shapes depend on values have no static program.
bool HasDynamicOps(const Net& net) {
  const auto* nodes = net.main_graph().nodes();
  return nodes != nullptr &&
         std::any_of(nodes->begin(), nodes->end(), [](const fbs::Node* node) {
           return node->op_type() == fbs::Op::Control ||
                  node->op_type() == fbs::Op::Selection;
         });
}

template <class Ports>
std::vector<int32_t> TensorsOf(const Ports* ports) {
  std::vector<int32_t> tensors;
  if (ports == nullptr) return tensors;
  for (const fbs::Port* port : *ports) tensors.push_back(port->tensor());
  return tensors;
}

}  // namespace

Expected<HostValue> ConvertValue(const HostValue& value, Numerics numerics) {
  if (!value.defined) return value;
  const DataType wanted = MemoryType(value.declared.dtype, numerics);
  if (value.view.dtype == wanted) return value;
  const bool as_stored =
      value.known.data != nullptr && value.known.dtype != value.view.dtype;
  if (as_stored) {
    return MakeConstantValue(value.declared, value.known, value.known_owner,
                             numerics);
  }
  ANEREF_ASSIGN(const OwnedTensor dense, CopyDense(value.view));
  return MakeHostValue(value.declared, dense.View(), numerics);
}

Expected<HostValues> NodeEvaluator::Evaluate(const fbs::Node& node,
                                             const HostValues& in,
                                             const Arithmetic& arithmetic) {
  std::unique_ptr<Interpreter>& interpreter =
      interpreters_[{arithmetic.numerics, arithmetic.device.get()}];
  if (interpreter == nullptr) {
    InterpreterOptions how;
    how.numerics = arithmetic.numerics;
    how.device = arithmetic.device;
    interpreter = std::make_unique<Interpreter>(net_, how, threads_);
  }
  HostValues converted;
  for (const HostValue& value : in) {
    ANEREF_ASSIGN(HostValue one, ConvertValue(value, arithmetic.numerics));
    converted.push_back(std::move(one));
  }
  Expected<HostValues> out = interpreter->RunNode(node, std::move(converted));
  if (!out.ok()) return out.status().WithContext(DescribeNode(node));
  return out;
}

Expected<std::unique_ptr<Replay>> Replay::Create(std::shared_ptr<const Net> net,
                                                 const ReplayOptions& options) {
  std::unique_ptr<Replay> replay(new Replay(std::move(net), options));
  const fbs::Graph& graph = replay->net_->main_graph();
  const unsigned count = graph.tensors() ? graph.tensors()->size() : 0;
  for (unsigned i = 0; i < count; ++i) {
    const fbs::Tensor* tensor = graph.tensors()->Get(i);
    replay->names_.push_back(tensor->name() ? tensor->name()->str()
                                            : std::string());
  }
  replay->values_.resize(count);
  replay->inputs_ = TensorsOf(graph.inputs());
  replay->outputs_ = TensorsOf(graph.outputs());
  SpecializeOptions request{options.arithmetic.numerics, options.input_shapes,
                            options.max_memory};
  ANEREF_ASSIGN(replay->input_types_, BindInputTypes(*replay->net_, request));
  if (!HasDynamicOps(*replay->net_)) {
    Expected<Program> program = Specialize(*replay->net_, request);
    if (program.ok()) {
      replay->program_ = std::move(*program);
      ANEREF_TRY(replay->UseProgram());
      return replay;
    }
    if (!IsShapeDependsOnData(program.status())) return program.status();
  }
  ANEREF_TRY(replay->UseGraph());
  return replay;
}

Status Replay::UseProgram() {
  for (const ProgramNode& node : program_.nodes) {
    steps_.push_back({node.node, node.inputs, node.outputs});
  }
  for (const Step& step : steps_) {
    for (int32_t index : step.inputs) {
      if (index < 0) continue;
      const ProgramValue& value = program_.values[static_cast<size_t>(index)];
      HostValue& mine = values_[static_cast<size_t>(index)];
      if (!value.is_known || mine.defined) continue;
      ANEREF_ASSIGN(mine,
                    MakeConstantValue(value.declared, value.known, value.owner,
                                      options_.arithmetic.numerics));
    }
  }
  return Status();
}

Status Replay::UseGraph() {
  const fbs::Graph& graph = net_->main_graph();
  for (unsigned i = 0; i < names_.size(); ++i) {
    const fbs::Tensor& tensor = *graph.tensors()->Get(i);
    if (tensor.constant() < 0) continue;
    std::shared_ptr<void> owner;
    ANEREF_ASSIGN(const TensorView known,
                  options_.arithmetic.numerics == Numerics::kDevice
                      ? EngineConstantValue(*net_, tensor, &owner)
                      : net_->ConstantValue(tensor, &owner));
    ANEREF_ASSIGN(
        values_[i],
        MakeConstantValue({static_cast<DataType>(tensor.dtype()), known.shape},
                          known, owner, options_.arithmetic.numerics));
  }
  const unsigned count = graph.nodes() ? graph.nodes()->size() : 0;
  for (unsigned i = 0; i < count; ++i) {
    const fbs::Node* node = graph.nodes()->Get(i);
    Step step;
    step.node = node;
    if (node->inputs() != nullptr) {
      step.inputs.assign(node->inputs()->begin(), node->inputs()->end());
    }
    step.outputs.assign(node->outputs()->begin(), node->outputs()->end());
    steps_.push_back(std::move(step));
  }
  return Status();
}

bool Replay::IsState(int32_t value) const {
  const auto* states = net_->main_graph().states();
  return states != nullptr &&
         std::any_of(
             states->begin(), states->end(), [&](const fbs::State* state) {
               return inputs_[static_cast<size_t>(state->input())] == value ||
                      outputs_[static_cast<size_t>(state->output())] == value;
             });
}

Status Replay::SetInput(size_t index, const TensorView& dense) {
  const TensorType& declared = input_types_[index];
  if (!(dense.shape == declared.shape)) {
    return InvalidArgument("an input has shape " + declared.shape.ToString() +
                           ", the given array " + dense.shape.ToString());
  }
  ANEREF_ASSIGN(values_[static_cast<size_t>(inputs_[index])],
                MakeHostValue(declared, dense, options_.arithmetic.numerics));
  return Status();
}

Status Replay::Run(const Visitor& visit) {
  for (size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    HostValues in;
    for (int32_t index : step.inputs) {
      in.push_back(index < 0 ? HostValue{}
                             : values_[static_cast<size_t>(index)]);
    }
    ANEREF_ASSIGN(
        HostValues out,
        evaluator_.Evaluate(*step.node, in,
                            choose ? choose(i) : options_.arithmetic));
    if (visit) ANEREF_TRY(visit(i, in, &out));
    for (size_t k = 0; k < step.outputs.size() && k < out.size(); ++k) {
      if (step.outputs[k] < 0) continue;
      values_[static_cast<size_t>(step.outputs[k])] = std::move(out[k]);
    }
  }
  return Status();
}

std::string StepName(const Replay& replay, size_t step) {
  const Replay::Step& at = replay.steps()[step];
  if (at.node->name() != nullptr && at.node->name()->size() > 0) {
    return at.node->name()->str();
  }
  for (int32_t output : at.outputs) {
    if (output >= 0) return replay.ValueName(output);
  }
  return "node " + std::to_string(step);
}

}  // namespace aneref
