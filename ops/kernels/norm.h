// Kernels of normalisations of float16 and float32 tensors (P11): batch with
// constant statistics, groups of whole rows (layer, RMS, instance, group), and
// across channels (LRN). Lp and mean-variance go to the reference in
// ops/norm.cc.
#ifndef ANEREF_OPS_KERNELS_NORM_H_
#define ANEREF_OPS_KERNELS_NORM_H_

#include <cstdint>

#include "ops/kernels/kernel.h"

namespace aneref {

// y = x * a + b with a = scale / sqrt(var + eps), b = bias - mean * a.
// in: x, scale [C], bias [C], mean [C], variance [C]. out: y.
struct BatchNormArgs {
  float epsilon = 0.0f;
  int64_t channels = 1;
  int64_t rows_per_channel = 1;  // rows of x that belong to one channel
  bool channels_are_columns =
      false;  // x is [N, C]: the last axis is the channel
  int64_t rows_per_unit = 1;
};
extern const Kernel kBatchNormKernel;
inline size_t BatchNormScratch(const BatchNormArgs& args) {
  return args.channels_are_columns
             ? 2 * static_cast<size_t>(args.channels) * sizeof(float)
             : 0;
}

// Each run of `rows_per_group` rows is normalised on its own.
// in: x, scale, bias (the last two may be absent). out: y, mean, 1 / deviation
// (the last two may be absent; one element per group, flat).
struct GroupNormArgs {
  float epsilon = 0.0f;
  bool subtract_mean = true;  // false: RMS
  int64_t num_groups = 1;
  int64_t groups_per_unit = 1;
  int64_t rows_per_group = 1;
  int64_t width = 1;
  bool per_element = false;  // scale and bias have one element per element of a
                             // group, the same rows
  // Otherwise row r of group g has scale and bias (g mod group_period) *
  // group_step + r / rows_per_step.
  int64_t group_period = 1;
  int64_t group_step = 1;
  int64_t rows_per_step = 1;
};
extern const Kernel kGroupNormKernel;
inline size_t GroupNormScratch(const GroupNormArgs& args) {
  return args.per_element
             ? 2 * static_cast<size_t>(args.rows_per_group * args.width) *
                   sizeof(float)
             : 0;
}

// y = x / (k + alpha / size * sum of squares of `size` channels around)^beta;
// the sum ascends in channels. in: x [N, C, rows, width]. out: y. An item is
// one row of all channels.
struct LrnArgs {
  int64_t size = 1;
  float alpha = 0.0f;
  float beta = 0.0f;
  float k = 0.0f;
  int64_t channels = 1;
  int64_t rows_per_channel = 1;
  int64_t num_items = 1;
  int64_t items_per_unit = 1;
  int64_t width = 1;
  float Step() const { return alpha / static_cast<float>(size); }
};
extern const Kernel kLrnKernel;
inline size_t LrnScratch(const LrnArgs& args) {
  return static_cast<size_t>(3 * args.channels * args.width) * sizeof(float);
}
// RN32(Pow(base, beta)).
float LrnPower(float base, float beta);
// The same bits, quickly for beta 0.75: two square roots in double. No positive
// float's power lies within 2^-50 of the middle of two floats, and the roots
// and Pow (P7) agree on all 2^31 of them, which was computed; the test takes a
// part.
inline constexpr float kLrnRootsBeta = 0.75f;
float FastLrnPower(float base, float beta);

}  // namespace aneref

#endif  // ANEREF_OPS_KERNELS_NORM_H_
