// The register tiles of the GEMM family as each Highway target has them; the
// tiles themselves are gemm_tiles.cc. Lanes run along the 64 columns of a panel
// (pixels or output channels), so every output keeps one accumulator whose
// products are added in ascending k (P3). Included once per target, after
// hwy/highway.h.
#if defined(ANEREF_OPS_KERNELS_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ANEREF_OPS_KERNELS_GEMM_INL_H_
#undef ANEREF_OPS_KERNELS_GEMM_INL_H_
#else
#define ANEREF_OPS_KERNELS_GEMM_INL_H_
#endif

#include "hwy/highway.h"
#include "ops/kernels/gemm.h"
#include "ops/kernels/hwy_compat-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
namespace gemm {

// At most 16 lanes: a panel is at least four vectors wide.
using Tag = hn::CappedTag<float, 16>;
using Vector = hn::Vec<Tag>;

#if HWY_TARGET == HWY_SCALAR
constexpr int64_t kLanes = 1;
#else
constexpr int64_t kLanes = HWY_MIN(HWY_MAX_BYTES, 64) / 4;
#endif
constexpr size_t kVectorLanes = kLanes;

// Vectors per tile row, and the tallest tile for each width: accumulators, one
// row of B and the broadcast of A must fit the registers (32 or 16).
#if HWY_TARGET <= HWY_AVX3
constexpr int64_t kMaxVectors = 4;
constexpr size_t kTallest[5] = {0, 14, 14, 9, 7};
#else
constexpr int64_t kMaxVectors = 2;
constexpr size_t kTallest[3] = {0, 6, 6};
#endif
// One row alone is bound by memory: there the tile is as wide as a panel, so
// that B streams through once.
constexpr int64_t kPanelVectors = kPanelWidth / kLanes;
constexpr bool kHasPanelTile = kPanelVectors > kMaxVectors&& kPanelVectors <= 8;

// Without instructions for fp16 panels are never widened in a loop, whatever
// was planned: scratch has room for it.
constexpr bool kAlwaysWidens = !ANEREF_NATIVE_HALF;

template <bool kFused, class V>
HWY_INLINE V MultiplyAdd(V a, V b, V sum) {
  if constexpr (kFused) return hn::MulAdd(a, b, sum);
  return hn::Add(sum, hn::Mul(a, b));
}

// What the rows of A are: row r, k = tap * depth + i is rows[r][taps[tap] + i].
// A matrix has one tap.
struct Rows {
  const float* const* rows;
  const int32_t* taps;
  size_t num_taps;
  size_t depth;  // of a tap
  // A cache line behind the other, one for each k: what is read soon; or null.
  const std::byte* ahead = nullptr;
};

// Memory that is read soon, of which each tile asks for a part.
class Ahead {
 public:
  Ahead() = default;
  Ahead(const void* begin, size_t bytes)
      : next_(static_cast<const std::byte*>(begin)), end_(next_ + bytes) {}

  // The next `lines` of 64 bytes, or null when nothing is left.
  const std::byte* Take(size_t lines) {
    if (next_ >= end_) return nullptr;
    const std::byte* const part = next_;
    next_ += lines * 64;
    return part;
  }

 private:
  const std::byte *next_ = nullptr, *end_ = nullptr;
};

// What becomes of the sums of row r, column n of a tile. Whole vectors are
// read and written.
template <class T>
struct Result {
  // Partial sums, when k comes in blocks: they start at +0 unless `resume`, and
  // are kept unless `finish`.
  float* sums = nullptr;
  size_t sums_stride = 0;
  bool resume = false;
  bool finish = true;
  // Bias, rounding (P2) and store.
  T* out = nullptr;
  size_t out_stride = 0;
  const float* row_bias = nullptr;     // [r], or null
  const float* column_bias = nullptr;  // [n], or null
};

// result[rows][vectors * lanes] from a column on of a * b; b is
// [k][kPanelWidth] in fp32 or fp16 bits, and begins at the column. T uint16_t:
// the products are exact, so fused and unfused agree; float: product and sum
// round separately (P4).
template <class B, class T>
using TileFunction = void (*)(const Rows& a, const B* b, const Result<T>&,
                              size_t first);

template <class B, class T>
TileFunction<B, T> TileOf(int64_t rows, int64_t vectors);
#if ANEREF_NATIVE_HALF
extern template TileFunction<uint16_t, uint16_t> TileOf(int64_t, int64_t);
#endif
extern template TileFunction<float, uint16_t> TileOf(int64_t, int64_t);
extern template TileFunction<float, float> TileOf(int64_t, int64_t);

// Rows of A per call of Block for `columns` columns: the tallest tile.
HWY_INLINE int64_t TallestRows(int64_t columns) {
  const int64_t vectors = DivideUp(columns, kLanes);
  return static_cast<int64_t>(kTallest[HWY_MIN(vectors, kMaxVectors)]);
}

// result[rows][columns rounded up to vectors]; rows <= TallestRows.
template <class B, class T>
HWY_INLINE void Block(const Rows& a, const B* b, int64_t rows, int64_t columns,
                      const Result<T>& result) {
  int64_t vectors = DivideUp(columns, kLanes);
  if (kHasPanelTile && rows == 1 && vectors == kPanelVectors)
    return TileOf<B, T>(rows, vectors)(a, b, result, 0);
  int64_t first = 0;
  while (vectors > 0) {
    const int64_t part = HWY_MIN(vectors, kMaxVectors);
    TileOf<B, T>(rows, part)(a, b + first, result, static_cast<size_t>(first));
    first += part * kLanes;
    vectors -= part;
  }
}

// A matrix whose rows are `stride` apart, as Rows.
class MatrixRows {
 public:
  MatrixRows(const float* a, int64_t stride, int64_t rows, int64_t depth,
             const std::byte* ahead = nullptr) {
    for (int64_t r = 0; r < rows; ++r) list_[r] = a + r * stride;
    rows_ = {list_, kOneTap, 1, static_cast<size_t>(depth), ahead};
  }
  operator const Rows&() const { return rows_; }

 private:
  static constexpr int32_t kOneTap[1] = {0};
  const float* list_[kMaxTileRows];
  Rows rows_;
};

// `rows` cut into equal groups of at most `tallest`: the first row of group i.
HWY_INLINE int64_t GroupBegin(int64_t rows, int64_t num_groups, int64_t i) {
  return rows * i / num_groups;
}

}  // namespace gemm
}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#endif  // toggle
