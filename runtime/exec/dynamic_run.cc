// See dynamic_run.h.
#include "runtime/exec/dynamic_run.h"

namespace aneref {

Expected<std::unique_ptr<DynamicRun>> DynamicRun::Create(
    const Net& net, const SessionOptions& options,
    const SessionResources& resources) {
  std::unique_ptr<DynamicRun> run(new DynamicRun(options));
  ANEREF_TRY(run->Build(net, resources));
  return run;
}

Status DynamicRun::Build(const Net& net, const SessionResources& resources) {
  InterpreterOptions how;
  how.numerics = options_.numerics;
  how.scalar = options_.rung == Rung::kScalar;
  how.reference = options_.rung == Rung::kReference;
  how.max_memory = resources.max_memory;
  how.device = options_.device;
  how.parallel = resources.parallel;
  how.source = resources.source;
  interpreter_ = std::make_unique<Interpreter>(net, how, resources.threads);
  SpecializeOptions request;
  request.numerics = options_.numerics;
  request.input_shapes = options_.input_shapes;
  request.max_memory = options_.max_memory;
  ANEREF_ASSIGN(declared_, BindInputTypes(net, request));
  const fbs::Graph& graph = net.main_graph();
  values_.resize(graph.tensors()->size());
  for (size_t i = 0; i < values_.size(); ++i) {
    const fbs::Tensor& tensor = *graph.tensors()->Get(static_cast<unsigned>(i));
    if (tensor.name() != nullptr) values_[i].name = tensor.name()->str();
    values_[i].memory.dtype =
        MemoryType(static_cast<DataType>(tensor.dtype()), options_.numerics);
  }
  for (size_t i = 0; i < declared_.size(); ++i) {
    const auto index = static_cast<size_t>(
        graph.inputs()->Get(static_cast<unsigned>(i))->tensor());
    values_[index].memory.shape = declared_[i].shape;
    input_names_.push_back(values_[index].name);
  }
  inputs_.resize(declared_.size());
  outputs_.resize(graph.outputs() ? graph.outputs()->size() : 0);
  return Status();
}

Status DynamicRun::SetInput(size_t index, const TensorView& value) {
  ANEREF_ASSIGN(inputs_[index],
                MakeHostValue(declared_[index], value, options_.numerics,
                              interpreter_->memory()));
  return Status();
}

Status DynamicRun::Run(RunHooks* hooks) {
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!inputs_[i].defined)
      return InvalidArgument("input '" + input_names_[i] + "' was not set");
  }
  kept_.clear();
  ValueVisitor visit;
  if (options_.keep_intermediates) {
    visit = [this](const std::string& name, const HostValue& value) {
      kept_.emplace_back(name, value);
      return Status();
    };
  }
  ANEREF_ASSIGN(outputs_, interpreter_->Run(inputs_, visit, hooks));
  return Status();
}

}  // namespace aneref
