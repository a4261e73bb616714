// The Highway twin of mac_device.cc: columns in the lanes, four rows (or one)
// at a time, k ascending in every lane. A tile whose sum of |x * w| is bounded
// below the ceiling runs unchecked; others are checked chunk by chunk, and
// chunks that may overflow follow every addition (N18, N20).
#include <bit>
#include <cmath>

#include "ops/kernels/mac_device.h"
#include "runtime/core/accumulator.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/mac_device_simd.cc"
#include "hwy/foreach_target.h"  // compiles this file once per target
//
#include "hwy/highway.h"
#include "ops/kernels/mac_device-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace {

using acc::Float;
using acc::Int;
using mac::Block;
using mac::kChunk;
using mac::kMostRows;
using mac::kStretch;
using mac::Scratch;
using mac::States;

// ---- one column group of one block ----

// Whether no lane can overflow within [begin, end), going on from `states`.
// Lanes that have overflowed already stay as they are, whatever follows.
template <class Path, size_t kRows, size_t kVectors>
HWY_NOINLINE bool IsSafe(
    const Block& block, const float* w, size_t begin, size_t end,
    const States<typename Path::State, kRows, kVectors>& states) {
  const acc::Tag d;
  const size_t last = HWY_MIN(end, block.tile->depth);
  Float sums[kRows][kVectors];
  for (size_t r = 0; r < kRows; ++r)
    for (size_t v = 0; v < kVectors; ++v)
      sums[r][v] = Path::Magnitude(states.lane[r][v]);
  for (size_t k = begin; k < last; ++k) {
    Float column[kVectors];
    for (size_t v = 0; v < kVectors; ++v)
      column[v] = hn::Abs(
          hn::LoadU(d, w + k * block.tile->w_stride + v * hn::Lanes(d)));
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      const Float row = Path::RowMagnitude(block.scratch, k * kRows + r);
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sums[r][v] =
          hn::MulAdd(row, column[v], sums[r][v]);
    }
  }
  Float largest = hn::Zero(d);
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kVectors; ++v) {
      const auto over =
          hn::Ne(states.lane[r][v].overflow, hn::Zero(acc::TagInt()));
      largest = hn::Max(
          largest, hn::IfThenZeroElse(hn::RebindMask(d, over), sums[r][v]));
    }
  }
  return hn::AllTrue(d, hn::Lt(largest, hn::Set(d, acc::kSafeSum)));
}

// Whether the results are settled: every lane has overflowed. Rows that do not
// exist never do.
template <class State, size_t kRows, size_t kVectors>
HWY_INLINE bool IsSettled(const Block& block,
                          const States<State, kRows, kVectors>& states) {
  const acc::TagInt di;
  bool settled = true;
  for (size_t r = 0; r < block.num_rows; ++r)
    for (size_t v = 0; v < kVectors; ++v)
      settled = settled && hn::AllTrue(di, hn::Ne(states.lane[r][v].overflow,
                                                  hn::Zero(di)));
  return settled;
}

// Adds the lists of a block that may overflow: chunk by chunk, then stretch by
// stretch, unchecked wherever one cannot.
template <class Path, size_t kRows, size_t kVectors>
HWY_NOINLINE void AddCarefully(
    const Block& block, const float* w, size_t depth,
    States<typename Path::State, kRows, kVectors>* states) {
  for (size_t chunk = 0; chunk < depth; chunk += kChunk) {
    const size_t chunk_end = HWY_MIN(depth, chunk + kChunk);
    if (IsSafe<Path, kRows, kVectors>(block, w, chunk, chunk_end, *states)) {
      Path::template AddRange<false, kRows, kVectors>(block, w, chunk,
                                                      chunk_end, states);
      continue;
    }
    for (size_t begin = chunk; begin < chunk_end; begin += kStretch) {
      const size_t end = HWY_MIN(chunk_end, begin + kStretch);
      if (IsSettled(block, *states)) return;
      if (IsSafe<Path, kRows, kVectors>(block, w, begin, end, *states))
        Path::template AddRange<false, kRows, kVectors>(block, w, begin, end,
                                                        states);
      else
        Path::template AddRange<true, kRows, kVectors>(block, w, begin, end,
                                                       states);
    }
  }
}

