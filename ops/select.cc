// condition ? x : y with broadcasting among all three. Elements are copied bit
// for bit, NaN payloads included. Every type; no arithmetic and no rounding.
#include <cstring>

#include "ops/kernels/elementwise_broadcast.h"
#include "ops/op.h"

namespace aneref {
namespace {

struct SelectArgs {
  BroadcastPlan plan;  // operands condition, x, y
};

template <size_t kSize>
struct Element {
  std::byte bytes[kSize];
};

template <size_t kSize>
void SelectRow(const BroadcastPlan& plan, const BroadcastSpan& span,
               const KernelCall& call) {
  using E = Element<kSize>;
  const std::byte* condition = OperandAt(plan, span, call.in[0], 0);
  const auto* x =
      reinterpret_cast<const E*>(OperandAt(plan, span, call.in[1], 1));
  const auto* y =
      reinterpret_cast<const E*>(OperandAt(plan, span, call.in[2], 2));
  auto* out = call.out[0].Row<E>(span.out_row) + span.column;
  const size_t condition_step = plan.repeats[0] ? 0 : 1;
  const size_t x_step = plan.repeats[1] ? 0 : 1;
  const size_t y_step = plan.repeats[2] ? 0 : 1;
  for (size_t i = 0; i < static_cast<size_t>(span.count); ++i) {
    out[i] = condition[i * condition_step] != std::byte{0} ? x[i * x_step]
                                                           : y[i * y_step];
  }
}

Status RunSelect(const KernelCall& call, int64_t unit) {
  const BroadcastPlan& plan = static_cast<const SelectArgs*>(call.args)->plan;
  ForEachSpan(plan, unit, [&](const BroadcastSpan& span) {
    switch (ElementSize(call.out[0].dtype)) {
      case 1:
        return SelectRow<1>(plan, span, call);
      case 2:
        return SelectRow<2>(plan, span, call);
      case 4:
        return SelectRow<4>(plan, span, call);
      default:
        return SelectRow<8>(plan, span, call);
    }
  });
  return Status();
}
constexpr Kernel kSelectKernel = {"select", RunSelect, RunSelect};

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 3, 3));
  if (op.In(0).dtype != DataType::kBool) {
    return ShapeError(std::string("select needs a bool condition, not ") +
                      DataTypeName(op.In(0).dtype));
  }
  if (op.In(1).dtype != op.In(2).dtype) {
    return ShapeError(std::string("select needs x and y of one type, not ") +
                      DataTypeName(op.In(1).dtype) + " and " +
                      DataTypeName(op.In(2).dtype));
  }
  ANEREF_ASSIGN(const Shape values,
                BroadcastShapes(op.In(1).shape, op.In(2).shape));
  ANEREF_ASSIGN(const Shape shape, BroadcastShapes(op.In(0).shape, values));
  return std::vector<TensorType>{{op.In(1).dtype, shape}};
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  const Shape operands[] = {op.In(0).shape, op.In(1).shape, op.In(2).shape};
  auto args = std::make_shared<SelectArgs>();
  args->plan = MakeBroadcastPlan(op.Out(0), operands);
  TaskSpec task;
  task.kernel = &kSelectKernel;
  task.in = {InputOperand(0), InputOperand(1), InputOperand(2)};
  task.out = {OutputOperand(0)};
  task.num_units = std::max<int64_t>(args->plan.num_units(), 1);
  task.args = std::move(args);
  builder->Add(std::move(task));
  return Status();
}

Status Reference(const OpView& /*op*/, const RefTensors& tensors) {
  const size_t size = ElementSize(tensors.out[0].dtype);
  ForEachBroadcastElement(
      tensors.out[0], tensors.in, [size](std::byte* out, const auto& elements) {
        const bool condition = *elements[0] != std::byte{0};
        std::memcpy(out, condition ? elements[1] : elements[2], size);
      });
  return Status();
}

}  // namespace

const OpDef select_op = {
    "select",
    "Takes each element from x where the condition is true, from y elsewhere.",
    Infer, Lower, Reference};

}  // namespace aneref
