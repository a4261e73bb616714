// Movement whose places come from data: slices picked by index tuples (gather,
// gather_nd) and single elements (gather_elements). Indices are checked before
// they are used; nothing is read out of bounds. Bits are copied (P15).
#ifndef ANEREF_OPS_KERNELS_MOVE_GATHER_H_
#define ANEREF_OPS_KERNELS_MOVE_GATHER_H_

#include <array>
#include <cstdint>

#include "ops/kernels/kernel.h"

namespace aneref {

// An element of integer tensor `indices`, at (row, column) or at a row-major
// position, made to count from the front of an axis of `extent`.
// kInvalidArgument when it is outside [-extent, extent); names the index, its
// position and the range.
Expected<int64_t> ReadIndex(const TensorView& indices, int64_t row,
                            int64_t column, int64_t extent);
Expected<int64_t> ReadIndex(const TensorView& indices, int64_t position,
                            int64_t extent);

// Inputs x, indices; output 0. x is [batches, extents..., slice...]; slice s of
// the output is the one that the s-th tuple names, in batch s /
// tuples_per_batch. Tuples are `depth` consecutive indices.
struct GatherSlicesArgs {
  int64_t tuples_per_batch = 1;
  // Every batch reads the same tuples (gather), else each its own (gather_nd).
  bool shared_tuples = false;
  size_t depth = 1;
  std::array<int64_t, kMaxRank> extents{};  // of the indexed axes
  // Rows of one slice; 0: a slice is one element of a row.
  int64_t slice_rows = 0;
  int64_t units = 0;
  int64_t rows_per_unit = 1;  // of the output, or elements where slices are
};
extern const Kernel kGatherSlicesKernel;

// Sets units and rows_per_unit; the other fields must be set.
void CutGatherUnits(const TensorType& out, GatherSlicesArgs* args);

// Inputs x, indices; the output has the shape of indices: out[..., i, ...] =
// x[..., indices[..., i, ...], ...] along `axis`.
struct GatherElementsArgs {
  size_t axis = 0;
  int64_t units = 0;
  int64_t rows_per_unit = 1;
};
extern const Kernel kGatherElementsKernel;

void CutGatherUnits(const TensorType& out, GatherElementsArgs* args);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_MOVE_GATHER_H_
