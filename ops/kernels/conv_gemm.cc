// Convolution as a GEMM with pixels in the lanes: a unit packs its input into
// fp32 panels [k][64 pixels], compact across row ends, and multiplies them with
// the weights [channel][k]. Never an im2col in memory: panels stay in L2.
// Rules P3 (k: taps outer, channels inner), P4, P2.
#include <algorithm>
#include <cstring>
#include <type_traits>

#include "hwy/cache_control.h"
#include "ops/kernels/conv.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/conv_gemm.cc"
#include "hwy/foreach_target.h"
// foreach_target first
#include "hwy/highway.h"
#include "ops/kernels/conv_lines-inl.h"
#include "ops/kernels/epilogue-inl.h"
#include "ops/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace conv {

// Input planes that are packed at once, while the next ones are asked for.
constexpr int64_t kPlanesAtOnce = 8;

// Pixels of one panel that lie in one grid row.
struct Segment {
  int64_t row, column;  // of the grid
  int64_t begin;        // column of the panel
  int64_t length;
};

// Calls visit(Segment) for the pixels [begin, end) of the grid.
template <class Visit>
HWY_INLINE void ForEachSegment(const ConvArgs& a, int64_t begin, int64_t end,
                               const Visit& visit) {
  int64_t row = begin / a.grid_width, column = begin % a.grid_width;
  for (int64_t p = begin; p < end;) {
    const int64_t length = std::min(a.grid_width - column, end - p);
    visit(Segment{row, column, p - begin, length});
    p += length;
    ++row;
    column = 0;
  }
}

// A panel row from consecutive elements; never writes past its 64 columns.
// kMayOverread: up to a vector behind src + length is readable.
template <bool kMayOverread, class T>
HWY_INLINE void CopySegment(const T* src, int64_t begin, int64_t length,
                            float* dst) {
  const gemm::Tag d;
  for (int64_t i = 0; i < length; i += gemm::kLanes) {
    const auto count = static_cast<size_t>(length - i);
    const bool whole = kMayOverread || length - i >= gemm::kLanes;
    const auto v = whole ? compat::LoadWide(d, src + i)
                         : compat::LoadWideFirst(d, src + i, count);
    if (begin + i + gemm::kLanes <= kPanelWidth) {
      hn::StoreU(v, d, dst + begin + i);
    } else {
      compat::StoreFirst(v, d, dst + begin + i,
                         std::min(count, static_cast<size_t>(gemm::kLanes)));
    }
  }
}

// One unit of one group: what its parts share.
template <class T>
struct Worker {
  using StorageTag = hn::Rebind<T, gemm::Tag>;

  const ConvArgs& a;
  const TensorView& x;
  const TensorView& addend;  // of the epilogue
  const TensorView& out;
  const ConvUnit& u;
  int64_t group;
  ConvLines lines;
  ConvGemmScratch layout;
  float* tile;    // A
  float* panels;  // B
  float* sums;    // partial ones
  T* strip;       // results of some panels
  float* line;
  int32_t* offsets;  // of the taps, into a line

  int64_t Pixels() const { return u.pixel_end - u.pixel_begin; }
  int64_t NumPanels() const { return DivideUp(Pixels(), kPanelWidth); }
  int64_t PanelPixels(int64_t panel) const {
    return std::min(kPanelWidth, Pixels() - panel * kPanelWidth);
  }
  int64_t InputPlane(int64_t c) const {
    return (u.image * a.groups + group) * a.in_channels + c;
  }

