// See interpreter.h.
#include "runtime/exec/interpreter.h"

#include <algorithm>

#include "ops/registry.h"
#include "runtime/core/layout.h"
#include "runtime/exec/fill_surface.h"
#include "runtime/graph/engine_constants.h"
#include "runtime/graph/evaluate.h"

namespace aneref {
namespace {

// A surface aligned to its row granule (L10), zeroed.
Expected<HostValue> NewValue(const TensorType& declared,
                             const TensorType& memory) {
  ANEREF_ASSIGN(const size_t bytes, SurfaceBytes(memory));
  ANEREF_ASSIGN(
      const OwnedTensor storage,
      AllocateTensor({DataType::kUint8, Shape{static_cast<int64_t>(
                                            bytes + kSurfaceRowAlignment)}}));
  const auto address = reinterpret_cast<uintptr_t>(storage.bytes.get());
  HostValue value;
  value.declared = declared;
  value.view = SurfaceView(
      memory, storage.bytes.get() +
                  (kSurfaceRowAlignment - address % kSurfaceRowAlignment) %
                      kSurfaceRowAlignment);
  value.owner = storage.bytes;
  value.defined = true;
  return value;
}

// Gives the value a dense form, which inferring and lowering read.
Status MakeKnown(HostValue* value) {
  if (value->known.data != nullptr || value->view.shape.NumElements() == 0)
    return Status();
  if (value->view.IsDense()) {
    value->known = value->view;
    value->known.row_pitch =
        DenseRowPitch({value->view.dtype, value->view.shape});
    value->known_owner = value->owner;
    return Status();
  }
  ANEREF_ASSIGN(const OwnedTensor dense,
                AllocateTensor({value->view.dtype, value->view.shape}));
  CopyTensor(value->view, dense.View());
  value->known = dense.View();
  value->known_owner = dense.bytes;
  return Status();
}

Expected<int64_t> ScalarInt(const HostValue& value, const char* what) {
  if (value.view.shape.NumElements() != 1)
    return ShapeError(std::string(what) + " must be one value");
  return LoadInts(value.view)[0];
}

}  // namespace

Expected<HostValue> MakeHostValue(const TensorType& declared,
                                  const TensorView& dense, Numerics numerics) {
  ANEREF_ASSIGN(HostValue value,
                NewValue(declared, {MemoryType(declared.dtype, numerics),
                                    declared.shape}));
  FillSurface(dense, value.view, ValueOrigin::kInput);
  return value;
}

Expected<HostValue> MakeConstantValue(const TensorType& declared,
                                      const TensorView& known,
                                      std::shared_ptr<void> owner,
                                      Numerics numerics) {
  ANEREF_ASSIGN(HostValue value,
                NewValue(declared, {MemoryType(declared.dtype, numerics),
                                    declared.shape}));
  FillSurface(known, value.view, ValueOrigin::kConstant);
  value.known = known;
  value.known_owner = std::move(owner);
  return value;
}

struct Interpreter::Impl {
  const Net& net;
  InterpreterOptions options;
  int threads;
  std::unique_ptr<Executor> executor;
  size_t scratch_bytes = 0;
  int64_t steps = 0;
  ValueVisitor visit;
  RunHooks* hooks = nullptr;

  // A run that executes more nodes than this does not end in a user's lifetime.
  static constexpr int64_t kMaxSteps = int64_t{1} << 24;

  using Values = std::vector<HostValue>;

