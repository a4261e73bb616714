// Turns neural networks (specification 1 and later; plain, classifier,
// regressor) into drafts. The layers are in the table files.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_NETWORK_H_
#define ANEREF_RUNTIME_IMPORT_COREML_NETWORK_H_

#include "runtime/import/coreml/model.h"

namespace aneref::coreml {

// One graph; its inputs and outputs are tensors named as the features, in the
// description's order. A classifier gives its probabilities, with labels, under
// the name of the probabilities feature.
Expected<NetDraft> ImportNetwork(const Source& source);

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_NETWORK_H_
