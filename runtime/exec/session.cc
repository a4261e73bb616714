// See session.h. Create: specialise, plan, bind; or the interpreter where
// shapes depend on data.
#include "runtime/exec/session.h"

#include <algorithm>

#include "ops/data_shapes.h"
#include "ops/registry.h"
#include "runtime/exec/dynamic_run.h"
#include "runtime/exec/static_run.h"
#include "runtime/exec/threads.h"
#include "runtime/graph/evaluate.h"
#include "runtime/plan/join_products.h"

namespace aneref {
namespace {

// Ops whose result shapes depend on values have no static plan.
bool NeedsInterpreter(const Net& net) {
  const auto* nodes = net.main_graph().nodes();
  if (nodes == nullptr) return false;
  return std::any_of(nodes->begin(), nodes->end(), [](const fbs::Node* node) {
    return node->op_type() == fbs::Op::Control ||
           node->op_type() == fbs::Op::Selection;
  });
}

// Specialisation names the file itself.
Status AboutNet(const Net& net, const Status& status) {
  return status.message().rfind(net.name() + ": ", 0) == 0
             ? status
             : status.WithContext(net.name());
}

int NumThreads(int asked) {
  const int threads = asked > 0 ? asked : Threads::Available();
  return std::clamp(threads, 1, 256);
}

using Ports = flatbuffers::Vector<flatbuffers::Offset<fbs::Port>>;
std::vector<PortInfo> DescribePorts(const Ports* ports,
                                    const std::vector<ProgramValue>& values) {
  std::vector<PortInfo> infos;
  if (ports == nullptr) return infos;
  for (const fbs::Port* port : *ports) {
    const ProgramValue& value = values[static_cast<size_t>(port->tensor())];
    PortInfo info{value.name,
                  value.memory,
                  static_cast<DataType>(port->declared()),
                  port->image(),
                  {}};
    if (port->labels() != nullptr) {
      for (const flatbuffers::String* label : *port->labels())
        info.labels.push_back(label->str());
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

}  // namespace

struct PreparedNet::Impl {
  std::shared_ptr<const Net> net;
  SessionOptions options;
  std::vector<PortInfo> inputs, outputs;  // without the states' ports
  std::vector<PortInfo> states;
  std::shared_ptr<const LoweredPlan> lowered;  // null: shapes depend on data

  Status Build();
  Status BuildDynamic();
  void Describe(const std::vector<ProgramValue>& values);
};

void PreparedNet::Impl::Describe(const std::vector<ProgramValue>& values) {
  inputs = DescribePorts(net->main_graph().inputs(), values);
  outputs = DescribePorts(net->main_graph().outputs(), values);
  // F14: the ports of states are the last ones.
  const auto* table = net->main_graph().states();
  const size_t count = table == nullptr ? 0 : table->size();
  for (size_t i = 0; i < count; ++i) {
    states.push_back(inputs[inputs.size() - count + i]);
    const auto* name = table->Get(static_cast<unsigned>(i))->name();
    if (name != nullptr) states.back().name = name->str();
  }
  inputs.resize(inputs.size() - count);
  outputs.resize(outputs.size() - count);
}

Status PreparedNet::Impl::BuildDynamic() {
  SessionResources resources;
  resources.threads = 1;
  resources.max_memory = options.max_memory;
  ANEREF_ASSIGN(const std::unique_ptr<DynamicRun> run,
                DynamicRun::Create(*net, options, resources));
  Describe(run->values());
  return Status();
}

Status PreparedNet::Impl::Build() {
  if ((options.numerics == Numerics::kDevice) != (options.device != nullptr)) {
    return InvalidArgument("device numerics and a device context go together");
  }
  if (options.numerics == Numerics::kFast && options.rung == Rung::kReference)
    return InvalidArgument("fast numerics have no references (P22)");
  if (NeedsInterpreter(*net)) return BuildDynamic();
  SpecializeOptions request;
  request.numerics = options.numerics;
  request.input_shapes = options.input_shapes;
  request.max_memory = options.max_memory;
  Expected<Program> specialized = Specialize(*net, request);
  if (IsShapeDependsOnData(specialized.status())) return BuildDynamic();  // P21
  if (!specialized.ok()) return specialized.status();
  if (options.device != nullptr)
    JoinProducts(*options.device, &specialized.value());
  auto program =
      std::make_shared<const Program>(std::move(specialized).value());
  PlanOptions how;
  how.chip = options.chip;
  if (how.chip == nullptr) {
    ANEREF_ASSIGN(how.chip, ChipTable::Embedded().Find("m1"));
  }
  how.engine_options = options.engine_options;
  if (options.on_host.size() == program->nodes.size())
    how.on_host = options.on_host;
  how.keep_intermediates = options.keep_intermediates;
  ANEREF_ASSIGN(Plan plan, BuildPlan(*net, *program, how));
  Describe(program->values);
  ANEREF_ASSIGN(
      lowered,
      LoweredPlan::Create(
          *net, std::move(program),
          std::make_shared<const Plan>(std::move(plan)),
          {options.device, options.rung, options.numerics == Numerics::kFast,
           !options.keep_intermediates, options.max_memory, options.source}));
  return Status();
}

PreparedNet::PreparedNet(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PreparedNet::~PreparedNet() = default;

Expected<std::shared_ptr<const PreparedNet>> PreparedNet::Create(
    std::shared_ptr<const Net> net, const SessionOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->net = std::move(net);
  impl->options = options;
  const Status status = impl->Build();
  if (!status.ok()) return AboutNet(*impl->net, status);
  return std::shared_ptr<const PreparedNet>(new PreparedNet(std::move(impl)));
}

const Net& PreparedNet::net() const { return *impl_->net; }
const std::vector<PortInfo>& PreparedNet::inputs() const {
  return impl_->inputs;
}
const std::vector<PortInfo>& PreparedNet::outputs() const {
  return impl_->outputs;
}
const std::vector<PortInfo>& PreparedNet::states() const {
  return impl_->states;
}
const Plan* PreparedNet::plan() const {
  return impl_->lowered ? &impl_->lowered->plan() : nullptr;
}
const Program* PreparedNet::program() const {
  return impl_->lowered ? &impl_->lowered->program() : nullptr;
}
uint64_t PreparedNet::arena_bytes() const {
  return impl_->lowered ? impl_->lowered->arena_bytes() : 0;
}
uint64_t PreparedNet::constant_bytes() const {
  return impl_->lowered ? impl_->lowered->constant_bytes() : 0;
}
size_t PreparedNet::scratch_bytes() const {
  return impl_->lowered ? impl_->lowered->scratch_bytes() : 0;
}
size_t PreparedNet::num_ops() const {
  if (impl_->lowered) return impl_->lowered->ops().size();
  const auto* nodes = impl_->net->main_graph().nodes();
  return nodes == nullptr ? 0 : nodes->size();
}

struct Session::Impl {
  std::shared_ptr<const PreparedNet> prepared;
  int threads = 1;
  std::vector<PortInfo> outputs;  // with the shapes of the last run
  std::vector<OwnedTensor> next_states;
  std::vector<TraceEvent> no_trace;
  std::unique_ptr<StaticRun> fixed;  // one of the two
  std::unique_ptr<DynamicRun> dynamic;

  Status Build(SessionResources resources);
  const std::vector<PortInfo>& inputs() const { return prepared->inputs(); }
  const std::vector<PortInfo>& states() const { return prepared->states(); }
  // By port: the user's come first, then the states'.
  Status SetPort(size_t port, const PortInfo& info, const StridedView& value);
  TensorView OutputPort(size_t port) const;
  Status AdvanceStates();
};

Status Session::Impl::Build(SessionResources resources) {
  resources.threads = threads = NumThreads(resources.threads);
  outputs = prepared->outputs();
  const PreparedNet::Impl& net = *prepared->impl_;
  if (net.lowered == nullptr) {
    ANEREF_ASSIGN(dynamic,
                  DynamicRun::Create(*net.net, net.options, resources));
    return Status();
  }
  ANEREF_ASSIGN(fixed, StaticRun::Create(net.lowered, resources));
  for (const PortInfo& state : states()) {
    ANEREF_ASSIGN(OwnedTensor tensor, AllocateTensor(state.type));
    next_states.push_back(std::move(tensor));
  }
  return Status();
}

Status Session::Impl::SetPort(size_t port, const PortInfo& info,
                              const StridedView& value) {
  if (!(value.shape == info.type.shape)) {
    return InvalidArgument("input '" + info.name + "' has shape " +
                           info.type.shape.ToString() + ", the given array " +
                           value.shape.ToString());
  }
  if (dynamic) {
    ANEREF_TRY(CheckFits(value, info.type.dtype, info.name));
    ANEREF_ASSIGN(const OwnedTensor dense,
                  AllocateTensor({value.dtype, value.shape}));
    ANEREF_TRY(CopyIn(value, dense.View(), info.name));
    return dynamic->SetInput(port, dense.View());
  }
  const TensorView& target = fixed->View(fixed->program().inputs[port]);
  // An input that no output depends on lies nowhere.
  if (target.data == nullptr)
    return CheckFits(value, info.type.dtype, info.name);
  return CopyIn(value, target, info.name);
}

TensorView Session::Impl::OutputPort(size_t port) const {
  if (dynamic) return dynamic->Output(port);
  return fixed->View(fixed->program().outputs[port]);
}

// The new values may lie in the old ones' places (states that swap), so all are
// read before one is written.
Status Session::Impl::AdvanceStates() {
  if (dynamic) next_states.clear();
  for (size_t i = 0; i < states().size(); ++i) {
    const TensorView view = OutputPort(outputs.size() + i);
    if (dynamic) {
      ANEREF_ASSIGN(OwnedTensor tensor,
                    AllocateTensor({view.dtype, view.shape}));
      next_states.push_back(std::move(tensor));
    }
    CopyTensor(view, next_states[i].View());
  }
  for (size_t i = 0; i < states().size(); ++i) {
    ANEREF_TRY(SetPort(inputs().size() + i, states()[i],
                       ToStrided(next_states[i].View())));
  }
  return Status();
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::~Session() = default;

Expected<std::unique_ptr<Session>> Session::Create(
    std::shared_ptr<const Net> net, const SessionOptions& options) {
  ANEREF_ASSIGN(std::shared_ptr<const PreparedNet> prepared,
                PreparedNet::Create(std::move(net), options));
  SessionResources resources;
  resources.threads = options.threads;
  resources.max_memory = options.max_memory;
  resources.source = options.source;
  return Create(std::move(prepared), resources);
}

Expected<std::unique_ptr<Session>> Session::Create(
    std::shared_ptr<const PreparedNet> prepared,
    const SessionResources& resources) {
  auto impl = std::make_unique<Impl>();
  impl->prepared = std::move(prepared);
  const Status status = impl->Build(resources);
  if (!status.ok()) return AboutNet(impl->prepared->net(), status);
  std::unique_ptr<Session> session(new Session(std::move(impl)));
  ANEREF_TRY(session->ResetStates());
  return session;
}

const std::vector<PortInfo>& Session::inputs() const { return impl_->inputs(); }
const std::vector<PortInfo>& Session::outputs() const { return impl_->outputs; }
void Session::EnableProfile(bool on) {
  if (impl_->fixed) impl_->fixed->EnableProfile(on);
  if (impl_->dynamic) impl_->dynamic->EnableProfile(on);
}
const std::vector<TaskProfile>& Session::profile() const {
  return impl_->fixed ? impl_->fixed->profile()
                      : impl_->dynamic->interpreter().profile();
}
void Session::EnableTrace(bool on) {
  if (impl_->fixed) impl_->fixed->EnableTrace(on);
}
const std::vector<TraceEvent>& Session::trace() const {
  return impl_->fixed ? impl_->fixed->trace() : impl_->no_trace;
}
const Plan* Session::plan() const {
  return impl_->fixed ? &impl_->fixed->plan() : nullptr;
}
const Program* Session::program() const {
  return impl_->fixed ? &impl_->fixed->program() : nullptr;
}
uint64_t Session::arena_bytes() const {
  return impl_->fixed ? impl_->fixed->arena_bytes() : 0;
}
uint64_t Session::weight_bytes() const {
  return impl_->fixed ? impl_->fixed->constant_bytes()
                      : impl_->dynamic->interpreter().weight_bytes();
}
int Session::threads() const { return impl_->threads; }

Status Session::SetInput(size_t index, const TensorView& value) {
  return SetInput(index, ToStrided(value));
}

Status Session::SetInput(size_t index, const StridedView& value) {
  ANEREF_CHECK(index < impl_->inputs().size());
  return impl_->SetPort(index, impl_->inputs()[index], value);
}

Status Session::Run(RunHooks* hooks) {
  const std::string& name = impl_->prepared->net().name();
  if (impl_->fixed) {
    const Status status = impl_->fixed->Run(hooks);
    return status.ok() ? impl_->AdvanceStates() : status.WithContext(name);
  }
  ANEREF_TRY(impl_->dynamic->Run(hooks).WithContext(name));
  for (size_t i = 0; i < impl_->outputs.size(); ++i) {
    const TensorView& view = impl_->dynamic->Output(i);
    impl_->outputs[i].type = {view.dtype, view.shape};
  }
  return impl_->AdvanceStates();
}

bool Session::PlaceInput(size_t index, std::byte* data) {
  ANEREF_CHECK(index < impl_->inputs().size());
  if (!impl_->fixed) return false;
  return impl_->fixed->Move(impl_->fixed->program().inputs[index],
                            StaticRun::PortRole::kInput, data);
}

bool Session::PlaceOutput(size_t index, std::byte* data) {
  ANEREF_CHECK(index < impl_->outputs.size());
  if (!impl_->fixed) return false;
  return impl_->fixed->Move(impl_->fixed->program().outputs[index],
                            StaticRun::PortRole::kOutput, data);
}

TensorView Session::InputSurface(size_t index) const {
  ANEREF_CHECK(index < impl_->inputs().size());
  if (!impl_->fixed) return {};
  return impl_->fixed->View(impl_->fixed->program().inputs[index]);
}

TensorView Session::Output(size_t index) const {
  return impl_->OutputPort(index);
}

const std::vector<PortInfo>& Session::states() const { return impl_->states(); }

TensorView Session::State(size_t index) const {
  const size_t port = impl_->inputs().size() + index;
  if (impl_->dynamic) return impl_->dynamic->Input(port);
  return impl_->fixed->View(impl_->fixed->program().inputs[port]);
}

Status Session::SetState(size_t index, const TensorView& value) {
  return SetState(index, ToStrided(value));
}

Status Session::SetState(size_t index, const StridedView& value) {
  ANEREF_CHECK(index < impl_->states().size());
  return impl_->SetPort(impl_->inputs().size() + index, impl_->states()[index],
                        value);
}

Status Session::ResetStates() {
  for (size_t i = 0; i < impl_->states().size(); ++i) {
    ANEREF_ASSIGN(const OwnedTensor zeros,
                  AllocateTensor(impl_->states()[i].type));
    ANEREF_TRY(SetState(i, zeros.View()));
  }
  return Status();
}

Status Session::ForEachValue(
    const std::function<Status(const std::string& name,
                               const TensorView& value)>& visit) const {
  if (!impl_->prepared->impl_->options.keep_intermediates)
    return InternalError("intermediates were not kept");
  if (impl_->dynamic) {
    for (const auto& [name, value] : impl_->dynamic->kept()) {
      ANEREF_TRY(visit(name, value.view));
    }
    return Status();
  }
  const Program& program = impl_->fixed->program();
  for (const ProgramNode& node : program.nodes) {
    for (int32_t output : node.outputs) {
      if (output < 0) continue;
      const ProgramValue& value = program.values[static_cast<size_t>(output)];
      if (!value.name.empty())
        ANEREF_TRY(visit(value.name, impl_->fixed->View(output)));
    }
  }
  return Status();
}

}  // namespace aneref