  Status LoadConstants(const fbs::Graph& graph, Values* values);
  Expected<Values> RunGraph(const fbs::Graph& graph, const Values& inputs,
                            bool main);
  // Tells the hooks of a node of the main graph.
  Status Report(const fbs::Graph& graph, unsigned index, double seconds,
                const Values& values);
  Status RunNode(const fbs::Node& node, Values* values);
  Expected<Values> Evaluate(const fbs::Node& node, Values in);
  Status RunTasks(const fbs::Node& node,
                  const std::vector<OpView::Input>& operands, Values* in,
                  Values* out);
  Status RunTask(const TaskSpec& task, const Values& in, const Values& out,
                 const Values& temporaries);
  Expected<Values> RunControl(const fbs::Node& node, const Values& in);
  Expected<Values> RunLoop(const fbs::Control& control, const fbs::Graph& body,
                           const Values& in, size_t num_outputs);
  Expected<Values> RunScan(const fbs::Control& control, const fbs::Graph& body,
                           const Values& in, size_t num_outputs);
  Expected<HostValue> Stack(const Values& parts, size_t axis, bool reverse,
                            const TensorType& empty) const;
  Expected<HostValue> Slice(const HostValue& value, size_t axis,
                            int64_t index) const;
  Expected<HostValue> MakeScalar(DataType type, int64_t number) const;
};

Status Interpreter::Impl::LoadConstants(const fbs::Graph& graph,
                                        Values* values) {
  for (size_t i = 0; i < values->size(); ++i) {
    const fbs::Tensor& tensor = *graph.tensors()->Get(static_cast<unsigned>(i));
    if (tensor.constant() < 0) continue;
    std::shared_ptr<void> owner;
    ANEREF_ASSIGN(const TensorView known,
                  options.numerics == Numerics::kDevice
                      ? EngineConstantValue(net, tensor, &owner)
                      : net.ConstantValue(tensor, &owner));
    const TensorType declared{static_cast<DataType>(tensor.dtype()),
                              known.shape};
    ANEREF_ASSIGN((*values)[i],
                  MakeConstantValue(declared, known, owner, options.numerics));
  }
  return Status();
}

Expected<Interpreter::Impl::Values> Interpreter::Impl::RunGraph(
    const fbs::Graph& graph, const Values& inputs, bool main) {
  Values values(graph.tensors() ? graph.tensors()->size() : 0);
  ANEREF_TRY(LoadConstants(graph, &values));
  const size_t num_ports = graph.inputs() ? graph.inputs()->size() : 0;
  if (num_ports != inputs.size()) {
    return ShapeError("a body takes " + std::to_string(num_ports) +
                      " inputs, " + std::to_string(inputs.size()) +
                      " are given");
  }
  for (unsigned i = 0; i < num_ports; ++i) {
    values[static_cast<size_t>(graph.inputs()->Get(i)->tensor())] = inputs[i];
  }
  const unsigned num_nodes = graph.nodes() ? graph.nodes()->size() : 0;
  for (unsigned i = 0; i < num_nodes; ++i) {
    const fbs::Node& node = *graph.nodes()->Get(i);
    if (++steps > kMaxSteps)
      return LimitError(
          "the run executes more than 2^24 ops (an endless loop?)");
    if (hooks != nullptr) ANEREF_TRY(hooks->BeforeCall());
    const double start = main && hooks != nullptr ? SteadySeconds() : 0;
    const Status status = RunNode(node, &values);
    if (!status.ok()) return status.WithContext(DescribeNode(node));
    if (main && hooks != nullptr)
      ANEREF_TRY(Report(graph, i, SteadySeconds() - start, values));
    if (!main || !visit) continue;
    for (int32_t output : *node.outputs()) {
      if (output < 0) continue;
      const fbs::Tensor& tensor =
          *graph.tensors()->Get(static_cast<unsigned>(output));
      if (tensor.name() != nullptr && tensor.name()->size() > 0) {
        ANEREF_TRY(
            visit(tensor.name()->str(), values[static_cast<size_t>(output)]));
      }
    }
  }
  Values outputs;
  for (unsigned i = 0;
       graph.outputs() != nullptr && i < graph.outputs()->size(); ++i) {
    outputs.push_back(
        values[static_cast<size_t>(graph.outputs()->Get(i)->tensor())]);
  }
  return outputs;
}

Status Interpreter::Impl::Report(const fbs::Graph& graph, unsigned index,
                                 double seconds, const Values& values) {
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
    outputs.push_back(
        {names.back().c_str(), values[static_cast<size_t>(output)].view});
  }
  return hooks->AfterOp({name.c_str(), op.c_str(), index, graph.nodes()->size(),
                         seconds, outputs});
}

