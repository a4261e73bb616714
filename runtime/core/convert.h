// Element conversions between all data types (P14) and of fp32 constants to
// fp16 (P12). Scalar and exact; vector forms of the hot pairs live in
// ops/kernels.
#ifndef ANEREF_RUNTIME_CORE_CONVERT_H_
#define ANEREF_RUNTIME_CORE_CONVERT_H_

#include <cstddef>
#include <cstdint>

#include "runtime/core/tensor.h"

namespace aneref {

// Converts `count` dense elements (P14). Floating to floating rounds once (RNE)
// and overflows to infinity; floating to integer truncates and saturates, NaN
// gives 0; integer to integer wraps; to bool is x != 0. src and dst may be
// equal only when from == to.
void ConvertElements(DataType from, const void* src, DataType to, void* dst,
                     size_t count);

// Fills `bytes` bytes, a multiple of `size`, with one element of `size` bytes.
void RepeatElement(const std::byte* element, size_t size, std::byte* dst,
                   size_t bytes);

// P12: `count` elements of a constant that has `tensor_elements` in all, as
// fp32 to fp16, but finite values beyond the range saturate to +-65504, and in
// a constant of fewer than 400 elements (an epsilon, not a kernel) values that
// would become 0 take the least fp16 of their sign. Infinities and NaN stay.
void ConvertConstantToHalf(const float* src, uint16_t* dst, size_t count,
                           int64_t tensor_elements);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_CORE_CONVERT_H_
