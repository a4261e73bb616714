// Named tensors of a run or of somebody's dump, dense and owned: what readers
// of dumps hand over and what comparisons work on.
#ifndef ANEREF_RUNTIME_EXPLAIN_TENSOR_SET_H_
#define ANEREF_RUNTIME_EXPLAIN_TENSOR_SET_H_

#include <string>
#include <vector>

#include "runtime/core/tensor.h"
#include "runtime/graph/evaluate.h"

namespace aneref {

struct NamedTensor {
  std::string name;
  OwnedTensor value;
};
using TensorSet = std::vector<NamedTensor>;

// A dense copy of a view of any pitch.
Expected<OwnedTensor> CopyDense(const TensorView& view);

// All elements as double (64-bit integers round).
std::vector<double> ElementsOf(const OwnedTensor& tensor);

// The tensor in another element type (P14).
Expected<OwnedTensor> ConvertTensor(const OwnedTensor& tensor, DataType to);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_TENSOR_SET_H_
