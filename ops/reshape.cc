// Reshape, flatten, squeeze, unsqueeze: the same elements, row major, under
// another shape. Surfaces pad their rows, so elements move when the width
// changes; bits stay (P15).
#include <algorithm>

#include "ops/kernels/move_repack.h"
#include "ops/movement.h"
#include "ops/op.h"

namespace aneref {
namespace {

// Target extents with 0 replaced by the extent it copies; -1 stays.
Status CopyZeros(const Shape& x, bool allow_zero, std::vector<int64_t>* dims) {
  bool has_zero = false;
  bool has_inferred = false;
  for (size_t axis = 0; axis < dims->size(); ++axis) {
    int64_t& dim = (*dims)[axis];
    if (dim < -1)
      return ShapeError("target extent " + std::to_string(dim) +
                        " is below -1");
    if (dim == -1 && has_inferred)
      return ShapeError("more than one target extent is -1");
    has_inferred = has_inferred || dim == -1;
    if (dim != 0) continue;
    has_zero = true;
    if (allow_zero) continue;
    if (axis >= x.rank()) {
      return ShapeError("target extent " + std::to_string(axis) +
                        " copies an axis that " + x.ToString() +
                        " does not have");
    }
    dim = x[axis];
  }
  if (allow_zero && has_zero && has_inferred)
    return ShapeError("a target with allow_zero has both 0 and -1");
  return Status();
}

// Replaces -1 by what is left of the elements.
Status InferExtent(const Shape& x, std::vector<int64_t>* dims) {
  const auto inferred = std::find(dims->begin(), dims->end(), -1);
  if (inferred == dims->end()) return Status();
  *inferred = 1;
  ANEREF_ASSIGN(const Shape others, MakeShape(*dims));
  const int64_t product = others.NumElements();
  if (product == 0 || x.NumElements() % product != 0) {
    return ShapeError("no extent makes " + x.ToString() + " into " +
                      others.ToString() + " times it");
  }
  *inferred = x.NumElements() / product;
  return Status();
}

Expected<std::vector<int64_t>> ReshapeDims(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Reshape>();
  const Shape& x = op.In(0).shape;
  ANEREF_ASSIGN(std::vector<int64_t> dims, ListOf(op, 1, attributes.shape()));
  ANEREF_TRY(CopyZeros(x, attributes.allow_zero(), &dims));
  ANEREF_TRY(InferExtent(x, &dims));
  return dims;
}

Expected<std::vector<int64_t>> FlattenDims(const OpView& op) {
  const Shape& x = op.In(0).shape;
  const auto rank = static_cast<int64_t>(x.rank());
  const int64_t axis = op.attributes<fbs::Reshape>().axis();
  if (axis < -rank || axis > rank) {
    return ShapeError("flatten axis " + std::to_string(axis) +
                      " is outside rank " + std::to_string(rank));
  }
  const auto split = static_cast<size_t>(axis < 0 ? axis + rank : axis);
  return std::vector<int64_t>{x.NumElements(0, split),
                              x.NumElements(split, x.rank())};
}

Expected<std::vector<int64_t>> SqueezeDims(const OpView& op) {
  const Shape& x = op.In(0).shape;
  ANEREF_ASSIGN(const std::vector<int64_t> list,
                ListOf(op, 1, op.attributes<fbs::Reshape>().axes()));
  ANEREF_ASSIGN(const std::vector<size_t> axes, NormalizeAxes(list, x.rank()));
  for (size_t axis : axes) {
    if (x[axis] != 1) {
      return ShapeError("axis " + std::to_string(axis) + " of " + x.ToString() +
                        " is not 1 and cannot be squeezed");
    }
  }
  std::vector<int64_t> dims;
  for (size_t axis = 0; axis < x.rank(); ++axis) {
    const bool named =
        axes.empty() || std::find(axes.begin(), axes.end(), axis) != axes.end();
    if (!named || x[axis] != 1) dims.push_back(x[axis]);
  }
  return dims;
}

Expected<std::vector<int64_t>> UnsqueezeDims(const OpView& op) {
  const Shape& x = op.In(0).shape;
  ANEREF_ASSIGN(const std::vector<int64_t> list,
                ListOf(op, 1, op.attributes<fbs::Reshape>().axes()));
  const size_t rank = x.rank() + list.size();
  if (rank > kMaxRank) {
    return LimitError("rank " + std::to_string(rank) +
                      " is over the limit of " + std::to_string(kMaxRank));
  }
  ANEREF_ASSIGN(const std::vector<size_t> axes, NormalizeAxes(list, rank));
  std::vector<int64_t> dims(rank, 0);
  for (size_t axis : axes) dims[axis] = 1;
  size_t next = 0;
  for (int64_t& dim : dims) {
    if (dim == 0) dim = x[next++];
  }
  return dims;
}

Expected<std::vector<int64_t>> TargetDims(const OpView& op) {
  switch (op.attributes<fbs::Reshape>().kind()) {
    case fbs::ReshapeKind::reshape:
      return ReshapeDims(op);
    case fbs::ReshapeKind::flatten:
      return FlattenDims(op);
    case fbs::ReshapeKind::squeeze:
      return SqueezeDims(op);
    case fbs::ReshapeKind::unsqueeze:
      return UnsqueezeDims(op);
  }
  return Unsupported("unknown kind of reshape");
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 2));
  ANEREF_ASSIGN(const std::vector<int64_t> dims, TargetDims(op));
  ANEREF_ASSIGN(const Shape shape, MakeShape(dims));
  const Shape& x = op.In(0).shape;
  if (shape.NumElements() != x.NumElements()) {
    return ShapeError(x.ToString() + " has " + std::to_string(x.NumElements()) +
                      " elements, " + shape.ToString() + " has " +
                      std::to_string(shape.NumElements()));
  }
  return std::vector<TensorType>{{op.In(0).dtype, shape}};
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  const RepackArgs args = MakeRepackArgs(op.Out(0));
  if (args.elements == 0) return Status();
  TaskSpec task;
  task.kernel = &kRepackKernel;
  task.in = {InputOperand(0)};
  task.out = {OutputOperand(0)};
  task.num_units = RepackUnits(args);
  task.args = std::make_shared<const RepackArgs>(args);
  task.in_place = op.In(0) == op.Out(0);
  builder->Add(std::move(task));
  return Status();
}

// Element number n of the input is element number n of the output.
Status Reference(const OpView& /*op*/, const RefTensors& tensors) {
  const Shape& x_shape = tensors.in[0].shape;
  const Elements x(tensors.in[0]);
  const Elements out(tensors.out[0]);
  int64_t number = 0;
  ForEachIndex(tensors.out[0].shape, [&](const Index& to) {
    Index from{};
    int64_t rest = number++;
    for (size_t axis = x_shape.rank(); axis-- > 0; rest /= x_shape[axis])
      from[axis] = rest % x_shape[axis];
    out.Copy(to, x, from);
  });
  return Status();
}

}  // namespace

const OpDef reshape_op = {
    "reshape", "The same elements in the same order under another shape.",
    Infer, Lower, Reference};

}  // namespace aneref
