// Slice: per axis a start, an end and a step, clamped as Python does; a
// negative step walks backwards. Bits stay (P15).
#include <algorithm>

#include "ops/device_mac.h"
#include "ops/kernels/device_planar.h"
#include "ops/movement.h"
#include "ops/op.h"

namespace aneref {
namespace {

// The elements start, start + step, ... of an axis, `count` of them.
struct Range {
  int64_t start = 0;
  int64_t step = 1;
  int64_t count = 0;
};

// Adds the extent to negative values, then clamps. Extents are at most 2^40,
// so nothing here overflows, whatever the values are.
Range ClampRange(int64_t start, int64_t end, int64_t step, int64_t extent) {
  step = std::clamp(step, -2 * kMaxElements, 2 * kMaxElements);
  if (start < 0) start += extent;
  if (end < 0) end += extent;
  if (extent == 0) return {0, step, 0};
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, extent);
    end = std::clamp<int64_t>(end, 0, extent);
    return {start, step, std::max<int64_t>((end - start + step - 1) / step, 0)};
  }
  start = std::clamp<int64_t>(start, 0, extent - 1);
  end = std::clamp<int64_t>(end, -1, extent - 1);
  return {start, step, std::max<int64_t>((start - end - step - 1) / -step, 0)};
}

// The lists of the node; axes and steps filled in.
struct Lists {
  std::vector<int64_t> starts, ends, axes, steps;
};

Expected<Lists> ListsOf(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Slice>();
  Lists lists;
  ANEREF_ASSIGN(lists.starts, ListOf(op, 1, attributes.starts()));
  ANEREF_ASSIGN(lists.ends, ListOf(op, 2, attributes.ends()));
  ANEREF_ASSIGN(lists.axes, ListOf(op, 3, attributes.axes()));
  ANEREF_ASSIGN(lists.steps, ListOf(op, 4, attributes.steps()));
  const size_t count = lists.starts.size();
  if (!op.HasInput(3) && attributes.axes() == nullptr) {
    for (size_t i = 0; i < count; ++i)
      lists.axes.push_back(static_cast<int64_t>(i));
  }
  if (!op.HasInput(4) && attributes.steps() == nullptr)
    lists.steps.assign(count, 1);
  if (lists.ends.size() != count || lists.axes.size() != count ||
      lists.steps.size() != count) {
    return ShapeError("slice has " + std::to_string(count) + " starts, " +
                      std::to_string(lists.ends.size()) + " ends, " +
                      std::to_string(lists.axes.size()) + " axes and " +
                      std::to_string(lists.steps.size()) + " steps");
  }
  return lists;
}

// One range per axis of the input.
Expected<std::vector<Range>> RangesOf(const OpView& op) {
  const Shape& x = op.In(0).shape;
  ANEREF_ASSIGN(const Lists lists, ListsOf(op));
  ANEREF_ASSIGN(const std::vector<size_t> axes,
                NormalizeAxes(lists.axes, x.rank()));
  std::vector<Range> ranges;
  for (int64_t extent : x) ranges.push_back({0, 1, extent});
  for (size_t i = 0; i < axes.size(); ++i) {
    if (lists.steps[i] == 0)
      return ShapeError("the step of axis " + std::to_string(axes[i]) +
                        " is 0");
    ranges[axes[i]] =
        ClampRange(lists.starts[i], lists.ends[i], lists.steps[i], x[axes[i]]);
  }
  return ranges;
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 5));
  ANEREF_ASSIGN(const std::vector<Range> ranges, RangesOf(op));
  std::vector<int64_t> dims;
  for (const Range& range : ranges) dims.push_back(range.count);
  return OneOutput(op.In(0).dtype, dims);
}

Status LowerTo(const OpView& op, Operand out, TaskBuilder* builder) {
  if (op.Out(0).shape.NumElements() == 0) return Status();
  ANEREF_ASSIGN(const std::vector<Range> ranges, RangesOf(op));
  const auto src = SurfaceStrides(op.In(0));
  const auto dst = SurfaceStrides(op.Out(0));
  CopyBox box;
  for (size_t axis = 0; axis < ranges.size(); ++axis) {
    const Range& range = ranges[axis];
    box.src_offset += range.start * src[axis];
    // The step of a single element is never taken and may be huge.
    box.AddAxis(range.count, range.count == 1 ? 0 : range.step * src[axis],
                dst[axis]);
  }
  CopyArgs args;
  args.element_size = ElementSize(op.Out(0).dtype);
  args.Add(box);
  AddCopyTask(std::move(args), {InputOperand(0)}, {out}, builder);
  return Status();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerTo(op, OutputOperand(0), builder);
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const std::vector<Range> ranges, RangesOf(op));
  const Elements x(tensors.in[0]);
  const Elements out(tensors.out[0]);
  ForEachIndex(tensors.out[0].shape, [&](const Index& to) {
    Index from{};
    for (size_t axis = 0; axis < ranges.size(); ++axis)
      from[axis] = ranges[axis].start + to[axis] * ranges[axis].step;
    out.Copy(to, x, from);
  });
  return Status();
}

// ---- device numerics ----

// N28: a begin inside the last axis goes through the gain of 16.
bool HasWidthGain(const OpView& op) {
  if (!IsHalfOp(op) || !op.device()->profile().width_slice_x16) return false;
  const Expected<std::vector<Range>> ranges = RangesOf(op);
  return ranges.ok() && !ranges->empty() && ranges->back().start != 0 &&
         op.Out(0).shape.NumElements() > 0;
}

Status DeviceReference(const OpView& op, const RefTensors& tensors) {
  ANEREF_TRY(Reference(op, tensors));
  std::vector<uint16_t> bits = LoadHalves(tensors.out[0]);
  for (uint16_t& x : bits) x = WidthSlice(op.device()->profile(), x);
  StoreHalves(bits, tensors.out[0]);
  return Status();
}

Status DeviceLower(const OpView& op, TaskBuilder* builder) {
  const Operand slice = builder->AddTemporary(op.Out(0));
  ANEREF_TRY(LowerTo(op, slice, builder));
  const Profile& profile = op.device()->profile();
  AddDeviceLookup(
      op.device()->Table("width_slice",
                         [&](uint16_t x) { return WidthSlice(profile, x); }),
      op.Out(0), slice, builder);
  return Status();
}

}  // namespace

const DeviceOp slice_device = {HasWidthGain, DeviceLower, DeviceReference};

const OpDef slice_op = {
    "slice", "A range of every axis, by start, end and step, as in Python.",
    Infer, Lower, Reference};

}  // namespace aneref
