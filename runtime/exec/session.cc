// See session.h. Create: specialise, plan, bind; or the interpreter where
// shapes depend on data.
#include "runtime/exec/session.h"

#include <algorithm>
#include <thread>

#include "ops/data_shapes.h"
#include "ops/registry.h"
#include "runtime/core/convert.h"
#include "runtime/exec/dynamic_run.h"
#include "runtime/exec/fill_surface.h"
#include "runtime/exec/static_run.h"
#include "runtime/graph/evaluate.h"
#include "runtime/plan/join_products.h"

namespace aneref {
namespace {

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

int NumThreads(int asked) {
  const int threads =
      asked > 0 ? asked : static_cast<int>(std::thread::hardware_concurrency());
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

struct Session::Impl {
  std::shared_ptr<const Net> net;
  SessionOptions options;
  std::vector<PortInfo> inputs, outputs;  // without the states' ports
  std::vector<PortInfo> states;
  std::vector<TaskProfile> no_profile;
  std::vector<TraceEvent> no_trace;
  std::unique_ptr<StaticRun> fixed;  // one of the two
  std::unique_ptr<DynamicRun> dynamic;

  Status Build();
  Status BuildDynamic();
  void Describe(const std::vector<ProgramValue>& values) {
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
  // By port: the user's come first, then the states'.
  Status SetPort(size_t port, const PortInfo& info, const TensorView& value);
  TensorView OutputPort(size_t port) const;
  Status AdvanceStates();
};

Status Session::Impl::SetPort(size_t port, const PortInfo& info,
                              const TensorView& value) {
  if (!(value.shape == info.type.shape)) {
    return InvalidArgument("input '" + info.name + "' has shape " +
                           info.type.shape.ToString() + ", the given array " +
                           value.shape.ToString());
  }
  ANEREF_TRY(CheckIntegersFit(value, info.type.dtype, info.name));
  if (dynamic) return dynamic->SetInput(port, value);
  const TensorView& target = fixed->View(fixed->program().inputs[port]);
  if (target.data == nullptr)
    return Status();  // an input that no output depends on
  FillSurface(value, target, ValueOrigin::kInput);
  return Status();
}

TensorView Session::Impl::OutputPort(size_t port) const {
  if (dynamic) return dynamic->Output(port);
  return fixed->View(fixed->program().outputs[port]);
}

// The new values may lie in the old ones' places (states that swap), so all are
// read before one is written.
Status Session::Impl::AdvanceStates() {
  std::vector<OwnedTensor> values;
  for (size_t i = 0; i < states.size(); ++i) {
    const TensorView view = OutputPort(outputs.size() + i);
    ANEREF_ASSIGN(OwnedTensor value, AllocateTensor({view.dtype, view.shape}));
    CopyTensor(view, value.View());
    values.push_back(std::move(value));
  }
  for (size_t i = 0; i < states.size(); ++i)
    ANEREF_TRY(SetPort(inputs.size() + i, states[i], values[i].View()));
  return Status();
}

Status Session::Impl::BuildDynamic() {
  ANEREF_ASSIGN(dynamic, DynamicRun::Create(*net, options));
  Describe(dynamic->values());
  return Status();
}

Status Session::Impl::Build() {
  if ((options.numerics == Numerics::kDevice) != (options.device != nullptr)) {
    return InvalidArgument("device numerics and a device context go together");
  }
  if (options.numerics == Numerics::kFast && options.rung == Rung::kReference)
    return InvalidArgument("fast numerics have no references (P22)");
  options.threads = NumThreads(options.threads);
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
  ANEREF_ASSIGN(fixed,
                StaticRun::Create(*net, std::move(program),
                                  std::make_shared<const Plan>(std::move(plan)),
                                  options));
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
  std::unique_ptr<Session> session(new Session(std::move(impl)));
  ANEREF_TRY(session->ResetStates());
  return session;
}

const std::vector<PortInfo>& Session::inputs() const { return impl_->inputs; }
const std::vector<PortInfo>& Session::outputs() const { return impl_->outputs; }
void Session::EnableProfile(bool on) {
  if (impl_->fixed) impl_->fixed->EnableProfile(on);
}
const std::vector<TaskProfile>& Session::profile() const {
  return impl_->fixed ? impl_->fixed->profile() : impl_->no_profile;
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
  return impl_->fixed ? impl_->fixed->constant_bytes() : 0;
}
int Session::threads() const { return impl_->options.threads; }

Status Session::SetInput(size_t index, const TensorView& value) {
  ANEREF_CHECK(index < impl_->inputs.size());
  return impl_->SetPort(index, impl_->inputs[index], value);
}

Status Session::Run() {
  if (impl_->fixed) {
    ANEREF_TRY(impl_->fixed->Run().WithContext(impl_->net->name()));
    return impl_->AdvanceStates();
  }
  ANEREF_TRY(impl_->dynamic->Run().WithContext(impl_->net->name()));
  for (size_t i = 0; i < impl_->outputs.size(); ++i) {
    const TensorView& view = impl_->dynamic->Output(i);
    impl_->outputs[i].type = {view.dtype, view.shape};
  }
  return impl_->AdvanceStates();
}

TensorView Session::Output(size_t index) const {
  return impl_->OutputPort(index);
}

const std::vector<PortInfo>& Session::states() const { return impl_->states; }

TensorView Session::State(size_t index) const {
  const size_t port = impl_->inputs.size() + index;
  if (impl_->dynamic) return impl_->dynamic->Input(port);
  return impl_->fixed->View(impl_->fixed->program().inputs[port]);
}

Status Session::SetState(size_t index, const TensorView& value) {
  ANEREF_CHECK(index < impl_->states.size());
  return impl_->SetPort(impl_->inputs.size() + index, impl_->states[index],
                        value);
}

Status Session::ResetStates() {
  for (size_t i = 0; i < impl_->states.size(); ++i) {
    ANEREF_ASSIGN(const OwnedTensor zeros,
                  AllocateTensor(impl_->states[i].type));
    ANEREF_TRY(SetState(i, zeros.View()));
  }
  return Status();
}

Status Session::ForEachValue(
    const std::function<Status(const std::string& name,
                               const TensorView& value)>& visit) const {
  if (!impl_->options.keep_intermediates)
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
