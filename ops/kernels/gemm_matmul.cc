// Matrix products with output columns in the lanes: rows of x become fp32
// tiles, y is read as panels [k][64]: prepacked fp16 (widened in the registers)
// or packed by the unit. Rules P3, P4, P2.
#include "ops/kernels/gemm_matmul.h"

#include <algorithm>
#include <type_traits>

#include "hwy/cache_control.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/gemm_matmul.cc"
#include "hwy/foreach_target.h"
// foreach_target first
#include "hwy/highway.h"
#include "ops/kernels/epilogue-inl.h"
#include "ops/kernels/gemm-inl.h"
#include "ops/kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace matmul {

// kLanes columns, whose k follow each other in memory.
HWY_INLINE void TransposeY(const uint16_t* src, int64_t column_step,
                           int64_t depth, uint16_t* to) {
  constexpr int64_t kSide = gemm::kLanes;
  const square::Tag d;
  const int64_t step = column_step / int64_t{sizeof(uint16_t)};
  for (int64_t i = 0; i < depth; i += kSide) {
    const int64_t count = std::min(kSide, depth - i);
    square::Vector v[kSide];
    ANEREF_UNROLL for (int64_t n = 0; n < kSide; ++n) {
      v[n] =
          compat::LoadFirst(d, src + n * step + i, static_cast<size_t>(count));
    }
    square::Transpose(v);
    ANEREF_UNROLL for (int64_t j = 0; j < kSide; ++j) {
      if (j < count) hn::StoreU(v[j], d, to + (i + j) * kPanelWidth);
    }
  }
}

// [depth][64] of y from the element at `first`, a panel's first column; steps
// are in bytes. What is behind `columns` may be anything.
template <class T>
void PackPanel(const std::byte* first, int64_t step, int64_t column_step,
               int64_t columns, int64_t depth, T* packed) {
  const auto at = [&](int64_t i, int64_t n) HWY_ATTR {
    return reinterpret_cast<const T*>(first + i * step + n * column_step);
  };
  if (column_step == sizeof(T)) {
    const hn::Rebind<T, gemm::Tag> d;
    for (int64_t i = 0; i < depth; ++i) {
      T* to = packed + i * kPanelWidth;
      for (int64_t n = 0; n < columns; n += gemm::kLanes) {
        const auto left = static_cast<size_t>(columns - n);
        hn::StoreU(
            compat::LoadFirst(
                d, at(i, n), std::min(left, static_cast<size_t>(gemm::kLanes))),
            d, to + n);
      }
    }
    return;
  }
  int64_t n = 0;
  if constexpr (std::is_same_v<T, uint16_t>) {
    if (step == sizeof(T)) {
      for (; n + gemm::kLanes <= columns; n += gemm::kLanes)
        TransposeY(at(0, n), column_step, depth, packed + n);
    }
  }
  for (; n < columns; ++n) {
    for (int64_t i = 0; i < depth; ++i) packed[i * kPanelWidth + n] = *at(i, n);
  }
}

template <class T>
struct Worker {
  using StorageTag = hn::Rebind<T, gemm::Tag>;

  const MatmulArgs& a;
  const KernelCall& call;
  MatmulUnit u;
  float* rows;  // [rows][RowStride()] of x
  T* packed;    // [depth][64]: a panel of a y that is not prepacked
  float* wide;  // a panel widened
  float* line;  // [rows or 64] and a vector
  float* sums;  // [rows][sums_stride]
  T* strip;     // [kMaxTileRows][64]
  int64_t sums_stride;

  int64_t Rows() const { return u.row_end - u.row_begin; }

  // Rows of x, k to k + depth.
  void WidenX(int64_t k, int64_t depth) const {
    const TensorView& x = call.in[0];
    const int64_t row_step = a.x.row.Bytes(x), step = a.x.column.Bytes(x);
    const int64_t stride = a.RowStride();
    const std::byte* first =
        MatrixData(a, a.x, x, u.matrix) + u.row_begin * row_step + k * step;
    const auto at = [&](int64_t r, int64_t i) HWY_ATTR {
      return reinterpret_cast<const T*>(first + r * row_step + i * step);
    };
    if (step == sizeof(T)) {
      for (int64_t r = 0; r < Rows(); ++r) {
        compat::WidenRun(at(r, 0), static_cast<size_t>(depth),
                         rows + r * stride);
      }
    } else if (row_step == sizeof(T)) {
      for (int64_t i = 0; i < depth; ++i) {
        compat::WidenRun(at(0, i), static_cast<size_t>(Rows()), line);
        for (int64_t r = 0; r < Rows(); ++r) rows[r * stride + i] = line[r];
      }
    } else {
      for (int64_t r = 0; r < Rows(); ++r) {
        for (int64_t i = 0; i < depth; ++i)
          rows[r * stride + i] = LoadElement(at(r, i));
      }
    }
  }

