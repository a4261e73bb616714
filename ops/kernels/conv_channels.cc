// Convolution with output channels in the lanes: a unit turns the pixels under
// its output into fp32 rows [pixel][channel] once, multiplies them with weight
// panels [k][64 channels] and turns the sums back into planes. For small maps
// and many channels; conv_gemm.cc, with pixels in the lanes, is for the others.
// fp16 only. Rules P3 (k: taps outer, channels inner), P2.
#include <algorithm>

#include "hwy/cache_control.h"
#include "ops/kernels/conv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/conv_channels.cc"
#include "hwy/foreach_target.h"
// foreach_target first
#include "hwy/highway.h"
#include "ops/kernels/epilogue-inl.h"
#include "ops/kernels/gemm-inl.h"
#include "ops/kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace channels {

constexpr int64_t kSide = gemm::kLanes;

// A map this narrow puts two of its rows into one vector.
constexpr bool kPairsRows = kSide == 16;
constexpr int64_t kPairWidth = 8;

#if HWY_TARGET != HWY_SCALAR
using HalfTag = hn::Half<square::Tag>;
#endif

// Surfaces (L10) begin rows at cache lines, so a whole vector at a multiple of
// its length never leaves the padded row; any other view is read exactly.
inline bool HasAlignedRows(const TensorView& x) {
  return reinterpret_cast<uintptr_t>(x.data) % 64 == 0 && x.row_pitch % 64 == 0;
}

// One unit of one group.
struct Worker {
  const ConvArgs& a;
  const TensorView& x;
  const TensorView& addend;  // of the epilogue
  const TensorView& out;
  const ConvUnit& u;
  int64_t group;
  ConvTile shape;
  float* tile;
  uint16_t* strip;  // [kStripPixels][kStripStride]
  int32_t* taps;    // offsets in the tile
  float* wide;      // [kWideDepth][64]: a block of a panel, widened
  float* sums;      // [pixels of the unit][kSumsStride]: partial ones
  bool aligned;     // rows of x may be read to the end of their padding

  int64_t PixelsPitch() const { return shape.num_columns * shape.pixel_pitch; }

  // ---- planes to rows ----

  void ClearPixels(float* dst, int64_t count) const {
    std::fill_n(dst, count * shape.pixel_pitch, 0.0f);
  }

  // Columns [first, end) of the tile that lie in the input.
  struct Columns {
    int64_t first, end;
  };
  Columns InsideColumns() const {
    const int64_t begin = FirstColumn(), step = shape.column_step;
    const int64_t first =
        begin >= 0 ? 0 : std::min(DivideUp(-begin, step), shape.num_columns);
    return {first, std::clamp(DivideUp(a.in_width - begin, step), first,
                              shape.num_columns)};
  }

  // Input channels [c, c + kSide) of `count` tile rows from row r on, which all
  // lie in the input; two rows at once where `count` is 2.
  void FillRows(int64_t r, int64_t count, int64_t c, Columns inside) const {
    const int64_t row = FirstRow() + r * shape.row_step;
    const int64_t from = FirstColumn() + inside.first * shape.column_step;
    const int64_t last = FirstColumn() + (inside.end - 1) * shape.column_step;
    const int64_t plane = (u.image * a.groups + group) * a.in_channels + c;
    const uint16_t* src = x.Row<uint16_t>(plane * a.in_height + row);
    const int64_t num_planes = std::min(kSide, a.in_channels - c);
    float* pixel = tile + r * PixelsPitch() + c;
    // The same rows of the next planes, which no prefetcher of the machine
    // follows from here.
    const int64_t plane_step =
        a.in_height * static_cast<int64_t>(x.row_pitch / sizeof(uint16_t));
    for (int64_t i = kSide; i < 2 * kSide; ++i)
      hwy::Prefetch(src + i * plane_step);
    for (int64_t column = from / kSide * kSide; column <= last;
         column += kSide) {
      square::Vector v[kSide];
      Load(src, column, num_planes, count, v);
      square::Transpose(v);
      if (count == 2) {
        StorePixels<0, kPairWidth>(v, from, last, column, pixel);
        StorePixels<kPairWidth, kPairWidth>(v, from, last, column,
                                            pixel + PixelsPitch());
      } else {
        StorePixels<0, kSide>(v, from, last, column, pixel);
      }
    }
  }

