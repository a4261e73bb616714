// Reductions of few elements each, as global pools of small planes: sixteen
// outputs at a time. Their rows are copied behind each other first, so that the
// lattice (P5) reads whole vectors whatever the width of a row is. Up to one
// block of the lattice, where totals are the partials. Not log-sum-exp.
// Included once per Highway target, after hwy/highway.h.
#if defined(ANEREF_OPS_KERNELS_REDUCE_SMALL_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_REDUCE_SMALL_INL_H_
#undef ANEREF_OPS_KERNELS_REDUCE_SMALL_INL_H_
#else
#define ANEREF_OPS_KERNELS_REDUCE_SMALL_INL_H_
#endif

#include <algorithm>

#include "hwy/highway.h"
#include "ops/kernels/reduce.h"
#include "ops/kernels/reduce_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace reduce_small {

// Outputs that are computed together, and the most elements of each: their
// copies, at most 34 KiB of the stack, stay in the caches.
constexpr int64_t kBatch = 16;
constexpr int64_t kMostElements = 512;
static_assert(kMostElements <= static_cast<int64_t>(kLatticeBlock));
// Room for the whole vectors that the last row writes.
constexpr int64_t kStride = kMostElements + 16;

// The rows of one output behind each other; up to 15 elements more.
template <class T>
HWY_INLINE void CopyRows(const ReduceArgs& args, const TensorView& x,
                         int64_t base, T* dst) {
  const hn::Rebind<T, RowTag> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t width = x.width(), num_rows = args.reduced.Count();
  for (int64_t r = 0; r < num_rows; ++r, dst += width) {
    const T* src = x.Row<T>(base + args.reduced.Row(r));
    int64_t i = 0;
    for (; i + lanes <= width; i += lanes)
      hn::StoreU(hn::LoadU(d, src + i), d, dst + i);
    if (i == width) continue;
    const auto rest = static_cast<size_t>(width - i);
    hn::StoreU(compat::LoadFirst(d, src + i, rest), d, dst + i);
  }
}

// P5: l takes l + kCount / 2, and so on.
template <size_t kCount, class Fold>
HWY_INLINE void FoldTree(const Fold& fold, float* partials) {
  const hn::CappedTag<float, kCount / 2> d;
  for (size_t l = 0; l < kCount / 2; l += hn::Lanes(d)) {
    hn::StoreU(fold(hn::LoadU(d, partials + l),
                    hn::LoadU(d, partials + l + kCount / 2)),
               d, partials + l);
  }
  if constexpr (kCount > 2) FoldTree<kCount / 2>(fold, partials);
}

template <class T, class Map, class Fold>
HWY_NOINLINE float ReduceCopy(const Map& map, const Fold& fold, float identity,
                              const T* elements, size_t count) {
  const RowTag d;
  const size_t lanes = hn::Lanes(d);
  HWY_ALIGN float partials[kNumPartials];
  for (size_t lane = 0; lane < kNumPartials; lane += lanes) {
    auto sum = hn::Set(d, identity);
    size_t i = lane;
    for (; i + lanes <= count; i += kNumPartials)
      sum = fold(sum, map(compat::LoadWide(d, elements + i)));
    if (i < count) {
      const auto folded = fold(sum, map(compat::LoadWide(d, elements + i)));
      sum = hn::IfThenElse(hn::FirstN(d, count - i), folded, sum);
    }
    hn::Store(sum, d, partials + lane);
  }
  FoldTree<kNumPartials>(fold, partials);
  return partials[0];
}

template <class T>
HWY_INLINE float ReduceCopyAs(LatticeOp op, const T* elements, size_t count) {
  const float identity = LatticeIdentity(op);
  switch (op) {
    case LatticeOp::kSumAbs:
      return ReduceCopy(MapAbs(), FoldSum(), identity, elements, count);
    case LatticeOp::kSumSquares:
      return ReduceCopy(MapSquare(), FoldSum(), identity, elements, count);
    case LatticeOp::kProduct:
      return ReduceCopy(MapIdentity(), FoldProduct(), identity, elements,
                        count);
    case LatticeOp::kMax:
      return ReduceCopy(MapIdentity(), FoldMax(), identity, elements, count);
    case LatticeOp::kMin:
      return ReduceCopy(MapIdentity(), FoldMin(), identity, elements, count);
    default:
      return ReduceCopy(MapIdentity(), FoldSum(), identity, elements, count);
  }
}

// Outputs [first, end), at most kBatch.
template <class T>
void RunBatch(const ReduceArgs& args, const TensorView& x, const TensorView& y,
              int64_t first, int64_t end) {
  HWY_ALIGN T copies[kBatch * kStride];
  HWY_ALIGN float values[kBatch] = {};
  HWY_ALIGN T results[kBatch];
  const auto count = static_cast<size_t>(args.end.count);
  const auto num_values = static_cast<size_t>(end - first);
  for (size_t i = 0; i < num_values; ++i) {
    CopyRows(args, x, args.kept.Row(first + static_cast<int64_t>(i)),
             copies + i * kStride);
  }
  for (size_t i = 0; i < num_values; ++i)
    values[i] = ReduceCopyAs(args.op, copies + i * kStride, count);
  for (size_t i = 0; i < num_values; ++i)
    values[i] = FinishReduction(args.end, values[i], 0.0f);
  SimdRows::Narrow(values, num_values, y.dtype,
                   reinterpret_cast<std::byte*>(results));
  int64_t row = first / y.width(), column = first % y.width();
  for (size_t i = 0; i < num_values; ++i) {
    y.Row<T>(row)[column] = results[i];
    if (++column < y.width()) continue;
    column = 0;
    ++row;
  }
}

template <class T>
void RunUnit(const ReduceArgs& args, const KernelCall& call, int64_t unit) {
  const int64_t end = std::min(args.items, (unit + 1) * args.items_per_unit);
  for (int64_t i = unit * args.items_per_unit; i < end; i += kBatch)
    RunBatch<T>(args, call.in[0], call.out[0], i, std::min(i + kBatch, end));
}

}  // namespace reduce_small

// False when the outputs are no small ones.
inline bool RunSmallOutputs(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const ReduceArgs*>(call.args);
  if (args.end.count > reduce_small::kMostElements ||
      args.op == LatticeOp::kSumExp) {
    return false;
  }
  if (call.in[0].dtype == DataType::kFloat16) {
    reduce_small::RunUnit<uint16_t>(args, call, unit);
  } else {
    reduce_small::RunUnit<float>(args, call, unit);
  }
  return true;
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // ANEREF_OPS_KERNELS_REDUCE_SMALL_INL_H_
