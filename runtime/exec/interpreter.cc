// See interpreter.h.
#include "runtime/exec/interpreter.h"

#include <algorithm>

#include "ops/chosen_families.h"
#include "runtime/core/layout.h"
#include "runtime/exec/interpreter_impl.h"
#include "runtime/exec/lower_within.h"
#include "runtime/graph/engine_constants.h"
#include "runtime/graph/evaluate.h"

namespace aneref {
namespace {

size_t NumTensors(const fbs::Graph& graph) {
  return graph.tensors() ? graph.tensors()->size() : 0;
}

// Per node the tensors, neither constants nor outputs, that no later node
// reads.
std::vector<std::vector<size_t>> FindLastUses(const fbs::Graph& graph,
                                              const std::vector<bool>& kept) {
  const unsigned num_nodes = graph.nodes() ? graph.nodes()->size() : 0;
  std::vector<std::vector<size_t>> last(num_nodes);
  std::vector<bool> seen = kept;
  for (unsigned i = num_nodes; i-- > 0;) {
    const fbs::Node& node = *graph.nodes()->Get(i);
    for (const auto* tensors : {node.outputs(), node.inputs()}) {
      if (tensors == nullptr) continue;
      for (const int32_t tensor : *tensors) {
        const auto t = static_cast<size_t>(tensor);
        if (tensor < 0 || seen[t]) continue;
        seen[t] = true;
        last[i].push_back(t);
      }
    }
  }
  return last;
}

}  // namespace

Expected<Interpreter::Impl::GraphState*> Interpreter::Impl::StateOf(
    const fbs::Graph& graph) {
  const auto [entry, is_new] = graphs.try_emplace(&graph);
  if (!is_new) return &entry->second;
  const Status status = LoadConstants(graph, &entry->second);
  if (status.ok()) return &entry->second;
  graphs.erase(entry);
  return status;
}

Status Interpreter::Impl::LoadConstants(const fbs::Graph& graph,
                                        GraphState* state) {
  const size_t num_tensors = NumTensors(graph);
  state->constants.resize(num_tensors);
  state->fixed.assign(num_tensors, false);
  for (size_t i = 0; i < num_tensors; ++i) {
    const fbs::Tensor& tensor = *graph.tensors()->Get(static_cast<unsigned>(i));
    if (tensor.constant() < 0) continue;
    std::shared_ptr<void> owner;
    ANEREF_ASSIGN(const TensorView known,
                  options.numerics == Numerics::kDevice
                      ? EngineConstantValue(net, tensor, &owner)
                      : net.ConstantValue(tensor, &owner));
    HostValue& value = state->constants[i];
    value =
        MakeStoredValue({static_cast<DataType>(tensor.dtype()), known.shape},
                        known, std::move(owner), options.numerics);
    value.constant = &value;
    state->fixed[i] = true;
  }
  std::vector<bool> kept = state->fixed;
  for (unsigned i = 0;
       graph.outputs() != nullptr && i < graph.outputs()->size(); ++i)
    kept[static_cast<size_t>(graph.outputs()->Get(i)->tensor())] = true;
  state->last_uses = FindLastUses(graph, kept);
  return Status();
}

Expected<HostValues> Interpreter::Impl::RunGraph(const fbs::Graph& graph,
                                                 const HostValues& inputs,
                                                 bool main) {
  Frame frame;
  ANEREF_ASSIGN(frame.state, StateOf(graph));
  frame.values.resize(NumTensors(graph));
  const size_t num_ports = graph.inputs() ? graph.inputs()->size() : 0;
  if (num_ports != inputs.size()) {
    return ShapeError("a body takes " + std::to_string(num_ports) +
                      " inputs, " + std::to_string(inputs.size()) +
                      " are given");
  }
  for (unsigned i = 0; i < num_ports; ++i)
    frame.values[static_cast<size_t>(graph.inputs()->Get(i)->tensor())] =
        inputs[i];
  ANEREF_TRY(RunNodes(graph, main, &frame));
  HostValues outputs;
  for (unsigned i = 0;
       graph.outputs() != nullptr && i < graph.outputs()->size(); ++i) {
    outputs.push_back(*frame.At(graph.outputs()->Get(i)->tensor()));
    ANEREF_TRY(Detach(&outputs.back()));
  }
  return outputs;
}

Status Interpreter::Impl::RunNodes(const fbs::Graph& graph, bool main,
                                   Frame* frame) {
  const unsigned num_nodes = graph.nodes() ? graph.nodes()->size() : 0;
  for (unsigned i = 0; i < num_nodes; ++i) {
    const fbs::Node& node = *graph.nodes()->Get(i);
    if (++steps > kMaxSteps)
      return LimitError(
          "the run executes more than 2^24 ops (an endless loop?)");
    if (hooks != nullptr) ANEREF_TRY(hooks->BeforeCall());
    const double start = main && hooks != nullptr ? SteadySeconds() : 0;
    const Status status = RunNode(node, frame);
    if (!status.ok()) return status.WithContext(DescribeNode(node));
    if (main && (hooks != nullptr || visit)) {
      const double seconds = hooks != nullptr ? SteadySeconds() - start : 0;
      ANEREF_TRY(Report(graph, i, seconds, frame));
    }
    for (const size_t tensor : frame->state->last_uses[i])
      frame->values[tensor] = HostValue();
  }
  return Status();
}

Status Interpreter::Impl::Report(const fbs::Graph& graph, unsigned index,
                                 double seconds, Frame* frame) {
  const fbs::Node& node = *graph.nodes()->Get(index);
  const std::string name = node.name() ? node.name()->str() : std::string();
  const std::string op = OpName(node);
  std::vector<std::string> names;
  std::vector<NamedView> outputs;
  names.reserve(node.outputs()->size());
  for (const int32_t output : *node.outputs()) {
    if (output < 0) continue;
    const auto* text =
        graph.tensors()->Get(static_cast<unsigned>(output))->name();
    names.push_back(text != nullptr ? text->str() : std::string());
    const HostValue& value = *frame->At(output);
    outputs.push_back({names.back().c_str(), value.view});
    if (visit && !names.back().empty()) ANEREF_TRY(visit(names.back(), value));
  }
  if (hooks == nullptr) return Status();
  return hooks->AfterOp({name.c_str(), op.c_str(), index, graph.nodes()->size(),
                         seconds, outputs});
}

Status Interpreter::Impl::RunNode(const fbs::Node& node, Frame* frame) {
  Operands in(node.inputs() ? node.inputs()->size() : 0);
  for (size_t i = 0; i < in.size(); ++i) {
    const int32_t index = node.inputs()->Get(static_cast<unsigned>(i));
    if (index >= 0) in[i] = frame->At(index);
    if (in[i] != nullptr && !in[i]->defined) in[i] = nullptr;
  }
  ANEREF_ASSIGN(HostValues out, Evaluate(node, in, /*keep=*/true));
  for (size_t i = 0; i < node.outputs()->size() && i < out.size(); ++i) {
    const int32_t index = node.outputs()->Get(static_cast<unsigned>(i));
    if (index >= 0)
      frame->values[static_cast<size_t>(index)] = std::move(out[i]);
  }
  return Status();
}

Expected<HostValues> Interpreter::Impl::Evaluate(const fbs::Node& node,
                                                 const Operands& in,
                                                 bool keep) {
  if constexpr (IsChosen("control")) {
    if (node.op_type() == fbs::Op::Control) return RunControl(node, in);
  }
  if (keep) {
    LoweredNode* const found = FindLowered(node, in);
    if (found != nullptr) return Compute(node, in, found);
  }
  std::vector<OpView::Input> operands(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i] == nullptr) continue;
    ANEREF_TRY(MakeKnown(in[i], memory));
    operands[i] = {true, in[i]->declared, in[i]->known};
  }
  LoweredNode once;
  ANEREF_TRY(Lower(node, operands, in, &once));
  return Compute(node, in, &once);
}