Status Interpreter::Impl::RunNode(const fbs::Node& node, Values* values) {
  Values in(node.inputs() ? node.inputs()->size() : 0);
  for (size_t i = 0; i < in.size(); ++i) {
    const int32_t index = node.inputs()->Get(static_cast<unsigned>(i));
    if (index < 0) continue;
    HostValue& value = (*values)[static_cast<size_t>(index)];
    ANEREF_TRY(MakeKnown(&value));
    in[i] = value;
  }
  ANEREF_ASSIGN(const Values out, Evaluate(node, std::move(in)));
  for (size_t i = 0; i < node.outputs()->size() && i < out.size(); ++i) {
    const int32_t index = node.outputs()->Get(static_cast<unsigned>(i));
    if (index >= 0) (*values)[static_cast<size_t>(index)] = out[i];
  }
  return Status();
}

Expected<Interpreter::Impl::Values> Interpreter::Impl::Evaluate(
    const fbs::Node& node, Values in) {
  std::vector<OpView::Input> operands(in.size());
  for (size_t i = 0; i < in.size(); ++i) {
    if (!in[i].defined) continue;
    ANEREF_TRY(MakeKnown(&in[i]));
    operands[i] = {true, in[i].declared, in[i].known};
  }
  if (node.op_type() == fbs::Op::Control) return RunControl(node, in);
  Values out;
  ANEREF_TRY(RunTasks(node, operands, &in, &out));
  return out;
}

Status Interpreter::Impl::RunTasks(const fbs::Node& node,
                                   const std::vector<OpView::Input>& operands,
                                   Values* in, Values* out) {
  ANEREF_ASSIGN(const std::vector<TensorType> declared,
                InferNode(node, operands));
  std::vector<TensorType> types;
  for (const TensorType& type : declared) {
    types.push_back({MemoryType(type.dtype, options.numerics), type.shape});
    if (options.max_memory != 0 &&
        SurfaceBytes(types.back()).value() > options.max_memory) {
      return LimitError(type.ToString() +
                        " is over the memory limit (--max-memory)");
    }
    ANEREF_ASSIGN(HostValue value, NewValue(type, types.back()));
    out->push_back(std::move(value));
  }
  std::vector<OpView::Input> in_memory = operands;
  for (size_t i = 0; i < in_memory.size(); ++i) {
    if (in_memory[i].present) in_memory[i].type.dtype = (*in)[i].view.dtype;
  }
  const OpView view(node, in_memory, types, options.device.get());
  const OpDef& def = *FindOp(node.op_type());
  TaskBuilder builder({}, options.numerics == Numerics::kFast);
  ANEREF_TRY(options.reference ? LowerOpToReference(def, view, &builder)
                               : LowerOp(def, view, &builder));
  Values temporaries;
  for (const TensorType& type : builder.temporaries()) {
    ANEREF_ASSIGN(HostValue value, NewValue(type, type));
    temporaries.push_back(std::move(value));
  }
  for (const TaskSpec& task : builder.tasks())
    ANEREF_TRY(RunTask(task, *in, *out, temporaries));
  return Status();
}

Status Interpreter::Impl::RunTask(const TaskSpec& task, const Values& in,
                                  const Values& out,
                                  const Values& temporaries) {
  const auto views = [&](const std::vector<Operand>& operands) {
    std::vector<TensorView> result;
    for (const Operand& operand : operands) {
      switch (operand.kind) {
        case Operand::Kind::kInput:
          result.push_back(in[operand.index].view);
          break;
        case Operand::Kind::kOutput:
          result.push_back(out[operand.index].view);
          break;
        case Operand::Kind::kTemporary:
          result.push_back(temporaries[operand.index].view);
          break;
        case Operand::Kind::kAbsent:
          result.emplace_back();
          break;
      }
    }
    return result;
  };
  if (executor == nullptr || task.scratch_bytes > scratch_bytes) {
    scratch_bytes = std::max(scratch_bytes, task.scratch_bytes);
    ANEREF_ASSIGN(executor,
                  Executor::Create({threads, scratch_bytes, options.parallel,
                                    options.source}));
  }
  BoundTask bound;
  bound.function = options.scalar ? task.kernel->scalar : task.kernel->simd;
  bound.in = views(task.in);
  bound.out = views(task.out);
  bound.args = task.args;
  bound.num_units = task.num_units;
  if (hooks != nullptr) ANEREF_TRY(hooks->BeforeCall());
  return executor->Run(bound);
}

