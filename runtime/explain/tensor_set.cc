// See tensor_set.h.
#include "runtime/explain/tensor_set.h"

#include "runtime/core/convert.h"

namespace aneref {

Expected<OwnedTensor> CopyDense(const TensorView& view) {
  ANEREF_ASSIGN(OwnedTensor copy, AllocateTensor({view.dtype, view.shape}));
  if (view.shape.NumElements() > 0) CopyTensor(view, copy.View());
  return copy;
}

std::vector<double> ElementsOf(const OwnedTensor& tensor) {
  const auto count = static_cast<size_t>(tensor.type.shape.NumElements());
  std::vector<double> values(count);
  if (count > 0) {
    ConvertElements(tensor.type.dtype, tensor.bytes.get(), DataType::kFloat64,
                    values.data(), count);
  }
  return values;
}

Expected<OwnedTensor> ConvertTensor(const OwnedTensor& tensor, DataType to) {
  ANEREF_ASSIGN(OwnedTensor result, AllocateTensor({to, tensor.type.shape}));
  const auto count = static_cast<size_t>(tensor.type.shape.NumElements());
  if (count > 0) {
    ConvertElements(tensor.type.dtype, tensor.bytes.get(), to,
                    result.bytes.get(), count);
  }
  return result;
}

}  // namespace aneref
