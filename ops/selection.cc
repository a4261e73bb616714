// Ops whose result's size depends on values: places of non-zero elements,
// slices that a condition picks, distinct slices. What decides the size is read
// from the known value, in the precision it has there, also when running: the
// result must have the size that was inferred. Non-maximum suppression is in
// selection_boxes.cc.
#include "ops/selection.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>
#include <vector>

#include "ops/integers.h"
#include "ops/movement.h"

namespace aneref {
namespace {

using Kind = fbs::SelectionKind;

// A known input as a view; the usual error when it is not known.
Expected<TensorView> KnownView(const OpView& op, size_t i) {
  if (!op.IsKnown(i)) return op.KnownInts(i).status();
  TensorView view = op.Known(i);
  if (view.data == nullptr) view = DenseView(op.In(i), nullptr);
  return view;
}

int64_t CountOf(const std::vector<int64_t>& values) {
  return static_cast<int64_t>(values.size());
}

// Row-major places of the elements of a known input that are not zero.
Expected<std::vector<int64_t>> NonZeroPlaces(const OpView& op, size_t i) {
  ANEREF_ASSIGN(const TensorView view, KnownView(op, i));
  const auto count = static_cast<size_t>(view.shape.NumElements());
  std::vector<uint8_t> set(count);
  if (count > 0)
    ConvertElements(view.dtype, view.data, DataType::kBool, set.data(), count);
  std::vector<int64_t> places;
  for (size_t place = 0; place < count; ++place) {
    if (set[place] != 0) places.push_back(static_cast<int64_t>(place));
  }
  return places;
}

// ---- non-zero ----

// A scalar counts as a vector of one element.
Shape VectorLike(const Shape& shape) {
  return shape.rank() == 0 ? Shape{1} : shape;
}

Expected<std::vector<TensorType>> InferNonZero(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  ANEREF_ASSIGN(const std::vector<int64_t> places, NonZeroPlaces(op, 0));
  const auto rank = static_cast<int64_t>(VectorLike(op.In(0).shape).rank());
  return OneOutput(DataType::kInt64, {rank, CountOf(places)});
}

// y[axis, n] = index along the axis of the n-th element that is not zero
Status RunNonZero(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const std::vector<int64_t> places, NonZeroPlaces(op, 0));
  const Shape shape = VectorLike(op.In(0).shape);
  std::vector<int64_t> y;
  for (size_t axis = 0; axis < shape.rank(); ++axis) {
    const int64_t inner = shape.NumElements(axis + 1, shape.rank());
    for (int64_t place : places) y.push_back(place / inner % shape[axis]);
  }
  StoreIntegers(y, tensors.out[0]);
  return Status();
}

// ---- slices along an axis ----

// x as [outer, extent, inner] around the axis; without one it is flat.
struct Axis {
  int64_t outer = 1, extent = 1, inner = 1;
  bool is_flat = true;
  size_t axis = 0;
};

Expected<Axis> AxisOf(const OpView& op) {
  const auto& attributes = op.attributes<fbs::Selection>();
  const Shape& x = op.In(0).shape;
  Axis axis;
  axis.is_flat = !attributes.has_axis();
  axis.extent = x.NumElements();
  if (axis.is_flat) return axis;
  ANEREF_ASSIGN(axis.axis, NormalizeAxis(attributes.axis(), x.rank()));
  axis.outer = x.NumElements(0, axis.axis);
  axis.extent = x[axis.axis];
  axis.inner = x.NumElements(axis.axis + 1, x.rank());
  return axis;
}

TensorType SlicesType(const OpView& op, const Axis& axis, int64_t count) {
  Shape shape = op.In(0).shape;
  if (axis.is_flat) {
    shape = Shape{count};
  } else {
    shape[axis.axis] = count;
  }
  return {op.In(0).dtype, shape};
}

std::byte* ElementAt(const TensorView& view, int64_t place) {
  return view.Row<std::byte>(place / view.width()) +
         static_cast<size_t>(place % view.width()) * ElementSize(view.dtype);
}

// y[o, n, i] = x[o, picked[n], i], converted when the types differ.
void CopySlices(const Axis& axis, const std::vector<int64_t>& picked,
                const TensorView& x, const TensorView& y) {
  int64_t to = 0;
  for (int64_t o = 0; o < axis.outer; ++o) {
    for (int64_t slice : picked) {
      for (int64_t i = 0; i < axis.inner; ++i) {
        const int64_t from = (o * axis.extent + slice) * axis.inner + i;
        ConvertElements(x.dtype, ElementAt(x, from), y.dtype,
                        ElementAt(y, to++), 1);
      }
    }
  }
}

// ---- compress ----

Expected<std::vector<int64_t>> Picked(const OpView& op, const Axis& axis) {
  ANEREF_ASSIGN(std::vector<int64_t> places, NonZeroPlaces(op, 1));
  if (!places.empty() && places.back() >= axis.extent)
    return ShapeError("the condition picks slice " +
                      std::to_string(places.back()) + " of " +
                      std::to_string(axis.extent));
  return places;
}

Expected<std::vector<TensorType>> InferCompress(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 2, 2));
  if (op.In(1).dtype != DataType::kBool || op.In(1).shape.rank() != 1)
    return ShapeError("the condition is " + op.In(1).ToString() +
                      ", a vector of bool is needed");
  ANEREF_ASSIGN(const Axis axis, AxisOf(op));
  ANEREF_ASSIGN(const std::vector<int64_t> picked, Picked(op, axis));
  return std::vector<TensorType>{SlicesType(op, axis, CountOf(picked))};
}

