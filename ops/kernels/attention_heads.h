// Where the heads of attention lie in memory and which keys a query sees: what
// the kernels of all numerics share (P20, N36). No arithmetic.
#ifndef ANEREF_OPS_KERNELS_ATTENTION_HEADS_H_
#define ANEREF_OPS_KERNELS_ATTENTION_HEADS_H_

#include <cstddef>
#include <cstdint>

#include "ops/kernels/attention.h"
#include "runtime/core/status.h"

namespace aneref {

// One head of one batch item of [B, heads, S, D] or [B, S, heads * D].
struct AttentionHead {
  const TensorView& view;
  int64_t item = 0;
  int64_t head = 0;
  int64_t heads = 1;
  int64_t Steps() const { return view.shape[view.shape.rank() - 2]; }
  int64_t Depth() const {
    return view.shape.rank() == 4 ? view.width() : view.width() / heads;
  }
  std::byte* Row(int64_t step) const {
    if (view.shape.rank() == 4)
      return view.Row<std::byte>((item * heads + head) * Steps() + step);
    return view.Row<std::byte>(item * Steps() + step) +
           static_cast<size_t>(head * Depth()) * ElementSize(view.dtype);
  }
};

// Absent ones have null data.
struct AttentionOperands {
  TensorView q, k, v, mask, past_k, past_v, lengths;
  TensorView y, present_k, present_v, product;
};
AttentionOperands AttentionOperandsOf(const KernelCall& call);

// Past rows, then new ones, bits as they are (P15). Does nothing when `to` is
// absent.
void CopyJoinedHeads(const TensorView& past, const AttentionHead& now,
                     const TensorView& to);

// The keys that are valid for a batch item, and where its first query stands
// among them.
struct KeyRange {
  int64_t length = 0;
  int64_t offset = 0;
};
// kInvalidArgument: a fed length that there is no room for.
Expected<KeyRange> ReadKeyRange(const AttentionArgs& args,
                                const TensorView& lengths, int64_t item);

// Causality, windows and lengths; masks are the kernels'.
bool IsKeyVisible(const AttentionArgs& args, const KeyRange& range,
                  int64_t query, int64_t key);

// The mask's row for a query.
inline int64_t MaskRow(const AttentionArgs& args, int64_t item, int64_t head,
                       int64_t query) {
  return item * args.mask_strides[0] + head * args.mask_strides[1] +
         query * args.mask_strides[2];
}

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_ATTENTION_HEADS_H_