Expected<HostValue> Interpreter::Impl::MakeScalar(DataType type,
                                                  int64_t number) const {
  const TensorType declared{type, Shape{}};
  return MakeHostValue(declared,
                       DenseView({DataType::kInt64, Shape{}}, &number),
                       options.numerics);
}

// Values of one type along a new axis of the result; `empty` types a stack of
// nothing.
Expected<HostValue> Interpreter::Impl::Stack(const Values& parts, size_t axis,
                                             bool reverse,
                                             const TensorType& empty) const {
  TensorType type = parts.empty() ? empty : parts[0].declared;
  if (axis > type.shape.rank())
    return ShapeError("scan output axis is outside the rank");
  for (const HostValue& part : parts) {
    if (!(part.declared == type))
      return ShapeError("a scan output changes its type between iterations");
  }
  std::vector<int64_t> dims = type.shape.ToVector();
  dims.insert(dims.begin() + static_cast<ptrdiff_t>(axis),
              static_cast<int64_t>(parts.size()));
  ANEREF_ASSIGN(const Shape shape, MakeShape(dims));
  const TensorType stacked{type.dtype, shape};
  ANEREF_ASSIGN(
      HostValue result,
      NewValue(stacked, {MemoryType(type.dtype, options.numerics), shape}));
  const size_t size = ElementSize(result.view.dtype);
  const int64_t inner = type.shape.NumElements(axis, type.shape.rank());
  ANEREF_ASSIGN(const OwnedTensor dense,
                AllocateTensor({result.view.dtype, shape}));
  for (size_t i = 0; i < parts.size(); ++i) {
    ANEREF_ASSIGN(const OwnedTensor part,
                  AllocateTensor({result.view.dtype, type.shape}));
    CopyTensor(parts[reverse ? parts.size() - 1 - i : i].view, part.View());
    const auto bytes = static_cast<size_t>(inner) * size;
    for (int64_t outer = 0; outer < type.shape.NumElements(0, axis); ++outer) {
      std::copy_n(part.bytes.get() + static_cast<size_t>(outer) * bytes, bytes,
                  dense.bytes.get() +
                      (static_cast<size_t>(outer) * parts.size() + i) * bytes);
    }
  }
  CopyTensor(dense.View(), result.view);
  return result;
}

// The part of `value` at `index` of `axis`, without that axis.
Expected<HostValue> Interpreter::Impl::Slice(const HostValue& value,
                                             size_t axis, int64_t index) const {
  TensorType type = value.declared;
  const int64_t extent = type.shape[axis];
  const int64_t inner = type.shape.NumElements(axis + 1, type.shape.rank());
  const int64_t outer = type.shape.NumElements(0, axis);
  type.shape.Erase(axis);
  ANEREF_ASSIGN(HostValue result,
                NewValue(type, {value.view.dtype, type.shape}));
  ANEREF_ASSIGN(const OwnedTensor dense,
                AllocateTensor({value.view.dtype, value.view.shape}));
  ANEREF_ASSIGN(const OwnedTensor part,
                AllocateTensor({value.view.dtype, type.shape}));
  CopyTensor(value.view, dense.View());
  const size_t bytes =
      static_cast<size_t>(inner) * ElementSize(value.view.dtype);
  for (int64_t i = 0; i < outer; ++i) {
    std::copy_n(
        dense.bytes.get() + static_cast<size_t>(i * extent + index) * bytes,
        bytes, part.bytes.get() + static_cast<size_t>(i) * bytes);
  }
  CopyTensor(part.View(), result.view);
  return result;
}

