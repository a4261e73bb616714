// The importer that this process has registered, if any.
#ifndef ANEREF_RUNTIME_CAPI_IMPORTER_HOOK_H_
#define ANEREF_RUNTIME_CAPI_IMPORTER_HOOK_H_

#include "aneref/aneref.h"

namespace aneref::capi {

// `convert` is null without one. Thread-safe.
aneref_importer CurrentImporter();

}  // namespace aneref::capi

#endif  // ANEREF_RUNTIME_CAPI_IMPORTER_HOOK_H_
