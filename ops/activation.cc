// One operand element by element: activations, roots, exponentials, circular
// functions, tests, not. Rules: P7 (fp16 results are the correctly rounded
// exact function; parameters are doubles), P13 (integers), P14 (integer bounds
// of clip), P15 (NaN). The functions are in kernels/unary_math.cc.
#include <cmath>

#include "ops/kernels/unary.h"
#include "ops/op.h"

namespace aneref {
namespace {

using Kind = fbs::ActivationKind;

// A table fills as it is used, but it is 128 KiB of memory: fewer elements are
// evaluated one by one.
constexpr int64_t kMinTableElements = 256;

UnaryFunction FunctionOf(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Activation>();
  return {attributes.kind(), attributes.alpha(), attributes.beta()};
}

bool Accepts(Kind kind, DataType type) {
  switch (ClassOf(kind)) {
    case UnaryClass::kIdentity:
      return true;
    case UnaryClass::kNumeric:
      return type != DataType::kBool;
    case UnaryClass::kLogic:
      return type == DataType::kBool;
    case UnaryClass::kBitwise:
      return !IsFloating(type);
    case UnaryClass::kReal:
    case UnaryClass::kTest:
      break;
  }
  return IsFloating(type);
}

Status CheckParameters(const UnaryFunction& function) {
  if (std::isnan(function.alpha) || std::isnan(function.beta)) {
    return ShapeError(std::string(fbs::EnumNameActivationKind(function.kind)) +
                      " has a parameter that is NaN");
  }
  if (function.kind == Kind::celu && function.alpha == 0)
    return ShapeError("celu divides by alpha, which is 0");
  return Status();
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  const UnaryFunction function = FunctionOf(op);
  if (function.kind > Kind::MAX) {
    return Unsupported("activation kind " +
                       std::to_string(static_cast<int>(function.kind)) +
                       " is unknown");
  }
  if (!Accepts(function.kind, op.In(0).dtype)) {
    return ShapeError(std::string(fbs::EnumNameActivationKind(function.kind)) +
                      " does not take " + DataTypeName(op.In(0).dtype));
  }
  ANEREF_TRY(CheckParameters(function));
  TensorType type = op.In(0);
  if (ClassOf(function.kind) == UnaryClass::kTest) type.dtype = DataType::kBool;
  return std::vector<TensorType>{type};
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  const TensorType& type = op.In(0);
  auto args = std::make_shared<UnaryArgs>();
  args->function = FunctionOf(op);
  args->plan = MakeBroadcastPlan(type, {&type.shape, 1});
  const UnaryClass function = ClassOf(args->function.kind);
  const bool has_table =
      function == UnaryClass::kReal || function == UnaryClass::kNumeric;
  if (has_table && type.dtype == DataType::kFloat16 &&
      type.shape.NumElements() > kMinTableElements &&
      SimdUnary(args->function, type.dtype) == nullptr) {
    args->table = SharedUnaryTable(args->function);
  }
  TaskSpec task;
  task.kernel = &kUnaryKernel;
  task.in = {InputOperand(0)};
  task.out = {OutputOperand(0)};
  task.num_units = std::max<int64_t>(args->plan.num_units(), 1);
  task.flops = static_cast<double>(type.shape.NumElements());
  task.in_place = op.Out(0) == type;
  task.args = std::move(args);
  builder->Add(std::move(task));
  return Status();
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  UnaryArgs args;
  args.function = FunctionOf(op);
  const TensorView& x = tensors.in[0];
  const TensorView& out = tensors.out[0];
  const UnaryBlockFunction apply = ScalarUnary(args.function.kind, x.dtype);
  for (int64_t row = 0; row < x.num_rows(); ++row) {
    apply(args, {x.Row<std::byte>(row), out.Row<std::byte>(row),
                 static_cast<size_t>(x.width())});
  }
  return Status();
}

}  // namespace

const OpDef activation_op = {
    "activation",
    "One operand element by element: activations and unary mathematics.", Infer,
    Lower, Reference};

}  // namespace aneref
