// Shapes and views: plain arithmetic on extents and strides.
#include "runtime/core/tensor.h"

#include <algorithm>
#include <cstring>

namespace aneref {
namespace {

struct DataTypeInfo {
  const char* name;
  size_t size;
};
constexpr DataTypeInfo kDataTypes[kNumDataTypes] = {
    {"float16", 2}, {"float32", 4}, {"float64", 8}, {"int8", 1},
    {"uint8", 1},   {"int16", 2},   {"uint16", 2},  {"int32", 4},
    {"uint32", 4},  {"int64", 8},   {"uint64", 8},  {"bool", 1}};

}  // namespace

size_t ElementSize(DataType type) {
  return kDataTypes[static_cast<size_t>(type)].size;
}
const char* DataTypeName(DataType type) {
  return kDataTypes[static_cast<size_t>(type)].name;
}
bool IsFloating(DataType type) { return type <= DataType::kFloat64; }
bool IsInteger(DataType type) {
  return type > DataType::kFloat64 && type != DataType::kBool;
}

void Shape::Assign(const int64_t* dims, size_t rank) {
  ANEREF_CHECK(rank <= kMaxRank);
  std::copy(dims, dims + rank, dims_.begin());
  rank_ = rank;
}

void Shape::Insert(size_t axis, int64_t dim) {
  ANEREF_CHECK(rank_ < kMaxRank && axis <= rank_);
  for (size_t i = rank_; i > axis; --i) dims_[i] = dims_[i - 1];
  dims_[axis] = dim;
  ++rank_;
}

void Shape::Erase(size_t axis) {
  ANEREF_CHECK(axis < rank_);
  for (size_t i = axis; i + 1 < rank_; ++i) dims_[i] = dims_[i + 1];
  --rank_;
}

int64_t Shape::NumElements(size_t first_axis, size_t last_axis) const {
  int64_t count = 1;
  for (size_t i = first_axis; i < last_axis; ++i) count *= dims_[i];
  return count;
}
int64_t Shape::NumElements() const { return NumElements(0, rank_); }
int64_t Shape::NumRows() const {
  return rank_ == 0 ? 1 : NumElements(0, rank_ - 1);
}

std::string Shape::ToString() const {
  std::string text = "[";
  for (size_t i = 0; i < rank_; ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(dims_[i]);
  }
  return text + "]";
}

bool operator==(const Shape& a, const Shape& b) {
  return a.rank_ == b.rank_ && std::equal(a.begin(), a.end(), b.begin());
}

Expected<Shape> MakeShape(const std::vector<int64_t>& dims) {
  if (dims.size() > kMaxRank) {
    return LimitError("rank " + std::to_string(dims.size()) +
                      " is over the limit of " + std::to_string(kMaxRank));
  }
  int64_t count = 1;
  for (int64_t dim : dims) {
    if (dim < 0)
      return ShapeError("extent " + std::to_string(dim) + " is negative");
    // A zero extent must not hide absurd neighbours: bound the product of the
    // others, too.
    if (dim > kMaxElements / count)
      return LimitError("more than 2^40 elements");
    count *= std::max<int64_t>(dim, 1);
  }
  return Shape(dims);
}

Expected<size_t> NormalizeAxis(int64_t axis, size_t rank) {
  const auto signed_rank = static_cast<int64_t>(rank);
  if (axis < -signed_rank || axis >= signed_rank) {
    return ShapeError("axis " + std::to_string(axis) + " is outside rank " +
                      std::to_string(rank));
  }
  return static_cast<size_t>(axis < 0 ? axis + signed_rank : axis);
}

std::string TensorType::ToString() const {
  return DataTypeName(dtype) + shape.ToString();
}

bool TensorView::IsDense() const {
  return row_pitch == static_cast<size_t>(width()) * ElementSize(dtype) ||
         num_rows() <= 1;
}

size_t TensorView::Stride(size_t axis) const {
  if (axis + 1 == shape.rank()) return ElementSize(dtype);
  return static_cast<size_t>(shape.NumElements(axis + 1, shape.rank() - 1)) *
         row_pitch;
}

size_t DenseRowPitch(const TensorType& type) {
  return static_cast<size_t>(type.shape.back()) * ElementSize(type.dtype);
}

size_t DenseBytes(const TensorType& type) {
  return static_cast<size_t>(type.shape.NumElements()) *
         ElementSize(type.dtype);
}

TensorView DenseView(const TensorType& type, void* data) {
  return {static_cast<std::byte*>(data), type.dtype, type.shape,
          DenseRowPitch(type)};
}

void CopyTensor(const TensorView& src, const TensorView& dst) {
  ANEREF_CHECK(src.dtype == dst.dtype && src.shape == dst.shape);
  const size_t row_bytes =
      static_cast<size_t>(src.width()) * ElementSize(src.dtype);
  const int64_t rows = src.num_rows();
  if (row_bytes == 0 || rows == 0) return;
  if (src.row_pitch == row_bytes && dst.row_pitch == row_bytes) {
    std::memcpy(dst.data, src.data, row_bytes * static_cast<size_t>(rows));
    return;
  }
  for (int64_t row = 0; row < rows; ++row) {
    std::memcpy(dst.Row<std::byte>(row), src.Row<std::byte>(row), row_bytes);
  }
}

}  // namespace aneref
