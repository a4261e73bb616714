// Split: consecutive parts along one axis, of given sizes or of equal ones.
// Bits stay (P15).
#include <algorithm>

#include "ops/movement.h"
#include "ops/op.h"

namespace aneref {
namespace {

struct Parts {
  size_t axis = 0;
  std::vector<int64_t> sizes;  // one per output
};

Expected<Parts> PartsOf(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Split>();
  const Shape& x = op.In(0).shape;
  Parts parts;
  ANEREF_ASSIGN(parts.axis, NormalizeAxis(attributes.axis(), x.rank()));
  const int64_t extent = x[parts.axis];
  const size_t count = op.num_outputs();
  if (count == 0) return ShapeError("has no outputs");
  if (!op.HasInput(1) && attributes.sizes() == nullptr) {
    const auto n = static_cast<int64_t>(count);
    const int64_t part = (extent + n - 1) / n;
    int64_t left = extent;
    for (size_t i = 0; i < count; ++i) {
      parts.sizes.push_back(std::min(part, left));
      left -= parts.sizes.back();
    }
    return parts;
  }
  ANEREF_ASSIGN(parts.sizes, ListOf(op, 1, attributes.sizes()));
  if (parts.sizes.size() != count) {
    return ShapeError(std::to_string(parts.sizes.size()) + " sizes for " +
                      std::to_string(count) + " outputs");
  }
  int64_t left = extent;
  for (int64_t size : parts.sizes) {
    if (size < 0 || size > left) {
      return ShapeError("sizes do not divide extent " + std::to_string(extent) +
                        " of axis " + std::to_string(parts.axis));
    }
    left -= size;
  }
  if (left != 0) {
    return ShapeError("sizes add up to " + std::to_string(extent - left) +
                      ", axis " + std::to_string(parts.axis) + " has extent " +
                      std::to_string(extent));
  }
  return parts;
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 2));
  ANEREF_ASSIGN(const Parts parts, PartsOf(op));
  std::vector<TensorType> types;
  for (int64_t size : parts.sizes) {
    TensorType type = op.In(0);
    type.shape[parts.axis] = size;
    types.push_back(type);
  }
  return types;
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  ANEREF_ASSIGN(const Parts parts, PartsOf(op));
  const auto src = SurfaceStrides(op.In(0));
  CopyArgs args;
  args.element_size = ElementSize(op.In(0).dtype);
  std::vector<Operand> out;
  int64_t begin = 0;
  for (size_t i = 0; i < parts.sizes.size(); ++i) {
    out.push_back(op.HasOutput(i) ? OutputOperand(i) : Operand{});
    if (op.HasOutput(i)) {
      const auto dst = SurfaceStrides(op.Out(i));
      CopyBox box;
      box.out = i;
      box.src_offset = begin * src[parts.axis];
      for (size_t a = 0; a < op.In(0).shape.rank(); ++a)
        box.AddAxis(op.Out(i).shape[a], src[a], dst[a]);
      args.Add(box);
    }
    begin += parts.sizes[i];
  }
  AddCopyTask(std::move(args), {InputOperand(0)}, std::move(out), builder);
  return Status();
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Parts parts, PartsOf(op));
  const Elements x(tensors.in[0]);
  int64_t begin = 0;
  for (size_t i = 0; i < parts.sizes.size(); ++i) {
    if (op.HasOutput(i)) {
      const Elements out(tensors.out[i]);
      ForEachIndex(tensors.out[i].shape, [&](const Index& to) {
        Index from = to;
        from[parts.axis] += begin;
        out.Copy(to, x, from);
      });
    }
    begin += parts.sizes[i];
  }
  return Status();
}

}  // namespace

const OpDef split_op = {"split", "Consecutive parts of a tensor along an axis.",
                        Infer, Lower, Reference};

}  // namespace aneref
