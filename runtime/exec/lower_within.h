// Lowering where packed weights come from the PackingMemory of this thread.
#ifndef ANEREF_RUNTIME_EXEC_LOWER_WITHIN_H_
#define ANEREF_RUNTIME_EXEC_LOWER_WITHIN_H_

#include <new>

#include "ops/kernels/packing_memory.h"
#include "ops/registry.h"

namespace aneref {

// LowerOp, or LowerOpToReference; there must be such a memory. Running out of
// memory for packed weights is an error value: see PackingMemory::Refusal.
inline Status LowerWithin(const OpDef& def, const OpView& op, bool to_reference,
                          TaskBuilder* builder) {
  try {
    return to_reference ? LowerOpToReference(def, op, builder)
                        : LowerOp(def, op, builder);
  } catch (const std::bad_alloc&) {
    return PackingMemory::Current()->Refusal();
  }
}

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXEC_LOWER_WITHIN_H_