// Sums of |x| times the largest |w|: cheap, and enough for most tiles.
template <class Path, size_t kRows, size_t kVectors>
HWY_INLINE bool IsSafeByBound(
    const Block& block, size_t column,
    const States<typename Path::State, kRows, kVectors>& states) {
  const acc::Tag d;
  // Each rounding of N16 adds at most half a unit of 2^-16.
  Float largest = hn::Set(d, static_cast<float>(block.tile->depth) * 0x1p-16f);
  const Float base = largest;
  for (size_t v = 0; v < kVectors; ++v) {
    Float start = hn::Zero(d);
    for (size_t r = 0; r < kRows; ++r)
      start = hn::Max(start, Path::Magnitude(states.lane[r][v]));
    const Float weight =
        hn::LoadU(d, block.scratch.column_max + column + v * hn::Lanes(d));
    const Float bound = hn::Add(hn::Add(base, start),
                                hn::Mul(hn::Set(d, block.largest_row), weight));
    largest = hn::Max(largest, bound);
  }
  return hn::AllTrue(d, hn::Lt(largest, hn::Set(d, acc::kSafeSum)));
}

MacEpilogue EpilogueOf(const MacTile& tile, size_t channel) {
  MacEpilogue epilogue;
  epilogue.has_bias = tile.bias != nullptr;
  epilogue.has_scale = tile.scale != nullptr;
  if (epilogue.has_bias)
    epilogue.bias = static_cast<double>(tile.bias[channel]);
  if (epilogue.has_scale) epilogue.scale = tile.scale[channel];
  return epilogue;
}

MacSum SumOfLane(const acc::FixedState&, int32_t sum, int32_t overflow) {
  return {sum, -16, overflow};
}
MacSum SumOfLane(const acc::Radix4State&, int32_t sum, int32_t overflow) {
  const uint16_t port = StoreEngine(
      Rounding::kNearestEven, static_cast<double>(std::bit_cast<float>(sum)));
  const MacOperand value = DecodeOperand(port);
  if (overflow == 0 && (port & 0x7FFFu) >= 0x7800u)
    overflow = (port & kHalfSignBit) != 0 ? -1 : 1;
  return {value.significand, value.exponent - 10, overflow};
}
HWY_INLINE Int SumBits(const acc::FixedState& state) { return state.sum; }
HWY_INLINE Int SumBits(const acc::Radix4State& state) {
  return acc::Bits(state.sum);
}

// Whether the epilogue needs core's scalar code: scales, and biases that are
// added where the vector form has no rounding for it.
bool NeedsScalarFinish(const MacTile& tile) {
  if (tile.scale != nullptr) return true;
  if (tile.bias == nullptr || tile.profile->bias_preload) return false;
  return tile.profile->mac == MacAccumulator::kQ15_16 ||
         tile.profile->rounding == Rounding::kHalfAway;
}