  // Vectors kFirst to kFirst + kCount of v are pixels from `column` of the
  // input on; those in [from, last] that the tile has go to their places.
  template <int64_t kFirst, int64_t kCount>
  HWY_INLINE void StorePixels(const square::Vector (&v)[kSide], int64_t from,
                              int64_t last, int64_t column,
                              float* pixel) const {
    const gemm::Tag d;
    constexpr int64_t kEnd = std::min(kFirst + kCount, kSide);
    const int64_t step = shape.column_step;
    int64_t next = std::max<int64_t>(0, column - from);
    next = DivideUp(next, step) * step + from - column;  // the first lane
    float* to =
        pixel + (next + column - FirstColumn()) / step * shape.pixel_pitch;
    ANEREF_UNROLL for (int64_t i = kFirst; i < kEnd; ++i) {
      if (i - kFirst != next || i - kFirst > last - column) continue;
      hn::StoreU(compat::WidenHalf(d, v[i]), d, to);
      to += shape.pixel_pitch;
      next += step;
    }
  }

  // Vector i of v: pixels [column, column + kSide) of plane i.
  HWY_INLINE void Load(const uint16_t* src, int64_t column, int64_t num_planes,
                       [[maybe_unused]] int64_t rows,
                       square::Vector (&v)[kSide]) const {
    const square::Tag d;
    const int64_t plane_step =
        a.in_height * static_cast<int64_t>(x.row_pitch / sizeof(uint16_t));
#if HWY_TARGET != HWY_SCALAR
    if (rows == 2) {
      const HalfTag dh;
      const int64_t row_step =
          shape.row_step * static_cast<int64_t>(x.row_pitch / sizeof(uint16_t));
      ANEREF_UNROLL for (int64_t i = 0; i < kSide; ++i) {
        const uint16_t* p = src + std::min(i, num_planes - 1) * plane_step;
        v[i] = hn::Combine(d, hn::LoadU(dh, p + row_step), hn::LoadU(dh, p));
      }
      return;
    }
#endif
    if (aligned && num_planes == kSide) {
      ANEREF_UNROLL for (int64_t i = 0; i < kSide; ++i) v[i] =
          hn::LoadU(d, src + i * plane_step + column);
      return;
    }
    const auto count =
        static_cast<size_t>(std::min(kSide, a.in_width - column));
    ANEREF_UNROLL for (int64_t i = 0; i < kSide; ++i) {
      const uint16_t* p = src + std::min(i, num_planes - 1) * plane_step;
      v[i] = compat::LoadFirst(d, p + column, count);
    }
  }

  int64_t FirstRow() const {
    return shape.grid_row * a.in_step.row + shape.tap_row;
  }
  int64_t FirstColumn() const {
    return shape.grid_column * a.in_step.column + shape.tap_column;
  }

  bool RowInside(int64_t r) const {
    const int64_t row = FirstRow() + r * shape.row_step;
    return r < shape.num_rows && row >= 0 && row < a.in_height;
  }

  void ClearOutside(Columns inside) const {
    for (int64_t r = 0; r < shape.num_rows; ++r) {
      float* dst = tile + r * PixelsPitch();
      if (!RowInside(r)) {
        ClearPixels(dst, shape.num_columns);
      } else {
        ClearPixels(dst, inside.first);
        ClearPixels(dst + inside.end * shape.pixel_pitch,
                    shape.num_columns - inside.end);
      }
    }
  }

