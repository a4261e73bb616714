// The Highway twin of the Winograd kernel: tiles in the lanes, so that every
// sum keeps its order, and one fused multiply-add per product (P22). Targets
// that cannot fuse run the scalar twin.
#include <algorithm>

#include "ops/kernels/conv_winograd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/conv_winograd_simd.cc"
#include "hwy/foreach_target.h"  // compiles this file once per target
//
#include "hwy/highway.h"
#include "ops/kernels/gemm-inl.h"

#undef ANEREF_FUSES
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2) || \
    (HWY_ARCH_ARM_A64 && HWY_TARGET <= HWY_NEON)
#define ANEREF_FUSES 1
#else
#define ANEREF_FUSES 0
#endif

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
#if ANEREF_FUSES
namespace winograd {

using Tag = gemm::Tag;
using Vector = gemm::Vector;
constexpr int64_t kLanes = gemm::kLanes;
// Vectors of a register tile of kWinogradRows rows.
constexpr int64_t kMaxVectors = HWY_TARGET <= HWY_AVX2 && kLanes == 8 ? 2 : 4;

// TransformInput and TransformOutput of the scalar twin; products by powers of
// two are exact.
HWY_INLINE Vector Times(Vector v, float factor) {
  return hn::Mul(v, hn::Set(Tag(), factor));
}
HWY_INLINE void TransformInput(const Vector in[6], Vector out[6]) {
  const Vector d42 = hn::Sub(in[4], in[2]), d31 = hn::Sub(in[3], in[1]);
  const Vector even = hn::Sub(in[4], Times(in[2], 4));
  const Vector odd = hn::Sub(in[3], Times(in[1], 4));
  const Vector twice = hn::Add(d31, d31);
  out[0] = hn::Add(Times(hn::Sub(in[0], in[2]), 4), d42);
  out[1] = hn::Add(even, odd);
  out[2] = hn::Sub(even, odd);
  out[3] = hn::Add(d42, twice);
  out[4] = hn::Sub(d42, twice);
  out[5] = hn::Sub(hn::Sub(in[5], in[3]), Times(d31, 4));
}
HWY_INLINE void TransformOutput(const Vector in[6], Vector out[4]) {
  const Vector s = hn::Add(in[1], in[2]), d = hn::Sub(in[1], in[2]);
  const Vector p = hn::Add(in[3], in[4]), q = hn::Sub(in[3], in[4]);
  out[0] = hn::Add(hn::Add(in[0], s), p);
  out[1] = hn::Add(d, hn::Add(q, q));
  out[2] = hn::Add(s, Times(p, 4));
  out[3] = hn::Add(hn::Add(d, Times(q, 8)), in[5]);
}

// c[6][kVectors * lanes] = a[depth][6] * b[depth][tiles], row pitch `tiles`.
template <size_t kVectors>
HWY_NOINLINE void Product(const float* HWY_RESTRICT a,
                          const float* HWY_RESTRICT b, size_t depth,
                          size_t tiles, float* HWY_RESTRICT c) {
  constexpr size_t kRows = kWinogradRows;
  const Tag d;
  Vector sum[kRows][kVectors];
  ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
  }
  for (size_t k = 0; k < depth; ++k, a += kRows, b += tiles) {
    Vector column[kVectors];
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) column[v] =
        hn::LoadU(d, b + v * gemm::kVectorLanes);
    ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
      const Vector row = hn::Set(d, a[r]);
      ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v) sum[r][v] =
          hn::MulAdd(row, column[v], sum[r][v]);
    }
  }
  ANEREF_UNROLL for (size_t r = 0; r < kRows; ++r) {
    ANEREF_UNROLL for (size_t v = 0; v < kVectors; ++v)
        hn::StoreU(sum[r][v], d, c + r * tiles + v * gemm::kVectorLanes);
  }
}

// Tiles of a unit that lie in one row of tiles.
struct Segment {
  int64_t row, column;  // of the first tile
  int64_t begin;        // its lane
  int64_t count;
};

template <class T>
struct Worker {
  const WinogradArgs& a;
  const WinogradUnit& u;
  const TensorView& x;
  const TensorView& out;
  float *elements, *inputs, *products, *outputs;

  int64_t Tiles() const { return a.tiles_per_unit; }
  // Lanes in use, in whole vectors of every target.
  int64_t Lanes() const {
    return RoundUp(u.tile_end - u.tile_begin, kWinogradLanes);
  }
  int64_t Pitch() const {
    return kWinogradOut * (a.tiles_per_unit + kWinogradLanes);
  }