Status RunCompress(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Axis axis, AxisOf(op));
  ANEREF_ASSIGN(const std::vector<int64_t> picked, Picked(op, axis));
  CopySlices(axis, picked, tensors.in[0], tensors.out[0]);
  return Status();
}

// ---- unique ----

struct Groups {
  std::vector<int64_t> first;    // slice of each group's first occurrence
  std::vector<int64_t> inverse;  // group of each slice
  std::vector<int64_t> counts;
};

// Slices in ascending order, equal ones by position.
std::vector<int64_t> SortSlices(const Axis& axis,
                                const std::vector<std::vector<int64_t>>& keys) {
  std::vector<int64_t> order(static_cast<size_t>(axis.extent));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return keys[static_cast<size_t>(a)] < keys[static_cast<size_t>(b)];
  });
  return order;
}

// Groups of equal slices in ascending order, or by first occurrence.
Expected<Groups> GroupSlices(const OpView& op, const Axis& axis) {
  ANEREF_ASSIGN(const TensorView x, KnownView(op, 0));
  const std::vector<int64_t> flat = OrderKeys(x);
  std::vector<std::vector<int64_t>> keys(static_cast<size_t>(axis.extent));
  for (int64_t place = 0; place < CountOf(flat); ++place) {
    keys[static_cast<size_t>(place / axis.inner % axis.extent)].push_back(
        flat[static_cast<size_t>(place)]);
  }
  std::vector<std::vector<int64_t>> groups;
  for (int64_t slice : SortSlices(axis, keys)) {
    const auto& key = keys[static_cast<size_t>(slice)];
    if (groups.empty() || keys[static_cast<size_t>(groups.back()[0])] != key)
      groups.emplace_back();
    groups.back().push_back(slice);
  }
  if (!op.attributes<fbs::Selection>().sorted())
    std::sort(groups.begin(), groups.end());
  Groups result;
  result.inverse.resize(static_cast<size_t>(axis.extent));
  for (const std::vector<int64_t>& group : groups) {
    for (int64_t slice : group)
      result.inverse[static_cast<size_t>(slice)] = CountOf(result.first);
    result.first.push_back(group[0]);
    result.counts.push_back(CountOf(group));
  }
  return result;
}

Expected<std::vector<TensorType>> InferUnique(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 1, 1));
  ANEREF_ASSIGN(const Axis axis, AxisOf(op));
  ANEREF_ASSIGN(const Groups groups, GroupSlices(op, axis));
  const int64_t count = CountOf(groups.first);
  const TensorType per_group{DataType::kInt64, Shape{count}};
  return std::vector<TensorType>{SlicesType(op, axis, count),
                                 per_group,
                                 {DataType::kInt64, Shape{axis.extent}},
                                 per_group};
}

Status RunUnique(const OpView& op, const RefTensors& tensors) {
  ANEREF_ASSIGN(const Axis axis, AxisOf(op));
  ANEREF_ASSIGN(const Groups groups, GroupSlices(op, axis));
  if (tensors.out[0].data != nullptr)
    CopySlices(axis, groups.first, tensors.in[0], tensors.out[0]);
  const std::vector<int64_t>* const lists[] = {&groups.first, &groups.inverse,
                                               &groups.counts};
  for (size_t i = 0; i < 3; ++i) {
    if (i + 1 < tensors.out.size() && tensors.out[i + 1].data != nullptr)
      StoreIntegers(*lists[i], tensors.out[i + 1]);
  }
  return Status();
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  switch (op.attributes<fbs::Selection>().kind()) {
    case Kind::non_zero:
      return InferNonZero(op);
    case Kind::compress:
      return InferCompress(op);
    case Kind::unique:
      return InferUnique(op);
    case Kind::non_max_suppression: {
      ANEREF_ASSIGN(const std::vector<int64_t> rows, SelectBoxes(op));
      return OneOutput(DataType::kInt64, {CountOf(rows) / 3, 3});
    }
  }
  return Unsupported("unknown kind of selection");
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  switch (op.attributes<fbs::Selection>().kind()) {
    case Kind::non_zero:
      return RunNonZero(op, tensors);
    case Kind::compress:
      return RunCompress(op, tensors);
    case Kind::unique:
      return RunUnique(op, tensors);
    case Kind::non_max_suppression: {
      ANEREF_ASSIGN(const std::vector<int64_t> rows, SelectBoxes(op));
      StoreIntegers(rows, tensors.out[0]);
      return Status();
    }
  }
  return Unsupported("unknown kind of selection");
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef selection_op = {
    "selection",
    "Non-zero places, picked slices, distinct values, boxes that survive.",
    Infer, Lower, Reference};

}  // namespace aneref
