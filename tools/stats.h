// What people first ask of a tensor: range, non-finite values, digest.
#ifndef ANEREF_TOOLS_STATS_H_
#define ANEREF_TOOLS_STATS_H_

#include <cstdint>
#include <vector>

#include "runtime/core/tensor.h"

namespace aneref::tool {

struct Stats {
  double min = 0;  // over the finite values; NaN when there is none
  double max = 0;
  int64_t nonfinite = 0;
};
Stats ComputeStats(const TensorView& view);

// All elements as double (64-bit integers round).
std::vector<double> ToDoubles(const TensorView& view);

// FNV-1a, 64 bits, over type, shape and dense elements; `seed` chains tensors.
inline constexpr uint64_t kDigestSeed = 0xCBF29CE484222325u;
uint64_t Digest(const TensorView& view, uint64_t seed);

}  // namespace aneref::tool

#endif  // ANEREF_TOOLS_STATS_H_