  // Rows innermost: those of one plane are neighbours in memory.
  void FillTile() const {
    const Columns inside = InsideColumns();
    ClearOutside(inside);
    if (inside.first == inside.end) return;
    const bool pairs = kPairsRows && aligned && a.in_width <= kPairWidth;
    for (int64_t c = 0; c < a.in_channels; c += kSide) {
      for (int64_t r = 0; r < shape.num_rows; ++r) {
        if (!RowInside(r)) continue;
        const bool two = pairs && RowInside(r + 1);
        FillRows(r, two ? 2 : 1, c, inside);
        if (two) ++r;
      }
    }
  }

  // ---- rows to planes ----

  // A strip of pixels [begin, end) of the grid, channels [channel, channel +
  // count), to their planes.
  void Store(int64_t begin, int64_t end, int64_t channel, int64_t count) const {
    const uint16_t* pixels = strip;
    const bool pairs = kPairsRows && a.grid_width <= kPairWidth;
    for (int64_t p = begin; p < end;) {
      const int64_t column = p % a.grid_width;
      const int64_t length = std::min({kSide, a.grid_width - column, end - p});
      const bool two = pairs && column == 0 && p + 2 * a.grid_width <= end;
      for (int64_t c = 0; c < count; c += kSide) {
        const int64_t num_planes = std::min(kSide, count - c);
        if (two) {
          StoreSquare<true>(p, length, channel + c, num_planes, pixels + c);
        } else {
          StoreSquare<false>(p, length, channel + c, num_planes, pixels + c);
        }
      }
      const int64_t done = two ? 2 * length : length;
      p += done;
      pixels += done * kStripStride;
    }
  }

  // The epilogue of a square whose first element is added to `other`.
  template <bool kTwoRows>
  HWY_INLINE void Add(const uint16_t* other, size_t n, int64_t num_planes,
                      square::Vector (&v)[kSide]) const {
    const square::Tag d;
    const int64_t pitch =
        static_cast<int64_t>(out.row_pitch / sizeof(uint16_t));
    ANEREF_UNROLL for (int64_t i = 0; i < kSide; ++i) {
      if (i == num_planes) return;
      square::Vector more;
#if HWY_TARGET != HWY_SCALAR
      if constexpr (kTwoRows) {
        const HalfTag dh;
        more = hn::Combine(
            d, compat::LoadFirst(dh, other + a.out_step.row * pitch, n),
            compat::LoadFirst(dh, other, n));
      } else  // NOLINT
#endif
      {
        more = compat::LoadFirst(d, other, n);
      }
      v[i] = epilogue::Add(d, a.epilogue, v[i], more);
      other += a.out_height * pitch;
    }
  }

  template <bool kTwoRows>
  HWY_INLINE void StoreSquare(int64_t pixel, int64_t length, int64_t channel,
                              int64_t num_planes,
                              const uint16_t* pixels) const {
    const square::Tag d;
    square::Vector v[kSide];
    ANEREF_UNROLL for (int64_t i = 0; i < kSide; ++i) {
      int64_t from = i;
      if (kTwoRows && i >= kPairWidth) from = i - kPairWidth + length;
      // Lanes behind the last pixel repeat one and are not stored.
      from = std::min(from, kTwoRows ? 2 * length - 1 : length - 1);
      v[i] = hn::LoadU(d, pixels + from * kStripStride);
    }
    square::Transpose(v);
    const int64_t plane =
        (u.image * a.groups + group) * a.out_channels + channel;
    const int64_t row = a.out_begin.row + pixel / a.grid_width * a.out_step.row;
    uint16_t* dst = out.Row<uint16_t>(plane * a.out_height + row) +
                    a.out_begin.column + pixel % a.grid_width;
    const int64_t pitch =
        static_cast<int64_t>(out.row_pitch / sizeof(uint16_t));
    const auto n = static_cast<size_t>(length);
    if (a.epilogue.first.active && !a.epilogue.adds) {
      ANEREF_UNROLL for (int64_t i = 0; i < kSide; ++i) v[i] =
          epilogue::Clamp(d, a.epilogue.first, v[i]);
    }
    if (a.epilogue.adds)
      Add<kTwoRows>(addend.Row<uint16_t>(0) + (dst - out.Row<uint16_t>(0)), n,
                    num_planes, v);
    ANEREF_UNROLL for (int64_t i = 0; i < kSide; ++i) {
      if (i == num_planes) return;
#if HWY_TARGET != HWY_SCALAR
      if constexpr (kTwoRows) {
        const HalfTag dh;
        compat::StoreFirst(hn::LowerHalf(dh, v[i]), dh, dst, n);
        compat::StoreFirst(hn::UpperHalf(dh, v[i]), dh,
                           dst + a.out_step.row * pitch, n);
      } else  // NOLINT
#endif
      {
        compat::StoreFirst(v[i], square::Tag(), dst, n);
      }
      dst += a.out_height * pitch;
    }
  }