  // Rows [k, k + depth) of all panels; panel p begins at p * depth * 64.
  void Pack(int64_t k, int64_t depth) const {
    if (depth == 0) return;
    // Rows widen straight into the panels.
    if (a.IsPlain()) return PackPlain(k, depth);
    const int64_t first_tap = k / a.in_channels;
    const int64_t last_tap = (k + depth - 1) / a.in_channels;
    for (int64_t c = 0; c < a.in_channels; ++c) {
      // Taps of this channel inside the block.
      const int64_t from =
          first_tap * a.in_channels + c < k ? first_tap + 1 : first_tap;
      const int64_t to =
          last_tap * a.in_channels + c < k + depth ? last_tap + 1 : last_tap;
      float* kept = a.keeps_lines
                        ? line + c * static_cast<int64_t>(layout.line_floats)
                        : line;
      if (a.keeps_lines ? k == 0 : from < to)
        FillLines<T>(a, lines, x, InputPlane(c), a.keeps_lines || c == 0, kept);
      for (int64_t p = 0; p < NumPanels(); ++p) {
        float* panel = panels + p * depth * kPanelWidth;
        const int64_t begin = u.pixel_begin + p * kPanelWidth;
        ForEachSegment(
            a, begin, begin + PanelPixels(p), [&](Segment s) HWY_ATTR {
              const float* src =
                  kept +
                  (s.row - lines.grid_row) * a.in_step.row * lines.row_pitch +
                  s.column - lines.grid_column;
              for (int64_t t = from; t < to; ++t) {
                CopySegment<true>(
                    src + offsets[t], s.begin, s.length,
                    panel + (t * a.in_channels + c - k) * kPanelWidth);
              }
            });
      }
    }
  }

  // A vector of a panel row and where it comes from.
  struct Piece {
    int64_t src;    // elements behind the panel's first pixel
    int64_t begin;  // column of the panel
    int64_t count;  // at most a vector; less where the segment is shorter
  };

  // The pieces of the panel that begins at a pixel, from left to right. Whole
  // vectors may overlap their left neighbours.
  int64_t MakePieces(int64_t begin, int64_t pixels,
                     Piece (&pieces)[2 * kPanelWidth]) const {
    int64_t num_pieces = 0;
    const int64_t pitch = static_cast<int64_t>(x.row_pitch / sizeof(T));
    const int64_t origin = begin / a.grid_width * pitch + begin % a.grid_width;
    ForEachSegment(a, begin, begin + pixels, [&](Segment s) {
      const int64_t src = s.row * pitch + s.column - origin;
      for (int64_t i = 0; i < s.length; i += gemm::kLanes) {
        int64_t at = std::min(i, s.length - gemm::kLanes);
        at = std::max<int64_t>(at, 0);
        pieces[num_pieces++] = {src + at, s.begin + at,
                                std::min(gemm::kLanes, s.length)};
      }
    });
    return num_pieces;
  }

  void PackPlain(int64_t k, int64_t depth) const {
    const size_t plane_bytes = static_cast<size_t>(a.in_height) * x.row_pitch;
    for (int64_t p = 0; p < NumPanels(); ++p) {
      const int64_t begin = u.pixel_begin + p * kPanelWidth;
      Piece pieces[2 * kPanelWidth];
      const int64_t num_pieces = MakePieces(begin, PanelPixels(p), pieces);
      float* to = panels + p * depth * kPanelWidth;
      const auto* plane = reinterpret_cast<const std::byte*>(
          x.Row<T>(InputPlane(k) * a.in_height + begin / a.grid_width) +
          begin % a.grid_width);
      // Planes lie pages apart: no prefetcher of the machine follows.
      const Piece& last = pieces[num_pieces - 1];
      const size_t span =
          static_cast<size_t>(last.src + last.count) * sizeof(T);
      for (int64_t i = 0; i < depth; i += kPlanesAtOnce) {
        const int64_t planes = std::min(kPlanesAtOnce, depth - i);
        const std::byte* ahead = plane + kPlanesAtOnce * plane_bytes;
        for (int64_t n = 0; n < planes; ++n, ahead += plane_bytes) {
          for (size_t at = 0; at < span; at += 64) hwy::Prefetch(ahead + at);
        }
        for (int64_t j = 0; j < num_pieces; ++j)
          PackPiece(pieces[j], plane, plane_bytes, planes, to);
        plane += static_cast<size_t>(planes) * plane_bytes;
        to += planes * kPanelWidth;
      }
    }
  }

  // One piece of some planes.
  HWY_INLINE void PackPiece(const Piece& piece, const std::byte* plane,
                            size_t plane_bytes, int64_t planes,
                            float* to) const {
    const gemm::Tag d;
    const std::byte* from = plane + static_cast<size_t>(piece.src) * sizeof(T);
    const auto count = static_cast<size_t>(piece.count);
    to += piece.begin;
    for (int64_t n = 0; n < planes;
         ++n, from += plane_bytes, to += kPanelWidth) {
      const auto* row = reinterpret_cast<const T*>(from);
      if (piece.count == gemm::kLanes) {
        hn::StoreU(compat::LoadWide(d, row), d, to);
      } else {
        compat::StoreFirst(compat::LoadWideFirst(d, row, count), d, to, count);
      }
    }
  }