Interpreter::Impl::LoweredNode* Interpreter::Impl::FindLowered(
    const fbs::Node& node, const Operands& in) {
  LoweredNode& entry = lowered[&node];
  if (entry.reads_values) return nullptr;
  std::vector<OperandKey> key(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i] == nullptr) continue;
    key[i] = {true, in[i]->declared, in[i]->view.dtype, in[i]->constant};
  }
  if (entry.usable && entry.key == key) return &entry;
  memory.Remove(entry.packed_bytes);
  entry = LoweredNode();
  std::vector<OpView::Input> operands(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i] == nullptr) continue;
    operands[i] = {true, in[i]->declared, {}};
    if (in[i]->constant != nullptr) operands[i].known = in[i]->known;
  }
  // What is wrong with the node shows again with the values at hand.
  entry.reads_values = !Lower(node, operands, in, &entry).ok();
  if (entry.reads_values) return nullptr;
  memory.Add(entry.packed_bytes);
  entry.key = std::move(key);
  entry.usable = true;
  // Packed weights are the only copy that a run needs in memory.
  for (const OpView::Input& operand : operands)
    if (operand.known.data != nullptr) net.DropPages(operand.known);
  return &entry;
}

Status Interpreter::Impl::Lower(const fbs::Node& node,
                                const std::vector<OpView::Input>& operands,
                                const Operands& in, LoweredNode* out) {
  ANEREF_ASSIGN(out->declared, InferNode(node, operands));
  for (const TensorType& type : out->declared) {
    out->types.push_back(
        {MemoryType(type.dtype, options.numerics), type.shape});
  }
  std::vector<OpView::Input> in_memory = operands;
  for (size_t i = 0; i < in_memory.size(); ++i) {
    if (in_memory[i].present) in_memory[i].type.dtype = in[i]->view.dtype;
  }
  const OpView view(node, in_memory, out->types, options.device.get());
  TaskBuilder builder({}, options.numerics == Numerics::kFast);
  const uint64_t before = memory.used();
  const PackingMemory packing(memory.source(), memory.limit(), before);
  ANEREF_TRY(
      LowerWithin(*FindOp(node.op_type()), view, options.reference, &builder));
  out->packed_bytes = packing.used() - before;
  out->tasks = std::move(builder.tasks());
  out->temporaries = builder.temporaries();
  for (const TaskSpec& task : out->tasks) {
    BoundTask bound;
    bound.function = options.scalar ? task.kernel->scalar : task.kernel->simd;
    bound.in.resize(task.in.size());
    bound.out.resize(task.out.size());
    bound.args = task.args;
    bound.num_units = task.num_units;
    out->bound.push_back(std::move(bound));
  }
  return Status();
}

