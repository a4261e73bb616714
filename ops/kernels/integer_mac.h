// Products of 8-bit integers with zero points, sums modulo 2^32 (P13, P18):
// convolution and matrix product. The order of a sum does not matter, so twins
// differ in nothing but the lanes of one row operation. Not the engine's int8
// sums, which stop at an overflow (N65).
#ifndef ANEREF_OPS_KERNELS_INTEGER_MAC_H_
#define ANEREF_OPS_KERNELS_INTEGER_MAC_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/kernels/kernel.h"

namespace aneref {

// One spatial axis: output o reads o * stride - pad_begin + k * dilation.
struct IntegerAxis {
  int64_t in = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad_begin = 0;
  int64_t out = 1;
};

// The outputs in [begin, end) whose tap k lies inside the input.
struct OutputSpan {
  int64_t begin = 0, end = 0;
};
OutputSpan OutputsInside(const IntegerAxis& axis, int64_t k);

struct IntegerConvShape {
  int64_t batch = 0, groups = 1;
  int64_t in_channels = 0, out_channels = 0;  // per group
  std::array<IntegerAxis, 3> axes;            // outermost first
};

struct IntegerMatmulShape {
  int64_t rows = 1, depth = 1, columns = 1;
  Shape x_batch, w_batch, batch;  // leading axes
};
// Which of the matrices of `shape` product number `n` of `batch` reads.
int64_t MatrixIndex(const Shape& shape, const Shape& batch, int64_t n);

// Value of line `line` of matrix `batch`: the list has one value, one per line,
// or one per line of every matrix.
template <class T>
T PerLine(const std::vector<T>& values, int64_t lines, int64_t batch,
          int64_t line) {
  if (values.size() == 1) return values[0];
  if (values.size() == static_cast<size_t>(lines))
    return values[static_cast<size_t>(line)];
  return values[static_cast<size_t>(batch * lines + line)];
}

struct IntegerMacArgs {
  bool is_conv = false;
  bool is_quantized = false;  // scales, and an 8-bit result
  IntegerConvShape conv;
  IntegerMatmulShape matmul;
  // Known scales as the file stores them; empty: read in the run.
  std::vector<float> x_scale, w_scale, y_scale;
  int64_t block = 1;  // output channels or rows of a unit

  int64_t NumUnits() const;
};

// in = {x, w, x zero, w zero, x scale, w scale, y scale, y zero, bias}, out =
// {y}; zero points, scales and the bias are optional.
inline constexpr size_t kNumIntegerMacOperands = 9;
extern const Kernel integer_mac_kernel;

// Chooses `block`.
void PlanIntegerMac(IntegerMacArgs* args);

// Two rows of 16-bit integers, element by element, and a factor for each:
// sum[i] += factor[0] * pairs[2 i] + factor[1] * pairs[2 i + 1], modulo 2^32,
// for kIntegerPairs of them at once.
inline constexpr size_t kIntegerPairs = 2;
struct IntegerRows {
  const int16_t* pairs[kIntegerPairs];
  int16_t factor[kIntegerPairs][2];
  size_t count = 0;
};
using AddIntegerRowsFunction = void (*)(const IntegerRows& rows, int32_t* sum);
void AddIntegerRowsScalar(const IntegerRows& rows, int32_t* sum);
void AddIntegerRowsSimd(const IntegerRows& rows, int32_t* sum);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_INTEGER_MAC_H_