  template <class Visit>
  HWY_INLINE void ForEachSegment(const Visit& visit) const {
    const int64_t columns = a.TileColumns();
    for (int64_t tile = u.tile_begin; tile < u.tile_end;) {
      const int64_t column = tile % columns;
      const int64_t count = std::min(columns - column, u.tile_end - tile);
      visit(Segment{tile / columns, column, tile - u.tile_begin, count});
      tile += count;
    }
  }

  // Columns [first, first + count) of a row of the input to dst, zeros outside
  // it. Whole vectors: what lies behind is written later or unused.
  HWY_INLINE void CopyRow(const T* src, int64_t first, int64_t count,
                          float* HWY_RESTRICT dst) const {
    const Tag d;
    for (int64_t i = 0; i < count; i += kLanes) {
      const int64_t column = first + i, left = a.in_width - column;
      if (column >= 0 && left >= kLanes) {
        hn::StoreU(compat::LoadWide(d, src + column), d, dst + i);
      } else if (column >= 0 && left > 0) {
        hn::StoreU(
            compat::LoadWideFirst(d, src + column, static_cast<size_t>(left)),
            d, dst + i);
      } else {
        hn::StoreU(hn::Zero(d), d, dst + i);
        const int64_t inside = std::min(column + kLanes, a.in_width);
        if (column < 0 && inside > 0) {
          const auto part = static_cast<size_t>(inside);
          compat::StoreFirst(compat::LoadWideFirst(d, src, part), d,
                             dst + i - column, part);
        }
      }
    }
  }

  // The rows under the tiles of a segment, once from each tile's first column
  // on and once from its fifth: rows i and 6 + i of `elements`.
  HWY_INLINE void CopySegment(const Segment& s, int64_t plane) const {
    const int64_t first = s.column * kWinogradOut - a.pad_left;
    const int64_t count = s.count * kWinogradOut;
    float* dst = elements + s.begin * kWinogradOut;
    for (int64_t i = 0; i < kWinogradIn; ++i, dst += Pitch()) {
      const int64_t row = s.row * kWinogradOut + i - a.pad_top;
      const bool inside = row >= 0 && row < a.in_height;
      // A row outside has no columns inside.
      const T* src = x.Row<T>(plane * a.in_height + (inside ? row : 0));
      CopyRow(src, inside ? first : a.in_width, count, dst);
      CopyRow(src, inside ? first + 4 : a.in_width, count,
              dst + kWinogradIn * Pitch());
    }
  }

  HWY_INLINE void TransformChannel(int64_t c) const {
    const Tag d;
    ForEachSegment([&](const Segment& s) HWY_ATTR {
      CopySegment(s, u.image * a.in_channels + c);
    });
    for (int64_t t = 0; t < Lanes(); t += kLanes) {
      Vector rows[6][6];
      for (int64_t i = 0; i < 6; ++i) {
        Vector in[6], unused[2];
        const float* line = elements + i * Pitch() + kWinogradOut * t;
        hn::LoadInterleaved4(d, line, in[0], in[1], in[2], in[3]);
        hn::LoadInterleaved4(d, line + kWinogradIn * Pitch(), in[4], in[5],
                             unused[0], unused[1]);
        TransformInput(in, rows[i]);
      }
      for (int64_t j = 0; j < 6; ++j) {
        Vector in[6], column[6];
        for (int64_t i = 0; i < 6; ++i) in[i] = rows[i][j];
        TransformInput(in, column);
        for (int64_t i = 0; i < 6; ++i) {
          hn::StoreU(column[i], d,
                     inputs + ((i * 6 + j) * a.in_channels + c) * Tiles() + t);
        }
      }
    }
  }

  // Products of `blocks` blocks of channels from `block` on.
  HWY_INLINE void Multiply(int64_t block, int64_t blocks) const {
    const int64_t depth = a.in_channels, list = depth * kWinogradRows;
    for (int64_t point = 0; point < kWinogradPoints; ++point) {
      const float* b = inputs + point * depth * Tiles();
      for (int64_t i = 0; i < blocks; ++i) {
        const float* weights = a.weights.as<float>() +
                               ((block + i) * kWinogradPoints + point) * list;
        float* c =
            products + (point * kWinogradBatch + i) * kWinogradRows * Tiles();
        int64_t t = 0;
        while (t < Lanes()) {
          const int64_t vectors = std::min(kMaxVectors, (Lanes() - t) / kLanes);
          const auto product = vectors == 4   ? &Product<4>
                               : vectors == 3 ? &Product<3>
                               : vectors == 2 ? &Product<2>
                                              : &Product<1>;
          product(weights, b + t, static_cast<size_t>(depth),
                  static_cast<size_t>(Tiles()), c + t);
          t += vectors * kLanes;
        }
      }
    }
  }

