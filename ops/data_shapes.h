// The one error that is not the end: a shape that depends on a value which is
// not known before the run (P21). Planners report it, sessions then run the
// network node by node.
#ifndef ANEREF_OPS_DATA_SHAPES_H_
#define ANEREF_OPS_DATA_SHAPES_H_

#include <cstddef>
#include <string>

#include "runtime/core/status.h"

namespace aneref {

// The shape depends on the value of `input`; `what` is the op in a user's
// words.
Status ShapeDependsOnData(const std::string& what, size_t input);
bool IsShapeDependsOnData(const Status& status);

}  // namespace aneref

#endif  // ANEREF_OPS_DATA_SHAPES_H_