  // ---- the product ----

  // The rows of A of pixels one behind the other.
  class PixelRows {
   public:
    PixelRows(const Worker& worker, int64_t pixel, int64_t channel)
        : width_(worker.a.grid_width),
          row_step_(worker.a.in_step.row / worker.shape.row_step *
                    worker.PixelsPitch()),
          step_(worker.a.in_step.column / worker.shape.column_step *
                worker.shape.pixel_pitch),
          column_(pixel % width_),
          line_(worker.tile + channel - worker.shape.grid_column * step_ +
                (pixel / width_ - worker.shape.grid_row) * row_step_) {}

    const float* Next() {
      const float* const row = line_ + column_ * step_;
      if (++column_ == width_) column_ = 0, line_ += row_step_;
      return row;
    }

   private:
    int64_t width_, row_step_, step_, column_;
    const float* line_;
  };

  // Part of k: the same channels of some taps.
  struct Part {
    size_t tap, num_taps;
    int64_t first, depth;  // channels
    bool resume, finish;

    size_t Count() const { return num_taps * static_cast<size_t>(depth); }
  };

  // Results of a strip of pixels under a part of k, `columns` channels of one
  // panel from `channel` on; `b` is that part of it.
  template <class B>
  void Multiply(const B* b, const Part& part, int64_t begin, int64_t end,
                int64_t channel, int64_t columns, gemm::Ahead& ahead) const {
    gemm::Result<uint16_t> result;
    result.out_stride = kStripStride;
    result.sums_stride = kSumsStride;
    result.resume = part.resume;
    result.finish = part.finish;
    if (!a.bias.empty())
      result.column_bias = a.bias.data() + group * a.out_channels + channel;
    const int64_t pixels = end - begin;
    const int64_t num_groups = DivideUp(pixels, gemm::TallestRows(columns));
    PixelRows next(*this, begin, part.first);
    for (int64_t i = 0; i < num_groups; ++i) {
      const int64_t first = gemm::GroupBegin(pixels, num_groups, i);
      const int64_t last = gemm::GroupBegin(pixels, num_groups, i + 1);
      const float* rows[kMaxTileRows];
      for (int64_t r = first; r < last; ++r) rows[r - first] = next.Next();
      result.out = strip + first * kStripStride;
      result.sums = sums + (begin - u.pixel_begin + first) * kSumsStride;
      gemm::Block(
          gemm::Rows{rows, taps + part.tap, part.num_taps,
                     static_cast<size_t>(part.depth), ahead.Take(part.Count())},
          b, last - first, columns, result);
    }
  }

  // A part of k of all pixels; `ahead`: what comes next.
  template <class B>
  void MultiplyPart(const B* b, const Part& part, int64_t channel,
                    int64_t columns, gemm::Ahead ahead) const {
    for (int64_t begin = u.pixel_begin; begin < u.pixel_end;) {
      const int64_t end = StripEnd(begin);
      Multiply(b, part, begin, end, channel, columns, ahead);
      if (part.finish) Store(begin, end, channel, columns);
      begin = end;
    }
  }