  // Rows of A: weights of `rows` channels from `channel` on.
  void WidenWeights(int64_t channel, int64_t rows, int64_t k,
                    int64_t depth) const {
    const int64_t first = group * a.out_channels + channel;
    const T* src = a.weights.as<T>() + a.WeightIndex(first, k);
    const int64_t stride = a.WeightIndex(1, k) - a.WeightIndex(0, k);
    for (int64_t r = 0; r < rows; ++r) {
      compat::WidenRun(src + r * stride, static_cast<size_t>(depth),
                       tile + r * kBlockStride);
    }
  }

  // Where a grid pixel of a channel goes.
  T* OutputAt(int64_t channel, int64_t row, int64_t column) const {
    const int64_t index = group * a.out_channels + channel;
    const int64_t plane = u.image * a.groups * a.out_channels + index;
    return out.Row<T>(plane * a.out_height + a.out_begin.row +
                      row * a.out_step.row) +
           a.out_begin.column + column * a.out_step.column;
  }

  // Asks for the lines of `count` pixels of one channel from grid pixel `from`
  // on, which are written soon.
  void Expect(int64_t channel, PlaneStep from, int64_t count) const {
    const int64_t end = from.column + count - 1;
    const auto* next = reinterpret_cast<const std::byte*>(
        OutputAt(channel, from.row, from.column));
    const auto* last = reinterpret_cast<const std::byte*>(
        OutputAt(channel, from.row + end / a.grid_width, end % a.grid_width));
    for (; next <= last; next += 64) hwy::Prefetch(next);
  }

  // Calls visit(src, dst, length) for the parts of `count` results of one
  // channel, from grid pixel `from` on, that lie in one row.
  template <class Visit>
  HWY_INLINE void ForEachRow(int64_t channel, PlaneStep from, int64_t count,
                             const T* src, const Visit& visit) const {
    const int64_t pitch =
        a.out_step.row * static_cast<int64_t>(out.row_pitch / sizeof(T));
    T* row = OutputAt(channel, from.row, 0);
    T* dst = row + from.column * a.out_step.column;
    int64_t length = std::min(a.grid_width - from.column, count);
    while (count > 0) {
      visit(src, dst, length);
      src += length;
      count -= length;
      dst = row += pitch;
      length = std::min(a.grid_width, count);
    }
  }

  HWY_NOINLINE void Store(int64_t channel, PlaneStep from, int64_t count,
                          const T* src) const {
    const Epilogue& e = a.epilogue;
    const auto each = [&](const auto& visit) HWY_ATTR {
      ForEachRow(channel, from, count, src, visit);
    };
    if (a.out_step.column != 1) {
      each([&](const T* part, T* dst, int64_t length) HWY_ATTR {
        for (int64_t i = 0; i < length; ++i)
          dst[i * a.out_step.column] = part[i];
      });
    } else if constexpr (std::is_same_v<T, float>) {
      each([](const T* part, T* dst, int64_t length)
               HWY_ATTR { std::copy_n(part, length, dst); });
    } else if (e.adds) {
      each([&](const T* part, T* dst, int64_t length) HWY_ATTR {
        const T* other = addend.Row<T>(0) + (dst - out.Row<T>(0));
        epilogue::StoreSum(e, part, other, dst, length);
      });
    } else if (e.first.active) {
      each([&](const T* part, T* dst, int64_t length) HWY_ATTR {
        epilogue::StoreClamped<true>(e.first, part, dst, length);
      });
    } else {
      each([&](const T* part, T* dst, int64_t length) HWY_ATTR {
        epilogue::StoreClamped<false>(e.first, part, dst, length);
      });
    }
  }

