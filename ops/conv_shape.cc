// See conv_shape.h.
#include "ops/conv_shape.h"

#include <utility>

namespace aneref {
namespace {

WindowAxis OneElement() {
  WindowAxis axis;
  axis.in = axis.out = 1;
  return axis;
}

}  // namespace

Expected<std::vector<TensorType>> ConvResult(DataType dtype,
                                             const ConvShape& shape) {
  std::vector<int64_t> dims = {shape.batch, shape.groups * shape.out_channels};
  for (const WindowAxis& axis : shape.axes) dims.push_back(axis.out);
  ANEREF_ASSIGN(const Shape result, MakeShape(dims));
  return std::vector<TensorType>{{dtype, result}};
}

ConvShape InThreeAxes(ConvShape shape) {
  while (shape.axes.size() < 3)
    shape.axes.insert(shape.axes.begin(), OneElement());
  return shape;
}

PlaneAxes PlaneOf(const ConvShape& shape) {
  return {shape.axes.size() == 2 ? shape.axes[0] : OneElement(),
          shape.axes.back()};
}

}  // namespace aneref