  // All pixels times one panel, blocks of which are widened first.
  void MultiplyWide(const uint16_t* panel, int64_t channel,
                    int64_t columns) const {
    const auto num_taps = static_cast<int64_t>(a.taps.size());
    // Several taps of all channels, or equal shares of one tap's.
    const int64_t shares = DivideUp(a.in_channels, kWideDepth);
    const int64_t some_taps = shares > 1 ? 1 : kWideDepth / a.in_channels;
    for (int64_t tap = 0; tap < num_taps; tap += some_taps) {
      for (int64_t i = 0; i < shares; ++i) {
        Part part = {};
        part.tap = static_cast<size_t>(tap);
        part.num_taps =
            static_cast<size_t>(std::min(some_taps, num_taps - tap));
        part.first = gemm::GroupBegin(a.in_channels, shares, i);
        part.depth =
            gemm::GroupBegin(a.in_channels, shares, i + 1) - part.first;
        part.resume = tap > 0 || i > 0;
        part.finish = tap + some_taps >= num_taps && i + 1 == shares;
        const uint16_t* block =
            panel + (tap * a.in_channels + part.first) * kPanelWidth;
        const size_t count = part.Count() * kPanelWidth;
        compat::WidenRun(block, count, wide);
        // Blocks lie behind each other, those of the next panel, too.
        MultiplyPart<float>(wide, part, channel, columns,
                            {block + count, count * sizeof(uint16_t)});
      }
    }
  }

  // The end of the strip that begins at a pixel: whole grid rows where several
  // fit, else a part of one that is a multiple of 16.
  int64_t StripEnd(int64_t begin) const {
    const int64_t column = begin % a.grid_width;
    if (a.grid_width <= kStripPixels) {
      const int64_t rows = kStripPixels / a.grid_width;
      return std::min(begin - column + rows * a.grid_width, u.pixel_end);
    }
    const int64_t end =
        std::min(begin + kStripPixels, begin - column + a.grid_width);
    return std::min(end, u.pixel_end);
  }

  void Run() const {
    FillTile();
    for (int64_t m = u.channel_begin; m < u.channel_end;) {
      const int64_t panel_end = m / kPanelWidth * kPanelWidth + kPanelWidth;
      const int64_t columns = std::min(panel_end, u.channel_end) - m;
      const uint16_t* panel = a.weights.as<uint16_t>() +
                              a.WeightIndex(group * a.out_channels + m, 0);
      if (gemm::kAlwaysWidens || a.widens_panels) {
        MultiplyWide(panel, m, columns);
      } else if constexpr (!gemm::kAlwaysWidens) {
        MultiplyPart(panel, {0, a.taps.size(), 0, a.in_channels, false, true},
                     m, columns, {});
      }
      m += columns;
    }
  }
};

}  // namespace channels

Status ConvChannels(const KernelCall& call, int64_t unit) {
  const auto& a = *static_cast<const ConvArgs*>(call.args);
  const ConvUnit u = ConvUnitOf(a, unit);
  const ConvTile shape = ConvTileOf(a, u);
  const ConvTileScratch layout = ConvTileScratchOf(a, shape);
  auto* strip = reinterpret_cast<uint16_t*>(call.scratch);
  auto* taps = reinterpret_cast<int32_t*>(strip + layout.strip);
  auto* tile = reinterpret_cast<float*>(taps + layout.taps);
  float* const wide = tile + layout.tile;
  float* const sums = wide + layout.wide;
  for (size_t t = 0; t < a.taps.size(); ++t)
    taps[t] = static_cast<int32_t>(shape.TapOffset(a.taps[t]));
  const bool aligned = channels::HasAlignedRows(call.in[0]);
  for (int64_t g = u.group_begin; g < u.group_end; ++g) {
    channels::Worker{a,    call.in[0], call.in.back(), call.out[0], u,
                     g,    shape,      tile,           strip,       taps,
                     wide, sums,       aligned}
        .Run();
  }
  return Status();
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
HWY_EXPORT(ConvChannels);
static Status ConvChannelsSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(ConvChannels)(call, unit);
}
const Kernel conv_channels_kernel = {"conv_channels", ConvScalar,
                                     ConvChannelsSimd};
}  // namespace aneref
#endif