template <class Path, size_t kRows, size_t kVectors>
HWY_INLINE void Store(
    const Block& block, size_t column,
    const States<typename Path::State, kRows, kVectors>& states) {
  const acc::Tag d;
  const acc::TagInt di;
  const hn::Rebind<uint16_t, acc::Tag> dh;
  const MacTile& tile = *block.tile;
  const bool is_scalar = NeedsScalarFinish(tile);
  const bool has_after = tile.bias != nullptr && !tile.profile->bias_preload;
  for (size_t r = 0; r < block.num_rows; ++r) {
    const size_t row = block.first_row + r;
    for (size_t v = 0; v < kVectors; ++v) {
      const size_t first = column + v * hn::Lanes(d);
      if (first >= tile.columns) continue;
      const size_t count = HWY_MIN(hn::Lanes(d), tile.columns - first);
      uint16_t* out = tile.out + row * tile.out_stride + first;
      const auto& state = states.lane[r][v];
      if (!is_scalar) {
        const Float after = tile.channels_are_rows
                                ? hn::Set(d, block.after[r])
                                : hn::LoadU(d, block.scratch.after + first);
        const Int bits = Path::Finish(state, has_after, after);
        compat::StoreFirst(hn::DemoteTo(dh, bits), dh, out, count);
        continue;
      }
      HWY_ALIGN int32_t sums[16];
      HWY_ALIGN int32_t overflows[16];
      hn::Store(SumBits(state), di, sums);
      hn::Store(state.overflow, di, overflows);
      for (size_t i = 0; i < count; ++i)
        out[i] = FinishMac(
            *tile.profile,
            EpilogueOf(tile, tile.channels_are_rows ? row : first + i),
            SumOfLane(state, sums[i], overflows[i]));
    }
  }
}

template <class Path, size_t kRows, size_t kVectors>
HWY_NOINLINE void Columns(const Block& block, size_t column) {
  const acc::Tag d;
  const MacTile& tile = *block.tile;
  States<typename Path::State, kRows, kVectors> states;
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t v = 0; v < kVectors; ++v)
      states.lane[r][v] = Path::Start(
          tile.channels_are_rows
              ? hn::Set(d, block.start[r])
              : hn::LoadU(d, block.scratch.start + column + v * hn::Lanes(d)));
  }
  const size_t depth = (tile.depth + 3) / 4 * 4;
  // Absent where the weights are packed another way.
  const float* w = tile.w == nullptr ? nullptr : tile.w + column;
  if (IsSafeByBound<Path, kRows, kVectors>(block, column, states)) {
    Path::template AddRange<false, kRows, kVectors>(block, w, 0, depth,
                                                    &states);
  } else {
    AddCarefully<Path, kRows, kVectors>(block, w, depth, &states);
  }
  Store<Path, kRows, kVectors>(block, column, states);
}

// ---- preparation ----

// What the accumulator of `channel` starts at (fp32, or the int32 of q15_16)
// and the fp16 bias of the end. False: the bias alone overflows.
bool StartOf(const MacTile& tile, size_t channel, float* start, float* after) {
  const MacEpilogue epilogue = EpilogueOf(tile, channel);
  const bool preloads = PreloadsBias(*tile.profile, epilogue);
  const double bias = preloads ? epilogue.bias : 0.0;
  *after = static_cast<float>(
      EngineHalfToDouble(StoreEngine(Rounding::kNearestEven, epilogue.bias)));
  MacSum sum;
  if (tile.profile->mac == MacAccumulator::kQ15_16) {
    FixedAccumulator fixed;
    fixed.Start(*tile.profile, true, bias);
    sum = fixed.Finish();
    *start = std::bit_cast<float>(static_cast<int32_t>(sum.significand));
  } else {
    Radix4Accumulator radix4;
    radix4.Start(*tile.profile, true, bias);
    sum = radix4.Finish();  // fp16 already: the start itself
    *start = static_cast<float>(
        std::ldexp(static_cast<double>(sum.significand), sum.unit_exponent));
  }
  return sum.overflow == 0;
}

// acc::DropThreshold in the lanes.
HWY_INLINE Float Threshold(Float x) {
  const acc::Tag d;
  const acc::TagInt di;
  const Float magnitude = hn::Abs(x);
  const Int bits = acc::Bits(hn::Max(magnitude, hn::Set(d, 0x1p-14f)));
  const Int power =
      hn::ShiftLeft<23>(hn::Sub(hn::Set(di, 238), hn::ShiftRight<23>(bits)));
  return hn::IfThenZeroElse(hn::Ge(magnitude, hn::Set(d, 0x1p-2f)),
                            acc::FromBits(power));
}

