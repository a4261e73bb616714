// Operators that the ONNX standard defines by others, and old forms that newer
// ones express: rewritten as functions of exactly the node at hand, which the
// converter inlines. Operators with a family of their own are not here.
#ifndef ANEREF_RUNTIME_IMPORT_ONNX_STANDARD_FUNCTIONS_H_
#define ANEREF_RUNTIME_IMPORT_ONNX_STANDARD_FUNCTIONS_H_

#include <memory>

#include "runtime/core/status.h"
#include "runtime/import/onnx/proto.h"

namespace aneref::onnx {

// The body of a node of domain ai.onnx, without attributes left open; null when
// its operator is not defined so. An error for attributes that make no sense.
Expected<std::unique_ptr<FunctionProto>> StandardFunction(const NodeProto& node,
                                                          int64_t opset);

}  // namespace aneref::onnx

#endif  // ANEREF_RUNTIME_IMPORT_ONNX_STANDARD_FUNCTIONS_H_
