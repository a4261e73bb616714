// See session.h. Create: specialise, lower every node to tasks, place all
// values in one arena, bind views, allocate.
#include "runtime/exec/session.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <new>
#include <thread>

#include "ops/data_shapes.h"
#include "ops/registry.h"
#include "runtime/core/convert.h"
#include "runtime/core/layout.h"
#include "runtime/exec/executor.h"
#include "runtime/exec/fill_surface.h"
#include "runtime/exec/interpreter.h"
#include "runtime/graph/evaluate.h"
#include "runtime/plan/memory.h"

namespace aneref {
namespace {

struct FreeDeleter {
  void operator()(std::byte* memory) const { std::free(memory); }
};
using AlignedBytes = std::unique_ptr<std::byte[], FreeDeleter>;

// Zeroed, so that row padding never shows another run's data.
Expected<AlignedBytes> AllocateAligned(uint64_t bytes) {
  constexpr uint64_t kAlignment = 64;
  const uint64_t size =
      (std::max<uint64_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(kAlignment, size));
  if (memory == nullptr) {
    return Status(StatusCode::kOutOfMemory, "",
                  "no memory for " + std::to_string(bytes) + " bytes");
  }
  std::fill_n(memory, size, std::byte{0});
  return AlignedBytes(memory);
}

// A value the run needs memory for: a graph value or a temporary of one
// lowering.
struct Slot {
  TensorType type;
  Lifetime lifetime;
  int32_t alias = -1;  // shares the memory of that slot
  bool constant = false;
  TensorView view;
};

struct PlannedTask {
  TaskSpec spec;
  size_t node = 0;
  std::vector<int32_t> in;  // slots, -1 absent
  std::vector<int32_t> out;
};

std::string NodeName(const fbs::Node& node) {
  return node.name() ? node.name()->str() : std::string();
}

// Integers that feed a narrower integer tensor must fit; bool takes 0 and 1.
Status CheckIntegersFit(const TensorView& value, DataType target,
                        const std::string& name) {
  if (IsFloating(target) || value.dtype == target) return Status();
  if (IsFloating(value.dtype)) {
    return InvalidArgument("input '" + name + "' is " + DataTypeName(target) +
                           ", the given array is " + DataTypeName(value.dtype));
  }
  const std::vector<int64_t> wide = LoadInts(value);
  std::vector<std::byte> narrow(wide.size() * ElementSize(target));
  ConvertElements(DataType::kInt64, wide.data(), target, narrow.data(),
                  wide.size());
  std::vector<int64_t> back(wide.size());
  ConvertElements(target, narrow.data(), DataType::kInt64, back.data(),
                  wide.size());
  for (size_t i = 0; i < wide.size(); ++i) {
    if (wide[i] != back[i]) {
      return InvalidArgument("input '" + name + "': value " +
                             std::to_string(wide[i]) + " at element " +
                             std::to_string(i) + " does not fit " +
                             DataTypeName(target));
    }
  }
  return Status();
}

// Ops whose result shapes depend on values have no static plan.
bool NeedsInterpreter(const Net& net) {
  const auto* nodes = net.main_graph().nodes();
  if (nodes == nullptr) return false;
  return std::any_of(nodes->begin(), nodes->end(), [](const fbs::Node* node) {
    return node->op_type() == fbs::Op::Control ||
           node->op_type() == fbs::Op::Selection;
  });
}

}  // namespace

// The state of a session that runs node by node.
struct DynamicRun {
  std::unique_ptr<Interpreter> interpreter;
  std::vector<HostValue> inputs, outputs;
  std::vector<TensorType> declared;                       // of the inputs
  std::vector<std::pair<std::string, HostValue>> values;  // of the last run
  int threads = 1;
};

struct Session::Impl {
  std::shared_ptr<const Net> net;
  SessionOptions options;
  Program program;
  std::vector<PortInfo> inputs, outputs;
  std::vector<Slot>
      slots;  // the first program.values.size() are the graph's values
  std::vector<PlannedTask> tasks;
  std::vector<BoundTask> bound;
  AlignedBytes arena, constants;
  uint64_t arena_bytes = 0, constant_bytes = 0;
  std::unique_ptr<Executor> executor;
  bool profiling = false;
  std::vector<TaskProfile> profile;
  std::unique_ptr<DynamicRun> dynamic;

