// Highway twin of the softmax kernels. Rows: the 16 partial sums of P5 lie in
// 16 / lanes vectors, so the order does not depend on the vector width.
// Columns: one group per lane, its partial sums in memory.
#include <algorithm>
#include <limits>
#include <type_traits>

#include "ops/kernels/reduce_lattice.h"
#include "ops/kernels/softmax.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/softmax_simd.cc"
#include "hwy/foreach_target.h"  // compiles this file once per target
//
#include "hwy/highway.h"
#include "ops/kernels/elementwise_io-inl.h"
#include "runtime/core/elementary.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace {

using DF = hn::CappedTag<float, kNumPartials>;
using VF = hn::Vec<DF>;

// v where it is above `seen`, else `seen`, also where one is NaN.
HWY_INLINE VF Larger(VF v, VF seen) {
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  return VF{_mm512_max_ps(v.raw, seen.raw)};
#else
  return hn::IfThenElse(hn::Gt(v, seen), v, seen);
#endif
}

// P9, step by step as ExpFloat, of x <= 0 or NaN: there is no upper bound to
// keep.
HWY_INLINE VF ExpLanes(DF d, VF x) {
  const auto magic = hn::Set(d, kExpMagic);
  const auto c = Larger(hn::Set(d, kExpMin), x);
  const auto shifted = hn::Add(hn::Mul(c, hn::Set(d, kExpLog2E)), magic);
  const auto n = hn::Sub(shifted, magic);
  // n * kExpLn2Hi is exact, so this may be fused.
  const auto r = hn::Sub(hn::NegMulAdd(n, hn::Set(d, kExpLn2Hi), c),
                         hn::Mul(n, hn::Set(d, kExpLn2Lo)));
  auto q = hn::Set(d, kExpPoly[kExpNumPoly - 1]);
  for (int i = kExpNumPoly - 2; i >= 0; --i)
    q = hn::Add(hn::Mul(q, r), hn::Set(d, kExpPoly[i]));
  const auto power =
      hn::Add(hn::Add(hn::Mul(q, hn::Mul(r, r)), r), hn::Set(d, 1.0f));
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86
  // power * 2^n, rounded once where it is subnormal, as below.
  return VF{_mm512_scalef_ps(power.raw, n.raw)};
#else
  const hn::RebindToSigned<DF> di;
  const auto exponent =
      hn::Sub(hn::BitCast(di, shifted), hn::BitCast(di, magic));
  const auto first = hn::ShiftRight<1>(exponent);
  const auto second = hn::Sub(exponent, first);
  const auto bias = hn::Set(di, 127);
  const auto first_power =
      hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(first, bias)));
  const auto second_power =
      hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(second, bias)));
  return hn::Mul(hn::Mul(power, first_power), second_power);
#endif
}

// ---- rows ----

// Widens a row to `to` and returns the maximum of `seen` and its elements, NaN
// aside (a NaN shows in the sum). Two maxima: one would wait for itself.
template <class Io>
HWY_INLINE VF WidenRow(const Io& io, const std::byte* row, size_t count,
                       float* to, VF seen) {
  const auto* x = reinterpret_cast<const typename Io::Stored*>(row);
  const size_t lanes = hn::Lanes(io.df);
  size_t i = 0;
  auto odd = seen;
  const auto widen = [&](VF& largest) HWY_ATTR {
    const auto v = io.Load(x + i);
    hn::StoreU(v, io.df, to + i);
    largest = Larger(v, largest);
    i += lanes;
  };
  while (i + 2 * lanes <= count) {
    widen(seen);
    widen(odd);
  }
  if (i + lanes <= count) widen(odd);
  if (i < count) {
    // Stores a whole vector: the scratch goes on, and what follows is written
    // later.
    const auto v = io.LoadN(x + i, count - i);
    hn::StoreU(v, io.df, to + i);
    seen = hn::IfThenElse(hn::FirstN(io.df, count - i), Larger(v, seen), seen);
  }
  return Larger(odd, seen);
}