  // Asks for what a tile is stored to: rows lie pages apart, and a store that
  // misses holds up those behind it.
  static void Expect(const std::byte* dst, int64_t row_step, int64_t rows,
                     int64_t columns) {
    const int64_t bytes = columns * int64_t{sizeof(T)};
    for (int64_t r = 0; r < rows; ++r, dst += row_step) {
      for (int64_t i = 0; i < bytes; i += 64) hwy::Prefetch(dst + i);
    }
  }

  // All rows of the unit times `columns` columns of one panel; `ahead`: what
  // comes next.
  template <class B>
  void Multiply(const B* b, int64_t column, int64_t columns, int64_t k,
                int64_t depth, gemm::Ahead ahead) const {
    const TensorView& out = call.out[0];
    const int64_t row_step = a.out.row.Bytes(out);
    const bool contiguous = a.out.column.Bytes(out) == int64_t{sizeof(T)};
    const bool in_place =
        contiguous && columns % gemm::kLanes == 0 && a.epilogue.empty();
    std::byte* first_out = MatrixData(a, a.out, out, u.matrix) +
                           u.row_begin * row_step +
                           column * a.out.column.Bytes(out);
    gemm::Result<T> result;
    result.sums_stride = static_cast<size_t>(sums_stride);
    result.resume = k > 0;
    result.finish = k + depth == a.depth;
    result.out_stride = in_place ? static_cast<size_t>(row_step) / sizeof(T)
                                 : static_cast<size_t>(kPanelWidth);
    if (!a.bias.empty()) result.column_bias = a.bias.data() + column;
    const int64_t num_groups = DivideUp(Rows(), gemm::TallestRows(columns));
    for (int64_t i = 0; i < num_groups; ++i) {
      const int64_t first = gemm::GroupBegin(Rows(), num_groups, i);
      const int64_t count = gemm::GroupBegin(Rows(), num_groups, i + 1) - first;
      result.sums = sums + first * sums_stride + column - u.column_begin;
      std::byte* dst = first_out + first * row_step;
      if (result.finish && contiguous) Expect(dst, row_step, count, columns);
      result.out = in_place ? reinterpret_cast<T*>(dst) : strip;
      gemm::Block<B, T>(
          gemm::MatrixRows(rows + first * a.RowStride(), a.RowStride(), count,
                           depth, ahead.Take(static_cast<size_t>(depth))),
          b, count, columns, result);
      if (in_place || !result.finish) continue;
      for (int64_t r = 0; r < count; ++r, dst += row_step)
        CopyRow(strip + r * kPanelWidth, columns, dst);
    }
  }

  // A row of the strip to its place.
  void CopyRow(const T* src, int64_t columns, std::byte* dst) const {
    const StorageTag d;
    const int64_t step = a.out.column.Bytes(call.out[0]);
    if (step != sizeof(T)) {
      for (int64_t n = 0; n < columns; ++n)
        *reinterpret_cast<T*>(dst + n * step) = src[n];
      return;
    }
    if constexpr (std::is_same_v<T, uint16_t>) {
      const std::byte* addend = call.in.back().data + (dst - call.out[0].data);
      return epilogue::StoreRow(a.epilogue, src,
                                reinterpret_cast<const T*>(addend),
                                reinterpret_cast<T*>(dst), columns);
    }
    for (int64_t n = 0; n < columns; n += gemm::kLanes) {
      const int64_t count = std::min(gemm::kLanes, columns - n);
      compat::StoreFirst(hn::LoadU(d, src + n), d,
                         reinterpret_cast<T*>(dst) + n,
                         static_cast<size_t>(count));
    }
  }

  // The block of the next panel, where panels are prepacked.
  gemm::Ahead Next(const T* b, int64_t depth) const {
    if (!a.packed) return {};
    return {b + a.depth * kPanelWidth,
            static_cast<size_t>(depth * kPanelWidth) * sizeof(T)};
  }

