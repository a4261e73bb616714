// See attention_heads.h.
#include "ops/kernels/attention_heads.h"

#include <cstring>
#include <string>

#include "runtime/core/convert.h"

namespace aneref {

AttentionOperands AttentionOperandsOf(const KernelCall& call) {
  const auto at = [](std::span<const TensorView> views, size_t i) {
    return i < views.size() ? views[i] : TensorView();
  };
  return {at(call.in, 0),  at(call.in, 1),  at(call.in, 2), at(call.in, 3),
          at(call.in, 4),  at(call.in, 5),  at(call.in, 6), at(call.out, 0),
          at(call.out, 1), at(call.out, 2), at(call.out, 3)};
}

void CopyJoinedHeads(const TensorView& past, const AttentionHead& now,
                     const TensorView& to) {
  if (to.data == nullptr) return;
  const size_t bytes = static_cast<size_t>(now.Depth()) * ElementSize(to.dtype);
  const AttentionHead present{to, now.item, now.head, now.heads};
  int64_t step = 0;
  if (past.data != nullptr) {
    const AttentionHead before{past, now.item, now.head, now.heads};
    for (; step < before.Steps(); ++step)
      std::memcpy(present.Row(step), before.Row(step), bytes);
  }
  for (int64_t i = 0; i < now.Steps(); ++i, ++step)
    std::memcpy(present.Row(step), now.Row(i), bytes);
}

Expected<KeyRange> ReadKeyRange(const AttentionArgs& args,
                                const TensorView& lengths, int64_t item) {
  KeyRange range{args.keys, args.past};
  if (lengths.data == nullptr) return range;
  ConvertElements(
      lengths.dtype,
      lengths.data + static_cast<size_t>(item) * ElementSize(lengths.dtype),
      DataType::kInt64, &range.length, 1);
  if (range.length < 0 || range.length > args.keys) {
    return InvalidArgument("number of valid keys " +
                           std::to_string(range.length) + " is outside [0, " +
                           std::to_string(args.keys) + "]");
  }
  range.offset = range.length - args.queries;
  return range;
}

bool IsKeyVisible(const AttentionArgs& args, const KeyRange& range,
                  int64_t query, int64_t key) {
  const int64_t here = query + range.offset;
  return key < range.length && (!args.is_causal || key <= here) &&
         (args.left_window < 0 || key >= here - args.left_window) &&
         (args.right_window < 0 || key <= here + args.right_window);
}

}  // namespace aneref