// Writes the same vector of every row in [k][kRows] order.
template <size_t kRows>
HWY_INLINE void StoreRows(const Float* v, float* to) {
  const acc::Tag d;
  if constexpr (kRows == 1)
    hn::StoreU(v[0], d, to);
  else
    hn::StoreInterleaved4(v[0], v[1], v[2], v[3], d, to);
}

// Row operands of one block in [k][kRows] order; rows that do not exist are 0,
// and so is what follows the depth.
template <size_t kRows>
void PrepareRows(Block* block) {
  const acc::Tag d;
  const MacTile& tile = *block->tile;
  const Scratch& s = block->scratch;
  const bool is_fixed = tile.profile->mac == MacAccumulator::kQ15_16;
  const size_t lanes = hn::Lanes(d);
  Float totals[kRows];
  for (size_t r = 0; r < kRows; ++r) totals[r] = hn::Zero(d);
  for (size_t k = 0; k < PaddedMacDepth(tile.depth); k += lanes) {
    Float scaled[kRows], threshold[kRows], half[kRows];
    for (size_t r = 0; r < kRows; ++r) {
      const float* x = tile.x + (block->first_row + r) * tile.x_stride + k;
      Float value = hn::Zero(d);
      if (r < block->num_rows && k < tile.depth)
        value = k + lanes <= tile.depth
                    ? hn::LoadU(d, x)
                    : compat::LoadFirst(d, x, tile.depth - k);
      totals[r] = hn::Add(totals[r], hn::Abs(value));
      scaled[r] = is_fixed ? hn::Mul(value, hn::Set(d, 0x1p16f)) : value;
      threshold[r] = Threshold(value);
      half[r] = hn::CopySign(hn::Set(d, 0.5f), value);
    }
    StoreRows<kRows>(scaled, s.scaled + k * kRows);
    if (!is_fixed) continue;
    StoreRows<kRows>(threshold, s.threshold + k * kRows);
    StoreRows<kRows>(half, s.half + k * kRows);
  }
  float largest = 0.0f;
  for (size_t r = 0; r < kRows; ++r)
    largest = std::fmax(largest, hn::GetLane(hn::SumOfLanes(d, totals[r])));
  // Rounded up by more than all roundings of the sum: the bound must hold.
  block->largest_row =
      largest * (1.0f + 0x1p-23f * (static_cast<float>(tile.depth) + 32.0f));
}

void PrepareColumns(const MacTile& tile, const Scratch& s) {
  const acc::Tag d;
  for (size_t c = 0; c < tile.columns; c += hn::Lanes(d)) {
    Float largest = hn::Zero(d);
    for (size_t k = 0; k < tile.depth; ++k)
      largest = hn::Max(largest,
                        hn::Abs(hn::LoadU(d, tile.w + k * tile.w_stride + c)));
    hn::StoreU(largest, d, s.column_max + c);
  }
}

Scratch CutScratch(const MacTile& tile) {
  const size_t rows = PaddedMacDepth(tile.depth) * kMostRows;
  const size_t columns = (tile.columns + kMacColumnGranule - 1) /
                         kMacColumnGranule * kMacColumnGranule;
  float* next = tile.scratch;
  Scratch s{};
  for (float** part : {&s.scaled, &s.threshold, &s.half}) {
    *part = next;
    next += rows;
  }
  for (float** part : {&s.column_max, &s.start, &s.after}) {
    *part = next;
    next += columns;
    std::memset(*part, 0, columns * sizeof(float));
  }
  return s;
}

template <class Path, size_t kRows>
void RunBlock(const Block& block) {
#if HWY_TARGET <= HWY_AVX3
  constexpr size_t kVectors = 2;
#else
  constexpr size_t kVectors = 1;
#endif
  const size_t lanes = hn::Lanes(acc::Tag());
  size_t column = 0;
  for (; column + (kVectors - 1) * lanes < block.tile->columns;
       column += kVectors * lanes)
    Columns<Path, kRows, kVectors>(block, column);
  for (; column < block.tile->columns; column += lanes)
    Columns<Path, kRows, 1>(block, column);
}

