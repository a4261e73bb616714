// The numbers of one convolution that the engine model needs. Plain data, no
// rules: made by the planner from an op, or by hand in tests. Matrix products
// with constant weights are 1x1 convolutions here (E10).
#ifndef ANEREF_RUNTIME_PLAN_ENGINE_GEOMETRY_H_
#define ANEREF_RUNTIME_PLAN_ENGINE_GEOMETRY_H_

#include <cstdint>

namespace aneref::engine {

// One value per spatial axis.
struct Axes3 {
  int64_t d = 1;
  int64_t h = 1;
  int64_t w = 1;
};

constexpr int64_t Volume(const Axes3& axes) { return axes.d * axes.h * axes.w; }

// All extents are at least 1, and groups divides cin and cout.
struct ConvGeometry {
  int64_t batch = 1;
  int64_t cin = 1;
  int64_t cout = 1;
  int64_t groups = 1;
  Axes3 kernel;
  Axes3 stride;
  Axes3 dilation;
  Axes3 in;                  // spatial extents of the input, without padding
  Axes3 out;                 // spatial extents of the output
  int64_t weight_bytes = 2;  // per weight: 2 (fp16) or 1 (int8 times int8)
  bool sparse = false;       // weights are stored as mask and values

  int64_t taps() const { return Volume(kernel); }
  int64_t cin_per_group() const { return cin / groups; }
  bool depthwise() const { return groups > 1 && cin == groups; }
  bool strided() const { return Volume(stride) != 1; }
  bool dilated() const { return Volume(dilation) != 1; }
};

}  // namespace aneref::engine

#endif  // ANEREF_RUNTIME_PLAN_ENGINE_GEOMETRY_H_
