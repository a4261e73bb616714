// Vector row primitives shared by the reduction, normalisation, pooling and
// resampling kernels: widening and narrowing of rows and the folds of the
// lattice (P5). Bit for bit what ScalarRows in reduce_lattice.h does, on every
// target. Included once per Highway target, after hwy/highway.h. IsNaN and not
// Ne: Highway 1.0.3 compares ordered on AVX2.
#if defined(ANEREF_OPS_KERNELS_REDUCE_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_REDUCE_ROWS_INL_H_
#undef ANEREF_OPS_KERNELS_REDUCE_ROWS_INL_H_
#else
#define ANEREF_OPS_KERNELS_REDUCE_ROWS_INL_H_
#endif

#include "hwy/highway.h"
#include "ops/kernels/hwy_compat-inl.h"
#include "ops/kernels/reduce_lattice.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sixteen lanes at most, so that a vector never spans two rounds of the
// lattice.
using RowTag = hn::CappedTag<float, 16>;
using RowVector = hn::Vec<RowTag>;

HWY_INLINE RowVector WidenHalves(RowTag d, const uint16_t* src) {
  return compat::WidenHalf(d, hn::LoadU(hn::Rebind<uint16_t, RowTag>(), src));
}
HWY_INLINE void NarrowHalves(RowTag d, RowVector value, uint16_t* dst) {
  hn::StoreU(compat::NarrowHalf(d, value), hn::Rebind<uint16_t, RowTag>(), dst);
}

struct MapIdentity {
  HWY_INLINE RowVector operator()(RowVector x) const { return x; }
};
struct MapAbs {
  HWY_INLINE RowVector operator()(RowVector x) const { return hn::Abs(x); }
};
struct MapSquare {
  HWY_INLINE RowVector operator()(RowVector x) const { return hn::Mul(x, x); }
};
struct MapCenteredSquare {
  float shift;
  HWY_INLINE RowVector operator()(RowVector x) const {
    const auto d = hn::Sub(x, hn::Set(RowTag(), shift));
    return hn::Mul(d, d);
  }
};
// Of any vectors of floats.
struct FoldSum {
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return hn::Add(a, b);
  }
};
struct FoldProduct {
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return hn::Mul(a, b);
  }
};
struct FoldMax {
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Gt(b, a), hn::IsNaN(b)), b, a);
  }
};
struct FoldMin {
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return hn::IfThenElse(hn::Or(hn::Lt(b, a), hn::IsNaN(b)), b, a);
  }
};

template <class Map, class Fold>
HWY_INLINE void AccumulateLattice(const Map& map, const Fold& fold,
                                  const float* values, size_t count,
                                  float* partials) {
  const RowTag d;
  const size_t lanes = hn::Lanes(d);
  if (lanes == kNumPartials) {
    auto sum = hn::Load(d, partials);
    for (size_t i = 0; i < count; i += kNumPartials)
      sum = fold(sum, map(hn::LoadU(d, values + i)));
    hn::Store(sum, d, partials);
    return;
  }
  // Two vectors at a time hide the latency of the fold.
  for (size_t lane = 0; lane < kNumPartials; lane += 2 * lanes) {
    auto sum0 = hn::Load(d, partials + lane);
    auto sum1 = hn::Load(d, partials + lane + lanes);
    for (size_t i = lane; i < count; i += kNumPartials) {
      sum0 = fold(sum0, map(hn::LoadU(d, values + i)));
      sum1 = fold(sum1, map(hn::LoadU(d, values + i + lanes)));
    }
    hn::Store(sum0, d, partials + lane);
    hn::Store(sum1, d, partials + lane + lanes);
  }
}

template <class Map, class Fold>
HWY_INLINE void AccumulateByColumn(const Map& map, const Fold& fold,
                                   const float* values, size_t count,
                                   float* partials) {
  const RowTag d;
  const size_t lanes = hn::Lanes(d);
  size_t j = 0;
  for (; j + lanes <= count; j += lanes) {
    hn::StoreU(fold(hn::LoadU(d, partials + j), map(hn::LoadU(d, values + j))),
               d, partials + j);
  }
  if (j == count) return;
  HWY_ALIGN float tail[2][16] = {};
  std::copy(partials + j, partials + count, tail[0]);
  std::copy(values + j, values + count, tail[1]);
  hn::Store(fold(hn::Load(d, tail[0]), map(hn::Load(d, tail[1]))), d, tail[0]);
  std::copy(tail[0], tail[0] + (count - j), partials + j);
}

