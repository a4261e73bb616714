// Conversion of every element to another type (P14). The result's type in
// memory is the output view's: in fp32 numerics a cast to float16 keeps fp32
// (P1).
#include "ops/kernels/elementwise_broadcast.h"
#include "ops/op.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

struct CastArgs {
  BroadcastPlan plan;  // operand x, same shape
};

Status RunCast(const KernelCall& call, int64_t unit) {
  const BroadcastPlan& plan = static_cast<const CastArgs*>(call.args)->plan;
  const TensorView& out = call.out[0];
  ForEachSpan(plan, unit, [&](const BroadcastSpan& span) {
    const std::byte* x = OperandAt(plan, span, call.in[0], 0);
    std::byte* y = out.Row<std::byte>(span.out_row) +
                   static_cast<size_t>(span.column) * ElementSize(out.dtype);
    ConvertElements(call.in[0].dtype, x, out.dtype, y,
                    static_cast<size_t>(span.count));
  });
  return Status();
}
constexpr Kernel kCastKernel = {"cast", RunCast, RunCast};

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  const fbs::DataType to = op.attributes<fbs::Cast>().to();
  if (to > fbs::DataType::MAX)
    return Unsupported("cast to unknown type " +
                       std::to_string(static_cast<int>(to)));
  ANEREF_ASSIGN(const Shape shape, MakeShape(op.In(0).shape.ToVector()));
  return std::vector<TensorType>{{static_cast<DataType>(to), shape}};
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  auto args = std::make_shared<CastArgs>();
  args->plan = MakeBroadcastPlan(op.Out(0), {&op.In(0).shape, 1});
  TaskSpec task;
  task.kernel = &kCastKernel;
  task.in = {InputOperand(0)};
  task.out = {OutputOperand(0)};
  task.num_units = std::max<int64_t>(args->plan.num_units(), 1);
  task.in_place = op.Out(0) == op.In(0);
  task.args = std::move(args);
  builder->Add(std::move(task));
  return Status();
}

Status Reference(const OpView& /*op*/, const RefTensors& tensors) {
  const TensorView& x = tensors.in[0];
  const TensorView& out = tensors.out[0];
  if (x.width() == 0) return Status();
  for (int64_t row = 0; row < x.num_rows(); ++row) {
    ConvertElements(x.dtype, x.Row<std::byte>(row), out.dtype,
                    out.Row<std::byte>(row), static_cast<size_t>(x.width()));
  }
  return Status();
}

}  // namespace

const OpDef cast_op = {"cast", "Converts every element to another type.", Infer,
                       Lower, Reference};

}  // namespace aneref
