// RNN, GRU and LSTM layers with ONNX's gate orders and options. Rule P19: the
// whole layer is one op, states stay fp32 inside it. Steps are in
// kernels/recurrent.cc; this file checks and plans.
#include "ops/recurrent.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "ops/mac.h"
#include "ops/op.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

using Kind = fbs::RecurrentKind;
using AK = fbs::ActivationKind;

std::vector<UnaryFunction> DefaultFunctions(const RecurrentArgs& args) {
  std::vector<AK> kinds = {AK::tanh};
  if (args.kind == Kind::lstm) kinds = {AK::sigmoid, AK::tanh, AK::tanh};
  if (args.kind == Kind::gru) kinds = {AK::sigmoid, AK::tanh};
  std::vector<UnaryFunction> functions;
  for (int64_t d = 0; d < args.directions; ++d) {
    for (AK kind : kinds) functions.push_back({kind, 0, 0});
  }
  return functions;
}

Expected<std::vector<UnaryFunction>> FunctionsOf(const fbs::Recurrent& table,
                                                 const RecurrentArgs& args) {
  if (table.activations() == nullptr || table.activations()->size() == 0)
    return DefaultFunctions(args);
  const auto count = static_cast<size_t>(args.directions) * args.NumFunctions();
  const auto* alpha = table.activation_alpha();
  const auto* beta = table.activation_beta();
  const bool fits = table.activations()->size() == count &&
                    (alpha == nullptr || alpha->size() == count) &&
                    (beta == nullptr || beta->size() == count);
  if (!fits) {
    return ShapeError("has " + std::to_string(table.activations()->size()) +
                      " activations, the layer needs " + std::to_string(count) +
                      ", each with an alpha and a beta or none with");
  }
  std::vector<UnaryFunction> functions;
  for (unsigned i = 0; i < count; ++i) {
    UnaryFunction function;
    function.kind = static_cast<AK>(table.activations()->Get(i));
    if (alpha != nullptr) function.alpha = static_cast<double>(alpha->Get(i));
    if (beta != nullptr) function.beta = static_cast<double>(beta->Get(i));
    const bool known = function.kind <= AK::MAX;
    const UnaryClass group =
        known ? ClassOf(function.kind) : UnaryClass::kBitwise;
    if (group != UnaryClass::kReal && group != UnaryClass::kNumeric &&
        group != UnaryClass::kIdentity) {
      return Unsupported("activation kind " +
                         std::to_string(static_cast<int>(function.kind)) +
                         " in a layer");
    }
    functions.push_back(function);
  }
  return functions;
}

Status CheckShape(const OpView& op, size_t i, const Shape& shape) {
  if (!op.HasInput(i)) return Status();
  if (op.In(i).shape != shape) {
    return ShapeError("input " + std::to_string(i) + " is " +
                      op.In(i).ToString() + ", its shape must be " +
                      shape.ToString());
  }
  const DataType type = op.In(i).dtype;
  if (i == kRecurrentLengths ? !IsInteger(type) : type != op.In(0).dtype) {
    return ShapeError("input " + std::to_string(i) + " is " +
                      op.In(i).ToString() + " beside " + op.In(0).ToString());
  }
  return Status();
}

// States are [directions, batch, hidden], or batch first.
Shape StateShape(const RecurrentArgs& args) {
  if (args.batch_first) return {args.batch, args.directions, args.hidden};
  return {args.directions, args.batch, args.hidden};
}

Status CheckShapes(const OpView& op, const RecurrentArgs& args) {
  const int64_t columns = args.Columns(), directions = args.directions;
  ANEREF_TRY(CheckShape(op, 1, {directions, columns, args.inputs}));
  ANEREF_TRY(CheckShape(op, 2, {directions, columns, args.hidden}));
  ANEREF_TRY(CheckShape(op, kRecurrentBias, {directions, 2 * columns}));
  ANEREF_TRY(CheckShape(op, kRecurrentLengths, {args.batch}));
  ANEREF_TRY(CheckShape(op, kRecurrentHidden, StateShape(args)));
  ANEREF_TRY(CheckShape(op, kRecurrentCell, StateShape(args)));
  return CheckShape(op, kRecurrentPeepholes, {directions, 3 * args.hidden});
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 3, kNumRecurrentInputs));
  if (!IsFloating(op.In(0).dtype)) {
    return Unsupported(std::string("a recurrent layer of ") +
                       DataTypeName(op.In(0).dtype));
  }
  ANEREF_ASSIGN(const RecurrentArgs args, RecurrentArgsOf(op));
  const bool is_lstm = args.kind == Kind::lstm;
  if (!is_lstm &&
      (op.HasInput(kRecurrentCell) || op.HasInput(kRecurrentPeepholes)))
    return ShapeError("a cell state or peepholes of a layer that has no cell");
  ANEREF_TRY(CheckShapes(op, args));
  const size_t most = is_lstm ? 3 : 2;
  if (op.num_outputs() < 1 || op.num_outputs() > most) {
    return ShapeError("has " + std::to_string(op.num_outputs()) +
                      " outputs, between 1 and " + std::to_string(most) +
                      " are allowed");
  }
  std::vector<int64_t> dims = {args.steps, args.directions, args.batch,
                               args.hidden};
  if (args.batch_first)
    dims = {args.batch, args.steps, args.directions, args.hidden};
  ANEREF_ASSIGN(const Shape y, MakeShape(dims));
  ANEREF_ASSIGN(const Shape state, MakeShape(StateShape(args).ToVector()));
  std::vector<TensorType> types = {{op.In(0).dtype, y}};
  while (types.size() < op.num_outputs())
    types.push_back({op.In(0).dtype, state});
  return types;
}

