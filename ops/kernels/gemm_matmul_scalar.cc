// Units, blocking and the scalar twin of the matrix product kernel.
#include <algorithm>

#include "ops/kernels/gemm_matmul.h"

namespace aneref {
namespace {

// As in conv_plan.cc: about 20 to 40 microseconds. Few rows run at the speed of
// memory, which gives a quarter of the flops.
constexpr double kUnitFlops = 2.5e6;
constexpr int64_t kFewRows = 8;
// Most k that rows are widened for at once; a longer sum carries partial sums.
constexpr int64_t kMostDepth = 4096;
// Floats of the widened rows of one unit: 448 KiB, of a typical L2 of 1 MiB.
constexpr int64_t kRowFloats = 114688;
constexpr int64_t kLeastRows = 28;
constexpr int64_t kMostRows = 512;
// Panels of one unit that keeps partial sums.
constexpr int64_t kMostPanels = 16;

template <class T>
void ScalarUnit(const MatmulArgs& a, const KernelCall& call,
                const MatmulUnit& u) {
  const TensorView &x = call.in[0], &out = call.out[0];
  const std::byte* x_data = MatrixData(a, a.x, x, u.matrix);
  const std::byte* y_data =
      a.packed ? nullptr : MatrixData(a, a.y, call.in[1], u.matrix);
  std::byte* out_data = MatrixData(a, a.out, out, u.matrix);
  const auto y_at = [&](int64_t k, int64_t n) {
    if (a.packed) {
      return LoadElement(a.Panels<T>(call) +
                         ((n / kPanelWidth) * a.depth + k) * kPanelWidth +
                         n % kPanelWidth);
    }
    const TensorView& y = call.in[1];
    return LoadElement(reinterpret_cast<const T*>(
        y_data + k * a.y.row.Bytes(y) + n * a.y.column.Bytes(y)));
  };
  for (int64_t m = u.row_begin; m < u.row_end; ++m) {
    for (int64_t n = u.column_begin; n < u.column_end; ++n) {
      float sum = 0.0f;
      for (int64_t k = 0; k < a.depth; ++k) {
        const float product =
            LoadElement(reinterpret_cast<const T*>(
                x_data + m * a.x.row.Bytes(x) + k * a.x.column.Bytes(x))) *
            y_at(k, n);
        sum += product;
      }
      if (!a.bias.empty()) sum += a.bias[static_cast<size_t>(n)];
      StoreResult(sum, a.epilogue, call,
                  reinterpret_cast<T*>(out_data + m * a.out.row.Bytes(out) +
                                       n * a.out.column.Bytes(out)));
    }
  }
}

template <class T>
void ScalarPack(const MatmulArgs& a, const KernelCall& call, int64_t panel) {
  const TensorView& y = call.in[0];
  const int64_t first = panel * kPanelWidth;
  const int64_t columns = std::min(kPanelWidth, a.columns - first);
  T* to = call.out[0].Row<T>(0) + first * a.depth;
  for (int64_t k = 0; k < a.depth; ++k, to += kPanelWidth) {
    for (int64_t n = 0; n < columns; ++n) {
      to[n] = *reinterpret_cast<const T*>(y.data + k * a.y.row.Bytes(y) +
                                          (first + n) * a.y.column.Bytes(y));
    }
  }
}

// Blocks of rows, at least `least`, where `wanted` units are asked for. Widened
// panels are widened again by each block of rows, as x is by each block of
// panels.
int64_t RowBlocks(const MatmulArgs& a, int64_t wanted, int64_t least) {
  const int64_t most = std::max(
      least, std::min(wanted, std::max<int64_t>(1, a.rows / kLeastRows)));
  if (!a.widens_panels) return most;
  BestCut best(least);
  for (int64_t blocks = least; blocks <= most; ++blocks) {
    const int64_t panel_blocks =
        std::min(DivideUp(wanted, blocks), a.NumPanels());
    best.Offer(
        blocks, std::min(wanted, blocks * panel_blocks),
        static_cast<double>(blocks) * static_cast<double>(a.columns) +
            static_cast<double>(panel_blocks) * static_cast<double>(a.rows));
  }
  return best.parts();
}

}  // namespace

int64_t MatmulArgs::NumMatrices() const {
  int64_t count = 1;
  for (const int64_t extent : batch) count *= extent;
  return count;
}

int64_t MatmulArgs::NumUnits() const {
  return NumMatrices() * DivideUp(rows, rows_per_unit) *
         DivideUp(NumPanels(), panels_per_unit);
}

// Row blocks change fastest, so that a block of y is read again from cache.
MatmulUnit MatmulUnitOf(const MatmulArgs& a, int64_t unit) {
  const int64_t row_blocks = DivideUp(a.rows, a.rows_per_unit);
  const int64_t panel_blocks = DivideUp(a.NumPanels(), a.panels_per_unit);
  const int64_t width = a.panels_per_unit * kPanelWidth;
  MatmulUnit u;
  u.row_begin = unit % row_blocks * a.rows_per_unit;
  unit /= row_blocks;
  u.column_begin = unit % panel_blocks * width;
  u.matrix = unit / panel_blocks;
  u.row_end = std::min(u.row_begin + a.rows_per_unit, a.rows);
  u.column_end = std::min(u.column_begin + width, a.columns);
  return u;
}

std::byte* MatrixData(const std::vector<int64_t>& batch,
                      const MatrixLayout& layout, const TensorView& view,
                      int64_t index) {
  int64_t row = 0;
  for (size_t i = batch.size(); i-- > 0;) {
    row += index % batch[i] * layout.batch[i];
    index /= batch[i];
  }
  return view.data + row * static_cast<int64_t>(view.row_pitch);
}

// Equal units, an even number of them wherever there is more than one: two
// threads share them well.
void PlanMatmul(MatmulArgs* a, int64_t wanted_units) {
  if (!a->bias.empty())
    a->bias.resize(static_cast<size_t>(RoundUp(a->columns, kPanelWidth)));
  if (a->rows == 0 || a->columns == 0) return;
  a->widens_panels = a->rows >= kFewestWideRows && PrefersWidePanels();
  const int64_t most_depth = a->widens_panels ? kWideDepth : kMostDepth;
  a->block_depth =
      DivideUp(a->depth, DivideUp(std::max<int64_t>(a->depth, 1), most_depth));
  const int64_t fitting = std::clamp(
      kRowFloats / std::max<int64_t>(1, a->RowStride()), kLeastRows, kMostRows);
  const int64_t matrices = std::max<int64_t>(1, a->NumMatrices());
  const double flops =
      2.0 * static_cast<double>(matrices) * static_cast<double>(a->rows) *
      static_cast<double>(a->depth) * static_cast<double>(a->columns);
  const double unit_flops = a->rows < kFewRows ? kUnitFlops / 4 : kUnitFlops;
  int64_t wanted = std::clamp<int64_t>(
      static_cast<int64_t>(std::min(flops / unit_flops, 1e6)), 1, wanted_units);
  wanted = DivideUp(wanted, matrices);
  int64_t row_blocks = RowBlocks(*a, wanted, DivideUp(a->rows, fitting));
  if (row_blocks > 1 && matrices % 2 != 0) row_blocks = RoundUp(row_blocks, 2);
  a->rows_per_unit = DivideUp(a->rows, row_blocks);
  int64_t panel_blocks = std::min(DivideUp(wanted, row_blocks), a->NumPanels());
  if (a->block_depth < a->depth) {
    panel_blocks =
        std::max(panel_blocks, DivideUp(a->NumPanels(), kMostPanels));
  }
  a->panels_per_unit = DivideUp(a->NumPanels(), panel_blocks);
}

MatmulScratch MatmulScratchOf(const MatmulArgs& a) {
  MatmulScratch scratch;
  const auto floats = [](int64_t count) {
    return static_cast<size_t>(RoundUp(count, 16)) * sizeof(float);
  };
  scratch.rows = floats(a.rows_per_unit * a.RowStride() + 16);
  scratch.wide = floats(a.block_depth * kPanelWidth);
  if (!a.packed) scratch.panel = scratch.wide;
  scratch.line = floats(std::max(kPanelWidth, a.rows_per_unit) + 16);
  if (a.block_depth < a.depth) {
    scratch.sums =
        floats(a.rows_per_unit * (a.panels_per_unit * kPanelWidth + 16));
  }
  scratch.strip = floats(kMaxTileRows * kPanelWidth);
  return scratch;
}

Status MatmulScalar(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const MatmulArgs*>(call.args);
  const MatmulUnit u = MatmulUnitOf(args, unit);
  if (call.out[0].dtype == DataType::kFloat16) {
    ScalarUnit<uint16_t>(args, call, u);
  } else {
    ScalarUnit<float>(args, call, u);
  }
  return Status();
}

Status MatmulPackScalar(const KernelCall& call, int64_t unit) {
  const auto& args = *static_cast<const MatmulArgs*>(call.args);
  if (call.in[0].dtype == DataType::kFloat16) {
    ScalarPack<uint16_t>(args, call, unit);
  } else {
    ScalarPack<float>(args, call, unit);
  }
  return Status();
}

}  // namespace aneref
