// See tensors.h.
#include "runtime/capi/tensors.h"

#include <algorithm>
#include <array>

#include "runtime/core/layout.h"

namespace aneref::capi {
namespace {

Result Bad(const char* name, const std::string& why) {
  return {ANEREF_INVALID_ARGUMENT, std::string(name) + ": " + why};
}

void FillDense(StridedView* view) {
  auto stride = static_cast<int64_t>(ElementSize(view->dtype));
  for (size_t axis = view->shape.rank(); axis-- > 0;) {
    view->strides[axis] = stride;
    stride *= view->shape[axis];
  }
}

// The elements' extent in bytes; false when it does not fit 63 bits.
bool Span(const StridedView& view, uint64_t* bytes) {
  uint64_t last = 0;
  for (size_t axis = 0; axis < view.shape.rank(); ++axis) {
    uint64_t step = 0;
    if (__builtin_mul_overflow(static_cast<uint64_t>(view.shape[axis] - 1),
                               static_cast<uint64_t>(view.strides[axis]),
                               &step) ||
        __builtin_add_overflow(last, step, &last)) {
      return false;
    }
  }
  *bytes = last + ElementSize(view.dtype);
  return last < (uint64_t{1} << 62);
}

// From the smallest stride on, each axis must step over all that the inner ones
// reach.
bool Overlaps(const StridedView& view) {
  std::array<bool, kMaxRank> done{};
  auto reach = static_cast<int64_t>(ElementSize(view.dtype));
  for (size_t turn = 0; turn < view.shape.rank(); ++turn) {
    size_t next = kMaxRank;
    for (size_t axis = 0; axis < view.shape.rank(); ++axis) {
      if (!done[axis] &&
          (next == kMaxRank || view.strides[axis] < view.strides[next]))
        next = axis;
    }
    done[next] = true;
    if (view.shape[next] <= 1) continue;
    if (view.strides[next] < reach) return true;
    reach += view.strides[next] * (view.shape[next] - 1);
  }
  return false;
}

}  // namespace

Result ReadType(aneref_dtype dtype, int32_t rank, const int64_t* shape,
                TensorType* out) {
  if (dtype < 0 || dtype >= kNumDataTypes)
    return {ANEREF_INVALID_ARGUMENT,
            "there is no dtype " + std::to_string(dtype)};
  if (rank < 0 || rank > ANEREF_MAX_RANK) {
    return {ANEREF_INVALID_ARGUMENT, "rank " + std::to_string(rank) +
                                         " is not in 0 to " +
                                         std::to_string(ANEREF_MAX_RANK)};
  }
  Shape read;  // by hand: binding a buffer must not allocate (A9)
  int64_t count = 1;
  for (int32_t axis = 0; axis < rank; ++axis) {
    const int64_t extent = shape[axis];
    if (extent < 0)
      return Result(ShapeError("extent " + std::to_string(extent)));
    if (extent > 0 && count > kMaxElements / extent) {
      return Result(LimitError("a tensor has at most " +
                               std::to_string(kMaxElements) + " elements"));
    }
    count *= std::max<int64_t>(extent, 1);
    read.Append(extent);
  }
  *out = {static_cast<DataType>(dtype), read};
  return Result();
}

size_t SpanOf(const StridedView& view) {
  uint64_t bytes = 0;
  if (view.shape.NumElements() == 0 || !Span(view, &bytes)) return 0;
  return bytes;
}

Result ReadTensor(const aneref_tensor* tensor, const char* name, Access access,
                  StridedView* out) {
  ANEREF_CAPI_TRY(NeedPointer(tensor, name));
  aneref_tensor read;
  ANEREF_CAPI_TRY(ReadStruct(tensor, name, &read));
  TensorType type;
  const Result typed = ReadType(read.dtype, read.rank, read.shape, &type);
  if (!typed.ok())
    return {typed.code, std::string(name) + ": " + typed.status.message()};
  *out = {static_cast<std::byte*>(read.data), type.dtype, type.shape, {}};
  const auto size = static_cast<int64_t>(ElementSize(type.dtype));
  bool is_dense = true;
  for (size_t axis = 0; axis < type.shape.rank(); ++axis) {
    const int64_t stride = read.byte_strides[axis];
    if (stride < 0 || stride % size != 0) {
      return Bad(name, "stride " + std::to_string(stride) +
                           " is no multiple of the element's " +
                           std::to_string(size) + " bytes");
    }
    is_dense &= stride == 0;
    out->strides[axis] = stride;
  }
  if (is_dense) FillDense(out);
  if (type.shape.NumElements() == 0) return Result();
  uint64_t bytes = 0;
  if (!Span(*out, &bytes)) return Bad(name, "its strides reach too far");
  if (bytes > read.data_bytes) {
    return Bad(name, "its elements take " + std::to_string(bytes) +
                         " bytes, data_bytes is " +
                         std::to_string(read.data_bytes));
  }
  if (read.data == nullptr) return Bad(name, "its data is null");
  if (reinterpret_cast<uintptr_t>(read.data) % static_cast<uintptr_t>(size) !=
      0) {
    return Bad(name, "its address does not suit its type");
  }
  if (access == Access::kWrite && Overlaps(*out))
    return Bad(name, "its elements overlap");
  return Result();
}

aneref_tensor ToTensor(const TensorView& view) {
  aneref_tensor tensor = aneref_tensor_init();
  tensor.data = view.data;
  tensor.dtype = static_cast<aneref_dtype>(view.dtype);
  tensor.rank = static_cast<int32_t>(view.shape.rank());
  for (size_t axis = 0; axis < view.shape.rank(); ++axis) {
    tensor.shape[axis] = view.shape[axis];
    tensor.byte_strides[axis] = static_cast<int64_t>(view.Stride(axis));
  }
  const int64_t rows = view.num_rows();
  if (view.shape.NumElements() > 0) {
    tensor.data_bytes =
        static_cast<size_t>(rows - 1) * view.row_pitch +
        static_cast<size_t>(view.width()) * ElementSize(view.dtype);
  }
  return tensor;
}

Result ReadAllocator(const aneref_allocator* allocator, BlockSource* out) {
  *out = {};
  if (allocator == nullptr) return Result();
  aneref_allocator read;
  ANEREF_CAPI_TRY(ReadStruct(allocator, "allocator", &read));
  if (read.allocate == nullptr || read.release == nullptr)
    return Bad("allocator", "both functions are needed");
  *out = {read.user, read.allocate, read.release};
  return Result();
}

}  // namespace aneref::capi

using namespace aneref;        // NOLINT: the C functions below are global
using namespace aneref::capi;  // NOLINT

aneref_status aneref_surface_layout(aneref_tensor* tensor,
                                    aneref_error* error) {
  return Guard(error, [&]() -> Result {
    ANEREF_CAPI_TRY(NeedPointer(tensor, "tensor"));
    aneref_tensor read;
    ANEREF_CAPI_TRY(ReadStruct(tensor, "tensor", &read));
    if (tensor->struct_size < sizeof(aneref_tensor))
      return {ANEREF_INVALID_ARGUMENT, "tensor: its struct_size is too small"};
    TensorType type;
    ANEREF_CAPI_TRY(ReadType(read.dtype, read.rank, read.shape, &type));
    const Expected<size_t> bytes = SurfaceBytes(type);
    if (!bytes.ok()) return bytes.status();
    const TensorView view = SurfaceView(type, nullptr);
    for (size_t axis = 0; axis < type.shape.rank(); ++axis)
      tensor->byte_strides[axis] = static_cast<int64_t>(view.Stride(axis));
    tensor->data_bytes = *bytes;
    return Result();
  });
}