// The known input i as the run would read it (P12).
std::vector<float> LoadWeights(const OpView& op, size_t i) {
  const AlignedBytes dense = LoadKnown(op, i);
  std::vector<float> values(static_cast<size_t>(op.In(i).shape.NumElements()));
  if (!values.empty()) {
    ConvertElements(op.In(i).dtype, dense.as<std::byte>(), DataType::kFloat32,
                    values.data(), values.size());
  }
  return values;
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(RecurrentArgs args, RecurrentArgsOf(op));
  if (args.batch == 0) return Status();
  const bool packed = op.IsKnown(1) && op.IsKnown(2);
  if (packed) {
    PackRecurrentWeights(LoadWeights(op, 1), LoadWeights(op, 2), &args);
  }
  const std::vector<size_t> inside =
      packed ? std::vector<size_t>{1, 2} : std::vector<size_t>();
  TaskSpec task = RecurrentTask(kRecurrentKernel, op, args, inside);
  task.args = std::make_shared<const RecurrentArgs>(std::move(args));
  builder->Add(std::move(task));
  return Status();
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const RecurrentArgs args, RecurrentArgsOf(op));
  if (args.batch == 0) return Status();
  const KernelCall call{tensors.in, tensors.out, &args, nullptr};
  return kRecurrentKernel.scalar(call, 0);
}

}  // namespace

Expected<RecurrentArgs> RecurrentArgsOf(const OpView& op) {
  const auto& table = op.attributes<fbs::Recurrent>();
  const Shape& x = op.In(0).shape;
  if (table.kind() > Kind::MAX ||
      table.direction() > fbs::RecurrentDirection::MAX)
    return Unsupported("unknown kind or direction of a recurrent layer");
  if (x.rank() != 3)
    return ShapeError("x is " + op.In(0).ToString() + ", its rank must be 3");
  if (table.hidden_size() < 1) {
    return ShapeError("hidden_size " + std::to_string(table.hidden_size()) +
                      " is below 1");
  }
  if (!(table.clip() >= 0 && table.cell_clip() >= 0))
    return ShapeError("clip " + std::to_string(table.clip()) + " or " +
                      std::to_string(table.cell_clip()) + " is negative");
  RecurrentArgs args;
  args.kind = table.kind();
  args.batch_first = table.batch_first();
  args.steps = x[args.batch_first ? 1 : 0];
  args.batch = x[args.batch_first ? 0 : 1];
  args.inputs = x[2];
  args.hidden = table.hidden_size();
  const bool both = table.direction() == fbs::RecurrentDirection::bidirectional;
  args.directions = both ? 2 : 1;
  args.starts_reverse = table.direction() == fbs::RecurrentDirection::reverse;
  args.input_forget = table.input_forget();
  args.linear_before_reset = table.linear_before_reset();
  args.clip = table.clip();
  args.cell_clip = table.cell_clip();
  ANEREF_ASSIGN(args.functions, FunctionsOf(table, args));
  return args;
}

TaskSpec RecurrentTask(const Kernel& kernel, const OpView& op,
                       const RecurrentArgs& args,
                       const std::vector<size_t>& packed) {
  TaskSpec task;
  task.kernel = &kernel;
  for (size_t i = 0; i < kNumRecurrentInputs; ++i) {
    const bool inside =
        std::find(packed.begin(), packed.end(), i) != packed.end();
    task.in.push_back(op.HasInput(i) && !inside ? InputOperand(i) : Operand{});
  }
  for (size_t i = 0; i < 3; ++i)
    task.out.push_back(op.HasOutput(i) ? OutputOperand(i) : Operand{});
  const bool has_weights =
      std::find(packed.begin(), packed.end(), 1) != packed.end();
  task.num_units = has_weights ? args.directions * args.batch : 1;
  task.flops = 2.0 * static_cast<double>(args.steps * args.batch) *
               static_cast<double>(args.directions * args.Columns()) *
               static_cast<double>(args.inputs + args.hidden);
  return task;
}

const OpDef recurrent_op = {"recurrent",
                            "RNN, GRU and LSTM layers over a sequence.", Infer,
                            Lower, Reference};

}  // namespace aneref