  Status Build();
  Status BuildDynamic();
  Status RunDynamic();
  int NumThreads() const;
  Status CheckMemory(uint64_t more, const char* what);
  void DescribePorts();
  Status LowerNodes();
  Status LowerNode(size_t index);
  void FindLifetimes();
  void ShareInPlace();
  Status PlaceConstants();
  Status PlaceArena();
  void Bind();
  int32_t Resolve(const Operand& operand, const ProgramNode& node,
                  size_t first_temporary) const;
};

Status Session::Impl::CheckMemory(uint64_t more, const char* what) {
  if (options.max_memory == 0) return Status();
  const uint64_t used = constant_bytes + arena_bytes + more;
  if (used <= options.max_memory) return Status();
  return LimitError(std::string(what) + " would bring memory to " +
                    std::to_string(used) + " bytes, " +
                    std::to_string(options.max_memory) +
                    " are allowed (--max-memory)");
}

void Session::Impl::DescribePorts() {
  const auto describe =
      [&](const flatbuffers::Vector<flatbuffers::Offset<fbs::Port>>* ports,
          std::vector<PortInfo>* infos) {
        if (ports == nullptr) return;
        for (const fbs::Port* port : *ports) {
          const ProgramValue& value =
              program.values[static_cast<size_t>(port->tensor())];
          PortInfo info{value.name,
                        value.memory,
                        static_cast<DataType>(port->declared()),
                        port->image(),
                        {}};
          if (port->labels() != nullptr) {
            for (const flatbuffers::String* label : *port->labels())
              info.labels.push_back(label->str());
          }
          infos->push_back(std::move(info));
        }
      };
  describe(net->main_graph().inputs(), &inputs);
  describe(net->main_graph().outputs(), &outputs);
}

int32_t Session::Impl::Resolve(const Operand& operand, const ProgramNode& node,
                               size_t first_temporary) const {
  switch (operand.kind) {
    case Operand::Kind::kInput:
      return node.inputs[operand.index];
    case Operand::Kind::kOutput:
      return node.outputs[operand.index];
    case Operand::Kind::kTemporary:
      return static_cast<int32_t>(first_temporary + operand.index);
    case Operand::Kind::kAbsent:
      break;
  }
  return -1;
}

Status Session::Impl::LowerNode(size_t index) {
  const ProgramNode& node = program.nodes[index];
  const std::vector<OpView::Input> operands =
      OperandsOf(program, node, /*in_memory=*/true);
  std::vector<TensorType> types;
  for (int32_t value : node.outputs) {
    types.push_back(value < 0
                        ? TensorType{}
                        : program.values[static_cast<size_t>(value)].memory);
  }
  const OpView view(*node.node, operands, types);
  const OpDef& def = *FindOp(node.node->op_type());
  TaskBuilder builder;
  const Status status = options.rung == Rung::kReference
                            ? LowerToReference(view, def.reference, &builder)
                            : def.lower(view, &builder);
  ANEREF_TRY(status.WithContext(DescribeNode(*node.node)));
  const size_t first_temporary = slots.size();
  for (const TensorType& type : builder.temporaries()) {
    Slot slot;
    slot.type = type;
    slots.push_back(slot);
  }
  for (TaskSpec& spec : builder.tasks()) {
    PlannedTask task;
    for (const Operand& operand : spec.in)
      task.in.push_back(Resolve(operand, node, first_temporary));
    for (const Operand& operand : spec.out)
      task.out.push_back(Resolve(operand, node, first_temporary));
    task.node = index;
    task.spec = std::move(spec);
    tasks.push_back(std::move(task));
  }
  return Status();
}

Status Session::Impl::LowerNodes() {
  for (const ProgramValue& value : program.values) {
    Slot slot;
    slot.type = value.memory;
    slot.constant = value.is_known;
    slots.push_back(slot);
  }
  for (size_t i = 0; i < program.nodes.size(); ++i) ANEREF_TRY(LowerNode(i));
  return Status();
}

// Steps: -1 is SetInput, tasks are 0.., the last step is reading outputs.
void Session::Impl::FindLifetimes() {
  const auto end = static_cast<int32_t>(tasks.size());
  for (Slot& slot : slots) slot.lifetime = {0, INT32_MAX, -2};
  const auto touch = [&](int32_t index, int32_t step) {
    if (index < 0) return;
    Lifetime& lifetime = slots[static_cast<size_t>(index)].lifetime;
    lifetime.first = std::min(lifetime.first, step);
    lifetime.last = std::max(lifetime.last, step);
  };
  for (int32_t input :
       program.inputs) {  // inputs stay readable for the next Run
    touch(input, -1);
    touch(input, end);
  }
  for (int32_t step = 0; step < end; ++step) {
    for (int32_t slot : tasks[static_cast<size_t>(step)].in) touch(slot, step);
    for (int32_t slot : tasks[static_cast<size_t>(step)].out) {
      touch(slot, step);
      if (options.keep_intermediates) touch(slot, end);
    }
  }
  for (int32_t output : program.outputs) touch(output, end);
}

// Lets an element-by-element task write over an operand that dies with it.
void Session::Impl::ShareInPlace() {
  for (size_t step = 0; step < tasks.size(); ++step) {
    const PlannedTask& task = tasks[step];
    if (!task.spec.in_place || task.in.empty() || task.in[0] < 0 ||
        task.out.empty() || task.out[0] < 0)
      continue;
    int32_t source = task.in[0];
    while (slots[static_cast<size_t>(source)].alias >= 0)
      source = slots[static_cast<size_t>(source)].alias;
    Slot& from = slots[static_cast<size_t>(source)];
    Slot& to = slots[static_cast<size_t>(task.out[0])];
    const bool dies_here =
        from.lifetime.last == static_cast<int32_t>(step) && !from.constant;
    const bool fresh =
        to.lifetime.first == static_cast<int32_t>(step) && to.alias < 0;
    if (!dies_here || !fresh || !(from.type == to.type)) continue;
    to.alias = source;
    from.lifetime.last = to.lifetime.last;
  }
}

// Known values that tasks read at run time become surfaces in the type in
// memory (P12).
Status Session::Impl::PlaceConstants() {
  std::vector<uint64_t> offsets(slots.size(), 0);
  uint64_t total = 0;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].constant || slots[i].lifetime.last < -1) continue;
    ANEREF_ASSIGN(const size_t bytes, SurfaceBytes(slots[i].type));
    offsets[i] = total;
    total += (bytes + 63) / 64 * 64;
    ANEREF_TRY(CheckMemory(total, "constants"));
  }
  ANEREF_ASSIGN(constants, AllocateAligned(total));
  constant_bytes = total;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (!slots[i].constant || slots[i].lifetime.last < -1) continue;
    Slot& slot = slots[i];
    slot.view = SurfaceView(slot.type, constants.get() + offsets[i]);
    FillSurface(program.values[i].known, slot.view, ValueOrigin::kConstant);
  }
  return Status();
}

