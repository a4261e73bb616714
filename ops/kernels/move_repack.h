// Reshape between surfaces: the same stream of elements, row major, cut into
// rows of another width. Bits are copied (P15). Not for reordering.
#ifndef ANEREF_OPS_KERNELS_MOVE_REPACK_H_
#define ANEREF_OPS_KERNELS_MOVE_REPACK_H_

#include <cstdint>

#include "ops/kernels/kernel.h"

namespace aneref {

struct RepackArgs {
  int64_t elements = 0;
  int64_t elements_per_unit = 1;
};
// Input 0 and output 0 have `elements` elements of one size and any pitch; they
// are the same memory or do not overlap. When they are the same memory their
// types must be equal.
extern const Kernel kRepackKernel;

// Units are whole rows of the output where rows are short.
RepackArgs MakeRepackArgs(const TensorType& out);
int64_t RepackUnits(const RepackArgs& args);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_MOVE_REPACK_H_
