// Tensors of callers: checked before anything is read through them.
#ifndef ANEREF_RUNTIME_CAPI_TENSORS_H_
#define ANEREF_RUNTIME_CAPI_TENSORS_H_

#include "aneref/aneref.h"
#include "runtime/capi/boundary.h"
#include "runtime/core/tensor.h"
#include "runtime/exec/memory_block.h"
#include "runtime/exec/strided.h"

namespace aneref::capi {

enum class Access : uint8_t { kRead, kWrite };

// A caller's tensor with its strides filled in. Errors: an unknown type, a
// rank, extent or stride out of range, elements outside of data_bytes,
// addresses that do not suit the type, elements that overlap (when written).
Result ReadTensor(const aneref_tensor* tensor, const char* name, Access access,
                  StridedView* out);
// The bytes from the first to behind the last element.
size_t SpanOf(const StridedView& view);

// A type of untrusted numbers.
Result ReadType(aneref_dtype dtype, int32_t rank, const int64_t* shape,
                TensorType* out);

// As callers see a view of ours.
aneref_tensor ToTensor(const TensorView& view);

// The caller's memory functions, checked; null gives the C heap.
Result ReadAllocator(const aneref_allocator* allocator, BlockSource* out);

}  // namespace aneref::capi

#endif  // ANEREF_RUNTIME_CAPI_TENSORS_H_