Status Session::Impl::PlaceArena() {
  std::vector<Lifetime> lifetimes;
  std::vector<size_t> owners;
  size_t scratch = 0;
  for (const PlannedTask& task : tasks)
    scratch = std::max(scratch, task.spec.scratch_bytes);
  for (size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].constant || slots[i].alias >= 0 || slots[i].lifetime.last < -1)
      continue;
    ANEREF_ASSIGN(const size_t bytes, SurfaceBytes(slots[i].type));
    slots[i].lifetime.bytes = bytes;
    ANEREF_TRY(CheckMemory(bytes, "one tensor"));
    lifetimes.push_back(slots[i].lifetime);
    owners.push_back(i);
  }
  const MemoryPlan plan = PlanMemory(lifetimes);
  const int threads = NumThreads();
  ANEREF_TRY(CheckMemory(
      plan.arena_bytes + scratch * static_cast<size_t>(threads), "tensors"));
  ANEREF_ASSIGN(arena, AllocateAligned(plan.arena_bytes));
  arena_bytes = plan.arena_bytes;
  for (size_t i = 0; i < owners.size(); ++i) {
    slots[owners[i]].view =
        SurfaceView(slots[owners[i]].type, arena.get() + plan.offsets[i]);
  }
  for (Slot& slot : slots) {
    if (slot.alias >= 0)
      slot.view = SurfaceView(slot.type,
                              slots[static_cast<size_t>(slot.alias)].view.data);
  }
  executor = std::make_unique<Executor>(threads, scratch);
  return Status();
}