// e = ExpFloat(x - maximum) of `count` elements, a multiple of 16, and their
// sum by P5. `keep` overwrites x with e.
HWY_INLINE float SumExponentials(DF d, float* values, size_t count,
                                 float maximum, bool keep) {
  HWY_ALIGN float partials[kNumPartials];
  float totals[kNumPartials] = {};
  constexpr size_t kLanes = hn::MaxLanes(d);
  constexpr size_t kVectors = kNumPartials / kLanes;
  const auto shift = hn::Set(d, maximum);
  for (size_t begin = 0; begin < count; begin += kLatticeBlock) {
    const size_t end = std::min(begin + kLatticeBlock, count);
    VF sum[kVectors];
    for (size_t v = 0; v < kVectors; ++v) sum[v] = hn::Zero(d);
    for (size_t i = begin; i < end; i += kNumPartials) {
      for (size_t v = 0; v < kVectors; ++v) {
        float* at = values + i + v * kLanes;
        const auto e = ExpLanes(d, hn::Sub(hn::Load(d, at), shift));
        if (keep) hn::Store(e, d, at);
        sum[v] = hn::Add(sum[v], e);
      }
    }
    for (size_t v = 0; v < kVectors; ++v)
      hn::Store(sum[v], d, partials + v * kLanes);
    LatticeEndBlock(LatticeOp::kSum, partials, totals);
  }
  return LatticeTree(LatticeOp::kSum, totals);
}

// What is left after the sum: y = e / sum, or (x - maximum) - log(sum).
struct Finish {
  bool log;
  float maximum;
  float sum;  // or its logarithm
};
HWY_INLINE VF FinishLanes(DF d, const Finish& finish, VF v) {
  if (finish.log)
    return hn::Sub(hn::Sub(v, hn::Set(d, finish.maximum)),
                   hn::Set(d, finish.sum));
  return hn::Div(v, hn::Set(d, finish.sum));
}

#if HWY_NATIVE_FMA && ANEREF_NATIVE_HALF
// Exponentials of [0, 1] by their sum, 1 and more, as fp16: without a division
// for each. With RN(1 / sum), a quotient within one unit and its exact
// remainder the last step gives RN(e / sum) (Markstein). The remainder is
// inexact where e is below 2^-100; there the half is zero all the same.
// Quotients are in [0, 1]: nothing saturates. Returns the whole vectors' end.
HWY_INLINE size_t StoreQuotients(DF d, float sum_of_all, const float* values,
                                 size_t count, uint16_t* out) {
  const hn::Rebind<hwy::float16_t, DF> df16;
  const hn::Rebind<uint16_t, DF> dh;
  const size_t lanes = hn::Lanes(d);
  const auto sum = hn::Set(d, sum_of_all);
  const auto reciprocal = hn::Div(hn::Set(d, 1.0f), sum);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto e = hn::LoadU(d, values + i);
    auto quotient = hn::Mul(e, reciprocal);
    quotient =
        hn::MulAdd(hn::NegMulAdd(quotient, sum, e), reciprocal, quotient);
    quotient =
        hn::MulAdd(hn::NegMulAdd(quotient, sum, e), reciprocal, quotient);
    hn::StoreU(hn::BitCast(dh, hn::DemoteTo(df16, quotient)), dh, out + i);
  }
  return i;
}
#endif

template <class Io>
HWY_INLINE void FinishRow(const Io& io, const Finish& finish,
                          const float* values, size_t count, std::byte* row) {
  auto* out = reinterpret_cast<typename Io::Stored*>(row);
  const size_t lanes = hn::Lanes(io.df);
  size_t i = 0;
#if HWY_NATIVE_FMA && ANEREF_NATIVE_HALF
  if constexpr (std::is_same_v<typename Io::Stored, uint16_t>) {
    const bool is_number = finish.sum == finish.sum;  // else all are NaN
    if (!finish.log && is_number)
      i = StoreQuotients(io.df, finish.sum, values, count, out);
  }
#endif
  for (; i + lanes <= count; i += lanes)
    io.Store(FinishLanes(io.df, finish, hn::LoadU(io.df, values + i)), out + i);
  // The scratch goes on behind the group, so a whole vector may be read.
  if (i < count)
    io.StoreN(FinishLanes(io.df, finish, hn::LoadU(io.df, values + i)), out + i,
              count - i);
}