  // Panels [first, end) for the channels of `weights`, from `channel` on.
  struct PanelRange {
    int64_t first, end;
  };
  void MultiplyStrip(const gemm::Rows& weights, int64_t channel, int64_t rows,
                     PanelRange range, gemm::Result<T> result) const {
    const int64_t begin = u.pixel_begin + range.first * kPanelWidth;
    const int64_t count =
        std::min(range.end * kPanelWidth, Pixels()) - range.first * kPanelWidth;
    const PlaneStep from = {begin / a.grid_width, begin % a.grid_width};
    if (result.finish) {
      for (int64_t r = 0; r < rows; ++r) Expect(channel + r, from, count);
    }
    for (int64_t p = range.first; p < range.end; ++p) {
      result.out = strip + (p - range.first) * kPanelWidth;
      gemm::Block<float, T>(
          weights,
          panels + p * static_cast<int64_t>(weights.depth) * kPanelWidth, rows,
          PanelPixels(p), result);
      result.sums += kPanelWidth;
    }
    if (!result.finish) return;
    for (int64_t r = 0; r < rows; ++r)
      Store(channel + r, from, count, strip + r * kGemmStripStride);
  }

  void Run() const {
    const int64_t channels = u.channel_end - u.channel_begin;
    const int64_t tallest = gemm::TallestRows(PanelPixels(0));
    const int64_t num_groups = DivideUp(channels, tallest);
    gemm::Result<T> result;
    result.sums_stride = static_cast<size_t>(layout.stride);
    result.out_stride = static_cast<size_t>(kGemmStripStride);
    int64_t k = 0;
    do {  // once for a depth of 0: the sums are +0
      const int64_t depth = std::min(kBlockDepth, a.Depth() - k);
      result.resume = k > 0;
      result.finish = k + depth == a.Depth();
      Pack(k, depth);
      for (int64_t i = 0; i < num_groups; ++i) {
        const int64_t first = gemm::GroupBegin(channels, num_groups, i);
        const int64_t rows =
            gemm::GroupBegin(channels, num_groups, i + 1) - first;
        const int64_t channel = u.channel_begin + first;
        WidenWeights(channel, rows, k, depth);
        const gemm::MatrixRows weights(tile, kBlockStride, rows, depth);
        if (!a.bias.empty())
          result.row_bias = a.bias.data() + group * a.out_channels + channel;
        for (int64_t p = 0; p < NumPanels(); p += kGemmStripPanels) {
          const int64_t end = std::min(p + kGemmStripPanels, NumPanels());
          result.sums = sums + first * layout.stride + p * kPanelWidth;
          MultiplyStrip(weights, channel, rows, {p, end}, result);
        }
      }
      k += depth;
    } while (k < a.Depth());
  }
};

template <class T>
void RunUnit(const KernelCall& call, const ConvArgs& a, const ConvUnit& u) {
  const ConvLines lines = ConvLinesOf(a, u);
  const ConvGemmScratch layout =
      ConvGemmScratchOf(a, static_cast<size_t>(lines.NumFloats()));
  std::byte* next = call.scratch;
  auto* tile = reinterpret_cast<float*>(next);
  auto* panels = reinterpret_cast<float*>(next += kTileBytes);
  auto* sums = reinterpret_cast<float*>(next += layout.panels);
  auto* strip = reinterpret_cast<T*>(next += layout.sums);
  auto* line = reinterpret_cast<float*>(next += layout.strip);
  auto* offsets = reinterpret_cast<int32_t*>(next += layout.lines);
  for (size_t t = 0; t < a.taps.size(); ++t)
    offsets[t] = static_cast<int32_t>(lines.TapOffset(a, a.taps[t]));
  for (int64_t g = u.group_begin; g < u.group_end; ++g) {
    Worker<T>{a,    call.in[0], call.in.back(), call.out[0], u,
              g,    lines,      layout,         tile,        panels,
              sums, strip,      line,           offsets}
        .Run();
  }
}

}  // namespace conv

Status ConvGemm(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const ConvArgs*>(call.args);
  const ConvUnit u = ConvUnitOf(args, unit);
  if (call.out[0].dtype == DataType::kFloat16) {
    conv::RunUnit<uint16_t>(call, args, u);
  } else {
    conv::RunUnit<float>(call, args, u);
  }
  return Status();
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
HWY_EXPORT(ConvGemm);
static Status ConvGemmSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(ConvGemm)(call, unit);
}
const Kernel conv_gemm_kernel = {"conv_gemm", ConvScalar, ConvGemmSimd};
}  // namespace aneref
#endif