void Session::Impl::Bind() {
  for (PlannedTask& task : tasks) {
    BoundTask ready;
    const auto views = [&](const std::vector<int32_t>& indices) {
      std::vector<TensorView> result;
      for (int32_t index : indices) {
        result.push_back(index < 0 ? TensorView{}
                                   : slots[static_cast<size_t>(index)].view);
      }
      return result;
    };
    ready.in = views(task.in);
    ready.out = views(task.out);
    ready.function = options.rung == Rung::kSimd ? task.spec.kernel->simd
                                                 : task.spec.kernel->scalar;
    ready.args = task.spec.args;
    ready.num_units = task.spec.num_units;
    ready.scratch_bytes = task.spec.scratch_bytes;
    bound.push_back(std::move(ready));
    const fbs::Node& node = *program.nodes[task.node].node;
    const int32_t output = program.nodes[task.node].outputs[0];
    profile.push_back({NodeName(node), OpName(node), task.spec.kernel->name,
                       output < 0
                           ? TensorType{}
                           : program.values[static_cast<size_t>(output)].memory,
                       task.spec.flops, 0});
  }
}

int Session::Impl::NumThreads() const {
  const int threads =
      options.threads > 0
          ? options.threads
          : static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(threads, 1, 256);
}

Status Session::Impl::BuildDynamic() {
  dynamic = std::make_unique<DynamicRun>();
  dynamic->threads = NumThreads();
  InterpreterOptions how;
  how.numerics = options.numerics;
  how.scalar = options.rung == Rung::kScalar;
  how.reference = options.rung == Rung::kReference;
  how.max_memory = options.max_memory;
  dynamic->interpreter =
      std::make_unique<Interpreter>(*net, how, dynamic->threads);
  SpecializeOptions request{options.numerics, options.input_shapes,
                            options.max_memory};
  ANEREF_ASSIGN(dynamic->declared, BindInputTypes(*net, request));
  dynamic->inputs.resize(dynamic->declared.size());
  const auto* graph_outputs = net->main_graph().outputs();
  program.values.resize(net->main_graph().tensors()->size());
  for (size_t i = 0; i < program.values.size(); ++i) {
    const fbs::Tensor& tensor =
        *net->main_graph().tensors()->Get(static_cast<unsigned>(i));
    if (tensor.name() != nullptr) program.values[i].name = tensor.name()->str();
    program.values[i].memory.dtype =
        MemoryType(static_cast<DataType>(tensor.dtype()), options.numerics);
  }
  for (size_t i = 0; i < dynamic->declared.size(); ++i) {
    const auto index = static_cast<size_t>(
        net->main_graph().inputs()->Get(static_cast<unsigned>(i))->tensor());
    program.values[index].memory.shape = dynamic->declared[i].shape;
  }
  DescribePorts();
  dynamic->outputs.resize(graph_outputs ? graph_outputs->size() : 0);
  return Status();
}

Status Session::Impl::RunDynamic() {
  for (size_t i = 0; i < dynamic->inputs.size(); ++i) {
    if (!dynamic->inputs[i].defined) {
      return InvalidArgument("input '" + inputs[i].name + "' was not set");
    }
  }
  dynamic->values.clear();
  ValueVisitor visit;
  if (options.keep_intermediates) {
    visit = [this](const std::string& name, const HostValue& value) {
      dynamic->values.emplace_back(name, value);
      return Status();
    };
  }
  ANEREF_ASSIGN(dynamic->outputs,
                dynamic->interpreter->Run(dynamic->inputs, visit));
  for (size_t i = 0; i < outputs.size(); ++i) {
    outputs[i].type = {dynamic->outputs[i].view.dtype,
                       dynamic->outputs[i].view.shape};
  }
  return Status();
}

