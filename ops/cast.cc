// Conversion of every element to another type (P14), or its bits read as
// another type (P23). The result's type in memory is the output view's: in fp32
// numerics a cast to float16 keeps fp32 (P1).
#include <algorithm>

#include "ops/kernels/elementwise_broadcast.h"
#include "ops/op.h"
#include "runtime/core/convert.h"

namespace aneref {
namespace {

// What becomes of an element between the types in memory.
struct Conversion {
  bool reinterpret = false;
  DataType bits_of = DataType::kFloat32;
  DataType bits_as = DataType::kInt32;
};

Conversion ConversionOf(const OpView& op) {
  const auto& cast = op.attributes<fbs::Cast>();
  return {cast.reinterpret(), static_cast<DataType>(cast.bits_of()),
          static_cast<DataType>(cast.bits_as())};
}

void Convert(const Conversion& how, DataType from, const std::byte* x,
             DataType to, std::byte* y, size_t count) {
  if (!how.reinterpret) return ConvertElements(from, x, to, y, count);
  constexpr size_t kChunk = 64;
  std::byte bits[kChunk * sizeof(uint64_t)];
  for (size_t done = 0; done < count; done += kChunk) {
    const size_t now = std::min(kChunk, count - done);
    ConvertElements(from, x + done * ElementSize(from), how.bits_of, bits, now);
    ConvertElements(how.bits_as, bits, to, y + done * ElementSize(to), now);
  }
}

struct CastArgs {
  BroadcastPlan plan;  // operand x, same shape
  Conversion how;
};

Status RunCast(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const CastArgs*>(call.args);
  const BroadcastPlan& plan = args.plan;
  const TensorView& out = call.out[0];
  ForEachSpan(plan, unit, [&](const BroadcastSpan& span) {
    const std::byte* x = OperandAt(plan, span, call.in[0], 0);
    std::byte* y = out.Row<std::byte>(span.out_row) +
                   static_cast<size_t>(span.column) * ElementSize(out.dtype);
    Convert(args.how, call.in[0].dtype, x, out.dtype, y,
            static_cast<size_t>(span.count));
  });
  return Status();
}
constexpr Kernel kCastKernel = {"cast", RunCast, RunCast};

// Numbers of one width: a bool has no other bits than 0 and 1.
Status CheckReinterpret(const OpView& op) {
  const auto& cast = op.attributes<fbs::Cast>();
  if (!cast.reinterpret()) return Status();
  if (cast.bits_of() > fbs::DataType::MAX ||
      cast.bits_as() > fbs::DataType::MAX)
    return Unsupported("cast of the bits of an unknown type");
  const Conversion how = ConversionOf(op);
  if (how.bits_of != DataType::kBool && how.bits_as != DataType::kBool &&
      ElementSize(how.bits_of) == ElementSize(how.bits_as))
    return Status();
  return Unsupported(std::string("cast of the bits of ") +
                     DataTypeName(how.bits_of) + " to " +
                     DataTypeName(how.bits_as));
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  const fbs::DataType to = op.attributes<fbs::Cast>().to();
  if (to > fbs::DataType::MAX)
    return Unsupported("cast to unknown type " +
                       std::to_string(static_cast<int>(to)));
  ANEREF_TRY(CheckReinterpret(op));
  ANEREF_ASSIGN(const Shape shape, MakeShape(op.In(0).shape.ToVector()));
  return std::vector<TensorType>{{static_cast<DataType>(to), shape}};
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  auto args = std::make_shared<CastArgs>();
  args->plan = MakeBroadcastPlan(op.Out(0), {&op.In(0).shape, 1});
  args->how = ConversionOf(op);
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

Status Reference(const OpView& op, const RefTensors& tensors) {
  const TensorView& x = tensors.in[0];
  const TensorView& out = tensors.out[0];
  if (x.width() == 0) return Status();
  const Conversion how = ConversionOf(op);
  for (int64_t row = 0; row < x.num_rows(); ++row) {
    Convert(how, x.dtype, x.Row<std::byte>(row), out.dtype,
            out.Row<std::byte>(row), static_cast<size_t>(x.width()));
  }
  return Status();
}

}  // namespace

const OpDef cast_op = {
    "cast",
    "Converts every element to another type, or reads its bits as another.",
    Infer, Lower, Reference};

}  // namespace aneref
