// The walk of the pooling kernel over scalar or vector row primitives (`Rows`).
// Included by pool.cc alone. Input rows are widened once into a ring of padded
// fp32 rows. A row is stored as `stride` phases (column p of the padded row is
// element p / stride of phase p % stride), so that each tap of a row of outputs
// is one contiguous run.
#ifndef ANEREF_OPS_KERNELS_POOL_DRIVER_H_
#define ANEREF_OPS_KERNELS_POOL_DRIVER_H_

#include <algorithm>
#include <limits>

#include "ops/kernels/pool.h"
#include "ops/kernels/reduce_lattice.h"

namespace aneref {
namespace pool_internal {

// Columns are computed in whole vectors: runs are readable up to a multiple of
// this.
inline constexpr int64_t kColumnMultiple = 16;

// Room for what whole vectors of halves write, and read, behind a row.
inline constexpr int64_t kKeysBehind = 128;

// Where things are in the scratch, in floats.
struct Layout {
  explicit Layout(const PoolArgs& args) {
    const PoolAxis& columns = args.columns;
    out_length =
        (columns.out + kColumnMultiple - 1) / kColumnMultiple * kColumnMultiple;
    phase_length = out_length + (columns.Extent() - 1) / columns.stride + 1;
    slot_length = phase_length * columns.stride;
    num_slots = std::min(args.rows.Extent(), args.rows.in);
  }
  int64_t out_length, phase_length, slot_length, num_slots;
};

// What a thread keeps in its scratch.
struct Buffers {
  Buffers(const PoolArgs& args, std::byte* scratch) : layout(args) {
    tags = reinterpret_cast<int64_t*>(scratch);
    rows = reinterpret_cast<const float**>(tags + layout.num_slots);
    taps = reinterpret_cast<int64_t*>(rows + args.rows.kernel);
    auto* floats = reinterpret_cast<float*>(taps + args.columns.kernel);
    widened = floats;
    out = widened + args.columns.in;
    divisors = out + layout.out_length;
    slots = divisors + layout.out_length;
    keys = reinterpret_cast<int16_t*>(slots +
                                      layout.num_slots * layout.slot_length);
  }
  static size_t Bytes(const PoolArgs& args) {
    const Layout layout(args);
    const int64_t words =
        layout.num_slots + args.rows.kernel + args.columns.kernel;
    const int64_t floats = args.columns.in + 2 * layout.out_length +
                           layout.num_slots * layout.slot_length;
    return static_cast<size_t>(words) * sizeof(int64_t) +
           static_cast<size_t>(floats) * sizeof(float) +
           static_cast<size_t>(NumKeys(args)) * sizeof(int16_t);
  }
  // A padded row, and what whole vectors of outputs read behind it.
  static int64_t NumKeys(const PoolArgs& args) {
    const PoolAxis& columns = args.columns;
    const int64_t outputs = (columns.out + 1) * columns.stride;
    return std::max(columns.pad + columns.in, outputs) + columns.kernel +
           kKeysBehind;
  }

