// Whole tensors as doubles, for references whose rule is P17: every step in
// double, one rounding at the end. Not for kernels, and not for ops whose rule
// names a narrower order of sums.
#ifndef ANEREF_OPS_DOUBLES_H_
#define ANEREF_OPS_DOUBLES_H_

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/op.h"
#include "runtime/core/convert.h"

namespace aneref {

// All elements, row major.
inline std::vector<double> LoadDoubles(const TensorView& view) {
  std::vector<double> values(static_cast<size_t>(view.shape.NumElements()));
  if (values.empty()) return values;
  const auto width = static_cast<size_t>(view.width());
  for (int64_t row = 0; row < view.num_rows(); ++row) {
    ConvertElements(view.dtype, view.Row<std::byte>(row), DataType::kFloat64,
                    values.data() + static_cast<size_t>(row) * width, width);
  }
  return values;
}

// Rounds once to the view's type: RNE, finite values saturate in fp16 (P2), NaN
// is the canonical one (P15).
inline void StoreDoubles(std::vector<double> values, const TensorView& view) {
  if (values.empty()) return;
  constexpr double kHalfRange = 65504.0;
  for (double& value : values) {
    if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
    if (view.dtype == DataType::kFloat16 && std::isfinite(value))
      value = std::clamp(value, -kHalfRange, kHalfRange);
  }
  const auto width = static_cast<size_t>(view.width());
  for (int64_t row = 0; row < view.num_rows(); ++row) {
    ConvertElements(DataType::kFloat64,
                    values.data() + static_cast<size_t>(row) * width,
                    view.dtype, view.Row<std::byte>(row), width);
  }
}

}  // namespace aneref

#endif  // ANEREF_OPS_DOUBLES_H_
