// What attention nodes say, checked: shared by the host's numerics and the
// engine's (device_attention.cc).
#ifndef ANEREF_OPS_ATTENTION_H_
#define ANEREF_OPS_ATTENTION_H_

#include "ops/kernels/attention.h"
#include "ops/op.h"

namespace aneref {

// Inputs of attention nodes by position.
inline constexpr size_t kAttentionMask = 3, kAttentionPastKey = 4,
                        kAttentionPastValue = 5, kAttentionLengths = 6;

// kShape, kUnsupported: operands that do not fit, options that do not exist.
Expected<AttentionArgs> AttentionArgsOf(const OpView& op);

}  // namespace aneref

#endif  // ANEREF_OPS_ATTENTION_H_
