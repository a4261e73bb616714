// The importer of ML Programs: Model.mlProgram to a draft with one graph (and
// bodies behind it). Containers, parsing of the Model message, metadata and
// pipelines are the business of the files one folder up.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_MIL_IMPORT_H_
#define ANEREF_RUNTIME_IMPORT_COREML_MIL_IMPORT_H_

#include "runtime/import/coreml/model.h"

namespace aneref::coreml {

// The function `source.options.function` (empty: the default one). The draft's
// inputs and outputs are tensors named as the features, in the description's
// order; ports say types, image layouts and labels. Reads weights through
// source.package->Open.
Expected<NetDraft> ImportMlProgram(const Source& source);

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_MIL_IMPORT_H_
