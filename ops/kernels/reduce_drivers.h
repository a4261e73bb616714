// The walks of the reduction kernels, over scalar or vector row primitives
// (`Rows`): which rows an output reads and where it is stored. Included by
// reduce.cc alone.
#ifndef ANEREF_OPS_KERNELS_REDUCE_DRIVERS_H_
#define ANEREF_OPS_KERNELS_REDUCE_DRIVERS_H_

#include <algorithm>

#include "ops/kernels/reduce.h"

namespace aneref {
namespace reduce_internal {

inline void StoreOne(float value, const TensorView& y, int64_t flat) {
  const int64_t width = y.width();
  std::byte* row = y.Row<std::byte>(flat / width);
  ScalarRows::Narrow(
      &value, 1, y.dtype,
      row + static_cast<size_t>(flat % width) * ElementSize(y.dtype));
}

// P5 over all rows of one output.
template <class Rows>
float ReduceOutput(const ReduceArgs& args, LatticeOp op, float shift,
                   const TensorView& x, int64_t base) {
  LatticeReducer<Rows> reducer(op, shift);
  const int64_t num_rows = args.reduced.Count();
  const auto width = static_cast<size_t>(x.width());
  for (int64_t r = 0; r < num_rows; ++r) {
    reducer.Add(x.dtype, x.Row<std::byte>(base + args.reduced.Row(r)), width);
  }
  return reducer.Finish();
}

template <class Rows>
Status RunReduceRows(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const ReduceArgs*>(call.args);
  const TensorView& x = call.in[0];
  const int64_t end = std::min(args.items, (unit + 1) * args.items_per_unit);
  for (int64_t output = unit * args.items_per_unit; output < end; ++output) {
    const int64_t base = args.kept.Row(output);
    float shift = 0.0f;
    if (args.op == LatticeOp::kSumExp)
      shift =
          ExpShift(ReduceOutput<Rows>(args, LatticeOp::kMax, 0.0f, x, base));
    const float value = ReduceOutput<Rows>(args, args.op, shift, x, base);
    StoreOne(FinishReduction(args.end, value, shift), call.out[0], output);
  }
  return Status();
}

// A strip of columns of one output row.
struct Strip {
  int64_t output_row = 0;
  int64_t base = 0;  // first input row
  int64_t column = 0;
  size_t count = 0;
};

inline Strip StripOf(const ReduceArgs& args, int64_t width, int64_t item) {
  const int64_t strips = (width + kReduceStrip - 1) / kReduceStrip;
  const int64_t column = item % strips * kReduceStrip;
  return {item / strips, args.kept.Row(item / strips), column,
          static_cast<size_t>(std::min(kReduceStrip, width - column))};
}

inline const std::byte* StripRow(const ReduceArgs& args, const TensorView& x,
                                 const Strip& strip, int64_t i) {
  return x.Row<std::byte>(strip.base + args.reduced.Row(i)) +
         static_cast<size_t>(strip.column) * ElementSize(x.dtype);
}

// The end of a block, column by column (LatticeEndBlock).
template <class Rows>
void EndStripBlock(LatticeOp op, size_t count, float* partials, float* totals) {
  for (size_t l = 0; l < kNumPartials; ++l) {
    Rows::FoldColumns(op, partials + l * kReduceStrip, count,
                      totals + l * kReduceStrip);
  }
  std::fill_n(partials, kNumPartials * kReduceStrip, LatticeIdentity(op));
}

// Folds the strip's columns into partials[0 .. strip.count); the totals of the
// blocks lie behind the partials. `shift`, one per column, for kSumExp only.
template <class Rows>
void ReduceStrip(const ReduceArgs& args, LatticeOp op, const float* shift,
                 const TensorView& x, const Strip& strip, float* partials,
                 float* row) {
  // Partials without elements hold the identity and change nothing in the tree:
  // they are left out.
  const auto used =
      static_cast<size_t>(std::clamp<int64_t>(args.end.count, 1, kNumPartials));
  // Totals of a single block are its partials.
  const bool blocks = args.end.count > static_cast<int64_t>(kLatticeBlock);
  float* totals = partials + kNumPartials * kReduceStrip;
  std::fill_n(partials, (used + (blocks ? kNumPartials : 0)) * kReduceStrip,
              LatticeIdentity(op));
  for (int64_t i = 0; i < args.end.count; ++i) {
    Rows::Widen(x.dtype, StripRow(args, x, strip, i), strip.count, row);
    float* partial =
        partials + static_cast<size_t>(i) % kNumPartials * kReduceStrip;
    if (op == LatticeOp::kSumExp) {
      for (size_t j = 0; j < strip.count; ++j)
        row[j] = ExpFloat(row[j] - shift[j]);
      Rows::AccumulateColumns(LatticeOp::kSum, row, strip.count, partial);
    } else {
      Rows::AccumulateColumns(op, row, strip.count, partial);
    }
    const auto done = static_cast<size_t>(i) + 1;
    if (blocks && done % kLatticeBlock == 0)
      EndStripBlock<Rows>(op, strip.count, partials, totals);
  }
  if (blocks) {
    EndStripBlock<Rows>(op, strip.count, partials, totals);
    std::copy_n(totals, kNumPartials * kReduceStrip, partials);
  }
  for (size_t half = kNumPartials / 2; half > 0; half /= 2) {
    for (size_t l = 0; l < half && l + half < used; ++l) {
      Rows::FoldColumns(op, partials + (l + half) * kReduceStrip, strip.count,
                        partials + l * kReduceStrip);
    }
  }
}

template <class Rows>
Status RunReduceColumns(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const ReduceArgs*>(call.args);
  const TensorView& x = call.in[0];
  const TensorView& y = call.out[0];
  auto* partials = reinterpret_cast<float*>(call.scratch);  // [2][16][strip]
  float* row = partials + 2 * kNumPartials * kReduceStrip;  // [strip]
  float* shift = row + kReduceStrip;                        // [strip]
  const int64_t end = std::min(args.items, (unit + 1) * args.items_per_unit);
  for (int64_t item = unit * args.items_per_unit; item < end; ++item) {
    const Strip strip = StripOf(args, x.width(), item);
    std::fill_n(shift, kReduceStrip, 0.0f);
    if (args.op == LatticeOp::kSumExp) {
      ReduceStrip<Rows>(args, LatticeOp::kMax, shift, x, strip, partials, row);
      for (size_t j = 0; j < strip.count; ++j) shift[j] = ExpShift(partials[j]);
    }
    ReduceStrip<Rows>(args, args.op, shift, x, strip, partials, row);
    if (args.end.finish != ReduceFinish::kNone) {
      for (size_t j = 0; j < strip.count; ++j) {
        partials[j] = FinishReduction(args.end, partials[j], shift[j]);
      }
    }
    // The output's last axis is the input's.
    std::byte* out = y.Row<std::byte>(strip.output_row) +
                     static_cast<size_t>(strip.column) * ElementSize(y.dtype);
    Rows::Narrow(partials, strip.count, y.dtype, out);
  }
  return Status();
}

// Whether `x` takes the place of `best`.
inline bool IsMoreExtreme(const ReduceArgs& args, float x, float best) {
  if (x != x) return args.select_last || best == best;
  if (best != best) return false;
  if (x == best) return args.select_last;
  return args.op == LatticeOp::kMax ? x > best : x < best;
}

template <class Rows>
Status RunArgRows(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const ReduceArgs*>(call.args);
  const TensorView& x = call.in[0];
  const TensorView& y = call.out[0];
  constexpr int64_t kChunk = 256;
  float chunk[kChunk];
  const int64_t end = std::min(args.items, (unit + 1) * args.items_per_unit);
  for (int64_t output = unit * args.items_per_unit; output < end; ++output) {
    const std::byte* row = x.Row<std::byte>(args.kept.Row(output));
    float best = 0.0f;
    int64_t index = 0;
    for (int64_t i = 0; i < x.width(); ++i) {
      if (i % kChunk == 0) {
        const auto part = static_cast<size_t>(std::min(kChunk, x.width() - i));
        Rows::Widen(x.dtype,
                    row + static_cast<size_t>(i) * ElementSize(x.dtype), part,
                    chunk);
      }
      const float value = chunk[i % kChunk];
      if (i > 0 && !IsMoreExtreme(args, value, best)) continue;
      best = value;
      index = i;
    }
    y.Row<int64_t>(output / y.width())[output % y.width()] = index;
  }
  return Status();
}

template <class Rows>
Status RunArgColumns(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const ReduceArgs*>(call.args);
  const TensorView& x = call.in[0];
  auto* row = reinterpret_cast<float*>(call.scratch);
  float* best = row + kReduceStrip;
  const int64_t end = std::min(args.items, (unit + 1) * args.items_per_unit);
  for (int64_t item = unit * args.items_per_unit; item < end; ++item) {
    const Strip strip = StripOf(args, x.width(), item);
    int64_t* index = call.out[0].Row<int64_t>(strip.output_row) + strip.column;
    std::fill_n(index, strip.count, int64_t{0});
    Rows::Widen(x.dtype, StripRow(args, x, strip, 0), strip.count, best);
    for (int64_t i = 1; i < args.end.count; ++i) {
      Rows::Widen(x.dtype, StripRow(args, x, strip, i), strip.count, row);
      for (size_t j = 0; j < strip.count; ++j) {
        if (!IsMoreExtreme(args, row[j], best[j])) continue;
        best[j] = row[j];
        index[j] = i;
      }
    }
  }
  return Status();
}

}  // namespace reduce_internal
}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_REDUCE_DRIVERS_H_
