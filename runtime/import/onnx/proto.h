// The generated message classes, without their warnings.
#ifndef ANEREF_RUNTIME_IMPORT_ONNX_PROTO_H_
#define ANEREF_RUNTIME_IMPORT_ONNX_PROTO_H_

#pragma GCC system_header
#include "schema/onnx.pb.h"

#endif  // ANEREF_RUNTIME_IMPORT_ONNX_PROTO_H_
