// See strided.h. Both directions walk the surface row by row; a row whose
// elements lie apart on the other side goes through a small buffer.
#include "runtime/exec/strided.h"

#include <algorithm>
#include <cstring>

#include "runtime/core/convert.h"

namespace aneref {
namespace {

constexpr size_t kBufferElements = 256;
constexpr size_t kLargestElement = 8;

// Steps through the rows (all axes but the last) of a strided tensor.
class RowWalker {
 public:
  explicit RowWalker(const StridedView& view) : view_(view), row_(view.data) {}
  std::byte* row() const { return row_; }
  void Next() {
    for (size_t axis = view_.shape.rank(); axis-- > 1;) {
      const size_t outer = axis - 1;
      row_ += view_.strides[outer];
      if (++index_[outer] < view_.shape[outer]) return;
      row_ -= view_.strides[outer] * view_.shape[outer];
      index_[outer] = 0;
    }
  }

 private:
  const StridedView& view_;
  std::byte* row_;
  std::array<int64_t, kMaxRank> index_{};
};

// Bytes from one element of a row to the next.
int64_t InnerStride(const StridedView& view) {
  const auto size = static_cast<int64_t>(ElementSize(view.dtype));
  return view.shape.rank() == 0 || view.shape.back() <= 1
             ? size
             : view.strides[view.shape.rank() - 1];
}

}  // namespace

StridedView ToStrided(const TensorView& view) {
  StridedView strided{view.data, view.dtype, view.shape, {}};
  for (size_t axis = 0; axis < view.shape.rank(); ++axis)
    strided.strides[axis] = static_cast<int64_t>(view.Stride(axis));
  return strided;
}

Status CheckFits(const StridedView& from, DataType to,
                 const std::string& name) {
  if (IsFloating(to) || from.dtype == to) return Status();
  if (IsFloating(from.dtype)) {
    return InvalidArgument("input '" + name + "' is " + DataTypeName(to) +
                           ", the given array is " + DataTypeName(from.dtype));
  }
  const int64_t stride = InnerStride(from);
  const int64_t count = from.shape.NumElements(), width = from.shape.back();
  RowWalker walker(from);
  for (int64_t i = 0; i < count; ++i) {
    if (i > 0 && i % width == 0) walker.Next();
    int64_t wide = 0, narrow = 0, back = 0;
    ConvertElements(from.dtype, walker.row() + i % width * stride,
                    DataType::kInt64, &wide, 1);
    ConvertElements(DataType::kInt64, &wide, to, &narrow, 1);
    ConvertElements(to, &narrow, DataType::kInt64, &back, 1);
    if (wide == back) continue;
    return InvalidArgument(
        "input '" + name + "': value " + std::to_string(wide) + " at element " +
        std::to_string(i) + " does not fit " + DataTypeName(to));
  }
  return Status();
}

Status CopyIn(const StridedView& from, const TensorView& to,
              const std::string& name) {
  ANEREF_TRY(CheckFits(from, to.dtype, name));
  if (to.shape.NumElements() == 0) return Status();
  const auto size = static_cast<int64_t>(ElementSize(from.dtype));
  const int64_t stride = InnerStride(from);
  const auto step = static_cast<int64_t>(ElementSize(to.dtype));
  alignas(8) std::byte buffer[kBufferElements * kLargestElement];
  RowWalker walker(from);
  for (int64_t row = 0; row < to.num_rows(); ++row, walker.Next()) {
    std::byte* target = to.Row<std::byte>(row);
    const int64_t most =
        stride == size ? to.width() : static_cast<int64_t>(kBufferElements);
    for (int64_t begin = 0; begin < to.width(); begin += most) {
      const int64_t count = std::min(most, to.width() - begin);
      const std::byte* values = walker.row() + begin * stride;
      if (stride != size) {
        for (int64_t i = 0; i < count; ++i)
          std::memcpy(buffer + i * size, values + i * stride,
                      static_cast<size_t>(size));
        values = buffer;
      }
      ConvertElements(from.dtype, values, to.dtype, target + begin * step,
                      static_cast<size_t>(count));
    }
  }
  return Status();
}

void CopyOut(const TensorView& from, const StridedView& to) {
  if (to.shape.NumElements() == 0) return;
  const auto size = static_cast<int64_t>(ElementSize(to.dtype));
  const int64_t stride = InnerStride(to);
  const auto step = static_cast<int64_t>(ElementSize(from.dtype));
  alignas(8) std::byte buffer[kBufferElements * kLargestElement];
  RowWalker walker(to);
  for (int64_t row = 0; row < from.num_rows(); ++row, walker.Next()) {
    const std::byte* source = from.Row<std::byte>(row);
    const int64_t most =
        stride == size ? from.width() : static_cast<int64_t>(kBufferElements);
    for (int64_t begin = 0; begin < from.width(); begin += most) {
      const int64_t count = std::min(most, from.width() - begin);
      std::byte* target = walker.row() + begin * stride;
      ConvertElements(from.dtype, source + begin * step, to.dtype,
                      stride == size ? target : buffer,
                      static_cast<size_t>(count));
      for (int64_t i = 0; stride != size && i < count; ++i)
        std::memcpy(target + i * stride, buffer + i * size,
                    static_cast<size_t>(size));
    }
  }
}

}  // namespace aneref
