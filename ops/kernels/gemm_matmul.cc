// Matrix products with output columns in the lanes: rows of x become fp32
// tiles, y is read as panels [k][64]: prepacked fp16 (widened in the registers)
// or packed by the unit. Rules P3, P4, P2.
#include "ops/kernels/gemm_matmul.h"

#include <algorithm>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/gemm_matmul.cc"
#include "hwy/foreach_target.h"
// foreach_target first
#include "hwy/highway.h"
#include "ops/kernels/gemm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace aneref {
namespace HWY_NAMESPACE {
namespace matmul {

template <class T>
struct Worker {
  const MatmulArgs& a;
  const KernelCall& call;
  MatmulUnit u;
  float* panel;  // [depth][64], when y is packed or widened here
  float* tile;   // [rows][kBlockStride]
  float* line;   // at least 64 floats and a vector
  float* sums;   // [rows][sums_stride]
  int64_t sums_stride;

  int64_t Rows() const { return u.row_end - u.row_begin; }

  // Rows of x, k to k + depth.
  void WidenX(int64_t k, int64_t depth) const {
    const TensorView& x = call.in[0];
    const int64_t row_step = a.x.row.Bytes(x), step = a.x.column.Bytes(x);
    const std::byte* first =
        MatrixData(a, a.x, x, u.matrix) + u.row_begin * row_step + k * step;
    const auto at = [&](int64_t r, int64_t i) HWY_ATTR {
      return reinterpret_cast<const T*>(first + r * row_step + i * step);
    };
    if (step == sizeof(T)) {
      for (int64_t r = 0; r < Rows(); ++r) {
        compat::WidenRun(at(r, 0), static_cast<size_t>(depth),
                         tile + r * kBlockStride);
      }
    } else if (row_step == sizeof(T)) {
      for (int64_t i = 0; i < depth; ++i) {
        compat::WidenRun(at(0, i), static_cast<size_t>(Rows()), line);
        for (int64_t r = 0; r < Rows(); ++r)
          tile[r * kBlockStride + i] = line[r];
      }
    } else {
      for (int64_t r = 0; r < Rows(); ++r) {
        for (int64_t i = 0; i < depth; ++i)
          tile[r * kBlockStride + i] = LoadElement(at(r, i));
      }
    }
  }

  // One panel of a y that is not prepacked.
  void PackY(int64_t column, int64_t columns, int64_t k, int64_t depth) const {
    const TensorView& y = call.in[1];
    const int64_t step = a.y.row.Bytes(y), column_step = a.y.column.Bytes(y);
    const std::byte* first =
        MatrixData(a, a.y, y, u.matrix) + column * column_step + k * step;
    const auto at = [&](int64_t i, int64_t n) HWY_ATTR {
      return reinterpret_cast<const T*>(first + i * step + n * column_step);
    };
    if (column_step == sizeof(T)) {
      for (int64_t i = 0; i < depth; ++i) {
        compat::WidenRun(at(i, 0), static_cast<size_t>(columns),
                         panel + i * kPanelWidth);
      }
    } else if (step == sizeof(T)) {
      // A transpose, 64 k at a time, so that the panel's lines stay in L1.
      for (int64_t begin = 0; begin < depth; begin += kPanelWidth) {
        const int64_t count = std::min(kPanelWidth, depth - begin);
        for (int64_t n = 0; n < columns; ++n) {
          compat::WidenRun(at(begin, n), static_cast<size_t>(count), line);
          for (int64_t i = 0; i < count; ++i)
            panel[(begin + i) * kPanelWidth + n] = line[i];
        }
      }
    } else {
      for (int64_t i = 0; i < depth; ++i) {
        for (int64_t n = 0; n < columns; ++n)
          panel[i * kPanelWidth + n] = LoadElement(at(i, n));
      }
    }
  }

  template <class B>
  void Multiply(const B* b, int64_t column, int64_t columns, int64_t k,
                int64_t depth) const {
    const int64_t num_groups = DivideUp(Rows(), gemm::TallestRows(columns));
    for (int64_t i = 0; i < num_groups; ++i) {
      const int64_t first = gemm::GroupBegin(Rows(), num_groups, i);
      const int64_t end = gemm::GroupBegin(Rows(), num_groups, i + 1);
      float* c = sums + first * sums_stride + column - u.column_begin;
      gemm::Block<sizeof(T) == 2>(tile + first * kBlockStride, b, end - first,
                                  depth, columns, c, sums_stride, k > 0);
      if (k + depth < a.depth) continue;
      for (int64_t r = first; r < end; ++r, c += sums_stride)
        Store(r, column, columns, c);
    }
  }

  // Adds the bias, rounds and stores a row of one panel (P2).
  void Store(int64_t row, int64_t column, int64_t columns,
             const float* c) const {
    const gemm::Tag d;
    const TensorView& out = call.out[0];
    const int64_t step = a.out.column.Bytes(out);
    std::byte* first = MatrixData(a, a.out, out, u.matrix) +
                       (u.row_begin + row) * a.out.row.Bytes(out) +
                       column * step;
    const float* bias = a.bias.empty() ? nullptr : a.bias.data() + column;
    for (int64_t n = 0; n < columns; n += gemm::kLanes) {
      const auto count =
          static_cast<size_t>(std::min(gemm::kLanes, columns - n));
      auto v = hn::LoadU(d, c + n);
      if (bias != nullptr)
        v = hn::Add(v, compat::LoadFirst(d, bias + n, count));
      if (step == sizeof(T)) {
        compat::StoreNarrowFirst(v, d, reinterpret_cast<T*>(first) + n, count);
        continue;
      }
      HWY_ALIGN T values[gemm::kLanes];
      compat::StoreNarrow(v, d, values);
      for (size_t i = 0; i < count; ++i) {
        *reinterpret_cast<T*>(first + (n + static_cast<int64_t>(i)) * step) =
            values[i];
      }
    }
  }

  void MultiplyPanel(int64_t column, int64_t k, int64_t depth) const {
    const int64_t columns = std::min(kPanelWidth, u.column_end - column);
    if (!a.packed) {
      PackY(column, columns, k, depth);
      return Multiply<float>(panel, column, columns, k, depth);
    }
    const T* b = a.panels.as<T>() + column * a.depth + k * kPanelWidth;
    // Where widening is slow it is done once for all rows.
    if constexpr (std::is_same_v<T, float> || ANEREF_NATIVE_HALF) {
      Multiply<T>(b, column, columns, k, depth);
    } else {
      compat::WidenRun(b, static_cast<size_t>(depth * kPanelWidth), panel);
      Multiply<float>(panel, column, columns, k, depth);
    }
  }

  void Run() const {
    int64_t k = 0;
    do {  // once for a depth of 0: the sums are +0
      const int64_t depth = std::min(kBlockDepth, a.depth - k);
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
  auto* panel = reinterpret_cast<float*>(call.scratch);
  float* tile = panel + PanelBytes(a.depth) / sizeof(float);
  float* line = tile + a.rows_per_unit * kBlockStride;
  Worker<T>{a,
            call,
            u,
            panel,
            tile,
            line,
            line + kPanelWidth + 16,
            a.panels_per_unit * kPanelWidth + 16}
      .Run();
}

}  // namespace matmul

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
const Kernel matmul_kernel = {"matmul", MatmulScalar, MatmulSimd};
}  // namespace aneref
#endif