template <class Io>
void RunGroups(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const SoftmaxArgs*>(call.args);
  const Io io{};
  auto* values = reinterpret_cast<float*>(call.scratch);
  const auto width = static_cast<size_t>(call.in[0].width());
  const size_t count = static_cast<size_t>(args.extent) * width;
  const size_t padded =
      (count + kNumPartials - 1) / kNumPartials * kNumPartials;
  const float lowest = -std::numeric_limits<float>::infinity();
  const int64_t first = unit * args.groups_per_unit;
  const int64_t last = std::min(first + args.groups_per_unit, args.num_groups);
  if (count == 0) return;
  for (int64_t group = first; group < last; ++group) {
    auto seen = hn::Set(io.df, lowest);
    for (int64_t k = 0; k < args.extent; ++k) {
      const auto* row =
          call.in[0].Row<const std::byte>(group * args.extent + k);
      seen = WidenRow(io, row, width, values + static_cast<size_t>(k) * width,
                      seen);
    }
    // exp(-inf) = 0 leaves its partial sum as it is.
    std::fill(values + count, values + padded, lowest);
    Finish finish = {args.mode == SoftmaxMode::kLog,
                     hn::GetLane(hn::MaxOfLanes(io.df, seen)), 0.0f};
    finish.sum =
        SumExponentials(io.df, values, padded, finish.maximum, !finish.log);
    if (finish.log) finish.sum = SoftmaxLog(finish.sum);
    for (int64_t k = 0; k < args.extent; ++k) {
      auto* row = call.out[0].Row<std::byte>(group * args.extent + k);
      FinishRow(io, finish, values + static_cast<size_t>(k) * width, width,
                row);
    }
  }
}

// ---- columns ----

// A block of at most kSoftmaxColumns columns; scratch rows are kSoftmaxColumns
// floats apart.
struct ColumnBlock {
  const TensorView& in;
  const TensorView& out;
  const SoftmaxArgs& args;
  int64_t row;  // of the first element
  size_t column;
  size_t count;
  float* values;    // [extent]
  float* maxima;    // one row
  float* partials;  // [16]
  float* totals;    // [16]
};

template <class Io>
HWY_INLINE void WidenColumns(const Io& io, const ColumnBlock& b) {
  const size_t lanes = hn::Lanes(io.df);
  std::fill_n(b.maxima, kSoftmaxColumns,
              -std::numeric_limits<float>::infinity());
  for (int64_t k = 0; k < b.args.extent; ++k) {
    const auto* x =
        b.in.Row<const typename Io::Stored>(b.row + k * b.args.inner) +
        b.column;
    float* to = b.values + static_cast<size_t>(k) * kSoftmaxColumns;
    for (size_t i = 0; i < b.count; i += lanes) {
      const auto v =
          i + lanes <= b.count ? io.Load(x + i) : io.LoadN(x + i, b.count - i);
      const auto seen = hn::Load(io.df, b.maxima + i);
      hn::Store(v, io.df, to + i);
      hn::Store(hn::IfThenElse(hn::Gt(v, seen), v, seen), io.df, b.maxima + i);
    }
  }
}

// LatticeEndBlock, column by column.
HWY_INLINE void EndColumnsBlock(DF d, const ColumnBlock& b) {
  for (size_t l = 0; l < kNumPartials * kSoftmaxColumns; l += hn::Lanes(d)) {
    const auto total = hn::Load(d, b.totals + l);
    hn::Store(hn::Add(total, hn::Load(d, b.partials + l)), d, b.totals + l);
    hn::Store(hn::Zero(d), d, b.partials + l);
  }
}