Expected<Interpreter::Impl::Values> Interpreter::Impl::RunControl(
    const fbs::Node& node, const Values& in) {
  const auto& control = *static_cast<const fbs::Control*>(node.op());
  const size_t num_bodies = control.bodies() ? control.bodies()->size() : 0;
  const size_t needed = control.kind() == fbs::ControlKind::branch ? 2 : 1;
  if (num_bodies != needed || control.captured() == nullptr ||
      control.captured()->size() != needed) {
    return InvalidFile(
        "F11", "a control op needs " + std::to_string(needed) + " bodies");
  }
  for (int32_t body : *control.bodies()) {
    if (body <= 0 ||
        static_cast<size_t>(body) >= net.table().graphs()->size()) {
      return InvalidFile("F5", "body " + std::to_string(body) + " is no graph");
    }
  }
  const auto graph = [&](unsigned i) -> const fbs::Graph& {
    return *net.table().graphs()->Get(
        static_cast<unsigned>(control.bodies()->Get(i)));
  };
  const size_t num_outputs = node.outputs()->size();
  if (control.kind() == fbs::ControlKind::loop)
    return RunLoop(control, graph(0), in, num_outputs);
  if (control.kind() == fbs::ControlKind::scan)
    return RunScan(control, graph(0), in, num_outputs);
  if (in.empty() || !in[0].defined)
    return ShapeError("a branch needs a condition");
  ANEREF_ASSIGN(const int64_t condition, ScalarInt(in[0], "the condition"));
  const unsigned taken = condition != 0 ? 0 : 1;
  const auto first = static_cast<size_t>(control.captured()->Get(0)),
             second = static_cast<size_t>(control.captured()->Get(1));
  if (first + second + 1 != in.size())
    return InvalidFile("F5", "captured values do not match");
  const auto begin =
      in.begin() + 1 + static_cast<ptrdiff_t>(taken == 0 ? 0 : first);
  return RunGraph(graph(taken),
                  Values(begin, begin + static_cast<ptrdiff_t>(
                                            taken == 0 ? first : second)),
                  false);
}

Expected<Interpreter::Impl::Values> Interpreter::Impl::RunLoop(
    const fbs::Control& control, const fbs::Graph& body, const Values& in,
    size_t num_outputs) {
  const auto captured = static_cast<size_t>(control.captured()->Get(0));
  if (in.size() < 2 + captured)
    return InvalidFile("F5", "captured values do not match");
  const size_t num_carried = in.size() - 2 - captured;
  int64_t limit = INT64_MAX, condition = 1;
  if (in[0].defined) {
    ANEREF_ASSIGN(limit, ScalarInt(in[0], "the trip count"));
  }
  if (in[1].defined) {
    ANEREF_ASSIGN(condition, ScalarInt(in[1], "the condition"));
  }
  Values carried(in.begin() + 2,
                 in.begin() + 2 + static_cast<ptrdiff_t>(num_carried));
  if (num_outputs < num_carried)
    return ShapeError("a loop has fewer outputs than carried values");
  std::vector<Values> scans(num_outputs - num_carried);
  for (int64_t i = 0; i < limit && condition != 0; ++i) {
    Values arguments;
    ANEREF_ASSIGN(HostValue iteration, MakeScalar(DataType::kInt64, i));
    ANEREF_ASSIGN(HostValue flag, MakeScalar(DataType::kBool, condition));
    arguments.push_back(std::move(iteration));
    arguments.push_back(std::move(flag));
    arguments.insert(arguments.end(), carried.begin(), carried.end());
    arguments.insert(arguments.end(),
                     in.end() - static_cast<ptrdiff_t>(captured), in.end());
    ANEREF_ASSIGN(const Values results, RunGraph(body, arguments, false));
    if (results.size() != 1 + num_outputs)
      return ShapeError("the loop's body gives another number of outputs");
    ANEREF_ASSIGN(condition, ScalarInt(results[0], "the condition"));
    carried.assign(results.begin() + 1,
                   results.begin() + 1 + static_cast<ptrdiff_t>(num_carried));
    for (size_t s = 0; s < scans.size(); ++s)
      scans[s].push_back(results[1 + num_carried + s]);
  }
  Values outputs = carried;
  for (size_t s = 0; s < scans.size(); ++s) {
    TensorType empty;
    const auto index = static_cast<unsigned>(
        body.outputs()
            ->Get(static_cast<unsigned>(1 + num_carried + s))
            ->tensor());
    empty.dtype = static_cast<DataType>(body.tensors()->Get(index)->dtype());
    ANEREF_ASSIGN(HostValue stacked, Stack(scans[s], 0, false, empty));
    outputs.push_back(std::move(stacked));
  }
  return outputs;
}