  Layout layout;
  int64_t* tags;       // [num_slots] the input row a slot holds, -1 for none
  const float** rows;  // [kernel rows] the rows of the window that exist
  int64_t* taps;       // [kernel columns] offset of a tap's run in a slot
  float* widened;      // [in columns]
  float* out;          // [out_length]
  float* divisors;     // [out_length] counts of the columns
  float* slots;        // [num_slots][stride][phase_length]
  int16_t* keys;       // [NumKeys] the greatest halves of columns
};

inline void Prepare(const PoolArgs& args, const Buffers& buffers) {
  const Layout& layout = buffers.layout;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::fill_n(buffers.slots, layout.num_slots * layout.slot_length,
              args.is_max ? -kInfinity : 0.0f);
  std::fill_n(buffers.tags, layout.num_slots, int64_t{-1});
  for (int64_t k = 0; k < args.columns.kernel; ++k) {
    const int64_t column = k * args.columns.dilation;
    buffers.taps[k] = column % args.columns.stride * layout.phase_length +
                      column / args.columns.stride;
  }
  std::fill_n(buffers.divisors, layout.out_length, 1.0f);
  for (size_t i = 0; i < args.columns.counts.size(); ++i) {
    buffers.divisors[i] = static_cast<float>(args.columns.counts[i]);
  }
}

// Widens one input row into a slot; its padding is there already.
template <class Rows>
void FillSlot(const PoolArgs& args, const Buffers& buffers, DataType type,
              const std::byte* row, float* slot) {
  const PoolAxis& columns = args.columns;
  const Layout& layout = buffers.layout;
  const int64_t count =
      std::clamp<int64_t>(layout.slot_length - columns.pad, 0, columns.in);
  if (columns.stride == 1) {
    Rows::Widen(type, row, static_cast<size_t>(count), slot + columns.pad);
    return;
  }
  Rows::Widen(type, row, static_cast<size_t>(count), buffers.widened);
  int64_t i = 0;
  if (columns.stride == 2) {
    if (columns.pad % 2 != 0 && count > 0)
      slot[layout.phase_length + columns.pad / 2] = buffers.widened[i++];
    const int64_t pairs = (count - i) / 2;
    float* even = slot + (i + columns.pad) / 2;
    Rows::Deinterleave(buffers.widened + i, static_cast<size_t>(pairs), even,
                       even + layout.phase_length);
    i += 2 * pairs;
  }
  for (; i < count; ++i) {
    const int64_t column = i + columns.pad;
    slot[column % columns.stride * layout.phase_length +
         column / columns.stride] = buffers.widened[i];
  }
}

// The rows of the window of output row `oh` that exist, top down; their number.
// `any_nan` becomes true when a row has one.
template <class Rows>
size_t GatherRows(const PoolArgs& args, const Buffers& buffers,
                  const TensorView& x, int64_t plane, int64_t oh,
                  bool* any_nan) {
  size_t num_rows = 0;
  for (int64_t k = 0; k < args.rows.kernel; ++k) {
    const int64_t ih =
        oh * args.rows.stride - args.rows.pad + k * args.rows.dilation;
    if (ih < 0 || ih >= args.rows.in) continue;
    const int64_t row = plane * args.rows.in + ih;
    const int64_t index = ih % buffers.layout.num_slots;
    float* slot = buffers.slots + index * buffers.layout.slot_length;
    if (buffers.tags[index] != row) {
      const auto* src = x.Row<std::byte>(row);
      FillSlot<Rows>(args, buffers, x.dtype, src, slot);
      buffers.tags[index] = row;
      if (args.is_max && !*any_nan) {
        *any_nan =
            Rows::AnyNan(x.dtype, src, static_cast<size_t>(args.columns.in));
      }
    }
    buffers.rows[num_rows++] = slot;
  }
  return num_rows;
}

template <class Rows>
Status RunPool(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const PoolArgs*>(call.args);
  const TensorView& y = call.out[0];
  const Buffers buffers(args, call.scratch);
  Prepare(args, buffers);
  const auto num_taps = static_cast<size_t>(args.columns.kernel);
  const auto out_length = static_cast<size_t>(buffers.layout.out_length);
  const int64_t end =
      std::min(args.num_output_rows, (unit + 1) * args.rows_per_unit);
  bool any_nan = false;  // in any row that the unit has read
  for (int64_t row = unit * args.rows_per_unit; row < end; ++row) {
    const int64_t plane = row / args.rows.out, oh = row % args.rows.out;
    if (Rows::MaxHalves(args, buffers, call.in[0], plane, oh, y, row)) continue;
    const size_t num_rows =
        GatherRows<Rows>(args, buffers, call.in[0], plane, oh, &any_nan);
    if (args.is_max) {
      Rows::MaxTaps({buffers.rows, num_rows}, {buffers.taps, num_taps}, any_nan,
                    out_length, buffers.out);
    } else {
      Rows::SumTaps({buffers.rows, num_rows}, {buffers.taps, num_taps},
                    out_length, buffers.out);
      const auto count =
          static_cast<float>(args.rows.counts[static_cast<size_t>(oh)]);
      Rows::Divide(buffers.divisors, count, out_length, buffers.out);
    }
    Rows::Narrow(buffers.out, static_cast<size_t>(args.columns.out), y.dtype,
                 y.Row<std::byte>(row));
  }
  return Status();
}

// Scalar twins of the primitives.
struct ScalarPoolRows : ScalarRows {
  static void Deinterleave(const float* src, size_t pairs, float* even,
                           float* odd) {
    for (size_t i = 0; i < pairs; ++i) {
      even[i] = src[2 * i];
      odd[i] = src[2 * i + 1];
    }
  }
  static bool MaxHalves(const PoolArgs&, const Buffers&, const TensorView&,
                        int64_t, int64_t, const TensorView&, int64_t) {
    return false;
  }
  // Only the vector twin's maximum asks.
  static bool AnyNan(DataType, const std::byte*, size_t) { return false; }
  // P6: rows, then columns. `count` is a multiple of 16.
  static void MaxTaps(std::span<const float* const> rows,
                      std::span<const int64_t> taps, bool /*any_nan*/,
                      size_t count, float* out) {
    for (size_t i = 0; i < count; ++i) {
      float best = -std::numeric_limits<float>::infinity();
      for (const float* row : rows) {
        for (int64_t tap : taps)
          best = MaxOf(best, row[static_cast<size_t>(tap) + i]);
      }
      out[i] = best;
    }
  }
  static void SumTaps(std::span<const float* const> rows,
                      std::span<const int64_t> taps, size_t count, float* out) {
    for (size_t i = 0; i < count; ++i) {
      float sum = 0.0f;
      for (const float* row : rows) {
        for (int64_t tap : taps) sum += row[static_cast<size_t>(tap) + i];
      }
      out[i] = sum;
    }
  }
  // The divisor is the number of columns times the number of rows, exact in
  // fp32.
  static void Divide(const float* columns, float rows, size_t count,
                     float* out) {
    for (size_t i = 0; i < count; ++i) out[i] /= columns[i] * rows;
  }
};

}  // namespace pool_internal
}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_POOL_DRIVER_H_