struct SimdRows {
  static HWY_NOINLINE void Widen(DataType type, const std::byte* src,
                                 size_t count, float* dst) {
    if (type == DataType::kFloat32)
      return ScalarRows::Widen(type, src, count, dst);
    const RowTag d;
    const size_t lanes = hn::Lanes(d);
    const auto* halves = reinterpret_cast<const uint16_t*>(src);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes)
      hn::StoreU(WidenHalves(d, halves + i), d, dst + i);
    if (i == count) return;
    const size_t rest = count - i;
    compat::StoreFirst(compat::LoadWideFirst(d, halves + i, rest), d, dst + i,
                       rest);
  }

  static HWY_NOINLINE void Narrow(const float* src, size_t count, DataType type,
                                  std::byte* dst) {
    const RowTag d;
    const size_t lanes = hn::Lanes(d);
    size_t i = 0;
    if (type == DataType::kFloat32) {
      auto* floats = reinterpret_cast<float*>(dst);
      const auto nan = hn::Set(d, std::numeric_limits<float>::quiet_NaN());
      for (; i + lanes <= count; i += lanes) {
        const auto value = hn::LoadU(d, src + i);
        hn::StoreU(hn::IfThenElse(hn::IsNaN(value), nan, value), d, floats + i);
      }
      for (; i < count; ++i) floats[i] = CanonicalNan(src[i]);
      return;
    }
    auto* halves = reinterpret_cast<uint16_t*>(dst);
    for (; i + lanes <= count; i += lanes)
      NarrowHalves(d, hn::LoadU(d, src + i), halves + i);
    if (i == count) return;
    const size_t rest = count - i;
    compat::StoreNarrowFirst(compat::LoadFirst(d, src + i, rest), d, halves + i,
                             rest);
  }

  static HWY_NOINLINE void Accumulate(LatticeOp op, float shift,
                                      const float* values, size_t count,
                                      float* partials) {
    switch (op) {
      case LatticeOp::kSum:
        return AccumulateLattice(MapIdentity(), FoldSum(), values, count,
                                 partials);
      case LatticeOp::kSumAbs:
        return AccumulateLattice(MapAbs(), FoldSum(), values, count, partials);
      case LatticeOp::kSumSquares:
        return AccumulateLattice(MapSquare(), FoldSum(), values, count,
                                 partials);
      case LatticeOp::kSumCenteredSquares:
        return AccumulateLattice(MapCenteredSquare{shift}, FoldSum(), values,
                                 count, partials);
      case LatticeOp::kProduct:
        return AccumulateLattice(MapIdentity(), FoldProduct(), values, count,
                                 partials);
      case LatticeOp::kMax:
        return AccumulateLattice(MapIdentity(), FoldMax(), values, count,
                                 partials);
      case LatticeOp::kMin:
        return AccumulateLattice(MapIdentity(), FoldMin(), values, count,
                                 partials);
      case LatticeOp::kSumExp:  // rare: the exponentials dominate
        return ScalarRows::Accumulate(op, shift, values, count, partials);
    }
  }

  static HWY_NOINLINE void AccumulateColumns(LatticeOp op, const float* values,
                                             size_t count, float* partials) {
    if (op == LatticeOp::kSumAbs)
      return AccumulateByColumn(MapAbs(), FoldSum(), values, count, partials);
    if (op == LatticeOp::kSumSquares)
      return AccumulateByColumn(MapSquare(), FoldSum(), values, count,
                                partials);
    FoldColumns(op, values, count, partials);
  }

  static HWY_NOINLINE void FoldColumns(LatticeOp op, const float* others,
                                       size_t count, float* values) {
    if (op == LatticeOp::kProduct)
      return AccumulateByColumn(MapIdentity(), FoldProduct(), others, count,
                                values);
    if (op == LatticeOp::kMax)
      return AccumulateByColumn(MapIdentity(), FoldMax(), others, count,
                                values);
    if (op == LatticeOp::kMin)
      return AccumulateByColumn(MapIdentity(), FoldMin(), others, count,
                                values);
    AccumulateByColumn(MapIdentity(), FoldSum(), others, count, values);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // ANEREF_OPS_KERNELS_REDUCE_ROWS_INL_H_
