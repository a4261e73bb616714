// The simple models that surround networks in pipelines: scalers, imputers,
// vectorizers, linear models, tree ensembles, support vectors. They compute in
// fp32, whatever the precision of the network, as they never run on the engine.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_CLASSICAL_H_
#define ANEREF_RUNTIME_IMPORT_COREML_CLASSICAL_H_

#include "runtime/import/coreml/model.h"

namespace aneref::coreml {

// kUnsupported for kinds that have no row here.
Expected<NetDraft> ImportClassical(const Source& source);

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_CLASSICAL_H_
