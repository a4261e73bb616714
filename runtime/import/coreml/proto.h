// The generated message classes of Core ML files, without their warnings.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_PROTO_H_
#define ANEREF_RUNTIME_IMPORT_COREML_PROTO_H_

#pragma GCC system_header
#include "schema/coreml.pb.h"

#endif  // ANEREF_RUNTIME_IMPORT_COREML_PROTO_H_
