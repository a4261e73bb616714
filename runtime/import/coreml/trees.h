// Tree ensembles as tensor arithmetic: all trees walk down at once, one gather
// of nodes per level.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_TREES_H_
#define ANEREF_RUNTIME_IMPORT_COREML_TREES_H_

#include "runtime/import/coreml/layer.h"

namespace aneref::coreml {

// The ensemble's result for the vector x: predictions, or the probabilities of
// the classes.
int32_t TreeEnsembleScores(Layer& layer, const TreeEnsemble& ensemble,
                           int32_t x, bool is_classifier);

// The probabilities [1 - p, p] of two classes.
int32_t TwoClasses(Layer& layer, int32_t second);

}  // namespace aneref::coreml

#endif  // ANEREF_RUNTIME_IMPORT_COREML_TREES_H_