template <size_t kRows>
void RunRows(const MacTile& tile, const Scratch& scratch) {
  for (size_t row = 0; row < tile.rows; row += kRows) {
    Block block{&tile, scratch, row, HWY_MIN(kRows, tile.rows - row),
                0.0f,  {},      {}};
    PrepareRows<kRows>(&block);
    for (size_t r = 0; tile.channels_are_rows && r < block.num_rows; ++r)
      (void)StartOf(tile, row + r, &block.start[r], &block.after[r]);
    if (tile.profile->mac == MacAccumulator::kQ15_16)
      RunBlock<mac::Fixed, kRows>(block);
    else
      RunBlock<mac::Radix4, kRows>(block);
  }
}

void RunTile(const MacTile& tile) {
  const Scratch scratch = CutScratch(tile);
  bool fits = true;
  for (size_t c = 0; !tile.channels_are_rows && c < tile.columns; ++c)
    fits = StartOf(tile, c, &scratch.start[c], &scratch.after[c]) && fits;
  for (size_t r = 0; tile.channels_are_rows && r < tile.rows; ++r) {
    float start = 0.0f, after = 0.0f;
    fits = StartOf(tile, r, &start, &after) && fits;
  }
  if (!fits) return MacTileScalar(tile);
  PrepareColumns(tile, scratch);
  if (tile.rows == 1)
    RunRows<1>(tile, scratch);
  else
    RunRows<kMostRows>(tile, scratch);
}

void Decode(bool flushes, const uint16_t* bits, size_t count, float* values) {
  const acc::Tag d;
  const acc::TagInt di;
  const hn::Rebind<uint16_t, acc::Tag> dh;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < count; i += lanes) {
    const size_t n = HWY_MIN(lanes, count - i);
    const Int half = hn::PromoteTo(di, compat::LoadFirst(dh, bits + i, n));
    const Int magnitude = hn::And(half, hn::Set(di, 0x7FFF));
    const Int sign = hn::ShiftLeft<16>(hn::Sub(half, magnitude));
    // N5: exponent 31 goes through like any other.
    const Int normal =
        hn::Add(hn::ShiftLeft<13>(magnitude), hn::Set(di, 112 << 23));
    const Int denormal =
        acc::Bits(hn::Mul(hn::ConvertTo(d, magnitude), hn::Set(d, 0x1p-24f)));
    const auto is_denormal = hn::Gt(hn::Set(di, 0x0400), magnitude);
    Int value = hn::Or(hn::IfThenElse(is_denormal, denormal, normal), sign);
    if (flushes) value = hn::IfThenZeroElse(is_denormal, value);  // N13
    compat::StoreFirst(acc::FromBits(value), d, values + i, n);
  }
}

}  // namespace

void MacTileOfTarget(const MacTile& tile) { RunTile(tile); }
void DecodeOfTarget(bool flushes, const uint16_t* bits, size_t count,
                    float* values) {
  Decode(flushes, bits, count, values);
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
namespace {
HWY_EXPORT(MacTileOfTarget);
HWY_EXPORT(DecodeOfTarget);
}  // namespace

void MacTileSimd(const MacTile& tile) {
  if (!HasVectorMac(*tile.profile, tile.single_tap)) return MacTileScalar(tile);
  HWY_DYNAMIC_DISPATCH(MacTileOfTarget)(tile);
}

void DecodeOperandsSimd(const Profile& profile, const uint16_t* bits,
                        size_t count, float* values) {
  HWY_DYNAMIC_DISPATCH(DecodeOfTarget)
  (profile.mac == MacAccumulator::kRadix4W12, bits, count, values);
}

}  // namespace aneref
#endif  // HWY_ONCE