  // Channel m, row r of block i of the batch.
  HWY_INLINE void StoreChannel(int64_t m, int64_t i, int64_t r) const {
    const Tag d;
    const int64_t pitch = kWinogradBatch * kWinogradRows * Tiles();
    const float* from = products + (i * kWinogradRows + r) * Tiles();
    for (int64_t t = 0; t < Lanes(); t += kLanes) {
      Vector rows[6][4], all[4][4];
      for (int64_t k = 0; k < 6; ++k) {
        Vector in[6];
        for (int64_t j = 0; j < 6; ++j)
          in[j] = hn::LoadU(d, from + (k * 6 + j) * pitch + t);
        TransformOutput(in, rows[k]);
      }
      for (int64_t j = 0; j < 4; ++j) {
        Vector in[6], column[4];
        for (int64_t k = 0; k < 6; ++k) in[k] = rows[k][j];
        TransformOutput(in, column);
        for (int64_t k = 0; k < 4; ++k) all[k][j] = column[k];
      }
      for (int64_t k = 0; k < 4; ++k) {
        hn::StoreInterleaved4(all[k][0], all[k][1], all[k][2], all[k][3], d,
                              outputs + 4 * (k * Tiles() + t));
      }
    }
    ForEachSegment([&](const Segment& s) HWY_ATTR { StoreSegment(s, m); });
  }

  HWY_INLINE void StoreSegment(const Segment& s, int64_t m) const {
    const Tag d;
    const auto bias =
        hn::Set(d, a.bias.empty() ? 0.0f : a.bias[static_cast<size_t>(m)]);
    const int64_t top = s.row * kWinogradOut, left = s.column * kWinogradOut;
    const int64_t rows = std::min(kWinogradOut, a.out_height - top);
    const int64_t length = std::min(s.count * kWinogradOut, a.out_width - left);
    for (int64_t k = 0; k < rows; ++k) {
      const float* src = outputs + 4 * (k * Tiles() + s.begin);
      T* dst =
          out.Row<T>((u.image * a.out_channels + m) * a.out_height + top + k) +
          left;
      for (int64_t i = 0; i < length; i += kLanes) {
        const auto v = hn::Add(hn::LoadU(d, src + i), bias);
        if (i + kLanes <= length) {
          compat::StoreNarrow(v, d, dst + i);
        } else {
          compat::StoreNarrowFirst(v, d, dst + i,
                                   static_cast<size_t>(length - i));
        }
      }
    }
  }

  void Run() const {
    for (int64_t c = 0; c < a.in_channels; ++c) TransformChannel(c);
    for (int64_t block = u.block_begin; block < u.block_end;
         block += kWinogradBatch) {
      const int64_t blocks = std::min(kWinogradBatch, u.block_end - block);
      Multiply(block, blocks);
      for (int64_t i = 0; i < blocks * kWinogradRows; ++i) {
        const int64_t m = block * kWinogradRows + i;
        if (m < a.out_channels)
          StoreChannel(m, i / kWinogradRows, i % kWinogradRows);
      }
    }
  }
};

template <class T>
void RunUnit(const KernelCall& call, const WinogradArgs& a,
             const WinogradUnit& u) {
  const WinogradScratch s = WinogradScratchOf(a);
  auto* elements = reinterpret_cast<float*>(call.scratch);
  float* inputs = elements + s.elements;
  float* products = inputs + s.inputs;
  float* outputs = products + s.products;
  Worker<T>{a, u, call.in[0], call.out[0], elements, inputs, products, outputs}
      .Run();
}

}  // namespace winograd
#endif  // ANEREF_FUSES

Status ConvWinograd(const KernelCall& call, int64_t unit) {
#if ANEREF_FUSES
  const auto& args = *static_cast<const WinogradArgs*>(call.args);
  const WinogradUnit u = WinogradUnitOf(args, unit);
  if (call.out[0].dtype == DataType::kFloat16) {
    winograd::RunUnit<uint16_t>(call, args, u);
  } else {
    winograd::RunUnit<float>(call, args, u);
  }
  return Status();
#else
  return ConvWinogradScalar(call, unit);
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
HWY_EXPORT(ConvWinograd);
static Status ConvWinogradSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(ConvWinograd)(call, unit);
}
const Kernel conv_winograd_kernel = {"conv_winograd", ConvWinogradScalar,
                                     ConvWinogradSimd};
}  // namespace aneref
#endif
