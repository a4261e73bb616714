// How far two tensors of one shape are apart, in every measure that people ask
// for. Pure arithmetic: no tolerance (compare_mode.h), no reasons (blame.h).
// `b` is the reference: relative errors and the PSNR refer to its magnitude.
#ifndef ANEREF_RUNTIME_EXPLAIN_METRICS_H_
#define ANEREF_RUNTIME_EXPLAIN_METRICS_H_

#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include "runtime/explain/tensor_set.h"

namespace aneref {

// Distances 0, 1, 2, 3-4, 5-8 ... 513-1024, more, and pairs of which one is
// finite and the other is not.
inline constexpr size_t kNumUlpBins = 14;
const char* UlpBinName(size_t bin);

// One element as both sides hold it.
struct ElementPair {
  int64_t index = -1;  // flat, row major; -1: there is none
  double a = 0;
  double b = 0;
  uint64_t bits_a = 0;
  uint64_t bits_b = 0;
};

struct TensorMetrics {
  int64_t elements = 0;
  int64_t equal = 0;   // same value; NaN equals NaN, +0 equals -0
  double max_abs = 0;  // over pairs of finite values, as the next ones
  double max_rel = 0;  // |a - b| / |b|; infinite where only b is 0
  double mean_abs = 0;
  // Distance in units in the last place of the coarser of both types; integers:
  // the difference.
  int64_t max_ulp = 0;
  DataType ulp_type = DataType::kFloat16;
  std::array<int64_t, kNumUlpBins> ulp_histogram{};
  double psnr_db = std::numeric_limits<double>::infinity();
  double cosine = 1;  // NaN when a side is all zero
  int64_t nonfinite_a = 0;
  int64_t nonfinite_b = 0;
  // Pairs with different kinds of values: finite, +inf, -inf, NaN.
  int64_t class_differs = 0;
  // Arg-max along the last axis that is longer than 1.
  int64_t decisions = 0;
  int64_t decisions_differ = 0;
  ElementPair worst;  // class differences first, then the largest |a - b|
};

// Shapes must be equal.
TensorMetrics ComputeMetrics(const OwnedTensor& a, const OwnedTensor& b);

// Whether two values count as equal (see `equal`).
bool SameValue(double a, double b);

// fp16 units between two values, both rounded to fp16; NaN is as far from a
// number as any two can be.
int64_t HalfUlps(double a, double b);

// "[1, 3, 0, 7]" for a flat index.
std::string IndexText(const Shape& shape, int64_t index);
// Hexadecimal, as many digits as the type has.
std::string BitsText(DataType type, uint64_t bits);

}  // namespace aneref

#endif  // ANEREF_RUNTIME_EXPLAIN_METRICS_H_
