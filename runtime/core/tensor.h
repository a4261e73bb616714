// Types, shapes and non-owning views of tensors.
// A view's rows (runs of the last axis) are contiguous; all outer axes are laid
// out over rows with one row pitch, so a view is a dense tensor (pitch = width
// * element size) or an engine surface (L10: pitch rounded up to 64 bytes).
#ifndef ANEREF_RUNTIME_CORE_TENSOR_H_
#define ANEREF_RUNTIME_CORE_TENSOR_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "runtime/core/status.h"

namespace aneref {

// Values equal those of DataType in schema/net.fbs.
enum class DataType : uint8_t {
  kFloat16 = 0,
  kFloat32 = 1,
  kFloat64 = 2,
  kInt8 = 3,
  kUint8 = 4,
  kInt16 = 5,
  kUint16 = 6,
  kInt32 = 7,
  kUint32 = 8,
  kInt64 = 9,
  kUint64 = 10,
  kBool = 11,
};
inline constexpr int kNumDataTypes = 12;

size_t ElementSize(DataType type);  // bytes
const char* DataTypeName(
    DataType type);  // "float16", "int64", "bool" …: numpy's names
bool IsFloating(DataType type);
bool IsInteger(DataType type);  // signed and unsigned, not bool

inline constexpr size_t kMaxRank =
    8;  // the engine has 5 (L1); the host takes up to 8
inline constexpr int64_t kMaxElements =
    int64_t{1} << 40;  // bounds every product of extents

// Extents, outermost first. Rank 0 is a scalar (one element). Extents are >= 0
// in a static shape.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    Assign(dims.begin(), dims.size());
  }
  explicit Shape(const std::vector<int64_t>& dims) {
    Assign(dims.data(), dims.size());
  }

  size_t rank() const { return rank_; }
  int64_t operator[](size_t axis) const { return dims_[axis]; }
  int64_t& operator[](size_t axis) { return dims_[axis]; }
  int64_t back() const { return rank_ == 0 ? 1 : dims_[rank_ - 1]; }
  const int64_t* begin() const { return dims_.data(); }
  const int64_t* end() const { return dims_.data() + rank_; }
  void Append(int64_t dim) {
    ANEREF_CHECK(rank_ < kMaxRank);
    dims_[rank_++] = dim;
  }
  void Insert(size_t axis,
              int64_t dim);  // before `axis`; rank must be below kMaxRank
  void Erase(size_t axis);

  int64_t NumElements() const;  // product of the extents, 1 for rank 0
  int64_t NumElements(size_t first_axis, size_t last_axis)
      const;                // product over [first_axis, last_axis)
  int64_t NumRows() const;  // product of all extents but the last (1 for rank 0
                            // and 1; 0 stays 0)
  std::vector<int64_t> ToVector() const {
    return std::vector<int64_t>(begin(), end());
  }
  std::string ToString() const;  // "[1, 3, 224, 224]"

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  void Assign(const int64_t* dims, size_t rank);
  std::array<int64_t, kMaxRank> dims_{};
  size_t rank_ = 0;
};

// Makes a shape of untrusted extents: kLimit for rank over kMaxRank, a negative
// extent or more than kMaxElements.
Expected<Shape> MakeShape(const std::vector<int64_t>& dims);

// An axis of a rank-`rank` tensor, negative ones counted from the back. kShape
// when outside [-rank, rank).
Expected<size_t> NormalizeAxis(int64_t axis, size_t rank);

struct TensorType {
  DataType dtype = DataType::kFloat16;
  Shape shape;
  std::string ToString() const;  // "float16[1, 3, 224, 224]"
  friend bool operator==(const TensorType& a, const TensorType& b) {
    return a.dtype == b.dtype && a.shape == b.shape;
  }
};

// Non-owning. `data` may be null when the tensor has no elements.
struct TensorView {
  std::byte* data = nullptr;
  DataType dtype = DataType::kFloat16;
  Shape shape;
  size_t row_pitch =
      0;  // bytes from one row (run of the last axis) to the next

  template <class T>
  T* Row(int64_t row) const {  // row = flattened index of all axes but the last
    return reinterpret_cast<T*>(data + static_cast<size_t>(row) * row_pitch);
  }
  int64_t width() const { return shape.back(); }
  int64_t num_rows() const { return shape.NumRows(); }
  bool IsDense() const;  // rows follow each other without padding
  // Bytes from element to element along `axis`.
  size_t Stride(size_t axis) const;
};

size_t DenseRowPitch(const TensorType& type);  // width * element size
size_t DenseBytes(const TensorType& type);
TensorView DenseView(const TensorType& type, void* data);

// Copies all elements between two views of equal type and shape (pitches may
// differ). Must not overlap.
void CopyTensor(const TensorView& src, const TensorView& dst);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_TENSOR_H_