HWY_INLINE void SumColumns(DF d, const ColumnBlock& b, bool keep) {
  const size_t lanes = hn::Lanes(d);
  const auto extent = static_cast<size_t>(b.args.extent);
  std::fill_n(b.partials, kNumPartials * kSoftmaxColumns, 0.0f);
  std::fill_n(b.totals, kNumPartials * kSoftmaxColumns, 0.0f);
  for (size_t k = 0; k < extent; ++k) {
    if (k > 0 && k % kLatticeBlock == 0) EndColumnsBlock(d, b);
    float* values = b.values + k * kSoftmaxColumns;
    float* partial = b.partials + k % kNumPartials * kSoftmaxColumns;
    for (size_t i = 0; i < b.count; i += lanes) {
      const auto e = ExpLanes(
          d, hn::Sub(hn::Load(d, values + i), hn::Load(d, b.maxima + i)));
      if (keep) hn::Store(e, d, values + i);
      hn::Store(hn::Add(hn::Load(d, partial + i), e), d, partial + i);
    }
  }
  if (extent > kLatticeBlock) {
    EndColumnsBlock(d, b);
    std::copy_n(b.totals, kNumPartials * kSoftmaxColumns, b.partials);
  }
  for (size_t half = kNumPartials / 2; half > 0; half /= 2) {
    for (size_t l = 0; l < half * kSoftmaxColumns; l += lanes) {
      const auto upper = hn::Load(d, b.partials + half * kSoftmaxColumns + l);
      hn::Store(hn::Add(hn::Load(d, b.partials + l), upper), d, b.partials + l);
    }
  }
}

template <class Io>
HWY_INLINE void FinishColumns(const Io& io, const ColumnBlock& b, bool log) {
  const size_t lanes = hn::Lanes(io.df);
  for (int64_t k = 0; k < b.args.extent; ++k) {
    auto* out =
        b.out.Row<typename Io::Stored>(b.row + k * b.args.inner) + b.column;
    const float* values = b.values + static_cast<size_t>(k) * kSoftmaxColumns;
    for (size_t i = 0; i < b.count; i += lanes) {
      const auto v = hn::Load(io.df, values + i);
      const auto sum = hn::Load(io.df, b.partials + i);
      const auto y =
          log ? hn::Sub(hn::Sub(v, hn::Load(io.df, b.maxima + i)), sum)
              : hn::Div(v, sum);
      if (i + lanes <= b.count) {
        io.Store(y, out + i);
      } else {
        io.StoreN(y, out + i, b.count - i);
      }
    }
  }
}

template <class Io>
void RunColumns(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const SoftmaxArgs*>(call.args);
  const Io io{};
  const auto width = static_cast<size_t>(call.in[0].width());
  const auto blocks =
      static_cast<int64_t>((width + kSoftmaxColumns - 1) / kSoftmaxColumns);
  if (call.in[0].shape.NumElements() == 0) return;
  const int64_t group = unit / blocks;
  const size_t column = static_cast<size_t>(unit % blocks) * kSoftmaxColumns;
  auto* scratch = reinterpret_cast<float*>(call.scratch);
  float* values = scratch + (2 * kNumPartials + 1) * kSoftmaxColumns;
  const ColumnBlock block = {
      call.in[0],
      call.out[0],
      args,
      group / args.inner * args.extent * args.inner + group % args.inner,
      column,
      std::min(kSoftmaxColumns, width - column),
      values,
      scratch,
      scratch + kSoftmaxColumns,
      scratch + (kNumPartials + 1) * kSoftmaxColumns};
  const bool log = args.mode == SoftmaxMode::kLog;
  WidenColumns(io, block);
  SumColumns(io.df, block, !log);
  if (log) {
    for (size_t i = 0; i < block.count; ++i)
      block.partials[i] = SoftmaxLog(block.partials[i]);
  }
  FinishColumns(io, block, log);
}

void RowsUnit(const KernelCall& call, int64_t unit) {
  if (call.in[0].dtype == DataType::kFloat16)
    return RunGroups<HalfIo<DF>>(call, unit);
  RunGroups<FloatIo<DF>>(call, unit);
}

void ColumnsUnit(const KernelCall& call, int64_t unit) {
  if (call.in[0].dtype == DataType::kFloat16)
    return RunColumns<HalfIo<DF>>(call, unit);
  RunColumns<FloatIo<DF>>(call, unit);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {
HWY_EXPORT(RowsUnit);
HWY_EXPORT(ColumnsUnit);
}  // namespace

Status SoftmaxRowsSimd(const KernelCall& call, int64_t unit) {
  HWY_DYNAMIC_DISPATCH(RowsUnit)(call, unit);
  return Status();
}

Status SoftmaxColumnsSimd(const KernelCall& call, int64_t unit) {
  HWY_DYNAMIC_DISPATCH(ColumnsUnit)(call, unit);
  return Status();
}

}  // namespace aneref
#endif  // HWY_ONCE
