// What plain and transposed convolutions agree on: extents, the type of the
// result, and the walk over all outputs that their references make. Not the
// window rules (spatial.h), and not the sums, which differ.
#ifndef ANEREF_OPS_CONV_SHAPE_H_
#define ANEREF_OPS_CONV_SHAPE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ops/spatial.h"
#include "runtime/core/tensor.h"

namespace aneref {

struct ConvShape {
  int64_t batch = 0;
  int64_t groups = 1;
  int64_t in_channels = 0;       // per group
  int64_t out_channels = 0;      // per group
  std::vector<WindowAxis> axes;  // outermost first; 1 to 3

  // Kernel positions of all axes.
  int64_t NumPositions() const {
    int64_t positions = 1;
    for (const WindowAxis& axis : axes) positions *= axis.kernel;
    return positions;
  }
};

// [batch, channels of all groups, spatial extents ...]; kLimit when too large.
Expected<std::vector<TensorType>> ConvResult(DataType dtype,
                                             const ConvShape& shape);

// The same convolution over depth, row and column; axes it lacks have extent 1.
ConvShape InThreeAxes(ConvShape shape);

// Row and column axis of a convolution over one or two axes.
struct PlaneAxes {
  WindowAxis row, column;
};
PlaneAxes PlaneOf(const ConvShape& shape);

// One output element and where its operands lie, on dense tensors.
struct ConvOutput {
  size_t index = 0;         // of the result
  int64_t channel = 0;      // of all groups
  int64_t first_input = 0;  // element: the first input channel's plane
  int64_t at[3] = {};       // depth, row, column
};

// Calls visit(ConvOutput) for every output; `shape` has three axes.
template <class Visit>
void ForEachOutput(const ConvShape& shape, const Visit& visit) {
  const WindowAxis &d = shape.axes[0], &h = shape.axes[1], &w = shape.axes[2];
  const int64_t in_size = shape.in_channels * d.in * h.in * w.in;
  const int64_t pixels = d.out * h.out * w.out;
  const int64_t channels = shape.groups * shape.out_channels;
  const int64_t outputs = shape.batch * channels * pixels;
  for (int64_t i = 0; i < outputs; ++i) {
    const int64_t pixel = i % pixels, plane = i / pixels;
    visit(ConvOutput{
        static_cast<size_t>(i),
        plane % channels,
        plane / shape.out_channels * in_size,
        {pixel / (h.out * w.out), pixel / w.out % h.out, pixel % w.out}});
  }
}

}  // namespace aneref

#endif  // ANEREF_OPS_CONV_SHAPE_H_
