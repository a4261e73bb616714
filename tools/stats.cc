// Rows are converted one after the other, so that memory stays small.
#include "tools/stats.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "runtime/core/convert.h"

namespace aneref::tool {
namespace {

template <class Body>
void ForEachRow(const TensorView& view, const Body& body) {
  if (view.shape.NumElements() == 0) return;
  std::vector<double> row(static_cast<size_t>(view.width()));
  for (int64_t i = 0; i < view.num_rows(); ++i) {
    ConvertElements(view.dtype, view.Row<std::byte>(i), DataType::kFloat64,
                    row.data(), row.size());
    body(std::span<const double>(row));
  }
}

uint64_t Fnv(std::span<const std::byte> bytes, uint64_t hash) {
  for (const std::byte b : bytes) {
    hash = (hash ^ static_cast<uint64_t>(b)) * 0x100000001B3u;
  }
  return hash;
}

}  // namespace

Stats ComputeStats(const TensorView& view) {
  Stats stats;
  stats.min = std::numeric_limits<double>::infinity();
  stats.max = -stats.min;
  ForEachRow(view, [&](std::span<const double> row) {
    for (const double value : row) {
      if (!std::isfinite(value)) {
        ++stats.nonfinite;
        continue;
      }
      stats.min = std::min(stats.min, value);
      stats.max = std::max(stats.max, value);
    }
  });
  if (stats.min > stats.max) {
    stats.min = stats.max = std::numeric_limits<double>::quiet_NaN();
  }
  return stats;
}

std::vector<double> ToDoubles(const TensorView& view) {
  std::vector<double> values;
  ForEachRow(view, [&](std::span<const double> row) {
    values.insert(values.end(), row.begin(), row.end());
  });
  return values;
}

uint64_t Digest(const TensorView& view, uint64_t seed) {
  std::vector<int64_t> head = view.shape.ToVector();
  head.push_back(static_cast<int64_t>(view.dtype));
  uint64_t hash = Fnv(std::as_bytes(std::span(head)), seed);
  if (view.shape.NumElements() == 0) return hash;
  const size_t row_bytes =
      static_cast<size_t>(view.width()) * ElementSize(view.dtype);
  for (int64_t i = 0; i < view.num_rows(); ++i) {
    hash = Fnv({view.Row<std::byte>(i), row_bytes}, hash);
  }
  return hash;
}

}  // namespace aneref::tool
