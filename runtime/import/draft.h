// Reading and growing the first graph of a NetDraft: what importers and passes
// share. Knows no source format. A tensor's shape in a draft is what has been
// proved (inferred, or stated by the source for graph inputs), never a hint.
#ifndef ANEREF_RUNTIME_IMPORT_DRAFT_H_
#define ANEREF_RUNTIME_IMPORT_DRAFT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/graph/net_writer.h"

namespace aneref {

using DraftConstant = NetDraft::DraftConstant;

inline fbs::GraphT& MainGraph(NetDraft& draft) { return *draft.net.graphs[0]; }
inline const fbs::GraphT& MainGraph(const NetDraft& draft) {
  return *draft.net.graphs[0];
}
inline fbs::TensorT& TensorAt(NetDraft& draft, int32_t tensor) {
  return *MainGraph(draft).tensors[static_cast<size_t>(tensor)];
}
inline const fbs::TensorT& TensorAt(const NetDraft& draft, int32_t tensor) {
  return *MainGraph(draft).tensors[static_cast<size_t>(tensor)];
}

int32_t AddTensor(NetDraft* draft, const std::string& name, DataType dtype);
// A constant tensor; `constant.shape` becomes its shape.
int32_t AddConstant(NetDraft* draft, const std::string& name, DataType dtype,
                    DraftConstant constant);
// Gives an existing tensor a value.
void SetConstant(NetDraft* draft, int32_t tensor, DraftConstant constant);

DraftConstant MakeFloats(const Shape& shape, const std::vector<float>& values);
DraftConstant MakeInts(const Shape& shape, const std::vector<int64_t>& values);

inline bool IsConstant(const NetDraft& draft, int32_t tensor) {
  return tensor >= 0 && TensorAt(draft, tensor).constant >= 0;
}
// All three need a constant tensor.
const DraftConstant& ConstantOf(const NetDraft& draft, int32_t tensor);
std::vector<float> ConstantFloats(const NetDraft& draft, int32_t tensor);
std::vector<int64_t> ConstantInts(const NetDraft& draft, int32_t tensor);
// The value of a floating constant whose elements are all equal; nothing
// otherwise.
std::optional<float> UniformFloat(const NetDraft& draft, int32_t tensor);

inline DataType TypeOf(const NetDraft& draft, int32_t tensor) {
  return static_cast<DataType>(TensorAt(draft, tensor).dtype);
}
// The shape when every extent is known.
std::optional<Shape> StaticShape(const fbs::TensorT& tensor);
std::optional<size_t> RankOf(const fbs::TensorT& tensor);
void SetStaticShape(fbs::TensorT* tensor, const Shape& shape);

// Moves a finished body's graphs behind those of `draft`, their constants with
// them; gives the index of the first one.
int32_t AppendGraphs(NetDraft* draft, NetDraft body);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_IMPORT_DRAFT_H_
