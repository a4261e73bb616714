// TensorProto to constants: every type and packing that the format has, checked
// before anything is allocated.
#ifndef ANEREF_RUNTIME_IMPORT_ONNX_TENSORS_H_
#define ANEREF_RUNTIME_IMPORT_ONNX_TENSORS_H_

#include "runtime/import/draft.h"
#include "runtime/import/emitter.h"
#include "runtime/import/importer.h"
#include "runtime/import/onnx/external_data.h"
#include "runtime/import/onnx/proto.h"

namespace aneref::onnx {

// ONNX element types by number (TensorProto.DataType).
inline constexpr int32_t kOnnxFloat = 1, kOnnxUint8 = 2, kOnnxInt8 = 3,
                         kOnnxUint16 = 4, kOnnxInt16 = 5, kOnnxInt32 = 6,
                         kOnnxInt64 = 7, kOnnxString = 8, kOnnxBool = 9,
                         kOnnxFloat16 = 10, kOnnxDouble = 11, kOnnxUint32 = 12,
                         kOnnxUint64 = 13, kOnnxBfloat16 = 16, kOnnxUint4 = 21,
                         kOnnxInt4 = 22;

inline bool IsFourBit(int32_t type) {
  return type == kOnnxUint4 || type == kOnnxInt4;
}
// The name as ONNX writes it in lower case: "float", "bfloat16", "string";
// "type 99" for unknown ones.
std::string OnnxTypeName(int32_t type);
// The type that holds the source's values exactly: bfloat16 becomes float32,
// 4-bit integers 8-bit ones. kUnsupported for strings, complex numbers and
// 8-bit floats.
Expected<DataType> SourceType(int32_t type);

// What a tensor of the source's type is declared as: float64 stays, whatever
// the precision. The engine has no such type, the host computes it (P1).
inline DataType OnnxDeclaredType(DataType source, Precision precision) {
  return source == DataType::kFloat64 ? source
                                      : DeclaredType(source, precision);
}

// `stored` is the source's type. `raw_data` is that of the tensor when the
// message lacks it: of float16 or float32.
Expected<DraftConstant> ReadTensor(const TensorProto& tensor,
                                   ExternalData* external,
                                   DraftBytes raw_data = {});
// The dense form.
Expected<DraftConstant> ReadSparseTensor(const SparseTensorProto& tensor,
                                         ExternalData* external);

}  // namespace aneref::onnx

#endif  // ANEREF_RUNTIME_IMPORT_ONNX_TENSORS_H_