  void MultiplyPanel(int64_t column, int64_t k, int64_t depth) const {
    const int64_t columns = std::min(kPanelWidth, u.column_end - column);
    const T* b = packed;
    if (a.packed) {
      b = a.Panels<T>(call) + column * a.depth + k * kPanelWidth;
    } else {
      const TensorView& y = call.in[1];
      const int64_t step = a.y.row.Bytes(y), column_step = a.y.column.Bytes(y);
      PackPanel<T>(
          MatrixData(a, a.y, y, u.matrix) + column * column_step + k * step,
          step, column_step, columns, depth, packed);
    }
    if constexpr (std::is_same_v<T, uint16_t>) {
      if (gemm::kAlwaysWidens || a.widens_panels) {
        compat::WidenRun(b, static_cast<size_t>(depth * kPanelWidth), wide);
        return Multiply<float>(wide, column, columns, k, depth, Next(b, depth));
      }
    }
    if constexpr (std::is_same_v<T, float> || !gemm::kAlwaysWidens)
      Multiply<T>(b, column, columns, k, depth, {});
  }

  void Run() const {
    int64_t k = 0;
    do {  // once for a depth of 0: the sums are +0
      const int64_t depth = std::min(a.block_depth, a.depth - k);
      if (depth > 0) WidenX(k, depth);
      for (int64_t column = u.column_begin; column < u.column_end;
           column += kPanelWidth) {
        MultiplyPanel(column, k, depth);
      }
      k += depth;
    } while (k < a.depth);
  }
};

template <class T>
void RunUnit(const KernelCall& call, const MatmulArgs& a, const MatmulUnit& u) {
  const MatmulScratch layout = MatmulScratchOf(a);
  std::byte* next = call.scratch;
  auto* rows = reinterpret_cast<float*>(next);
  auto* wide = reinterpret_cast<float*>(next += layout.rows);
  auto* packed = reinterpret_cast<T*>(next += layout.wide);
  auto* line = reinterpret_cast<float*>(next += layout.panel);
  auto* sums = reinterpret_cast<float*>(next += layout.line);
  auto* strip = reinterpret_cast<T*>(next += layout.sums);
  const int64_t sums_stride = a.panels_per_unit * kPanelWidth + 16;
  Worker<T>{a, call, u, rows, packed, wide, line, sums, strip, sums_stride}
      .Run();
}

template <class T>
void PackUnit(const KernelCall& call, const MatmulArgs& a, int64_t panel) {
  const TensorView& y = call.in[0];
  const int64_t first = panel * kPanelWidth;
  const int64_t step = a.y.row.Bytes(y), column_step = a.y.column.Bytes(y);
  PackPanel<T>(y.data + first * column_step, step, column_step,
               std::min(kPanelWidth, a.columns - first), a.depth,
               call.out[0].Row<T>(0) + first * a.depth);
}

}  // namespace matmul

Status MatmulPackUnitSimd(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const MatmulArgs*>(call.args);
  if (call.in[0].dtype == DataType::kFloat16) {
    matmul::PackUnit<uint16_t>(call, args, unit);
  } else {
    matmul::PackUnit<float>(call, args, unit);
  }
  return Status();
}

Status MatmulUnitSimd(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const MatmulArgs*>(call.args);
  const MatmulUnit u = MatmulUnitOf(args, unit);
  if (call.out[0].dtype == DataType::kFloat16) {
    matmul::RunUnit<uint16_t>(call, args, u);
  } else {
    matmul::RunUnit<float>(call, args, u);
  }
  return Status();
}

}  // namespace HWY_NAMESPACE
}  // namespace aneref
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace aneref {
HWY_EXPORT(MatmulUnitSimd);
static Status MatmulSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(MatmulUnitSimd)(call, unit);
}
HWY_EXPORT(MatmulPackUnitSimd);
static Status MatmulPackSimd(const KernelCall& call, int64_t unit) {
  return HWY_DYNAMIC_DISPATCH(MatmulPackUnitSimd)(call, unit);
}
const Kernel matmul_kernel = {"matmul", MatmulScalar, MatmulSimd};
const Kernel matmul_pack_kernel = {"matmul_pack", MatmulPackScalar,
                                   MatmulPackSimd};
}  // namespace aneref
#endif
