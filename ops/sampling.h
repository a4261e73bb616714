// The kinds of the family `sampling`, one pair of functions each: sampling.cc
// joins them. Not for other families.
#ifndef ANEREF_OPS_SAMPLING_H_
#define ANEREF_OPS_SAMPLING_H_

#include <array>
#include <string>
#include <vector>

#include "ops/op.h"
#include "ops/spatial.h"

namespace aneref {

struct SamplingKindDef {
  Expected<std::vector<TensorType>> (*infer)(const OpView& op);
  Status (*reference)(const OpView& op, const RefTensors& tensors);
};

// Interpolated at computed coordinates (sampling_grid.cc, sampling_window.cc).
extern const SamplingKindDef kGridSample;
extern const SamplingKindDef kAffineGrid;
extern const SamplingKindDef kRoiAlign;
extern const SamplingKindDef kDeformConv;
// Placed or moved whole (sampling_place.cc).
extern const SamplingKindDef kMaxUnpool;
extern const SamplingKindDef kColToImage;
extern const SamplingKindDef kCenterCropPad;
extern const SamplingKindDef kReverseSequence;
extern const SamplingKindDef kDeterminant;

// kShape unless input `i` has floating elements, and this rank (-1: any).
inline Status RequireFloating(const OpView& op, size_t i, int rank = -1) {
  const TensorType& type = op.In(i);
  if (IsFloating(type.dtype) &&
      (rank < 0 || type.shape.rank() == static_cast<size_t>(rank)))
    return Status();
  return ShapeError("input " + std::to_string(i) + " is " + type.ToString() +
                    (rank < 0
                         ? ", floating elements are needed"
                         : ", rank " + std::to_string(rank) + " is needed"));
}

// The sum of values at the four neighbours of (y, x), weighted by nearness, of
// a map of `height` rows of `width`; neighbours outside count as 0.
double SampleBilinear(const double* map, int64_t height, int64_t width,
                      double y, double x);

// deform_conv: inputs x, weight, offset, bias, mask.
struct DeformGeometry {
  std::vector<WindowAxis> window;
  int64_t groups = 1;
  int64_t offset_groups = 1;
  int64_t taps = 1;  // kernel positions
};
Expected<DeformGeometry> DeformGeometryOf(const OpView& op, const Shape& x,
                                          const Shape& weight);

// Output (image, row, column): what its taps see, [channel][tap], and, where
// there is a mask, its element for each of them.
struct DeformColumn {
  std::vector<double> samples;
  std::vector<size_t> mask_at;
};
DeformColumn DeformColumnAt(const DeformGeometry& geometry,
                            const std::vector<double>& values,
                            const std::vector<double>& offset, const Shape& x,
                            const Shape& weight,
                            const std::array<int64_t, 3>& at);

}  // namespace aneref

#endif  // ANEREF_OPS_SAMPLING_H_