Expected<HostValues> Interpreter::Impl::Compute(const fbs::Node& node,
                                                const Operands& in,
                                                LoweredNode* how) {
  HostValues out, temporaries;
  for (size_t i = 0; i < how->types.size(); ++i) {
    ANEREF_ASSIGN(HostValue value,
                  NewValue(how->declared[i], how->types[i], memory));
    out.push_back(std::move(value));
  }
  for (const TensorType& type : how->temporaries) {
    ANEREF_ASSIGN(HostValue value, NewValue(type, type, memory));
    temporaries.push_back(std::move(value));
  }
  const auto view_of = [&](const Operand& operand) -> Expected<TensorView> {
    switch (operand.kind) {
      case Operand::Kind::kInput:
        ANEREF_TRY(MakeSurface(in[operand.index], memory));
        return in[operand.index]->view;
      case Operand::Kind::kOutput:
        return out[operand.index].view;
      case Operand::Kind::kTemporary:
        return temporaries[operand.index].view;
      case Operand::Kind::kAbsent:
        break;
    }
    return TensorView();
  };
  const size_t row = profiling ? ProfileOf(node, *how) : 0;
  for (size_t t = 0; t < how->tasks.size(); ++t) {
    const TaskSpec& task = how->tasks[t];
    BoundTask& bound = how->bound[t];
    for (size_t i = 0; i < task.in.size(); ++i) {
      ANEREF_ASSIGN(bound.in[i], view_of(task.in[i]));
    }
    for (size_t i = 0; i < task.out.size(); ++i) {
      ANEREF_ASSIGN(bound.out[i], view_of(task.out[i]));
    }
    const double start = profiling ? SteadySeconds() : 0;
    ANEREF_TRY(RunTask(task, &bound));
    if (!profiling) continue;
    profile[row + t].seconds += SteadySeconds() - start;
    profile[row + t].flops += task.flops;
  }
  return out;
}

