// Gather: slices or elements of x that integer indices name, negative ones
// from the back. An index out of range is an error of the run. Bits stay (P15).
#include <algorithm>

#include "ops/kernels/move_gather.h"
#include "ops/movement.h"
#include "ops/op.h"

namespace aneref {
namespace {

// With so few known indices a gather is that many slices.
constexpr int64_t kMaxKnownIndices = 8;

void AppendDims(const Shape& shape, size_t begin, size_t end,
                std::vector<int64_t>* dims) {
  for (size_t axis = begin; axis < end; ++axis) dims->push_back(shape[axis]);
}

Expected<size_t> AxisOf(const OpView& op) {
  return NormalizeAxis(op.attributes<fbs::Gather>().axis(),
                       op.In(0).shape.rank());
}

Expected<std::vector<int64_t>> GatherDims(const OpView& op) {
  const Shape& x = op.In(0).shape;
  const Shape& indices = op.In(1).shape;
  ANEREF_ASSIGN(const size_t axis, AxisOf(op));
  std::vector<int64_t> dims;
  AppendDims(x, 0, axis, &dims);
  AppendDims(indices, 0, indices.rank(), &dims);
  AppendDims(x, axis + 1, x.rank(), &dims);
  return dims;
}

Expected<std::vector<int64_t>> ElementsDims(const OpView& op) {
  const Shape& x = op.In(0).shape;
  const Shape& indices = op.In(1).shape;
  ANEREF_ASSIGN(const size_t axis, AxisOf(op));
  bool fits = x.rank() == indices.rank();
  for (size_t a = 0; fits && a < x.rank(); ++a)
    fits = a == axis || indices[a] <= x[a];
  if (!fits) {
    return ShapeError("indices " + indices.ToString() + " do not fit " +
                      x.ToString() + " along axis " + std::to_string(axis));
  }
  return indices.ToVector();
}

// gather_nd: x is [batch..., indexed..., slice...].
struct TupleSplit {
  size_t batch = 0;
  size_t depth = 0;
};

Expected<TupleSplit> SplitTuples(const OpView& op) {
  const Shape& x = op.In(0).shape;
  const Shape& indices = op.In(1).shape;
  const int64_t batch = op.attributes<fbs::Gather>().batch_dims();
  const size_t least = std::min(x.rank(), indices.rank());
  if (batch < 0 || batch >= static_cast<int64_t>(least)) {
    return ShapeError("batch_dims " + std::to_string(batch) +
                      " is outside [0, " + std::to_string(least) + ")");
  }
  TupleSplit split;
  split.batch = static_cast<size_t>(batch);
  const int64_t depth = indices.back();
  if (depth < 1 || depth > static_cast<int64_t>(x.rank() - split.batch)) {
    return ShapeError("index tuples of length " + std::to_string(depth) +
                      " do not fit " + x.ToString() + " with batch_dims " +
                      std::to_string(batch));
  }
  split.depth = static_cast<size_t>(depth);
  for (size_t axis = 0; axis < split.batch; ++axis) {
    if (x[axis] != indices[axis]) {
      return ShapeError("batch axes of " + x.ToString() + " and indices " +
                        indices.ToString() + " differ");
    }
  }
  return split;
}

Expected<std::vector<int64_t>> TupleDims(const OpView& op) {
  const Shape& x = op.In(0).shape;
  const Shape& indices = op.In(1).shape;
  ANEREF_ASSIGN(const TupleSplit split, SplitTuples(op));
  std::vector<int64_t> dims;
  AppendDims(indices, 0, indices.rank() - 1, &dims);
  AppendDims(x, split.batch + split.depth, x.rank(), &dims);
  return dims;
}

Expected<std::vector<int64_t>> Dims(const OpView& op) {
  switch (op.attributes<fbs::Gather>().kind()) {
    case fbs::GatherKind::gather:
      return GatherDims(op);
    case fbs::GatherKind::elements:
      return ElementsDims(op);
    case fbs::GatherKind::nd:
      return TupleDims(op);
  }
  return Unsupported("unknown kind of gather");
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 2, 2));
  if (!IsInteger(op.In(1).dtype))
    return ShapeError("indices are " + op.In(1).ToString() +
                      ", integers are needed");
  ANEREF_ASSIGN(const std::vector<int64_t> dims, Dims(op));
  return OneOutput(op.In(0).dtype, dims);
}

