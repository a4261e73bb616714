// Scatter: a copy of x in which updates replace, or are combined with, the
// elements that indices name, negative ones from the back. Updates apply in
// row-major order, each with its own rounding in fp32. An index out of range is
// an error of the run. Rules P2, P8, P13, P15.
#include <algorithm>
#include <string>
#include <vector>

#include "ops/integers.h"
#include "ops/kernels/move_gather.h"
#include "ops/movement.h"
#include "ops/op.h"

namespace aneref {
namespace {

using Kind = fbs::ScatterKind;
using Reduction = fbs::ScatterReduction;

// kind nd: indices are [..., depth], updates [..., the axes of x from depth].
Status CheckTuples(const Shape& x, const Shape& indices, const Shape& updates) {
  if (indices.rank() == 0) return ShapeError("indices are a scalar");
  const int64_t depth = indices.back();
  if (depth < 1 || depth > static_cast<int64_t>(x.rank()))
    return ShapeError("index tuples of length " + std::to_string(depth) +
                      " do not fit " + x.ToString());
  std::vector<int64_t> dims(indices.begin(), indices.end() - 1);
  dims.insert(dims.end(), x.begin() + depth, x.end());
  if (updates.ToVector() == dims) return Status();
  return ShapeError("updates " + updates.ToString() + " do not fit indices " +
                    indices.ToString() + " into " + x.ToString());
}

Status CheckElements(const Shape& x, const Shape& indices, const Shape& updates,
                     int64_t axis_attribute) {
  ANEREF_ASSIGN(const size_t axis, NormalizeAxis(axis_attribute, x.rank()));
  bool fits = indices == updates && indices.rank() == x.rank();
  for (size_t a = 0; fits && a < x.rank(); ++a)
    fits = a == axis || indices[a] <= x[a];
  if (fits) return Status();
  return ShapeError("indices " + indices.ToString() + " and updates " +
                    updates.ToString() + " do not fit " + x.ToString() +
                    " along axis " + std::to_string(axis));
}

Expected<std::vector<TensorType>> Infer(const OpView& op) {
  ANEREF_TRY(CheckInputs(op, 3, 3));
  const auto& attributes = op.attributes<fbs::Scatter>();
  if (attributes.kind() > Kind::MAX || attributes.reduction() > Reduction::MAX)
    return Unsupported("unknown kind of scatter");
  if (!IsInteger(op.In(1).dtype))
    return ShapeError("indices are " + op.In(1).ToString() +
                      ", integers are needed");
  if (op.In(2).dtype != op.In(0).dtype)
    return ShapeError("updates are " + op.In(2).ToString() + ", x is " +
                      op.In(0).ToString());
  if (attributes.reduction() != Reduction::none &&
      op.In(0).dtype == DataType::kBool)
    return ShapeError("bool has no reductions");
  const Shape &x = op.In(0).shape, &indices = op.In(1).shape,
              &updates = op.In(2).shape;
  if (attributes.kind() == Kind::nd) {
    ANEREF_TRY(CheckTuples(x, indices, updates));
  } else {
    ANEREF_TRY(CheckElements(x, indices, updates, attributes.axis()));
  }
  return std::vector<TensorType>{op.In(0)};
}

// ---- reference ----

// Calls fn(place in x, place in updates), both row major, for each element of
// the updates in order.
template <class Fn>
Status ForEachElement(const RefTensors& tensors, size_t axis, const Fn& fn) {
  const Shape &x = tensors.in[0].shape, &updates = tensors.in[2].shape;
  Status status;
  int64_t place = 0;
  ForEachIndex(updates, [&](const Index& index) {
    if (!status.ok()) return;
    const Expected<int64_t> found = ReadIndex(tensors.in[1], place, x[axis]);
    if (!found.ok()) {
      status = found.status();
      return;
    }
    int64_t target = 0;
    for (size_t a = 0; a < x.rank(); ++a)
      target = target * x[a] + (a == axis ? *found : index[a]);
    fn(static_cast<size_t>(target), static_cast<size_t>(place++));
  });
  return status;
}

template <class Fn>
Status ForEachTuple(const RefTensors& tensors, const Fn& fn) {
  const Shape &x = tensors.in[0].shape, &indices = tensors.in[1].shape;
  const int64_t depth = indices.back();
  const int64_t slice = x.NumElements(static_cast<size_t>(depth), x.rank());
  const int64_t tuples = indices.NumElements(0, indices.rank() - 1);
  for (int64_t tuple = 0; tuple < tuples && slice > 0; ++tuple) {
    int64_t target = 0;
    for (int64_t d = 0; d < depth; ++d) {
      const int64_t extent = x[static_cast<size_t>(d)];
      ANEREF_ASSIGN(const int64_t index,
                    ReadIndex(tensors.in[1], tuple * depth + d, extent));
      target = target * extent + index;
    }
    for (int64_t i = 0; i < slice; ++i)
      fn(static_cast<size_t>(target * slice + i),
         static_cast<size_t>(tuple * slice + i));
  }
  return Status();
}

template <class Fn>
Status ForEachUpdate(const OpView& op, const RefTensors& tensors,
                     const Fn& fn) {
  const auto& attributes = op.attributes<fbs::Scatter>();
  if (attributes.kind() == Kind::nd) return ForEachTuple(tensors, fn);
  ANEREF_ASSIGN(const size_t axis,
                NormalizeAxis(attributes.axis(), tensors.in[0].shape.rank()));
  return ForEachElement(tensors, axis, fn);
}

float Combine(Reduction reduction, float a, float b) {
  switch (reduction) {
    case Reduction::none:
      return b;
    case Reduction::add:
      return a + b;
    case Reduction::mul:
      return a * b;
    case Reduction::max:  // P8
      return b > a || b != b ? b : a;
    case Reduction::min:
      return b < a || b != b ? b : a;
  }
  return b;
}

int64_t Combine(Reduction reduction, bool is_unsigned, int64_t a, int64_t b) {
  const auto x = static_cast<uint64_t>(a), y = static_cast<uint64_t>(b);
  const bool less = is_unsigned ? x < y : a < b;
  switch (reduction) {
    case Reduction::none:
      return b;
    case Reduction::add:
      return static_cast<int64_t>(x + y);
    case Reduction::mul:
      return static_cast<int64_t>(x * y);
    case Reduction::max:
      return less ? b : a;
    case Reduction::min:
      return less ? a : b;
  }
  return b;
}

std::byte* ElementAt(const TensorView& view, size_t place) {
  const auto width = static_cast<size_t>(view.width());
  return view.Row<std::byte>(static_cast<int64_t>(place / width)) +
         place % width * ElementSize(view.dtype);
}

// Tuples that name single elements: they and their updates walk along rows.
Status ReplaceElements(const RefTensors& tensors) {
  const TensorView &y = tensors.out[0], &indices = tensors.in[1],
                   &updates = tensors.in[2];
  const size_t last = y.shape.rank() - 1, size = ElementSize(y.dtype);
  const int64_t tuples = indices.num_rows(), width = updates.width();
  int64_t tuple = 0;
  for (int64_t row = 0; tuple < tuples; ++row) {
    const auto* from = updates.Row<std::byte>(row);
    for (int64_t i = 0; i < width; ++i, ++tuple, from += size) {
      int64_t target = 0;
      for (size_t a = 0; a < last; ++a) {
        ANEREF_ASSIGN(
            const int64_t index,
            ReadIndex(indices, tuple, static_cast<int64_t>(a), y.shape[a]));
        target = target * y.shape[a] + index;
      }
      ANEREF_ASSIGN(
          const int64_t column,
          ReadIndex(indices, tuple, static_cast<int64_t>(last), y.shape[last]));
      std::memcpy(y.Row<std::byte>(target) + static_cast<size_t>(column) * size,
                  from, size);
    }
  }
  return Status();
}

// Tuples that name slices of whole rows.
Status ReplaceRows(const RefTensors& tensors) {
  const TensorView &y = tensors.out[0], &indices = tensors.in[1],
                   &updates = tensors.in[2];
  const auto depth = static_cast<size_t>(indices.shape.back());
  const int64_t rows = y.shape.NumElements(depth, y.shape.rank() - 1);
  const size_t bytes = static_cast<size_t>(y.width()) * ElementSize(y.dtype);
  for (int64_t tuple = 0; tuple < indices.num_rows(); ++tuple) {
    int64_t target = 0;
    for (size_t a = 0; a < depth; ++a) {
      ANEREF_ASSIGN(
          const int64_t index,
          ReadIndex(indices, tuple, static_cast<int64_t>(a), y.shape[a]));
      target = target * y.shape[a] + index;
    }
    for (int64_t i = 0; i < rows; ++i) {
      std::memcpy(y.Row<std::byte>(target * rows + i),
                  updates.Row<std::byte>(tuple * rows + i), bytes);
    }
  }
  return Status();
}

// Bits as they are (P15).
Status Replace(const OpView& op, const RefTensors& tensors) {
  const TensorView &y = tensors.out[0], &updates = tensors.in[2];
  if (y.shape.NumElements() > 0) CopyTensor(tensors.in[0], y);
  if (updates.shape.NumElements() == 0) return Status();
  if (op.attributes<fbs::Scatter>().kind() == Kind::nd) {
    const auto depth = static_cast<size_t>(tensors.in[1].shape.back());
    return depth == y.shape.rank() ? ReplaceElements(tensors)
                                   : ReplaceRows(tensors);
  }
  const size_t size = ElementSize(y.dtype);
  return ForEachUpdate(op, tensors, [&](size_t to, size_t from) {
    std::memcpy(ElementAt(y, to), ElementAt(updates, from), size);
  });
}

Status Reference(const OpView& op, const RefTensors& tensors) {
  const Reduction reduction = op.attributes<fbs::Scatter>().reduction();
  if (reduction == Reduction::none) return Replace(op, tensors);
  if (IsFloating(tensors.in[0].dtype)) {
    std::vector<float> y = LoadFloats(tensors.in[0]);
    const std::vector<float> updates = LoadFloats(tensors.in[2]);
    ANEREF_TRY(ForEachUpdate(op, tensors, [&](size_t to, size_t from) {
      y[to] = Combine(reduction, y[to], updates[from]);
    }));
    StoreFloats(y, tensors.out[0]);
    return Status();
  }
  const bool is_unsigned = IsUnsignedInteger(tensors.in[0].dtype);
  std::vector<int64_t> y = LoadInts(tensors.in[0]);
  const std::vector<int64_t> updates = LoadInts(tensors.in[2]);
  ANEREF_TRY(ForEachUpdate(op, tensors, [&](size_t to, size_t from) {
    y[to] = Combine(reduction, is_unsigned, y[to], updates[from]);
  }));
  StoreIntegers(y, tensors.out[0]);
  return Status();
}

Status Lower(const OpView& op, TaskBuilder* builder) {
  return LowerToReference(op, Reference, builder);
}

}  // namespace

const OpDef scatter_op = {
    "scatter",
    "A copy of x with elements replaced by, or combined with, updates.", Infer,
    Lower, Reference};

}  // namespace aneref
