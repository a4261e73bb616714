// The rule of slice_by_index and slice_update: which positions of each axis are
// meant. Bounds may be computed before the run or in it.
#ifndef ANEREF_RUNTIME_IMPORT_COREML_MIL_SLICES_H_
#define ANEREF_RUNTIME_IMPORT_COREML_MIL_SLICES_H_

#include "runtime/import/coreml/mil/lowering.h"

namespace aneref::coreml::mil {

struct SliceBounds {
  size_t rank = 0;
  int32_t begin = -1;  // tensors [rank]
  int32_t end = -1;
  std::vector<int64_t> stride;
  std::vector<bool> open_begin, open_end, squeezed;
  std::vector<int32_t> squeezed_axes;
};

// Reads begin, end, stride and the masks for an x of `rank` axes.
SliceBounds ReadSlice(Lowering& node, size_t rank);

}  // namespace aneref::coreml::mil

#endif  // ANEREF_RUNTIME_IMPORT_COREML_MIL_SLICES_H_
