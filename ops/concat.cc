// Concat: inputs of equal type laid behind each other along one axis. Bits stay
// (P15).
#include "ops/movement.h"
#include "ops/op.h"

namespace aneref {
namespace {

Status CheckAlike(const OpView& op, size_t axis) {
  const TensorType& first = op.In(0);
  for (size_t i = 1; i < op.num_inputs(); ++i) {
    const TensorType& type = op.In(i);
    bool alike =
        type.dtype == first.dtype && type.shape.rank() == first.shape.rank();
    for (size_t a = 0; alike && a < first.shape.rank(); ++a)
      alike = a == axis || type.shape[a] == first.shape[a];
    if (!alike) {
      return ShapeError("input " + std::to_string(i) + " is " +
                        type.ToString() + ", which does not fit " +
                        first.ToString() + " along axis " +
                        std::to_string(axis));
    }
  }
  return Status();
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  if (op.num_inputs() == 0) return ShapeError("has no inputs");
  ANEREF_TRY(CheckInputs(op, op.num_inputs(), op.num_inputs()));
  ANEREF_ASSIGN(const size_t axis,
                NormalizeAxis(op.attributes<fbs::Concat>().axis(),
                              op.In(0).shape.rank()));
  ANEREF_TRY(CheckAlike(op, axis));
  std::vector<int64_t> dims = op.In(0).shape.ToVector();
  for (size_t i = 1; i < op.num_inputs(); ++i) {
    dims[axis] += op.In(i).shape[axis];
    if (dims[axis] > kMaxElements) break;  // MakeShape refuses it
  }
  return OneOutput(op.In(0).dtype, dims);
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const size_t axis,
                NormalizeAxis(op.attributes<fbs::Concat>().axis(),
                              op.In(0).shape.rank()));
  const auto dst = SurfaceStrides(op.Out(0));
  CopyArgs args;
  args.element_size = ElementSize(op.Out(0).dtype);
  std::vector<Operand> in;
  int64_t begin = 0;  // along `axis`
  for (size_t i = 0; i < op.num_inputs(); ++i) {
    const Shape& shape = op.In(i).shape;
    const auto src = SurfaceStrides(op.In(i));
    CopyBox box;
    box.in = i;
    box.dst_offset = begin * dst[axis];
    for (size_t a = 0; a < shape.rank(); ++a)
      box.AddAxis(shape[a], src[a], dst[a]);
    args.Add(box);
    in.push_back(InputOperand(i));
    begin += shape[axis];
  }
  AddCopyTask(std::move(args), std::move(in), {OutputOperand(0)}, builder);
  return Status();
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const size_t axis,
                NormalizeAxis(op.attributes<fbs::Concat>().axis(),
                              tensors.in[0].shape.rank()));
  const Elements out(tensors.out[0]);
  int64_t begin = 0;
  for (const TensorView& view : tensors.in) {
    const Elements x(view);
    ForEachIndex(view.shape, [&](const Index& from) {
      Index to = from;
      to[axis] += begin;
      out.Copy(to, x, from);
    });
    begin += view.shape[axis];
  }
  return Status();
}

}  // namespace

const OpDef concat_op = {
    "concat", "Tensors of one type laid behind each other along an axis.",
    Infer, Lower, Reference};

}  // namespace aneref
