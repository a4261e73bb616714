// Tensors whose axes have any byte strides, as programs that embed us have
// them: copied into surfaces and out of them, without memory of their own.
#ifndef ANEREF_RUNTIME_EXEC_STRIDED_H_
#define ANEREF_RUNTIME_EXEC_STRIDED_H_

#include <array>
#include <string>

#include "runtime/core/tensor.h"

namespace aneref {

// Strides are >= 0; 0 repeats elements.
struct StridedView {
  std::byte* data = nullptr;
  DataType dtype = DataType::kFloat16;
  Shape shape;
  std::array<int64_t, kMaxRank> strides{};  // bytes, per axis
};
StridedView ToStrided(const TensorView& view);

// Whether values of an input suit its type: integers must fit, bool takes 0 and
// 1, floats are for floating types. kInvalidArgument names `name` and the first
// value that does not.
Status CheckFits(const StridedView& from, DataType to, const std::string& name);

// An input's values; floats round once (N1). Errors as CheckFits, and then
// nothing is written. Shapes are equal, the views must not overlap.
Status CopyIn(const StridedView& from, const TensorView& to,
              const std::string& name);
// A result's values, converted as P14 has it.
void CopyOut(const TensorView& from, const StridedView& to);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_STRIDED_H_
