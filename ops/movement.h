// Helpers of the movement families: attribute-like inputs, lists of axes, one
// copy task, and the index arithmetic that references are written in. Not for
// kernels, which see strides only.
#ifndef ANEREF_OPS_MOVEMENT_H_
#define ANEREF_OPS_MOVEMENT_H_

#include <array>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ops/kernels/move.h"
#include "ops/op.h"

namespace aneref {

// More entries than any list of a tensor's axes can have, far fewer than hurt.
inline constexpr size_t kMaxListLength = size_t{1} << 20;

// Input `i` as a list of integers (rank 0 or 1, known), else the attribute.
template <class T>
Expected<std::vector<int64_t>> ListOf(const OpView& op, size_t i,
                                      const flatbuffers::Vector<T>* attribute) {
  if (!op.HasInput(i)) return ToInts(attribute);
  if (!IsInteger(op.In(i).dtype) || op.In(i).shape.rank() > 1) {
    return ShapeError("input " + std::to_string(i) +
                      " must be a vector of integers, not " +
                      op.In(i).ToString());
  }
  return op.KnownInts(i, kMaxListLength);
}

// Every axis counted from the front; kShape for one outside the rank or given
// twice.
inline Expected<std::vector<size_t>> NormalizeAxes(
    const std::vector<int64_t>& axes, size_t rank) {
  std::vector<size_t> result;
  std::array<bool, kMaxRank> seen{};
  for (int64_t axis : axes) {
    ANEREF_ASSIGN(const size_t normalized, NormalizeAxis(axis, rank));
    if (seen[normalized])
      return ShapeError("axis " + std::to_string(axis) + " is given twice");
    seen[normalized] = true;
    result.push_back(normalized);
  }
  return result;
}

inline Expected<std::vector<TensorType>> OneOutput(
    DataType dtype, const std::vector<int64_t>& dims) {
  ANEREF_ASSIGN(const Shape shape, MakeShape(dims));
  return std::vector<TensorType>{{dtype, shape}};
}

// Adds the task for `args`; nothing when no element moves.
inline void AddCopyTask(CopyArgs args, std::vector<Operand> in,
                        std::vector<Operand> out, TaskBuilder* builder) {
  if (args.num_units == 0) return;
  TaskSpec task;
  task.kernel = &kStridedCopyKernel;
  task.in = std::move(in);
  task.out = std::move(out);
  task.num_units = args.num_units;
  task.args = std::make_shared<const CopyArgs>(std::move(args));
  builder->Add(std::move(task));
}

// ---- for references ----

// One index per axis; those beyond the rank are 0.
using Index = std::array<int64_t, kMaxRank>;

// Calls fn(const Index&) for each element of `shape`, row major.
template <class Fn>
void ForEachIndex(const Shape& shape, const Fn& fn) {
  const int64_t count = shape.NumElements();
  Index index{};
  for (int64_t i = 0; i < count; ++i) {
    fn(std::as_const(index));
    for (size_t axis = shape.rank(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
}

// The elements of a view by index, bits as they are.
class Elements {
 public:
  explicit Elements(const TensorView& view)
      : data_(view.data), size_(ElementSize(view.dtype)) {
    for (size_t axis = 0; axis < view.shape.rank(); ++axis)
      strides_[axis] = static_cast<int64_t>(view.Stride(axis));
  }
  std::byte* At(const Index& index) const {
    int64_t offset = 0;
    for (size_t axis = 0; axis < kMaxRank; ++axis)
      offset += index[axis] * strides_[axis];
    return data_ + offset;
  }
  // at(`to`) = from.at(`source`)
  void Copy(const Index& to, const Elements& from, const Index& source) const {
    Set(to, from.At(source));
  }
  void Set(const Index& to, const std::byte* element) const {
    std::memcpy(At(to), element, size_);
  }

 private:
  std::byte* data_;
  size_t size_;
  Index strides_{};
};

}  // namespace aneref

#endif  // ANEREF_OPS_MOVEMENT_H_
