// Tile repeats every axis; expand broadcasts against a shape, both ways. Bits
// stay (P15).
#include "ops/movement.h"
#include "ops/op.h"

namespace aneref {
namespace {

Expected<std::vector<int64_t>> TileDims(const Shape& x,
                                        const std::vector<int64_t>& repeats) {
  if (repeats.size() != x.rank()) {
    return ShapeError(std::to_string(repeats.size()) + " repeats for " +
                      x.ToString());
  }
  std::vector<int64_t> dims;
  for (size_t axis = 0; axis < x.rank(); ++axis) {
    const int64_t repeat = repeats[axis];
    if (repeat < 0)
      return ShapeError("repeat " + std::to_string(repeat) + " is negative");
    if (x[axis] > 0 && repeat > kMaxElements / x[axis])
      return LimitError("more than 2^40 elements");
    dims.push_back(repeat * x[axis]);
  }
  return dims;
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 2));
  const auto& attributes = op.attributes<fbs::Tile>();
  const Shape& x = op.In(0).shape;
  ANEREF_ASSIGN(const std::vector<int64_t> list,
                ListOf(op, 1, attributes.repeats()));
  switch (attributes.kind()) {
    case fbs::TileKind::tile: {
      ANEREF_ASSIGN(const std::vector<int64_t> dims, TileDims(x, list));
      return OneOutput(op.In(0).dtype, dims);
    }
    case fbs::TileKind::expand: {
      ANEREF_ASSIGN(const Shape target, MakeShape(list));
      ANEREF_ASSIGN(const Shape shape, BroadcastShapes(x, target));
      return std::vector<TensorType>{{op.In(0).dtype, shape}};
    }
  }
  return Unsupported("unknown kind of tile");
}

// Both kinds read element i mod n along an axis of extent n: an expanded axis
// has extent 1. Each axis becomes one of repetitions and one of elements.
Status Lower(const OpView& op, TaskBuilder* builder) {
  const Shape& x = op.In(0).shape;
  const Shape& shape = op.Out(0).shape;
  if (shape.NumElements() == 0) return Status();
  const auto src = SurfaceStrides(op.In(0));
  const auto dst = SurfaceStrides(op.Out(0));
  const size_t added = shape.rank() - x.rank();
  CopyBox box;
  for (size_t axis = 0; axis < shape.rank(); ++axis) {
    const int64_t extent = axis < added ? 1 : x[axis - added];
    box.AddAxis(shape[axis] / extent, 0, extent * dst[axis]);
    box.AddAxis(extent, axis < added ? 0 : src[axis - added], dst[axis]);
  }
  CopyArgs args;
  args.element_size = ElementSize(op.Out(0).dtype);
  args.Add(box);
  AddCopyTask(std::move(args), {InputOperand(0)}, {OutputOperand(0)}, builder);
  return Status();
}

Status Reference(const OpView& /*op*/, const RefTensors& tensors) {
  const Shape& shape = tensors.in[0].shape;
  const size_t added = tensors.out[0].shape.rank() - shape.rank();
  const Elements x(tensors.in[0]);
  const Elements out(tensors.out[0]);
  ForEachIndex(tensors.out[0].shape, [&](const Index& to) {
    Index from{};
    for (size_t axis = 0; axis < shape.rank(); ++axis)
      from[axis] = to[axis + added] % shape[axis];
    out.Copy(to, x, from);
  });
  return Status();
}

}  // namespace

const OpDef tile_op = {
    "tile", "The tensor repeated along its axes, or broadcast to a shape.",
    Infer, Lower, Reference};

}  // namespace aneref
