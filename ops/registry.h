// The table of op families, in schema order.
#ifndef ANEREF_OPS_REGISTRY_H_
#define ANEREF_OPS_REGISTRY_H_

#include <span>

#include "ops/op.h"

namespace aneref {

// Null for Op::NONE and for values this build does not know.
const OpDef* FindOp(fbs::Op op);
std::span<const OpDef* const> AllOps();
// What messages and tables call a node's op: the kind where the family has
// kinds ("relu", "add", "max_pool"), else the family's name.
std::string OpName(const fbs::Node& node);

}  // namespace aneref

#endif  // ANEREF_OPS_REGISTRY_H_
