// Non-maximum suppression, the part of the family selection that computes.
// Inputs as schema/net.fbs lists them.
#ifndef ANEREF_OPS_SELECTION_H_
#define ANEREF_OPS_SELECTION_H_

#include <cstdint>
#include <vector>

#include "ops/op.h"

namespace aneref {

// Rows (batch, class, box) of the boxes that survive, three numbers each.
// Checks the whole node; kUnsupported when an input is not known.
Expected<std::vector<int64_t>> SelectBoxes(const OpView& op);

}  // namespace aneref

#endif  // ANEREF_OPS_SELECTION_H_
