/* The library aneref_import: ONNX and Core ML files for aneref_model_load_*.
   Link it beside aneref and call this once. */
#ifndef ANEREF_IMPORT_H_
#define ANEREF_IMPORT_H_

#include "aneref/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Registers the importer with the core library of this process. More calls do
   no harm. ANEREF_UNSUPPORTED: the libraries' versions do not fit. */
ANEREF_API aneref_status aneref_import_enable(aneref_error* error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* ANEREF_IMPORT_H_ */
