// Two operands element by element with two-sided broadcasting: arithmetic,
// extrema, comparisons, logic, bits, prelu. Rules: P8 (fp16 is computed in fp32
// and rounded once), P13 (integers), P15 (NaN). One-operand functions are
// activation.cc.
#include "ops/kernels/elementwise.h"

#include "ops/broadcast_task.h"
#include "ops/kernels/elementwise_math.h"
#include "ops/op.h"

namespace aneref {
namespace {

using Kind = fbs::ElementwiseKind;

std::string KindName(Kind kind) { return fbs::EnumNameElementwiseKind(kind); }

// Types of x and y that `kind` accepts.
Status CheckTypes(Kind kind, DataType x, DataType y) {
  for (const DataType type : {x, y}) {
    if (!AcceptsType(ClassOf(kind), type))
      return ShapeError(KindName(kind) + " does not take " +
                        DataTypeName(type));
  }
  if (x != y && kind != Kind::pow) {
    return ShapeError(KindName(kind) + " needs two operands of one type, not " +
                      DataTypeName(x) + " and " + DataTypeName(y));
  }
  return Status();
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 2, 2));
  const Kind kind = op.attributes<fbs::Elementwise>().kind();
  if (kind > Kind::MAX)
    return Unsupported("elementwise kind " +
                       std::to_string(static_cast<int>(kind)) + " is unknown");
  ANEREF_TRY(CheckTypes(kind, op.In(0).dtype, op.In(1).dtype));
  ANEREF_ASSIGN(const Shape shape,
                BroadcastShapes(op.In(0).shape, op.In(1).shape));
  const ElementwiseClass function = ClassOf(kind);
  const bool gives_bool = function == ElementwiseClass::kComparison ||
                          function == ElementwiseClass::kLogic;
  return std::vector<TensorType>{
      {gives_bool ? DataType::kBool : op.In(0).dtype, shape}};
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  auto args = std::make_shared<ElementwiseArgs>();
  args->kind = op.attributes<fbs::Elementwise>().kind();
  const Kernel* kernel =
      args->kind == Kind::pow ? &kPowerKernel : &kElementwiseKernel;
  AddBinaryTask(op, kernel, std::move(args), builder);
  return Status();
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  const Kind kind = op.attributes<fbs::Elementwise>().kind();
  const PowerTypes types = {tensors.in[0].dtype, tensors.in[1].dtype};
  const ElementwiseFunction apply =
      kind == Kind::pow ? nullptr : ScalarElementwise(kind, types.base);
  ForEachBroadcastElement(tensors.out[0], tensors.in,
                          [&](std::byte* out, const auto& elements) {
                            ElementwiseBlock one;
                            one.x = elements[0];
                            one.y = elements[1];
                            one.out = out;
                            one.count = 1;
                            if (kind == Kind::pow) {
                              PowerElements(types, one);
                            } else {
                              apply(one);
                            }
                          });
  return Status();
}

}  // namespace

const OpDef elementwise_op = {"elementwise",
                              "Two operands element by element, broadcast both "
                              "ways: arithmetic, comparison, logic, bits.",
                              Infer, Lower, Reference};

}  // namespace aneref