// ---- lowering ----

template <class Args>
void AddGatherTask(const Kernel& kernel, const OpView& op, Args args,
                   TaskBuilder* builder) {
  CutGatherUnits(op.Out(0), &args);
  if (args.units == 0) return;
  TaskSpec task;
  task.kernel = &kernel;
  task.in = {InputOperand(0), InputOperand(1)};
  task.out = {OutputOperand(0)};
  task.num_units = args.units;
  task.args = std::make_shared<const Args>(args);
  builder->Add(std::move(task));
}

// One box per known index.
Status LowerKnown(const OpView& op, size_t axis, TaskBuilder* builder) {
  const Shape& x = op.In(0).shape;
  const Shape& indices = op.In(1).shape;
  const auto src = SurfaceStrides(op.In(0));
  const auto dst = SurfaceStrides(op.Out(0));
  CopyArgs args;
  args.element_size = ElementSize(op.Out(0).dtype);
  for (int64_t n = 0; n < indices.NumElements(); ++n) {
    ANEREF_ASSIGN(const int64_t index, ReadIndex(op.Known(1), n, x[axis]));
    CopyBox box;
    box.src_offset = index * src[axis];
    int64_t rest = n;
    for (size_t i = indices.rank(); i-- > 0; rest /= indices[i])
      box.dst_offset += rest % indices[i] * dst[axis + i];
    for (size_t a = 0; a < x.rank(); ++a) {
      if (a == axis) continue;
      box.AddAxis(x[a], src[a], dst[a < axis ? a : a - 1 + indices.rank()]);
    }
    args.Add(box);
  }
  AddCopyTask(std::move(args), {InputOperand(0)}, {OutputOperand(0)}, builder);
  return Status();
}

Status LowerGather(const OpView& op, TaskBuilder* builder) {
  const Shape& x = op.In(0).shape;
  ANEREF_ASSIGN(const size_t axis, AxisOf(op));
  if (op.IsKnown(1) && op.In(1).shape.NumElements() <= kMaxKnownIndices)
    return LowerKnown(op, axis, builder);
  GatherSlicesArgs args;
  args.tuples_per_batch = op.In(1).shape.NumElements();
  args.shared_tuples = true;
  args.extents[0] = x[axis];
  if (axis + 1 < x.rank())
    args.slice_rows = x.NumElements(axis + 1, x.rank() - 1);
  AddGatherTask(kGatherSlicesKernel, op, args, builder);
  return Status();
}

Status LowerTuples(const OpView& op, TaskBuilder* builder) {
  const Shape& x = op.In(0).shape;
  const Shape& indices = op.In(1).shape;
  ANEREF_ASSIGN(const TupleSplit split, SplitTuples(op));
  GatherSlicesArgs args;
  args.tuples_per_batch = indices.NumElements(split.batch, indices.rank() - 1);
  args.depth = split.depth;
  for (size_t i = 0; i < split.depth; ++i) args.extents[i] = x[split.batch + i];
  const size_t slice_axis = split.batch + split.depth;
  if (slice_axis < x.rank())
    args.slice_rows = x.NumElements(slice_axis, x.rank() - 1);
  AddGatherTask(kGatherSlicesKernel, op, args, builder);
  return Status();
}

