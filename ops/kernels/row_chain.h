// A matrix product, ops that take its rows one by one, and a product of what
// comes out: attention. Computed band by band of rows, so that everything
// between the products stays in a cache and never crosses memory. Each stage is
// a kernel of its own on a band of its rows, hence every bit is that of the ops
// one by one.
#ifndef ANEREF_OPS_KERNELS_ROW_CHAIN_H_
#define ANEREF_OPS_KERNELS_ROW_CHAIN_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "ops/kernels/gemm_matmul.h"
#include "ops/kernels/kernel.h"

namespace aneref {

// One kernel on a band of rows, as it is called for a whole band ([0]) and for
// a last one of fewer rows ([1]; unset where there is none).
struct RowStage {
  const Kernel* kernel = nullptr;
  struct Call {
    std::shared_ptr<const void> args;
    int64_t num_units = 0;
  };
  std::array<Call, 2> calls;
};

struct RowChainArgs {
  // between[b][m][c] = sum over k of in[0][b][m][k] * in[1][b][k][c];
  // out[0][b][m][n] = sum over c of f(between)[b][m][c] * in[2][b][c][n].
  struct Product {
    std::vector<int64_t> batch;  // extents of the batch axes
    MatrixLayout y;
    MatmulArgs pack;  // of one y
    RowStage multiply;
    size_t PackedBytes(DataType type) const;
  };
  Product first, second;
  MatrixLayout x, out;  // of the first and of the second
  // f: stages that rewrite the band in place.
  struct Between {
    RowStage stage;
    // Position in the call of the kernel's other operand, -1 for none; it is
    // the kernel's first operand where `comes_first`.
    int operand = -1;
    bool comes_first = false;
    MatrixLayout layout;  // of the operand; its batch axes are those of `first`
  };
  std::vector<Between> between;

  int64_t matrices = 0;
  int64_t rows = 0;
  int64_t columns = 0;  // of the band
  int64_t rows_per_band = 0;
  int64_t bands_per_unit = 0;
  size_t scratch_bytes = 0;  // of a stage

  int64_t NumBands() const { return DivideUp(rows, rows_per_band); }
  int64_t NumUnits() const {
    return matrices * DivideUp(NumBands(), bands_per_unit);
  }
};

// Bytes from row to row of a band: whole cache lines, an odd number of them, so
// that the rows of a tile use different L1 sets.
size_t RowChainPitch(int64_t columns, DataType type);

// in = {x, y, second y, other operands of the stages}, out = {result}; one
// element type.
size_t RowChainScratchBytes(const RowChainArgs& args, DataType type);
extern const Kernel row_chain_kernel;

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_ROW_CHAIN_H_
