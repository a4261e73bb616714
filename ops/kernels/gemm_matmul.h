// Matrix product kernel: what a task is told. Output columns lie in the lanes.
// Rules P2, P3 (k ascending), P4, P12.
#ifndef ANEREF_OPS_KERNELS_GEMM_MATMUL_H_
#define ANEREF_OPS_KERNELS_GEMM_MATMUL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/kernels/epilogue.h"
#include "ops/kernels/gemm.h"
#include "ops/kernels/kernel.h"

namespace aneref {

// From one element to the next: so many rows of the view and elements of a row.
struct MatrixStep {
  int64_t rows = 0;
  int64_t elements = 0;

  int64_t Bytes(const TensorView& view) const {
    return rows * static_cast<int64_t>(view.row_pitch) +
           elements * static_cast<int64_t>(ElementSize(view.dtype));
  }
};

// How a batch of matrices lies in a tensor. batch[i] is the step of batch axis
// i in rows of the view, 0 where it is broadcast.
struct MatrixLayout {
  MatrixStep row, column;
  std::vector<int64_t> batch;
};

// out[b][m][n] = sum over k of x[b][m][k] * y[b][k][n], + bias[n].
// Operands: in[0] x, in[1] y (unless packed), out[0]; one element type.
struct MatmulArgs {
  std::vector<int64_t> batch;  // extents of the batch axes
  int64_t rows = 0;
  int64_t depth = 0;
  int64_t columns = 0;
  MatrixLayout x, y, out;

  // y as panels [columns / 64][depth][64], one y for all batches; behind the
  // last column may be anything. They are in[1] where `takes_panels`.
  bool packed = false;
  bool takes_panels = false;
  AlignedBytes panels;
  std::vector<float> bias;  // [columns] and readable beyond, or empty
  Epilogue epilogue;        // of fp16 results

  // Work units: one matrix of the batch, a block of rows, a block of panels.
  int64_t rows_per_unit = 1;
  int64_t panels_per_unit = 1;
  int64_t block_depth = 0;  // k that a unit's rows are widened for at once
  // A unit widens a block of a panel once for all its rows.
  bool widens_panels = false;

  // Floats from one widened row to the next: no multiple of 1 KiB, or rows
  // would meet in the same L1 sets.
  int64_t RowStride() const {
    const int64_t stride = RoundUp(block_depth, 16);
    return stride % 256 == 0 ? stride + 16 : stride;
  }
  int64_t NumPanels() const { return DivideUp(columns, kPanelWidth); }
  template <class T>
  const T* Panels(const KernelCall& call) const {
    return takes_panels ? call.in[1].Row<const T>(0) : panels.as<T>();
  }
  int64_t NumMatrices() const;
  int64_t NumUnits() const;
};

struct MatmulUnit {
  int64_t matrix;
  int64_t row_begin, row_end;
  int64_t column_begin, column_end;  // begins at a panel
};
MatmulUnit MatmulUnitOf(const MatmulArgs& args, int64_t unit);

// The first element of matrix `index` of a batch of these extents.
std::byte* MatrixData(const std::vector<int64_t>& batch,
                      const MatrixLayout& layout, const TensorView& view,
                      int64_t index);
inline std::byte* MatrixData(const MatmulArgs& args, const MatrixLayout& layout,
                             const TensorView& view, int64_t index) {
  return MatrixData(args.batch, layout, view, index);
}

// Sets the blocking from the shapes, and whether panels are widened from those
// and PrefersWidePanels; neither changes a bit. A large product is cut into
// `wanted_units` and more. Then the scratch of a unit.
inline constexpr int64_t kWantedMatmulUnits = 4;
void PlanMatmul(MatmulArgs* args, int64_t wanted_units = kWantedMatmulUnits);

// Parts of a unit's scratch, behind each other, in bytes.
struct MatmulScratch {
  size_t rows = 0;   // of x, widened
  size_t wide = 0;   // a panel of y in fp32
  size_t panel = 0;  // a panel of y that is packed here
  size_t line = 0;   // of a transpose
  size_t sums = 0;   // partial ones
  size_t strip = 0;  // a tile that cannot be stored in place

  size_t Total() const { return rows + wide + panel + line + sums + strip; }
};
MatmulScratch MatmulScratchOf(const MatmulArgs& args);
inline size_t MatmulScratchBytes(const MatmulArgs& args) {
  return MatmulScratchOf(args).Total();
}

extern const Kernel matmul_kernel;
// The panels of one y: in = {y}, out = {their memory}; units: NumPanels().
extern const Kernel matmul_pack_kernel;
Status MatmulScalar(const KernelCall& call, int64_t unit);
Status MatmulPackScalar(const KernelCall& call, int64_t unit);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_GEMM_MATMUL_H_