Status LowerElements(const OpView& op, TaskBuilder* builder) {
  GatherElementsArgs args;
  ANEREF_ASSIGN(args.axis, AxisOf(op));
  AddGatherTask(kGatherElementsKernel, op, args, builder);
  return Status();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  if (op.Out(0).shape.NumElements() == 0) return Status();
  switch (op.attributes<fbs::Gather>().kind()) {
    case fbs::GatherKind::gather:
      return LowerGather(op, builder);
    case fbs::GatherKind::elements:
      return LowerElements(op, builder);
    case fbs::GatherKind::nd:
      return LowerTuples(op, builder);
  }
  return Unsupported("unknown kind of gather");
}

// ---- reference ----

// Row-major position of `index` in `shape`.
int64_t PositionOf(const Shape& shape, const Index& index) {
  int64_t position = 0;
  for (size_t axis = 0; axis < shape.rank(); ++axis)
    position = position * shape[axis] + index[axis];
  return position;
}

// out[o..., i..., s...] = x[o..., indices[i...], s...]
Status FindGather(const OpView& op, const RefTensors& tensors, const Index& to,
                  Index* from) {
  const Shape& x = tensors.in[0].shape;
  const Shape& indices = tensors.in[1].shape;
  ANEREF_ASSIGN(const size_t axis, AxisOf(op));
  Index place{};
  for (size_t i = 0; i < indices.rank(); ++i) place[i] = to[axis + i];
  for (size_t a = 0; a < x.rank(); ++a)
    (*from)[a] = a < axis ? to[a] : a > axis ? to[a - 1 + indices.rank()] : 0;
  ANEREF_ASSIGN((*from)[axis],
                ReadIndex(tensors.in[1], PositionOf(indices, place), x[axis]));
  return Status();
}

// out[..., i, ...] = x[..., indices[..., i, ...], ...]
Status FindElement(const OpView& op, const RefTensors& tensors, const Index& to,
                   Index* from) {
  ANEREF_ASSIGN(const size_t axis, AxisOf(op));
  *from = to;
  ANEREF_ASSIGN((*from)[axis],
                ReadIndex(tensors.in[1], PositionOf(tensors.in[1].shape, to),
                          tensors.in[0].shape[axis]));
  return Status();
}

// out[b..., i..., s...] = x[b..., indices[b..., i..., :]..., s...]
Status FindTuple(const OpView& op, const RefTensors& tensors, const Index& to,
                 Index* from) {
  const Shape& x = tensors.in[0].shape;
  const Shape& indices = tensors.in[1].shape;
  ANEREF_ASSIGN(const TupleSplit split, SplitTuples(op));
  Index place{};
  const size_t tuple_axis = indices.rank() - 1;
  for (size_t axis = 0; axis < tuple_axis; ++axis) place[axis] = to[axis];
  for (size_t axis = 0; axis < split.batch; ++axis) (*from)[axis] = to[axis];
  for (size_t i = 0; i < split.depth; ++i) {
    place[tuple_axis] = static_cast<int64_t>(i);
    ANEREF_ASSIGN((*from)[split.batch + i],
                  ReadIndex(tensors.in[1], PositionOf(indices, place),
                            x[split.batch + i]));
  }
  for (size_t axis = split.batch + split.depth; axis < x.rank(); ++axis)
    (*from)[axis] = to[tuple_axis + axis - split.batch - split.depth];
  return Status();
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  const fbs::GatherKind kind = op.attributes<fbs::Gather>().kind();
  const auto find = kind == fbs::GatherKind::gather     ? FindGather
                    : kind == fbs::GatherKind::elements ? FindElement
                                                        : FindTuple;
  const Elements x(tensors.in[0]);
  const Elements out(tensors.out[0]);
  Status status;
  ForEachIndex(tensors.out[0].shape, [&](const Index& to) {
    if (!status.ok()) return;
    Index from{};
    status = find(op, tensors, to, &from);
    if (status.ok()) out.Copy(to, x, from);
  });
  return status;
}

}  // namespace

const OpDef gather_op = {"gather",
                         "Slices or elements that integer indices name.", Infer,
                         Lower, Reference};

}  // namespace aneref