Expected<Interpreter::Impl::Values> Interpreter::Impl::RunScan(
    const fbs::Control& control, const fbs::Graph& body, const Values& in,
    size_t num_outputs) {
  const auto captured = static_cast<size_t>(control.captured()->Get(0));
  const auto num_scans =
      static_cast<size_t>(std::max(control.num_scan_inputs(), 0));
  if (num_scans == 0 || in.size() < captured + num_scans)
    return ShapeError("a scan needs scanned inputs");
  const size_t num_states = in.size() - captured - num_scans;
  if (num_outputs < num_states)
    return ShapeError("a scan has fewer outputs than states");
  const auto axis_of = [](const flatbuffers::Vector<int32_t>* axes, size_t i,
                          size_t rank) -> Expected<size_t> {
    return NormalizeAxis(axes != nullptr && i < axes->size()
                             ? axes->Get(static_cast<unsigned>(i))
                             : 0,
                         rank);
  };
  const auto flag_of = [](const flatbuffers::Vector<uint8_t>* flags, size_t i) {
    return flags != nullptr && i < flags->size() &&
           flags->Get(static_cast<unsigned>(i)) != 0;
  };
  std::vector<size_t> axes(num_scans);
  int64_t length = -1;
  for (size_t s = 0; s < num_scans; ++s) {
    const Shape& shape = in[num_states + s].declared.shape;
    ANEREF_ASSIGN(axes[s], axis_of(control.scan_input_axes(), s, shape.rank()));
    if (length >= 0 && shape[axes[s]] != length)
      return ShapeError("scanned inputs differ in length");
    length = shape[axes[s]];
  }
  Values states(in.begin(), in.begin() + static_cast<ptrdiff_t>(num_states));
  std::vector<Values> scans(num_outputs - num_states);
  for (int64_t i = 0; i < length; ++i) {
    Values arguments = states;
    for (size_t s = 0; s < num_scans; ++s) {
      const int64_t index =
          flag_of(control.scan_input_reverse(), s) ? length - 1 - i : i;
      ANEREF_ASSIGN(HostValue part, Slice(in[num_states + s], axes[s], index));
      arguments.push_back(std::move(part));
    }
    arguments.insert(arguments.end(),
                     in.end() - static_cast<ptrdiff_t>(captured), in.end());
    ANEREF_ASSIGN(const Values results, RunGraph(body, arguments, false));
    if (results.size() != num_outputs)
      return ShapeError("the scan's body gives another number of outputs");
    states.assign(results.begin(),
                  results.begin() + static_cast<ptrdiff_t>(num_states));
    for (size_t s = 0; s < scans.size(); ++s)
      scans[s].push_back(results[num_states + s]);
  }
  Values outputs = states;
  for (size_t s = 0; s < scans.size(); ++s) {
    if (scans[s].empty())
      return ShapeError("a scan over nothing has no output type");
    ANEREF_ASSIGN(const size_t axis,
                  axis_of(control.scan_output_axes(), s,
                          scans[s][0].declared.shape.rank() + 1));
    ANEREF_ASSIGN(
        HostValue stacked,
        Stack(scans[s], axis, flag_of(control.scan_output_reverse(), s),
              TensorType{}));
    outputs.push_back(std::move(stacked));
  }
  return outputs;
}

Interpreter::Interpreter(const Net& net, const InterpreterOptions& options,
                         int threads)
    : impl_(new Impl{net, options, threads, nullptr, 0, 0, {}, nullptr}) {}
Interpreter::~Interpreter() = default;

Expected<std::vector<HostValue>> Interpreter::Run(
    const std::vector<HostValue>& inputs, const ValueVisitor& visit,
    RunHooks* hooks) {
  impl_->visit = visit;
  impl_->hooks = hooks;
  impl_->steps = 0;
  return impl_->RunGraph(impl_->net.main_graph(), inputs, /*main=*/true);
}

Expected<std::vector<HostValue>> Interpreter::RunNode(
    const fbs::Node& node, std::vector<HostValue> inputs) {
  return impl_->Evaluate(node, std::move(inputs));
}

}  // namespace aneref