size_t Interpreter::Impl::ProfileOf(const fbs::Node& node,
                                    const LoweredNode& how) {
  const auto [entry, is_new] = profiled.try_emplace(&node, profile.size());
  // Other shapes may be other calls: those get rows of their own.
  if (!is_new && entry->second + how.tasks.size() <= profile.size()) {
    size_t same = 0;
    while (same < how.tasks.size() &&
           profile[entry->second + same].kernel == how.tasks[same].kernel->name)
      ++same;
    if (same == how.tasks.size()) return entry->second;
  }
  entry->second = profile.size();
  for (const TaskSpec& task : how.tasks) {
    TaskProfile row;
    row.name = node.name() ? node.name()->str() : std::string();
    row.op = OpName(node);
    row.kernel = task.kernel->name;
    if (!how.types.empty()) row.output = how.types[0];
    profile.push_back(std::move(row));
  }
  return entry->second;
}

Status Interpreter::Impl::RunTask(const TaskSpec& task, BoundTask* bound) {
  if (executor == nullptr || task.scratch_bytes > scratch_bytes) {
    scratch_bytes = std::max(scratch_bytes, task.scratch_bytes);
    ANEREF_ASSIGN(executor,
                  Executor::Create({threads, scratch_bytes, options.parallel,
                                    options.source}));
  }
  if (hooks != nullptr) ANEREF_TRY(hooks->BeforeCall());
  return executor->Run(*bound);
}

Status Interpreter::Impl::Detach(HostValue* value) const {
  ANEREF_TRY(MakeSurface(value, memory));
  value->constant = nullptr;
  return Status();
}

Interpreter::Interpreter(const Net& net, const InterpreterOptions& options,
                         int threads)
    : impl_(new Impl(net, options, threads)) {}
Interpreter::~Interpreter() = default;

Expected<HostValues> Interpreter::Run(const HostValues& inputs,
                                      const ValueVisitor& visit,
                                      RunHooks* hooks) {
  impl_->visit = visit;
  impl_->hooks = hooks;
  impl_->steps = 0;
  impl_->profile.clear();
  impl_->profiled.clear();
  return impl_->RunGraph(impl_->net.main_graph(), inputs, /*main=*/true);
}

Expected<HostValues> Interpreter::RunNode(const fbs::Node& node,
                                          HostValues inputs) {
  Impl::Operands in(inputs.size());
  for (size_t i = 0; i < in.size(); ++i)
    if (inputs[i].defined) in[i] = &inputs[i];
  return impl_->Evaluate(node, in, /*keep=*/false);
}

void Interpreter::EnableProfile(bool on) { impl_->profiling = on; }
const std::vector<TaskProfile>& Interpreter::profile() const {
  return impl_->profile;
}

uint64_t Interpreter::weight_bytes() const {
  uint64_t bytes = 0;
  for (const auto& [node, how] : impl_->lowered) bytes += how.packed_bytes;
  for (const auto& [graph, state] : impl_->graphs) {
    for (const HostValue& value : state.constants) {
      if (value.view.data == nullptr) continue;
      const auto surface = SurfaceBytes({value.view.dtype, value.view.shape});
      if (surface.ok()) bytes += *surface;
    }
  }
  return bytes;
}

const ValueMemory& Interpreter::memory() const { return impl_->memory; }

}  // namespace aneref
