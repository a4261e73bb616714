// Packing of weights into the panels of the GEMM family (gemm.h): once, when a
// session is made.
#ifndef ANEREF_OPS_KERNELS_PACK_H_
#define ANEREF_OPS_KERNELS_PACK_H_

#include <cstddef>
#include <cstdint>

#include "ops/kernels/gemm.h"

namespace aneref {

// Rows of elements of two bytes that become columns of a panel.
struct PanelSource {
  const uint16_t* rows = nullptr;
  int64_t stride = 0;    // elements from row to row
  int64_t num_rows = 0;  // at most kPanelWidth; the others are zeros
  int64_t num_columns = 0;
};

// panel[place[j] * kPanelWidth + i] = rows[i * stride + j]; columns whose place
// is negative are left out.
void TransposeToPanel(const PanelSource& source, const int64_t* place,
                      uint16_t* panel);
// The same one element at a time.
void TransposeToPanelScalar(const PanelSource& source, const int64_t* place,
                            uint16_t* panel);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_PACK_H_