Status Session::Impl::Build() {
  if (NeedsInterpreter(*net)) return BuildDynamic();
  SpecializeOptions request{options.numerics, options.input_shapes,
                            options.max_memory};
  Expected<Program> planned = Specialize(*net, request);
  if (IsShapeDependsOnData(planned.status())) return BuildDynamic();  // P21
  if (!planned.ok()) return planned.status();
  program = std::move(planned).value();
  DescribePorts();
  ANEREF_TRY(LowerNodes());
  FindLifetimes();
  ShareInPlace();
  ANEREF_TRY(PlaceConstants());
  ANEREF_TRY(PlaceArena());
  Bind();
  return Status();
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

Expected<std::unique_ptr<Session>> Session::Create(
    std::shared_ptr<const Net> net, const SessionOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->net = std::move(net);
  impl->options = options;
  const Status status = impl->Build();
  if (!status.ok()) {
    // Specialisation names the file itself.
    const std::string prefix = impl->net->name() + ": ";
    return status.message().rfind(prefix, 0) == 0
               ? status
               : status.WithContext(impl->net->name());
  }
  return std::unique_ptr<Session>(new Session(std::move(impl)));
}

const std::vector<PortInfo>& Session::inputs() const { return impl_->inputs; }
const std::vector<PortInfo>& Session::outputs() const { return impl_->outputs; }
void Session::EnableProfile(bool on) { impl_->profiling = on; }
const std::vector<TaskProfile>& Session::profile() const {
  return impl_->profile;
}
uint64_t Session::arena_bytes() const { return impl_->arena_bytes; }
uint64_t Session::weight_bytes() const { return impl_->constant_bytes; }
int Session::threads() const {
  return impl_->dynamic ? impl_->dynamic->threads : impl_->executor->threads();
}

Status Session::SetInput(size_t index, const TensorView& value) {
  ANEREF_CHECK(index < impl_->inputs.size());
  const PortInfo& port = impl_->inputs[index];
  if (!(value.shape == port.type.shape)) {
    return InvalidArgument("input '" + port.name + "' has shape " +
                           port.type.shape.ToString() + ", the given array " +
                           value.shape.ToString());
  }
  ANEREF_TRY(CheckIntegersFit(value, port.type.dtype, port.name));
  if (impl_->dynamic) {
    ANEREF_ASSIGN(impl_->dynamic->inputs[index],
                  MakeHostValue(impl_->dynamic->declared[index], value,
                                impl_->options.numerics));
    return Status();
  }
  const TensorView& target =
      impl_->slots[static_cast<size_t>(impl_->program.inputs[index])].view;
  if (target.data == nullptr)
    return Status();  // an input that no output depends on
  FillSurface(value, target, ValueOrigin::kInput);
  return Status();
}

Status Session::Run() {
  if (impl_->dynamic) {
    return impl_->RunDynamic().WithContext(impl_->net->name());
  }
  using Clock = std::chrono::steady_clock;
  for (size_t i = 0; i < impl_->bound.size(); ++i) {
    const Clock::time_point start =
        impl_->profiling ? Clock::now() : Clock::time_point();
    const Status status = impl_->executor->Run(impl_->bound[i]);
    if (impl_->profiling)
      impl_->profile[i].seconds =
          std::chrono::duration<double>(Clock::now() - start).count();
    if (!status.ok()) {
      return status.WithContext(
          impl_->net->name() + ": " +
          DescribeNode(*impl_->program.nodes[impl_->tasks[i].node].node));
    }
  }
  return Status();
}

TensorView Session::Output(size_t index) const {
  if (impl_->dynamic) return impl_->dynamic->outputs[index].view;
  return impl_->slots[static_cast<size_t>(impl_->program.outputs[index])].view;
}

Status Session::ForEachValue(
    const std::function<Status(const std::string& name,
                               const TensorView& value)>& visit) const {
  if (!impl_->options.keep_intermediates)
    return InternalError("intermediates were not kept");
  if (impl_->dynamic) {
    for (const auto& [name, value] : impl_->dynamic->values) {
      ANEREF_TRY(visit(name, value.view));
    }
    return Status();
  }
  for (const ProgramNode& node : impl_->program.nodes) {
    for (int32_t output : node.outputs) {
      if (output < 0) continue;
      const ProgramValue& value =
          impl_->program.values[static_cast<size_t>(output)];
      if (!value.name.empty())
        ANEREF_TRY(
            visit(value.name, impl_->slots[static_cast<size_t>(output)].view));
    }
  }
  return Status();
}

}  // namespace aneref
