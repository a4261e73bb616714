// Which inputs may hold infinities or NaN without --allow-nonfinite: those that
// a network reads as such values. Everything else is a mistake of the caller's.
#ifndef ANEREF_TOOLS_SPECIAL_INPUTS_H_
#define ANEREF_TOOLS_SPECIAL_INPUTS_H_

#include "runtime/core/tensor.h"
#include "runtime/graph/net.h"

namespace aneref::tool {

// Two cases. The network is one cast, or one test for such values. Or all
// values that are not finite are -inf, and the input is a mask: through casts,
// movement and sums it reaches nothing but attention masks, softmaxes,
// comparisons and maxima.
bool ExpectsNonfinite(const fbs::Graph& graph, int tensor,
                      const TensorView& value);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_SPECIAL_INPUTS_H_
